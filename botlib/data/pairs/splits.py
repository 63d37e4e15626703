"""Which part of the data a thread belongs to, decided by its id alone, now and in years to come."""

import hashlib
from collections.abc import Iterable

import numpy as np

# Shares of threads, in this order. The generator needs most; the classifiers learn from fakes that
# answer comments GPT-2 has not seen, hence a part of their own.
SPLITS = {"generator": 0.60, "classifier": 0.25, "validation": 0.05, "test": 0.10}


def split_of(submission_ids: Iterable[str]) -> np.ndarray:
    """Return "generator", "classifier", "validation" or "test" for each submission id.

    The id, without a "t3_" before it, is hashed with BLAKE2b to a number in [0, 1), which falls
    into one of the shares of `SPLITS`: stable over machines, runs and new data.
    """
    names = np.array(list(SPLITS), dtype=object)
    edges = np.cumsum(list(SPLITS.values()))[:-1]
    ids = [str(name).removeprefix("t3_") for name in submission_ids]
    fractions = {name: _fraction(name) for name in set(ids)}
    return names[np.searchsorted(edges, [fractions[name] for name in ids], side="right")]


def _fraction(name: str) -> float:
    return _digest(name) / 2**64


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def whole_threads(submission_ids: Iterable[str], most: int) -> np.ndarray:
    """Return which rows to take so that whole threads, chosen by hash, make at most `most` rows.

    The choice is independent of the split; at least one thread is taken.
    """
    return whole(take_numbers(submission_ids), most)


def take_numbers(submission_ids: Iterable[str]) -> np.ndarray:
    """Return a number of each row's thread, uint64; threads are taken in the order of these."""
    ids = [str(name).removeprefix("t3_") for name in submission_ids]
    numbers = {name: _digest(f"take/{name}") for name in set(ids)}
    return np.array([numbers[name] for name in ids], dtype=np.uint64)


def whole(numbers: np.ndarray, most: int) -> np.ndarray:
    """Return what `whole_threads` does, of the rows' `take_numbers`."""
    _, which, rows = np.unique(numbers, return_inverse=True, return_counts=True)
    taken = np.cumsum(rows) <= most
    taken[:1] = True
    return taken[which]
