"""Trained on real threads as the offline profile says, GPT-2 listens to the comment."""

import json
from pathlib import Path

import pytest

from botlib import parameters
from botlib.data import sources
from botlib.data.pairs import build
from botlib.settings import DataSettings
from botlib.workspace import Workspace
from tests.gpt2.conftest import python

TRAIN = """
import sys
from botlib import parameters
from botlib.gpt2.train import finetune
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace
settings = parameters.of_profile(Gpt2Settings, "offline")
finetune(Workspace.open(sys.argv[1]), settings, progress=False)
"""


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(3600)
def test_a_reply_is_likelier_after_its_own_comment(reddit_college: Path, tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "workspace", create=True)
    changes = {"dumps": str(reddit_college), "subreddits": "College,GradSchool"}
    settings = parameters.of_profile(DataSettings, "offline", **changes)
    sources.collect(workspace, settings)
    build.write_pairs(workspace, settings)
    python(TRAIN, workspace.root)
    card = json.loads((workspace.gpt2("run1") / "model_card.json").read_text(encoding="utf-8"))
    assert card["perplexity"]["own_comment"] < card["perplexity"]["shuffled_comment"]
    assert card["seconds"] < 30 * 60
