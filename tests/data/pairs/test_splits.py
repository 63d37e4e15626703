"""Splits by thread, by a stable hash."""

import numpy as np

from botlib.data.pairs.splits import SPLITS, split_of, whole_threads


def test_split_is_stable_over_time_and_prefixes():
    assert split_of(["abc", "t3_abc", "x", "yy"]).tolist() == [
        *("classifier", "classifier", "generator", "validation")
    ]
    assert split_of([]).tolist() == []


def test_shares_are_as_said():
    splits = split_of(f"{number:x}" for number in range(20_000))
    for name, share in SPLITS.items():
        assert abs((splits == name).mean() - share) < 0.01


def test_whole_threads_are_taken_whole_and_not_too_many():
    ids = np.repeat([f"t{number}" for number in range(100)], 7)
    taken = whole_threads(ids, 200)
    assert taken.sum() == 28 * 7
    assert {taken[ids == name].mean() for name in set(ids)} == {0.0, 1.0}
    assert whole_threads(ids, 3).sum() == 7
    # More room adds threads, it doesn't choose others.
    assert (whole_threads(ids, 400) >= taken).all()
