"""Ratings 0 to 3: which of four bins of votes a score falls into."""

import numpy as np
import pandas as pd

# Scores at which ratings 1, 2 and 3 begin, as in 2020: below 1, 1, 2 to 4, 5 and more
TUTORIAL_BINS = (1, 2, 5)
RATINGS = len(TUTORIAL_BINS) + 1


def rating_of(
    scores: pd.Series, bins: str = "tutorial", groups: pd.Series | None = None
) -> np.ndarray:
    """Returns the rating 0 to 3 of each score.

    Args:
      scores: replies' scores.
      bins: "tutorial" (below 1, 1, 2 to 4, 5 and more) or "quantiles" (quarters of each group;
        equal scores get equal ratings, so the quarters may be uneven).
      groups: for quantiles: the subreddit of each reply; None takes all together.

    Returns:
      (n,) int64.
    """
    values = pd.Series(scores).to_numpy(dtype=np.float64)
    if bins == "tutorial":
        return np.searchsorted(TUTORIAL_BINS, values, side="right")
    groups = pd.Series("" if groups is None else groups.to_numpy(), index=range(len(values)))
    rating = np.zeros(len(values), dtype=np.int64)
    for rows in groups.groupby(groups).indices.values():
        edges = np.quantile(values[rows], [0.25, 0.5, 0.75])
        rating[rows] = np.searchsorted(edges, values[rows], side="left")
    return rating


def rating_as_in(rated: pd.DataFrame, scores: pd.Series, groups: pd.Series) -> np.ndarray:
    """Returns the rating 0 to 3 that each score has in a table whose scores are rated already.

    Under "quantiles" a rating begins at another score in each subreddit, and only the table that
    01 wrote knows where.

    Args:
      rated: subreddit, reply_score, rating: `bert_gan_real.csv`, or some of its rows.
      scores: replies' scores.
      groups: the subreddit of each; for one that the table lacks, the median of
        the others' limits counts.

    Returns:
      (n,) int64.
    """
    if (rating_of(rated["reply_score"]) == rated["rating"]).all():
        return rating_of(scores)
    rated = rated.assign(group=rated["subreddit"].str.lower())
    starts = {group: _starts(rows) for group, rows in rated.groupby("group")}
    everywhere = np.median(list(starts.values()), axis=0)
    return np.array(
        [
            np.searchsorted(starts.get(str(group).lower(), everywhere), score, side="right")
            for score, group in zip(scores, groups, strict=True)
        ],
        dtype=np.int64,
    )


def _starts(rated: pd.DataFrame) -> list[float]:
    """The score at which ratings 1, 2 and 3 begin: halfway from the last one below."""
    starts = []
    for rating in range(1, RATINGS):
        reached = rated["rating"] >= rating
        last, first = rated.loc[~reached, "reply_score"].max(), rated.loc[reached, "reply_score"]
        starts.append(float("inf") if first.empty else np.nanmean([last, first.min()]))
    return starts
