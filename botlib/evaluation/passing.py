"""Fakes that pass per 100 real replies kept: what a realism model costs where the bot uses it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from botlib.intervals import RESAMPLES, bootstrap, wilson
from botlib.probabilities import at_least

# Which thresholds the report can choose from, for the one that notebook 06 was run with
THRESHOLDS = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def curve(
    y: Sequence[int],
    models: Mapping[str, np.ndarray],
    groups: Sequence | None = None,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    model: str = "BERT",
) -> list[dict[str, Any]]:
    """Returns `passing` at each threshold."""
    return [passing(y, models, groups, threshold=at, model=model) for at in thresholds]


def table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Returns a `curve` as a table: threshold, share of real replies kept, a column a model."""
    return pd.DataFrame(
        [
            {
                "threshold": row["threshold"],
                "real replies kept": row["kept"],
                **{name: model["per_100"] for name, model in row["models"].items()},
            }
            for row in rows
        ]
    )


def passing(
    y: Sequence[int],
    models: Mapping[str, np.ndarray],
    groups: Sequence | None = None,
    *,
    threshold: float,
    model: str = "BERT",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns how many fakes pass for every 100 real replies kept, per model.

    The number is for as many fakes as real replies. It is 0 for a perfect model and 100 for one
    that guesses. All models keep the same share of the real replies: the share that `model` keeps
    at `threshold`, so that none wins by keeping less.

    Args:
      y: labels, 1 for real, shape (n,).
      models: name → probability of being real, shape (n,).
      groups: the thread of each row, for the intervals.
      threshold: what `model` needs to keep a reply.
      model: whose threshold it is.
      resamples, seed: of the bootstrap.

    Returns:
      `threshold`, `kept` (share of the real replies), `real` and `fakes` (how many there were),
      and `models`: name → per_100, low, high. All NaN where nothing real is kept.
    """
    y = np.asarray(y)
    real = y == 1
    share_kept = float(at_least(models[model], threshold)[real].mean())
    rows = {}
    for name, p in models.items():
        p = np.asarray(p, dtype=float)
        keeps = at_least(p, threshold) if name == model else _keeps(p, real, share_kept)
        ones = np.ones(len(y))
        low, high = bootstrap(
            _per_100, (real, keeps), groups, resamples=resamples if share_kept else 0, seed=seed
        )["per_100"]
        if high == 0:
            # No resample lets a fake pass either: as many as there may be, by Wilson
            fakes = len(set(np.asarray(groups)[~real])) if groups is not None else (~real).sum()
            high = 100 * wilson(0.0, int(fakes))[1] / share_kept
        rows[name] = {**_per_100(real, keeps, ones), "low": low, "high": high}
    counts = {"real": int(real.sum()), "fakes": int((~real).sum())}
    return {"threshold": float(threshold), "kept": share_kept, **counts, "models": rows}


def _keeps(p: np.ndarray, real: np.ndarray, share: float) -> np.ndarray:
    """Returns which rows a threshold keeps that keeps this share of the real ones, or more."""
    count = math.ceil(round(share * real.sum(), 9))
    if not count:
        return np.zeros(len(p), dtype=bool)
    return p >= np.sort(p[real])[::-1][count - 1]


def _per_100(real: np.ndarray, keeps: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    fakes, reals = weights[~real].sum(), weights[real].sum()
    if not fakes or not weights[real & keeps].any():
        return {"per_100": float("nan")}
    passed = weights[~real & keeps].sum() / fakes
    return {"per_100": float(100 * passed / (weights[real & keeps].sum() / reals))}
