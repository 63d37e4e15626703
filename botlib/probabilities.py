"""Softmax, log-odds, and the threshold that reaches a precision; NumPy alone."""

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
    """Returns log(p / (1 - p)), at most 13.8 from 0: p is clipped to a millionth from 0 and 1."""
    p = np.clip(np.asarray(probability, dtype=float), 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def at_least(probability: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Returns which probabilities pass a threshold: equal ones do, missing ones don't.

    Figures, tables and the bot all use this, so they agree about a reply exactly on the threshold.
    """
    return np.asarray(probability, dtype=float) >= threshold


def threshold_for_precision(
    labels: Sequence[int], probabilities: Sequence[float], precision: float
) -> dict[str, float]:
    """Returns the lowest threshold at which the rows it keeps reach a precision.

    Choose it on validation and judge it on test. `at_least` says which rows it keeps.

    Args:
      labels: labels 0 and 1, shape (n,).
      probabilities: probabilities of 1, shape (n,).
      precision: the lowest acceptable one, such as 0.95.

    Returns:
      threshold, precision, recall, coverage (share of all rows kept), as seen on these rows.

    Raises:
      BotlibError: one class only, or no threshold reaches that precision.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=float)
    if not 0 < precision <= 1:
        raise BotlibError(f"precision must be above 0 and at most 1, not {precision}")
    if len(np.unique(labels)) < 2:
        raise BotlibError("a threshold needs rows of both classes")
    order = np.argsort(-probabilities, kind="stable")
    scores = probabilities[order]
    true_positives = np.cumsum(labels[order] == 1)
    precisions = true_positives / np.arange(1, len(order) + 1)
    # Rows with equal scores pass together
    tie_ends = np.append(scores[1:] != scores[:-1], True)
    passing = np.flatnonzero((precisions >= precision) & tie_ends)
    if not len(passing):
        raise BotlibError(
            f"no threshold reaches a precision of {precision:.3f}; the best here is "
            f"{precisions[tie_ends].max():.3f}: ask for less or train longer"
        )
    lowest = passing[-1]
    return {
        "threshold": float(scores[lowest]),
        "precision": float(precisions[lowest]),
        "recall": float(true_positives[lowest] / true_positives[-1]),
        "coverage": float((lowest + 1) / len(order)),
    }
