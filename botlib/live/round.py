"""One round: read, generate, judge, choose, queue; notebooks 05 and 06 and the bot call it."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from botlib import tables
from botlib.errors import BotlibError
from botlib.live import follow_ups
from botlib.live.choose import CHOSEN
from botlib.live.events import note
from botlib.live.judging import judge
from botlib.live.models import GeneratorLike, Models
from botlib.live.outbox import candidates as candidate_store
from botlib.live.outbox import lookups
from botlib.live.outbox.queue import Outbox
from botlib.live.policy import allow_list, author_name, unanswerable
from botlib.live.reddit import comments as reddit_comments
from botlib.live.reddit import subreddit_rules, things
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client
from botlib.live.reddit.comments import Reading
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
        posts = [comments for _, comments in reading.comments.groupby("post_id", sort=False)]
        # The shortest thread first, so that a person has something to judge within seconds
        for comments in sorted(posts, key=len):
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
    answered_posts = lookups.AnsweredPosts(outbox, reddit.site) if per_post == 1 else ()
    if reddit.site == "live":
        subreddits = allow_list(settings.subreddits)
        subreddit_rules.refresh(Workspace(outbox.path.parent), reddit, subreddits)
    options |= {"answered_posts": answered_posts, "clock": outbox.clock}
    reading = reddit_comments.read(reddit, settings, **options)
    for row in reading.skipped.to_dict("records"):
        note("skipped", **row)
    # A comment with a reply in the outbox needs no second one
    queued_ids = lookups.known_comments(outbox, reddit.site, reading.comments["comment_id"])
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
            with outbox.transaction():
                added, _ = outbox.propose(reddit.site, [proposal])
                if added:
                    candidate_store.store(outbox, reddit.site, row["comment_id"], chosen)
            decision = "proposed" if added else "known"
            reason = row["reason"] if added else "the comment has a reply in the outbox"
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
