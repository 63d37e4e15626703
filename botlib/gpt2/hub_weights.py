"""Weights of a GPT-2 under the Hub's names, made into the checkpoint that gpt-2-simple fine-tunes.

Only weights in safetensors or, where a repository has none, in Keras's HDF5 are read. A pickle
(`pytorch_model.bin`) can run code when it is loaded, so it is never opened.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from botlib import frameworks
from botlib.errors import BotlibError
from botlib.gpt2.download import parameters_of

SAFE, KERAS = "model.safetensors", "tf_model.h5"
# gpt-2-simple always takes windows of 1024 tokens for granted, and computes GELU as OpenAI did
N_CTX = 1024
ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")


def read_config(path: Path, source: str) -> dict[str, Any]:
    """Returns a model's config.json.

    Raises:
      BotlibError: it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BotlibError(
            f"{source}: its config.json can't be read ({error}): choose another base_model"
        ) from error


def check_room(folder: Path, hparams: Mapping[str, int], source: str) -> None:
    """Looks whether a model's checkpoint fits on the disk.

    Raises:
      BotlibError: it doesn't; says how much is needed.
    """
    needed, free = 4 * parameters_of(dict(hparams)), shutil.disk_usage(folder).free
    if needed > free:
        raise BotlibError(
            f"{source} needs {needed / 1e9:.1f} GB in {folder.parent}, which has "
            f"{free / 1e9:.1f} GB left: free some space, or choose a smaller base_model"
        )


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


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return {name: array.astype(np.float32, copy=False) for name, array in load_file(path).items()
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
