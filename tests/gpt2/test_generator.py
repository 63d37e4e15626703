"""Generation: two engines that agree, reproducible samples, clean text, settings that count."""

import io
import itertools
import json
import shutil
from pathlib import Path

import ctranslate2
import numpy as np
import pandas as pd
import pytest
import zstandard

from botlib import model_files
from botlib.errors import BotlibError
from botlib.gpt2.generator import COLUMNS, Decoder, Generator, clean_reply
from botlib.settings import GenerateSettings
from botlib.workspace import Workspace
from tests.gpt2.conftest import ROOT, pairs, python

COMMENTS = [
    "My cat eats figs on day 3. Is that fine?",
    "My bee eats soup on day 900. Is that fine?",
]

REFERENCE = """
import json, sys
import numpy as np
from botlib.gpt2.generator import Decoder, Generator
run, out = sys.argv[1:]
comments = json.load(open(out + ".json"))
reference = Generator(run, engine="gpt-2-simple", threads=1)
drawn = reference.generate(comments, 1, Decoder(temperature=0, min_tokens=0, max_tokens=24), seed=0)
sampled = reference.generate(comments[:2], 3, Decoder(max_tokens=10), seed=0)
assert len(sampled) == 6 and sampled["tokens"].max() <= 10, sampled
scores = reference.score(comments[:5], drawn["reply"][:5])
from botlib.data.pairs.text import prompt
ids = reference.engine.vocabulary.encode([prompt(comments[0])])[0]
np.savez(out, logits=reference.engine.logits_of(ids), ids=ids, scores=scores["log_prob"])
drawn.to_json(out + ".replies.json", orient="records")
"""


@pytest.fixture(scope="module")
def generator(gpt2_run: Path) -> Generator:
    return Generator(gpt2_run, compute_type="float32", threads=2)


def hundred_comments() -> list[str]:
    """Real ones where they are, else made up."""
    path = ROOT.parent / "shared" / "data" / "reddit_college" / "College_comments.zst"
    if not path.is_file():
        return list(pairs(100, seed=9)["comment"])
    with path.open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")
        bodies = (json.loads(line)["body"] for line in lines)
        return list(itertools.islice((b for b in bodies if 20 < len(b) < 400), 100))


@pytest.fixture(scope="module")
def reference(gpt2_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("reference") / "out.npz"
    comments = hundred_comments()
    Path(f"{out}.json").write_text(json.dumps(comments), encoding="utf-8")
    python(REFERENCE, gpt2_run, out)
    with np.load(out) as arrays:
        found = dict(arrays)
    return found | {"comments": comments, "replies": pd.read_json(f"{out}.replies.json")}


def test_the_table_has_one_row_a_sample_in_order(generator: Generator) -> None:
    drawn = generator.generate(COMMENTS, 3, Decoder(max_tokens=24))
    assert list(drawn.columns) == list(COLUMNS)
    assert list(drawn["comment_index"]) == [0, 0, 0, 1, 1, 1]
    assert list(drawn["sample"]) == [0, 1, 2, 0, 1, 2]
    assert drawn["tokens"].max() <= 24
    assert drawn["finished"].any(), "a trained model ends its replies by itself"


def test_both_engines_give_the_same_greedy_replies(generator: Generator, reference: dict) -> None:
    greedy = Decoder(temperature=0, min_tokens=0, max_tokens=24)
    ours = generator.generate(reference["comments"], 1, greedy)
    pd.testing.assert_frame_equal(
        ours[["reply", "tokens", "finished"]],
        reference["replies"][["reply", "tokens", "finished"]],
        check_dtype=False,
    )
    np.testing.assert_allclose(ours["log_prob"], reference["replies"]["log_prob"], atol=1e-3)


def test_logits_agree_with_gpt_2_simple(generator: Generator, reference: dict) -> None:
    import ctranslate2

    names = generator.engine.vocabulary.names([int(i) for i in reference["ids"]])
    model = ctranslate2.Generator(str(generator.engine.folder), compute_type="float32")
    tokens = ctranslate2.StorageView.from_array(reference["ids"][None].astype(np.int32))
    lengths = ctranslate2.StorageView.from_array(np.array([len(names)], dtype=np.int32))
    logits = np.array(model.forward_batch(tokens, lengths, return_log_probs=True))[0]
    np.testing.assert_allclose(logits, reference["logits"], atol=1e-3)


def test_scores_agree_with_gpt_2_simple(generator: Generator, reference: dict) -> None:
    scores = generator.score(reference["comments"][:5], reference["replies"]["reply"][:5])
    np.testing.assert_allclose(scores["log_prob"], reference["scores"], atol=1e-3)


def test_a_reply_scores_what_it_was_drawn_with(generator: Generator) -> None:
    comments = list(pairs(20, seed=2)["comment"])
    drawn = generator.generate(comments, 5, Decoder(min_tokens=0, max_tokens=60))
    scores = generator.score([comments[i] for i in drawn["comment_index"]], drawn["reply"])
    # A text can be spelt in other tokens than the model chose; one that isn't scores the same
    same = drawn["finished"] & (scores["tokens"] == drawn["tokens"] + 1)
    assert same.any()
    np.testing.assert_allclose(scores["log_prob"][same], drawn["log_prob"][same], atol=1e-3)


def test_replies_come_as_they_end_and_score_what_they_were_drawn_with(gpt2_run: Path) -> None:
    generator = Generator(gpt2_run, compute_type="float32", threads=1)
    decoder = Decoder(max_tokens=60, min_tokens=0)
    rows = [row for part in generator.as_they_end(COMMENTS[0], 9, decoder) for row in part]
    assert [row["sample"] for row in rows] == list(range(9))
    lengths = [row["tokens"] for row in rows]
    assert lengths == sorted(lengths) and len(set(lengths)) > 1
    scores = generator.score([COMMENTS[0]] * 9, [row["reply"] for row in rows])
    same = [
        r["finished"] and r["tokens"] + 1 == n for r, n in zip(rows, scores["tokens"], strict=True)
    ]
    assert any(same)
    drawn = np.array([row["log_prob"] for row in rows])
    np.testing.assert_allclose(scores["log_prob"][same], drawn[same], atol=1e-3)


def test_who_stops_reading_stops_the_writing(gpt2_run: Path) -> None:
    class Spy:
        def __init__(self, model: ctranslate2.Generator) -> None:
            self.model, self.answers = model, []

        def generate_batch(self, prompts: list, callback, **options) -> list:
            def answer(step) -> bool:
                self.answers.append(callback(step))
                return self.answers[-1]

            self.jobs = self.model.generate_batch(prompts, callback=answer, **options)
            return self.jobs

    generator = Generator(gpt2_run, threads=1)
    parts = generator.as_they_end(COMMENTS[0], 30, Decoder(max_tokens=80, min_tokens=0))
    generator.engine._draw_from(None)
    spy = Spy(generator.engine._models[0])
    generator.engine._models = [spy]
    next(parts)
    parts.close()
    spy.jobs[0].result()
    assert spy.answers[0] is False and spy.answers[-1] is True
    assert len(spy.answers) < 30 * 50


def test_a_process_may_end_while_replies_are_written(gpt2_run: Path) -> None:
    code = """
import sys
from botlib.gpt2.generator import Decoder, Generator
generator = Generator(sys.argv[1], threads=2)
for part in (parts := generator.as_they_end("Hello?", 30, Decoder(max_tokens=80))):
    print(len(part) > 0)
    break
"""
    done = python(code, gpt2_run)
    assert done.stdout.split() == ["True"] and "terminate" not in done.stderr


def test_a_greedy_decoder_has_one_reply_for_all(generator: Generator) -> None:
    greedy = Decoder(temperature=0, min_tokens=0, max_tokens=24)
    (rows,) = generator.as_they_end(COMMENTS[0], 3, greedy)
    assert len(rows) == 3 and len({row["reply"] for row in rows}) == 1
    assert rows[0]["reply"] == generator.generate(COMMENTS[:1], 1, greedy)["reply"][0]


def test_a_trained_run_declares_what_generating_needs(gpt2_run: Path) -> None:
    assert (gpt2_run / model_files.FILE).is_file()
    parts = {f"ctranslate2/{path.name}" for path in (gpt2_run / "ctranslate2").iterdir()}
    assert set(model_files.needed(gpt2_run, "gpt2")) == parts


def test_a_seed_gives_the_same_replies_again(gpt2_run: Path) -> None:
    comments = list(pairs(12, seed=5)["comment"])
    first, second = (Generator(gpt2_run, threads=2) for _ in range(2))
    drawn = first.generate(comments, 4, seed=3)
    pd.testing.assert_frame_equal(drawn, second.generate(comments, 4, seed=3))
    pd.testing.assert_frame_equal(drawn, first.generate(comments, 4, seed=3))
    assert not drawn["reply"].equals(first.generate(comments, 4, seed=4)["reply"])
    free = [first.generate(comments, 4, seed=None)["reply"] for _ in range(2)]
    assert not free[0].equals(free[1])


def test_decoders_are_mixed_by_sample(generator: Generator) -> None:
    mixed = [Decoder(top_k=20, max_tokens=8), Decoder(temperature=1.0, top_p=0.9, max_tokens=8)]
    drawn = generator.generate(COMMENTS, 3, mixed)
    assert list(drawn["top_k"]) == [20, 40, 20] * 2
    assert list(drawn["top_p"]) == [1.0, 0.9, 1.0] * 2


def test_banned_strings_and_least_lengths_hold(generator: Generator) -> None:
    free = generator.generate(COMMENTS, 8, Decoder(max_tokens=24))
    assert free["reply"].str.contains("may").any()
    bound = Decoder(max_tokens=24, banned=("may",), min_tokens=12)
    drawn = generator.generate(COMMENTS, 8, bound)
    assert not drawn["reply"].str.contains("may").any()
    assert drawn["tokens"].min() >= 12


def test_a_long_comment_is_cut_from_the_left_and_the_reply_is_not(generator: Generator) -> None:
    long = "Never mind. " * 200 + COMMENTS[0]
    drawn = generator.generate([long], 2, Decoder(max_tokens=24))
    assert drawn["tokens"].min() > 0
    reply = "A cat may eat figs, every cat likes it."
    whole, cut = (generator.score([c], [reply]).iloc[0] for c in (COMMENTS[0], long))
    assert cut["tokens"] == whole["tokens"]


def test_no_comments_give_an_empty_table(generator: Generator) -> None:
    drawn = generator.generate([], 3)
    assert drawn.empty
    assert list(drawn.columns) == list(COLUMNS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tom &amp; Jerry\n\n\n\nagain ", "Tom & Jerry\n\nagain"),
        ("Yes. [SEP] And another turn", "Yes."),
        ("Cut in half \ufffd\ufffd", "Cut in half"),
        ("Hi there [SEP] I am fine", "I am fine"),
        ("", ""),
    ],
)
def test_replies_are_clean(text: str, shown: str) -> None:
    assert clean_reply(text, "Hi there") == shown


def test_settings_describe_a_decoder() -> None:
    settings = GenerateSettings(temperature=0.9, banned="one, two words,", min_tokens=3)
    decoder = Decoder.of(settings)
    assert decoder == Decoder(temperature=0.9, banned=("one", "two words"), min_tokens=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1.0},
        {"top_k": -1},
        {"top_p": 0.0},
        {"repetition_penalty": 0.0},
        {"min_tokens": 9, "max_tokens": 8},
        {"banned": "text"},
    ],
)
def test_impossible_decoders_are_refused(wrong: dict) -> None:
    with pytest.raises(BotlibError, match=next(iter(wrong))):
        Decoder(**wrong)


def test_errors_name_the_cure(generator: Generator, gpt2_run: Path, tmp_path: Path) -> None:
    with pytest.raises(BotlibError, match="02_gpt2_finetune"):
        Generator(tmp_path)
    with pytest.raises(BotlibError, match="lower max_tokens"):
        generator.generate(COMMENTS, 1, Decoder(max_tokens=128))
    with pytest.raises(BotlibError, match="engine must be"):
        Generator(gpt2_run, engine="torch")
    with pytest.raises(BotlibError, match="device must be"):
        Generator(gpt2_run, device="tpu")
    with pytest.raises(BotlibError, match="1 or more"):
        generator.generate(COMMENTS, 0)
    with pytest.raises(BotlibError, match="2 comments but 1 replies: give one for each"):
        generator.score(COMMENTS, ["one"])
    damaged = tmp_path / "damaged"
    shutil.copytree(gpt2_run / "ctranslate2", damaged)
    (damaged / "model.bin").write_bytes((damaged / "model.bin").read_bytes()[:5000])
    with pytest.raises(BotlibError, match="CTranslate2"):
        Generator(damaged)


def test_generation_loads_no_tensorflow(gpt2_workspace: Workspace) -> None:
    code = """
import sys
from botlib.gpt2.generator import Generator
Generator(sys.argv[1]).generate(["Hi"], 1)
assert not {"tensorflow", "keras", "gpt_2_simple", "torch"} & set(sys.modules)
"""
    python(code, gpt2_workspace.gpt2("run1"))


def test_a_gpu_without_its_libraries_leaves_the_work_to_the_cpu_and_says_so(
    gpt2_run, monkeypatch, caplog
):
    real = ctranslate2.Generator

    def generator(folder, *, device, **options):
        if device == "cuda":
            raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")
        return real(folder, device=device, **options)

    # As on a machine with a GPU and another CUDA than 12
    types = ctranslate2.get_supported_compute_types("cpu")
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: types)
    monkeypatch.setattr(ctranslate2, "Generator", generator)
    (table,) = [Generator(gpt2_run).generate(["Hello"], n=2, seed=1)]
    assert len(table) == 2
    (line,) = [record.getMessage() for record in caplog.records]
    assert "the CPU generates" in line and "libcublas.so.12" in line
    with pytest.raises(BotlibError, match="try device='cpu'"):
        Generator(gpt2_run, device="cuda")
