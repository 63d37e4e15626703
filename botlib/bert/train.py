"""Fine-tunes a pair classifier: is a reply real, what rating will it get, which sibling wins."""

import contextlib
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib import model_files
from botlib.bert import export
from botlib.bert import loop as bert_loop
from botlib.bert import model as bert_model
from botlib.bert.batches import Examples
from botlib.bert.encoder import Encoder
from botlib.bert.examples import TASKS, checked, draw, examples_of
from botlib.bert.features import PairFeatures
from botlib.bert.legacy_keras import tensorflow
from botlib.bert.scorer import Scorer
from botlib.errors import BotlibError
from botlib.probabilities import softmax
from botlib.workspace import atomic_folder, write_manifest

# int8 is used only where it costs no more AUC than this on the validation pairs
INT8_COST = 0.002
# What scoring needs; a head adds its own
PARTS = ("config.json", "vocab.txt", "model.onnx", "model_int8.onnx")


def train(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    *,
    task: str,
    encoder: Encoder,
    out: Path,
    epochs: int = 1,
    batch_size: int = 32,
    learning_rate: float = 2e-5,
    max_tokens: int = 64,
    max_pairs: int = 0,
    max_minutes: float = 0.0,
    seed: int = 2020,
    pooling: str = "auto",
    trained_layers: int = 0,
    class_weights: str = "none",
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    dropout: float = 0.1,
    validations: int = 4,
    patience: int = 2,
    max_validation_pairs: int = 2000,
    mixed_precision: str = "auto",
    xla: str = "auto",
    start_from: Path | None = None,
    inputs: Iterable[Path] = (),
    progress: bool = True,
) -> pd.DataFrame:
    """Trains a classifier and exports it; a killed run goes on where it was when called again.

    Args:
      train: columns comment, reply and the task's label: real (0, 1), rating (0 to 3), or for
        "rank" reply_score and comment_id (replies with the same one are siblings), and
        reply_created_utc if known: siblings over an hour apart aren't compared. Training pairs
        may have a column offset instead, the log-odds they owe to their time; then all siblings
        are compared.
      validation: the same columns; decides which weights are kept, and the temperature.
      task: "realism", "upvotes" or "rank".
      encoder: from `encoder.load`.
      out: the folder that `Scorer` loads.
      epochs: passes over the training pairs.
      batch_size: pairs a step.
      learning_rate: its peak; 2e-5 to 5e-5 for a trained encoder, 5e-4 for a scratch one.
      max_tokens: of comment and reply together; see `PairFeatures`.
      max_pairs: train on so many pairs, drawn by the seed; 0 takes all.
      max_minutes: training ends after so many, with its learning rate decayed to zero; 0: never.
      seed: of order, head and draws.
      pooling: "cls" or "pair", see `bert_model.build`; "auto" is "pair" for a scratch encoder,
        which has not learned to compare texts.
      trained_layers: 0 trains everything, n only the n top layers.
      class_weights: "balanced" counts each class alike in the loss, "none" each pair.
      warmup: share of the run in which the learning rate rises.
      weight_decay: AdamW's.
      dropout: before the last layer.
      validations: how often the validation pairs are scored during the run.
      patience: the run ends after more than so many validations without a better AUC (for "rank":
        without a lower loss); the best weights are kept.
      max_validation_pairs: score so many of them, drawn by the seed.
      mixed_precision: "auto" uses float16 on a GPU and bfloat16 on processors that have it;
        "off" neither.
      xla: "auto" lets XLA fuse operations on a GPU, "off" doesn't.
      start_from: an earlier model's folder; its weights are the first ones, but for the head where
        the classes differ.
      inputs: files and folders the pairs came from, for the manifest.
      progress: show a bar with loss, pairs a second and the time left.

    Returns:
      The history, also in out/history.csv; see `bert_loop.Loop.run`.

    Raises:
      BotlibError: pairs of one class only, no validation pairs, out of memory, and the like.
    """
    parameters = {
        name: value
        for name, value in locals().items()
        if isinstance(value, str | int | float | Path) and name not in ("progress", "out")
    }
    tf = tensorflow()
    tf.keras.utils.set_random_seed(seed)
    if pooling == "auto":
        pooling = "pair" if encoder.handle.startswith("scratch") else "cls"
    if max_tokens > encoder.max_positions:
        raise BotlibError(
            f"max_tokens is {max_tokens}, but {encoder.handle} has room for {encoder.max_positions}"
        )
    train, validation = checked(train, task, "training"), checked(validation, task, "validation")
    train = draw(train, task, max_pairs, seed)
    validation = draw(validation, task, max_validation_pairs, seed)
    features = PairFeatures(encoder.vocab_file, encoder.do_lower_case, max_tokens)
    sets = [examples_of(frame, task, features, class_weights) for frame in (train, validation)]
    plan = bert_loop.Plan(
        task=task,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup=warmup,
        weight_decay=weight_decay,
        trained_layers=trained_layers,
        max_minutes=max_minutes,
        validations=validations,
        patience=patience,
        seed=seed,
        progress=progress,
    )
    classes = TASKS[task][1]
    strategy = _strategy(tf)
    memory, compiled = _memory(batch_size, max_tokens), _xla(tf, xla)
    with memory, compiled, _precision(tf, mixed_precision) as half:
        with strategy.scope():
            model = bert_model.build(
                encoder, len(classes) or 1, pooling=pooling, dropout=dropout, seed=seed
            )
        if start_from:
            _set_weights(model, Path(start_from), encoder)
        loop = bert_loop.Loop(model, plan, *sets, strategy, half == "float16")
        history = loop.run(_resume_folder(out, parameters, encoder, *sets))
    with atomic_folder(out) as folder:
        shutil.copyfile(encoder.vocab_file, folder / "vocab.txt")
        np.savez(folder / "weights.npz", **{v.name: v.numpy() for v in model.variables})
        export.to_onnx(model, folder / "model.onnx", encoder.heads)
        history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
        config = {
            "task": task,
            "classes": classes,
            "encoder": encoder.handle,
            "max_tokens": max_tokens,
            "do_lower_case": encoder.do_lower_case,
            "pooling": pooling,
            "temperature": 1.0,
            "precision": "fp32",
        }
        config |= _calibrate(folder, config, validation, sets[1])
        _write_json(folder / "config.json", config)
        model_files.declare(folder, f"bert_{task}", PARTS)
        if start_from:
            # Whose machine it was made on is nobody's business
            parameters["start_from"] = Path(start_from).name
        card = _card(config, train, validation, history, parameters, loop.best_step)
        _write_json(folder / "model_card.json", card)
        write_manifest(
            folder, inputs=inputs, parameters=parameters, seed=seed, extra={"precision": half}
        )
    return history


def _set_weights(model, folder: Path, encoder: Encoder) -> None:
    path = folder / "weights.npz"
    if not path.is_file():
        raise BotlibError(f"start_from: {path} is missing; train that model first")
    stored = np.load(path)
    for variable in model.variables:
        fits = variable.name in stored and stored[variable.name].shape == variable.shape
        if fits:
            variable.assign(stored[variable.name])
        elif not variable.name.startswith("head/"):
            raise BotlibError(
                f"start_from: {folder} holds the weights of another encoder than {encoder.handle} "
                f"({variable.name} differs); choose the encoder it was trained with"
            )


def _strategy(tf):
    """All GPUs where there are several; else the one device there is."""
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


@contextlib.contextmanager
def _precision(tf, wanted: str) -> Iterator[str]:
    """Turns on mixed precision by TensorFlow's graph rewrite, and off again.

    A TF Hub module's types are fixed when it is saved, so Keras's own policy doesn't reach it.
    """
    if wanted not in ("auto", "off"):
        raise BotlibError(f"mixed_precision must be auto or off, not {wanted!r}")
    half, option = "float32", ""
    if wanted == "auto" and tf.config.list_physical_devices("GPU"):
        half, option = "float16", "auto_mixed_precision"
    elif wanted == "auto" and _has_bfloat16():
        half, option = "bfloat16", "auto_mixed_precision_onednn_bfloat16"
    if option:
        tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield half
    finally:
        if option:
            tf.config.optimizer.set_experimental_options({option: False})


@contextlib.contextmanager
def _xla(tf, wanted: str) -> Iterator[None]:
    """Turns on XLA where there is a GPU, and off again.

    By clusters, not whole steps: batches of many lengths would each compile a step of their own.
    """
    if wanted not in ("auto", "off"):
        raise BotlibError(f"xla must be auto or off, not {wanted!r}")
    before = tf.config.optimizer.get_jit()
    if wanted == "auto" and tf.config.list_physical_devices("GPU"):
        tf.config.optimizer.set_jit("autoclustering")
    try:
        yield
    finally:
        tf.config.optimizer.set_jit("autoclustering" if before else False)


def _has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


@contextlib.contextmanager
def _memory(batch_size: int, max_tokens: int) -> Iterator[None]:
    tf = tensorflow()
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise BotlibError(
            f"out of memory with batch_size {batch_size} and max_tokens {max_tokens}: "
            "halve batch_size, or take a smaller encoder"
        ) from error


def _resume_folder(out: Path, parameters: Mapping[str, Any], encoder: Encoder, *sets) -> Path:
    """Where an unfinished run is kept; another run's settings or data lead to another folder."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    digest.update(str(encoder.folder.resolve()).encode())
    if start := parameters.get("start_from"):
        # The earlier model may have been trained anew since
        digest.update((Path(start) / "weights.npz").read_bytes())
    for examples in sets:
        digest.update(examples.pairs.ids.tobytes() + examples.labels.tobytes())
    return Path(out).with_name(f".{Path(out).name}.{digest.hexdigest()[:12]}.training")


def _calibrate(folder: Path, config: dict, frame: pd.DataFrame, examples: Examples) -> dict:
    """Finds the temperature, and whether int8 is good enough, with what will do the scoring."""
    _write_json(folder / "config.json", config)
    texts = frame["comment"].tolist(), frame["reply"].tolist()
    logits = Scorer(folder).logits(*texts)
    exact = bert_model.metric(config["task"], examples, logits)
    export.to_int8(folder / "model.onnx", folder / "model_int8.onnx")
    rough = bert_model.metric(
        config["task"], examples, Scorer(folder, precision="int8").logits(*texts)
    )
    found = {"validation_metric": exact, "validation_metric_int8": rough}
    if exact - rough <= INT8_COST:
        found["precision"] = "int8"
    if config["task"] != "rank":
        found["temperature"] = _temperature(logits, examples.labels)
    return found


def _temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the divisor of the logits with the least log loss (Guo 2017, arXiv:1706.04599)."""
    from scipy.optimize import minimize_scalar

    def loss(power: float) -> float:
        chosen = softmax(logits / np.exp(power))[np.arange(len(labels)), labels]
        return -float(np.mean(np.log(np.maximum(chosen, 1e-12))))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _card(config, train, validation, history, parameters, best_step) -> dict[str, Any]:
    """What a stranger should know before using the model."""
    label = TASKS[config["task"]][0]
    return {
        **config,
        "training_pairs": len(train),
        "validation_pairs": len(validation),
        "training_labels": (
            {} if config["task"] == "rank" else train[label].value_counts().sort_index().to_dict()
        ),
        "best_step": best_step,
        "seconds": float(history["seconds"].max()),
        "parameters": parameters,
        "use": "Judges replies to comments like those it was trained on; not a measure of truth, "
        "quality or harm, and not to be used to judge people.",
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def settings_of(settings) -> dict[str, Any]:
    """Returns the arguments of `train` that a notebook's settings hold."""
    values = dataclasses.asdict(settings)
    names = ["epochs", "batch_size", "learning_rate", "max_pairs", "max_minutes", "seed"]
    names += ["patience", "class_weights", "trained_layers", "mixed_precision", "xla"]
    chosen = {name: values[name] for name in names}
    return chosen | {"max_tokens": values["classifier_max_tokens"]}
