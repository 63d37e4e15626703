"""Bootstrap 95 % intervals whose resamples draw whole threads: replies in a thread are alike."""

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
      statistic: called as `statistic(*arrays, sample_weight)`; returns name → number. NaN
        where a resample has no answer (one class only).
      arrays: arrays with one row per reply.
      groups: the cluster (thread) of each row; None: each row is its own.
      resamples: their number; 0 gives NaN intervals.
      seed: of the draws.
      shares: names of figures from 0 to 1. With few threads, or where all resamples give
        0 or all give 1 (nine right of nine), the bootstrap fails: Wilson's interval replaces
        it, with each thread as one observation.

    Returns:
      name → (low, high); NaN if fewer than half of the resamples gave a number.
    """
    # Imported here: the bot imports this module, and is installed without scikit-learn
    from sklearn import config_context

    n = len(arrays[0])
    codes = np.arange(n) if groups is None else _codes(groups, n)
    clusters = int(codes.max()) + 1 if n else 0
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {}
    for _ in range(resamples):
        counts = rng.multinomial(clusters, np.full(clusters, 1 / clusters))
        weights = counts[codes].astype(float)
        drawn = weights > 0
        # The arrays were checked once; their resamples need no second check
        unchecked = config_context(assume_finite=True, skip_parameter_validation=True)
        with unchecked, warnings.catch_warnings():
            # A resample without one class warns; it is counted as NaN below
            warnings.simplefilter("ignore")
            figures = statistic(*(array[drawn] for array in arrays), weights[drawn])
        for name, value in figures.items():
            draws.setdefault(name, []).append(value)
    estimate = statistic(*arrays, np.ones(n)) if shares or not draws else {}
    intervals = {name: _percentiles(draws.get(name, [])) for name in draws or estimate}
    for name in set(shares) & set(intervals) if draws else ():
        value, degenerate = estimate[name], intervals[name] == (estimate[name],) * 2
        if np.isfinite(value) and (clusters < FEW_THREADS or (degenerate and value in (0.0, 1.0))):
            intervals[name] = wilson(value, clusters)
    return intervals


def dot(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the sum of products of two (n,) arrays, computed by one thread.

    From 10,000 elements on `@` shares the work among threads, and waits for them: on a busy
    machine the 200 resamples of a bootstrap took ten times as long.
    """
    return float((one * other).sum())


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
