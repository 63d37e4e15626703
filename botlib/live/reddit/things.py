"""Typed fields of a comment, a post, a message, a rule and a subreddit, as Reddit gives them.

PRAW's objects hold whatever Reddit sent, and ask Reddit for missing attributes. Only this module
looks into them; other modules get plain fields, and a field that Reddit left out is absent.
"""

from collections.abc import Iterable
from typing import Any, TypedDict

from praw.models import Comment, Message, Rule, Submission, Subreddit

from botlib.live.reddit.client import Client


class _Spoken(TypedDict, total=False):
    """Fields of comments, posts and messages; a deleted author is "" or "[deleted]"."""

    id: str
    author: str
    subreddit: str
    created_utc: float
    distinguished: str | None


class _Public(_Spoken, total=False):
    """Fields of comments and posts."""

    score: int | None
    permalink: str
    edited: bool | float
    locked: bool
    archived: bool
    stickied: bool
    removed: bool
    quarantine: bool
    removed_by_category: str | None
    banned_by: str | None


class CommentFields(_Public, total=False):
    """A comment; `context` is its address where an inbox lists it."""

    body: str
    parent_id: str
    link_id: str
    score_hidden: bool
    context: str


class PostFields(_Public, total=False):
    """A post."""

    title: str
    selftext: str
    over_18: bool
    num_comments: int


class MessageFields(_Spoken, total=False):
    """A private message, or a comment as an inbox lists it; `type` says why it is there."""

    body: str
    subject: str
    type: str
    parent_id: str


class RuleFields(TypedDict, total=False):
    """A rule of a subreddit."""

    short_name: str
    description: str


class SubredditFields(TypedDict, total=False):
    """A subreddit; its own description is absent until PRAW has asked for it."""

    quarantine: bool
    over18: bool


def comment(thing: Comment) -> CommentFields:
    """Returns a comment's fields, as far as PRAW has them: no request."""
    return _fields(thing, CommentFields)


def post(thing: Submission) -> PostFields:
    """Returns a post's fields, as far as PRAW has them: no request."""
    return _fields(thing, PostFields)


def message(thing: Message | Comment) -> MessageFields:
    """Returns the fields of what an inbox lists: no request."""
    return _fields(thing, MessageFields)


def rule(thing: Rule) -> RuleFields:
    """Returns a rule's fields: no request."""
    return _fields(thing, RuleFields)


def subreddit(thing: Subreddit) -> SubredditFields:
    """Returns a subreddit's fields, as far as PRAW has them: no request."""
    return _fields(thing, SubredditFields)


def info(reddit: Client, names: Iterable[str]) -> dict[str, CommentFields | PostFields]:
    """Returns comments and posts as they are now, by full name ("t1_…", "t3_…"): one request.

    Raises:
      PRAW's errors, see `checks.UNREADABLE`.
    """
    unique_names = list(dict.fromkeys(names))
    things = reddit.info(fullnames=unique_names) if unique_names else ()
    return {
        thing.fullname: post(thing) if isinstance(thing, Submission) else comment(thing)
        for thing in things
    }


def _fields(thing: Any, shape: Any) -> Any:
    # `getattr` would ask Reddit for a missing attribute
    attributes = vars(thing)
    fields = {name: attributes[name] for name in shape.__optional_keys__ if name in attributes}
    for name in ("author", "subreddit", "banned_by"):
        # PRAW's people and subreddits are their names
        if fields.get(name) is not None and not isinstance(fields[name], bool):
            fields[name] = str(fields[name])
    return fields
