"""Which judge of a task is used, by the measure that matters for it; never one below a baseline."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from botlib.data.pairs.siblings import sibling_pairs
from botlib.intervals import bootstrap
from botlib.probabilities import softmax
from botlib.ranked import Ranked

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
# A judge's figure, as a function of the rows' weights
Figure = Callable[[np.ndarray], float]


def choose(
    task: str,
    rows: pd.DataFrame,
    encoder: np.ndarray,
    with_head: np.ndarray,
    *,
    baselines: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns which judge is used, against what it was measured, and by how much it differs.

    The head must be better than the encoder alone by more than one standard error of the
    difference (Breiman et al. 1984, section 3.4.3); in a tie the encoder judges alone, since fewer
    parts can fail. A baseline that is as good as the better of the two judges instead of it.

    Realism is measured where it works: by the recall of real replies at the threshold that 1 % of
    the fakes pass, or by the AUC if there are fewer than `LEAST_FAKES` fakes. Ratings are measured
    by the macro AUC, since the bot orders replies by them; the rank by the share of sibling pairs
    (at most an hour apart) in the right order.

    Args:
      task: "realism", "upvotes" or "rank".
      rows: the label and submission_id or comment_id; threads that no judge was fitted on.
      encoder: logits of the encoder alone, (n, classes) or (n, 1).
      with_head: logits with the head, the same shape.
      baselines: name → logits of judges that need no encoder, the same shape.
      seed: of the bootstrap by thread.

    Returns:
      judge ("encoder", "head" or a baseline's name), used (whether the head is), measure, encoder,
      with_head, baselines (name → figure), gain of the head, low, high (95 %), replies, threads.
      Without any row to measure on the figures are None, and the encoder judges alone.
    """
    measure, figure_of, size, groups = _measure(task, rows)
    threads = rows["submission_id" if "submission_id" in rows else "comment_id"]
    counts = {"replies": len(rows), "threads": int(threads.nunique())}
    unknown = dict.fromkeys(("encoder", "with_head", "gain", "low", "high"))
    unknown |= {"judge": "encoder", "used": False, "measure": measure, "baselines": {}, **counts}
    if not size:
        return unknown
    alone, both = figure_of(encoder), figure_of(with_head)

    def difference(drawn: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        spread = np.zeros(size)
        spread[drawn] = weights
        return {"gain": both(spread) - alone(spread)}

    ones = np.ones(size)
    low, high = bootstrap(difference, (np.arange(size),), groups, seed=seed)["gain"]
    figures = {"encoder": alone(ones), "with_head": both(ones), "low": low, "high": high}
    figures["gain"] = gain = figures["with_head"] - figures["encoder"]
    if not np.isfinite([*figures.values()]).all():
        return unknown
    judge = "head" if gain > max(0.0, (high - low) / 2 / _HALF_WIDTH) else "encoder"
    best = figures["with_head" if judge == "head" else "encoder"]
    others = {name: figure_of(logits)(ones) for name, logits in (baselines or {}).items()}
    rival = max(others, key=others.get, default="")
    if rival and others[rival] >= best:
        judge = rival
    chosen = {"judge": judge, "used": judge == "head", "measure": measure, "baselines": others}
    return {**chosen, **figures, **counts}


def _measure(task: str, rows: pd.DataFrame) -> tuple[str, Callable, int, np.ndarray]:
    """Returns the measure's name, logits → `Figure`, how many rows it weighs, and their threads."""
    threads = rows["submission_id" if "submission_id" in rows else "comment_id"].to_numpy()
    if task == "rank":
        pairs = sibling_pairs(rows)

        def pairwise(logits: np.ndarray) -> Figure:
            won = _won(pairs, logits)
            return lambda weights: float(np.average(won, weights=weights))

        return PAIRWISE, pairwise, len(pairs), pairs["group"].to_numpy()
    if task == "upvotes":
        y = rows["rating"].to_numpy()
        return MACRO_AUC, lambda logits: _macro_auc(y, _softmax(logits)), len(rows), threads
    y = rows["real"].to_numpy()
    if int((y == 0).sum()) < LEAST_FAKES:
        return AUC, lambda logits: Ranked(y, _softmax(logits)[:, 1]).auc, len(rows), threads

    def recall(logits: np.ndarray) -> Figure:
        ranked = Ranked(y, _softmax(logits)[:, 1])
        return lambda weights: ranked.recall_at(FALSE_POSITIVES, weights)

    return RECALL, recall, len(rows), threads


def _softmax(logits: np.ndarray) -> np.ndarray:
    return softmax(np.asarray(logits, dtype=float))


def _won(pairs: pd.DataFrame, scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, dtype=float).reshape(-1)
    better, worse = pairs["better"].to_numpy(), pairs["worse"].to_numpy()
    return (1 + np.sign(scores[better] - scores[worse])) / 2


def _macro_auc(y: np.ndarray, p: np.ndarray) -> Figure:
    classes = [Ranked(y == c, p[:, c]) for c in range(p.shape[1])]

    def figure(weights: np.ndarray) -> float:
        aucs = np.array([ranked.auc(weights) for ranked in classes])
        return float(np.nanmean(aucs)) if np.isfinite(aucs).any() else float("nan")

    return figure
