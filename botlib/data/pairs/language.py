"""Which texts are in another language than English, by py3langid, which ships its own model."""

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from botlib.data.pairs.measures import words_of

# A shorter text can't be judged.
_FEW_WORDS, _FEW_LETTERS = 4, 20
# English prose is half common words; with so many a text needs no closer look.
_SURELY_ENGLISH = 0.4
# More says nothing new, and takes time.
_LETTERS = 500
# No language at all: numbers, signs, emoji
_NONE = "zxx"


def is_foreign(texts: Sequence[str], probability: float) -> np.ndarray:
    """Return which texts are in another language, (n,) bool; short ones never are.

    Args:
      texts: cleaned texts.
      probability: from which on another language counts, 0 to 1.
    """
    texts = list(texts)
    foreign = np.zeros(len(texts), dtype=bool)
    for row in np.flatnonzero(_needs_a_look(texts)):
        language, certainty = _identifier().classify(texts[row][:_LETTERS])
        foreign[row] = language not in ("en", _NONE) and certainty >= probability
    return foreign


def _needs_a_look(texts: list[str]) -> np.ndarray:
    words, lengths = words_of(texts)
    common = pc.is_in(words, pa.array(sorted(ENGLISH_STOP_WORDS), pa.large_string()))
    totals = np.concatenate([[0], np.cumsum(common.to_numpy(zero_copy_only=False))])
    ends = np.cumsum(lengths)
    share = (totals[ends] - totals[ends - lengths]) / np.maximum(lengths, 1)
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    # Scripts without blanks between words have few words and are judged by their letters.
    ascii_only = np.array([text.isascii() for text in texts], dtype=bool)
    short = (sizes < _FEW_LETTERS) | ((lengths < _FEW_WORDS) & ascii_only)
    return ~short & (share < _SURELY_ENGLISH)


@functools.cache
def _identifier():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
