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
from botlib.evaluation.pairwise import (
    lift,
    pairwise,
    pairwise_by,
    pairwise_gain,
)
from botlib.intervals import RESAMPLES, bootstrap
from botlib.probabilities import at_least

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
    y, p = _checked_labels(y, 2), _checked_probabilities(p)
    _check_lengths(y, p)
    if len(present := np.unique(y)) < 2:
        raise BotlibError(
            f"all {len(y)} rows are of class {present[0]}: an AUC needs rows of both classes"
        )
    called = at_least(p, threshold).astype(int)
    tn, fp, fn, tp = sk.confusion_matrix(y, called, labels=[0, 1]).ravel()
    figures = _binary_figures(y, p, called, np.ones(len(y)))
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
            _binary_figures, (y, p, called), groups, resamples=resamples, seed=seed
        ),
    }


def _binary_figures(y, p, called, weights) -> dict[str, float]:
    both = len(np.unique(y)) == 2
    nan = float("nan")
    weighted = {"sample_weight": weights}
    # One call for precision, recall and F1 of both classes: scikit-learn checks its input each time
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        y, called, labels=[0, 1], zero_division=0.0, **weighted
    )
    return {
        "auc": float(sk.roc_auc_score(y, p, **weighted)) if both else nan,
        "eval_accuracy": float(sk.accuracy_score(y, called, **weighted)),
        "f1_score": float(f1[1]),
        "precision": float(precision[1]),
        "recall": float(recall[1]),
        "balanced_accuracy": float(recall.mean()) if both else nan,
        "average_precision": float(sk.average_precision_score(y, p, **weighted)) if both else nan,
        "brier": float(sk.brier_score_loss(y, p, **weighted)) if both else nan,
    }


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
    probabilities = _checked_probabilities(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise BotlibError(
            f"multiclass needs probabilities of shape (n, classes), not {probabilities.shape}"
        )
    k = probabilities.shape[1]
    y = _checked_labels(y, k)
    _check_lengths(y, probabilities)
    if len(present := np.unique(y)) < 2:
        raise BotlibError(
            f"all {len(y)} rows are of class {present[0]}: an AUC needs rows of two classes"
        )
    figures = _multiclass_figures(y, probabilities, np.ones(len(y)))
    return {
        **figures,
        "n": len(y),
        "classes": np.bincount(y, minlength=k).tolist(),
        "intervals": bootstrap(
            _multiclass_figures, (y, probabilities), groups, resamples=resamples, seed=seed
        ),
    }


def _multiclass_figures(y, probabilities, weights) -> dict[str, float]:
    k = probabilities.shape[1]
    hot = one_hot(y, k)
    aucs = np.array([_auc(hot[:, c], probabilities[:, c], weights) for c in range(k)])
    called = probabilities.argmax(axis=1)
    classes = list(range(k))
    present = np.unique(y)
    # Float32 softmax rows miss 1 by more than log_loss tolerates
    rows = probabilities / probabilities.sum(axis=1, keepdims=True)
    return {
        **{f"auc_{c}": float(aucs[c]) for c in classes},
        "auc_macro": float(np.nanmean(aucs)) if np.isfinite(aucs).any() else float("nan"),
        "auc_micro": float(
            sk.roc_auc_score(hot.ravel(), probabilities.ravel(), sample_weight=weights.repeat(k))
        ),
        "kappa": float(
            sk.cohen_kappa_score(
                y, called, labels=classes, weights="quadratic", sample_weight=weights
            )
        ),
        "accuracy": float(sk.accuracy_score(y, called, sample_weight=weights)),
        # The mean recall of the classes that have rows
        "balanced_accuracy": float(
            sk.recall_score(
                y,
                called,
                labels=present,
                average="macro",
                sample_weight=weights,
                zero_division=0.0,
            )
        ),
        "log_loss": float(sk.log_loss(y, rows, labels=classes, sample_weight=weights)),
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
    ours, other = _checked_probabilities(ours), _checked_probabilities(other)
    y = _checked_labels(y, 2 if ours.ndim == 1 else ours.shape[1])
    if ours.shape != other.shape or len(ours) != len(y):
        raise BotlibError(f"{len(y)} labels, but probabilities {ours.shape} and {other.shape}")

    def difference(y, ours, other, weights) -> dict[str, float]:
        return {"gain": _auc(y, ours, weights) - _auc(y, other, weights)}

    return {
        **difference(y, ours, other, np.ones(len(y))),
        "intervals": bootstrap(
            difference, (y, ours, other), groups, resamples=resamples, seed=seed
        ),
    }


def _auc(y, p, weights) -> float:
    """The AUC of (n,) probabilities, the macro AUC of (n, k); NaN where one class is alone."""
    hot = one_hot(y, p.shape[1]) if p.ndim == 2 else y[:, None]
    p = p.reshape(len(p), -1)
    known = [c for c in range(hot.shape[1]) if 0 < hot[:, c].sum() < len(hot)]
    if not known:
        return float("nan")
    return float(
        np.mean([sk.roc_auc_score(hot[:, c], p[:, c], sample_weight=weights) for c in known])
    )


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


def _checked_labels(y: Sequence[int], k: int) -> np.ndarray:
    y = np.asarray(y)
    if y.ndim != 1 or len(y) == 0:
        raise BotlibError(f"labels must be a list with a row per reply, not of shape {y.shape}")
    if not np.isin(y, np.arange(k)).all():
        raise BotlibError(f"labels must be 0 to {k - 1}, found {np.unique(y)[:8].tolist()}")
    return y.astype(int)


def _checked_probabilities(p: Sequence[float]) -> np.ndarray:
    p = np.asarray(p, dtype=float)
    if p.size and not (np.isfinite(p).all() and p.min() >= -1e-6 and p.max() <= 1 + 1e-6):
        raise BotlibError("probabilities must lie between 0 and 1, none missing")
    return np.clip(p, 0.0, 1.0)


def _check_lengths(y: np.ndarray, p: np.ndarray) -> None:
    if len(y) != len(p):
        raise BotlibError(f"{len(y)} labels but {len(p)} rows of probabilities")
