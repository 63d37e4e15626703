"""One round: read, generate, judge, choose, queue; notebooks 05 and 06 and the bot call it."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from botlib import tables
from botlib.errors import BotlibError
from botlib.live import choose, follow_ups
from botlib.live.choose import CHOSEN, RATINGS
from botlib.live.events import note
from botlib.live.models import GeneratorLike, Judges, Models, ScorerLike
from botlib.live.outbox import candidates as candidate_store
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, PROPOSED, READY, UNCLEAR
from botlib.live.policy import allow_list, author_name, unanswerable
from botlib.live.reddit import comments as reddit_comments
from botlib.live.reddit import subreddit_rules, things
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client
from botlib.live.reddit.comments import Reading
from botlib.live.threads import Threads
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Round:
    """The result of a round: what it read, each candidate with its decision, what it queued."""

    reading: Reading
    chosen: pd.DataFrame
    queued: pd.DataFrame
    seconds: float


def propose(
    workspace: Workspace,
    reddit: Client,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    *,
    decoder: Any = None,
    threshold: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.time,
) -> Round:
    """Reads threads, then generates, judges and queues replies post by post; posts nothing.

    Args:
      workspace: its outbox.
      reddit: from `connect`.
      models: loaded ones.
      generate: settings of 05.
      post: settings of 06.
      decoder: see `botlib.gpt2.decoder`.
      threshold: of realism; by default the setting.
      stop: asked between two posts.
      clock: seconds since 1970, UTC.
    """
    began = time.monotonic()
    with Outbox(workspace.outbox, clock=clock) as outbox:
        reading = read(outbox, reddit, generate, per_post=post.max_per_post)
        reading = follow_ups.with_follow_ups(outbox, reddit, generate, post, reading)
        chosen, queued = [], []
        for _, comments in reading.comments.groupby("post_id", sort=False):
            if stop():
                break
            # Without a seed the generator need not load again; a bot need not repeat its draws
            proposed = candidates(
                comments, models.generator, n=generate.candidates, decoder=decoder, seed=None
            )
            judged = judge(
                proposed, models, post, reading.threads, threshold=threshold, now=clock()
            )
            best = judged.sort_values("rank", na_position="last").drop_duplicates("comment_id")
            for row in best.to_dict("records"):
                note("candidate", **{key: row[key] for key in _LOGGED}, comment=row["comment_id"])
            chosen.append(judged)
            queued.append(queue(outbox, judged, reddit, fresh=reading.comments))
    return Round(reading, _concat(chosen), _concat(queued), time.monotonic() - began)


_LOGGED = ("subreddit", "decision", "reason", "score", "prob_real")


def read(
    outbox: Outbox, reddit: Client, settings: GenerateSettings, *, per_post: int = 1, **options: Any
) -> Reading:
    """Reads the comments that may be answered and have no reply of ours yet, posted or waiting.

    Args:
      outbox: knows what was proposed and posted.
      reddit: from `connect`.
      settings: of 05.
      per_post: replies that a post may get; if 1, a post with a reply is not read at all.
      options: go to `reddit.read_comments`.

    Raises:
      BotlibError: none of the subreddits can be read.
    """
    # A post whose reply still waits for approval needs no second one
    blocking_states = [POSTED, *UNCLEAR, PROPOSED, *READY] if per_post == 1 else []
    answered_posts = {reply.post_id for reply in outbox.replies(reddit.site, blocking_states)}
    queued_ids = {reply.comment_id for reply in outbox.replies(reddit.site)}
    if reddit.site == "live":
        subreddits = allow_list(settings.subreddits)
        subreddit_rules.refresh(Workspace(outbox.path.parent), reddit, subreddits)
    options |= {"answered_posts": answered_posts, "clock": outbox.clock}
    reading = reddit_comments.read(reddit, settings, **options)
    for row in reading.skipped.to_dict("records"):
        note("skipped", **row)
    # A comment with a reply in the outbox needs no second one
    queued_rows = reading.comments[reading.comments["comment_id"].isin(queued_ids)]
    result = dataclasses.replace(
        reading,
        comments=reading.comments.drop(queued_rows.index).reset_index(drop=True),
        skipped=pd.concat(
            [reading.skipped, queued_rows.assign(reason="it has a reply in the outbox")],
            ignore_index=True,
        )[reading.skipped.columns],
    )
    note(
        "read",
        comments=len(result.comments),
        known=len(queued_rows),
        skipped=len(reading.skipped),
        requests=reading.requests,
    )
    return result


def candidates(
    comments: pd.DataFrame,
    generator: GeneratorLike,
    *,
    n: int = 10,
    decoder: Any = None,
    seed: int | None = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Generates candidate replies.

    Args:
      comments: from `read_comments(...).comments`.
      generator: see `botlib.gpt2.generator`.
      n: candidates for each comment.
      decoder: see `botlib.gpt2.decoder`; None leaves the generator's own.
      seed: of the sampling; None: different each time.
      progress: shows a bar.

    Returns:
      The table `proposed_replies`: n rows a comment, in order.
    """
    if comments.empty:
        return pd.DataFrame(columns=list(tables.PROPOSED.columns))
    options = {} if decoder is None else {"decoder": decoder}
    if "above" in comments:
        # The model uses as much of it as in its training
        options["above"] = comments["above"].tolist()
    texts = comments["comment"].tolist()
    replies = generator.generate(texts, n=n, seed=seed, progress=progress, **options)
    answered = comments.reset_index(drop=True).loc[replies["comment_index"]].reset_index(drop=True)
    proposed = answered.assign(
        sample=replies["sample"].to_numpy(),
        proposed_reply=replies["reply"].to_numpy(),
        log_prob=replies["log_prob"].to_numpy(),
    )
    return proposed[list(tables.PROPOSED.columns)]


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
    scored = score(proposed, judges.realism, judges.upvotes, progress=progress)
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
    proposed: pd.DataFrame, realism: ScorerLike, upvotes: ScorerLike, *, progress: bool = False
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
    scored[RATINGS] = np.asarray(upvotes.predict(comments, replies, **options), float)
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


def queue(
    outbox: Outbox, chosen: pd.DataFrame, reddit: Client, *, fresh: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Puts the chosen replies into the outbox, for a person to judge.

    Unless the comments were read just now, Reddit is asked once for each fifty comments: those that
    were deleted, locked or answered since are left out, and authors and links are filled in.

    Args:
      outbox: the workspace's.
      chosen: from `judge`; only rows with the decision "reply" are queued.
      reddit: where they will be posted.
      fresh: comments read just now (`Reading.comments`); Reddit isn't asked about them again.

    Returns:
      One row a chosen reply: subreddit, comment_id, decision ("proposed", "known" or "left out"),
      reason.

    Raises:
      BotlibError: Reddit can't be read now.
    """
    winners = chosen[chosen["decision"] == CHOSEN]
    facts = _facts_from_reddit(winners, reddit) if fresh is None else _facts_from_reading(fresh)
    rows = []
    for row in winners.to_dict("records"):
        author, permalink, refusal = facts[row["comment_id"]]
        decision, reason = "left out", refusal
        if not refusal:
            proposal = {key: row[key] for key in _QUEUED}
            proposal |= {"reply": row["proposed_reply"], "author": author, "permalink": permalink}
            added, _ = outbox.propose(reddit.site, [proposal])
            decision = "proposed" if added else "known"
            reason = row["reason"] if added else "the comment has a reply in the outbox"
            if added:
                candidate_store.store(outbox, reddit.site, row["comment_id"], chosen)
        note("queue", subreddit=row["subreddit"], comment=row["comment_id"], decision=decision,
             reason=reason, score=row["score"], prob_real=row["prob_real"])  # fmt: skip
        rows.append((row["subreddit"], row["comment_id"], decision, reason))
    return pd.DataFrame(rows, columns=["subreddit", "comment_id", "decision", "reason"])


def _facts_from_reddit(winners: pd.DataFrame, reddit: Client) -> dict[str, tuple[str, str, str]]:
    """By comment: its author, its link, and why it may not be answered ("" if it may)."""
    names = [f"t1_{i}" for i in winners["comment_id"]] + [f"t3_{i}" for i in winners["post_id"]]
    try:
        things_by_name = things.info(reddit, names)
    except UNREADABLE as error:
        raise BotlibError(f"Reddit can't be read now ({error}): run this again later") from error
    facts = {}
    for comment_id, post_id in zip(winners["comment_id"], winners["post_id"], strict=True):
        comment, post = things_by_name.get(f"t1_{comment_id}"), things_by_name.get(f"t3_{post_id}")
        if comment is None or post is None:
            facts[comment_id] = ("", "", "the comment or its post is gone")
        else:
            refusal = unanswerable(comment, post, reddit.name)
            facts[comment_id] = (author_name(comment), comment.get("permalink") or "", refusal)
    return facts


def _facts_from_reading(fresh: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    rows = fresh[["comment_id", "author", "permalink"]].itertuples(index=False)
    return {comment_id: (author, permalink, "") for comment_id, author, permalink in rows}


_QUEUED = (
    *("subreddit", "post_id", "comment_id", "title", "comment", "comment_score"),
    *("prob_real", "score", "reason"),
)


def _concat(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if frames:
        return pd.concat(frames, ignore_index=True)
    return pd.DataFrame(columns=["comment_id", "decision", "reason"])
