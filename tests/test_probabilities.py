"""A threshold means "at least", everywhere alike."""

import numpy as np
import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.probabilities import softmax, threshold_for_precision


def test_the_reply_exactly_on_the_threshold_is_kept_by_figures_tables_and_the_bot():
    from botlib.evaluation import calibration, metrics
    from botlib.evaluation.figures.explorer import ThresholdExplorer
    from botlib.live import choose

    y, p = np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.95, 0.1])
    assert metrics.binary(y, p, threshold=0.9, resamples=0)["true_positives"] == 2
    assert calibration.by_threshold(y, p, [0.9])["kept"].tolist() == [2]
    frame = pd.DataFrame({"real": y, "comment": "c", "reply": "r"})
    beside = ThresholdExplorer(frame, p, threshold=0.9).beside()
    assert beside.loc[beside["probability"] == 0.9, "kept"].tolist() == ["yes"]
    proposed = pd.DataFrame({"comment_id": list("abcd"), "prob_real": p})
    assert choose.coverage(proposed, [0.9])["comments"].tolist() == [2]


def test_a_threshold_found_for_a_precision_keeps_its_promise():
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 600)
    p = (1 / (1 + np.exp(-(3 * (y - 0.5) + rng.normal(size=600))))).astype(np.float32)
    found = threshold_for_precision(y, p, 0.95)
    kept = p >= found["threshold"]
    assert y[kept].mean() == pytest.approx(found["precision"])
    assert found["precision"] >= 0.95
    assert (kept.mean(), kept[y == 1].mean()) == (
        pytest.approx(found["coverage"]),
        pytest.approx(found["recall"]),
    )
    # No lower threshold would do
    lower = [y[p >= t].mean() for t in np.unique(p) if t < found["threshold"]]
    assert max(lower) < 0.95


def test_equal_probabilities_stand_or_fall_together():
    assert threshold_for_precision([1, 0, 1], [0.9, 0.9, 0.9], 0.6)["threshold"] == 0.9
    with pytest.raises(BotlibError, match=r"no threshold reaches .* best here is 0\.667"):
        threshold_for_precision([1, 0, 1], [0.9, 0.9, 0.9], 0.7)
    with pytest.raises(BotlibError, match="rows of both classes"):
        threshold_for_precision([1, 1], [0.9, 0.8], 0.7)


def test_softmax_of_large_logits_and_of_no_rows():
    assert softmax(np.array([[1000.0, 1000.0]])).tolist() == [[0.5, 0.5]]
    assert softmax(np.zeros((0, 2))).shape == (0, 2)
