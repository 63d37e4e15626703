"""Ranks replies with DialogRPT, a GPT-2 that learned from Reddit's votes which reply wins."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from botlib.bert.scorer import session
from botlib.cores import cores
from botlib.errors import BotlibError
from botlib.gpt2.vocabulary import Vocabulary
from botlib.workspace import Workspace

GRAPHS = {"fp32": "model.onnx", "int8": "model_int8.onnx"}
# Of comment and reply together; longer ones cost time, and it was trained on short ones
MAX_TOKENS = 128
BATCH_TOKENS = 512


class DialogRpt:
    """A ranker of replies; `predict` is what `bert.scorer.Scorer` has.

    Args:
      folder: what `dialogrpt_build.fetch` made.
      precision: "fp32", "int8", or "auto": what config.json says.
      threads: CPU cores to use; 0: all.

    Attributes:
      config: what config.json says; `used` has the choice of validation.

    Raises:
      BotlibError: the folder is missing or damaged.
    """

    def __init__(self, folder: Path, precision: str = "auto", threads: int = 0) -> None:
        folder = Path(folder)
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BotlibError(
                f"no DialogRPT in {folder} ({error}): run 04_bert_upvotes with rank=hf:OWNER/NAME"
            ) from error
        self.precision = self.config["precision"] if precision == "auto" else precision
        self._vocabulary = Vocabulary(folder)
        self._session, device = session(folder / GRAPHS[self.precision])
        self._threads = 1 if device == "cuda" else threads or cores()

    def predict(self, comments: Sequence[str], replies: Sequence[str]) -> np.ndarray:
        """Returns a score for each pair, (n, 1) logits: higher means more upvotes are expected."""
        texts = self.encode(comments, replies)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        batches: list[list[int]] = [[]]
        for row in order:
            if batches[-1] and (len(batches[-1]) + 1) * len(texts[row]) > BATCH_TOKENS:
                batches.append([])
            batches[-1].append(row)
        scores = np.zeros((len(texts), 1), np.float32)
        with ThreadPoolExecutor(self._threads) as pool:
            results = pool.map(lambda rows: self._score([texts[row] for row in rows]), batches)
            for rows, result in zip(batches, results, strict=True):
                scores[rows, 0] = result
        return scores

    def encode(self, comments: Sequence[str], replies: Sequence[str]) -> list[list[int]]:
        """Returns comment, end of text, reply as token ids; the comment loses its beginning first.

        As in the authors' code (golsun/DialogRPT, src/model.py) no end of text follows the reply:
        its own last token is scored.
        """
        before, after = (
            self._vocabulary.encode([text.strip() or "." for text in texts])
            for texts in (comments, replies)
        )
        ids = []
        for comment, reply in zip(before, after, strict=True):
            reply = reply[: MAX_TOKENS - 1 - min(len(comment), MAX_TOKENS // 4)]
            room = MAX_TOKENS - 1 - len(reply)
            ids.append([*comment[max(0, len(comment) - room) :], self._vocabulary.end, *reply])
        return ids

    def _score(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        if not texts:
            return np.zeros(0, np.float32)
        ids = np.full((len(texts), max(map(len, texts))), self._vocabulary.end, np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
        last = np.array([len(text) - 1 for text in texts], np.int64)
        return self._session.run(None, {"input_ids": ids, "last": last})[0]


def chosen(workspace: Workspace, threads: int = 0) -> DialogRpt | None:
    """Returns DialogRPT where validation found it to be better than the own rank, else None."""
    path = workspace.dialogrpt / "config.json"
    if not path.is_file() or not json.loads(path.read_text(encoding="utf-8")).get("used"):
        return None
    return DialogRpt(workspace.dialogrpt, threads=threads)
