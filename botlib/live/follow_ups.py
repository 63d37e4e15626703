"""Reads replies to the bot and mentions of it, which it may answer if the settings say so."""

import dataclasses
from typing import Any

import pandas as pd
from praw.models import Comment

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.optout import asked_for
from botlib.live.outbox import inbox_log, lookups, optouts
from botlib.live.outbox.inbox_log import ANSWER, MENTION
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import PROPOSED, READY
from botlib.live.policy import FOLLOW_UPS_A_DAY, allow_list, author_name
from botlib.live.reddit import comments as reddit_comments
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client
from botlib.live.reddit.comments import COMMENTS, SKIPPED, Reading
from botlib.live.reddit.things import MessageFields
from botlib.live.threads import Threads
from botlib.settings import GenerateSettings, PostSettings

# The most further replies of the bot in one conversation
DEPTH = 2
# Threads read in one round: one request each, or a few
MOST_THREADS = 10
_LATEST = 100
_DAY = 86400.0


def with_follow_ups(
    outbox: Outbox,
    reddit: Client,
    generate: GenerateSettings,
    post: PostSettings,
    reading: Reading,
) -> Reading:
    """Returns a reading, extended by comments made to the bot if the settings want them.

    They come from the inbox, independently of `inbox.listen`, and are treated like all others:
    judged, queued, approved by a person, checked again before posting. Besides, the bot replies at
    most twice more in a conversation, and at most twice a day to a person.

    Args:
      outbox: knows what was proposed, posted and refused, and who opted out.
      reddit: the client; without an account there is no inbox.
      generate: `answer_replies`, `answer_mentions`, and how old a comment may be.
      post: the allow-list.
      reading: of the subreddits.

    Raises:
      BotlibError: the inbox can't be read now.
    """
    kinds = [
        kind
        for kind, on in ((ANSWER, generate.answer_replies), (MENTION, generate.answer_mentions))
        if on
    ]
    if not kinds or reddit.name is None:
        return reading
    requests_before = reddit.requests_made
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, ...]] = []
    threads = [reading.threads.comments]
    for kind, item in _new_comments(outbox, reddit, generate, post, kinds)[:MOST_THREADS]:
        fields = things.message(item)
        subreddit, author = str(fields.get("subreddit") or ""), author_name(fields)
        refusal, is_final = "", True
        try:
            post_id = _post_id(reddit, item)
            row, refusal, thread = reddit_comments.read_comment(
                reddit, post_id, item.id, generate, allow_own=True
            )
            refusal = refusal or _refusal(thread, item.id, reddit.name, kind)
        except (BotlibError, *UNREADABLE) as error:
            # Perhaps temporary: it is read again in the next round
            post_id, refusal, is_final = "", f"its thread can't be read now: {error}", False
        if not refusal and _at_daily_limit(outbox, reddit.site, author, rows):
            refusal, is_final = f"u/{author} got {FOLLOW_UPS_A_DAY} replies today", False
        if is_final:
            inbox_log.record_follow_up(outbox, reddit.site, item.id, kind, refusal)
        if refusal:
            skipped.append((subreddit, post_id, item.id, author, refusal))
            note("skipped", **dict(zip(SKIPPED, skipped[-1], strict=True)))
            continue
        rows.append(row)
        threads.append(thread.comments)
    if not rows and not skipped:
        return reading
    frames = [reading.comments, pd.DataFrame(rows, columns=COMMENTS)]
    return dataclasses.replace(
        reading,
        comments=pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True),
        skipped=pd.concat([reading.skipped, pd.DataFrame(skipped, columns=SKIPPED)]),
        requests=reading.requests + reddit.requests_made - requests_before,
        threads=Threads(pd.concat(threads, ignore_index=True)),
    )


def _new_comments(
    outbox: Outbox,
    reddit: Client,
    generate: GenerateSettings,
    post: PostSettings,
    kinds: list[str],
) -> list[tuple[str, Comment]]:
    """The inbox's comments to the bot, oldest first, without those that their fields rule out."""
    subreddits = {name.lower() for name in allow_list(post.allowed_subreddits)}
    # Without a limit of age a year of conversations would be answered
    oldest = outbox.clock() - (generate.max_age_hours * 3600 or _DAY)
    comments = []
    try:
        latest = list(reddit.inbox.all(limit=_LATEST))
        ids = [item.id for item in latest]
        known_ids = inbox_log.known_follow_ups(outbox, reddit.site, ids)
        known_ids |= lookups.known_comments(outbox, reddit.site, ids)
        for item in latest:
            fields = things.message(item)
            created = fields.get("created_utc")
            if not isinstance(item, Comment) or item.id in known_ids:
                continue
            kind = _kind(fields)
            author = author_name(fields)
            if (
                kind in kinds
                and isinstance(created, int | float)
                and created >= oldest
                and author
                and author.lower() != (reddit.name or "").lower()
                and str(fields.get("subreddit") or "").lower() in subreddits
                and not optouts.opted_out(outbox, author)
                # A request to stop or to delete gets no reply
                and not asked_for(str(fields.get("body") or ""), to_bot=True)
            ):
                comments.append((kind, item))
    except UNREADABLE as error:
        raise BotlibError(f"the inbox can't be read now ({error}): run this again") from error
    return comments[::-1]


def _kind(fields: MessageFields) -> str | None:
    # `type` is newer than `subject`; both are in English
    kind = str(fields.get("type") or fields.get("subject") or "").replace(" ", "_").lower()
    return {"comment_reply": ANSWER, "username_mention": MENTION}.get(kind)


def _post_id(reddit: Client, item: Comment) -> str:
    """The id of a comment's post, which the inbox doesn't give: one request."""
    if fields := things.info(reddit, [item.fullname]).get(item.fullname):
        return str(fields.get("link_id") or "").removeprefix("t3_")
    raise BotlibError("the comment is gone")


def _refusal(thread: Threads, comment_id: str, me: str, kind: str) -> str:
    """Why a comment gets no answer because of its conversation, or ""."""
    rows = {row["comment_id"]: row for row in thread.comments.to_dict("records")}
    if any(r["parent_id"] == comment_id and _is_by(r, me) for r in rows.values()):
        return "it has an answer of ours"
    above, comment = [], rows[comment_id]
    while (comment := rows.get(comment["parent_id"])) is not None and len(above) <= len(rows):
        above.append(comment)
    if kind == ANSWER and not (above and _is_by(above[0], me)):
        return "it isn't below a comment of ours"
    if sum(_is_by(row, me) for row in above) > DEPTH:
        return f"the conversation has {DEPTH} more replies of ours already"
    return ""


def _is_by(row: dict[str, Any], me: str) -> bool:
    return str(row["author"]).lower() == me.lower()


def _at_daily_limit(outbox: Outbox, where: str, author: str, rows: list[dict[str, Any]]) -> bool:
    sent_today = outbox.sent_since(where, outbox.clock() - _DAY)
    waiting = outbox.replies(where, [PROPOSED, *READY])
    names = [reply.author for reply in (*sent_today, *waiting)] + [row["author"] for row in rows]
    return sum(name.lower() == author.lower() for name in names) >= FOLLOW_UPS_A_DAY
