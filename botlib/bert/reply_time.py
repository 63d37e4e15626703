"""The effect of a reply's time on its score, so that the rank model need not learn it."""

import numpy as np
import pandas as pd

from botlib.data.pairs.siblings import sibling_pairs
from botlib.errors import BotlibError


def time_offsets(frame: pd.DataFrame) -> np.ndarray:
    """Returns the effect of each reply's time, in log-odds of outscoring a sibling.

    Within an hour time decides as many sibling pairs as text does, and within a day far more. With
    the offsets as a column `offset`, `bert.train(task="rank")` compares siblings of any distance in
    time, five times as many pairs, and its score is left with what time doesn't explain. A
    logistic regression on differences of the replies' times and places (Bradley & Terry 1952).

    Args:
      frame: comment_id, reply_score, reply_created_utc, comment_created_utc of training replies.

    Returns:
      (n,) offsets; 0 where a time is unknown. Only differences within a comment mean something.

    Raises:
      BotlibError: no two replies to one comment differ in score.
    """
    from sklearn.linear_model import LogisticRegression

    pairs = sibling_pairs(frame, max_hours=np.inf, min_age_hours=0)
    if pairs.empty:
        raise BotlibError(
            "no two replies to one comment have different scores, so there is nothing to rank: "
            "get more data with 01_data"
        )
    features = time_features(frame)
    better, worse = pairs["better"].to_numpy(), pairs["worse"].to_numpy()
    sign = np.where(np.arange(len(pairs)) % 2, 1, -1)
    differences = (features[better] - features[worse]) * sign[:, None]
    if len(pairs) < 2 or not np.any(differences):
        return np.zeros(len(frame))
    model = LogisticRegression(fit_intercept=False)
    model.fit(differences, sign, sample_weight=pair_weights(frame, pairs))
    return features @ model.coef_[0]


def pair_weights(frame: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """Returns the weight of each pair: more for a wide gap, less where a comment has many pairs."""
    comments = frame["comment_id"].to_numpy()[pairs["better"].to_numpy()]
    of_comment = pairs.groupby(comments)["gap"].transform("size").to_numpy()
    return np.log1p(pairs["gap"].to_numpy()) / np.sqrt(of_comment)


def time_features(frame: pd.DataFrame) -> np.ndarray:
    """Returns each reply's time after its comment, on two scales, and its place, (n, 3)."""
    created = frame["reply_created_utc"].to_numpy(dtype=float, na_value=np.nan)
    start = (
        frame["comment_created_utc"].to_numpy(dtype=float, na_value=np.nan)
        if "comment_created_utc" in frame
        else np.full(len(frame), np.nan)
    )
    siblings = pd.Series(created).groupby(frame["comment_id"].to_numpy())
    # The first sibling's time stands in for a comment whose own is unknown
    start = np.where(np.isnan(start), siblings.transform("min").to_numpy(), start)
    seconds = np.maximum(created - start, 0)
    place = siblings.rank().to_numpy()
    features = [np.log1p(seconds / 60), np.log(place), np.log1p(seconds / 3600)]
    return np.nan_to_num(np.column_stack(features))
