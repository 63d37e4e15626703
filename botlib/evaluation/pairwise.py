"""Whether a score orders the replies to one comment as their readers did."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from botlib.data.pairs.siblings import MAX_HOURS, MIN_AGE_HOURS, old_enough, sibling_pairs
from botlib.errors import BotlibError
from botlib.intervals import RESAMPLES, bootstrap

MIN_GAP = 5
GAP_EDGES = (1, 2, 5, 10, 20, 50)


def pairwise(
    frame: pd.DataFrame,
    score: Sequence[float],
    *,
    min_gap: int = MIN_GAP,
    max_hours: float = MAX_HOURS,
    min_age_hours: float = MIN_AGE_HOURS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns how often the better of two replies to one comment has the higher score.

    Args:
      frame: see `sibling_pairs`.
      score: a model's score of each row, shape (n,); ties count one half.
      min_gap, max_hours, min_age_hours: which pairs count.
      resamples, seed: of the bootstrap, by thread.

    Returns:
      pairwise (share), pairs (how many), threads, min_gap, `intervals`. NaN without pairs.
    """
    pairs = sibling_pairs(frame, min_gap=min_gap, max_hours=max_hours, min_age_hours=min_age_hours)
    return _share(pairs, _won(pairs, _checked(frame, score)), min_gap, resamples, seed)


def pairwise_gain(
    frame: pd.DataFrame,
    score: Sequence[float],
    other: Sequence[float],
    *,
    min_gap: int = MIN_GAP,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns by how much one score's pairwise accuracy exceeds another's on the same pairs.

    Returns:
      gain and `intervals`; see `metrics.gain`. NaN without pairs.
    """
    pairs = sibling_pairs(frame, min_gap=min_gap)
    ahead = _won(pairs, _checked(frame, score)) - _won(pairs, _checked(frame, other))
    share = _share(pairs, ahead, min_gap, resamples, seed, shares=())
    return {"gain": share["pairwise"], "intervals": {"gain": share["intervals"]["pairwise"]}}


def pairwise_by(
    frame: pd.DataFrame,
    score: Sequence[float],
    *,
    by: str = "gap",
    edges: Sequence[int] = GAP_EDGES,
    min_gap: int = MIN_GAP,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Returns pairwise accuracy by "gap" (bands between `edges`, in points) or by "subreddit".

    Returns:
      Index: the band or subreddit; columns pairwise, low, high, pairs.

    Raises:
      BotlibError: another `by`.
    """
    if by not in ("gap", "subreddit"):
        raise BotlibError(f'pairwise accuracy goes by "gap" or "subreddit", not by {by!r}')
    pairs = sibling_pairs(frame, min_gap=edges[0] if by == "gap" else min_gap)
    won = _won(pairs, _checked(frame, score))
    if by == "gap":
        bands = _bands(edges)
        labels = np.array(bands, dtype=object)[
            np.searchsorted(edges, pairs["gap"], side="right") - 1
        ]
    else:
        labels = pairs["subreddit"].to_numpy()
        bands = sorted(set(labels), key=str.lower)
    rows = []
    for band in bands:
        chosen = labels == band
        share = _share(pairs[chosen], won[chosen], min_gap, resamples, seed)
        low, high = share["intervals"]["pairwise"]
        rows.append((band, share["pairwise"], low, high, share["pairs"]))
    return pd.DataFrame(rows, columns=[by, "pairwise", "low", "high", "pairs"]).set_index(by)


def _bands(edges: Sequence[int]) -> list[str]:
    inner = [
        f"{low}" if high == low + 1 else f"{low}–{high - 1}"
        for low, high in itertools.pairwise(edges)
    ]
    return [*inner, f"≥ {edges[-1]}"]


def _checked(frame: pd.DataFrame, score: Sequence[float]) -> np.ndarray:
    score = np.asarray(score, dtype=float)
    if score.shape != (len(frame),):
        raise BotlibError(f"{len(frame)} replies but scores of shape {score.shape}")
    if not np.isfinite(score).all():
        raise BotlibError("a model's scores must be numbers, none missing")
    return score


def _won(pairs: pd.DataFrame, score: np.ndarray) -> np.ndarray:
    return (1 + np.sign(score[pairs["better"]] - score[pairs["worse"]])) / 2


def _share(pairs, won, min_gap, resamples, seed, shares=("pairwise",)) -> dict[str, Any]:
    empty = len(won) == 0
    nan = float("nan")
    return {
        "pairwise": nan if empty else float(won.mean()),
        "pairs": len(won),
        "threads": int(pairs["group"].nunique()),
        "min_gap": min_gap,
        "intervals": {"pairwise": (nan, nan)}
        if empty
        else bootstrap(
            lambda won, weights: {"pairwise": float(np.average(won, weights=weights))},
            (won,),
            pairs["group"].to_numpy(),
            resamples=resamples,
            seed=seed,
            shares=shares,
        ),
    }


def lift(
    frame: pd.DataFrame,
    score: Sequence[float],
    *,
    min_replies: int = 2,
    min_age_hours: float = MIN_AGE_HOURS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns what ranking gains among human replies to one comment.

    Few replies have most of the points and rule the means; `won` counts all comments alike.

    Args:
      frame: see `sibling_pairs`.
      score: a model's score of each row; rows with the same score share the first place.
      min_replies: comments with fewer replies have nothing to choose from.
      min_age_hours: least age of a score.
      resamples, seed: of the bootstrap, by thread.

    Returns:
      chosen, random, best (mean true score of the first-ranked, of a random one, of the true
      best), lift (chosen - random, points), relative (chosen / random - 1), of_possible
      (lift / (best - random)), won (share of the other replies that the first-ranked one beats;
      ties one half, chance is 0.5), comments, `intervals`.

    Raises:
      BotlibError: no comment has that many replies.
    """
    group = "submission_id" if "submission_id" in frame else "comment_id"
    rows = pd.DataFrame(
        {
            "comment_id": frame["comment_id"].to_numpy(),
            "group": frame[group].to_numpy(),
            "true": frame["reply_score"].to_numpy(dtype=float),
            "score": _checked(frame, score),
        }
    )[old_enough(frame, min_age_hours)]
    size = rows.groupby("comment_id")["true"].transform("size")
    rows = rows[size >= min_replies]
    if rows.empty:
        raise BotlibError(f"no comment has {min_replies} replies: there is nothing to rank")
    grouped = rows.groupby("comment_id")
    first = rows["score"] == grouped["score"].transform("max")
    # The mean rank among n counts each tie one half, and oneself
    beaten = (grouped["true"].rank() - 1) / (grouped["true"].transform("size") - 1)
    per = pd.DataFrame(
        {
            "chosen": rows[first].groupby("comment_id")["true"].mean(),
            "won": beaten[first].groupby(rows["comment_id"]).mean(),
            "random": grouped["true"].mean(),
            "best": grouped["true"].max(),
            "group": grouped["group"].first(),
        }
    )
    arrays = tuple(per[name].to_numpy() for name in ("chosen", "random", "best", "won"))
    figures = _lift_figures(*arrays, np.ones(len(per)))
    return {
        **figures,
        "comments": len(per),
        "intervals": bootstrap(
            _lift_figures, arrays, per["group"].to_numpy(), resamples=resamples, seed=seed
        ),
    }


def _lift_figures(chosen, random, best, won, weights) -> dict[str, float]:
    means = [float(np.average(values, weights=weights)) for values in (chosen, random, best)]
    gained, possible = means[0] - means[1], means[2] - means[1]
    nan = float("nan")
    return {
        **dict(zip(("chosen", "random", "best"), means, strict=True)),
        "lift": gained,
        "relative": gained / means[1] if means[1] > 0 else nan,
        "of_possible": gained / possible if possible > 0 else nan,
        "won": float(np.average(won, weights=weights)),
    }
