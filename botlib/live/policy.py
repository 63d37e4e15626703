"""The rules of posting: who is answered, where and how often; and the disclosure line."""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botlib.bots import looks_like_bot
from botlib.errors import BotlibError
from botlib.live.optout.deny import DenyList
from botlib.live.optout.wishes import wants_no_bot
from botlib.live.outbox import inbox_log, optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import Reply

DISCLOSURE = (
    "*I'm a bot: a language model wrote this reply. Answer “stop” and I won't reply to you again; "
    "answer “delete” and I'll remove this.*"
)
# To a person who answered the bot; no setting can raise it
FOLLOW_UPS_A_DAY = 2
MAX_REPLY_CHARS = 10_000  # what Reddit takes, the disclosure included
_HOUR, _DAY = 3600.0, 86400.0

# Names of collections, not of single subreddits
_COLLECTIONS = {
    "all",
    "popular",
    "friends",
    "mod",
    "random",
    "randnsfw",
    "home",
    "subreddits",
    "users",
}
_SUBREDDIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a reply may be posted now.

    Attributes:
      allowed: it may.
      reason: why not; "" if it may.
      again: when to ask again, seconds since 1970; None: never, give the reply up.
    """

    allowed: bool
    reason: str = ""
    again: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """The most replies; 0: no limit."""

    per_post: int = 1
    per_person_day: int = 1
    per_subreddit_hour: int = 1
    per_day: int = 10


def with_disclosure(reply: str) -> str:
    """Returns the reply with the line that says who wrote it, once."""
    if has_disclosure(reply):
        return reply
    return f"{reply.rstrip()}\n\n---\n{DISCLOSURE}"


def has_disclosure(text: str) -> bool:
    """Returns whether a text says that a bot wrote it, and how to opt out."""
    return text.rstrip().endswith(DISCLOSURE)


def allow_list(names: str | Sequence[str]) -> tuple[str, ...]:
    """Returns the subreddits that may be answered in, checked.

    Args:
      names: a sequence, or one text with commas.

    Raises:
      BotlibError: a name is a collection's ("all") or can't be a subreddit's.
    """
    parts = names.split(",") if isinstance(names, str) else names
    checked = []
    for part in parts:
        name = part.strip().strip("/").removeprefix("r/")
        if not name:
            continue
        if name.lower() in _COLLECTIONS or name.lower().startswith("u_"):
            raise BotlibError(
                f"allowed_subreddits: r/{name} isn't a single subreddit; name each subreddit"
            )
        if not _SUBREDDIT.fullmatch(name):
            raise BotlibError(f"allowed_subreddits: {name!r} can't be the name of a subreddit")
        checked.append(name)
    return tuple(dict.fromkeys(checked))


def unanswerable(comment: Mapping[str, Any], post: Mapping[str, Any], me: str | None) -> str:
    """Returns why a comment may never be answered, or "".

    Args:
      comment: its fields as Reddit gives them; a missing one is harmless, but for author and body.
      post: the fields of its post.
      me: the bot's own name.
    """
    author = author_name(comment)
    body = comment.get("body")
    if not author:
        return "its author is gone"
    if not isinstance(body, str) or not body.strip():
        return "it has no text"
    if body.strip().lower() in ("[deleted]", "[removed]"):
        return f"it was {body.strip().lower()[1:-1]}"
    if me and author.lower() == me.lower():
        return "it is our own comment"
    if looks_like_bot(author, body):
        return f"u/{author} looks like a bot"
    for name, thing in (("the comment", comment), ("the post", post)):
        for field in ("locked", "archived", "stickied", "distinguished", "removed", "quarantine"):
            if thing.get(field):
                return f"{name} is {_ADJECTIVES.get(field, field)}"
        if thing.get("removed_by_category") or thing.get("banned_by"):
            return f"{name} was removed"
    if wants_no_bot(f"{post.get('title') or ''}\n{post.get('selftext') or ''}\n{body}"):
        return "it, or its post, asks bots to keep out"
    if post.get("over_18"):
        return "the post is over-18"
    if post.get("selftext") in ("[removed]", "[deleted]"):
        return f"the post was {post['selftext'][1:-1]}"
    return ""


_ADJECTIVES = {"quarantine": "quarantined", "distinguished": "a moderator's or admin's"}


def author_name(thing: Mapping[str, Any]) -> str:
    """Returns the author's name, or "" where there is none any more."""
    author = thing.get("author")
    name = "" if author is None else str(getattr(author, "name", author))
    return "" if name in ("[deleted]", "[removed]", "None") else name


class Policy:
    """The rules that a reply must pass before it is sent; only `limits` can be widened.

    Args:
      outbox: knows what was posted, who opted out, which subreddits are shut.
      site: where replies are posted.
      subreddits: the allow-list.
      stop_switch: a file; while it exists nothing is posted.
      deny_list: a file of people and subreddits never answered; see `deny.DenyList`.
      me: the bot's own name.
      limits: how often.
      approval_hours: how long an approval counts; 0: for ever.
      min_score: a comment needs a score above this when it is answered; None: any will do.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        site: str,
        subreddits: str | Sequence[str],
        stop_switch: Path,
        deny_list: Path | None = None,
        me: str | None = None,
        limits: Limits | None = None,
        approval_hours: float = 48.0,
        min_score: int | None = None,
    ) -> None:
        self.outbox = outbox
        self.site = site
        self.subreddits = allow_list(subreddits)
        self.stop_switch = Path(stop_switch)
        self.deny_list = deny_list
        self.me = me
        self.limits = limits or Limits()
        self.approval_hours = approval_hours
        self.min_score = min_score

    def stopped(self) -> str:
        """Returns why nothing at all may be posted, or ""."""
        # A dangling link counts too
        if os.path.lexists(self.stop_switch):
            return f"the stop switch is on: delete {self.stop_switch} or run `botlib start`"
        if not self.subreddits:
            return "no subreddit is allowed: set allowed_subreddits"
        if reason := optouts.shut_out_reason(self.outbox, self.site):
            return f"the account is shut out: {reason}"
        try:
            DenyList.read(self.deny_list)
        except BotlibError as error:
            return str(error)
        return ""

    def check(self, reply: Reply, text: str, planned: Sequence[Reply] = ()) -> Verdict:
        """Returns whether a reply may be posted now.

        Args:
          reply: the outbox's row.
          text: what would be sent, disclosure included.
          planned: replies that a dry run counts as posted.
        """
        now = self.outbox.clock()
        if reason := self.stopped():
            return Verdict(False, reason, again=now)
        until, reason = optouts.paused(self.outbox, self.site)
        if until:
            return Verdict(False, f"Reddit asked to wait: {reason}", again=until)
        if reason := self._never(reply):
            return Verdict(False, reason)
        if reason := self._not_now(reply, text):
            return Verdict(False, reason, again=now)
        return self._frequency(reply, planned, now)

    def _not_now(self, reply: Reply, text: str) -> str:
        """Why a reply must wait until a person changes something, or ""."""
        if reply.site != self.site:
            return f"it was proposed for the {reply.site} site"
        if not reply.approved_by:
            return "nobody approved it"
        if self.site != "sandbox" and reply.approved_by == SANDBOX_APPROVAL:
            return "no person approved it"
        if reply.subreddit.lower() not in {name.lower() for name in self.subreddits}:
            return f"r/{reply.subreddit} is not on the allow-list"
        if not has_disclosure(text):
            return "it doesn't say that a bot wrote it"
        if len(text) > MAX_REPLY_CHARS:
            return f"{len(text)} characters are more than Reddit takes ({MAX_REPLY_CHARS})"
        if not text.removesuffix(DISCLOSURE).strip().strip("-").strip():
            return "it is empty"
        if reason := DenyList.read(self.deny_list).reason(reply.author, reply.subreddit):
            return reason
        if reason := optouts.shut_reason(self.outbox, self.site, reply.subreddit):
            return f"r/{reply.subreddit} is shut to the bot: {reason}"
        return ""

    def _never(self, reply: Reply) -> str:
        """Why a reply may never be posted, or ""."""
        if self.me and reply.author.lower() == self.me.lower():
            return "it answers our own comment"
        if reply.author and looks_like_bot(reply.author):
            return f"u/{reply.author} looks like a bot"
        if reply.author and optouts.opted_out(self.outbox, reply.author):
            return f"u/{reply.author} opted out"
        return ""

    def _frequency(self, reply: Reply, planned: Sequence[Reply], now: float) -> Verdict:
        limits = self.limits
        if inbox_log.follow_up_kind(self.outbox, self.site, reply.comment_id) == inbox_log.ANSWER:
            # It is below a reply of ours, so its post has one already
            limits = dataclasses.replace(limits, per_post=0, per_person_day=FOLLOW_UPS_A_DAY)
        sent_today = [r for r in self.outbox.sent_since(self.site, now - _DAY) if r.id != reply.id]
        posted, pending = self.outbox.count_for_post(self.site, reply.post_id, excluded_id=reply.id)
        posted += sum(other.post_id == reply.post_id for other in planned)
        if limits.per_post and posted >= limits.per_post:
            return Verdict(False, f"the post has {posted} of our replies already")
        if limits.per_post and posted + pending >= limits.per_post:
            return Verdict(False, "another reply to the post may be on Reddit", again=now)
        author = reply.author.lower()
        subreddit = reply.subreddit.lower()
        for limit, window, scope, applies_to in (
            (limits.per_day, _DAY, "a day in all", lambda r: True),
            (limits.per_person_day, _DAY, f"a day to u/{reply.author}",
             lambda r: author and r.author.lower() == author),
            (limits.per_subreddit_hour, _HOUR, f"an hour in r/{reply.subreddit}",
             lambda r: r.subreddit.lower() == subreddit),
        ):  # fmt: skip
            times = [r.sent for r in sent_today if r.sent >= now - window and applies_to(r)]
            times += [now for r in planned if applies_to(r)]
            if limit and len(times) >= limit:
                return Verdict(False, f"limit of {limit} {scope}", again=min(times) + window + 1)
        return Verdict(True)


# `approved_by` where a setting approved; posting to the live site refuses it
SANDBOX_APPROVAL = "setting approve=sandbox"
