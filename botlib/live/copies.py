"""Near-copies: does a reply repeat the thread, or a reply the generator was trained on?"""

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from botlib.workspace import atomic_file

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
        self._hashes = np.unique(_runs(texts, words))

    def __len__(self) -> int:
        return len(self._hashes)

    def share(self, text: str) -> float:
        """Returns the share of a text's runs that the texts hold; a shorter text is one run."""
        runs = _runs([text], self.words)
        if not len(runs) or not len(self._hashes):
            return 0.0
        at = np.minimum(np.searchsorted(self._hashes, runs), len(self._hashes) - 1)
        return float(np.mean(self._hashes[at] == runs))

    def save(self, path: Path) -> None:
        """Writes the index to one file."""
        with atomic_file(path, "wb") as file:
            np.savez(file, words=self.words, hashes=self._hashes)

    @classmethod
    def load(cls, path: Path) -> "CopyIndex | None":
        """Returns what `save` wrote; None if the file is missing or damaged."""
        index = cls.__new__(cls)
        try:
            with np.load(path, allow_pickle=False) as stored:
                index.words, index._hashes = int(stored["words"]), stored["hashes"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return index


def _runs(texts: Iterable[str], words: int) -> np.ndarray:
    """The hashes of all runs of so many words within a text, uint64."""
    found = [_WORD.findall(text.lower()) for text in texts]
    counts = np.fromiter(map(len, found), np.int64, len(found))
    flat = np.array([word for of_text in found for word in of_text], dtype=object)
    if not len(flat):
        return np.empty(0, np.uint64)
    # The same on every machine and in every process, unlike Python's own hashes
    hashes = pd.util.hash_array(flat, categorize=len(found) > 1)
    ends = np.cumsum(counts)
    # How many words of its text follow a word, itself included
    left = np.repeat(ends, counts) - np.arange(len(flat))
    parts = []
    with np.errstate(over="ignore"):
        whole = np.flatnonzero(left >= words)
        runs = np.zeros(len(whole), np.uint64)
        for offset in range(words):
            runs = runs * _MIX + hashes[whole + offset]
        parts.append(runs)
        for length in range(1, words):
            # A short text must be the whole of another to count, not a part of it
            starts = (ends - counts)[counts == length]
            runs = np.zeros(len(starts), np.uint64)
            for offset in range(length):
                runs = runs * _MIX + hashes[starts + offset]
            parts.append(runs * _MIX + np.uint64(length))
    return np.concatenate(parts)
