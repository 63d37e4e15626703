"""DialogRPT: the scores of its definition, without PyTorch; used only where it ranks better."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from botlib.bert import dialogrpt, dialogrpt_build, dialogrpt_choice
from botlib.errors import BotlibError
from botlib.gpt2.hub_weights import SAFE
from botlib.live import models
from botlib.manifests import read_manifest
from botlib.workspace import Workspace
from tests.gpt2.hub_files import gpt2_files, hidden_states
from tests.hub_server import Hub, connected

NAME = "hf:microsoft/DialogRPT-updown"
TEXTS = ["My cat eats rice and soup.", "Is that fine? It is fine, every cat likes figs."] * 20
COMMENTS = ["My cat eats figs.", "Is it fine?", "Is it fine?", "Every cat likes soup and rice."]
REPLIES = ["It is fine.", "My cat eats rice and soup, every cat likes that.", "Fine.", " "]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("DialogRPT")
    weights = gpt2_files(folder, texts=TEXTS)
    weights["score.weight"] = np.random.default_rng(5).normal(0, 1, (1, 32)).astype(np.float32)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle that must stay shut")
    return folder, weights


@pytest.fixture
def server(files, monkeypatch, tmp_path):
    """As on the Hub: main has a pickle alone, safetensors are on the branch of a proposal."""
    folder, weights = files
    with connected(monkeypatch, tmp_path / "cache") as running:
        repository = running.add(NAME.removeprefix("hf:"), folder)
        main = repository.branches["main"]
        save_file({n if n == "score.weight" else f"transformer.{n}": w
                   for n, w in weights.items()}, tmp_path / SAFE)  # fmt: skip
        content = (tmp_path / SAFE).read_bytes()
        repository.branches["refs/pr/1"] = repository.commit(repository.files | {SAFE: content})
        repository.branches["main"] = main
        yield running


def expected(judge: dialogrpt.DialogRpt, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The last state of comment, end of text, reply, times the score's weights, in NumPy."""
    texts = judge.encode(COMMENTS, REPLIES)
    assert all(
        judge._vocabulary.end in text and text[-1] != judge._vocabulary.end for text in texts
    )
    rows = [hidden_states(weights, text)[-1] @ weights["score.weight"][0] for text in texts]
    return np.array(rows)[:, None]


def test_it_scores_as_its_definition_says_whatever_it_is_batched_with(
    server: Hub, files, workspace
):
    folder = dialogrpt_build.fetch(NAME, workspace.dialogrpt)
    judge = dialogrpt.DialogRpt(folder, "fp32", threads=1)
    scores = judge.predict(COMMENTS, REPLIES)
    np.testing.assert_allclose(scores, expected(judge, files[1]), atol=1e-3)
    alone = [judge.predict([c], [r])[0, 0] for c, r in zip(COMMENTS, REPLIES, strict=True)]
    np.testing.assert_allclose(scores[:, 0], alone, atol=1e-4)
    int8 = dialogrpt.DialogRpt(folder, "int8", threads=1).predict(COMMENTS, REPLIES)
    assert np.corrcoef(int8[:, 0], scores[:, 0])[0, 1] > 0.98
    assert not any("pytorch_model.bin" in asked for asked in server.asked)
    assert read_manifest(folder)["extra"]["licence"] == "mit"
    count = len(server.asked)
    assert dialogrpt_build.fetch(NAME, workspace.dialogrpt) == folder and len(server.asked) == count


def test_a_long_comment_loses_its_beginning_and_a_long_reply_its_end(server, workspace):
    judge = dialogrpt.DialogRpt(dialogrpt_build.fetch(NAME, workspace.dialogrpt), threads=1)
    long = "rice " * 400 + "figs"
    (text,) = judge.encode([long], ["It is fine."])
    assert len(text) == dialogrpt.MAX_TOKENS
    assert judge._vocabulary.decode(text).endswith("figs<|endoftext|>It is fine.")
    (text,) = judge.encode(["It is fine."], [long])
    assert judge._vocabulary.decode(text).startswith("It is fine.<|endoftext|>rice")


class ByLength:
    """An own rank that knows one thing."""

    def __init__(self, sign: int) -> None:
        self.sign = sign

    def predict(self, comments, replies) -> np.ndarray:
        return self.sign * np.array([[len(reply)] for reply in replies], float)


def families(judge: dialogrpt.DialogRpt, count: int = 60) -> pd.DataFrame:
    """Replies whose votes follow the judge's own scores."""
    words = ["rice", "soup", "figs", "cat", "fine", "every", "likes", "that", "eats"]
    rng = np.random.default_rng(1)
    rows = [{"comment_id": f"c{n // 3}", "submission_id": f"s{n // 3}", "comment": "My cat eats.",
             "reply": " ".join(rng.choice(words, 1 + n % 7)), "reply_created_utc": 0,
             "reply_retrieved_utc": 10**6} for n in range(3 * count)]  # fmt: skip
    frame = pd.DataFrame(rows)
    scores = judge.predict(frame["comment"].tolist(), frame["reply"].tolist())[:, 0]
    return frame.assign(reply_score=np.argsort(np.argsort(scores)))


def test_validation_decides_and_the_bot_follows(server: Hub, workspace: Workspace):
    judge = dialogrpt.DialogRpt(dialogrpt_build.fetch(NAME, workspace.dialogrpt), threads=1)
    rows = families(judge)
    assert dialogrpt.chosen(workspace) is None, "before validation nobody uses it"
    choice = dialogrpt_choice.compare(NAME, workspace, rows, ByLength(1))
    assert choice["used"] and choice["dialogrpt"] > 0.95 > choice["own"] and choice["low"] > 0
    assert isinstance(dialogrpt.chosen(workspace), dialogrpt.DialogRpt)
    # Against votes: the own rank is better, so it judges
    worst = rows.assign(reply_score=-rows["reply_score"])
    assert not dialogrpt_choice.compare(NAME, workspace, worst, ByLength(1))["used"]
    assert dialogrpt.chosen(workspace) is None
    assert dialogrpt_choice.compare(NAME, workspace, rows, ByLength(1))["used"]
    assert dialogrpt_choice.compare("own", workspace, rows, ByLength(1)) == {"used": False}
    assert dialogrpt.chosen(workspace) is None, "the setting took it back"
    kept = json.loads((workspace.dialogrpt / "config.json").read_text())
    assert kept["repository"] == "microsoft/DialogRPT-updown@refs/pr/1"


def test_the_bot_ranks_with_what_was_chosen(server: Hub, workspace: Workspace):
    judge = dialogrpt.DialogRpt(dialogrpt_build.fetch(NAME, workspace.dialogrpt), threads=1)
    assert models.ranker(workspace, None) is None
    dialogrpt_choice.compare(NAME, workspace, families(judge), ByLength(1))
    found = models.ranker(workspace, None)
    np.testing.assert_allclose(
        found.predict(COMMENTS, REPLIES), judge.predict(COMMENTS, REPLIES), atol=1e-5
    )


def test_few_replies_are_compared_in_whole_families(server, workspace, monkeypatch):
    judge = dialogrpt.DialogRpt(dialogrpt_build.fetch(NAME, workspace.dialogrpt), threads=1)
    monkeypatch.setattr(dialogrpt_choice, "MOST_REPLIES", 30)
    choice = dialogrpt_choice.compare(NAME, workspace, families(judge), ByLength(1))
    assert choice["replies"] == 30 and choice["threads"] == 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"score.weight": None}, "gives no score, not one"),
        ({"score.weight": np.ones((3, 32), np.float32)}, "gives 3 scores, not one"),
        (None, "has no model.safetensors; a pickle is never opened"),
    ],
)
def test_a_model_that_is_no_ranker_is_refused(
    server: Hub, files, workspace, tmp_path, change, reason
):
    name = "someone/other"
    repository = server.add(name, files[0])
    if change is not None:
        weights = {k: w for k, w in (files[1] | change).items() if w is not None}
        save_file(weights, tmp_path / "changed.safetensors")
        content = (tmp_path / "changed.safetensors").read_bytes()
        repository.commit(repository.files | {SAFE: content})
    with pytest.raises(BotlibError, match=reason):
        dialogrpt_build.fetch(f"hf:{name}", workspace.dialogrpt)
    assert not workspace.dialogrpt.exists()
    with pytest.raises(BotlibError, match="rank: 'updown' is not hf:OWNER/NAME"):
        dialogrpt_build.fetch("updown", workspace.dialogrpt)


def test_a_bot_without_scikit_learn_can_rank_with_it():
    """The bot's own install has no scikit-learn and no onnx; only 04 needs them."""
    code = "import sys; import botlib.bert.dialogrpt; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sklearn", "onnx", "h5py", "safetensors", "tensorflow"} & set(done.stdout.split())
