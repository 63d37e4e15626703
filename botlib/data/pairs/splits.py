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
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def whole_threads(submission_ids: Iterable[str], most: int) -> np.ndarray:
    """Return which rows to take so that whole threads, chosen by hash, make at most `most` rows.

    The choice is independent of the split; at least one thread is taken.
    """
    ids = np.array([str(name).removeprefix("t3_") for name in submission_ids], dtype=object)
    names, which, rows = np.unique(ids, return_inverse=True, return_counts=True)
    order = np.argsort([_fraction(f"take/{name}") for name in names], kind="stable")
    taken = np.zeros(len(names), dtype=bool)
    taken[order] = np.cumsum(rows[order]) <= most
    taken[order[:1]] = True
    return taken[which]
