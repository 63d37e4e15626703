"""Reads replies to the bot's own comments, and mentions, that a person may let it answer."""

import dataclasses
from typing import Any

import pandas as pd
from praw.models import Comment

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.optout import asked_for
from botlib.live.outbox import inbox_log, optouts
from botlib.live.outbox.inbox_log import ANSWER, MENTION
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import PROPOSED, READY
from botlib.live.policy import FOLLOW_UPS_A_DAY, allow_list, author_name
from botlib.live.reddit import comments as site
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import Client
from botlib.live.reddit.comments import COMMENTS, SKIPPED, Reading
from botlib.live.reddit.things import MessageFields
from botlib.live.threads import Threads
from botlib.settings import GenerateSettings, PostSettings

# So often the bot goes on in one conversation, after its first reply
DEPTH = 2
# Threads read in one round for this: one request each, or a few
MOST_THREADS = 10
_LATEST = 100
_DAY = 86400.0


def added(
    outbox: Outbox,
    reddit: Client,
    generate: GenerateSettings,
    post: PostSettings,
    reading: Reading,
) -> Reading:
    """Returns a reading with the comments that were made to the bot, where the settings want them.

    They are read from the inbox, whatever `inbox.listen` heeded there, and go the same way as all
    others: judged, queued, approved by a person, checked again before they are sent. Besides, the
    bot goes on at most twice in a conversation, and answers a person at most twice a day.

    Args:
      outbox: what was proposed, posted, refused; who opted out.
      reddit: where; a client that only reads has no inbox.
      generate: `answer_replies`, `answer_mentions`, and how old a comment may be.
      post: the allow-list.
      reading: what was found in the subreddits.

    Raises:
      BotlibError: the inbox can't be read now.
    """
    wanted = [
        kind
        for kind, on in ((ANSWER, generate.answer_replies), (MENTION, generate.answer_mentions))
        if on
    ]
    if not wanted or reddit.name is None:
        return reading
    before = reddit.requests_made
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, ...]] = []
    threads = [reading.threads.comments]
    for kind, item in _new(outbox, reddit, generate, post, wanted)[:MOST_THREADS]:
        fields = things.message(item)
        subreddit, author = str(fields.get("subreddit") or ""), author_name(fields)
        refused, final = "", True
        try:
            post_id = _post_id(reddit, item)
            row, refused, thread = site.read_comment(
                reddit, post_id, item.id, generate, allow_own=True
            )
            refused = refused or _refusal(thread, item.id, reddit.name, kind)
        except (BotlibError, *UNREADABLE) as error:
            # A fault of the hour, perhaps: it is read again in the next round
            post_id, refused, final = "", f"its thread can't be read now: {error}", False
        if not refused and _often(outbox, reddit.site, author, rows):
            refused, final = f"u/{author} got {FOLLOW_UPS_A_DAY} replies today", False
        if final:
            inbox_log.record_follow_up(outbox, reddit.site, item.id, kind, refused)
        if refused:
            skipped.append((subreddit, post_id, item.id, author, refused))
            note("skipped", **dict(zip(SKIPPED, skipped[-1], strict=True)))
            continue
        rows.append(row)
        threads.append(thread.comments)
    if not rows and not skipped:
        return reading
    found = [reading.comments, pd.DataFrame(rows, columns=COMMENTS)]
    return dataclasses.replace(
        reading,
        comments=pd.concat([f for f in found if len(f)] or found[:1], ignore_index=True),
        skipped=pd.concat([reading.skipped, pd.DataFrame(skipped, columns=SKIPPED)]),
        requests=reading.requests + reddit.requests_made - before,
        threads=Threads(pd.concat(threads, ignore_index=True)),
    )


def _new(
    outbox: Outbox,
    reddit: Client,
    generate: GenerateSettings,
    post: PostSettings,
    wanted: list[str],
) -> list[tuple[str, Comment]]:
    """What the inbox holds for us, oldest first, without what its fields alone rule out."""
    places = {name.lower() for name in allow_list(post.allowed_subreddits)}
    known = inbox_log.known_follow_ups(outbox, reddit.site)
    known |= {reply.comment_id for reply in outbox.replies(reddit.site)}
    # Without a limit of age a year of conversations would be dug up
    oldest = outbox.clock() - (generate.max_age_hours * 3600 or _DAY)
    found = []
    try:
        for item in reddit.inbox.all(limit=_LATEST):
            fields = things.message(item)
            created = fields.get("created_utc")
            if not isinstance(item, Comment) or item.id in known or (kind := _kind(fields)) is None:
                continue
            author = author_name(fields)
            if (
                kind in wanted
                and isinstance(created, int | float)
                and created >= oldest
                and author
                and author.lower() != (reddit.name or "").lower()
                and str(fields.get("subreddit") or "").lower() in places
                and not optouts.opted_out(outbox, author)
                # Whoever asks it to stop, or to delete, gets just that
                and not asked_for(str(fields.get("body") or ""), to_bot=True)
            ):
                found.append((kind, item))
    except UNREADABLE as error:
        raise BotlibError(f"the inbox can't be read now ({error}): run this again") from error
    return found[::-1]


def _kind(fields: MessageFields) -> str | None:
    # `type` is newer than `subject`; both say it in English
    said = str(fields.get("type") or fields.get("subject") or "").replace(" ", "_").lower()
    return {"comment_reply": ANSWER, "username_mention": MENTION}.get(said)


def _post_id(reddit: Client, item: Comment) -> str:
    """The post of a comment of the inbox, which doesn't say it itself: one request."""
    if fields := things.info(reddit, [item.fullname]).get(item.fullname):
        return str(fields.get("link_id") or "").removeprefix("t3_")
    raise BotlibError("the comment is gone")


def _refusal(thread: Threads, comment_id: str, me: str, kind: str) -> str:
    """Why the conversation above a comment speaks against an answer, or ""."""
    said = {row["comment_id"]: row for row in thread.comments.to_dict("records")}
    if any(r["parent_id"] == comment_id and _is(r, me) for r in said.values()):
        return "it has an answer of ours"
    above, at = [], said[comment_id]
    while (at := said.get(at["parent_id"])) is not None and len(above) <= len(said):
        above.append(at)
    if kind == ANSWER and not (above and _is(above[0], me)):
        return "it doesn't stand below a comment of ours"
    if sum(_is(row, me) for row in above) > DEPTH:
        return f"the conversation has {DEPTH} more replies of ours already"
    return ""


def _is(row: dict[str, Any], me: str) -> bool:
    return str(row["author"]).lower() == me.lower()


def _often(outbox: Outbox, where: str, author: str, rows: list[dict[str, Any]]) -> bool:
    day = outbox.sent_since(where, outbox.clock() - _DAY)
    waiting = outbox.replies(where, [PROPOSED, *READY])
    names = [reply.author for reply in (*day, *waiting)] + [row["author"] for row in rows]
    return sum(name.lower() == author.lower() for name in names) >= FOLLOW_UPS_A_DAY
