"""Whether probabilities match the observed shares, and what a threshold keeps."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from botlib.intervals import wilson
from botlib.probabilities import at_least


def calibration(y: Sequence[int], p: Sequence[float], bins: int = 10) -> pd.DataFrame:
    """Returns the reliability table: bins with the same number of rows each, ordered by p.

    Args:
      y: labels 0 and 1, shape (n,).
      p: probabilities of 1, shape (n,).
      bins: how many; equal probabilities share a bin.

    Returns:
      One row a bin: predicted (mean p), observed (share of 1), low and high (its 95 % interval,
      Wilson's), n.
    """
    y, p = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    which = np.searchsorted(edges, p, side="right")
    frame = pd.DataFrame({"predicted": p, "observed": y, "bin": which})
    grouped = frame.groupby("bin")
    rows = grouped.mean().assign(n=grouped.size()).reset_index(drop=True)
    ends = [wilson(share, int(n)) for share, n in zip(rows["observed"], rows["n"], strict=True)]
    rows[["low", "high"]] = np.array(ends).reshape(-1, 2)
    return rows[["predicted", "observed", "low", "high", "n"]]


def expected_calibration_error(y: Sequence[int], p: Sequence[float], bins: int = 10) -> float:
    """Returns the mean distance between predicted and observed over the reliability table.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), equation 3, with bins of
    equal numbers instead of equal width.
    """
    rows = calibration(y, p, bins)
    return float(np.average((rows["predicted"] - rows["observed"]).abs(), weights=rows["n"]))


def by_threshold(y: Sequence[int], p: Sequence[float], thresholds: Sequence[float]) -> pd.DataFrame:
    """Returns what each threshold keeps: threshold, kept (rows), coverage, precision, recall."""
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    thresholds = np.asarray(thresholds, dtype=float)
    passes = at_least(p[None, :], thresholds[:, None])
    right = (passes & (y == 1)[None, :]).sum(axis=1)
    count = passes.sum(axis=1)
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "kept": count,
            "coverage": count / len(p),
            "precision": np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0),
            "recall": right / max(1, int((y == 1).sum())),
        }
    )
