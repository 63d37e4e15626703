"""Finds out whether a reply is on Reddit whose POST had no clear answer, or asks a person."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import prawcore
from praw.exceptions import RedditAPIException
from praw.models import Comment, MoreComments

from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import ASK, FAILED, GIVEN_UP, POSTING, Reply
from botlib.live.policy import author_name
from botlib.live.reddit import things
from botlib.live.reddit.checks import UNREADABLE, short
from botlib.live.reddit.client import Client
from botlib.terminal import harmless, one_line

# Seconds until "not there" is believed: Reddit shows some new comments late; setting settle_hours
SETTLE = 3600.0
# Of a process that was killed nobody knows when its POST left: at most so long after the intent
SLACK = 120.0
# Clocks differ, and a listing may be in some disorder: so many older comments in a row end it
CLOCKS_DIFFER = 600.0
OLDER = 25
# Reddit lists the newest 1,000 comments of an account, or a little fewer
LISTED = 900
# Requests for the rest of a long list of replies
MORE = 8

# What proves that nothing was posted. Any other error may come after the reply was accepted
_NEVER = {
    *("THREAD_LOCKED", "TOO_OLD", "DELETED_COMMENT", "DELETED_LINK", "USER_BLOCKED"),
    *("USER_BLOCKED_MESSAGE", "SUBREDDIT_NOEXIST", "SUBREDDIT_NOTALLOWED", "BANNED_FROM_SUBREDDIT"),
}
_BAD_TEXT = {"TOO_LONG", "NO_TEXT", "DOMAIN_BANNED", "COMMENT_GUIDANCE_VALIDATION_FAILED"}
BANS = {"SUBREDDIT_NOTALLOWED", "BANNED_FROM_SUBREDDIT"}
# Answers that often pass: they are final only when they repeat
REFUSALS = (
    prawcore.Forbidden,
    prawcore.NotFound,
    prawcore.TooLarge,
    prawcore.UnavailableForLegalReasons,
)


class _Incomplete(Exception):
    """An answer that need not contain the reply even if the reply is on Reddit."""


@dataclasses.dataclass(frozen=True)
class Search:
    """What a look at Reddit found.

    Attributes:
      own: our reply; None: not found.
      unread: the places that could not be read whole, with the reason.
      errors: what Reddit answered there.
    """

    own: Comment | None = None
    unread: tuple[str, ...] = ()
    errors: tuple[Exception, ...] = ()


def search(reddit: Client, reply: Reply, me: str | None) -> Search:
    """Looks for our reply in the account's own comments and in the thread, whichever can be read.

    Args:
      reddit: where.
      reply: in state "posting".
      me: the bot's own name.
    """
    unread, errors = [], []
    for place, look in (("our own comments", _in_own_comments), ("the thread", _in_thread)):
        try:
            if own := look(reddit, reply, me or ""):
                return Search(own)
        except _Incomplete as error:
            unread.append(f"{place} ({error})")
        except UNREADABLE as error:
            unread.append(f"{place} ({short(error)})")
            errors.append(error)
    return Search(None, tuple(unread), tuple(errors))


def _in_own_comments(reddit: Client, reply: Reply, me: str) -> Comment | None:
    parent = f"t1_{reply.comment_id}"
    began = (reply.sent or 0.0) - CLOCKS_DIFFER
    dropped, listed, older, odd = reddit.things_dropped, 0, 0, 0
    for own in reddit.redditor(me).comments.new(limit=None):
        listed += 1
        fields = things.comment(own)
        if fields.get("parent_id") == parent:
            return own
        created = fields.get("created_utc")
        known = isinstance(created, int | float)
        older = older + 1 if known and created < began else 0
        odd += not known or not isinstance(fields.get("parent_id"), str)
        if older >= OLDER:
            break
    if odd or dropped != reddit.things_dropped:
        raise _Incomplete("some of them came in a shape that can't be read")
    if listed >= LISTED and older < OLDER:
        raise _Incomplete(f"the newest {listed} don't go back far enough")
    return None


def _in_thread(reddit: Client, reply: Reply, me: str) -> Comment | None:
    dropped = reddit.things_dropped
    comment = reddit.comment(reply.comment_id)
    # With the post known, PRAW needn't ask for the comment first
    post = comment._submission = reddit.submission(reply.post_id)
    comment.reply_sort = "new"
    comment.refresh()
    waiting, asked = list(comment.replies), 0
    while waiting:
        below = waiting.pop(0)
        if isinstance(below, MoreComments):
            if asked == MORE:
                raise _Incomplete("it has too many replies")
            asked += 1
            # PRAW forgets it where a comment is fetched by itself
            below.submission = post
            waiting += [
                c
                for c in below.comments(update=False)
                if isinstance(c, MoreComments)
                or things.comment(c).get("parent_id") == comment.fullname
            ]
        elif author_name(things.comment(below)).lower() == me.lower():
            return below
    if dropped != reddit.things_dropped:
        raise _Incomplete("some of it came in a shape that can't be read")
    return None


def final_state(error: RedditAPIException) -> str:
    """Returns where a refusal leads that proves that nothing was posted; "" if it proves nothing.

    "given up" is for ever; "failed" asks a person to change the text. RATELIMIT proves nothing
    here: a reply that is there after all must not be posted again nine minutes later.
    """
    kinds = {item.error_type for item in error.items}
    if not kinds or kinds - _NEVER - _BAD_TEXT:
        return ""
    return GIVEN_UP if kinds & _NEVER else FAILED


def asked(outbox: Outbox, site: str) -> list[Reply]:
    """Returns the replies of which only a person can find out whether they are on Reddit."""
    return [reply for reply in outbox.replies(site, [POSTING]) if reply.asks]


def say_posted(outbox: Outbox, reply_id: int, link: str, by: str) -> None:
    """A person found the reply on Reddit.

    Args:
      outbox: the queue.
      reply_id: whose.
      link: the reply's own address (permalink), or its id.
      by: who looked.

    Raises:
      BotlibError: the link names no comment, or the reply isn't in question.
    """
    path = link.strip().split("?")[0].rstrip("/")
    found = re.fullmatch(r"(?:.*/)?(?:t1_)?([a-z0-9]{4,12})", path, re.I)
    # /r/writing/comments/POST/title/COMMENT: with fewer parts it is the post's address
    parts = path.partition("/comments/")[2].split("/")
    if not found or ("/" in path and len(parts) < 3):
        raise BotlibError(f"{link!r} is no link to a comment: copy the reply's own permalink")
    _in_question(outbox, reply_id)
    outbox.mark_posted(reply_id, found[1].lower(), f"found by {by}")


def say_not_posted(outbox: Outbox, reply_id: int, by: str) -> None:
    """A person looked, and the reply isn't on Reddit: it will be tried again.

    Raises:
      BotlibError: the reply isn't in question.
    """
    reply = _in_question(outbox, reply_id)
    outbox.release(reply_id, f"not on Reddit, says {by}: {reply.reason.partition(ASK)[0]}")


def _in_question(outbox: Outbox, reply_id: int) -> Reply:
    reply = outbox.get(reply_id)
    if reply.state != POSTING:
        raise BotlibError(f"reply {reply_id} is {reply.state}: it is clear what became of it")
    return reply


def ask_person(
    outbox: Outbox,
    site: str,
    *,
    by: str,
    ask: Callable[[str], str] = input,
    show: Callable[[str], Any] = print,
) -> int:
    """Asks about each reply that only a person can settle; returns how many were answered."""
    answered = 0
    for reply in asked(outbox, site):
        where = one_line(f"r/{reply.subreddit}: was this reply posted? {reply.permalink}")
        show(f"\n{where}\n  {reply.reply!r}")
        show(f"({one_line(reply.reason.partition(ASK)[0])})")
        try:
            answer = ask("[p]osted  [n]ot posted  [s]kip > ").strip().lower()
            if answer in ("p", "posted"):
                say_posted(outbox, reply.id, ask("the reply's permalink > "), by)
            elif answer in ("n", "not posted"):
                say_not_posted(outbox, reply.id, by)
            else:
                continue
        except EOFError:
            break
        except BotlibError as error:
            show(harmless(str(error)))
            continue
        answered += 1
    return answered
