import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from botlib.errors import BotlibError
from botlib.evaluation import metrics


def test_nine_keys_in_the_tutorials_order(two_class):
    result = metrics.binary(two_class.real, two_class.p, two_class.submission_id, resamples=20)
    assert tuple(metrics.tutorial(result)) == metrics.TUTORIAL_KEYS
    assert list(result)[:9] == list(metrics.TUTORIAL_KEYS)


def test_binary_equals_scikit_learn(two_class):
    y, p = two_class.real, two_class.p
    result = metrics.binary(y, p, resamples=0)
    called = p >= 0.5
    assert result["auc"] == pytest.approx(sk.roc_auc_score(y, p))
    assert result["auc"] != pytest.approx(sk.roc_auc_score(y, called))
    assert result["f1_score"] == pytest.approx(sk.f1_score(y, called))
    assert result["true_positives"] == ((y == 1) & called).sum()
    assert result["false_negatives"] == ((y == 1) & ~called).sum()
    assert result["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, called))
    assert np.isnan(result["intervals"]["auc"]).all()


def test_always_real_shows_as_one_half_balanced():
    y = np.r_[np.ones(93, int), np.zeros(7, int)]
    result = metrics.binary(y, np.ones(100), resamples=0)
    assert result["eval_accuracy"] == pytest.approx(0.93)
    assert result["balanced_accuracy"] == result["auc"] == 0.5


def test_intervals_hold_the_value_and_widen_with_clusters(two_class):
    repeated = pd.concat([two_class] * 4)
    alone = metrics.binary(repeated.real, repeated.p, resamples=100)
    clustered = metrics.binary(repeated.real, repeated.p, repeated.submission_id, resamples=100)
    low, high = clustered["intervals"]["auc"]
    assert low < clustered["auc"] < high
    assert high - low > 1.5 * np.subtract(*alone["intervals"]["auc"][::-1])
    again = metrics.binary(repeated.real, repeated.p, repeated.submission_id, resamples=100)
    assert again == clustered


def test_shuffled_labels_come_out_at_chance(two_class):
    y = np.random.default_rng(3).permutation(two_class.real)
    result = metrics.binary(y, two_class.p, two_class.submission_id)
    low, high = result["intervals"]["auc"]
    assert low < 0.5 < high


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([1, 1], [0.2, 0.3], "class 1"),
        ([0, 1], [0.2], "2 labels but 1"),
        ([0, 2], [0.2, 0.3], "labels must be 0 to 1"),
        ([0, 1], [0.2, 1.3], "between 0 and 1"),
        ([0, 1], [0.2, np.nan], "none missing"),
        ([], [], "a row per reply"),
    ],
)
def test_bad_input_is_one_clear_line(y, p, message):
    with pytest.raises(BotlibError, match=message):
        metrics.binary(y, p)


def test_multiclass_equals_scikit_learn(four_class):
    y, p, groups = four_class
    result = metrics.multiclass(y, p, groups, resamples=30)
    assert result["auc_macro"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"))
    assert result["auc_micro"] == pytest.approx(sk.roc_auc_score(np.eye(4)[y], p, average="micro"))
    assert result["kappa"] == pytest.approx(
        sk.cohen_kappa_score(y, p.argmax(1), weights="quadratic")
    )
    low, high = result["intervals"]["auc_macro"]
    assert low < result["auc_macro"] < high
    assert result["classes"] == np.bincount(y).tolist()


def test_multiclass_without_one_class_tells_the_rest(four_class):
    y, p, _ = four_class
    kept = y != 2
    result = metrics.multiclass(y[kept], p[kept], resamples=0)
    assert np.isnan(result["auc_2"])
    assert 0.5 < result["auc_macro"] < 1
    with pytest.raises(BotlibError, match="of class 1"):
        metrics.multiclass(np.ones(5, int), p[:5])
    with pytest.raises(BotlibError, match="shape"):
        metrics.multiclass(y, p[:, 0])


def test_class_frequencies_reach_one_half(four_class):
    y, p, _ = four_class
    result = metrics.multiclass(y, np.tile(p.mean(axis=0), (len(y), 1)), resamples=0)
    assert result["auc_macro"] == 0.5
    assert result["kappa"] == 0.0


def test_tables_show_values_with_intervals(two_class):
    result = metrics.binary(two_class.real, two_class.p, resamples=20)
    rows = metrics.table(result)
    assert rows.loc["auc", "low"] < rows.loc["auc", "value"] < rows.loc["auc", "high"]
    side = metrics.compare({"BERT": result, "again": result}, ["auc", "true_positives"])
    assert side.loc["BERT", "auc"].count(",") == 1 and side.loc["BERT", "auc"].endswith("]")
    assert side.loc["BERT", "true_positives"] == f"{result['true_positives']:,}"


def test_calibration_of_true_probabilities():
    rng = np.random.default_rng(1)
    p = rng.uniform(size=20_000)
    y = rng.uniform(size=20_000) < p
    rows = metrics.calibration(y, p)
    assert len(rows) == 10 and rows.n.sum() == 20_000
    assert (rows.predicted - rows.observed).abs().max() < 0.04
    assert metrics.expected_calibration_error(y, p) < 0.015
    assert metrics.expected_calibration_error(y, p**3) > 0.1
    assert len(metrics.calibration(y, np.full(20_000, 0.5))) == 1


def test_coverage_counts_what_is_kept():
    rows = metrics.by_threshold([1, 0, 1, 0], [0.9, 0.8, 0.3, 0.1], [0.0, 0.5, 0.95])
    assert rows.kept.tolist() == [4, 2, 0]
    assert rows.precision[1] == 0.5 and np.isnan(rows.precision[2])
    assert rows.recall.tolist() == [1.0, 0.5, 0.0]


def test_a_gain_on_the_same_rows_is_told_more_sharply(two_class, four_class):
    rng = np.random.default_rng(0)
    y, p = two_class.real, two_class.p.to_numpy()
    worse = np.clip(0.75 * p + 0.25 * rng.uniform(size=len(p)), 0, 1)
    result = metrics.gain(y, p, worse, two_class.submission_id, resamples=60)
    separate = [metrics.binary(y, q, resamples=0)["auc"] for q in (p, worse)]
    assert result["gain"] == pytest.approx(separate[0] - separate[1])
    low, high = result["intervals"]["gain"]
    own = np.subtract(*metrics.binary(y, p, resamples=60)["intervals"]["auc"][::-1])
    assert 0 < low < high and high - low < own
    assert metrics.gain(y, p, p, resamples=5)["intervals"]["gain"] == (0.0, 0.0)
    y4, p4, groups = four_class
    flat = np.full_like(p4, 0.25)
    assert metrics.gain(y4, p4, flat, groups, resamples=20)["intervals"]["gain"][0] > 0
    with pytest.raises(BotlibError, match="probabilities"):
        metrics.gain(y4, p4, flat[:10])
