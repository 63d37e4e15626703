"""Batches of pairs of similar length, so that little of a batch is padding."""

from collections.abc import Iterator

import numpy as np

from botlib.bert.examples import Examples
from botlib.bert.features import EncodedPairs

# Batches are cut from pools of so many, sorted by length: sorted enough to save padding, yet random
POOL_BATCHES = 32


def epoch_batches(examples: Examples, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Returns the rows of each batch of an epoch; the same for the same seed and epoch.

    Siblings stay in one batch, which may then hold a few pairs more than `batch_size`; more than
    that many siblings are divided.
    """
    generator = np.random.default_rng([seed, epoch])
    units = _units(examples.groups, batch_size)
    lengths = examples.pairs.lengths
    longest = np.array([lengths[unit].max() for unit in units])
    order = generator.permutation(len(units))
    batches: list[np.ndarray] = []
    for pool in _pools(order, units, POOL_BATCHES * batch_size):
        # A little noise in the lengths: ties are not always broken in the same way
        by_length = pool[np.argsort(longest[pool] + generator.random(len(pool)), kind="stable")]
        batches += _pools_of_rows(by_length, units, batch_size)
    return [batches[number] for number in generator.permutation(len(batches))]


def sorted_batches(pairs: EncodedPairs, batch_tokens: int) -> Iterator[np.ndarray]:
    """Yields all rows in batches of like length with at most `batch_tokens` tokens, longest first.

    Longest first: what doesn't fit into memory fails at once, not at the end.
    """
    lengths = pairs.lengths
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, batch_tokens // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def _units(groups: np.ndarray, most: int) -> list[np.ndarray]:
    """What is not torn apart: up to `most` siblings, or single pairs."""
    if not len(groups) or groups[0] < 0:
        return list(np.arange(len(groups))[:, None])
    order = np.argsort(groups, kind="stable")
    siblings = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for rows in siblings for part in np.array_split(rows, -(-len(rows) // most))]


def _pools(order: np.ndarray, units: list[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    """Cuts a sequence of units where they add up to `rows` pairs."""
    sizes = np.cumsum([len(units[unit]) for unit in order])
    marks = (sizes - 1) // max(1, rows)
    yield from np.split(order, np.flatnonzero(np.diff(marks)) + 1)


def _pools_of_rows(order: np.ndarray, units: list[np.ndarray], rows: int) -> list[np.ndarray]:
    return [np.concatenate([units[u] for u in pool]) for pool in _pools(order, units, rows)]
