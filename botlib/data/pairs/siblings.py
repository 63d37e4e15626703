"""Pairs of replies to one comment, of which one scored higher: what a rank is learned from."""

import numpy as np
import pandas as pd

# Pairs at most an hour apart had nearly the same readers; a day old, a score has settled
MAX_HOURS = 1.0
MIN_AGE_HOURS = 24.0


def sibling_pairs(
    frame: pd.DataFrame,
    *,
    min_gap: int = 1,
    max_hours: float = MAX_HOURS,
    min_age_hours: float = MIN_AGE_HOURS,
) -> pd.DataFrame:
    """Returns pairs of replies to one comment, of which one scored higher.

    Args:
      frame: comment_id, reply_score, reply_created_utc; with reply_retrieved_utc young replies
        (score not settled) are left out, with submission_id and subreddit these are carried along.
      min_gap: least difference of the scores, in points.
      max_hours: greatest difference of the times; infinity for any. Pairs whose times are unknown
        are kept only then.
      min_age_hours: least age of a score; rows without reply_retrieved_utc count as old enough.

    Returns:
      better, worse (row positions in `frame`), gap (points), hours (better's time minus worse's;
      negative when the better reply came first), group (thread), subreddit.
    """
    rows = pd.DataFrame(
        {
            "comment_id": frame["comment_id"].to_numpy(),
            "row": np.arange(len(frame)),
            "score": frame["reply_score"].to_numpy(dtype=float),
            "time": _numbers(frame, "reply_created_utc"),
        }
    )
    rows = rows[old_enough(frame, min_age_hours)]
    # Parents with one reply have no pair; dropping them first keeps the join small
    rows = rows[rows.duplicated("comment_id", keep=False)]
    pairs = rows.merge(rows, on="comment_id", suffixes=("", "_worse"))
    gap = pairs["score"] - pairs["score_worse"]
    hours = (pairs["time"] - pairs["time_worse"]) / 3600
    near = hours.abs().le(max_hours) if np.isfinite(max_hours) else True
    clear = (gap >= min_gap) & (gap > 0) & near
    better = pairs.loc[clear, "row"].to_numpy()
    group = "submission_id" if "submission_id" in frame else "comment_id"
    return pd.DataFrame(
        {
            "better": better,
            "worse": pairs.loc[clear, "row_worse"].to_numpy(),
            "gap": gap[clear].to_numpy(),
            "hours": hours[clear].to_numpy(),
            "group": frame[group].to_numpy()[better],
            "subreddit": frame["subreddit"].to_numpy()[better] if "subreddit" in frame else "",
        }
    )


def old_enough(frame: pd.DataFrame, min_age_hours: float = MIN_AGE_HOURS) -> np.ndarray:
    """Returns which rows' scores were read at least so many hours after the reply was written."""
    if "reply_retrieved_utc" not in frame:
        return np.ones(len(frame), dtype=bool)
    age = _numbers(frame, "reply_retrieved_utc") - _numbers(frame, "reply_created_utc")
    return np.isnan(age) | (age >= min_age_hours * 3600)


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    if column not in frame:
        return np.full(len(frame), np.nan)
    return frame[column].to_numpy(dtype=float, na_value=np.nan)
