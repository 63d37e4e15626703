"""The plan of a training run: what a machine can't hold is said before it begins."""

import dataclasses
import json

import pytest

from botlib import parameters
from botlib.errors import BotlibError
from botlib.gpt2.plan import check_memory, memory_left, plan
from botlib.settings import Gpt2Settings


def test_too_little_memory_is_said_before_the_kernel_dies(tmp_path, monkeypatch):
    hparams = {"n_vocab": 50257, "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12}
    (tmp_path / "hparams.json").write_text(json.dumps(hparams))
    laptop = plan(parameters.of_profile(Gpt2Settings, "laptop"), tmp_path)
    left = 6_000_000_000
    monkeypatch.setattr("botlib.gpt2.plan.memory_left", lambda: left)
    check_memory(laptop, hparams)
    greedy = dataclasses.replace(laptop, batch_size=16, window=1024)
    with pytest.raises(
        BotlibError, match=r"8\.\d GB of memory, and 6\.0 GB are left: lower batch_"
    ):
        check_memory(greedy, hparams)
    left = 2_700_000_000
    with pytest.raises(BotlibError, match=r"set only_train_transformer_layers or optimizer='sgd'"):
        check_memory(laptop, hparams)
    check_memory(dataclasses.replace(laptop, optimizer="sgd"), hparams)
    monkeypatch.undo()
    assert 0 < memory_left() < 1 << 45


def test_a_containers_limit_counts_and_its_file_cache_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr("botlib.gpt2.plan._CGROUP", tmp_path)
    whole = memory_left()
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_left() == pytest.approx(whole, rel=0.5)
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("4000000\n")
    (tmp_path / "memory.stat").write_text("anon 1000000\ninactive_file 3000000\n")
    assert memory_left() == 4_000_000
