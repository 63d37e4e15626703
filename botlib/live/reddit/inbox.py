"""Reads the bot's inbox: requests to stop, requests to delete a reply, and bans."""

import re

import pandas as pd
from praw.models import Comment, Message

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.optout import DELETE, STOP, asked_for
from botlib.live.outbox import inbox_log, lookups, optouts
from botlib.live.outbox.queue import Outbox
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

    It reads by time, so a message that a person has read in a browser counts too, and handles each
    message once; see `inbox_log`.

    Args:
      outbox: keeps opt-outs, and which messages were handled.
      reddit: the client; without an account there is no inbox.
      dry_run: deletes nothing, and records no message as handled; opt-outs still count.

    Returns:
      One row a request: author, request, done.

    Raises:
      BotlibError: Reddit can't be read now.
    """
    all_requests: list[tuple[str, str, str]] = []
    if reddit.name is None:
        # A client without an account has no inbox
        return pd.DataFrame(all_requests, columns=_COLUMNS)
    try:
        items = _new_items(outbox, reddit)
    except UNREADABLE as error:
        raise BotlibError(f"the inbox can't be read now ({error}): run this again") from error
    for item in items:
        requests, failed = _handle(outbox, reddit, item, dry_run is not False)
        for author, request, done in requests:
            note("inbox", author=author, request=request, done=done)
        all_requests += requests
        if dry_run is False:
            # Afterwards: what a crash interrupts is read again
            inbox_log.record_item(
                outbox, reddit.site, item.fullname, _created(item), done=not failed
            )
    return pd.DataFrame(all_requests, columns=_COLUMNS)


def _new_items(outbox: Outbox, reddit: Client) -> list[Comment | Message]:
    """The items since the last reading, oldest first; the first time all that Reddit shows."""
    read_since = inbox_log.read_since(outbox, reddit.site)
    items = []
    for item in reddit.inbox.all(limit=None):
        created = _created(item)
        if created and created < read_since:
            break
        items.append(item)
    handled = inbox_log.handled(outbox, reddit.site, [item.fullname for item in items])
    return [item for item in items[::-1] if item.fullname not in handled]


def _created(item: Comment | Message) -> float:
    created = things.message(item).get("created_utc")
    return float(created) if isinstance(created, int | float) else 0.0


def _handle(
    outbox: Outbox, reddit: Client, item: Comment | Message, dry_run: bool
) -> tuple[list[tuple[str, str, str]], bool]:
    """Meets the requests of an item; returns them, and whether some must be tried again."""
    fields = things.message(item)
    author, is_message = author_name(fields), isinstance(item, Message)
    body, subject = str(fields.get("body") or ""), str(fields.get("subject") or "")
    if is_message and (ban := _BANNED.search(f"{subject}\n{body[:1000]}")) and _official(fields):
        name = ban[1]
        if _may_speak_for(fields, name):
            optouts.shut(outbox, reddit.site, name, "we are banned there")
            return [(author or "reddit", "ban", f"r/{name} is shut to the bot")], False
    if not author or author.lower() == (reddit.name or "").lower():
        return [], False
    kinds = asked_for(
        body,
        subject if is_message else "",
        private=is_message,
        to_bot=not is_message and _below_ours(outbox, reddit, item),
    )
    requests, failed = [], False
    if STOP in kinds:
        added = optouts.opt_out(outbox, author, "asked in a comment or message")
        requests.append((author, STOP, "opted out" if added else "had opted out"))
    if DELETE in kinds:
        done, failed = _delete(outbox, reddit, item, author, dry_run)
        requests.append((author, DELETE, done))
    return requests, failed


def _below_ours(outbox: Outbox, reddit: Client, item: Comment) -> bool:
    parent = (things.message(item).get("parent_id") or "").removeprefix("t1_")
    return lookups.is_ours(outbox, reddit.site, parent)


def _official(fields: MessageFields) -> bool:
    """Whether Reddit or moderators wrote a message; moderators may hide the author."""
    name = (fields.get("author") or "").lower()
    return fields.get("distinguished") in ("admin", "moderator") or name in ("", "reddit")


def _may_speak_for(fields: MessageFields, subreddit: str) -> bool:
    """Whether a message may ban from a subreddit: its own moderators', or Reddit's without any."""
    sent_by = (fields.get("subreddit") or "").removeprefix("r/").lower()
    return not sent_by or sent_by == subreddit.lower()


def _delete(
    outbox: Outbox, reddit: Client, item: Comment | Message, author: str, dry_run: bool
) -> tuple[str, bool]:
    """Deletes our replies to a person: the one below which they ask, or all by a message."""
    parent = (things.message(item).get("parent_id") or "").removeprefix("t1_")
    own_replies = [
        reply
        for reply in lookups.posted_to(outbox, reddit.site, author)
        if isinstance(item, Message) or reply.reply_id == parent
    ]
    if dry_run:
        return f"{len(own_replies)} replies (dry run)", False
    failed = ""
    for reply in own_replies:
        try:
            delete_reply(outbox, reddit, reply, f"u/{author} asked")
        except UNREADABLE as error:
            failed = f"; reply {reply.id} can't be deleted now ({short(error)}), tried again"
            note("error", reply=reply.id, reason=f"can't be deleted now: {short(error)}")
    return f"{len(own_replies)} replies{failed}", bool(failed)
