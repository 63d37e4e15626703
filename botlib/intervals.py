"""Bootstrap 95 % intervals whose resamples draw whole threads, since replies of one are alike."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn import config_context

from botlib.errors import BotlibError

RESAMPLES = 200
LEVEL = 0.95


def bootstrap(
    statistic: Callable[..., Mapping[str, float]],
    arrays: Sequence[np.ndarray],
    groups: Sequence | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Returns a percentile interval for each figure that `statistic` returns.

    A resample is a vector of weights (how often each row was drawn), so that scikit-learn's
    metrics do the work through `sample_weight`. Source: Efron & Tibshirani, An Introduction to
    the Bootstrap (1993), chapters 8 and 13; clusters as in Cameron & Miller (2015), section VI.

    Args:
      statistic: called as `statistic(*arrays, sample_weight)`; returns name → number. NaN where
        a resample can't tell (one class only).
      arrays: arrays with one row per reply.
      groups: which cluster (thread) each row belongs to; every row by itself if None.
      resamples: how many; 0 gives NaN intervals.
      seed: of the draws.

    Returns:
      name → (low, high); NaN if fewer than half of the resamples gave a number.
    """
    n = len(arrays[0])
    codes = np.arange(n) if groups is None else _codes(groups, n)
    clusters = int(codes.max()) + 1 if n else 0
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {}
    for _ in range(resamples):
        counts = rng.multinomial(clusters, np.full(clusters, 1 / clusters))
        weights = counts[codes].astype(float)
        kept = weights > 0
        # The whole arrays were checked; a resample of them needs no second look
        checked = config_context(assume_finite=True, skip_parameter_validation=True)
        with checked, warnings.catch_warnings():
            # A resample without one class warns; it is counted as NaN below
            warnings.simplefilter("ignore")
            figures = statistic(*(array[kept] for array in arrays), weights[kept])
        for name, value in figures.items():
            draws.setdefault(name, []).append(value)
    names = draws or statistic(*arrays, np.ones(n))
    return {name: _percentiles(draws.get(name, [])) for name in names}


def _codes(groups: Sequence, n: int) -> np.ndarray:
    if len(groups) != n:
        raise BotlibError(f"groups has {len(groups)} entries for {n} rows: give one per row")
    return np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if len(finite) == 0 or 2 * len(finite) < len(values):
        return (float("nan"), float("nan"))
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return (float(low), float(high))
