"""Finds texts that are nearly the same, all of them, without comparing every two.

Texts are sets of three-word sequences; two are near-duplicates if the sets' Jaccard similarity
reaches a threshold. Prefix filtering finds every such pair: sort each set by one global order,
rarest first; two sets that similar share an element in their first few (Chaudhuri, Ganti and
Kaushik 2006, "A primitive operator for similarity joins in data cleaning"). The first few of all
sets are parted by hash into files, so that one part at a time is in memory.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from botlib.data.pairs.measures import keys_of
from botlib.data.pairs.shingles import ShingleSets, nameless_file

_PAIRS = 20_000  # pairs compared at a time
_PART = 1_000_000  # elements, or pairs, of a part
_PARTS = 256  # at most; each is an open file
# A frame is what many texts share at either end: long enough not to be a figure of speech.
_FRAME_WORDS = 15
_FIRST = np.dtype([("element", np.uint64), ("text", np.int32), ("place", np.int32)])


def near_duplicates(
    texts: Sequence[str], threshold: float, groups: np.ndarray | None = None
) -> np.ndarray:
    """Return which texts are near-duplicates of an earlier one that is not one itself.

    Args:
      texts: strings, in order of preference (the first of two is kept).
      threshold: Jaccard similarity of the sets of three-word sequences, 0 < threshold <= 1;
        letters' case, punctuation and blanks don't count.
      groups: texts of the same group (versions of one text) are not compared; (n,) integers.

    Returns:
      (n,) bool.
    """
    if len(texts) < 2:
        return np.zeros(len(texts), dtype=bool)
    sets = ShingleSets()
    sets.add(texts)
    every = np.arange(len(texts))
    return copies(sets, threshold, every, every if groups is None else np.asarray(groups))


def copies(
    sets: ShingleSets,
    threshold: float,
    rank: np.ndarray,
    groups: np.ndarray,
    folder: Path | None = None,
) -> np.ndarray:
    """Return what `near_duplicates` does, for texts on disk; the sets are closed then.

    Args:
      sets: of all texts, in any order; not yet finished.
      threshold: as there.
      rank: (n,) each text's place in the order of preference.
      groups: as there.
      folder: where the parts are kept; None for the system's temporary folder.

    Returns:
      (n,) bool.
    """
    sets.finish()
    copy = np.zeros(len(sets.sizes), dtype=bool)
    firsts, laters = _equal_sets(sets.sums, rank)
    del sets.sums
    without = copy.copy()
    without[laters] = True
    similar = [_apart(pairs, groups) for pairs in _similar(sets, threshold, without, folder)]
    sets.close()
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int32), *similar])
    ranks = rank[pairs]
    pairs = np.where(ranks[:, :1] < ranks[:, 1:], pairs, pairs[:, ::-1])
    # By the later text, so that whether the earlier one stays is known by then
    ranks.sort(axis=1)
    pairs = pairs[np.lexsort((ranks[:, 0], ranks[:, 1]))]
    for at in range(0, len(pairs), _PAIRS):
        for earlier, later in pairs[at : at + _PAIRS].tolist():
            if not copy[earlier]:
                copy[later] = True
    # Equal sets fare as their first does, or are copies of it.
    copy[laters] = copy[firsts] | (groups[firsts] != groups[laters])
    return copy


def repeated_frames(texts: Sequence[str], limit: int) -> np.ndarray:
    """Return which texts begin, or end, with the same 15 words as more than `limit` others."""
    rows, keys = frames_of(texts)
    repeated = np.zeros(len(texts), dtype=bool)
    repeated[rows[repeated_keys(keys, limit)]] = True
    return repeated


def frames_of(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return which texts have 15 words, (m,), and hashes of their first and last 15, (m, 2)."""
    openings, closings, rows = [], [], []
    for row, text in enumerate(texts):
        opening = text.split(None, _FRAME_WORDS)
        if len(opening) >= _FRAME_WORDS:
            rows.append(row)
            openings.append(" ".join(opening[:_FRAME_WORDS]).lower())
            closings.append(" ".join(text.rsplit(None, _FRAME_WORDS)[-_FRAME_WORDS:]).lower())
    keys = np.column_stack([keys_of(openings), keys_of(closings)])
    return np.array(rows, dtype=np.int64), keys


def repeated_keys(keys: np.ndarray, limit: int) -> np.ndarray:
    """Return in which rows either hash stands in the same column of more than `limit` others."""
    repeated = np.zeros(len(keys), dtype=bool)
    for column in keys.T:
        _, which, counts = np.unique(column, return_inverse=True, return_counts=True)
        repeated |= counts[which] > limit + 1
    return repeated


def _equal_sets(sums: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (first text, later text) for texts with the same set."""
    order = np.lexsort((rank, sums))
    ordered = sums[order]
    again = np.zeros(len(order), dtype=bool)
    again[1:] = ordered[1:] == ordered[:-1]
    # Each run of equal sums begins with its first text
    starts = np.flatnonzero(~again)
    return np.repeat(order[starts], np.diff(starts, append=len(order)) - 1), order[again]


def _apart(pairs: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]


class _Parts:
    """Records parted into files, of which one at a time is read back.

    Args:
      count: number of parts.
      dtype: of a record.
      folder: where the files are, which have no names.
    """

    def __init__(self, count: int, dtype: np.dtype, folder: Path | None) -> None:
        self._dtype = dtype
        self._files = [nameless_file(folder) for _ in range(count)]

    def add(self, part: np.ndarray, records: np.ndarray) -> None:
        if len(self._files) == 1:
            self._files[0].write(records)
            return
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=len(self._files)))
        for file, some in zip(self._files, np.split(records[order], ends[:-1]), strict=True):
            file.write(some)

    def read(self) -> Iterator[np.ndarray]:
        """Yield the parts; each one's file is gone after it."""
        for file in self._files:
            with file:
                file.seek(0)
                yield np.frombuffer(file.read(), dtype=self._dtype)


def _similar(
    sets: ShingleSets, threshold: float, without: np.ndarray, folder: Path | None
) -> Iterator[np.ndarray]:
    """Yield all pairs of similar texts, (k, 2) at a time, each once."""
    sizes = sets.sizes
    prefix = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int32) + 1
    prefix[without] = 0
    prefix = np.minimum(prefix, sizes)
    count = min(_PARTS, 1 + int(prefix.sum(dtype=np.int64)) // _PART)
    firsts = _Parts(count, _FIRST, folder)
    for block in sets.blocks():
        firsts_of = prefix[block.first : block.first + len(block.lengths)].astype(np.int64)
        texts = np.repeat(np.arange(len(firsts_of)), firsts_of)
        records = np.empty(len(texts), dtype=_FIRST)
        records["text"] = texts + block.first
        places = np.arange(len(texts)) - np.repeat(np.cumsum(firsts_of) - firsts_of, firsts_of)
        records["place"] = places
        starts = np.cumsum(block.lengths) - block.lengths
        records["element"] = block.elements[starts[texts] + places]
        firsts.add((records["element"] % np.uint64(count)).astype(np.int64), records)
    # Pairs with the same first text come together, and its set is read once
    pairs = _Parts(count, np.dtype(np.int64), folder)
    width = -(-len(sizes) // count)
    for records in firsts.read():
        found = _candidates(records, sizes, threshold)
        pairs.add((found >> 32) // width, found)
    for found in pairs.read():
        found = np.unique(found)
        for at in range(0, len(found), _PAIRS):
            some = found[at : at + _PAIRS]
            both = np.column_stack([some >> 32, some & 0xFFFFFFFF]).astype(np.int32)
            yield _verified(sets, both, threshold)


def _candidates(records: np.ndarray, sizes: np.ndarray, threshold: float) -> np.ndarray:
    """Return pairs of texts that share an element and may be similar: first * 2**32 + second."""
    # The shortest sets first: from a set that is too long on, all that follow are
    order = np.lexsort((sizes[records["text"]], records["element"]))
    elements, texts, places = (records[name][order] for name in _FIRST.names)
    del order
    lengths = sizes[texts]
    found = [np.empty(0, dtype=np.int64)]
    apart = 1
    here = np.arange(len(texts), dtype=np.int32)
    while len(here := here[here + apart < len(texts)]):
        there = here + apart
        shorter, longer = lengths[here], lengths[there]
        here = here[(elements[here] == elements[there]) & (shorter >= threshold * longer - 1e-9)]
        there = here + apart
        shorter, longer = lengths[here], lengths[there]
        # At the first element two sets share, no more can be common than what follows in either.
        common = np.minimum(shorter - places[here], longer - places[there])
        near = common * (1 + threshold) >= threshold * (shorter + longer) - 1e-9
        one, other = texts[here[near]], texts[there[near]]
        found.append((np.minimum(one, other).astype(np.int64) << 32) | np.maximum(one, other))
        apart += 1
    return np.unique(np.concatenate(found))


def _verified(sets: ShingleSets, pairs: np.ndarray, threshold: float) -> np.ndarray:
    """Return those pairs whose sets really are that similar."""
    texts, which = np.unique(pairs, return_inverse=True)
    stored, sizes = sets.of(texts.tolist()), sets.sizes[texts].astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    both = which.ravel()
    lengths = sizes[both]
    # Both sets of a pair side by side; what stands twice is common to them.
    pair = np.repeat(np.arange(len(both), dtype=np.int32) // 2, lengths)
    places = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    elements = stored[np.repeat(starts[both], lengths) + places]
    order = np.lexsort((elements, pair))
    elements, pair = elements[order], pair[order]
    twice = (elements[1:] == elements[:-1]) & (pair[1:] == pair[:-1])
    common = np.bincount(pair[1:][twice], minlength=len(pairs))
    total = lengths[::2] + lengths[1::2] - common
    return pairs[common >= threshold * total - 1e-9]
