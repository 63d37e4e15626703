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
      texts: the texts that must not be repeated.
      words: the length of a run; eight equal words are a copy, in one thread five.
    """

    def __init__(self, texts: Iterable[str], words: int = 8) -> None:
        self.words = words
        self._hashes = np.unique(_runs(texts, words))

    def __len__(self) -> int:
        return len(self._hashes)

    def share(self, text: str) -> float:
        """Returns the share of a text's runs that are in the index; a shorter text is one run."""
        runs = _runs([text], self.words)
        if not len(runs) or not len(self._hashes):
            return 0.0
        positions = np.minimum(np.searchsorted(self._hashes, runs), len(self._hashes) - 1)
        return float(np.mean(self._hashes[positions] == runs))

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
    """The hashes of all runs of `words` words within each text, uint64."""
    words_by_text = [_WORD.findall(text.lower()) for text in texts]
    counts = np.fromiter(map(len, words_by_text), np.int64, len(words_by_text))
    all_words = np.array(
        [word for text_words in words_by_text for word in text_words], dtype=object
    )
    if not len(all_words):
        return np.empty(0, np.uint64)
    # The same on every machine and in every process, unlike Python's own hashes
    hashes = pd.util.hash_array(all_words, categorize=len(words_by_text) > 1)
    ends = np.cumsum(counts)
    # For each word, the number of words to the end of its text, itself included
    words_left = np.repeat(ends, counts) - np.arange(len(all_words))
    hash_parts = []
    with np.errstate(over="ignore"):
        full_starts = np.flatnonzero(words_left >= words)
        runs = np.zeros(len(full_starts), np.uint64)
        for offset in range(words):
            runs = runs * _MIX + hashes[full_starts + offset]
        hash_parts.append(runs)
        for length in range(1, words):
            # A short text must be the whole of another to count, not a part of it
            starts = (ends - counts)[counts == length]
            runs = np.zeros(len(starts), np.uint64)
            for offset in range(length):
                runs = runs * _MIX + hashes[starts + offset]
            hash_parts.append(runs * _MIX + np.uint64(length))
    return np.concatenate(hash_parts)
