"""GPT-2 models from the Hugging Face Hub, made into the checkpoint that gpt-2-simple fine-tunes.

Only weights in safetensors or, where a repository has none, in Keras's HDF5 are read. A pickle
(`pytorch_model.bin`) can run code when it is loaded, so it is never opened.
"""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from botlib import credentials, frameworks
from botlib.errors import BotlibError
from botlib.gpt2 import conversation
from botlib.gpt2.vocabulary import FILES, Vocabulary
from botlib.workspace import atomic_folder, hash_path, read_manifest, write_manifest

# What users call them → repository, and how a conversation is written for it
KNOWN = {
    "124M": ("openai-community/gpt2", "separator"),
    "355M": ("openai-community/gpt2-medium", "separator"),
    "774M": ("openai-community/gpt2-large", "separator"),
    "distilgpt2": ("distilbert/distilgpt2", "separator"),
    "dialogpt-small": ("microsoft/DialoGPT-small", "turns"),
    "dialogpt-medium": ("microsoft/DialoGPT-medium", "turns"),
    "dialogpt-large": ("microsoft/DialoGPT-large", "turns"),
}
PREFIX = "hf:"
SAFE, KERAS = "model.safetensors", "tf_model.h5"
# gpt-2-simple always takes windows of 1024 tokens for granted, and computes GELU as OpenAI did
N_CTX = 1024
ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")
_SPELLING = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


@dataclasses.dataclass(frozen=True)
class Source:
    """A model on the Hub: its repository, its revision, and the form of its conversations."""

    repository: str
    revision: str | None
    form: str

    @classmethod
    def of(cls, name: str) -> "Source":
        """Returns the source of a `base_model`: a name in KNOWN, or hf:OWNER/NAME[@REVISION].

        Raises:
          BotlibError: it is neither.
        """
        if name in KNOWN:
            repository, form = KNOWN[name]
            return cls(repository, None, form)
        if not (match := _SPELLING.fullmatch(name)):
            raise BotlibError(
                f"base_model: {name!r} is not hf:OWNER/NAME or hf:OWNER/NAME@REVISION"
            )
        # DialoGPT's descendants are fine-tuned in DialoGPT's form
        form = "turns" if "dialogpt" in match[1].lower() else "separator"
        return cls(match[1], match[2], form)

    @property
    def text(self) -> str:
        return self.repository + (f"@{self.revision}" if self.revision else "")


def fetch(name: str, folder: Path) -> Path:
    """Returns a folder with a model of the Hub as gpt-2-simple takes it; made once.

    huggingface_hub downloads with progress, goes on after a lost connection, and checks hashes.
    A token is read from HF_TOKEN, Colab's secrets or the Hub's own login.

    Args:
      name: see `Source.of`.
      folder: where `hparams.json`, `encoder.json`, `vocab.bpe`, `model.ckpt.*` go.

    Raises:
      BotlibError: no connection, no such repository or revision, a gated one, no room, or a
        model that is not a GPT-2 of 1024 tokens with tied embeddings.
    """
    source = Source.of(name)
    about = {"repository": source.repository, "revision": source.revision}
    if read_manifest(folder).get("parameters") == about:
        return folder
    path = _make(folder, source.text, source.form, lambda file: _download(source, file))
    extra = {"file": path.name, "sha256": hash_path(path), "commit": _commit(path)}
    write_manifest(folder, parameters=about, seed=None, extra=extra | {"form": source.form})
    return folder


def from_folder(source: Path, folder: Path) -> Path:
    """Returns a folder like `fetch`'s, from a model of the Hub that is already on this machine.

    Raises:
      BotlibError: as `fetch`.
    """
    form = "turns" if "dialogpt" in source.name.lower() else "separator"
    if (source / conversation.FILE).is_file():
        form = conversation.read(source)
    files = {path.name: path for path in source.iterdir() if path.is_file()}
    weights = next((files[name] for name in (SAFE, KERAS) if name in files), None)
    about = {"folder": source.name, "sha256": weights and hash_path(weights)}
    if read_manifest(folder).get("parameters") == about:
        return folder
    _make(folder, str(source), form, files.get)
    write_manifest(folder, parameters=about, seed=None, extra={"form": form})
    return folder


def _make(folder: Path, text: str, form: str, find: Callable[[str], Path | None]) -> Path:
    """Returns the weights' file, after making the checkpoint's folder from what `find` returns."""
    config, *vocabulary = (find(file) for file in ("config.json", "vocab.json", "merges.txt"))
    if config is None or None in vocabulary:
        text = f"{text} has no config.json, vocab.json or merges.txt"
        raise BotlibError(f"{text}, so it is not a GPT-2: choose another base_model")
    hparams = sizes(json.loads(config.read_text(encoding="utf-8")), text)
    path = find(SAFE) or find(KERAS)
    if path is None:
        raise BotlibError(
            f"{text} has neither {SAFE} nor {KERAS}; a pickle is never opened, since it can run "
            "code: choose another base_model, or a revision that has one (hf:OWNER/NAME@refs/pr/22)"
        )
    weights = checkpoint_weights(read_weights(path), hparams, text)
    with atomic_folder(folder) as part:
        for file, name in zip(vocabulary, FILES, strict=True):
            shutil.copyfile(file, part / name)
        if (tokens := len(Vocabulary(part))) != hparams["n_vocab"]:
            raise BotlibError(
                f"{text}: its vocabulary has {tokens} tokens, its config says "
                f"{hparams['n_vocab']}: choose another base_model"
            )
        (part / "hparams.json").write_text(json.dumps(hparams) + "\n", encoding="utf-8")
        conversation.write(part, form)
        write_checkpoint(weights, part / "model.ckpt")
    return path


def sizes(config: Mapping[str, Any], source: str) -> dict[str, int]:
    """Returns gpt-2-simple's hparams for a Hub config.

    Raises:
      BotlibError: it is not a GPT-2 that gpt-2-simple can run; says why.
    """
    if config.get("model_type") != "gpt2":
        raise BotlibError(
            f"{source} is a {config.get('model_type')!r}, not a GPT-2: choose another base_model"
        )
    try:
        hparams = {
            "n_vocab": int(config["vocab_size"]),
            "n_ctx": int(config.get("n_ctx") or config["n_positions"]),
            **{key: int(config[key]) for key in ("n_embd", "n_head", "n_layer")},
        }
    except (KeyError, TypeError, ValueError) as error:
        raise BotlibError(
            f"{source}: its config.json has no size ({error}): choose another base_model"
        ) from error
    reasons = {
        f"its window has {hparams['n_ctx']} tokens, gpt-2-simple's has {N_CTX}": hparams["n_ctx"]
        != N_CTX,
        f"its activation is {config.get('activation_function')}": config.get(
            "activation_function", "gelu_new"
        )
        not in ACTIVATIONS,
        "its feed-forward width is not four times n_embd": config.get("n_inner")
        not in (None, 4 * hparams["n_embd"]),
        "it scales attention by layer": bool(config.get("scale_attn_by_inverse_layer_idx")),
        "its layer norm has another epsilon": config.get("layer_norm_epsilon", 1e-5) != 1e-5,
    }
    for reason, applies in reasons.items():
        if applies:
            raise BotlibError(
                f"{source} can't be fine-tuned by gpt-2-simple: {reason}; choose another base_model"
            )
    return hparams


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Returns a file's weights in float32, by their names on the Hub, without `transformer.`.

    Raises:
      BotlibError: the file is damaged.
    """
    try:
        weights = _safetensors(path) if path.suffix == ".safetensors" else _keras(path)
    except Exception as error:
        raise BotlibError(f"{path} is damaged ({error}): delete it and run this again") from error
    return {name.removeprefix("transformer."): array for name, array in weights.items()}


def checkpoint_weights(
    weights: Mapping[str, np.ndarray], hparams: Mapping[str, int], source: str
) -> dict[str, np.ndarray]:
    """Returns a model's weights under the names, and in the shapes, of OpenAI's checkpoint.

    Conv1D kernels lie as in OpenAI's (in × out); they get a leading axis of one.

    Raises:
      BotlibError: a weight is missing or has another shape, or the output layer is not tied.
    """
    width = hparams["n_embd"]
    shapes = {"wte.weight": (hparams["n_vocab"], width), "wpe.weight": (hparams["n_ctx"], width)}
    names = {"wte.weight": "model/wte", "wpe.weight": "model/wpe"}
    parts = [("ln_1", width), ("ln_2", width)]
    kernels = {
        "attn.c_attn": (1, 3),
        "attn.c_proj": (1, 1),
        "mlp.c_fc": (1, 4),
        "mlp.c_proj": (4, 1),
    }
    norms = {"ln_f": "model/ln_f"}
    for layer in range(hparams["n_layer"]):
        norms |= {f"h.{layer}.{norm}": f"model/h{layer}/{norm}" for norm, _ in parts}
        for kernel, (rows, columns) in kernels.items():
            there, here = f"h.{layer}.{kernel}", f"model/h{layer}/{kernel.replace('.', '/')}"
            names |= {f"{there}.weight": f"{here}/w", f"{there}.bias": f"{here}/b"}
            shapes[f"{there}.weight"] = (rows * width, columns * width)
            shapes[f"{there}.bias"] = (columns * width,)
    for there, here in norms.items():
        names |= {f"{there}.weight": f"{here}/g", f"{there}.bias": f"{here}/b"}
        shapes |= {f"{there}.weight": (width,), f"{there}.bias": (width,)}
    made = {}
    for there, here in names.items():
        if there not in weights:
            raise BotlibError(
                f"{source} has no weight {there!r}: it is not a complete GPT-2; "
                "choose another base_model"
            )
        array = np.asarray(weights[there], np.float32).reshape(
            -1 if len(shapes[there]) == 1 else weights[there].shape
        )
        if array.shape != shapes[there]:
            raise BotlibError(
                f"{source}: {there!r} is {array.shape}, but its config says {shapes[there]}: "
                "choose another base_model"
            )
        made[here] = array[None] if here.endswith("/w") else array
    head = weights.get("lm_head.weight")
    if head is not None and not np.array_equal(np.asarray(head, np.float32), made["model/wte"]):
        raise BotlibError(
            f"{source} has an output layer of its own; gpt-2-simple uses the token embeddings "
            "(tied): choose another base_model"
        )
    return made


def write_checkpoint(weights: Mapping[str, np.ndarray], prefix: Path) -> None:
    """Writes variables as a TensorFlow checkpoint, which gpt-2-simple restores by name."""
    frameworks.quiet_tensorflow()
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables, values = [], {}
        for name, array in weights.items():
            # Fed, since a constant this large would not fit into a graph
            value = tf.compat.v1.placeholder(tf.float32, array.shape)
            variables.append(tf.compat.v1.Variable(value, name=name, use_resource=False))
            values[value] = array
        session.run(tf.compat.v1.global_variables_initializer(), values)
        saver = tf.compat.v1.train.Saver(variables, save_relative_paths=True)
        saver.save(session, str(prefix), write_meta_graph=False)


def _download(source: Source, file: str) -> Path | None:
    """Returns a file's path in the Hub's cache, or None if the repository doesn't have it."""
    from huggingface_hub import errors, hf_hub_download

    refusals = {
        errors.GatedRepoError: "is gated: accept its terms on the Hub, then set HF_TOKEN",
        errors.RevisionNotFoundError: "has no such revision: check it, or leave it out",
        errors.RepositoryNotFoundError: "is not on the Hub, or private: check it, or set HF_TOKEN",
    }
    try:
        return Path(
            hf_hub_download(
                source.repository,
                file,
                revision=source.revision,
                token=credentials.get("HF_TOKEN"),
                endpoint=os.environ.get("HF_ENDPOINT") or None,
            )
        )
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(source, error) from error
    except errors.EntryNotFoundError:
        return None
    except tuple(refusals) as error:
        reason = next(text for kind, text in refusals.items() if isinstance(error, kind))
        raise BotlibError(f"{source.text} {reason}") from error
    except errors.HfHubHTTPError as error:
        raise _unreachable(source, error) from error
    except OSError as error:
        raise BotlibError(
            f"{source.text}: {file} can't be stored ({error}): free some space, or move the "
            "Hub's cache with HF_HOME"
        ) from error
    except Exception as error:
        # The HTTP library's own errors; which one it is depends on the Hub library's version
        if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "requests"):
            raise _unreachable(source, error) from error
        raise


def _unreachable(source: Source, error: Exception) -> BotlibError:
    reason = str(error).splitlines()[0][:200]
    return BotlibError(
        f"the Hugging Face Hub can't be reached for {source.text} ({reason}): check the network "
        "and run this again, or choose the profile `offline`, which needs no download"
    )


def _commit(path: Path) -> str:
    """The commit a cached file belongs to: …/snapshots/COMMIT/model.safetensors."""
    return path.parent.name if path.parent.parent.name == "snapshots" else ""


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return {name: array.astype(np.float32) for name, array in load_file(path).items()
            if not name.endswith((".attn.bias", ".attn.masked_bias"))}  # fmt: skip


# tfgp_t2lm_head_model/transformer/h_._0/attn/c_attn/weight:0
_KERAS = re.compile(r"(?:^|/)(wte|wpe|h_\._\d+/[\w/]+|ln_f)/(weight|embeddings|bias|gamma|beta):0$")


def _keras(path: Path) -> dict[str, np.ndarray]:
    import h5py

    weights: dict[str, np.ndarray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and (match := _KERAS.search(name)):
            where = match[1].replace("h_._", "h.").replace("/", ".")
            kind = {"gamma": "weight", "beta": "bias", "embeddings": "weight"}.get(
                match[2], match[2]
            )
            weights[f"{where}.{kind}"] = np.asarray(item, np.float32)

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return weights
