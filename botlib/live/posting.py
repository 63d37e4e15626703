"""Posts approved replies, each once: intent before the POST, a look where no clear answer came."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import prawcore
from praw.exceptions import RedditAPIException
from praw.models import Comment

from botlib.errors import BotlibError
from botlib.live.checks import BACKOFF, UNREADABLE, closed, find_own_reply, short, wait_asked
from botlib.live.client import Client
from botlib.live.events import note
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import FAILED, GIVEN_UP, POSTING, READY, Reply
from botlib.live.policy import Policy, with_disclosure
from botlib.live.recheck import Objection, look
from botlib.live.requestor import UnknownOutcome

# Reddit may show a new comment late; only after so many seconds is "not there" believed
GRACE = 120.0
MAX_ATTEMPTS = 5


class _Closed(Exception):
    """A subreddit that wants no replies of ours."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """What became of a reply in this run: posted, would post, waits, asks again, unknown…"""

    id: int
    subreddit: str
    post_id: str
    comment_id: str
    decision: str
    reason: str
    url: str = ""


class Poster:
    """Posts to one site from one outbox.

    Args:
      outbox: the queue.
      reddit: who posts; `reddit.site` says where.
      policy: what is allowed.
      grace: seconds until a reply that isn't found counts as not posted.
      max_attempts: POSTs for one reply at most.
      step: called with a name at every step; tests stop the process there.
    """

    def __init__(
        self,
        outbox: Outbox,
        reddit: Client,
        policy: Policy,
        *,
        grace: float = GRACE,
        max_attempts: int = MAX_ATTEMPTS,
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        if policy.site != reddit.site:
            raise BotlibError(f"the policy is for the {policy.site} site, not {reddit.site}")
        self.outbox = outbox
        self.reddit = reddit
        self.policy = policy
        self.grace = grace
        self.max_attempts = max_attempts
        self.step = step
        self._subreddits: dict[str, str] = {}

    def settle(self) -> list[Decision]:
        """Looks for replies whose POST had no clear answer; returns what was found out."""
        decisions = []
        for reply in self.outbox.replies(self.reddit.site, [POSTING]):
            with self.outbox.poster_lock() as mine:
                # Whoever holds the lock may be in the middle of that very POST
                if mine and self.outbox.get(reply.id).state == POSTING:
                    decisions.append(self._settle(self.outbox.get(reply.id)))
        return decisions

    def post(self, reply: Reply, *, dry_run: bool, planned: list[Reply] | None = None) -> Decision:
        """Posts one approved reply, or says why not; a dry run sends and changes nothing."""
        if dry_run:
            return self._try(reply, True, planned or [])
        with self.outbox.poster_lock() as mine:
            if not mine:
                return self._decide(reply, "waits", "another bot is posting from this workspace")
            reply = self.outbox.get(reply.id)
            if reply.state not in READY:
                return self._decide(reply, "waits", f"it is {reply.state} meanwhile")
            return self._try(reply, False, [])

    def _try(self, reply: Reply, dry_run: bool, planned: list[Reply]) -> Decision:
        if old := reply.expired(self.outbox.clock(), self.policy.approval_hours):
            return self._object(reply, Objection(old, final=False), dry_run)
        text = with_disclosure(reply.reply)
        verdict = self.policy.check(reply, text, planned)
        if not verdict.allowed:
            return self._refuse(reply, verdict.reason, verdict.again, dry_run)
        self.step("chosen")
        try:
            if closed := self._closed(reply.subreddit):
                raise _Closed(closed)
            against, own = look(self.reddit, reply, self.policy.me, self.policy.min_score)
        except (_Closed, prawcore.Forbidden) as error:
            why = str(error) if isinstance(error, _Closed) else "Reddit forbids reading it"
            if not dry_run:
                optouts.shut(self.outbox, reply.site, reply.subreddit, why)
            reason = f"r/{reply.subreddit} is shut to the bot: {why}"
            return self._refuse(reply, reason, self.outbox.clock(), dry_run)
        except UNREADABLE as error:
            self._heed(error)
            again = self.outbox.clock() + BACKOFF
            reason = f"the thread can't be read now: {short(error)}"
            return self._refuse(reply, reason, again, dry_run, not_before=again)
        if own is not None:
            if not dry_run:
                self.outbox.posted(reply.id, own.id, "our reply was there already")
            return self._decide(reply, "posted", "our reply was there already", _link(own))
        if against:
            return self._object(reply, against, dry_run)
        if dry_run:
            return self._decide(reply, "would post", "dry run: nothing was sent")
        if stopped := self.policy.stopped():
            return self._refuse(reply, stopped, self.outbox.clock(), dry_run)
        self.outbox.begin(reply.id)
        self.step("intent written")
        return self._send(self.outbox.get(reply.id), text)

    def _closed(self, subreddit: str) -> str:
        """Why a subreddit wants no replies of ours; asked once for each and run."""
        if subreddit not in self._subreddits:
            self._subreddits[subreddit] = closed(self.reddit, subreddit)
        return self._subreddits[subreddit]

    def _send(self, reply: Reply, text: str) -> Decision:
        try:
            posted = self.reddit.comment(reply.comment_id).reply(text)
        except UnknownOutcome as error:
            return self._settle(reply, str(error))
        except RedditAPIException as error:
            self._heed(error)
            return self._settle(reply, short(error), final=_final_state(error))
        except prawcore.Forbidden:
            optouts.shut(self.outbox, reply.site, reply.subreddit, "Reddit forbade a reply (403)")
            return self._settle(reply, "Reddit forbade it (403)", final=GIVEN_UP)
        except (prawcore.NotFound, prawcore.TooLarge, prawcore.UnavailableForLegalReasons) as error:
            return self._settle(reply, short(error), final=GIVEN_UP)
        except UNREADABLE as error:
            self._heed(error)
            return self._settle(reply, short(error))
        self.step("answered")
        if not isinstance(posted, Comment):
            return self._settle(reply, "Reddit named no comment")
        self.outbox.posted(reply.id, posted.id)
        self.step("recorded")
        return self._decide(reply, "posted", "", _link(posted))

    def _settle(self, reply: Reply, why: str = "", final: str = "") -> Decision:
        """Finds out whether a POST was carried out.

        Args:
          reply: in state "posting".
          why: what Reddit answered; "" if a process ended before it knew.
          final: the state to go to if it wasn't; "" tries again.
        """
        why = why or reply.reason
        try:
            own = find_own_reply(self.reddit, reply, self.policy.me)
        except UNREADABLE as error:
            self._heed(error)
            if final and isinstance(error, prawcore.Forbidden | prawcore.NotFound):
                return self._end(reply, final, why)
            return self._decide(reply, "unknown", f"{why}; the thread can't be read now")
        if own is not None:
            self.outbox.posted(reply.id, own.id, f"found after: {why}" if why else "")
            self.step("recorded")
            return self._decide(reply, "posted", f"found after: {why}", _link(own))
        if final:
            return self._end(reply, final, why)
        ready = (reply.sent or 0.0) + self.grace
        if self.outbox.clock() < ready:
            return self._decide(reply, "unknown", f"{why}; looked for again after {_time(ready)}")
        if reply.attempts >= self.max_attempts:
            return self._end(reply, FAILED, f"{reply.attempts} tries; the last: {why}")
        self.outbox.release(reply.id, f"not posted: {why}")
        return self._decide(reply, "waits", f"not posted, will be tried again: {why}")

    def _end(self, reply: Reply, state: str, why: str) -> Decision:
        (self.outbox.give_up if state == GIVEN_UP else self.outbox.fail)(reply.id, why)
        return self._decide(reply, state, why)

    def _object(self, reply: Reply, against: Objection, dry_run: bool) -> Decision:
        """Gives a reply up, or back to the person who approved it."""
        if against.final:
            return self._refuse(reply, against.reason, None, dry_run)
        if not dry_run:
            self.outbox.take_back(reply.id, against.reason, **against.seen)
        return self._decide(reply, "would ask again" if dry_run else "asks again", against.reason)

    def _refuse(
        self, reply: Reply, reason: str, again: float | None, dry_run: bool, not_before: float = 0
    ) -> Decision:
        if again is None:
            if not dry_run:
                self.outbox.give_up(reply.id, reason)
            return self._decide(reply, "would give up" if dry_run else "given up", reason)
        if not dry_run:
            self.outbox.postpone(reply.id, reason, not_before)
        return self._decide(reply, "waits", reason)

    def _heed(self, error: Exception) -> None:
        """Leaves the site alone for as long as it asked."""
        seconds = wait_asked(error)
        if seconds:
            until = self.outbox.clock() + seconds
            optouts.pause(self.outbox, self.reddit.site, until, short(error))

    def _decide(self, reply: Reply, decision: str, reason: str, url: str = "") -> Decision:
        made = Decision(
            reply.id, reply.subreddit, reply.post_id, reply.comment_id, decision, reason, url
        )
        note("post", **dataclasses.asdict(made))
        return made


def _final_state(error: RedditAPIException) -> str:
    """What a refusal means: later, never, or a person should look at the text."""
    kinds = {item.error_type for item in error.items}
    if "RATELIMIT" in kinds:
        return ""
    return GIVEN_UP if kinds & _NEVER else FAILED


_NEVER = {
    "THREAD_LOCKED",
    "TOO_OLD",
    "DELETED_COMMENT",
    "DELETED_LINK",
    "USER_BLOCKED",
    "SUBREDDIT_NOEXIST",
}


def _link(comment: Any) -> str:
    return str(vars(comment).get("permalink") or vars(comment).get("context") or "")


def _time(seconds: float) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(seconds))
