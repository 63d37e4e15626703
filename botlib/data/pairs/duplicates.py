"""Finds texts that are nearly the same, all of them, without comparing every two.

Texts are sets of three-word sequences; two are near-duplicates if the sets' Jaccard similarity
reaches a threshold. Prefix filtering finds every such pair: sort each set by one global order,
rarest first; two sets that similar share an element in their first few (Chaudhuri, Ganti and
Kaushik 2006, "A primitive operator for similarity joins in data cleaning").
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from botlib.data.pairs.measures import words_of

_SHINGLE = 3
_TEXTS = 50_000  # texts at a time
_PAIRS = 20_000  # pairs at a time
_BUCKET_BITS = 20  # a million buckets tell common sequences from rare ones
# A frame is what many texts share at either end: long enough not to be a figure of speech.
_FRAME_WORDS = 15


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
    copy = np.zeros(len(texts), dtype=bool)
    if len(texts) < 2:
        return copy
    groups = np.arange(len(texts)) if groups is None else np.asarray(groups)
    sets = _Sets.of(texts)
    firsts, laters = _equal_sets(sets)
    for earlier, later in _similar_pairs(sets, threshold, groups, laters):
        if not copy[earlier]:
            copy[later] = True
    # Equal sets fare as their first does, or are copies of it.
    copy[laters] = copy[firsts] | (groups[firsts] != groups[laters])
    return copy


def repeated_frames(texts: Sequence[str], limit: int) -> np.ndarray:
    """Return which texts begin, or end, with the same 15 words as more than `limit` others."""
    repeated = np.zeros(len(texts), dtype=bool)
    openings, closings, rows = [], [], []
    for row, text in enumerate(texts):
        opening = text.split(None, _FRAME_WORDS)
        if len(opening) >= _FRAME_WORDS:
            rows.append(row)
            openings.append(" ".join(opening[:_FRAME_WORDS]).lower())
            closings.append(" ".join(text.rsplit(None, _FRAME_WORDS)[-_FRAME_WORDS:]).lower())
    for frames in (openings, closings):
        which = pd.factorize(np.array(frames, dtype=object))[0]
        counts = np.bincount(which, minlength=1)[which]
        repeated[np.array(rows, dtype=np.int64)[counts > limit + 1]] = True
    return repeated


@dataclasses.dataclass
class _Sets:
    """Each text's set of sequences: `elements[starts[i] : starts[i + 1]]`, rarest first.

    An element is 64 bits: how common it is (estimated by counting into buckets), then its hash.
    """

    elements: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> "_Sets":
        numbers: dict[str, int] = {}
        parts, sizes = [], []
        counts = np.zeros(1 << _BUCKET_BITS, dtype=np.int64)
        # A part at a time, so that no more than the hashes themselves stands for all texts.
        for at in range(0, len(texts), _TEXTS):
            hashes, rows = _sequences(texts[at : at + _TEXTS], numbers)
            # Colab's numpy counts signed integers only; these are small, so the bits may stay
            buckets = (hashes >> np.uint64(64 - _BUCKET_BITS)).view(np.int64)
            counts += np.bincount(buckets, minlength=len(counts))
            parts.append((hashes, rows))
        del numbers
        commonness = np.minimum(counts, 2047).astype(np.uint64) << np.uint64(53)
        for at, (hashes, rows) in enumerate(parts):
            elements = commonness[hashes >> np.uint64(64 - _BUCKET_BITS)]
            elements |= hashes & np.uint64(2**53 - 1)
            order = np.lexsort((elements, rows))
            elements, rows = elements[order], rows[order]
            new = np.ones(len(rows), dtype=bool)
            new[1:] = (elements[1:] != elements[:-1]) | (rows[1:] != rows[:-1])
            parts[at] = elements[new]
            sizes.append(np.bincount(rows[new], minlength=min(_TEXTS, len(texts) - at * _TEXTS)))
        starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
        return cls(np.concatenate(parts), starts)


def _sequences(texts: Sequence[str], numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return hashes of all three-word sequences, and the text each stands in.

    A text of one or two words is one sequence. `numbers` grows by words not seen before.
    """
    words, lengths = words_of(texts)
    words = words.dictionary_encode()
    word_numbers = [
        numbers.setdefault(word, len(numbers) + 1) for word in words.dictionary.to_pylist()
    ]
    codes = np.array(word_numbers, dtype=np.uint64)[words.indices.to_numpy(zero_copy_only=False)]
    text_of_word = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    ends = np.cumsum(lengths)
    left = ends[text_of_word] - np.arange(len(codes))
    begins = left >= _SHINGLE
    begins[(ends - lengths)[lengths > 0]] = True
    mixed = np.zeros(len(codes), dtype=np.uint64)
    for step in range(_SHINGLE):
        following = np.roll(codes, -step)
        following[left <= step] = 0
        mixed = _mix(mixed ^ following)
    return mixed[begins], text_of_word[begins]


def _mix(values: np.ndarray) -> np.ndarray:
    """Return well-spread 64-bit hashes (SplitMix64: Steele, Lea and Flood 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _similar_pairs(
    sets: _Sets, threshold: float, groups: np.ndarray, without: np.ndarray
) -> list[tuple[int, int]]:
    """Return all pairs of similar texts, (earlier, later), in an order that settles the earlier."""
    sizes = np.diff(sets.starts)
    prefix = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    prefix[without] = 0
    prefix = np.minimum(prefix, sizes)
    rows = np.repeat(np.arange(len(sizes), dtype=np.int32), prefix)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(prefix) - prefix, prefix)
    elements = sets.elements[sets.starts[rows] + places]
    order = np.lexsort((rows, elements))
    elements, rows, places = elements[order], rows[order], places[order]
    near_pairs = [np.empty((0, 2), dtype=np.int64)]
    apart = 1
    here = np.arange(len(rows))
    while len(here := here[here + apart < len(rows)]):
        here = here[elements[here] == elements[here + apart]]
        one, other = rows[here], rows[here + apart]
        # At the first element two sets share, no more can be common than what follows in either.
        common = np.minimum(sizes[one] - places[here], sizes[other] - places[here + apart])
        near = common * (1 + threshold) >= threshold * (sizes[one] + sizes[other]) - 1e-9
        pairs = np.unique(np.column_stack([one[near], other[near]]), axis=0)
        near_pairs.append(_verified(sets, pairs, threshold))
        apart += 1
    pairs = np.unique(np.concatenate(near_pairs), axis=0)
    pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
    # By the later text, so that whether the earlier one stays is known by then.
    return list(map(tuple, pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist()))


def _equal_sets(sets: _Sets) -> tuple[np.ndarray, np.ndarray]:
    """Return (first text, later text) for texts with the same set."""
    sums = np.zeros(len(sets.starts) - 1, dtype=np.uint64)
    some = np.flatnonzero(np.diff(sets.starts))
    sums[some] = np.add.reduceat(_mix(sets.elements), sets.starts[some])
    _, first, which = np.unique(sums, return_index=True, return_inverse=True)
    firsts = first[which]
    laters = np.flatnonzero(firsts != np.arange(len(sums)))
    return firsts[laters], laters


def _verified(sets: _Sets, pairs: np.ndarray, threshold: float) -> np.ndarray:
    """Return those pairs whose sets really are that similar."""
    sizes = np.diff(sets.starts)
    verified = [np.empty((0, 2), dtype=np.int64)]
    for at in range(0, len(pairs), _PAIRS):
        part = pairs[at : at + _PAIRS].astype(np.int64)
        both = part.ravel()
        lengths = sizes[both]
        # Both sets of a pair side by side; what stands twice is common to them.
        pair = np.repeat(np.arange(len(both)) // 2, lengths)
        places = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        elements = sets.elements[np.repeat(sets.starts[both], lengths) + places]
        order = np.lexsort((elements, pair))
        elements, pair = elements[order], pair[order]
        twice = (elements[1:] == elements[:-1]) & (pair[1:] == pair[:-1])
        common = np.bincount(pair[1:][twice], minlength=len(part))
        total = sizes[part[:, 0]] + sizes[part[:, 1]] - common
        verified.append(part[common >= threshold * total - 1e-9])
    return np.concatenate(verified)
