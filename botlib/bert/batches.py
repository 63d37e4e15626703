"""Batches by length: pairs of like length train together, so that little of a batch is padding."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from botlib.bert.features import EncodedPairs

# Batches are cut from pools of so many, sorted by length: sorted enough to save padding, yet random
POOL_BATCHES = 32
# Lengths are rounded up to this: matrix kernels like it, and fewer shapes are met
LENGTH_MULTIPLE = 8
# What a batch holds beside BERT's inputs and the groups, as float32
TARGETS = ("labels", "weights", "times", "offsets")


@dataclasses.dataclass(frozen=True)
class Examples:
    """Encoded pairs with what is to be learned about them; every array has one entry a pair.

    Attributes:
      pairs: the features.
      labels: class numbers (int), or scores (float) for ranking.
      weights: how much each pair counts in the loss.
      groups: which pairs are siblings (the same number); -1 throughout where it doesn't matter.
      times: seconds; siblings are compared only if they are close in time.
      offsets: what a pair's ranking score owes to other things than its text, in log-odds.
    """

    pairs: EncodedPairs
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    times: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the padded inputs and the targets of some pairs."""
        return {
            **self.pairs.pad(rows, multiple=LENGTH_MULTIPLE),
            "groups": self.groups[rows].astype(np.int32),
            **{name: getattr(self, name)[rows].astype(np.float32) for name in TARGETS},
        }


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
