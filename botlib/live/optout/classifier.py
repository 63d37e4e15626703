"""A small linear classifier over words and pieces of words, for requests that no pattern knows."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from botlib.live import linear
from botlib.live.optout.grammar import DELETE, STOP

KINDS = (STOP, DELETE)
# Hash slots; a power of two
SLOTS = 2**15
# A request is short; a long text that holds none of the patterns is talk
MOST_WORDS = 25
FEWEST_WORDS = 2
FEW = 12
# Log-odds from which a kind counts: of 10,000 replies between people, few reach the first
THRESHOLDS = {STOP: 1.4, DELETE: 1.3}
# In a comment elsewhere that names a bot
THRESHOLDS_NAMED = {STOP: 0.1, DELETE: 0.1}
_NAMED = re.compile(
    r"🤖|(?<![\w/@])(?:(?:chat[ -]?|ro)?bots?|clankers?|ai|gpt|chatgpt|automated)\b", re.I
)
# In one sentence of several, where a bot is named or meant
THRESHOLD_SENTENCE = 0.8
# In a message, or right below the bot's own comment, where such a request is likelier
THRESHOLDS_TO_BOT = {STOP: 0.3, DELETE: 0.1}
# Below this a pattern's find is doubted, in a text of some words; no known request lies there
DOUBTFUL = -2.5
DOUBTFUL_WORDS = 3


def likely(clauses: Sequence[str], *, to_bot: bool = False, named: bool | None = None) -> set[str]:
    """Returns what a text most likely asks of the bot: of {"stop", "delete"} none, one or both.

    Args:
      clauses: all of the text's, as `clauses.clauses_of` gives them, or of one of its sentences.
      to_bot: it was written to the bot itself.
      named: it speaks of a bot; by default, whether these clauses do.
    """
    values = scores(clauses)
    named = names_a_bot(clauses) if named is None else named
    least = THRESHOLDS_TO_BOT if to_bot else THRESHOLDS_NAMED if named else THRESHOLDS
    return {kind for kind, value in zip(KINDS, values, strict=True) if value > least[kind]}


def surely(sentence: Sequence[str]) -> set[str]:
    """Returns what one sentence of several asks, in a text that is meant for a bot."""
    values = scores(sentence)
    return {kind for kind, value in zip(KINDS, values, strict=True) if value > THRESHOLD_SENTENCE}


def names_a_bot(text: str) -> bool:
    """Returns whether a text speaks of a bot; "u/someone" may be anybody."""
    return bool(_NAMED.search(text))


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
    """Returns the hash slots of a text's words; see `linear.features`."""
    return linear.features(words, SLOTS)


@cache
def _weights() -> tuple[np.ndarray, np.ndarray]:
    return linear.load(__package__)
