"""Scores pairs of comment and reply with an exported classifier, by ONNX Runtime."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from botlib import model_files
from botlib.bert import blend, place
from botlib.bert.batches import sorted_batches
from botlib.bert.features import PairFeatures
from botlib.bert.onnx_session import BATCH_TOKENS, session
from botlib.cores import cores
from botlib.errors import BotlibError
from botlib.probabilities import softmax

PRECISIONS = ("auto", "fp32", "int8")


class Scorer:
    """A trained classifier.

    Each core scores batches of its own, a sixth faster on two cores than both on one batch.

    Args:
      folder: what `bert.train` wrote.
      precision: "fp32", "int8", or "auto": what training found to cost no AUC.
      threads: CPU cores to use; 0: all.
      judge: one of `blend.JUDGES`; None: what validation chose, as config.json says under `head`.

    Attributes:
      task: "realism", "upvotes" or "rank".
      classes: the classes' names, in the order of the columns of `predict`.
      config: what config.json says.
      reads: what the comments hold, one of `place.READS`; see `place.text`.
      temperature: what the encoder's logits are divided by.
      judge: which of `blend.JUDGES` judges.

    Raises:
      BotlibError: the folder is missing, or it lacks a part that its model.json declares.
    """

    def __init__(
        self,
        folder: Path,
        precision: str = "auto",
        threads: int = 0,
        judge: str | None = None,
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
        # Models of botlib 0.1.0 read the comment alone
        self.reads: str = self.config.get("reads", place.COMMENT)
        self.precision = self.config["precision"] if precision == "auto" else precision
        self.temperature = float(self.config["temperature"])
        self.judge = judge or _chosen(self.config, files)
        self._blend = None if self.judge == blend.ENCODER else blend.load(folder, threads)
        if self._blend is None and self.judge != blend.ENCODER:
            raise BotlibError(f"{folder} has no head ({blend.ARRAYS}): it can't judge by {judge}")
        self._session, self.device = None, "cpu"
        if self.judge in (blend.ENCODER, blend.HEAD):
            self._features = PairFeatures(
                folder / "vocab.txt", self.config["do_lower_case"], self.config["max_tokens"]
            )
            name = "model_int8.onnx" if self.precision == "int8" else "model.onnx"
            self._session, self.device = session(folder / name)
        self._threads = 1 if self.device == "cuda" else threads or cores()

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
            logits = self._blend.logits(logits, comments, replies, self.judge).astype(np.float32)
        elif self.task != "rank":
            logits = logits / self.temperature
        return logits[:, 0] if self.task == "rank" else softmax(logits)

    def logits(
        self, comments: Sequence[str], replies: Sequence[str], progress: bool = False
    ) -> np.ndarray:
        """Returns the encoder's logits, before temperature and softmax, (pairs, classes).

        Zeros where a judge without the encoder was chosen.
        """
        from tqdm.auto import tqdm

        if self._session is None:
            if len(comments) != len(replies):
                raise BotlibError(f"{len(comments)} comments, but {len(replies)} replies")
            return np.zeros((len(comments), len(self.classes) or 1), np.float32)
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
            for rows, batch_logits in zip(batches, pool.map(run, batches), strict=True):
                logits[rows] = batch_logits
                bar.update(len(rows))
        return logits


def predict_both_ways(
    folder: Path,
    comments: Sequence[str],
    replies: Sequence[str],
    name: str = "BERT",
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """Returns what the classifier and its rivals predict; see `Scorer.predict`.

    Args:
      folder: what `bert.train` and `blend_training.add` wrote.
      comments: one for each reply.
      replies: what answers them.
      name: what to call the classifier as validation chose it.
      progress: show a bar.

    Returns:
      `name`, and beside it "{name} alone" (the encoder) or "{name} with head", whichever was not
      chosen, and if a baseline judges, both; and "TF-IDF", the words alone, of all training pairs.
      Only `name` where there is no head.
    """
    chosen = Scorer(folder)
    names = {blend.ENCODER: f"{name} alone", blend.HEAD: f"{name} with head"}
    has_head = (Path(folder) / blend.ARRAYS).is_file()
    others = [judge for judge in names if judge != chosen.judge] if has_head else []
    scorers = {name: chosen} | {names[judge]: Scorer(folder, judge=judge) for judge in others}
    reader = next((s for s in scorers.values() if s.judge in names), chosen)
    logits = reader.logits(comments, replies, progress)
    if has_head:
        scorers[blend.TFIDF] = Scorer(folder, judge=blend.TFIDF)
    return {n: scorer.from_logits(logits, comments, replies) for n, scorer in scorers.items()}


def _chosen(config: dict, files: list[str]) -> str:
    head = config.get("head", {})
    # Models of botlib 0.1.0 recorded no choice: a head was used where there was one
    used = head.get("used", blend.ARRAYS in files)
    return head.get("judge", blend.HEAD if used else blend.ENCODER)
