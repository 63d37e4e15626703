"""Texts as sets of hashed three-word sequences, on disk: a few dozen bytes a text in memory."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from botlib.data.pairs.measures import keys_of, words_of

_SHINGLE = 3
_TEXTS = 50_000  # texts at a time
_BUCKET_BITS = 24  # sixteen million buckets tell common sequences from rare ones
_STEPS = 64  # steps in which commonness doubles; 11 bits hold all counts below 2**32


class Block(NamedTuple):
    """The sets of some texts that follow each other: one after the other in `elements`.

    Attributes:
      first: number of the first text.
      elements: (m,) uint64, each text's own sorted, rarest first.
      lengths: (k,) how many are each text's.
    """

    first: int
    elements: np.ndarray
    lengths: np.ndarray


class ShingleSets:
    """Each text's set of sequences, sorted by one global order, the rarest first.

    An element is 64 bits: how common it is (estimated by counting into buckets), then its hash.

    Args:
      folder: where the sets are kept, in files without a name that go with this object; None for
        the system's temporary folder.

    Attributes:
      sizes: (n,) elements of each text.
      starts: (n + 1,) where each begins.
      sums: (n,) uint64, the same for the same set.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._hashes = nameless_file(folder)
        self._counts = np.zeros(1 << _BUCKET_BITS, dtype=np.int32)
        self._lengths: list[np.ndarray] = []
        self._elements = self._hashes

    def add(self, texts: Sequence[str]) -> None:
        """Take texts; they are numbered in the order in which they come."""
        for at in range(0, len(texts), _TEXTS):
            hashes, lengths = _sequences(texts[at : at + _TEXTS])
            np.add.at(self._counts, hashes >> np.uint64(64 - _BUCKET_BITS), 1)
            self._hashes.write(hashes)
            self._lengths.append(lengths)

    def finish(self) -> None:
        """Sort each set, now that it is known how common each sequence is."""
        self._elements = nameless_file(self._folder)
        sizes, sums = [], []
        self._hashes.seek(0)
        for lengths in self._lengths:
            elements, kept = self._sorted(_read(self._hashes, int(lengths.sum())), lengths)
            self._elements.write(elements)
            sizes.append(kept)
            starts = np.cumsum(kept) - kept
            sums.append(np.add.reduceat(_mix(elements), starts))
        self._hashes.close()
        del self._counts, self._lengths
        self.sizes = np.concatenate(sizes)
        self.sums = np.concatenate(sums)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes, dtype=np.int64)])

    def blocks(self) -> Iterator[Block]:
        """Yield all sets, in order."""
        for at in range(0, len(self.sizes), _TEXTS):
            lengths = self.sizes[at : at + _TEXTS].astype(np.int64)
            self._elements.seek(8 * int(self.starts[at]))
            yield Block(at, _read(self._elements, int(lengths.sum())), lengths)

    def of(self, texts: Iterable[int]) -> np.ndarray:
        """Return the elements of some texts, one text's after the other's."""
        parts = []
        for text in texts:
            self._elements.seek(8 * int(self.starts[text]))
            parts.append(self._elements.read(8 * int(self.sizes[text])))
        return np.frombuffer(b"".join(parts), dtype=np.uint64)

    def close(self) -> None:
        """Give the disk space back."""
        self._elements.close()

    def _sorted(self, hashes: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = self._counts[hashes >> np.uint64(64 - _BUCKET_BITS)]
        commonness = (np.log2(counts.astype(np.float32)) * _STEPS).astype(np.uint64)
        elements = np.minimum(commonness, np.uint64(2047)) << np.uint64(53)
        elements |= hashes & np.uint64(2**53 - 1)
        rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        order = np.lexsort((elements, rows))
        elements, rows = elements[order], rows[order]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (elements[1:] != elements[:-1]) | (rows[1:] != rows[:-1])
        kept = np.bincount(rows[new], minlength=len(lengths)).astype(np.int32)
        return elements[new], kept


def nameless_file(folder: Path | None) -> IO[bytes]:
    """Return a new file that is gone when it is closed, however this process ends."""
    return tempfile.TemporaryFile(dir=folder)


def _read(file: IO[bytes], count: int) -> np.ndarray:
    return np.frombuffer(file.read(8 * count), dtype=np.uint64)


def _sequences(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return hashes of all three-word sequences, and how many each text has.

    A text of one or two words is one sequence.
    """
    words, lengths = words_of(texts)
    words = words.dictionary_encode()
    hashes = keys_of(words.dictionary.to_pylist())
    codes = hashes[words.indices.to_numpy(zero_copy_only=False)]
    text_of_word = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    ends = np.cumsum(lengths)
    left = ends[text_of_word] - np.arange(len(codes))
    begins = left >= _SHINGLE
    begins[ends - lengths] = True
    mixed = np.zeros(len(codes), dtype=np.uint64)
    for step in range(_SHINGLE):
        following = np.roll(codes, -step)
        following[left <= step] = 0
        mixed = _mix(mixed ^ following)
    return mixed[begins], np.bincount(text_of_word[begins], minlength=len(texts))


def _mix(values: np.ndarray) -> np.ndarray:
    """Return well-spread 64-bit hashes (SplitMix64: Steele, Lea and Flood 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
