"""Fine-tunes a classifier of pairs: realism, ratings, or rank among replies to one comment."""

import contextlib
import dataclasses
import functools
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
from botlib.bert.encoder import Encoder
from botlib.bert.examples import TASKS, Examples, checked, draw, examples_of
from botlib.bert.features import PairFeatures
from botlib.bert.legacy_keras import keras, tensorflow
from botlib.bert.place import COMMENT
from botlib.bert.scorer import Scorer
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.probabilities import softmax
from botlib.settings import ClassifierSettings
from botlib.workspace import atomic_folder

# int8 is used only where it costs no more AUC than this on the validation pairs
INT8_COST = 0.002
# Before the last layer, as BERT was fine-tuned
DROPOUT = 0.1
# So many are scored at each validation, drawn by the seed
MAX_VALIDATION_PAIRS = 2000
# What scoring needs; a head adds its own
PARTS = ("config.json", "vocab.txt", "model.onnx", "model_int8.onnx")


def train(
    training: pd.DataFrame,
    validation: pd.DataFrame,
    *,
    task: str,
    encoder: Encoder,
    out: Path,
    settings: ClassifierSettings,
    reads: str = COMMENT,
    start_from: Path | None = None,
    inputs: Iterable[Path] = (),
    progress: bool = True,
) -> pd.DataFrame:
    """Returns the history of a classifier's training; a killed run resumes where it stopped.

    Args:
      training: columns comment, reply and the task's label: real (0, 1), rating (0 to 3), or for
        "rank" reply_score and comment_id (replies with the same one are siblings), and
        reply_created_utc if known: siblings over an hour apart aren't compared. Training pairs
        may have a column offset instead, the log-odds they owe to their time; then all siblings
        are compared.
      validation: the same columns; decides which weights are kept, and the temperature.
      task: "realism", "upvotes" or "rank".
      encoder: from `encoder.load`.
      out: the folder that `Scorer` loads.
      settings: how to train; pairs above their `max_pairs` are left out, drawn by their `seed`.
      reads: what the comments hold, one of `place.READS`; whoever scores gives the same.
      start_from: an earlier model's folder; its weights are the first ones, but for the head where
        the classes differ.
      inputs: files and folders the pairs came from, for the manifest.
      progress: show a bar with loss, pairs a second and the time left.

    Returns:
      The history, also in out/history.csv; see `bert_loop.Loop.run`.

    Raises:
      BotlibError: pairs of one class only, no validation pairs, out of memory, and the like.
    """
    tf = tensorflow()
    keras().utils.set_random_seed(settings.seed)
    max_tokens = settings.classifier_max_tokens
    if max_tokens > encoder.max_positions:
        raise BotlibError(
            f"classifier_max_tokens is {max_tokens}, but {encoder.handle} has room for "
            f"{encoder.max_positions}: set classifier_max_tokens to {encoder.max_positions} or less"
        )
    training = checked(training, task, "training")
    validation = checked(validation, task, "validation")
    training = draw(training, task, settings.max_pairs, settings.seed)
    validation = draw(validation, task, MAX_VALIDATION_PAIRS, settings.seed)
    features = PairFeatures(encoder.vocab_file, encoder.do_lower_case, max_tokens)
    sets = [
        examples_of(frame, task, features, settings.class_weights)
        for frame in (training, validation)
    ]
    classes = TASKS[task][1]
    # A scratch encoder has not learned to compare texts
    pooling = "pair" if encoder.handle.startswith("scratch") else "cls"
    recipe = _recipe(settings, task, encoder)
    strategy = _strategy(tf)
    memory, compiled = _memory(settings), _xla(tf, settings.xla)
    with memory, compiled, _precision(tf, settings.mixed_precision) as half:
        with strategy.scope():
            model = bert_model.build(
                encoder, len(classes) or 1, pooling=pooling, dropout=DROPOUT, seed=settings.seed
            )
        if start_from:
            _set_weights(model, Path(start_from), encoder)
        loop = bert_loop.Loop(model, task, settings, *sets, strategy, half == "float16")
        history = loop.run(_resume_folder(out, recipe, start_from, encoder, *sets), progress)
    with atomic_folder(out) as folder:
        shutil.copyfile(encoder.vocab_file, folder / "vocab.txt")
        np.savez(folder / "weights.npz", **{v.name: v.numpy() for v in model.variables})
        export.to_onnx(model, folder / "model.onnx", encoder.heads)
        history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
        config = {
            "task": task,
            "classes": classes,
            "reads": reads,
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
            recipe["start_from"] = Path(start_from).name
        card = _card(config, training, validation, history, recipe, loop.best_step)
        _write_json(folder / "model_card.json", card)
        write_manifest(
            folder,
            inputs=inputs,
            parameters=recipe,
            seed=settings.seed,
            extra={"precision": half},
        )
    return history


def _recipe(settings: ClassifierSettings, task: str, encoder: Encoder) -> dict[str, Any]:
    """What decides a training run beside its pairs: a run is resumed, and described, by it."""
    names = [field.name for field in dataclasses.fields(ClassifierSettings)]
    chosen = {name: value for name, value in settings.as_dict().items() if name in names}
    fixed = {
        "dropout": DROPOUT,
        "warmup": bert_loop.WARMUP,
        "weight_decay": bert_loop.WEIGHT_DECAY,
        "validations": bert_loop.VALIDATIONS,
        "max_validation_pairs": MAX_VALIDATION_PAIRS,
    }
    return chosen | fixed | {"task": task, "encoder": encoder.handle}


def _set_weights(model, folder: Path, encoder: Encoder) -> None:
    path = folder / "weights.npz"
    if not path.is_file():
        raise BotlibError(f"start_from: {path} is missing: train that model first")
    stored = np.load(path)
    for variable in model.variables:
        fits = variable.name in stored and stored[variable.name].shape == variable.shape
        if fits:
            variable.assign(stored[variable.name])
        elif not variable.name.startswith("head/"):
            raise BotlibError(
                f"start_from: {folder} holds the weights of another encoder than {encoder.handle} "
                f"({variable.name} differs): set encoder to the one it was trained with"
            )


def _strategy(tf):
    """All GPUs where there are several; else the one device there is."""
    devices = _devices(tf)
    return _mirrored(tf, devices) if len(devices) > 1 else tf.distribute.get_strategy()


def _devices(tf) -> tuple[str, ...]:
    return tuple(f"GPU:{n}" for n in range(len(tf.config.list_physical_devices("GPU"))))


@functools.cache  # A second strategy would reuse the first one's collective keys, and fail
def _mirrored(tf, devices: tuple[str, ...]):
    return tf.distribute.MirroredStrategy(list(devices))


@contextlib.contextmanager
def _precision(tf, choice: str) -> Iterator[str]:
    """Turns on mixed precision by TensorFlow's graph rewrite, and off again.

    A TF Hub module's types are fixed when it is saved, so Keras's own policy doesn't reach it.
    """
    half, option = "float32", ""
    if choice == "auto" and tf.config.list_physical_devices("GPU"):
        half, option = "float16", "auto_mixed_precision"
    elif choice == "auto" and _has_bfloat16():
        half, option = "bfloat16", "auto_mixed_precision_onednn_bfloat16"
    if option:
        tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield half
    finally:
        if option:
            tf.config.optimizer.set_experimental_options({option: False})


@contextlib.contextmanager
def _xla(tf, choice: str) -> Iterator[None]:
    """Turns on XLA where there is a GPU, and off again.

    By clusters, not whole steps: batches of many lengths would each compile a step of their own.
    """
    before = tf.config.optimizer.get_jit()
    if choice == "auto" and tf.config.list_physical_devices("GPU"):
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
def _memory(settings: ClassifierSettings) -> Iterator[None]:
    tf = tensorflow()
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise BotlibError(
            f"out of memory with batch_size {settings.batch_size} and classifier_max_tokens "
            f"{settings.classifier_max_tokens}: halve batch_size, or choose a smaller encoder"
        ) from error


def _resume_folder(
    out: Path, recipe: Mapping[str, Any], start_from: Path | None, encoder: Encoder, *sets
) -> Path:
    """Where an unfinished run is kept; another run's settings or data lead to another folder."""
    digest = hashlib.sha256(repr(sorted(recipe.items())).encode())
    digest.update(str(encoder.folder.resolve()).encode())
    if start_from:
        # The earlier model may have been trained anew since
        digest.update((Path(start_from) / "weights.npz").read_bytes())
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
    chosen = {"validation_metric": exact, "validation_metric_int8": rough}
    if exact - rough <= INT8_COST:
        chosen["precision"] = "int8"
    if config["task"] != "rank":
        chosen["temperature"] = _temperature(logits, examples.labels)
    return chosen


def _temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the divisor of the logits with the least log loss (Guo 2017, arXiv:1706.04599)."""
    from scipy.optimize import minimize_scalar

    def loss(power: float) -> float:
        chosen = softmax(logits / np.exp(power))[np.arange(len(labels)), labels]
        return -float(np.mean(np.log(np.maximum(chosen, 1e-12))))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _card(config, training, validation, history, recipe, best_step) -> dict[str, Any]:
    """What a stranger should know before using the model."""
    label = TASKS[config["task"]][0]
    return {
        **config,
        "training_pairs": len(training),
        "validation_pairs": len(validation),
        "training_labels": (
            {}
            if config["task"] == "rank"
            else training[label].value_counts().sort_index().to_dict()
        ),
        "best_step": best_step,
        "seconds": float(history["seconds"].max()),
        "parameters": recipe,
        "use": "Judges replies to comments like those it was trained on; not a measure of truth, "
        "quality or harm, and not to be used to judge people.",
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
