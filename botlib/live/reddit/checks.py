"""What Reddit says of a subreddit, and what its errors mean."""

import contextlib
import re

import prawcore
from praw.exceptions import PRAWException, RedditAPIException

from botlib.errors import BotlibError
from botlib.live.outbox import optouts
from botlib.live.reddit import things
from botlib.live.reddit.client import Client

# Seconds to wait where Reddit can't be read, or doesn't say how long
BACKOFF = 60.0

# What reading may raise: PRAW meets shapes it doesn't know with errors of its own making
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


def closed(reddit: Client, subreddit: str) -> str:
    """Returns why nothing may be posted to a subreddit, or "": one request.

    Raises:
      PRAW's errors, see UNREADABLE: one that does not exist any more may be NotFound or Redirect.
    """
    about = reddit.subreddit(subreddit)
    # PRAW asks Reddit when an attribute isn't there yet
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
            # "nan" and "-1" are no times either
            seconds = float(error.retry_after)
            return min(seconds, optouts.MAX_PAUSE) if seconds > 0 else BACKOFF
        return BACKOFF
    if isinstance(error, RedditAPIException):
        if not any(item.error_type == "RATELIMIT" for item in error.items):
            return 0.0
        found = re.search(r"(\d+) (millisecond|second|minute|hour|day)", str(error))
        if not found:
            return BACKOFF
        units = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86400}
        return min(int(found[1]) * units[found[2]] + 1, optouts.MAX_PAUSE)
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
