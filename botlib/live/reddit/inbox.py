"""Reads the bot's inbox: who wants no more replies, which reply is to go, who banned the bot."""

import re

import pandas as pd
from praw.models import Comment, Message

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.optout import DELETE, STOP, asked_for
from botlib.live.outbox import inbox_log, optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED
from botlib.live.outcomes import delete_reply
from botlib.live.policy import author_name
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE, short
from botlib.live.reddit.client import Client
from botlib.live.reddit.things import MessageFields

_COLUMNS = ["author", "request", "done"]
_BANNED = re.compile(r"\bbanned from (?:participating in |posting in |posting to )?/?r/(\w+)", re.I)


def listen(outbox: Outbox, reddit: Client, *, dry_run: bool = True) -> pd.DataFrame:
    """Reads the inbox: "stop" opts its writer out, "delete" removes our reply, a ban shuts r/….

    It reads by time, whether or not a person has read a message in a browser meanwhile, and heeds
    each message once; see `inbox_log`.

    Args:
      outbox: where opt-outs are kept, and which messages were heeded.
      reddit: where; a client that only reads hears nothing.
      dry_run: deletes nothing, and remembers no message as heeded; opt-outs count all the same.

    Returns:
      One row a request: author, request, done.

    Raises:
      BotlibError: Reddit can't be read now.
    """
    rows: list[tuple[str, str, str]] = []
    if reddit.name is None:
        # Who only reads has no inbox
        return pd.DataFrame(rows, columns=_COLUMNS)
    try:
        items = _new_items(outbox, reddit)
    except UNREADABLE as error:
        raise BotlibError(f"the inbox can't be read now ({error}): run this again") from error
    for item in items:
        found, failed = _heed(outbox, reddit, item, dry_run is not False)
        for author, request, done in found:
            note("inbox", author=author, request=request, done=done)
        rows += found
        if dry_run is False:
            # After it was heeded: what a crash interrupts is read again
            inbox_log.record_item(
                outbox, reddit.site, item.fullname, _created(item), done=not failed
            )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _new_items(outbox: Outbox, reddit: Client) -> list[Comment | Message]:
    """What came since the last time, oldest first; the first time all that Reddit still shows."""
    since, known = inbox_log.read_since(outbox, reddit.site), inbox_log.handled(outbox, reddit.site)
    items = []
    for item in reddit.inbox.all(limit=None):
        created = _created(item)
        if created and created < since:
            break
        if item.fullname not in known:
            items.append(item)
    return items[::-1]


def _created(item: Comment | Message) -> float:
    created = things.message(item).get("created_utc")
    return float(created) if isinstance(created, int | float) else 0.0


def _heed(
    outbox: Outbox, reddit: Client, item: Comment | Message, dry_run: bool
) -> tuple[list[tuple[str, str, str]], bool]:
    """Does what an item asks; returns what that was, and whether some of it must be tried again."""
    fields = things.message(item)
    author, message = author_name(fields), isinstance(item, Message)
    body, subject = str(fields.get("body") or ""), str(fields.get("subject") or "")
    if message and (banned := _BANNED.search(f"{subject}\n{body[:1000]}")) and _official(fields):
        name = banned[1]
        if _may_speak_for(fields, name):
            optouts.shut(outbox, reddit.site, name, "we are banned there")
            return [(author or "reddit", "ban", f"r/{name} is shut to the bot")], False
    if not author or author.lower() == (reddit.name or "").lower():
        return [], False
    asked = asked_for(
        body,
        subject if message else "",
        private=message,
        to_bot=not message and _below_ours(outbox, reddit, item),
    )
    found, failed = [], False
    if STOP in asked:
        new = optouts.opt_out(outbox, author, "asked in a comment or message")
        found.append((author, STOP, "opted out" if new else "had opted out"))
    if DELETE in asked:
        done, failed = _delete(outbox, reddit, item, author, dry_run)
        found.append((author, DELETE, done))
    return found, failed


def _below_ours(outbox: Outbox, reddit: Client, item: Comment) -> bool:
    parent = (things.message(item).get("parent_id") or "").removeprefix("t1_")
    return any(reply.reply_id == parent for reply in outbox.replies(reddit.site, [POSTED]))


def _official(fields: MessageFields) -> bool:
    """Whether Reddit or moderators wrote a message; PRAW has no author where they hide theirs."""
    name = (fields.get("author") or "").lower()
    return fields.get("distinguished") in ("admin", "moderator") or name in ("", "reddit")


def _may_speak_for(fields: MessageFields, subreddit: str) -> bool:
    """Moderators speak for their own subreddit only; a message from none is Reddit's."""
    sent_by = (fields.get("subreddit") or "").removeprefix("r/").lower()
    return not sent_by or sent_by == subreddit.lower()


def _delete(
    outbox: Outbox, reddit: Client, item: Comment | Message, author: str, dry_run: bool
) -> tuple[str, bool]:
    """Deletes our replies to a person: the one below which they ask, or all by a message."""
    parent = (things.message(item).get("parent_id") or "").removeprefix("t1_")
    own = [
        reply
        for reply in outbox.replies(reddit.site, [POSTED])
        if reply.author.lower() == author.lower()
        and (isinstance(item, Message) or reply.reply_id == parent)
    ]
    if dry_run:
        return f"{len(own)} replies (dry run)", False
    failed = ""
    for reply in own:
        try:
            delete_reply(outbox, reddit, reply, f"u/{author} asked")
        except UNREADABLE as error:
            failed = f"; reply {reply.id} can't be deleted now ({short(error)}), tried again"
            note("error", reply=reply.id, reason=f"can't be deleted now: {short(error)}")
    return f"{len(own)} replies{failed}", bool(failed)
