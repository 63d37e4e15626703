"""Models of the Hub: the same numbers as there, and a clear word when one can't be used."""

import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from botlib.errors import BotlibError
from botlib.gpt2 import conversation
from botlib.gpt2.base import base_model
from botlib.gpt2.card import choice_sentence
from botlib.gpt2.convert import convert
from botlib.gpt2.generator import Generator
from botlib.gpt2.hub_weights import KERAS, SAFE
from botlib.manifests import read_manifest
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace
from tests.gpt2.conftest import TINY, fill, python
from tests.gpt2.hub_files import gpt2_files, hidden_states
from tests.hub_server import Hub, connected

TEXTS = ["My cat eats rice and soup.", "Is that fine? It is fine, every cat likes figs."] * 20


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("DialoGPT-tiny")
    found = gpt2_files(folder, texts=TEXTS)
    save_file({f"transformer.{k}": v for k, v in found.items()}, folder / SAFE)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle that must stay shut")
    return folder, found


@pytest.fixture
def server(weights, monkeypatch, tmp_path):
    with connected(monkeypatch, tmp_path / "hub") as running:
        running.add("someone/DialoGPT-tiny", weights[0])
        yield running


def expected(weights, ids: list[int]) -> np.ndarray:
    table = hidden_states(weights, ids) @ weights["wte.weight"].T
    table = table - table.max(-1, keepdims=True)
    table -= np.log(np.exp(table).sum(-1, keepdims=True))
    return table[np.arange(len(ids) - 1), ids[1:]]


def made(folder: Path, tmp_path: Path) -> Generator:
    model = convert(folder, folder, tmp_path / "ctranslate2")
    return Generator(model, compute_type="float32", threads=1)


def test_a_model_of_the_hub_computes_what_it_computed_there(server, weights, tmp_path, workspace):
    folder = base_model("hf:someone/DialoGPT-tiny", workspace, Gpt2Settings())
    generator = made(folder, tmp_path)
    (ids,) = generator.engine.vocabulary.encode(["My cat eats figs. Is that fine?"])
    (found,) = generator.engine.log_probs([ids])
    np.testing.assert_allclose(found, expected(weights[1], ids), atol=1e-4)
    assert conversation.read(folder) == generator.conversation.form == "turns"
    assert not any("pytorch_model.bin" in asked for asked in server.asked)
    count = len(server.asked)
    assert base_model("hf:someone/DialoGPT-tiny", workspace, Gpt2Settings()) == folder
    assert len(server.asked) == count, "it is downloaded once"


def test_half_precision_and_a_head_stored_twice_are_the_same_model(weights, tmp_path, workspace):
    folder = tmp_path / "half"
    folder.mkdir()
    for name in ("config.json", "vocab.json", "merges.txt"):
        (folder / name).write_bytes((weights[0] / name).read_bytes())
    half = {name: array.astype(np.float16) for name, array in weights[1].items()}
    half["lm_head.weight"] = half["wte.weight"]
    half["h.0.attn.bias"] = np.tril(np.ones((1, 1, 8, 8), np.float16))
    save_file(half, folder / SAFE)
    generator = made(base_model(str(folder), workspace, Gpt2Settings()), tmp_path)
    (ids,) = generator.engine.vocabulary.encode(["My cat eats figs."])
    (found,) = generator.engine.log_probs([ids])
    full = {name: array.astype(np.float32) for name, array in half.items()}
    np.testing.assert_allclose(found, expected(full, ids), atol=1e-4)


def test_kerass_file_is_read_where_there_are_no_safetensors(weights, tmp_path, workspace):
    folder = tmp_path / "keras"
    folder.mkdir()
    for name in ("config.json", "vocab.json", "merges.txt"):
        (folder / name).write_bytes((weights[0] / name).read_bytes())
    kinds = {"weight": "weight", "bias": "bias"}
    with h5py.File(folder / KERAS, "w") as file:
        root = "transformer/tfgp_t2lm_head_model/transformer"
        for name, array in weights[1].items():
            where, kind = name.rsplit(".", 1)
            kind = {"weight": "gamma", "bias": "beta"}[kind] if "ln_" in name else kinds[kind]
            where = where.replace("h.", "h_._", 1).replace(".", "/").replace("h_/_", "h_._")
            # Conv1D's biases have a leading axis there
            row = array[None] if kind == "bias" else array
            file.create_dataset(f"{root}/{where}/{kind}:0", data=row)
    generator = made(base_model(str(folder), workspace, Gpt2Settings()), tmp_path)
    (ids,) = generator.engine.vocabulary.encode(["My cat eats rice."])
    (found,) = generator.engine.log_probs([ids])
    np.testing.assert_allclose(found, expected(weights[1], ids), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt_neo"}, "is a 'gpt_neo', not a GPT-2"),
        ({"n_ctx": 512, "n_positions": 512}, "its window has 512 tokens, gpt-2-simple's has 1024"),
        ({"activation_function": "relu"}, "its activation is relu"),
        ({"n_embd": 64}, "wte.weight"),
        ({"vocab_size": 50257}, "its vocabulary has"),
    ],
)
def test_a_model_that_gpt_2_simple_cant_run_is_refused_with_the_reason(
    weights, tmp_path, workspace, change, message
):
    folder = tmp_path / "other"
    folder.mkdir()
    for path in weights[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BotlibError, match=message):
        base_model(str(folder), workspace, Gpt2Settings())
    assert not list(workspace.models.rglob("model.ckpt*")), "nothing half-made is left"


def test_an_output_layer_of_its_own_is_refused(weights, tmp_path, workspace):
    folder = tmp_path / "untied"
    folder.mkdir()
    for name in ("config.json", "vocab.json", "merges.txt"):
        (folder / name).write_bytes((weights[0] / name).read_bytes())
    save_file(weights[1] | {"lm_head.weight": weights[1]["wte.weight"] + 1}, folder / SAFE)
    with pytest.raises(BotlibError, match="output layer of its own"):
        base_model(str(folder), workspace, Gpt2Settings())


def test_a_pickle_alone_is_never_opened(server: Hub, weights, tmp_path, workspace):
    folder = tmp_path / "pickled"
    folder.mkdir()
    for name in ("config.json", "vocab.json", "merges.txt", "pytorch_model.bin"):
        (folder / name).write_bytes((weights[0] / name).read_bytes())
    server.add("someone/pickled", folder)
    with pytest.raises(BotlibError, match="a pickle is never opened"):
        base_model("hf:someone/pickled", workspace, Gpt2Settings())
    assert not any("pytorch_model.bin" in asked for asked in server.asked)


def refused(name: str, workspace: Workspace) -> str:
    """Returns the error, one line, and sees that nothing half-made is left."""
    with pytest.raises(BotlibError) as caught:
        base_model(name, workspace, Gpt2Settings())
    assert "\n" not in str(caught.value)
    assert not list(workspace.models.rglob("model.ckpt*"))
    return str(caught.value)


def test_a_missing_private_or_gated_repository_is_said_with_the_cure(
    server: Hub, workspace, monkeypatch
):
    name = "hf:someone/DialoGPT-tiny"
    assert "is not on the Hub, or private" in refused("hf:nobody/nothing", workspace)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert "is not on the Hub, or private" in refused("hf:nobody/nothing", workspace)
    server.repositories[name.removeprefix("hf:")].gated = True
    assert "is gated: accept its terms on the Hub, then set HF_TOKEN" in refused(name, workspace)
    monkeypatch.setenv("HF_TOKEN", "")
    assert "is gated: accept its terms" in refused(name, workspace)
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    assert "the Hub refuses access (401): set HF_TOKEN" in refused(name, workspace)
    assert "is not hf:OWNER/NAME" in refused("hf:nonsense", workspace)


def test_a_revision_that_is_gone_is_said_and_a_branch_of_a_proposal_is_found(
    server: Hub, workspace
):
    repository = server.repositories["someone/DialoGPT-tiny"]
    repository.branches["refs/pr/22"] = repository.branches["main"]
    name = "hf:someone/DialoGPT-tiny@refs/pr/22"
    folder = base_model(name, workspace, Gpt2Settings())
    manifest = read_manifest(folder)
    assert manifest["extra"]["commit"] == repository.branches["main"]
    assert manifest["extra"]["licence"] == "mit"
    assert base_model(name, workspace, Gpt2Settings()) == folder
    with pytest.raises(BotlibError, match="has no such revision: check it, or leave it out"):
        base_model("hf:someone/DialoGPT-tiny@v9", workspace, Gpt2Settings())


def test_a_hub_that_cant_be_reached_is_one_line_that_names_the_offline_profile(
    server: Hub, workspace, monkeypatch
):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("dialogpt-small", "dialogpt-medium", "hf:someone/DialoGPT-tiny"):
        said = refused(name, workspace)
        assert "the Hugging Face Hub can't be reached" in said
        assert "choose the profile `offline`, which needs no download" in said


def test_a_download_that_broke_off_is_resumed(server: Hub, workspace, weights):
    large = (weights[0] / SAFE).read_bytes()
    sha = hashlib.sha256(large).hexdigest()
    server.cut[sha] = len(large) // 2
    base_model("hf:someone/DialoGPT-tiny", workspace, Gpt2Settings())
    assert server.asked.count(f"GET cdn/{sha}") == 2
    assert not server.leaked


def test_no_room_is_said_before_anything_is_downloaded(server: Hub, workspace, monkeypatch):
    usage = shutil.disk_usage(workspace.root)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    said = refused("hf:someone/DialoGPT-tiny", workspace)
    assert "doesn't fit on the disk" in said and "HF_HOME" in said
    assert not any("cdn" in asked for asked in server.asked)


def test_no_room_for_the_checkpoint_names_how_much_is_needed(weights, workspace, monkeypatch):
    usage = shutil.disk_usage(workspace.root)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    said = refused(str(weights[0]), workspace)
    assert "GB left: free some space, or choose a smaller base_model" in said


def test_a_wrong_vocabulary_is_said_before_the_weights_are_downloaded(
    server: Hub, weights, workspace
):
    files = dict(server.repositories["someone/DialoGPT-tiny"].files)
    tokens = json.loads(files["vocab.json"])
    files["vocab.json"] = json.dumps(tokens | {"<pad>": len(tokens)}).encode()
    server.repositories["someone/DialoGPT-tiny"].commit(files)
    said = refused("hf:someone/DialoGPT-tiny", workspace)
    assert f"its vocabulary has {len(tokens) + 1} tokens, its config says {len(tokens)}" in said
    assert not any(SAFE in asked for asked in server.asked)


def test_a_page_in_place_of_a_config_is_said(server: Hub, workspace):
    files = dict(server.repositories["someone/DialoGPT-tiny"].files)
    server.repositories["someone/DialoGPT-tiny"].commit(files | {"config.json": b"<html>"})
    assert "its config.json can't be read" in refused("hf:someone/DialoGPT-tiny", workspace)


FINETUNE = """
import json, sys
from botlib.gpt2.train import finetune
from botlib.settings import Gpt2Settings
from botlib.manifests import read_manifest
from botlib.workspace import Workspace
finetune(Workspace.open(sys.argv[1]), Gpt2Settings(**json.loads(sys.argv[2])), progress=False)
"""


def test_gpt_2_simple_fine_tunes_it_in_its_own_form(weights, tmp_path):
    workspace = fill(Workspace.open(tmp_path / "w", create=True))
    settings = TINY | {"base_model": str(weights[0]), "steps": 10, "round_steps": 5}
    python(FINETUNE, workspace.root, json.dumps(settings))
    generator = Generator(workspace.gpt2("run1"), threads=1)
    assert generator.conversation.form == "turns"
    card = json.loads((workspace.gpt2("run1") / "model_card.json").read_text())
    assert card["licence"] == "mit" and card["conversation"]["form"] == "turns"
    chosen = card["chosen"]
    other = {5: "step 10", 10: "step 5"}[chosen["step"]]
    assert chosen["loss"] <= chosen["against"][other]
    # Random weights know nothing of cats: training beats the base model as it is
    assert chosen["loss"] < chosen["against"]["base model as it is"]
    assert f"step {chosen['step']} is used" in choice_sentence(card)
    assert len(generator.generate(["My cat eats rice."], n=2)) == 2


def test_training_that_makes_the_base_model_worse_is_not_used(weights, tmp_path):
    workspace = fill(Workspace.open(tmp_path / "w", create=True))
    harmful = {"base_model": str(weights[0]), "steps": 6, "round_steps": 3, "learning_rate": 1.0}
    python(FINETUNE, workspace.root, json.dumps(TINY | harmful))
    run = workspace.gpt2("run1")
    generator = Generator(run, compute_type="float32", threads=1)
    (ids,) = generator.engine.vocabulary.encode(["My cat eats figs."])
    (log_probs,) = generator.engine.log_probs([ids])
    np.testing.assert_allclose(log_probs, expected(weights[1], ids), atol=1e-4)
    card = json.loads((run / "model_card.json").read_text())
    chosen = card["chosen"]
    assert "so that one is used" in choice_sentence(card)
    assert chosen["step"] == 0 and set(chosen["against"]) >= {"step 3", "base model as it is"}
    assert (run / "best" / "model-0.index").is_file(), "gpt-2-simple can go on from it"
    samples = pd.read_csv(run / "samples.csv", keep_default_na=False)
    assert set(samples["step"]) == {0, 3, 6}


def test_no_steps_use_the_model_as_it_is(weights, tmp_path):
    workspace = fill(Workspace.open(tmp_path / "w", create=True))
    settings = TINY | {"base_model": str(weights[0]), "steps": 0}
    python(FINETUNE, workspace.root, json.dumps(settings))
    generator = Generator(workspace.gpt2("run1"), compute_type="float32", threads=1)
    (ids,) = generator.engine.vocabulary.encode(["My cat eats figs."])
    (found,) = generator.engine.log_probs([ids])
    np.testing.assert_allclose(found, expected(weights[1], ids), atol=1e-4)
    card = json.loads((workspace.gpt2("run1") / "model_card.json").read_text())
    assert card["steps"] == 0 and card["validation_loss"] > 0
    assert card["chosen"]["against"] == {"base model as it is": card["validation_loss"]}
