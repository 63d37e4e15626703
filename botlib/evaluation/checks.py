"""Labels and probabilities, checked before a metric looks at them."""

from collections.abc import Sequence

import numpy as np

from botlib.errors import BotlibError


def checked_labels(y: Sequence[int], k: int) -> np.ndarray:
    """Returns labels as whole numbers from 0 to k - 1, or says what is wrong."""
    y = np.asarray(y)
    if y.ndim != 1 or len(y) == 0:
        raise BotlibError(f"labels must be a list with a row per reply, not of shape {y.shape}")
    if not np.isin(y, np.arange(k)).all():
        raise BotlibError(f"labels must be 0 to {k - 1}, found {np.unique(y)[:8].tolist()}")
    return y.astype(int)


def checked_probabilities(p: Sequence[float]) -> np.ndarray:
    """Returns probabilities cut to [0, 1], or says what is wrong."""
    p = np.asarray(p, dtype=float)
    if p.size and not (np.isfinite(p).all() and p.min() >= -1e-6 and p.max() <= 1 + 1e-6):
        raise BotlibError("probabilities must lie between 0 and 1, none missing")
    return np.clip(p, 0.0, 1.0)


def check_lengths(y: np.ndarray, p: np.ndarray) -> None:
    """Raises where labels and probabilities differ in number."""
    if len(y) != len(p):
        raise BotlibError(f"{len(y)} labels but {len(p)} rows of probabilities")
