"""Bootstrap 95 % intervals whose resamples draw whole threads, since replies of one are alike."""

import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from botlib.errors import BotlibError

RESAMPLES = 200
LEVEL = 0.95
# Resamples of fewer threads than this hardly differ
FEW_THREADS = 10
Z = 1.96


def bootstrap(
    statistic: Callable[..., Mapping[str, float]],
    arrays: Sequence[np.ndarray],
    groups: Sequence | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    shares: Collection[str] = (),
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
      shares: names of figures from 0 to 1. With few threads, or where no resample differs from 0
        or 1 (nine right of nine), the bootstrap can't speak: Wilson's interval stands instead,
        with each thread as one observation.

    Returns:
      name → (low, high); NaN if fewer than half of the resamples gave a number.
    """
    # Only here: a bot that answers is installed without scikit-learn, and imports this module
    from sklearn import config_context

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
    whole = statistic(*arrays, np.ones(n)) if shares or not draws else {}
    found = {name: _percentiles(draws.get(name, [])) for name in draws or whole}
    for name in set(shares) & set(found) if draws else ():
        value, same = whole[name], found[name] == (whole[name],) * 2
        if np.isfinite(value) and (clusters < FEW_THREADS or (same and value in (0.0, 1.0))):
            found[name] = wilson(value, clusters)
    return found


def wilson(share: float, n: int) -> tuple[float, float]:
    """Returns Wilson's 95 % interval (1927) of a share among n; right for 0 and 1, too."""
    if not n:
        return (float("nan"), float("nan"))
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return (max(0.0, centre - half), min(1.0, centre + half))


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
