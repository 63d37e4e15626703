"""Posts what was approved: which replies, in which order, with a person's pauses."""

import contextlib
import dataclasses
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from botlib.errors import BotlibError
from botlib.live import policy as rules
from botlib.live.events import note
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTING, PROPOSED, READY, Reply
from botlib.live.policy import Limits, Policy
from botlib.live.posting.once import Decision, Poster
from botlib.live.posting.settle import open_questions
from botlib.live.reddit.archive import BY_HAND
from botlib.live.reddit.client import Client
from botlib.live.stopping import Stopped
from botlib.settings import PostSettings
from botlib.workspace import Workspace

_ONLY_READS = (
    "this login only reads: to post, set REDDIT_USERNAME and REDDIT_PASSWORD, or "
    "REDDIT_REFRESH_TOKEN (docs/reddit_key.md)"
)


def approve_in_sandbox(outbox: Outbox, reddit: Client, settings: PostSettings) -> int:
    """Approves the proposed replies in the sandbox if the settings say so; returns how many.

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
    # A reply whose approval was taken back waits for a person here too
    taken_back = outbox.taken_back("sandbox")
    proposed = [r for r in outbox.replies("sandbox", [PROPOSED]) if r.id not in taken_back]
    for reply in proposed:
        outbox.approve(reply.id, rules.SANDBOX_APPROVAL)
    return len(proposed)


def policy_of(
    workspace: Workspace, outbox: Outbox, reddit: Client, settings: PostSettings
) -> Policy:
    """Returns the rules with the limits of the settings."""
    return Policy(
        outbox,
        site=reddit.site,
        subreddits=settings.allowed_subreddits,
        stop_switch=workspace.stop_switch,
        deny_list=workspace.deny_list,
        me=reddit.name,
        approval_hours=settings.approval_hours,
        min_score=settings.min_comment_score,
        limits=limits_of(settings),
    )


def limits_of(settings: PostSettings) -> Limits:
    """Returns the limits of the settings."""
    return Limits(
        per_post=settings.max_per_post,
        per_person_day=settings.max_per_person_day,
        per_subreddit_hour=settings.max_per_subreddit_hour,
        per_day=settings.max_per_day,
    )


def post_approved(
    workspace: Workspace,
    reddit: Client,
    settings: PostSettings,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Any] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Settles unclear replies, then posts the approved ones, each once, the best first.

    Args:
      workspace: its outbox and stop switch.
      reddit: from `connect`.
      settings: allow-list, limits, and `dry_run`: nothing is sent unless it is False.
      clock: seconds since 1970, UTC.
      sleep: called between two posts; by default a stop ends it.
      stop: asked between two posts.

    Returns:
      One row a reply: id, subreddit, post_id, comment_id, decision ("posted", "would post",
      "waits", "asks again" (the approval was taken back), "unknown", "failed", "given up"),
      reason, url. With the archive each reply has the decision "by hand".

    Raises:
      BotlibError: the client only reads, or the outbox can't be used.
    """
    dry_run = settings.dry_run is not False
    if reddit.from_archive and not dry_run:
        raise BotlibError(BY_HAND)
    if reddit.name is None and not dry_run:
        raise BotlibError(_ONLY_READS)
    sleep = sleep or reddit.stop.wait
    decisions: list[Decision] = []
    if reddit.from_archive:
        with Outbox(workspace.outbox, clock=clock) as outbox:
            decisions += [_by_hand(reply) for reply in outbox.replies(reddit.site, READY)]
        return _table(decisions)
    with Outbox(workspace.outbox, clock=clock) as outbox, contextlib.suppress(Stopped):
        poster = Poster(
            outbox,
            reddit,
            policy_of(workspace, outbox, reddit, settings),
            settle_seconds=3600 * settings.settle_hours,
        )
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
    with Outbox(workspace.outbox, clock=clock) as outbox:
        if stopped := policy_of(workspace, outbox, reddit, settings).stopped():
            note("stopped", reason=stopped)
        unclear = len(outbox.replies(reddit.site, [POSTING]))
        if unclear:
            note("unclear", replies=unclear, reason="they may be on Reddit; looked for next time")
        if question_count := len(open_questions(outbox, reddit.site)):
            note(
                "asks",
                replies=question_count,
                reason="say in `botlib review` whether they are there",
            )
    return _table(decisions)


def _by_hand(reply: Reply) -> Decision:
    ids = (reply.id, reply.subreddit, reply.post_id, reply.comment_id)
    return Decision(*ids, "by hand", BY_HAND)


def _table(decisions: list[Decision]) -> pd.DataFrame:
    columns = [field.name for field in dataclasses.fields(Decision)]
    return pd.DataFrame([dataclasses.astuple(d) for d in decisions], columns=columns)


def _pause(settings: PostSettings) -> float:
    """Seconds between two posts: random, as a person's."""
    return 60.0 * random.uniform(settings.min_pause_minutes, settings.max_pause_minutes)
