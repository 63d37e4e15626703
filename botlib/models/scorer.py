"""Scores pairs of comment and reply with an exported classifier, by ONNX Runtime."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from botlib.errors import BotlibError
from botlib.models import blend
from botlib.models.bert_batches import sorted_batches
from botlib.models.features import PairFeatures

# Small enough for the processor's cache, large enough to keep its cores busy
BATCH_TOKENS = 2048
PRECISIONS = ("auto", "fp32", "int8")


class Scorer:
    """A trained classifier.

    Args:
      folder: what `bert.train` wrote.
      precision: "fp32", "int8", or "auto": what training found to cost no AUC.
      threads: 0 uses all cores.
      blended: let `blend.add`'s head, if the folder has one, judge together with the encoder.

    Attributes:
      task: "realism", "upvotes" or "rank".
      classes: the classes' names, in the order of the columns of `predict`.
      config: what config.json says.

    Raises:
      BotlibError: the folder is missing or incomplete.
    """

    def __init__(
        self, folder: Path, precision: str = "auto", threads: int = 0, blended: bool = True
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
                f"no trained classifier in {folder} ({error}): train it first"
            ) from error
        self.task: str = self.config["task"]
        self.classes: list[str] = self.config["classes"]
        self.precision = self.config["precision"] if precision == "auto" else precision
        self._temperature = float(self.config["temperature"])
        self._features = PairFeatures(
            folder / "vocab.txt", self.config["do_lower_case"], self.config["max_tokens"]
        )
        name = "model_int8.onnx" if self.precision == "int8" else "model.onnx"
        self._session = _session(folder / name, threads)
        self._blend = blend.load(folder) if blended else None

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
        logits = self.logits(comments, replies, progress)
        if self._blend:
            # The head was fitted to probabilities, so it needs no temperature
            logits = self._blend.logits(logits, comments, replies).astype(np.float32)
        elif self.task != "rank":
            logits = logits / self._temperature
        return logits[:, 0] if self.task == "rank" else softmax(logits)

    def logits(
        self, comments: Sequence[str], replies: Sequence[str], progress: bool = False
    ) -> np.ndarray:
        """Returns what the encoder says before temperature and softmax, (pairs, classes)."""
        from tqdm.auto import tqdm

        pairs = self._features.encode(list(comments), list(replies))
        logits = np.zeros((len(pairs), len(self.classes) or 1), np.float32)
        with tqdm(total=len(pairs), unit="pair", disable=not progress) as bar:
            for rows in sorted_batches(pairs, BATCH_TOKENS):
                logits[rows] = self._session.run(["logits"], pairs.pad(rows))[0]
                bar.update(len(rows))
        return logits


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=-1, keepdims=True)


def _session(path: Path, threads: int):
    import onnxruntime

    if not path.is_file():
        raise BotlibError(f"{path} is missing: train the classifier again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    providers = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in available]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        raise BotlibError(
            f"{path} can't be loaded ({str(error)[:200]}): train the classifier again"
        ) from error
