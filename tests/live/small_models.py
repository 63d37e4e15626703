"""Small real models, made without TensorFlow: a GPT-2 of random weights, scorers of a few."""

import json
from pathlib import Path

import numpy as np

from botlib import model_files
from botlib.bert import blend
from botlib.bert.blend import SURFACE_NAMES
from botlib.bert.features import SPECIAL_TOKENS
from botlib.gpt2 import convert, vocabulary
from botlib.workspace import Workspace

SCORER_PARTS = ("config.json", "vocab.txt", "model.onnx")
TEXTS = [
    "A comment about rivers, and how one writes about them when they are dry.",
    "Try to write every day; read it aloud; then cut the first page and begin again.",
    "Robots may dream, but who would read their novels? I would, if they were short.",
] * 20


def fill(workspace: Workspace, seed: int = 0) -> None:
    """Puts a generator and the three scorers into a workspace."""
    make_generator(workspace.gpt2("run1"), seed)
    make_scorer(workspace.bert_realism, "realism", ["fake", "real"], seed, bias=[-3.0, 3.0])
    make_scorer(workspace.bert_upvotes, "upvotes", ["0", "1", "2", "3"], seed)
    make_scorer(workspace.bert_rank, "rank", [], seed)


def make_generator(run: Path, seed: int, width: int = 32, layers: int = 2) -> None:
    """Writes a run folder whose CTranslate2 model is a GPT-2 of random weights."""
    run.mkdir(parents=True)
    base = run / "base"
    base.mkdir()
    vocabulary.learn(TEXTS, 400, base)
    size = len(vocabulary.Vocabulary(base))
    sizes = {"n_vocab": size, "n_ctx": 128, "n_embd": width, "n_head": 2, "n_layer": layers}
    (base / "hparams.json").write_text(json.dumps(sizes))
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return random.normal(0, 0.2, shape).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
        return {f"{name}/g": ones, f"{name}/b": zeros}

    def dense(name: str, before: int, after: int) -> dict[str, np.ndarray]:
        return {f"{name}/w": normal(1, before, after), f"{name}/b": np.zeros(after, np.float32)}

    weights = {"model/wte": normal(size, width), "model/wpe": normal(128, width)}
    weights |= norm("model/ln_f")
    for layer in range(layers):
        at = f"model/h{layer}"
        weights |= norm(f"{at}/ln_1") | norm(f"{at}/ln_2")
        weights |= dense(f"{at}/attn/c_attn", width, 3 * width)
        weights |= dense(f"{at}/attn/c_proj", width, width)
        weights |= dense(f"{at}/mlp/c_fc", width, 4 * width)
        weights |= dense(f"{at}/mlp/c_proj", 4 * width, width)
    read_weights = convert.read_weights
    convert.read_weights = lambda *_: weights
    try:
        convert.convert(base, base, run / "ctranslate2", "float32")
    finally:
        convert.read_weights = read_weights
    parts = (run / "ctranslate2").iterdir()
    model_files.declare(run, "gpt2", [f"ctranslate2/{path.name}" for path in parts])


def make_scorer(folder: Path, task: str, classes: list[str], seed: int, bias=None) -> None:
    """Writes a scorer whose logits are linear in the mean of random word vectors."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    words = sorted({word.strip(".,;?") for text in TEXTS for word in text.lower().split()})
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789") + [f"##{c}" for c in "abcdefghij"]
    pieces = [*SPECIAL_TOKENS, *letters, *words]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(pieces)) + "\n")
    outputs = len(classes) or 1
    random = np.random.default_rng(seed)
    table = random.normal(0, 1, (len(pieces), outputs)).astype(np.float32)
    offset = np.asarray([0.0] * outputs if bias is None else bias, np.float32)
    names = ("input_word_ids", "input_mask", "input_type_ids")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", names[0]], ["vectors"]),
            helper.make_node("Cast", [names[1]], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
            helper.make_node("Mul", ["vectors", "wide"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "one"], ["sum"], keepdims=0),
            helper.make_node("Add", ["sum", "offset"], ["logits"]),
        ],
        "scorer",
        [helper.make_tensor_value_info(name, TensorProto.INT32, ["n", "t"]) for name in names],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(offset, "offset"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, folder / "model.onnx")
    config = {
        "task": task,
        "classes": classes,
        "max_tokens": 64,
        "do_lower_case": True,
        "temperature": 1.0,
        "precision": "fp32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    model_files.declare(folder, f"bert_{task}", SCORER_PARTS)


def add_head(folder: Path, seed: int = 0) -> None:
    """Gives a scorer a head of random weights, as training does where validation chose one."""
    config = json.loads((folder / "config.json").read_text())
    outputs = len(config["classes"]) or 1
    random = np.random.default_rng(seed)
    vocabulary = ["read", "rivers", "every day", "."]
    names = ["reply"] if config["task"] == "rank" else ["reply", "comment"]
    words = {
        name: blend.Words(
            vocabulary,
            random.uniform(1, 2, len(vocabulary)),
            random.normal(size=(len(vocabulary), outputs)),
            r"\w+|[^\w\s]",
        )
        for name in names
    }
    width = 2 * outputs + len(names) * len(SURFACE_NAMES)
    arrays = {"words_intercept": np.zeros(outputs), "mean": np.zeros(width)}
    arrays |= {"scale": np.ones(width), "intercept": np.zeros(outputs)}
    arrays["head"] = random.normal(0, 0.3, (width, outputs))
    blend.Blend(config["task"], words, arrays).save(folder)
    (folder / "config.json").write_text(json.dumps(config | {"head": {"used": True}}))
    parts = [*SCORER_PARTS, blend.ARRAYS, blend.WORDS]
    model_files.declare(folder, f"bert_{config['task']}", parts)


def make_context(folder: Path) -> None:
    """Trains a context model on a hundred made-up replies."""
    import pandas as pd

    from botlib.worth import model

    rows = pd.DataFrame(
        {
            "comment": TEXTS[0],
            "reply": TEXTS,
            "rating": np.arange(len(TEXTS)) % 4,
            "reply_created_utc": 1_500_000_000 + 60 * np.arange(len(TEXTS)),
            "comment_created_utc": 1_500_000_000,
        }
    )
    model.train(rows, out=folder, trees=5)
