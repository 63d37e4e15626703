"""Metrics of a classifier on held-out replies: scikit-learn's, each with an interval."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics as sk
from sklearn.preprocessing import label_binarize

from botlib.errors import BotlibError
from botlib.evaluation.calibration import (
    by_threshold,
    calibration,
    expected_calibration_error,
)
from botlib.evaluation.checks import check_lengths, checked_labels, checked_probabilities
from botlib.evaluation.pairwise import (
    lift,
    pairwise,
    pairwise_by,
    pairwise_gain,
)
from botlib.intervals import RESAMPLES, bootstrap, dot
from botlib.probabilities import at_least
from botlib.ranked import Ranked

__all__ = [
    "TUTORIAL_KEYS",
    "binary",
    "by_threshold",
    "calibration",
    "compare",
    "expected_calibration_error",
    "gain",
    "lift",
    "multiclass",
    "pairwise",
    "pairwise_by",
    "pairwise_gain",
    "table",
    "tutorial",
]

# bert-tensorflow's metric_fn printed these nine, in this order
TUTORIAL_KEYS = (
    *("auc", "eval_accuracy", "f1_score", "false_negatives", "false_positives"),
    *("precision", "recall", "true_negatives", "true_positives"),
)

# What lies between 0 and 1, with more being better
SHARES = (*("auc", "auc_macro", "auc_micro", *(f"auc_{c}" for c in range(4))),
          *("eval_accuracy", "accuracy", "balanced_accuracy", "precision", "recall", "f1_score"),
          "average_precision")  # fmt: skip


def binary(
    y: Sequence[int],
    p: Sequence[float],
    groups: Sequence | None = None,
    *,
    threshold: float = 0.5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns how good probabilities of the positive class are.

    Args:
      y: labels 0 and 1, shape (n,).
      p: probabilities of 1, shape (n,). AUC is computed from them, not from hard labels.
      groups: the thread of each row (submission_id), by which the bootstrap draws.
      threshold: rows with p at least as high are called positive.
      resamples: bootstrap resamples; 0 for none.
      seed: of the bootstrap.

    Returns:
      The tutorial's nine keys (`TUTORIAL_KEYS`), then balanced_accuracy, average_precision, brier,
      prevalence (share of 1), n, threshold, and `intervals`: name → (low, high), 95 %.

    Raises:
      BotlibError: lengths differ, labels other than 0 and 1, one class only, or p outside [0, 1].
    """
    y, p = checked_labels(y, 2), checked_probabilities(p)
    check_lengths(y, p)
    if len(present := np.unique(y)) < 2:
        raise BotlibError(
            f"all {len(y)} rows are of class {present[0]}: an AUC needs rows of both classes"
        )
    called = at_least(p, threshold).astype(int)
    tn, fp, fn, tp = sk.confusion_matrix(y, called, labels=[0, 1]).ravel()
    statistic = _BinaryFigures(y, p, called)
    figures = statistic(np.arange(len(y)), np.ones(len(y)))
    counts = {
        "false_negatives": int(fn),
        "false_positives": int(fp),
        "true_negatives": int(tn),
        "true_positives": int(tp),
    }
    nine = {key: counts[key] if key in counts else figures[key] for key in TUTORIAL_KEYS}
    return {
        **nine,
        "balanced_accuracy": figures["balanced_accuracy"],
        "average_precision": figures["average_precision"],
        "brier": figures["brier"],
        "prevalence": float(y.mean()),
        "n": len(y),
        "threshold": float(threshold),
        "intervals": bootstrap(
            statistic, (np.arange(len(y)),), groups, resamples=resamples, seed=seed, shares=SHARES
        ),
    }


class _BinaryFigures:
    """The figures of some rows with weights; what doesn't change with them is computed once."""

    def __init__(self, y: np.ndarray, p: np.ndarray, called: np.ndarray) -> None:
        self._ranked, self._cell = Ranked(y, p), 2 * y + called
        self._squares = (p - y) ** 2

    def __call__(self, rows: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        all_weights = _spread(rows, weights, len(self._cell))
        tn, fp, fn, tp = np.bincount(self._cell, all_weights, minlength=4)
        precision, recall, fall = _share(tp, tp + fp), _share(tp, tp + fn), _share(tn, tn + fp)
        both = tp + fn > 0 and tn + fp > 0
        nan, total = float("nan"), tn + fp + fn + tp
        return {
            "auc": self._ranked.auc(all_weights),
            "eval_accuracy": float((tp + tn) / total),
            "f1_score": _share(2 * tp, 2 * tp + fp + fn),
            "precision": precision,
            "recall": recall,
            "balanced_accuracy": (recall + fall) / 2 if both else nan,
            "average_precision": self._ranked.average_precision(all_weights),
            "brier": float(dot(self._squares, all_weights) / total) if both else nan,
        }


def _spread(rows: np.ndarray, weights: np.ndarray, n: int) -> np.ndarray:
    """Returns the weights of all n rows: 0 for those that were not drawn."""
    spread = np.zeros(n)
    spread[rows] = weights
    return spread


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def tutorial(result: Mapping[str, Any]) -> dict[str, float]:
    """Returns the nine figures of the 2020 tutorial, in its order, from `binary`'s result."""
    return {key: result[key] for key in TUTORIAL_KEYS}


def multiclass(
    y: Sequence[int],
    probabilities: np.ndarray,
    groups: Sequence | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns how good probabilities of ordered classes (0 … k-1) are, one against the rest.

    Args:
      y: labels 0 … k-1, shape (n,).
      probabilities: shape (n, k); rows sum to 1.
      groups: the thread of each row.
      resamples: bootstrap resamples; 0 for none.
      seed: of the bootstrap.

    Returns:
      auc_0 … auc_{k-1} (NaN for a class without rows), auc_macro (mean of the classes present),
      auc_micro, kappa (quadratic weights, between label and most probable class), accuracy,
      balanced_accuracy, log_loss, n, classes (rows of each), and `intervals`.

    Raises:
      BotlibError: lengths or widths don't fit, one class only, or p outside [0, 1].
    """
    probabilities = checked_probabilities(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise BotlibError(
            f"multiclass needs probabilities of shape (n, classes), not {probabilities.shape}"
        )
    k = probabilities.shape[1]
    y = checked_labels(y, k)
    check_lengths(y, probabilities)
    if len(present := np.unique(y)) < 2:
        raise BotlibError(
            f"all {len(y)} rows are of class {present[0]}: an AUC needs rows of two classes"
        )
    rows = np.arange(len(y))
    statistic = _MulticlassFigures(y, probabilities)
    return {
        **statistic(rows, np.ones(len(y))),
        "n": len(y),
        "classes": np.bincount(y, minlength=k).tolist(),
        "intervals": bootstrap(
            statistic, (rows,), groups, resamples=resamples, seed=seed, shares=SHARES
        ),
    }


class _MulticlassFigures:
    """The figures of some rows with weights; what doesn't change with them is computed once."""

    def __init__(self, y: np.ndarray, probabilities: np.ndarray) -> None:
        self._k = k = probabilities.shape[1]
        hot = one_hot(y, k)
        self._classes = [Ranked(hot[:, c], probabilities[:, c]) for c in range(k)]
        self._micro = Ranked(hot.ravel(), probabilities.ravel())
        self._cell = k * y + probabilities.argmax(axis=1)
        # Float32 softmax rows miss 1 a little
        of_label = probabilities[np.arange(len(y)), y] / probabilities.sum(axis=1)
        self._losses = -np.log(np.clip(of_label, np.finfo(float).eps, 1))
        self._distance = np.subtract.outer(np.arange(k), np.arange(k)) ** 2

    def __call__(self, rows: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        k = self._k
        all_weights = _spread(rows, weights, len(self._cell))
        aucs = np.array([ranked.auc(all_weights) for ranked in self._classes])
        confusion = np.bincount(self._cell, all_weights, minlength=k * k).reshape(k, k)
        total, labels, called = confusion.sum(), confusion.sum(axis=1), confusion.sum(axis=0)
        expected = np.outer(labels, called) / total
        by_chance = (self._distance * expected).sum()
        recalls = (np.diag(confusion) / np.maximum(labels, 1e-300))[labels > 0]
        kappa = 1 - (self._distance * confusion).sum() / by_chance if by_chance else float("nan")
        return {
            **{f"auc_{c}": float(auc) for c, auc in enumerate(aucs)},
            "auc_macro": float(np.nanmean(aucs)) if np.isfinite(aucs).any() else float("nan"),
            "auc_micro": self._micro.auc(all_weights.repeat(k)),
            # Quadratic weights, between label and most probable class
            "kappa": float(kappa),
            "accuracy": float(np.trace(confusion) / total),
            # The mean recall of the classes that have rows
            "balanced_accuracy": float(recalls.mean()),
            "log_loss": float(dot(self._losses, all_weights) / total),
        }


def gain(
    y: Sequence[int],
    ours: np.ndarray,
    other: np.ndarray,
    groups: Sequence | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns by how much one model's AUC exceeds another's on the same rows.

    Both are judged on the same resamples, so what makes a resample hard cancels: the interval is
    narrower than two separate ones suggest.

    Args:
      y: labels, shape (n,).
      ours, other: probabilities, both (n,) for the AUC or both (n, k) for the macro AUC.
      groups: the thread of each row.
      resamples, seed: of the bootstrap.

    Returns:
      gain and `intervals`; an interval above 0 means that chance doesn't explain it.
    """
    ours, other = checked_probabilities(ours), checked_probabilities(other)
    y = checked_labels(y, 2 if ours.ndim == 1 else ours.shape[1])
    if ours.shape != other.shape or len(ours) != len(y):
        raise BotlibError(f"{len(y)} labels, but probabilities {ours.shape} and {other.shape}")

    rows, statistic = np.arange(len(y)), _Gain(y, ours, other)
    intervals = bootstrap(statistic, (rows,), groups, resamples=resamples, seed=seed)
    return {**statistic(rows, np.ones(len(y))), "intervals": intervals}


class _Gain:
    """The difference of two AUCs; of (n, k) probabilities the mean over the classes."""

    def __init__(self, y: np.ndarray, ours: np.ndarray, other: np.ndarray) -> None:
        self._n = len(y)
        hot = one_hot(y, ours.shape[1]) if ours.ndim == 2 else y[:, None]
        columns = range(hot.shape[1])
        self._pairs = [
            [Ranked(hot[:, c], p.reshape(len(p), -1)[:, c]) for c in columns] for p in (ours, other)
        ]

    def __call__(self, rows: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        all_weights = _spread(rows, weights, self._n)
        aucs = [[ranked.auc(all_weights) for ranked in ours] for ours in self._pairs]
        differences = np.subtract(*aucs)
        finite = differences[np.isfinite(differences)]
        return {"gain": float(finite.mean()) if len(finite) else float("nan")}


def one_hot(y: np.ndarray, k: int) -> np.ndarray:
    """Returns labels as an (n, k) matrix of 0 and 1, also for two classes."""
    hot = label_binarize(y, classes=list(range(k)))
    return np.hstack([1 - hot, hot]) if k == 2 else hot


def table(result: Mapping[str, Any], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Returns a result as a table for the reader: figure, value, low, high.

    Args:
      result: of `binary`, `multiclass`, `pairwise` or `lift`.
      names: which figures, in which order; all numbers by default.
    """
    intervals = result.get("intervals", {})
    nan = (float("nan"), float("nan"))
    names = names or [k for k, v in result.items() if isinstance(v, int | float | np.number)]
    rows = [(name, float(result[name]), *intervals.get(name, nan)) for name in names]
    return pd.DataFrame(rows, columns=["figure", "value", "low", "high"]).set_index("figure")


def compare(results: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> pd.DataFrame:
    """Returns several models side by side, one row a model, "value [low, high]" in each cell.

    Args:
      results: model name → result of one of the functions here.
      names: which figures, in which order.
    """
    return pd.DataFrame(
        {
            name: {model: with_interval(result, name) for model, result in results.items()}
            for name in names
        }
    )


def with_interval(result: Mapping[str, Any], name: str, digits: int = 3) -> str:
    """Returns "0.723 [0.701, 0.745]", or the value alone where there is no interval."""
    value = result.get(name, float("nan"))
    low, high = result.get("intervals", {}).get(name, (float("nan"), float("nan")))
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:.{digits}f}"
    return f"{text} [{low:.{digits}f}, {high:.{digits}f}]" if np.isfinite(low) else text
