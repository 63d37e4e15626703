"""Scoring: order, batches, precision, errors; and the command line's `score`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib import model_files
from botlib.__main__ import main
from botlib.bert import scorer as scoring
from botlib.bert.scorer import Scorer
from botlib.errors import BotlibError
from botlib.evaluation import sentences
from botlib.probabilities import softmax
from botlib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {
    "max_tokens": 32,
    "do_lower_case": True,
    "temperature": 2.0,
    "precision": "fp32",
}
TASKS = {
    "bert_realism": ("realism", ["fake", "real"]),
    "bert_upvotes": ("upvotes", [f"rating_{rating}" for rating in range(4)]),
    "bert_rank": ("rank", []),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Workspace:
    """A workspace with three small classifiers, untrained: scoring doesn't mind."""
    from botlib.bert import encoder, export
    from botlib.bert import model as bert_model

    workspace = Workspace.open(tmp_path_factory.mktemp("workspace"), create=True)
    texts = [f"{number} cats and dogs like to eat rice and soup" for number in range(9)]
    module = encoder.load("scratch:1x32", workspace, texts)
    for name, (task, classes) in TASKS.items():
        folder = workspace.models / name
        folder.mkdir(parents=True)
        model = bert_model.build(module, len(classes) or 1, pooling="pair", dropout=0, seed=1)
        head = model.get_layer("head")
        head.set_weights([20 * head.get_weights()[0], head.get_weights()[1]])
        export.to_onnx(model, folder / "model.onnx", module.heads)
        export.to_int8(folder / "model.onnx", folder / "model_int8.onnx")
        (folder / "vocab.txt").write_bytes(module.vocab_file.read_bytes())
        config = CONFIG | {"task": task, "classes": classes}
        (folder / "config.json").write_text(json.dumps(config))
    return workspace


def made_up(rows: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(1)
    words = ["cats", "and", "dogs", "like", "to", "eat", "rice", "soup"]
    texts = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(2 * rows)]
    return texts[:rows], texts[rows:]


@pytest.mark.parametrize("name", TASKS)
def test_shapes_and_kinds(kept, name):
    scorer = Scorer(kept.models / name)
    scores = scorer.predict(*made_up(10))
    classes = TASKS[name][1]
    assert scores.dtype == np.float32
    assert scores.shape == ((10, len(classes)) if classes else (10,))
    if classes:
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_order_is_kept_and_batches_change_nothing(kept, monkeypatch):
    """333 pairs of many lengths, in batches and one by one."""
    scorer = Scorer(kept.bert_upvotes)
    comments, replies = made_up(333)
    alone = [scorer.predict([c], [r])[0] for c, r in zip(comments, replies, strict=True)]
    np.testing.assert_allclose(scorer.predict(comments, replies), alone, atol=1e-5)
    monkeypatch.setattr(scoring, "BATCH_TOKENS", {scorer.device: 100})
    np.testing.assert_allclose(scorer.predict(comments, replies), alone, atol=1e-5)


def test_nothing_is_dropped(kept):
    scorer = Scorer(kept.bert_realism)
    for count in (0, 1, 31, 33, 65):
        assert scorer.predict(*made_up(count)).shape == (count, 2)
    assert scorer.predict(["", "é🤷" * 500], ["", "x"]).shape == (2, 2)


def test_temperature_is_applied(kept):
    scorer = Scorer(kept.bert_realism)
    texts = made_up(5)
    np.testing.assert_allclose(
        scorer.predict(*texts), softmax(scorer.logits(*texts) / 2), atol=1e-6
    )


def test_int8_is_close(kept):
    texts = made_up(50)
    exact = Scorer(kept.bert_upvotes, "fp32").predict(*texts)
    assert np.abs(Scorer(kept.bert_upvotes, "int8").predict(*texts) - exact).max() < 0.05


def test_clear_errors(kept, tmp_path):
    with pytest.raises(BotlibError, match=r"no trained classifier in .*nowhere"):
        Scorer(tmp_path / "nowhere")
    with pytest.raises(BotlibError, match="precision must be one of auto, fp32, int8"):
        Scorer(kept.bert_rank, "int4")
    with pytest.raises(BotlibError, match="1 comments, but 2 replies"):
        Scorer(kept.bert_rank).predict(["a"], ["b", "c"])
    for path in kept.bert_rank.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes((kept.bert_rank / "model.onnx").read_bytes()[:1000])
    with pytest.raises(BotlibError, match=r"model\.onnx can't be loaded"):
        Scorer(tmp_path)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(BotlibError, match=r"model\.onnx is missing"):
        Scorer(tmp_path)


def test_no_tensorflow_is_loaded(kept):
    program = (
        "import sys; from botlib.bert.scorer import Scorer; "
        "print(Scorer(sys.argv[1]).predict(['a'], ['b']).shape, 'tensorflow' in sys.modules)"
    )
    arguments = [sys.executable, "-c", program, str(kept.bert_upvotes)]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "(1, 4) False"


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        ("rank", ["score"]),
        ("bert_realism", ["prob_real"]),
        ("bert_upvotes", [*(f"prob_rating_{rating}" for rating in range(4)), "score"]),
    ],
)
def test_score_writes_a_line_for_each_pair(kept, tmp_path, model, columns):
    comments, replies = made_up(7)
    ids = {"comment_id": [f"c{n}" for n in range(7)], "reply_id": [f"r{n}" for n in range(7)]}
    pairs = pd.DataFrame(ids | {"comment": comments, "reply": replies})
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    arguments = ["--pairs", str(tmp_path / "pairs.csv"), "--out", str(tmp_path / "out.csv")]
    assert main(["score", "--workspace", str(kept.root), "--model", model, *arguments]) == 0
    found = pd.read_csv(tmp_path / "out.csv")
    assert list(found) == ["comment_id", "reply_id", *columns]
    assert found["reply_id"].tolist() == ids["reply_id"]
    name = "bert_rank" if model == "rank" else model
    scores = Scorer(kept.models / name).predict(comments, replies)
    first = scores if model == "rank" else scores[:, 1 if model == "bert_realism" else 0]
    np.testing.assert_allclose(found[columns[0]], first, atol=1e-5)


def test_score_names_what_is_missing(kept, tmp_path, capsys):
    (tmp_path / "pairs.csv").write_text("comment_id,reply_id,comment\na,b,c\n")
    arguments = ["--pairs", str(tmp_path / "pairs.csv"), "--out", str(tmp_path / "out.csv")]
    assert main(["score", "--workspace", str(kept.root), "--model", "rank", *arguments]) == 1
    assert "has no column 'reply'" in capsys.readouterr().err
    (tmp_path / "pairs.csv").unlink()
    assert main(["score", "--workspace", str(kept.root), "--model", "rank", *arguments]) == 1
    assert "give --pairs a CSV with the columns comment_id" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_a_baseline_that_the_encoder_does_not_beat_judges_instead_and_needs_no_encoder(
    kept, tmp_path
):
    """An untrained encoder against words that say it all: the card tells, the bundle is small."""
    from botlib.bert import blend_training

    folder = shutil.copytree(kept.bert_upvotes, tmp_path / "bert_upvotes")
    comments, replies = made_up(1200)
    ratings = [2 * ("rice" in text) + ("cats" in text) for text in replies]
    rows = pd.DataFrame({"comment": comments, "reply": replies, "rating": ratings})
    rows = rows.assign(comment_id=[f"c{row // 4}" for row in range(1200)])
    choice = blend_training.add(folder, rows[:600], rows[600:])
    best = max(choice["encoder"], choice["with_head"])
    assert choice["judge"] in ("words and form", "TF-IDF")
    assert choice["baselines"][choice["judge"]] >= best
    assert choice["judge"] in sentences.head(choice)
    assert "model.onnx" not in model_files.needed(folder, "bert_upvotes")
    for path in [*folder.glob("*.onnx"), folder / "vocab.txt"]:
        path.unlink()
    p = Scorer(folder).predict(comments[:200], replies[:200])
    assert (p.argmax(axis=1) == ratings[:200]).mean() > 0.9


@pytest.mark.parametrize("name", ["bert_upvotes", "bert_rank"])
def test_the_scorer_obeys_what_validation_chose(kept, name, tmp_path):
    from botlib.bert import blend_training

    folder = shutil.copytree(kept.models / name, tmp_path / name)
    comments, replies = made_up(1200)
    rows = pd.DataFrame(
        {
            "comment": comments,
            "reply": replies,
            "comment_id": [f"c{row // 4}" for row in range(1200)],
            "rating": np.arange(1200) % 4,
            "reply_score": [len(reply) for reply in replies],
            "reply_created_utc": 0,
        }
    )
    texts = comments[:50], replies[:50]
    alone = Scorer(folder).predict(*texts)
    choice = blend_training.add(folder, rows[:600], rows[600:])
    # The rank is length here, so an untrained encoder has no business in it; the ratings are noise
    assert name == "bert_upvotes" or choice["judge"] == "length"
    with_head = Scorer(folder, judge="head").predict(*texts)
    assert with_head.shape == alone.shape and with_head.dtype == np.float32
    assert not np.allclose(with_head, alone)
    expected = Scorer(folder, judge=choice["judge"]).predict(*texts)
    np.testing.assert_array_equal(Scorer(folder).predict(*texts), expected)
    both = scoring.predict_both_ways(folder, *texts, progress=False)
    assert set(both) - {"BERT alone", "BERT with head"} == {"BERT", "TF-IDF"}
    np.testing.assert_array_equal(both["BERT"], expected)
    for key, known in (("BERT alone", alone), ("BERT with head", with_head)):
        np.testing.assert_array_equal(both.get(key, known), known)
    np.testing.assert_array_equal(Scorer(folder, judge="encoder").predict(*texts), alone)
    with pytest.raises(BotlibError, match="has no head"):
        Scorer(kept.models / name, judge="head")
    if name == "bert_upvotes":
        np.testing.assert_allclose(with_head.sum(axis=1), 1, atol=1e-6)
    else:
        assert np.corrcoef(with_head, [len(reply) for reply in texts[1]])[0, 1] > 0.9
