"""Weighted AUC, average precision and recall by one sort: scikit-learn's numbers, ties and all."""

import numpy as np
import pytest
from sklearn import metrics as sk

from botlib.ranked import Ranked


@pytest.mark.parametrize("steps", [5, 1000])
def test_weighted_figures_are_scikit_learns_also_with_ties(steps):
    rng = np.random.default_rng(steps)
    y = rng.integers(0, 2, 3000)
    score = np.round(rng.normal(size=3000) + y, 1) if steps == 5 else rng.normal(size=3000) + y
    weights = rng.integers(0, 4, 3000).astype(float)
    ranked = Ranked(y, score)
    auc = sk.roc_auc_score(y, score, sample_weight=weights)
    assert ranked.auc(weights) == pytest.approx(auc, abs=1e-12)
    assert ranked.auc() == pytest.approx(sk.roc_auc_score(y, score), abs=1e-12)
    precision = sk.average_precision_score(y, score, sample_weight=weights)
    assert ranked.average_precision(weights) == pytest.approx(precision, abs=1e-12)
    fpr, tpr, _ = sk.roc_curve(y, score, sample_weight=weights, drop_intermediate=False)
    assert ranked.recall_at(0.01, weights) == pytest.approx(tpr[fpr <= 0.01].max(), abs=1e-12)


def test_one_class_alone_has_no_figure():
    y = np.array([0, 1, 1])
    ranked = Ranked(y, np.array([0.1, 0.2, 0.3]))
    without = np.array([0.0, 1.0, 1.0])
    assert np.isnan([ranked.auc(without), ranked.average_precision(without)]).all()
    assert np.isnan([Ranked(y[:0], y[:0]).auc(), ranked.recall_at(0.01, without)]).all()
