"""Fakes that pass are counted where all models keep the same share of the real replies."""

import numpy as np
import pytest

from botlib.evaluation.passing import passing

Y = np.array([1, 1, 1, 1, 0, 0, 0, 0])
OURS = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.4, 0.3, 0.1])


def test_fakes_per_100_real_replies_are_counted_by_hand():
    # At 0.6 three of four real replies are kept and one of four fakes passes: 100 * (1/4) / (3/4)
    found = passing(Y, {"BERT": OURS}, threshold=0.6, resamples=0)
    assert found["kept"] == pytest.approx(0.75)
    assert found["models"]["BERT"]["per_100"] == pytest.approx(100 / 3)


def test_a_baseline_does_not_win_by_keeping_fewer_real_replies():
    # Its own 0.6 would keep one real reply and no fake; it has to keep three as BERT does
    shy = np.array([0.7, 0.3, 0.2, 0.1, 0.25, 0.5, 0.0, 0.0])
    found = passing(Y, {"BERT": OURS, "shy": shy}, threshold=0.6, resamples=0)
    assert found["models"]["shy"]["per_100"] == pytest.approx(100 * (2 / 4) / (3 / 4))


def test_a_guess_lets_a_hundred_pass_and_a_perfect_model_none():
    rng = np.random.default_rng(1)
    y = np.tile([0, 1], 2000)
    models = {"perfect": y * 0.8 + 0.1, "guess": rng.random(4000)}
    found = passing(y, models, threshold=0.5, model="guess", resamples=50)["models"]
    assert found["perfect"]["per_100"] == 0
    assert found["guess"]["low"] < 100 < found["guess"]["high"]


def test_a_threshold_that_keeps_nothing_has_no_number():
    found = passing(Y, {"BERT": OURS}, threshold=0.99)
    assert found["kept"] == 0
    assert np.isnan(found["models"]["BERT"]["per_100"])
