"""One round of the bot: read, generate, score, choose, queue, post; no TensorFlow, no notebook."""

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from botlib import tables
from botlib.errors import BotlibError
from botlib.live import policy as rules
from botlib.live.checks import UNREADABLE
from botlib.live.choose import CHOSEN, RATINGS
from botlib.live.client import Client
from botlib.live.events import note
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTING, PROPOSED, READY
from botlib.live.policy import Limits, Policy, author_name, unanswerable
from botlib.live.posting import Decision, Poster
from botlib.settings import PostSettings
from botlib.workspace import Workspace


class GeneratorLike(Protocol):
    """What `botlib.gpt2.generator.Generator` does."""

    def generate(self, comments: Sequence[str], n: int, **options: Any) -> pd.DataFrame: ...


class ScorerLike(Protocol):
    """What `botlib.bert.scorer.Scorer` does."""

    def predict(self, comments: Sequence[str], replies: Sequence[str]) -> np.ndarray: ...


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
    texts = comments["context" if "context" in comments else "comment"].tolist()
    options = {} if decoder is None else {"decoder": decoder}
    replies = generator.generate(texts, n=n, seed=seed, progress=progress, **options)
    known = comments.reset_index(drop=True).loc[replies["comment_index"]].reset_index(drop=True)
    proposed = known.assign(
        sample=replies["sample"].to_numpy(),
        proposed_reply=replies["reply"].to_numpy(),
        log_prob=replies["log_prob"].to_numpy(),
    )
    return proposed[list(tables.PROPOSED.columns)]


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
    # One column is P(real); of two the second is
    scored["prob_real"] = real if real.ndim == 1 else real[:, -1]
    scored[RATINGS] = np.asarray(upvotes.predict(comments, replies, **options), float)
    return scored


def queue(
    outbox: Outbox, chosen: pd.DataFrame, reddit: Client, *, fresh: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Puts the chosen replies into the outbox, for a person to judge.

    Unless the comments were read just now, Reddit is asked once for each fifty, so that what was
    deleted, locked or answered since isn't proposed, and that authors and links are known.

    Args:
      outbox: the workspace's.
      chosen: from `ranking.choose`; only rows with the decision "reply" are queued.
      reddit: where they will be posted.
      fresh: comments read just now (`Reading.comments`); Reddit isn't asked about them again.

    Returns:
      One row a chosen reply: subreddit, comment_id, decision ("proposed", "known" or "left out"),
      reason.

    Raises:
      BotlibError: Reddit can't be read now.
    """
    wanted = chosen[chosen["decision"] == CHOSEN]
    facts = _facts(wanted, reddit) if fresh is None else _facts_of(fresh)
    rows = []
    for row in wanted.to_dict("records"):
        author, permalink, refusal = facts[row["comment_id"]]
        decision, reason = "left out", refusal
        if not refusal:
            given = {key: row[key] for key in _QUEUED}
            given |= {"reply": row["proposed_reply"], "author": author, "permalink": permalink}
            added, _ = outbox.propose(reddit.site, [given])
            decision = "proposed" if added else "known"
            reason = row["reason"] if added else "the comment has a reply in the outbox"
        note("queue", subreddit=row["subreddit"], comment=row["comment_id"], decision=decision,
             reason=reason, score=row["score"], prob_real=row["prob_real"])  # fmt: skip
        rows.append((row["subreddit"], row["comment_id"], decision, reason))
    return pd.DataFrame(rows, columns=["subreddit", "comment_id", "decision", "reason"])


def _facts(wanted: pd.DataFrame, reddit: Client) -> dict[str, tuple[str, str, str]]:
    """By comment: its author, its link, and why it may not be answered ("" if it may)."""
    names = [f"t1_{i}" for i in wanted["comment_id"]] + [f"t3_{i}" for i in wanted["post_id"]]
    try:
        found = {t.fullname: vars(t) for t in reddit.info(fullnames=list(dict.fromkeys(names)))}
    except UNREADABLE as error:
        raise BotlibError(f"Reddit can't be read now ({error}): run this again later") from error
    facts = {}
    for comment_id, post_id in zip(wanted["comment_id"], wanted["post_id"], strict=True):
        comment, post = found.get(f"t1_{comment_id}"), found.get(f"t3_{post_id}")
        if comment is None or post is None:
            facts[comment_id] = ("", "", "the comment or its post is gone")
        else:
            refusal = unanswerable(comment, post, reddit.name)
            facts[comment_id] = (author_name(comment), comment.get("permalink") or "", refusal)
    return facts


def _facts_of(fresh: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    rows = fresh[["comment_id", "author", "permalink"]].itertuples(index=False)
    return {comment_id: (author, permalink, "") for comment_id, author, permalink in rows}


_QUEUED = (
    *("subreddit", "post_id", "comment_id", "title", "comment", "comment_score"),
    *("prob_real", "score", "reason"),
)


def approve_in_sandbox(outbox: Outbox, reddit: Client, settings: PostSettings) -> int:
    """Approves what is proposed for the sandbox, where the settings say so; returns how many.

    On the live site only a person approves: in notebook 06, by `python -m botlib review`, or in a
    CSV file.

    Raises:
      BotlibError: the setting asks for it on the live site.
    """
    if settings.approve != "sandbox":
        return 0
    if reddit.site != "sandbox":
        raise BotlibError(
            'approve="sandbox" only approves replies to the sandbox: on the live site a person '
            "approves each reply (python -m botlib review)"
        )
    # What the bot took back, or a person undid, waits for a person here too
    back = outbox.taken_back()
    proposed = [r for r in outbox.replies("sandbox", [PROPOSED]) if r.id not in back]
    for reply in proposed:
        outbox.approve(reply.id, rules.SANDBOX_APPROVAL)
    return len(proposed)


def policy_of(
    workspace: Workspace, outbox: Outbox, reddit: Client, settings: PostSettings
) -> Policy:
    """Returns the rules as the settings have them."""
    return Policy(
        outbox,
        site=reddit.site,
        subreddits=settings.allowed_subreddits,
        stop_switch=workspace.stop_switch,
        me=reddit.name,
        approval_hours=settings.approval_hours,
        min_score=settings.min_comment_score,
        limits=Limits(
            per_post=settings.max_per_post,
            per_person_day=settings.max_per_person_day,
            per_subreddit_hour=settings.max_per_subreddit_hour,
            per_day=settings.max_per_day,
        ),
    )


def post_approved(
    workspace: Workspace,
    reddit: Client,
    settings: PostSettings,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Any] = time.sleep,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Posts what a person approved, each reply once, best first; settles what was left unclear.

    Args:
      workspace: its outbox and stop switch.
      reddit: from `connect`.
      settings: allow-list, limits, and `dry_run`: unless it is False nothing is sent.
      clock: seconds since 1970, UTC.
      sleep: called between two posts.
      stop: asked between two posts.

    Returns:
      One row a reply: id, subreddit, post_id, comment_id, decision ("posted", "would post",
      "waits", "asks again" (the approval was taken back), "unknown", "failed", "given up"),
      reason, url.

    Raises:
      BotlibError: the client only reads, or the outbox can't be used.
    """
    dry_run = settings.dry_run is not False
    if reddit.name is None and not dry_run:
        raise BotlibError("this login only reads: set REDDIT_USERNAME and REDDIT_PASSWORD to post")
    decisions: list[Decision] = []
    with Outbox(workspace.outbox, clock=clock) as outbox:
        poster = Poster(outbox, reddit, policy_of(workspace, outbox, reddit, settings))
        if not dry_run:
            decisions += poster.settle()
        ready = sorted(outbox.replies(reddit.site, READY), key=lambda r: -(r.score or 0.0))
        planned = []
        posted_before = False
        for reply in ready:
            if stop():
                break
            if reply.not_before > clock():
                until = datetime.fromtimestamp(reply.not_before, UTC).strftime("%H:%M:%S UTC")
                decisions.append(
                    Decision(
                        reply.id,
                        reply.subreddit,
                        reply.post_id,
                        reply.comment_id,
                        "waits",
                        f"until {until}: {reply.reason}",
                    )
                )
                continue
            if posted_before:
                sleep(_pause(settings))
                if stop():
                    break
            decision = poster.post(reply, dry_run=dry_run, planned=planned)
            decisions.append(decision)
            posted_before = decision.decision == "posted" and not dry_run
            if decision.decision == "would post":
                planned.append(reply)
        if stopped := poster.policy.stopped():
            note("stopped", reason=stopped)
        unclear = len(outbox.replies(reddit.site, [POSTING]))
        if unclear:
            note("unclear", replies=unclear, reason="they may be on Reddit; looked for next time")
    columns = [field.name for field in dataclasses.fields(Decision)]
    return pd.DataFrame([dataclasses.astuple(d) for d in decisions], columns=columns)


def _pause(settings: PostSettings) -> float:
    """Seconds between two posts: a person's pace, never a clock's."""
    return 60.0 * random.uniform(settings.min_pause_minutes, settings.max_pause_minutes)
