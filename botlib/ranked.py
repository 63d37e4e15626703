"""AUC and average precision of weighted rows, sorted once for all resamples of a bootstrap."""

import numpy as np

from botlib.intervals import dot


class Ranked:
    """Labels in the order of a score.

    Args:
      y: labels, shape (n,); true or 1 is the positive class.
      score: shape (n,); equal scores count as one place.
    """

    def __init__(self, y: np.ndarray, score: np.ndarray) -> None:
        score = np.asarray(score, dtype=float)
        self._order = np.argsort(score, kind="stable")
        ordered = score[self._order]
        self._positive = np.asarray(y, dtype=bool)[self._order]
        starts_group = np.ones(len(ordered), dtype=bool)
        starts_group[1:] = ordered[1:] != ordered[:-1]
        self._starts = np.flatnonzero(starts_group)

    def auc(self, weights: np.ndarray | None = None) -> float:
        """Returns the area under the ROC curve; NaN where a class has no weight."""
        positive, negative = self._sums(weights)
        total = positive.sum() * negative.sum()
        if not total:
            return float("nan")
        below = np.cumsum(negative) - negative
        return float(dot(positive, below + negative / 2) / total)

    def average_precision(self, weights: np.ndarray | None = None) -> float:
        """Returns the mean precision over the positive rows; NaN where a class has no weight."""
        positive, negative = (sums[::-1] for sums in self._sums(weights))
        if not positive.sum() or not negative.sum():
            return float("nan")
        true_positives, false_positives = np.cumsum(positive), np.cumsum(negative)
        precision = true_positives / np.maximum(true_positives + false_positives, 1e-300)
        return float(dot(positive, precision) / true_positives[-1])

    def recall_at(self, false_positives: float, weights: np.ndarray | None = None) -> float:
        """Returns the share of positives above the lowest threshold with so few false positives."""
        positive, negative = (sums[::-1] for sums in self._sums(weights))
        if not positive.sum() or not negative.sum():
            return float("nan")
        allowed = np.cumsum(negative) / negative.sum() <= false_positives
        return float(np.cumsum(positive)[allowed].max(initial=0.0) / positive.sum())

    def _sums(self, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Returns the weight of either class at each distinct score, from the lowest up."""
        row_weights = np.ones(len(self._order)) if weights is None else weights[self._order]
        if not len(row_weights):
            return np.zeros(0), np.zeros(0)
        positive = np.where(self._positive, row_weights, 0.0)
        positive_sums = np.add.reduceat(positive, self._starts)
        return positive_sums, np.add.reduceat(row_weights, self._starts) - positive_sums
