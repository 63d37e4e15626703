"""Checks the account and a subreddit before posting, and says what Reddit's errors mean."""

import contextlib
import re

import prawcore
from praw.exceptions import PRAWException, RedditAPIException

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox import optouts, refusals
from botlib.live.outbox.queue import Outbox
from botlib.live.reddit import things
from botlib.live.reddit.client import Client

# Seconds to wait where Reddit can't be read, or doesn't say how long
BACKOFF = 60.0

# What reading may raise; PRAW raises Python's own errors for JSON of an unknown shape
UNREADABLE = (
    prawcore.PrawcoreException,
    PRAWException,
    AttributeError,
    AssertionError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    OverflowError,
    # JSON nested without end
    RecursionError,
)


_LOGIN = "the account's own page"


class ShutOut(BotlibError):
    """Reddit has suspended the account, or refuses it everything."""


def check_account(outbox: Outbox, reddit: Client) -> None:
    """Asks Reddit about the account itself: one request.

    A suspension is kept in the outbox, so that `status` says it and nothing is posted; it ends when
    Reddit accepts the account again.

    Raises:
      ShutOut: the account is suspended, or a 403 for its own page has repeated for hours.
    """
    if reddit.name is None:
        return
    try:
        suspended = bool(getattr(reddit.user.me(use_cache=False), "is_suspended", False))
    except prawcore.Forbidden:
        # A single 403 is often temporary
        if not refusals.record(outbox, reddit.site, _LOGIN, "HTTP 403"):
            return
        _shut_out(outbox, reddit, "Reddit refuses the account everything (HTTP 403)")
    except UNREADABLE:
        # The next request of the round says what is wrong
        return
    if suspended:
        _shut_out(outbox, reddit, "Reddit has suspended the account")
    refusals.clear(outbox, reddit.site, _LOGIN)
    optouts.let_in(outbox, reddit.site)


def _shut_out(outbox: Outbox, reddit: Client, reason: str) -> None:
    optouts.shut_out(outbox, reddit.site, reason)
    note("shut out", account=reddit.name, reason=reason)
    raise ShutOut(
        f"u/{reddit.name} is shut out: {reason}. Nothing is posted. Log in at "
        "https://www.reddit.com to see why, appeal at https://www.reddit.com/appeals, then start "
        "the bot again"
    )


def closed(reddit: Client, subreddit: str) -> str:
    """Returns why nothing may be posted to a subreddit, or "": one request.

    Raises:
      PRAW's errors, see UNREADABLE: a subreddit that no longer exists may raise NotFound or
      Redirect.
    """
    about = reddit.subreddit(subreddit)
    # PRAW asks Reddit for an attribute that it doesn't have yet
    if getattr(about, "user_is_banned", False):
        return "we are banned there"
    fields = things.subreddit(about)
    if fields.get("quarantine"):
        return "it is quarantined"
    return "it is over-18" if fields.get("over18") else ""


def wait_asked(error: Exception) -> float:
    """Returns for how many seconds an answer of Reddit's asks us to wait; 0 if it doesn't."""
    if isinstance(error, prawcore.TooManyRequests):
        with contextlib.suppress(TypeError, ValueError):
            # "nan" and "-1" aren't times either
            seconds = float(error.retry_after)
            return min(seconds, optouts.MAX_PAUSE) if seconds > 0 else BACKOFF
        return BACKOFF
    if isinstance(error, RedditAPIException):
        if not any(item.error_type == "RATELIMIT" for item in error.items):
            return 0.0
        match = re.search(r"(\d+) (millisecond|second|minute|hour|day)", str(error))
        if not match:
            return BACKOFF
        units = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86400}
        return min(int(match[1]) * units[match[2]] + 1, optouts.MAX_PAUSE)
    return 0.0


def short(error: Exception) -> str:
    """Returns an error in a few words, without addresses or headers."""
    if isinstance(error, RedditAPIException):
        return ", ".join(item.error_type for item in error.items)
    if isinstance(error, prawcore.ResponseException):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, prawcore.RequestException):
        return type(error.original_exception).__name__
    return type(error).__name__


def why_unread(error: Exception) -> str:
    """Returns why something can't be read, as the rest of a sentence about it."""
    if isinstance(error, prawcore.Redirect | prawcore.NotFound):
        return "doesn't exist"
    if isinstance(error, prawcore.Forbidden):
        return "is private or forbidden to us"
    if isinstance(error, prawcore.TooManyRequests):
        return "can't be read now: Reddit asked us to wait"
    if isinstance(error, prawcore.ResponseException):
        return f"can't be read now (HTTP {error.response.status_code})"
    if isinstance(error, prawcore.RequestException):
        if isinstance(error.original_exception, BotlibError):
            return f"can't be read now: {error.original_exception}"
        return f"can't be read now ({type(error.original_exception).__name__})"
    return f"came in a shape that can't be read ({type(error).__name__})"
