"""Whether a head judges better than the encoder alone, by the measure that matters for the task."""

from typing import Any

import numpy as np
import pandas as pd

from botlib.data.pairs.siblings import sibling_pairs
from botlib.intervals import bootstrap
from botlib.probabilities import softmax

# The bot refuses what may be fake: it works where hardly a fake passes
FALSE_POSITIVES = 0.01
# With fewer fakes than this, under ten decide what 1 % is: the AUC says more
LEAST_FAKES = 1000
RECALL = "recall of real replies where 1 % of fakes pass"
AUC = "AUC"
MACRO_AUC = "macro AUC"
PAIRWISE = "pairwise accuracy"
# Half the width of a 95 % interval, in standard errors
_HALF_WIDTH = 1.96


def choose(
    task: str, rows: pd.DataFrame, encoder: np.ndarray, with_head: np.ndarray, *, seed: int = 0
) -> dict[str, Any]:
    """Returns whether the head is used, against what it was measured, and by how much it differs.

    The head must be better by more than one standard error of the difference (Breiman et al. 1984,
    section 3.4.3); in a tie the encoder judges alone, since fewer parts can fail.

    Realism is measured where it works: by the recall of real replies at the threshold that 1 % of
    the fakes pass, or by the AUC if there are fewer than `LEAST_FAKES` fakes. Ratings are measured
    by the macro AUC, since the bot orders replies by them; the rank by the share of sibling pairs
    (at most an hour apart) in the right order.

    Args:
      task: "realism", "upvotes" or "rank".
      rows: the label and submission_id or comment_id; threads that neither judge was fitted on.
      encoder: logits of the encoder alone, (n, classes) or (n, 1).
      with_head: logits with the head, the same shape.
      seed: of the bootstrap by thread.

    Returns:
      used, measure, encoder, with_head, gain, low, high (95 %), replies, threads. Without any row
      to measure on the figures are None, and the head is not used.
    """
    measure, statistic, arrays, groups = _measure(task, rows, encoder, with_head)
    threads = rows["submission_id" if "submission_id" in rows else "comment_id"]
    counts = {"replies": len(rows), "threads": int(threads.nunique())}
    nothing = dict.fromkeys(("encoder", "with_head", "gain", "low", "high"))
    if not len(arrays[0]):
        return {"used": False, "measure": measure, **nothing, **counts}

    def difference(*values: np.ndarray) -> dict[str, float]:
        *given, weights = values
        alone, both = statistic(*given, weights)
        return {"gain": both - alone}

    alone, both = statistic(*arrays, np.ones(len(arrays[0])))
    low, high = bootstrap(difference, arrays, groups, seed=seed)["gain"]
    gain = both - alone
    figures = {"encoder": alone, "with_head": both, "gain": gain, "low": low, "high": high}
    if not np.isfinite([*figures.values()]).all():
        return {"used": False, "measure": measure, **nothing, **counts}
    used = bool(gain > max(0.0, (high - low) / 2 / _HALF_WIDTH))
    return {"used": used, "measure": measure, **figures, **counts}


def _measure(task: str, rows: pd.DataFrame, encoder: np.ndarray, with_head: np.ndarray) -> tuple:
    """Returns the measure's name, a statistic of both judges, its arrays, and their threads."""
    threads = rows["submission_id" if "submission_id" in rows else "comment_id"].to_numpy()
    if task == "rank":
        pairs = sibling_pairs(rows)
        arrays = [_won(pairs, scores) for scores in (encoder, with_head)]
        return PAIRWISE, _both(_mean), arrays, pairs["group"].to_numpy()
    opinions = [softmax(np.asarray(logits, dtype=float)) for logits in (encoder, with_head)]
    if task == "upvotes":
        return MACRO_AUC, _both(_macro_auc), [rows["rating"].to_numpy(), *opinions], threads
    y = rows["real"].to_numpy()
    few = int((y == 0).sum()) < LEAST_FAKES
    name, figure = (AUC, _auc) if few else (RECALL, recall_at)
    return name, _both(figure), [y, *(p[:, 1] for p in opinions)], threads


def _both(figure):
    """Returns a function of (labels, one judge, the other, weights) to the two figures."""

    def statistic(*values: np.ndarray) -> tuple[float, float]:
        *labels, first, second, weights = values
        return figure(*labels, first, weights), figure(*labels, second, weights)

    return statistic


def _won(pairs: pd.DataFrame, scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, dtype=float).reshape(-1)
    better, worse = pairs["better"].to_numpy(), pairs["worse"].to_numpy()
    return (1 + np.sign(scores[better] - scores[worse])) / 2


def _mean(won: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(won, weights=weights))


def _auc(y: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    if len(np.unique(y)) < 2:
        return float("nan")
    return float(roc_auc_score(y, p, sample_weight=weights))


def _macro_auc(y: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
    present = [c for c in range(p.shape[1]) if 0 < (y == c).mean() < 1]
    aucs = [_auc(y == c, p[:, c], weights) for c in present]
    return float(np.mean(aucs)) if aucs else float("nan")


def recall_at(
    y: np.ndarray, p: np.ndarray, weights: np.ndarray, false_positives: float = FALSE_POSITIVES
) -> float:
    """Returns the share of class 1 that passes where at most that share of class 0 does."""
    from sklearn.metrics import roc_curve

    if len(np.unique(y)) < 2:
        return float("nan")
    fpr, tpr, _ = roc_curve(y, p, sample_weight=weights, drop_intermediate=False)
    return float(tpr[fpr <= false_positives].max())
