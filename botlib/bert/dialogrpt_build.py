"""DialogRPT (a GPT-2 that ranks replies) from the Hub, as ONNX graphs in float32 and int8."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from botlib.bert.dialogrpt import GRAPHS
from botlib.bert.export import to_int8
from botlib.errors import BotlibError
from botlib.gpt2 import hub, hub_client, hub_weights
from botlib.gpt2.hub_client import Repository
from botlib.gpt2.vocabulary import FILES
from botlib.manifests import read_manifest, write_manifest
from botlib.workspace import atomic_folder

# Where safetensors are, of repositories whose main branch has a pickle alone
REVISIONS = {
    f"microsoft/DialogRPT-{name}": "refs/pr/1"
    for name in ("updown", "width", "depth", "human-vs-rand", "human-vs-machine")
}
HEAD = "score.weight"
OPSET = 17
EPSILON = 1e-5
# The domain of ONNX Runtime's own operations
MICROSOFT = "com.microsoft"


def fetch(name: str, folder: Path) -> Path:
    """Returns a folder with both graphs, the vocabulary and config.json; made once.

    Args:
      name: hf:OWNER/NAME[@REVISION] of a GPT-2 with one score, such as
        hf:microsoft/DialogRPT-updown.
      folder: where it goes.

    Raises:
      BotlibError: as `hub.fetch`, or the model has no score or several.
    """
    repository = Repository.of(name, "rank")
    revision = repository.revision or REVISIONS.get(repository.name)
    repository = Repository(repository.name, revision)
    about = {"repository": repository.name, "revision": revision}
    if read_manifest(folder).get("parameters") == about:
        return folder
    cure = "set rank to own"
    path = make(folder, repository.text, lambda file: hub_client.download(repository, file, cure))
    licence = hub.licence_of(hub_client.download(repository, "README.md", cure))
    extra = {"commit": hub_client.commit_of(path), "licence": licence}
    write_manifest(folder, parameters=about, seed=None, extra=extra)
    return folder


def make(folder: Path, text: str, find: Callable[[str], Path | None]) -> Path:
    """Returns the weights' file, after making the graphs from the files that `find` returns.

    Args:
      folder: where they go.
      text: what the model is called, for errors and config.json.
      find: from a file's name on the Hub to where it lies here; None where there is none.

    Raises:
      BotlibError: it is no GPT-2 with one score, or has no safetensors.
    """
    config, *vocabulary = (find(file) for file in ("config.json", "vocab.json", "merges.txt"))
    if config is None or None in vocabulary:
        raise BotlibError(
            f"{text} has no config.json, vocab.json or merges.txt: set rank to a DialogRPT, or own"
        )
    hparams = hub_weights.sizes(hub_weights.read_config(config, text), text)
    path = find(hub_weights.SAFE)
    if path is None:
        raise BotlibError(
            f"{text} has no {hub_weights.SAFE}; a pickle is never opened, since it can run code: "
            "name a revision that has one (hf:OWNER/NAME@refs/pr/1), or set rank to own"
        )
    weights = hub_weights.read_weights(path)
    head = weights.get(HEAD)
    if head is None or head.shape != (1, hparams["n_embd"]):
        raise BotlibError(
            f"{text} gives {'no score' if head is None else f'{len(head)} scores'}, not one: set "
            "rank to a DialogRPT, or own"
        )
    with atomic_folder(folder) as part:
        for file, name in zip(vocabulary, FILES, strict=True):
            shutil.copyfile(file, part / name)
        weights = hub_weights.checkpoint_weights(weights, hparams, text)
        write_graph(weights, head, hparams, part / GRAPHS["fp32"])
        # 1.4 GB for a medium one, which the next step takes again
        del weights, head
        to_int8(part / GRAPHS["fp32"], part / GRAPHS["int8"], ["MatMul", "Attention"])
        config = {"repository": text, "hparams": hparams, "precision": "int8"}
        (part / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return path


def write_graph(
    weights: dict[str, np.ndarray], head: np.ndarray, hparams: Mapping[str, int], path: Path
) -> None:
    """Writes a GPT-2 with a score as an ONNX graph: input_ids (n, length), last (n) → score (n).

    `last` is the position of each text's last token; what stands behind it changes nothing, since
    GPT-2 looks back only. Attention and GELU are ONNX Runtime's own operations, as int8 has them.

    Args:
      weights: under the names of OpenAI's checkpoint; emptied on the way, for the memory's sake.
      head: (1, width).
      hparams: the sizes.
      path: the file to write.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "length"]),
        helper.make_tensor_value_info("last", TensorProto.INT64, ["n"]),
    ]
    outputs = [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"])]
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    empty = helper.make_graph([], "DialogRPT", inputs, outputs)
    # Filled in place: each copy of a medium model takes 1.4 GB
    model = helper.make_model(empty, opset_imports=opsets, ir_version=9)

    def constant(name: str, array: np.ndarray) -> str:
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        node = helper.make_node(kind, inputs, [output], domain=domain, **attributes)
        model.graph.node.append(node)
        return output

    def weight(name: str) -> str:
        array = np.asarray(weights.pop(f"model/{name}"), np.float32)
        return constant(name, array[0] if name.endswith("/w") else array)

    def norm(x: str, name: str) -> str:
        inputs = [x, weight(f"{name}/g"), weight(f"{name}/b")]
        return add("LayerNormalization", inputs, f"{name}/out", axis=-1, epsilon=EPSILON)

    def linear(x: str, name: str) -> str:
        product = add("MatMul", [x, weight(f"{name}/w")], f"{name}/product")
        return add("Add", [product, weight(f"{name}/b")], f"{name}/out")

    words = add("Gather", [weight("wte"), "input_ids"], "words")
    add("Shape", ["input_ids"], "length", start=1, end=2)
    starts, axes = constant("zero", np.array([0])), constant("axes", np.array([0]))
    places = add("Slice", [weight("wpe"), starts, "length", axes], "places")
    x = add("Add", [words, places], "embedded")
    for layer in range(hparams["n_layer"]):
        at = f"h{layer}"
        seen = add(
            "Attention",
            [
                norm(x, f"{at}/ln_1"),
                weight(f"{at}/attn/c_attn/w"),
                weight(f"{at}/attn/c_attn/b"),
            ],
            f"{at}/seen",
            MICROSOFT,
            num_heads=hparams["n_head"],
            unidirectional=1,
        )
        x = add("Add", [x, linear(seen, f"{at}/attn/c_proj")], f"{at}/after_attention")
        wide = linear(norm(x, f"{at}/ln_2"), f"{at}/mlp/c_fc")
        wide = add("FastGelu", [wide], f"{at}/gelu", MICROSOFT)
        x = add("Add", [x, linear(wide, f"{at}/mlp/c_proj")], f"{at}/after_mlp")
    # The last token's state alone is normed and scored
    pick = add("Unsqueeze", ["last", constant("one", np.array([1]))], "pick")
    state = norm(add("GatherND", [x, pick], "state", batch_dims=1), "ln_f")
    column = constant("score/w", np.asarray(head, np.float32).reshape(-1))
    add("ReduceSum", [add("Mul", [state, column], "parts"), "one"], "score", keepdims=0)
    onnx.save(model, str(path))
