"""A small linear classifier over words and pieces of words, for what no phrase says outright."""

import re
from functools import cache

import numpy as np

from botlib.live import linear
from botlib.live.safety.rules import KINDS

# Hash slots; a power of two
SLOTS = 2**15
# Longer texts are judged sentence by sentence, so that a long post doesn't drown its one cry
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[a-z0-9']+|:[a-z_]+:")
MOST_WORDS = 24
# Fewer words say too little to go by
LEAST_WORDS = 3
FEW, GROWTH = 20, 0.7
# Log-odds from which a kind counts: what `python -m benchmarks.safety --choose` found
THRESHOLDS = {
    "crisis": 8.5,
    "medical advice": 3.7,
    "legal advice": 2.6,
    "harassment": 8.1,
    "minors": 2.8,
    "personal data": 0.5,
}


def likely(text: str) -> tuple[str, str]:
    """Returns the kind that a text most clearly belongs to and the sentence, or two empty texts."""
    values, places = scores(text)
    over = values - np.array([THRESHOLDS[kind] for kind in KINDS], np.float32)
    kind = int(over.argmax())
    return (KINDS[kind], " ".join(places[kind])) if over[kind] > 0 else ("", "")


def scores(text: str) -> tuple[np.ndarray, list[list[str]]]:
    """Returns log-odds by kind, the highest of a text's sentences, and each kind's sentence.

    Shapes: (kinds,) float32, and one list of words a kind.

    Args:
      text: in lower-case ASCII, as `normalise.plain` gives it.
    """
    weights, bias = _weights()
    best = np.full(len(bias), -np.inf, np.float32)
    places: list[list[str]] = [[] for _ in KINDS]
    for sentence in sentences(text):
        if len(sentence) < LEAST_WORDS:
            continue
        slots = features(sentence)
        values = weights[slots].sum(0) / length(slots) + bias
        for kind in np.flatnonzero(values > best):
            best[kind], places[kind] = values[kind], sentence
    return best, places


def sentences(text: str) -> list[list[str]]:
    """Returns a text's sentences as words; long ones in overlapping windows."""
    found = []
    for sentence in _SENTENCE.split(text):
        words = _WORD.findall(sentence)
        for start in range(0, max(len(words), 1), MOST_WORDS // 2):
            found.append(words[start : start + MOST_WORDS])
            if start + MOST_WORDS >= len(words):
                break
    return found


def length(slots: np.ndarray) -> float:
    """Returns what a sentence's weights are divided by: few words are no evidence, many add up."""
    return float((len(slots) + FEW) ** GROWTH)


def features(words: list[str]) -> np.ndarray:
    """Returns the hash slots of a text's words; see `linear.features`."""
    return linear.features(words, SLOTS)


@cache
def _weights() -> tuple[np.ndarray, np.ndarray]:
    return linear.load(__package__)
