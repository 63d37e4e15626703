"""Somebody else's models in an empty workspace: the bot and notebooks 05 and 06 work at once."""

from pathlib import Path

import pytest

from botlib import model_files
from botlib.__main__ import main
from botlib.bert import fit_training
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import PROPOSED
from botlib.runs import bundles, pipeline
from botlib.workspace import Workspace
from tests.live import small_models


@pytest.fixture(scope="module")
def packed(tmp_path_factory, topic_pairs) -> list[Path]:
    workspace = Workspace.open(tmp_path_factory.mktemp("theirs"), create=True)
    small_models.fill(workspace)
    small_models.make_context(workspace.context)
    fit_training.train(
        topic_pairs(40), topic_pairs(30), encoder=None, out=workspace.bert_fit, progress=False
    )
    folder = tmp_path_factory.mktemp("bundles")
    return [bundles.write(kind, workspace, folder / f"{kind}.tar.gz") for kind in model_files.KINDS]


@pytest.fixture
def imported(workspace: Workspace, packed: list[Path]) -> Workspace:
    for path in packed:
        bundles.read(path, workspace)
    return workspace


def test_the_bot_answers_a_made_up_reddit(imported: Workspace) -> None:
    options = ["--workspace", str(imported.root), "--subreddits", "writing,College"]
    short = ["-p", "max_tokens", "12", "-p", "candidates", "2", "-p", "threshold", "0.0"]
    assert main(["bot", *options, *short]) == 0
    with Outbox(imported.outbox) as outbox:
        proposed = outbox.replies("sandbox", [PROPOSED])
    assert {reply.subreddit for reply in proposed} == {"writing", "College"}


@pytest.mark.slow
def test_the_notebooks_from_05_on_run(imported: Workspace) -> None:
    small = {"05.max_tokens": "12", "candidates": "2", "threshold": "0.0"}
    _, results = pipeline.run(imported, profile="demo", first="05", overrides=small)
    assert [(r.notebook, r.state) for r in results] == [
        ("05_generate", "done"),
        ("06_discriminate_and_post", "done"),
    ], results[-1].message
    assert imported.raw_data.exists() is False
