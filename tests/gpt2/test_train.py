"""Fine-tuning: rounds, logs, resume, and errors that name the cure."""

import importlib.util
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib import frameworks
from botlib.data.pairs.conversations import Above
from botlib.errors import BotlibError
from botlib.gpt2 import conversation, dataset, vocabulary
from botlib.gpt2.card import memorised_share
from botlib.gpt2.conversation import Context, Conversation
from botlib.gpt2.generator import Generator
from botlib.gpt2.plan import plan
from botlib.gpt2.validation import HeldOut
from botlib.gpt2.vocabulary import Vocabulary
from botlib.manifests import read_manifest
from botlib.settings import Gpt2Settings
from botlib.tables import BERT_GAN_REAL, CONVERSATIONS, GPT2_FINETUNE, write_table
from botlib.workspace import Workspace
from tests.gpt2.conftest import TINY, fill, finetune_apart, pairs, python


def test_a_run_leaves_what_the_layout_says(gpt2_run: Path) -> None:
    for name in ("ctranslate2/model.bin", "ctranslate2/encoder.json", "ctranslate2/vocab.bpe"):
        assert (gpt2_run / name).is_file()
    losses = pd.read_csv(gpt2_run / "losses.csv")
    assert list(losses["step"]) == list(range(1, 61))
    assert losses["validation_loss"].notna().sum() == 3
    assert losses["loss"].iloc[-1] < losses["loss"].iloc[0] - 1
    assert set(pd.read_csv(gpt2_run / "samples.csv")["step"]) == {20, 40, 60}
    card = json.loads((gpt2_run / "model_card.json").read_text(encoding="utf-8"))
    assert card["steps"] == 60
    assert 0 <= card["memorisation"]["share"] <= 1
    assert read_manifest(gpt2_run)["parameters"]["steps"] == 60
    state = json.loads((gpt2_run / "state.json").read_text(encoding="utf-8"))
    assert [p.stem for p in gpt2_run.glob("checkpoint/model-*.index")] == ["model-60"]
    assert [p.stem for p in gpt2_run.glob("best/*.index")] == [f"model-{state['best_step']}"]


def test_a_model_trained_with_the_conversation_says_so_and_is_asked_with_it(tmp_path: Path) -> None:
    workspace = fill(Workspace.open(tmp_path, create=True), 200)
    frame = pairs(200, seed=1)
    posts = pd.DataFrame({"kind": "post", "id": frame["submission_id"].unique(), "title": "Food?"})
    turns = pd.DataFrame({"kind": "comment", "id": ["t1", "t2"], "parent_id": ["t2", ""]})
    said = frame[["comment_id", "submission_id", "comment"]]
    said = said.set_axis(["id", "submission_id", "text"], axis=1).assign(kind="comment")
    said["parent_id"] = "t1"
    rows = pd.concat([posts, turns.assign(text="A turn above."), said])
    rows = rows.reindex(columns=list(CONVERSATIONS.columns))
    write_table(workspace.conversations, rows, CONVERSATIONS)
    finetune_apart(workspace, steps=2, round_steps=1, context="thread")
    run = workspace.gpt2("run1")
    generator = Generator(run, threads=1)
    # In training two turns stood above a comment, so a live reply sees no more
    assert generator.conversation.context == Context("thread", 128, turns=2)
    card = json.loads((run / "model_card.json").read_text(encoding="utf-8"))
    assert card["conversation"] == conversation.about(run / "best")
    held_out = HeldOut(workspace, 10, seed=0)
    assert held_out.above[0] == Above("Food?", "", ("A turn above.", "A turn above."))
    with_it = held_out.scores(generator)["log_prob"]
    alone = generator.score(list(held_out.frame["comment"]), list(held_out.frame["reply"]))
    assert (with_it != alone["log_prob"]).all()
    # A run goes on where it was, and a title in place of the thread is another run
    said = finetune_apart(workspace, steps=2, round_steps=1, context="title").stdout
    assert "because context changed" in said


def test_a_workspace_of_0_1_0_trains_with_the_comment_alone_and_says_so(tmp_path: Path) -> None:
    workspace = fill(Workspace.open(tmp_path, create=True))
    data = dataset.read(workspace, Gpt2Settings(context="comment"))
    assert (data.above, data.context) == (None, Context())
    said = python(READ, workspace.root)
    assert "conversations.csv is missing, so GPT-2 sees the comment alone" in said.stdout
    assert said.stdout.endswith("comment\n")


READ = """
import sys
from botlib.gpt2 import dataset
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace
data = dataset.read(Workspace.open(sys.argv[1]), Gpt2Settings(context="thread"))
print(data.context.kind)
"""


def test_strangers_are_of_other_threads(tmp_path: Path) -> None:
    workspace = fill(Workspace.open(tmp_path, create=True))
    frame = pairs(60, seed=1).assign(split="validation")
    frame["submission_id"] = [f"s{number // 7}" for number in range(60)]
    write_table(workspace.bert_gan_real, frame, BERT_GAN_REAL)
    held_out = HeldOut(workspace, 60, seed=0)
    threads = held_out.frame["submission_id"].to_numpy()
    strangers = held_out.strangers(seed=3)
    assert sorted(strangers) == list(range(60))
    assert (threads != threads[strangers]).all()


def test_the_same_ids_as_gpt_2_simple(gpt2_run: Path) -> None:
    # Loaded as a file: importing the package would start TensorFlow
    folder = Path(importlib.util.find_spec("gpt_2_simple").submodule_search_locations[0])
    encoder = runpy.run_path(str(folder / "src" / "encoder.py"))
    theirs = encoder["get_encoder"](str(gpt2_run / "ctranslate2"))
    ours = Vocabulary(gpt2_run / "ctranslate2")
    texts = ["My cat eats figs.", "Käse 🐳🐳 it's\n\n  fine   ", "<|endoftext|> typed by hand", " "]
    assert ours.encode(texts) == [theirs.encode(text) for text in texts]
    assert [ours.decode(ids) for ids in ours.encode(texts)] == texts
    assert ours.end not in ours.encode(texts)[2]


def test_texts_are_parted_by_the_end_token(gpt2_run: Path) -> None:
    words = Vocabulary(gpt2_run / "ctranslate2")
    tokens, _ = dataset.encode(["My cat eats figs."] * 200, Conversation(words))
    assert tokens[0] == tokens[-1] == words.end
    assert (tokens == words.end).sum() == 201


def test_windows_show_each_text_once_an_epoch_from_its_start() -> None:
    lengths = np.random.default_rng(0).integers(2, 30, 300)
    tokens = np.concatenate([[0, *([n + 1] * size)] for n, size in enumerate(lengths)] + [[0]])
    starts = np.flatnonzero(tokens == 0)[:-1]
    windows = dataset.Windows(tokens, starts, end=0, length=64, seed=1)
    count = 0
    seen: list[int] = []
    while windows._epoch < 1:
        window = windows.batch(count, 1)[0]
        count += 1
        assert window[0] == 0, "a window begins where a text begins"
        seen.extend(window[window > 0].tolist())
    assert len(set(seen)) > 290
    again = dataset.Windows(tokens, starts, end=0, length=64, seed=1)
    np.testing.assert_array_equal(again.batch(20, 2), windows.batch(20, 2))


RESUME = """
import json, sys
from botlib.gpt2 import train
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace
workspace, settings = Workspace.open(sys.argv[1]), json.loads(sys.argv[2])
def finetune(**changes):
    return train.finetune(workspace, Gpt2Settings(**settings | changes), progress=False)
"""
# On a stand-in for Google Drive, to which checkpoints are copied
KILLED_IN_A_ROUND = """
import os, signal
from botlib import drive
drive.DRIVE = workspace.root.parent
after = train.Run._after_step
def step(self, hooks, loss):
    after(self, hooks, loss)
    if hooks.step == 27:
        os.kill(os.getpid(), signal.SIGKILL)
train.Run._after_step = step
finetune()
"""
# After the checkpoint was saved and before the state counts it; then after the state
KILLED_AROUND_THE_STATE = """
class Killed(BaseException):
    pass
def kill(*_):
    raise Killed
for name in ("_write_state", "_after_state"):
    usual = getattr(train.Run, name)
    setattr(train.Run, name, kill)
    try:
        finetune()
    except Killed:
        setattr(train.Run, name, usual)
    else:
        raise AssertionError("not killed")
finetune()
"""


def test_killed_at_any_moment_it_goes_on_and_counts_no_round_twice(
    gpt2_workspace: Workspace, tmp_path: Path
) -> None:
    workspace = Workspace.open(tmp_path / "killed", create=True)
    for name in ("gpt2_finetune.csv", "bert_gan_real.csv"):
        shutil.copyfile(gpt2_workspace.root / name, workspace.root / name)
    done = finetune_apart(workspace, check=False, code=RESUME + KILLED_IN_A_ROUND)
    assert done.returncode == -9, done.stderr[-2000:]
    finetune_apart(workspace, code=RESUME + KILLED_AROUND_THE_STATE)
    run, whole = workspace.gpt2("run1"), gpt2_workspace.gpt2("run1")
    ours, theirs = (pd.read_csv(folder / "losses.csv") for folder in (run, whole))
    assert list(ours["step"]) == list(range(1, 61))
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=2e-3)
    np.testing.assert_allclose(
        ours["validation_loss"].dropna(), theirs["validation_loss"].dropna(), rtol=2e-3
    )


def test_nothing_to_do_is_done_at_once_and_more_steps_go_on(
    gpt2_workspace: Workspace, tmp_path: Path
) -> None:
    workspace = Workspace.open(shutil.copytree(gpt2_workspace.root, tmp_path / "copy"))
    before = (workspace.gpt2("run1") / "manifest.json").read_bytes()
    finetune_apart(workspace, code=f"{RESUME}finetune()\nassert 'tensorflow' not in sys.modules")
    assert (workspace.gpt2("run1") / "manifest.json").read_bytes() == before
    done = finetune_apart(
        workspace,
        code=f"{RESUME}finetune(steps=80)\nfinetune(learning_rate=1e-3, steps=2, max_minutes=5.0)",
    )
    assert "learning_rate changed" in done.stdout
    assert len(pd.read_csv(workspace.gpt2("run1") / "losses.csv")) == 2
    assert len(pd.read_csv(workspace.gpt2("run1.previous") / "losses.csv")) == 80


def test_a_run_with_parts_missing_is_not_begun_anew_by_itself(
    gpt2_workspace: Workspace, tmp_path: Path
) -> None:
    from botlib.gpt2.train import finetune

    workspace = Workspace.open(shutil.copytree(gpt2_workspace.root, tmp_path / "copy"))
    run = workspace.gpt2("run1")
    next(run.glob("checkpoint/model-60.index")).unlink()
    with pytest.raises(BotlibError, match="has no checkpoint of step 60"):
        finetune(workspace, Gpt2Settings(**TINY | {"steps": 80}))
    (run / "state.json").write_text("{")
    with pytest.raises(BotlibError, match=r"state.json is damaged"):
        finetune(workspace, Gpt2Settings(**TINY))
    (run / "state.json").unlink()
    shutil.rmtree(run / "checkpoint")
    with pytest.raises(BotlibError, match="imported model"):
        finetune(workspace, Gpt2Settings(**TINY))


ENDS = """
from botlib.gpt2 import card, validation
losses = iter([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
validation.perplexity_loss = lambda *_: next(losses)
card.make = lambda *_, **__: {}
finetune(round_steps=2, patience=2, steps=50)
finetune(run_name="late", max_minutes=0.0001)

import tensorflow as tf
from botlib.errors import BotlibError
def fail(error):
    def after(self, hooks, loss):
        raise error
    train.Run._after_step = after
    try:
        finetune(run_name="failed")
    except (BotlibError, KeyboardInterrupt) as caught:
        print(type(caught).__name__, caught)
fail(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"))
fail(KeyboardInterrupt())
"""


def test_patience_and_time_end_a_run(workspace: Workspace) -> None:
    done = finetune_apart(fill(workspace), code=RESUME + ENDS)
    run = workspace.gpt2("run1")
    assert len(pd.read_csv(run / "losses.csv")) == 6
    assert json.loads((run / "state.json").read_text())["best_step"] == 2
    assert [p.stem for p in run.glob("best/*.index")] == ["model-2"]
    assert len(pd.read_csv(workspace.gpt2("late") / "losses.csv")) == 1
    memory, interrupt = done.stdout.splitlines()[-2:]
    assert memory.startswith("BotlibError out of memory while training: lower window or batch_size")
    assert interrupt.strip() == "KeyboardInterrupt"
    assert not list((workspace.gpt2("failed") / "checkpoint").glob("model*"))


def test_accumulation_mixed_precision_and_frozen_embeddings_train(workspace: Workspace) -> None:
    finetune_apart(
        fill(workspace),
        steps=4,
        round_steps=2,
        accumulate_gradients=2,
        mixed_precision="on",
        optimizer="sgd",
        only_train_transformer_layers=True,
        validation_pairs=0,
    )
    losses = pd.read_csv(workspace.gpt2("run1") / "losses.csv")
    assert len(losses) == 4
    assert losses["loss"].notna().all()


SCALES = """
from botlib.gpt2 import card, session
card.make = lambda *_, **__: {}
for optimizer, rate in (("adam", 3e-3), ("sgd", 0.3)):
    for scale in (1.0, 1024.0):
        session.LOSS_SCALE = scale
        finetune(run_name=f"{optimizer}{scale:.0f}", optimizer=optimizer, learning_rate=rate,
                 steps=6, round_steps=6, validation_pairs=0)
"""


def test_the_scale_that_float16_needs_changes_no_step(workspace: Workspace) -> None:
    finetune_apart(fill(workspace), code=RESUME + SCALES)
    for optimizer in ("adam", "sgd"):
        plain, scaled = (
            pd.read_csv(workspace.gpt2(f"{optimizer}{scale}") / "losses.csv")["loss"].to_numpy()
            for scale in (1, 1024)
        )
        assert plain[-1] < plain[0] - 0.02
        np.testing.assert_allclose(scaled, plain, rtol=1e-3)


@pytest.mark.slow
def test_xla_trains_to_the_same_losses(gpt2_workspace: Workspace, tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, create=True)
    for name in ("gpt2_finetune.csv", "bert_gan_real.csv"):
        shutil.copyfile(gpt2_workspace.root / name, workspace.root / name)
    finetune_apart(workspace, xla="on", max_minutes=2.0)
    ours, plain = (pd.read_csv(w.gpt2("run1") / "losses.csv") for w in (workspace, gpt2_workspace))
    np.testing.assert_allclose(ours["loss"][:40], plain["loss"][:40], rtol=2e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_model": "956M"}, "base_model must be"),
        ({"scratch_heads": 3}, "scratch_width=64"),
    ],
)
def test_wrong_settings(workspace: Workspace, changes: dict, message: str) -> None:
    from botlib.gpt2.train import finetune

    fill(workspace, 8)
    with pytest.raises(BotlibError, match=message):
        finetune(workspace, Gpt2Settings(**TINY | changes))


def test_too_little_data_for_a_window(gpt2_run: Path, workspace: Workspace) -> None:
    words = Vocabulary(gpt2_run / "ctranslate2")
    with pytest.raises(BotlibError, match=r"too small: .* tokens in 3 texts"):
        dataset.encode(["My cat eats figs."] * 3, Conversation(words))
    with pytest.raises(BotlibError, match="window=64"):
        dataset.Windows(np.zeros(10, dtype=np.int32), np.arange(3), end=0, length=64, seed=1)
    write_table(workspace.gpt2_finetune, pd.DataFrame({"text": []}), GPT2_FINETUNE)
    from botlib.gpt2.train import finetune

    with pytest.raises(BotlibError, match="is empty"):
        finetune(workspace, Gpt2Settings(**TINY))


def test_a_vocabulary_without_end_of_text(tmp_path: Path) -> None:
    vocabulary.learn(["some text"], 300, tmp_path)
    path = tmp_path / "encoder.json"
    ids = json.loads(path.read_text())
    del ids[vocabulary.END_OF_TEXT]
    path.write_text(json.dumps(ids))
    with pytest.raises(BotlibError, match=r"has no <\|endoftext\|>"):
        Vocabulary(tmp_path)
    path.write_text("{")
    with pytest.raises(BotlibError, match="damaged"):
        Vocabulary(tmp_path)
    path.unlink()
    with pytest.raises(BotlibError, match="missing"):
        Vocabulary(tmp_path)


CONVERT = """
import sys
from pathlib import Path
from botlib.errors import BotlibError
from botlib.gpt2.convert import convert
for folder in sys.argv[2:]:
    try:
        convert(Path(folder), Path(folder), Path(sys.argv[1]))
    except BotlibError as error:
        print(error)
"""


def test_damaged_checkpoints_are_refused(gpt2_run: Path, tmp_path: Path) -> None:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(gpt2_run / "best", tmp_path / name))

    cut, resized, empty = copy("cut"), copy("resized"), copy("empty")
    data = next(cut.glob("*.data*"))
    data.write_bytes(data.read_bytes()[:1000])
    hparams = json.loads((resized / "hparams.json").read_text())
    ids = json.loads((resized / "encoder.json").read_text())
    (resized / "encoder.json").write_text(json.dumps(ids | {"extra": len(ids)}))
    (resized / "hparams.json").write_text(json.dumps(hparams | {"n_vocab": len(ids) + 1}))
    for path in empty.glob("model*"):
        path.unlink()
    lines = python(CONVERT, tmp_path / "out", cut, resized, empty).stdout.splitlines()
    assert "was cut short or is damaged" in lines[0]
    assert "differ in size" in lines[1]
    assert "holds no checkpoint" in lines[2]
    assert not (tmp_path / "out").exists()


def test_both_frameworks_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "_claimed", None)
    monkeypatch.setattr(frameworks, "quiet_tensorflow", lambda: None)
    frameworks.claim("keras")
    frameworks.claim("keras")
    with pytest.raises(BotlibError, match="restart the kernel"):
        frameworks.claim("gpt-2-simple")


def test_rates_and_batches_follow_the_models_size(tmp_path: Path) -> None:
    sizes = {"124M": (12, 768, 12), "355M": (24, 1024, 16), "774M": (36, 1280, 20)}
    found = []
    for layers, width, heads in sizes.values():
        hparams = {"n_vocab": 50257, "n_ctx": 1024, "n_embd": width}
        hparams |= {"n_head": heads, "n_layer": layers}
        (tmp_path / "hparams.json").write_text(json.dumps(hparams))
        found.append(plan(Gpt2Settings(xla="off", mixed_precision="off"), tmp_path))
    rates = [p.learning_rate for p in found]
    assert rates == sorted(rates, reverse=True)
    assert [p.batch_size for p in found] == [2, 1, 1]
    steps = [found[0].learning_rate_at(step) for step in range(1000)]
    assert max(steps) == pytest.approx(rates[0])
    assert found[0].learning_rate_at(100, time_share=1.0) == pytest.approx(rates[0] / 10)
    assert steps[0] < steps[40] and steps[-1] == pytest.approx(rates[0] / 10, rel=0.01)


def test_memorisation_counts_runs_of_twelve_words() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve thirteen"
    generated = pd.Series([f"Well, {text.title()}!", "something else altogether", ""])
    assert memorised_share(generated, pd.Series([f"So {text}."])) == pytest.approx(1 / 3)
    assert memorised_share(generated[:0], pd.Series([text])) == 0
