"""Finds texts that are nearly the same, all of them, without comparing every two.

Texts are sets of three-word sequences; two are near-duplicates if the sets' Jaccard similarity
reaches a threshold. Prefix filtering finds every such pair: sort each set by one global order,
rarest first; two sets that similar share an element in their first few (Chaudhuri, Ganti and
Kaushik 2006, "A primitive operator for similarity joins in data cleaning").
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

_SHINGLE = 3
_BATCH = 200_000
# A frame is what many texts share at either end: long enough not to be a figure of speech.
_FRAME_WORDS = 15


def near_duplicates(
    texts: pd.Series, threshold: float, groups: np.ndarray | None = None
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
    matrix = _shingle_sets(texts)
    for first, second in _similar_pairs(matrix, threshold, groups):
        if not copy[first]:
            copy[second] = True
    return copy


def repeated_frames(texts: pd.Series, limit: int) -> np.ndarray:
    """Return which texts begin, or end, with the same 15 words as more than `limit` others."""
    words = [text.lower().split() for text in texts]
    repeated = np.zeros(len(words), dtype=bool)
    for part in (slice(_FRAME_WORDS), slice(-_FRAME_WORDS, None)):
        frames = pd.Series(
            [" ".join(w[part]) if len(w) >= _FRAME_WORDS else None for w in words], dtype="object"
        )
        counts = frames.map(frames.value_counts()).fillna(0).to_numpy(dtype=np.int64)
        repeated |= counts > limit + 1
    return repeated


def _shingle_sets(texts: pd.Series) -> sparse.csr_array:
    """Return the sets as rows (n, distinct sequences); rarer sequences have lower columns."""
    words, lengths = _word_numbers(texts)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    codes = words.astype(np.uint64)
    # Ends of a text, so that no sequence runs over into the next one
    text_of_word = np.repeat(np.arange(len(lengths)), lengths)
    left = starts[1:][text_of_word] - np.arange(len(words))
    # A sequence begins at each word but the last two; a shorter text is one sequence of its own.
    begins = (left >= _SHINGLE) | (np.arange(len(words)) == starts[:-1][text_of_word])
    mixed = np.zeros(len(words), dtype=np.uint64)
    for step in range(_SHINGLE):
        following = np.roll(codes, -step) + np.uint64(1)
        following[left <= step] = 0
        mixed = _mix(mixed ^ following)
    rows, mixed = text_of_word[begins], mixed[begins]
    distinct, which, counts = np.unique(mixed, return_inverse=True, return_counts=True)
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[np.lexsort((distinct, counts))] = np.arange(len(distinct))
    keys = np.unique(rows.astype(np.int64) * len(distinct) + rank[which])
    rows, columns = np.divmod(keys, len(distinct))
    offsets = np.searchsorted(rows, np.arange(len(lengths) + 1))
    ones = np.ones(len(keys), dtype=np.int32)
    return sparse.csr_array((ones, columns, offsets), shape=(len(lengths), len(distinct)))


def _word_numbers(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return every text's words as numbers, one after the other, and how many each text has."""
    strings = pa.array(texts.to_numpy(dtype=object), pa.large_string())
    plain = pc.utf8_trim(
        pc.replace_substring_regex(pc.utf8_lower(strings), r"[^\p{L}\p{N}]+", " "), " "
    )
    # Without a single word (emoji, signs) a text is what it is.
    plain = pc.if_else(pc.equal(plain, ""), strings, plain)
    words = pc.split_pattern(plain, " ")
    numbers = pc.list_flatten(words).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return numbers, pc.list_value_length(words).to_numpy(zero_copy_only=False)


def _mix(values: np.ndarray) -> np.ndarray:
    """Return well-spread 64-bit hashes (the finalizer of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _similar_pairs(
    matrix: sparse.csr_array, threshold: float, groups: np.ndarray
) -> list[tuple[int, int]]:
    """Return all pairs of similar rows, (earlier, later), in an order that settles the earlier."""
    sizes = np.diff(matrix.indptr)
    firsts, seconds = _equal_sets(matrix)
    # Equal sets are settled by their first; only firsts need comparing.
    alone = np.ones(len(sizes), dtype=bool)
    alone[seconds] = False
    row_of = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(row_of)) - np.repeat(matrix.indptr[:-1], sizes)
    prefix = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    taken = (place < prefix[row_of]) & alone[row_of]
    columns, rows = matrix.indices[taken], row_of[taken]
    order = np.lexsort((rows, columns))
    columns, rows = columns[order], rows[order]
    found = [np.column_stack([firsts, seconds])]
    apart = 1
    here = np.arange(len(rows) - 1)
    while len(here := here[here + apart < len(rows)]):
        here = here[columns[here] == columns[here + apart]]
        one, other = rows[here], rows[here + apart]
        small, large = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
        near = small >= threshold * large - 1e-9
        found.append(_verified(matrix, sizes, one[near], other[near], threshold))
        apart += 1
    pairs = np.unique(np.concatenate(found), axis=0)
    pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
    # By the later text, so that whether the earlier one stays is known by then.
    return list(map(tuple, pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist()))


def _equal_sets(matrix: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return (first row, later row) for rows with the same set."""
    sums = np.add.reduceat(
        _mix(matrix.indices.astype(np.uint64) + np.uint64(1)), matrix.indptr[:-1]
    )
    _, first, which = np.unique(sums, return_index=True, return_inverse=True)
    firsts = first[which]
    later = np.flatnonzero(firsts != np.arange(len(sums)))
    return firsts[later], later


def _verified(
    matrix: sparse.csr_array,
    sizes: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    threshold: float,
) -> np.ndarray:
    """Return those pairs whose sets really are that similar, (m, 2)."""
    kept = []
    for at in range(0, len(one), _BATCH):
        a, b = one[at : at + _BATCH], other[at : at + _BATCH]
        common = np.asarray(matrix[a].multiply(matrix[b]).sum(axis=1)).ravel()
        similar = common >= threshold * (sizes[a] + sizes[b] - common) - 1e-9
        kept.append(np.column_stack([a[similar], b[similar]]))
    return np.concatenate(kept) if kept else np.empty((0, 2), dtype=np.int64)
