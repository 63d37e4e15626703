"""Intervals that can be believed: nine of nine is no certainty, and neither is 0 of many."""

import math
import time

import numpy as np
import pandas as pd
import pytest

from botlib.evaluation import metrics, passing
from botlib.evaluation.slices import auc_by_decoder
from botlib.intervals import bootstrap, dot, wilson


def siblings(pairs: int, threads: int) -> pd.DataFrame:
    """Pairs of replies to one comment, of which the second scored higher."""
    rows = np.arange(2 * pairs)
    return pd.DataFrame(
        {
            "comment_id": [f"c{row // 2}" for row in rows],
            "submission_id": [f"t{row // 2 % threads}" for row in rows],
            "subreddit": [f"r{row // 2 % 2}" for row in rows],
            "reply_score": 1 + 30 * (rows % 2),
            "reply_created_utc": 0,
        }
    )


def test_nine_of_nine_is_not_certain_and_by_subreddit_neither():
    frame = siblings(9, 9)
    score = frame["reply_score"].to_numpy(float)
    found = metrics.pairwise(frame, score)
    low, high = found["intervals"]["pairwise"]
    assert (found["pairwise"], high) == (1.0, 1.0)
    assert low == pytest.approx(0.701, abs=0.001)
    places = metrics.pairwise_by(frame, score, by="subreddit")
    assert (places["low"] < 0.6).all()
    # The same judge twice: no difference, and surely none
    assert metrics.pairwise_gain(frame, score, score)["intervals"]["gain"] == (0.0, 0.0)


def test_many_pairs_of_few_threads_count_as_few():
    frame = siblings(900, 3)
    found = metrics.pairwise(frame, frame["reply_score"].to_numpy(float))
    assert found["intervals"]["pairwise"][0] == pytest.approx(wilson(1.0, 3)[0])


def test_a_perfect_auc_has_room_below():
    y = np.arange(40) % 2
    found = metrics.binary(y, 0.2 + 0.6 * y)
    for name in ("auc", "precision", "recall", "balanced_accuracy"):
        low, high = found["intervals"][name]
        assert 0.85 < low < 0.95 and high == 1.0, name
    four = metrics.multiclass(np.arange(40) % 4, np.eye(4)[np.arange(40) % 4])
    assert four["intervals"]["auc_macro"][0] < 0.95
    frame = pd.DataFrame({"real": y, "comment_id": np.arange(40), "temperature": 1.0, "top_k": 0,
                          "top_p": 1.0, "split": "test"})  # fmt: skip
    assert auc_by_decoder(frame, 0.2 + 0.6 * y)["low"].iloc[0] < 0.95


def test_no_fake_of_forty_that_passes_is_not_none_at_all():
    y = np.arange(80) % 2
    row = passing.passing(y, {"BERT": 0.2 + 0.6 * y}, threshold=0.5)["models"]["BERT"]
    assert row["per_100"] == row["low"] == 0
    assert row["high"] == pytest.approx(100 * wilson(0.0, 40)[1])


def test_a_share_with_enough_threads_keeps_its_bootstrap():
    y = np.arange(200) % 3 == 0
    options = {"resamples": 100, "seed": 1}

    def mean(values, weights):
        return {"mean": float(np.average(values, weights=weights))}

    plain = bootstrap(mean, (y,), **options)
    assert bootstrap(mean, (y,), **options, shares=("mean",)) == plain
    assert bootstrap(mean, (y,), resamples=0, shares=("mean",))["mean"] != plain["mean"]


def test_wilson_is_right_at_the_ends():
    assert wilson(1.0, 9) == pytest.approx((0.7009, 1.0), abs=1e-3)
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-3)
    assert np.isnan(wilson(1.0, 0)).all()


def test_a_bin_of_nine_of_nine_is_not_certain_either():
    rows = metrics.calibration(np.ones(9), np.full(9, 0.9))
    assert rows["observed"].tolist() == [1.0]
    assert rows["low"][0] == pytest.approx(wilson(1.0, 9)[0])
    assert rows["high"].tolist() == [1.0]


def test_a_bootstrap_of_many_rows_waits_for_no_other_thread():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 20_000), rng.random(20_000)
    threads = rng.integers(0, 2000, 20_000)
    metrics.binary(y, p, threads, resamples=5)
    began, cpu = time.perf_counter(), time.process_time()
    metrics.binary(y, p, threads)
    # A second thread that waits would count here too; on a busy machine the share is lower still
    assert time.process_time() - cpu < 1.2 * (time.perf_counter() - began)


def test_a_sum_of_products_is_right_to_twelve_places():
    rng = np.random.default_rng(1)
    one, other = rng.random(30_000), rng.random(30_000)
    exact = math.fsum(a * b for a, b in zip(one.tolist(), other.tolist(), strict=True))
    assert dot(one, other) == pytest.approx(exact, rel=1e-12)
    assert dot(one, other) == pytest.approx(one @ other, rel=1e-12)
