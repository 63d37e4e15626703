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
