"""Do probabilities mean what they say, and which threshold gives a wanted precision?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from botlib.errors import BotlibError


def calibration(y: Sequence[int], p: Sequence[float], bins: int = 10) -> pd.DataFrame:
    """Returns the reliability table: bins with the same number of rows each, ordered by p.

    Args:
      y: labels 0 and 1, shape (n,).
      p: probabilities of 1, shape (n,).
      bins: how many; equal probabilities share a bin.

    Returns:
      One row a bin: predicted (mean p), observed (share of 1), n.
    """
    y, p = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    which = np.searchsorted(edges, p, side="right")
    frame = pd.DataFrame({"predicted": p, "observed": y, "bin": which})
    grouped = frame.groupby("bin")
    return grouped.mean().assign(n=grouped.size()).reset_index(drop=True)


def expected_calibration_error(y: Sequence[int], p: Sequence[float], bins: int = 10) -> float:
    """Returns the mean distance between predicted and observed over the reliability table.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), equation 3, with bins of
    equal numbers instead of equal width.
    """
    rows = calibration(y, p, bins)
    return float(np.average((rows["predicted"] - rows["observed"]).abs(), weights=rows["n"]))


def threshold_for_precision(
    y: Sequence[int], p: Sequence[float], precision: float
) -> dict[str, float]:
    """Returns the lowest threshold above which at least `precision` of the rows are of class 1.

    Choose it on validation and judge it on test. Rows with p *above* the threshold are kept, as in
    `metrics.binary`.

    Returns:
      threshold, precision, recall, coverage (share of all rows kept), as seen on these rows.

    Raises:
      BotlibError: one class only, or no threshold reaches that precision.
    """
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    if not 0 < precision <= 1:
        raise BotlibError(f"a wanted precision lies between 0 and 1, not at {precision}")
    if len(np.unique(y)) < 2:
        raise BotlibError("a threshold needs rows of both classes")
    precisions, recalls, thresholds = precision_recall_curve(y, p)
    reached = np.flatnonzero(precisions[:-1] >= precision)
    if len(reached) == 0:
        raise BotlibError(
            f"no threshold reaches a precision of {precision:.3f}; "
            f"the best here is {precisions[:-1].max():.3f}: ask for less or train longer"
        )
    first = reached[0]
    return {
        # scikit-learn keeps p >= threshold; one step lower keeps the same rows with p > threshold
        "threshold": float(max(0.0, np.nextafter(thresholds[first], -1.0))),
        "precision": float(precisions[first]),
        "recall": float(recalls[first]),
        "coverage": float((p >= thresholds[first]).mean()),
    }


def coverage(y: Sequence[int], p: Sequence[float], thresholds: Sequence[float]) -> pd.DataFrame:
    """Returns what each threshold keeps: threshold, kept (rows), coverage, precision, recall."""
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    thresholds = np.asarray(thresholds, dtype=float)
    kept = p[None, :] > thresholds[:, None]
    right = (kept & (y == 1)[None, :]).sum(axis=1)
    count = kept.sum(axis=1)
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "kept": count,
            "coverage": count / len(p),
            "precision": np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0),
            "recall": right / max(1, int((y == 1).sum())),
        }
    )
