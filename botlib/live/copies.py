"""Near-copies: does a reply repeat the thread, or a reply the generator was trained on?"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_MIX = np.uint64(0x9E3779B97F4A7C15)


class CopyIndex:
    """All runs of `words` words of some texts, as sorted hashes (8 bytes a run).

    Args:
      texts: what must not be repeated.
      words: the length of a run; eight say the same only by copying, five suffice in one thread.
    """

    def __init__(self, texts: Iterable[str], words: int = 8) -> None:
        self.words = words
        runs = [_runs(text, words) for text in texts]
        self._hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *runs]))

    def __len__(self) -> int:
        return len(self._hashes)

    def share(self, text: str) -> float:
        """Returns the share of a text's runs that the texts hold; a shorter text is one run."""
        runs = _runs(text, self.words)
        if not len(runs) or not len(self._hashes):
            return 0.0
        at = np.minimum(np.searchsorted(self._hashes, runs), len(self._hashes) - 1)
        return float(np.mean(self._hashes[at] == runs))


def _runs(text: str, words: int) -> np.ndarray:
    found = _WORD.findall(text.lower())
    if not found:
        return np.empty(0, np.uint64)
    hashes = pd.util.hash_array(np.array(found, dtype=object), categorize=False)
    length = min(words, len(found))
    runs = np.zeros(len(found) - length + 1, np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(length):
            runs = runs * _MIX + hashes[offset : offset + len(runs)]
        # A short text must be the whole of another to count, not a part of it
        return runs if length == words else runs * _MIX + np.uint64(length)
