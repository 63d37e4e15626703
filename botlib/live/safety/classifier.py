"""A small linear classifier over words and pieces of words, for texts that no phrase matches."""

import re
from functools import cache

import numpy as np

from botlib.live import linear
from botlib.live.safety.rules import KINDS

# Hash slots; a power of two
SLOTS = 2**15
# Longer texts are judged by sentence: a long post must not hide its one cry for help
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[a-z0-9']+|:[a-z_]+:")
MOST_WORDS = 24
# Shorter sentences say too little
LEAST_WORDS = 3
FEW, GROWTH = 20, 0.7
# Log-odds from which a kind counts, chosen by `python -m benchmarks.safety --choose`
THRESHOLDS = {
    "crisis": 8.5,
    "medical advice": 3.7,
    "legal advice": 2.6,
    "harassment": 8.1,
    "minors": 2.8,
    "personal data": 0.5,
}


def likely_kind(text: str) -> tuple[str, str]:
    """Returns the likeliest kind of a text and its sentence, or two empty texts."""
    values, best_sentences = scores(text)
    excess = values - np.array([THRESHOLDS[kind] for kind in KINDS], np.float32)
    kind = int(excess.argmax())
    return (KINDS[kind], " ".join(best_sentences[kind])) if excess[kind] > 0 else ("", "")


def scores(text: str) -> tuple[np.ndarray, list[list[str]]]:
    """Returns log-odds by kind, the highest of a text's sentences, and each kind's sentence.

    Shapes: (kinds,) float32, and one list of words a kind.

    Args:
      text: in lower-case ASCII, as `normalise.plain` gives it.
    """
    weights, bias = _weights()
    highest = np.full(len(bias), -np.inf, np.float32)
    best_sentences: list[list[str]] = [[] for _ in KINDS]
    for sentence in sentences(text):
        if len(sentence) < LEAST_WORDS:
            continue
        slots = features(sentence)
        values = weights[slots].sum(0) / length(slots) + bias
        for kind in np.flatnonzero(values > highest):
            highest[kind], best_sentences[kind] = values[kind], sentence
    return highest, best_sentences


def sentences(text: str) -> list[list[str]]:
    """Returns a text's sentences as words; long ones in overlapping windows."""
    windows = []
    for sentence in _SENTENCE.split(text):
        words = _WORD.findall(sentence)
        for start in range(0, max(len(words), 1), MOST_WORDS // 2):
            windows.append(words[start : start + MOST_WORDS])
            if start + MOST_WORDS >= len(words):
                break
    return windows


def length(slots: np.ndarray) -> float:
    """Returns the divisor of a sentence's weights: few words are weak evidence, and many add up."""
    return float((len(slots) + FEW) ** GROWTH)


def features(words: list[str]) -> np.ndarray:
    """Returns the hash slots of a text's words; see `linear.features`."""
    return linear.features(words, SLOTS)


@cache
def _weights() -> tuple[np.ndarray, np.ndarray]:
    return linear.load(__package__)
