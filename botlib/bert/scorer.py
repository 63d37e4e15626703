"""Scores pairs of comment and reply with an exported classifier, by ONNX Runtime."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from botlib import model_files
from botlib.bert import blend
from botlib.bert.batches import sorted_batches
from botlib.bert.features import PairFeatures
from botlib.cores import cores
from botlib.errors import BotlibError
from botlib.probabilities import softmax

# Tokens scored together: on a CPU what stays in a core's cache
BATCH_TOKENS = {"cpu": 512, "cuda": 8192}
PRECISIONS = ("auto", "fp32", "int8")


class Scorer:
    """A trained classifier.

    Each core scores batches of its own, a sixth faster on two cores than both on one batch.

    Args:
      folder: what `bert.train` wrote.
      precision: "fp32", "int8", or "auto": what training found to cost no AUC.
      threads: CPU cores to use; 0: all.
      blended: whether the head of `blend_training.add` judges together with the encoder; None:
        what validation chose, as config.json says under `head`.

    Attributes:
      task: "realism", "upvotes" or "rank".
      classes: the classes' names, in the order of the columns of `predict`.
      config: what config.json says.
      temperature: what the encoder's logits are divided by.
      blended: whether a head judges together with the encoder.

    Raises:
      BotlibError: the folder is missing, or it lacks a part that its model.json declares.
    """

    def __init__(
        self,
        folder: Path,
        precision: str = "auto",
        threads: int = 0,
        blended: bool | None = None,
    ) -> None:
        folder = Path(folder)
        if precision not in PRECISIONS:
            raise BotlibError(
                f"precision must be one of {', '.join(PRECISIONS)}; not {precision!r}"
            )
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise BotlibError(
                f"no trained classifier in {folder} ({error}): run 03_bert_realism and "
                "04_bert_upvotes"
            ) from error
        self.task: str = self.config["task"]
        files = model_files.needed(folder, f"bert_{self.task}")
        self.classes: list[str] = self.config["classes"]
        self.precision = self.config["precision"] if precision == "auto" else precision
        self.temperature = float(self.config["temperature"])
        self._features = PairFeatures(
            folder / "vocab.txt", self.config["do_lower_case"], self.config["max_tokens"]
        )
        name = "model_int8.onnx" if self.precision == "int8" else "model.onnx"
        self._session, self.device = session(folder / name)
        self._threads = 1 if self.device == "cuda" else threads or cores()
        if blended is None:
            # Models of botlib 0.1.0 recorded no choice: a head was used where there was one
            blended = self.config.get("head", {}).get("used", blend.ARRAYS in files)
        self.blended = bool(blended)
        self._blend = blend.load(folder) if blended else None
        if blended and self._blend is None:
            raise BotlibError(f"{folder} has no head ({blend.ARRAYS}): leave out blended=True")

    def predict(
        self, comments: Sequence[str], replies: Sequence[str], progress: bool = False
    ) -> np.ndarray:
        """Returns the probabilities of each pair, or its ranking score.

        Args:
          comments: one for each reply.
          replies: what answers them.
          progress: show a bar.

        Returns:
          float32 of shape (pairs, classes); for the task "rank" of shape (pairs,), where only
          differences between replies to one comment mean something. In the order of the pairs.

        Raises:
          BotlibError: there are not as many replies as comments.
        """
        return self.from_logits(self.logits(comments, replies, progress), comments, replies)

    def from_logits(
        self, logits: np.ndarray, comments: Sequence[str], replies: Sequence[str]
    ) -> np.ndarray:
        """Returns what `predict` does, of pairs whose `logits` are known."""
        if self._blend:
            # The head was fitted to probabilities, so it needs no temperature
            logits = self._blend.logits(logits, comments, replies).astype(np.float32)
        elif self.task != "rank":
            logits = logits / self.temperature
        return logits[:, 0] if self.task == "rank" else softmax(logits)

    def logits(
        self, comments: Sequence[str], replies: Sequence[str], progress: bool = False
    ) -> np.ndarray:
        """Returns the encoder's logits, before temperature and softmax, (pairs, classes)."""
        from tqdm.auto import tqdm

        pairs = self._features.encode(list(comments), list(replies))
        logits = np.zeros((len(pairs), len(self.classes) or 1), np.float32)
        # A few replies to one comment are dealt to all cores too
        share = -(-int(pairs.lengths.sum()) // self._threads)
        batches = list(sorted_batches(pairs, min(BATCH_TOKENS[self.device], share)))

        def run(rows: np.ndarray) -> np.ndarray:
            return self._session.run(["logits"], pairs.pad(rows))[0]

        with (
            tqdm(
                total=len(pairs), desc=f"judging {self.task}", unit="pair", disable=not progress
            ) as bar,
            ThreadPoolExecutor(self._threads) as pool,
        ):
            for rows, found in zip(batches, pool.map(run, batches), strict=True):
                logits[rows] = found
                bar.update(len(rows))
        return logits


def predict_both_ways(
    folder: Path,
    comments: Sequence[str],
    replies: Sequence[str],
    name: str = "BERT",
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """Returns what the classifier predicts with and without its head; see `Scorer.predict`.

    Args:
      folder: what `bert.train` and `blend_training.add` wrote.
      comments: one for each reply.
      replies: what answers them.
      name: what to call the classifier as validation chose it.
      progress: show a bar.

    Returns:
      `name`, and "{name} alone" if the head is used, or "{name} with head" if it isn't; only
      `name` where there is no head.
    """
    chosen = Scorer(folder)
    logits = chosen.logits(comments, replies, progress)
    predictions = {name: chosen.from_logits(logits, comments, replies)}
    if (Path(folder) / blend.ARRAYS).is_file():
        other = Scorer(folder, blended=not chosen.blended)
        label = f"{name} alone" if chosen.blended else f"{name} with head"
        predictions[label] = other.from_logits(logits, comments, replies)
    return predictions


def session(path: Path):
    """Returns a session whose calls each use one core, and the device it runs on."""
    import onnxruntime

    if not path.is_file():
        raise BotlibError(
            f"{path} is missing: train the classifier again (03_bert_realism, 04_bert_upvotes)"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    providers = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in available]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        raise BotlibError(
            f"{path} can't be loaded ({str(error)[:200]}): train the classifier again "
            "(03_bert_realism, 04_bert_upvotes)"
        ) from error
    return session, "cuda" if "CUDA" in session.get_providers()[0] else "cpu"
