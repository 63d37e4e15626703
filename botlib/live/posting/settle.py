"""Finds out whether a reply whose POST had no clear answer is on Reddit, or asks a person."""

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

# Seconds until a missing reply counts as not posted, since Reddit shows some late; settle_hours
SETTLE = 3600.0
# A killed process may have sent its POST up to this many seconds after recording the intent
SLACK = 120.0
# Clocks may differ by this many seconds
CLOCK_DIFFERENCE = 600.0
# A listing may be in some disorder: the search ends after this many older comments in a row
OLDER_IN_A_ROW = 25
# Reddit lists the newest 1,000 comments of an account, or a little fewer
LISTING_LIMIT = 900
# The most requests for the rest of a long list of replies
MORE_REQUESTS = 8

# Errors that prove that nothing was posted; others may follow an accepted reply
_NEVER = {
    *("THREAD_LOCKED", "TOO_OLD", "DELETED_COMMENT", "DELETED_LINK", "USER_BLOCKED"),
    *("USER_BLOCKED_MESSAGE", "SUBREDDIT_NOEXIST", "SUBREDDIT_NOTALLOWED", "BANNED_FROM_SUBREDDIT"),
}
_BAD_TEXT = {"TOO_LONG", "NO_TEXT", "DOMAIN_BANNED", "COMMENT_GUIDANCE_VALIDATION_FAILED"}
BANS = {"SUBREDDIT_NOTALLOWED", "BANNED_FROM_SUBREDDIT"}
# Refusals that are often temporary: they are final only when they repeat
REFUSALS = (
    prawcore.Forbidden,
    prawcore.NotFound,
    prawcore.TooLarge,
    prawcore.UnavailableForLegalReasons,
)


class _Incomplete(Exception):
    """An answer may lack the reply although it is on Reddit."""


@dataclasses.dataclass(frozen=True)
class Search:
    """The result of a search for our reply.

    Attributes:
      own_reply: None: not found.
      unread: the places that could not be read whole, with the reason.
      errors: Reddit's answers there.
    """

    own_reply: Comment | None = None
    unread: tuple[str, ...] = ()
    errors: tuple[Exception, ...] = ()


def search(reddit: Client, reply: Reply, me: str | None) -> Search:
    """Looks for our reply in the account's comments and in the thread, where they can be read.

    Args:
      reddit: where.
      reply: in state "posting".
      me: the bot's own name.
    """
    unread, errors = [], []
    for place, look in (("our own comments", _in_own_comments), ("the thread", _in_thread)):
        try:
            if own_reply := look(reddit, reply, me or ""):
                return Search(own_reply)
        except _Incomplete as error:
            unread.append(f"{place} ({error})")
        except UNREADABLE as error:
            unread.append(f"{place} ({short(error)})")
            errors.append(error)
    return Search(None, tuple(unread), tuple(errors))


def _in_own_comments(reddit: Client, reply: Reply, me: str) -> Comment | None:
    parent = f"t1_{reply.comment_id}"
    earliest = (reply.sent or 0.0) - CLOCK_DIFFERENCE
    dropped_before, listed, older_in_a_row, unreadable = reddit.things_dropped, 0, 0, 0
    for comment in reddit.redditor(me).comments.new(limit=None):
        listed += 1
        fields = things.comment(comment)
        if fields.get("parent_id") == parent:
            return comment
        created = fields.get("created_utc")
        has_time = isinstance(created, int | float)
        older_in_a_row = older_in_a_row + 1 if has_time and created < earliest else 0
        unreadable += not has_time or not isinstance(fields.get("parent_id"), str)
        if older_in_a_row >= OLDER_IN_A_ROW:
            break
    if unreadable or dropped_before != reddit.things_dropped:
        raise _Incomplete("some of them came in a shape that can't be read")
    if listed >= LISTING_LIMIT and older_in_a_row < OLDER_IN_A_ROW:
        raise _Incomplete(f"the newest {listed} don't go back far enough")
    return None


def _in_thread(reddit: Client, reply: Reply, me: str) -> Comment | None:
    dropped_before = reddit.things_dropped
    comment = reddit.comment(reply.comment_id)
    # With the post set, PRAW needn't fetch the comment first
    post = comment._submission = reddit.submission(reply.post_id)
    comment.reply_sort = "new"
    comment.refresh()
    queue, requests = list(comment.replies), 0
    while queue:
        item = queue.pop(0)
        if isinstance(item, MoreComments):
            if requests == MORE_REQUESTS:
                raise _Incomplete("it has too many replies")
            requests += 1
            # PRAW doesn't set it where a comment is fetched by itself
            item.submission = post
            queue += [
                c
                for c in item.comments(update=False)
                if isinstance(c, MoreComments)
                or things.comment(c).get("parent_id") == comment.fullname
            ]
        elif author_name(things.comment(item)).lower() == me.lower():
            return item
    if dropped_before != reddit.things_dropped:
        raise _Incomplete("some of it came in a shape that can't be read")
    return None


def final_state(error: RedditAPIException) -> str:
    """Returns the state after an error that proves that nothing was posted; else "".

    "given up" is final; "failed" asks a person to change the text. RATELIMIT proves nothing: the
    reply may be on Reddit, and must not be posted again nine minutes later.
    """
    kinds = {item.error_type for item in error.items}
    if not kinds or kinds - _NEVER - _BAD_TEXT:
        return ""
    return GIVEN_UP if kinds & _NEVER else FAILED


def open_questions(outbox: Outbox, site: str) -> list[Reply]:
    """Returns the replies for which only a person can find out whether they are on Reddit."""
    return [reply for reply in outbox.replies(site, [POSTING]) if reply.asks]


def say_posted(outbox: Outbox, reply_id: int, link: str, by: str) -> None:
    """Records that a person found the reply on Reddit.

    Args:
      outbox: the queue.
      reply_id: of the reply.
      link: the reply's permalink, or its id.
      by: the person who looked.

    Raises:
      BotlibError: the link isn't a comment's, or the reply isn't unclear.
    """
    path = link.strip().split("?")[0].rstrip("/")
    match = re.fullmatch(r"(?:.*/)?(?:t1_)?([a-z0-9]{4,12})", path, re.I)
    # /r/writing/comments/POST/title/COMMENT: with fewer parts it is the post's address
    parts = path.partition("/comments/")[2].split("/")
    if not match or ("/" in path and len(parts) < 3):
        raise BotlibError(f"{link!r} isn't a link to a comment: copy the reply's own permalink")
    _unclear_reply(outbox, reply_id)
    outbox.mark_posted(reply_id, match[1].lower(), f"found by {by}")


def say_not_posted(outbox: Outbox, reply_id: int, by: str) -> None:
    """Records that the reply isn't on Reddit; it will be tried again.

    Raises:
      BotlibError: the reply isn't unclear.
    """
    reply = _unclear_reply(outbox, reply_id)
    outbox.release(reply_id, f"not on Reddit, says {by}: {reply.reason.partition(ASK)[0]}")


def _unclear_reply(outbox: Outbox, reply_id: int) -> Reply:
    reply = outbox.get(reply_id)
    if reply.state != POSTING:
        raise BotlibError(f"reply {reply_id} is {reply.state}: there is nothing to settle")
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
    for reply in open_questions(outbox, site):
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
