"""Ranks replies with DialogRPT, a GPT-2 that learned from Reddit's votes which reply wins."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib.bert import head_choice
from botlib.bert.dialogrpt_build import GRAPHS, fetch
from botlib.bert.scorer import session
from botlib.cores import cores
from botlib.data.pairs.siblings import sibling_pairs
from botlib.errors import BotlibError
from botlib.gpt2.vocabulary import Vocabulary
from botlib.workspace import Workspace, atomic_file

OWN = "own"
# Of comment and reply together; longer ones cost time, and it was trained on short ones
MAX_TOKENS = 128
BATCH_TOKENS = 512
# Replies that validation compares it on: a medium GPT-2 is slow on a CPU
MOST_REPLIES = 400


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


def compare(
    name: str, workspace: Workspace, rows: pd.DataFrame, own: Any, *, seed: int = 0
) -> dict[str, Any]:
    """Returns which of two rankers is used, by the pairs of siblings that each orders rightly.

    DialogRPT must be better than the own rank by more than one standard error: it is the slower
    one by far. The choice is kept in its folder, where the bot reads it.

    Args:
      name: the setting `rank`: "own", or hf:OWNER/NAME[@REVISION].
      workspace: where DialogRPT is kept.
      rows: validation replies: comment_id, comment, reply, reply_score, reply_created_utc.
      own: the own rank, with `predict`.
      seed: which replies are compared, where there are more than `MOST_REPLIES`.

    Returns:
      used, measure, own, dialogrpt, gain, low, high (95 %), replies, threads; used alone if the
      setting is "own".

    Raises:
      BotlibError: DialogRPT can't be had; see `dialogrpt_build.fetch`.
    """
    folder = workspace.dialogrpt
    if name == OWN:
        if (folder / "config.json").is_file():
            _keep(folder, {"used": False})
        return {"used": False}
    judge = DialogRpt(fetch(name, folder))
    rows = _sample(rows, seed)
    texts = (rows["comment"].tolist(), rows["reply"].tolist())
    choice = head_choice.choose("rank", rows, own.predict(*texts), judge.predict(*texts), seed=seed)
    choice = {"own" if k == "encoder" else "dialogrpt" if k == "with_head" else k: value
              for k, value in choice.items()}  # fmt: skip
    _keep(folder, choice | {"seed": seed})
    return choice


def said(choice: dict[str, Any]) -> str:
    """Returns what validation found, in a sentence."""
    if "own" not in choice:
        return "DialogRPT was not asked for (setting rank): the own rank orders the replies."
    if choice["own"] is None:
        return "No validation replies to compare DialogRPT on: the own rank orders the replies."
    winner = "DialogRPT" if choice["used"] else "the own rank"
    return (
        f"DialogRPT orders {choice['dialogrpt']:.1%} of the validation siblings rightly, the own "
        f"rank {choice['own']:.1%} (difference {100 * choice['gain']:+.1f} points, 95 % "
        f"{100 * choice['low']:+.1f} to {100 * choice['high']:+.1f}, {choice['replies']:,} "
        f"replies): {winner} orders the bot's replies."
    )


def chosen(workspace: Workspace, threads: int = 0) -> DialogRpt | None:
    """Returns DialogRPT where validation found it to be better than the own rank, else None."""
    path = workspace.dialogrpt / "config.json"
    if not path.is_file() or not json.loads(path.read_text(encoding="utf-8")).get("used"):
        return None
    return DialogRpt(workspace.dialogrpt, threads=threads)


def _keep(folder: Path, choice: dict[str, Any]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | choice
    with atomic_file(path) as file:
        json.dump(config, file, indent=1)


def _sample(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Returns whole families of siblings, of which there is something to order."""
    rows = rows.reset_index(drop=True)
    pairs = sibling_pairs(rows)
    rows = rows.iloc[sorted({*pairs["better"], *pairs["worse"]})]
    parents = rows["comment_id"].drop_duplicates().sample(frac=1, random_state=seed)
    counts = rows["comment_id"].value_counts().reindex(parents).cumsum()
    kept = counts.index[counts <= max(MOST_REPLIES, counts.min() if len(counts) else 0)]
    return rows[rows["comment_id"].isin(kept)].reset_index(drop=True)
