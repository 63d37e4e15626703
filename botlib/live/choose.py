"""Chooses the replies: of the realistic and fitting candidates the best of each post."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from botlib.data.pairs.text import EMAIL, PHONE, SEPARATOR, USER
from botlib.errors import BotlibError
from botlib.live import safety
from botlib.live.copies import CopyIndex
from botlib.probabilities import at_least, log_odds

RATINGS = [f"prob_rating_{rating}" for rating in range(4)]
CHOSEN, OUTRANKED, REFUSED = "reply", "outranked", "refused"

# Cleaning replaced names by these; no reply may hold them
_PLACEHOLDER = re.compile("|".join(map(re.escape, (USER, EMAIL, PHONE, SEPARATOR))), re.I)
# The share of a reply's runs of words from which it counts as a copy
NEAR_COPY = 0.5


def choose(
    proposed: pd.DataFrame,
    *,
    threshold: float = 0.9,
    max_chars: int = 1000,
    rank_score: Sequence[float] | None = None,
    fit: Sequence[float] | None = None,
    fit_threshold: float = 0.0,
    fit_weight: float = 0.0,
    comment_worth: Mapping[str, float] | None = None,
    thread_texts: Mapping[str, Sequence[str]] | None = None,
    training_replies: CopyIndex | None = None,
    per_post: bool = True,
) -> pd.DataFrame:
    """Returns a decision about every candidate, with its reason.

    A candidate is refused if a score is missing, it is less real than `threshold`, it fits less
    than `fit_threshold`, is empty or longer than `max_chars`, a near-copy, unsafe, or the same as
    an earlier one. Of the others the best for each comment is the one with the highest rank score
    (expected rating without a rank model), to which the log-odds of its fit add `fit_weight` times;
    of these the best for each post is the one whose comment is worth most (without a context
    model: with the highest expected rating). Ties go to the more real, then to the more probable,
    then to the earlier candidate.

    Args:
      proposed: one row a candidate: the columns of `proposed_replies` with prob_real and
        prob_rating_0 … prob_rating_3.
      threshold: lowest probability of being a real reply.
      max_chars: of a reply.
      rank_score: from the rank model, one number a row.
      fit: P(it answers this comment), one number a row; None: fit doesn't count.
      fit_threshold: lowest of these probabilities.
      fit_weight: weight of a fit's log-odds beside the rank score.
      comment_worth: by comment_id, from the context model.
      thread_texts: by post_id, the texts in the thread already.
      training_replies: the replies that the generator was trained on.
      per_post: one reply for each post; else one for each comment.

    Returns:
      The same rows in the same order and score (expected rating, 0 to 3), rank (1 is the best of
      the post), decision ("reply", "outranked" or "refused") and reason.

    Raises:
      BotlibError: a column is missing.
    """
    needed = ["post_id", "comment_id", "comment", "sample", "proposed_reply", "prob_real", *RATINGS]
    if missing := [column for column in needed if column not in proposed.columns]:
        raise BotlibError(f"the candidates lack the column {missing[0]!r}: score them first")
    result = proposed.reset_index(drop=True).copy()
    result["score"] = expected_rating(result[RATINGS].to_numpy(float))
    result["_rank_score"] = result["score"] if rank_score is None else np.asarray(rank_score, float)
    result["_fit"] = 1.0 if fit is None else np.asarray(fit, float)
    if fit is not None:
        result["_rank_score"] += fit_weight * log_odds(result["_fit"])
    worth = {str(key): value for key, value in (comment_worth or {}).items()}
    result["_worth"] = result["comment_id"].astype(str).map(worth).astype(float)
    result["_likely"] = result["log_prob"].fillna(-np.inf) if "log_prob" in result else 0.0
    result["reason"] = _refusals(
        result, threshold, fit_threshold, max_chars, thread_texts or {}, training_replies
    )
    accepted = result[result["reason"] == ""]

    best_first = {"ascending": False, "kind": "stable", "na_position": "last"}
    accepted = accepted.sort_values(["_rank_score", "prob_real", "_likely"], **best_first)
    # Rank scores of different comments can't be compared: back to the order of the rows
    across_comments = ["_worth", "score", "prob_real", "_likely"]
    best_per_comment = accepted.drop_duplicates("comment_id").sort_index()
    best_per_comment = best_per_comment.sort_values(across_comments, **best_first)
    best_per_post = best_per_comment.drop_duplicates("post_id") if per_post else best_per_comment

    # The post's best, then the best of its other comments, then the rest
    tier = pd.Series(2, index=accepted.index)
    tier[best_per_comment.index] = 1
    tier[best_per_post.index] = 0
    order = accepted.assign(_tier=tier).sort_values(
        ["_tier", *across_comments], **best_first | {"ascending": [True, *[False] * 4]}
    )
    result["rank"] = (order.groupby("post_id").cumcount() + 1).reindex(result.index).astype("Int64")
    result["decision"] = np.where(result["reason"] == "", OUTRANKED, REFUSED)
    result.loc[best_per_post.index, "decision"] = CHOSEN
    for comment_id, index in best_per_comment.groupby("comment_id").groups.items():
        best = int(result.loc[index[0], "sample"])
        outranked_here = (result["comment_id"] == comment_id) & (result["decision"] == OUTRANKED)
        result.loc[outranked_here, "reason"] = f"candidate {best} of this comment ranks higher"
    outranked = best_per_comment.index.difference(best_per_post.index)
    result.loc[outranked, "reason"] = "another comment of this post is a better one to answer"
    result.loc[best_per_post.index, "reason"] = [
        f"best of {n}"
        for n in order.groupby("post_id")["sample"].transform("size")[best_per_post.index]
    ]
    return result.drop(columns=["_rank_score", "_fit", "_worth", "_likely"])


def expected_rating(probabilities: np.ndarray) -> np.ndarray:
    """Returns 1·p1 + 2·p2 + 3·p3.

    Args:
      probabilities: (n, 4), rows that sum to one.

    Returns:
      (n,) numbers from 0 to 3; NaN where a probability is missing.
    """
    return np.asarray(probabilities, float) @ np.arange(4.0)


def coverage(proposed: pd.DataFrame, thresholds: Sequence[float] | None = None) -> pd.DataFrame:
    """Returns how many comments still get a reply as the realism threshold rises.

    Args:
      proposed: candidates with comment_id and prob_real.
      thresholds: by default 101 from 0 to 1.

    Returns:
      A table: threshold, comments, share.
    """
    steps = np.linspace(0, 1, 101) if thresholds is None else np.asarray(thresholds, float)
    best = proposed.groupby("comment_id")["prob_real"].max().fillna(-1.0).to_numpy()
    comments = [at_least(best, step).sum() for step in steps]
    share = np.array(comments) / max(len(best), 1)
    return pd.DataFrame({"threshold": steps, "comments": comments, "share": share})


def _refusals(
    candidates: pd.DataFrame,
    threshold: float,
    fit_threshold: float,
    max_chars: int,
    thread_texts: Mapping[str, Sequence[str]],
    training_replies: CopyIndex | None,
) -> list[str]:
    threads: dict[str, CopyIndex] = {}
    accepted_texts: set[tuple[str, str]] = set()
    reasons = []
    rank_and_fit = candidates[["_rank_score", "_fit"]].to_numpy()
    for row, (rank_score, fit) in zip(candidates.itertuples(), rank_and_fit, strict=True):
        reply = row.proposed_reply if isinstance(row.proposed_reply, str) else ""
        comment_and_text = (str(row.comment_id), " ".join(reply.lower().split()))
        if row.post_id not in threads:
            texts = [row.comment, *thread_texts.get(row.post_id, ())]
            threads[row.post_id] = CopyIndex(texts, words=5)
        if not reply.strip():
            reason = "empty"
        elif match := _PLACEHOLDER.search(reply):
            reason = f"holds the placeholder {match[0]}"
        elif np.isnan(row.prob_real):
            reason = "no realism score"
        elif np.isnan(fit):
            reason = "no fit score"
        elif np.isnan(row.score) or np.isnan(rank_score):
            reason = "no upvote score"
        elif not at_least(row.prob_real, threshold):
            reason = f"realism {row.prob_real:.3f} is below {threshold:g}"
        elif not at_least(fit, fit_threshold):
            reason = f"fit {fit:.3f} is below {fit_threshold:.3f}: it may answer another comment"
        elif len(reply) > max_chars:
            reason = f"{len(reply)} characters are more than {max_chars}"
        elif comment_and_text in accepted_texts:
            reason = "same as an earlier candidate"
        elif threads[row.post_id].share(reply) >= NEAR_COPY:
            reason = "a near-copy of the thread"
        elif (
            training_replies is not None
            and _long(reply)
            and training_replies.share(reply) >= NEAR_COPY
        ):
            reason = "a near-copy of a training reply"
        elif unfit_reason := safety.unfit(reply):
            reason = unfit_reason
        else:
            reason = ""
            accepted_texts.add(comment_and_text)
        reasons.append(reason)
    return reasons


def _long(reply: str) -> bool:
    # Everybody writes "Thank you so much"
    return len(reply.split()) >= 8
