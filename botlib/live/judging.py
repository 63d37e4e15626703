"""Candidates judged: scored by all judges, then refused or ordered, each with its reason."""

import time
from typing import Any

import numpy as np
import pandas as pd

from botlib.bert import place
from botlib.live import choose
from botlib.live.choose import RATINGS
from botlib.live.models import Judges, ScorerLike
from botlib.live.threads import Threads
from botlib.settings import PostSettings


def judge(
    proposed: pd.DataFrame,
    judges: Judges,
    settings: PostSettings,
    threads: Threads | None = None,
    *,
    threshold: float | None = None,
    now: float | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Returns every candidate with its scores and a decision, for notebook 06 and the bot.

    Args:
      proposed: the table `proposed_replies`.
      judges: loaded ones.
      settings: of 06.
      threads: the comments' threads; None: copies are only looked for in the comments, and the
        context model isn't used.
      threshold: of realism; by default the setting.
      now: seconds since 1970, UTC; a reply counts as written at that time.
      progress: shows bars.

    Returns:
      The table `reply_score_predictions`; see `choose.choose`.
    """
    threads = Threads.of([]) if threads is None else threads
    scored = score(proposed, judges.realism, judges.upvotes, threads, progress=progress)
    texts = scored["comment"].tolist(), scored["proposed_reply"].tolist()
    has_ranks = judges.rank is not None and len(scored)
    has_fits = judges.fit is not None and len(scored)
    return choose.choose(
        scored,
        threshold=settings.threshold if threshold is None else threshold,
        max_chars=settings.max_chars,
        rank_score=judges.rank.predict(*texts) if has_ranks else None,
        fit=judges.fit.predict(*texts) if has_fits else None,
        fit_threshold=judges.fit.threshold if has_fits else 0.0,
        fit_weight=judges.fit_weight,
        comment_worth=comment_worth(
            judges.context, threads, proposed, time.time() if now is None else now
        ),
        thread_texts=threads.texts(),
        training_replies=judges.training_replies,
        per_post=settings.max_per_post == 1,
    )


def score(
    proposed: pd.DataFrame,
    realism: ScorerLike,
    upvotes: ScorerLike,
    threads: Threads,
    *,
    progress: bool = False,
) -> pd.DataFrame:
    """Returns the candidates with prob_real and prob_rating_0 … prob_rating_3; none is dropped."""
    comments, replies = proposed["comment"].tolist(), proposed["proposed_reply"].tolist()
    options = {"progress": True} if progress else {}
    scored = proposed.copy()
    if not comments:
        return scored.assign(**{name: pd.Series(dtype=float) for name in ("prob_real", *RATINGS)})
    real = np.asarray(realism.predict(comments, replies, **options), float)
    # P(real) is the only column, or the second
    scored["prob_real"] = real if real.ndim == 1 else real[:, -1]
    depths = map(threads.depths().get, proposed["comment_id"])
    reads = getattr(upvotes, "reads", place.COMMENT)
    placed = place.texts(proposed, proposed["title"], list(depths), reads)
    scored[RATINGS] = np.asarray(upvotes.predict(placed, replies, **options), float)
    return scored


def comment_worth(
    context: Any, threads: Threads, proposed: pd.DataFrame, now: float
) -> dict[str, float] | None:
    """Returns by comment_id the expected rating of a reply written now, whatever its text.

    Args:
      context: a `botlib.worth.model.ContextModel`, or None.
      threads: with the comments' other replies, since fewer people see a late reply.
      proposed: the candidates; the first of each comment is used.
      now: seconds since 1970, UTC.

    Returns:
      None without a model, without candidates, or if nothing is known about their threads.
    """
    created = threads.created()
    first_candidates = proposed.drop_duplicates("comment_id")
    first_candidates = first_candidates[first_candidates["comment_id"].isin(created.index)]
    if context is None or first_candidates.empty:
        return None
    live = pd.DataFrame(
        {
            "subreddit": first_candidates["subreddit"],
            "submission_id": first_candidates["post_id"],
            "comment_id": first_candidates["comment_id"],
            "comment": first_candidates["comment"],
            "comment_created_utc": first_candidates["comment_id"].map(created),
            "reply_id": "",
            "reply": first_candidates["proposed_reply"],
            "reply_created_utc": round(now),
        }
    )
    pairs = threads.pairs()
    frame = live if pairs.empty else pd.concat([pairs, live], ignore_index=True)
    ratings = context.expected_rating(frame)[-len(live) :]
    return dict(zip(live["comment_id"], ratings.tolist(), strict=True))
