"""Probabilities: softmax, and the threshold that keeps what is probable enough; NumPy alone."""

from collections.abc import Sequence

import numpy as np

from botlib.errors import BotlibError


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities along the last axis, of the logits' type."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=-1, keepdims=True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Returns the logarithms of `softmax`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Returns log(p / (1 - p)), at most 13.8 from 0: p is taken as at least a millionth."""
    p = np.clip(np.asarray(probability, dtype=float), 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def at_least(probability: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Returns which probabilities pass a threshold: those equal to it do, missing ones don't.

    Every place that keeps or refuses by a threshold asks here, so that a figure, a table and the
    bot agree on the reply that lies exactly on it.
    """
    return np.asarray(probability, dtype=float) >= threshold


def threshold_for_precision(
    y: Sequence[int], p: Sequence[float], precision: float
) -> dict[str, float]:
    """Returns the lowest threshold that keeps rows of which at least that share is of class 1.

    Choose it on validation and judge it on test. `at_least` says which rows it keeps.

    Args:
      y: labels 0 and 1, shape (n,).
      p: probabilities of 1, shape (n,).
      precision: wanted, such as 0.95.

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
    order = np.argsort(-p, kind="stable")
    scores = p[order]
    right = np.cumsum(y[order] == 1)
    reached = right / np.arange(1, len(order) + 1)
    # Equal scores stand or fall together
    last = np.append(scores[1:] != scores[:-1], True)
    enough = np.flatnonzero((reached >= precision) & last)
    if not len(enough):
        raise BotlibError(
            f"no threshold reaches a precision of {precision:.3f}; the best here is "
            f"{reached[last].max():.3f}: ask for less or train longer"
        )
    kept = enough[-1]
    return {
        "threshold": float(scores[kept]),
        "precision": float(reached[kept]),
        "recall": float(right[kept] / right[-1]),
        "coverage": float((kept + 1) / len(order)),
    }
