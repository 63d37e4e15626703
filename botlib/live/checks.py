"""What Reddit says of a subreddit, of its own errors, and of a reply that may be there."""

import contextlib
import re

import prawcore
from praw.exceptions import ClientException, PRAWException, RedditAPIException
from praw.models import Comment

from botlib.live.client import Client
from botlib.live.outbox import optouts
from botlib.live.outbox.schema import Reply
from botlib.live.policy import author_name

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
    """Returns why nothing may be posted to a subreddit, or "": one request."""
    about = reddit.subreddit(subreddit)
    try:
        # PRAW asks Reddit when an attribute isn't there yet
        if getattr(about, "user_is_banned", False):
            return "we are banned there"
    except (prawcore.NotFound, prawcore.Redirect):
        return "it doesn't exist any more"
    if vars(about).get("quarantine"):
        return "it is quarantined"
    return "it is over-18" if vars(about).get("over18") else ""


def find_own_reply(reddit: Client, reply: Reply, me: str | None) -> Comment | None:
    """Looks for our reply to a comment: in our own history, then below the comment."""
    if me is None:
        return None
    parent = f"t1_{reply.comment_id}"
    for own in reddit.redditor(me).comments.new(limit=100):
        if vars(own).get("parent_id") == parent:
            return own
    try:
        return _own_below(reddit, reply, me)
    except (prawcore.NotFound, prawcore.Forbidden, ClientException):
        # The thread went meanwhile; our history, which shows even removed replies, has none
        return None


def _own_below(reddit: Client, reply: Reply, me: str | None) -> Comment | None:
    comment = reddit.comment(reply.comment_id)
    # With the post known, PRAW needn't ask for the comment first
    comment._submission = reddit.submission(reply.post_id)
    comment.reply_sort = "new"
    comment.refresh()
    for below in comment.replies:
        if isinstance(below, Comment) and me and author_name(vars(below)).lower() == me.lower():
            return below
    return None


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
