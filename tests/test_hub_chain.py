"""From a model of the Hub to candidates, without the internet: notebooks 01 to 05, in a row."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from botlib.gpt2 import conversation
from botlib.manifests import read_manifest
from botlib.runs import pipeline
from botlib.workspace import Workspace
from tests.conftest import SMALL
from tests.gpt2.hub_files import gpt2_files
from tests.hub_server import connected

TEXTS = ["I think that people who write and read a lot know what the world is like."] * 40
QUICK = {k: v for k, v in SMALL.items() if k not in ("max_tokens", "threshold")}
QUICK |= {"03.encoder": "scratch:2x32", "04.encoder": "scratch:2x32", "window": "128"}
QUICK |= {"rank": "hf:microsoft/DialogRPT-updown", "03.max_tokens": "40"}
QUICK |= {"05.max_tokens": "40", "base_model": "hf:someone/DialoGPT-tiny"}


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_model_of_the_hub_goes_through_the_notebooks_and_only_the_hub_is_asked(
    tmp_path, monkeypatch
):
    (tmp_path / "DialoGPT-tiny").mkdir()
    weights = gpt2_files(tmp_path / "DialoGPT-tiny", texts=TEXTS)
    half = {f"transformer.{name}": array.astype("float16") for name, array in weights.items()}
    save_file(half, tmp_path / "DialoGPT-tiny" / "model.safetensors")
    shutil.copytree(tmp_path / "DialoGPT-tiny", tmp_path / "DialogRPT")
    score = {"score.weight": np.ones((1, weights["wte.weight"].shape[1]), np.float32)}
    save_file(half | score, tmp_path / "DialogRPT" / "model.safetensors")
    workspace = Workspace.open(tmp_path / "workspace", create=True)
    with connected(monkeypatch, tmp_path / "cache") as server:
        # The notebooks' kernels are processes of their own
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        server.add("someone/DialoGPT-tiny", tmp_path / "DialoGPT-tiny")
        ranker = server.add("microsoft/DialogRPT-updown", tmp_path / "DialogRPT")
        ranker.branches["refs/pr/1"] = ranker.branches["main"]
        _, results = pipeline.run(workspace, profile="demo", overrides=QUICK, last="05")
        assert [r.state for r in results] == ["done"] * 5, results[-1].message
        assert sum("cdn/" in asked for asked in server.asked) == 2, "each is downloaded once"
        assert not any("pytorch_model" in asked for asked in server.asked)
    run = workspace.gpt2("run1")
    assert conversation.read(run / "ctranslate2") == "turns"
    card = json.loads((run / "model_card.json").read_text())
    assert card["base_model"] == "hf:someone/DialoGPT-tiny" and card["steps"] == 20
    choice = json.loads((workspace.dialogrpt / "config.json").read_text())
    assert choice["replies"] > 0 and choice["used"] in (True, False)
    base = next(f for f in workspace.models.rglob("hparams.json") if "tiny" in f.parent.name)
    assert read_manifest(base.parent)["extra"]["commit"]
    proposed = pd.read_csv(next(workspace.root.glob("proposed_replies_*.csv")))
    assert len(proposed) and proposed["proposed_reply"].notna().any()
