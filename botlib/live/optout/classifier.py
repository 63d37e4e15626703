"""A small linear classifier over words and pieces of words, for requests that no pattern knows."""

import zlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np

from botlib.live.optout.grammar import DELETE, STOP

WEIGHTS = "weights.npz"
KINDS = (STOP, DELETE)
# Hash slots; a power of two
SLOTS = 2**14
# A request is short; a long text that holds none of the patterns is talk
MOST_WORDS = 25
FEWEST_WORDS = 2
FEW = 12
# Log-odds from which a kind counts: of 10,000 replies between people, few reach the first
THRESHOLDS = {STOP: 0.5, DELETE: 0.5}
# Below this a pattern's find is doubted, in a text of some words; no known request lies there
DOUBTFUL = -2.5
DOUBTFUL_WORDS = 3


def likely(clauses: Sequence[str]) -> set[str]:
    """Returns what a text most likely asks of the bot: of {"stop", "delete"} none, one or both.

    Args:
      clauses: all of the text's, as `clauses.clauses_of` gives them.
    """
    values = scores(clauses)
    return {kind for kind, value in zip(KINDS, values, strict=True) if value > THRESHOLDS[kind]}


def unlikely(clauses: Sequence[str]) -> set[str]:
    """Returns what a text surely doesn't ask, whatever a pattern found; none for a long text."""
    if not DOUBTFUL_WORDS <= len(words_of(clauses)) <= MOST_WORDS:
        return set()
    return {kind for kind, value in zip(KINDS, scores(clauses), strict=True) if value < DOUBTFUL}


def scores(clauses: Sequence[str]) -> np.ndarray:
    """Returns the log-odds by kind, shape (kinds,), float32; -inf for too few or many words."""
    words = words_of(clauses)
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return np.full(len(KINDS), -np.inf, np.float32)
    weights, bias = _weights()
    slots = features(words)
    return weights[slots].sum(0) / length(slots) + bias


def words_of(clauses: Sequence[str]) -> list[str]:
    """Returns the words of all clauses, with a "." between clauses."""
    return " . ".join(clauses).split()


def length(slots: np.ndarray) -> float:
    """Returns what a text's weights are divided by; a word alone is no evidence."""
    return float(np.sqrt(len(slots) + FEW))


def features(words: list[str]) -> np.ndarray:
    """Returns the slots of a text's words, runs of two and three words, and word pieces."""
    padded = ["^", *words, "$"]
    names = {f"1{word}" for word in words}
    names |= {f"2{a} {b}" for a, b in pairwise(padded)}
    names |= {f"3{a} {b} {c}" for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)}
    names |= {f"4{a} {b}" for a, b in zip(words, words[2:], strict=False)}
    for word in set(words):
        if len(word) > 3:
            edged = f"<{word}>"
            names |= {f"5{edged[i : i + 4]}" for i in range(len(edged) - 3)}
    slots = [zlib.crc32(name.encode()) % SLOTS for name in names]
    return np.unique(np.array(slots, np.int64))


@cache
def _weights() -> tuple[np.ndarray, np.ndarray]:
    with resources.files(__package__).joinpath(WEIGHTS).open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        return stored["weights"].astype(np.float32) * stored["scale"], stored["bias"]
