"""Posts approved replies, each once: records the intent, sends, then checks unclear answers."""

import dataclasses
import time
from collections.abc import Callable

import prawcore
from praw.exceptions import RedditAPIException
from praw.models import Comment

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox import optouts, refusals
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import ASK, FAILED, GIVEN_UP, POSTING, READY, SENDING, Reply
from botlib.live.policy import Policy, with_disclosure
from botlib.live.posting.recheck import GONE, LEFT, Objection, look
from botlib.live.posting.settle import BANS, REFUSALS, SETTLE, SLACK, final_state, search
from botlib.live.reddit import things
from botlib.live.reddit.checks import BACKOFF, UNREADABLE, closed, short, wait_asked
from botlib.live.reddit.client import Client
from botlib.live.reddit.requestor import NotSent, UnknownOutcome
from botlib.live.stopping import Stopped

MAX_ATTEMPTS = 5


@dataclasses.dataclass(frozen=True)
class Decision:
    """The decision about a reply in this run: posted, would post, waits, asks again, unknown…"""

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
      reddit: the client that posts; `reddit.site` says where.
      policy: the rules.
      settle_seconds: how long to look for an unclear POST before a second one; setting
        `settle_hours`.
      max_attempts: the most POSTs for one reply.
      step: called with a name at every step; tests stop the process there.
    """

    def __init__(
        self,
        outbox: Outbox,
        reddit: Client,
        policy: Policy,
        *,
        settle_seconds: float = SETTLE,
        max_attempts: int = MAX_ATTEMPTS,
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        if policy.site != reddit.site:
            raise BotlibError(f"the policy is for the {policy.site} site, not {reddit.site}")
        self.outbox = outbox
        self.reddit = reddit
        self.policy = policy
        self.settle_seconds = settle_seconds
        self.max_attempts = max_attempts
        self.step = step
        self._subreddits: dict[str, str] = {}

    def settle(self) -> list[Decision]:
        """Looks for replies whose POST had no clear answer; returns the decisions."""
        decisions = []
        for reply in self.outbox.replies(self.reddit.site, [POSTING]):
            with self.outbox.poster_lock() as has_lock:
                # The holder of the lock may be in the middle of this POST
                if has_lock and self.outbox.get(reply.id).state == POSTING:
                    decisions.append(self._settle(self.outbox.get(reply.id)))
        return decisions

    def post(self, reply: Reply, *, dry_run: bool, planned: list[Reply] | None = None) -> Decision:
        """Posts one approved reply, or says why not; a dry run sends and changes nothing."""
        if dry_run:
            return self._check_and_send(reply, True, planned or [])
        with self.outbox.poster_lock() as has_lock:
            if not has_lock:
                return self._decide(reply, "waits", "another bot is posting from this workspace")
            reply = self.outbox.get(reply.id)
            if reply.state not in READY:
                return self._decide(reply, "waits", f"it is {reply.state} meanwhile")
            return self._check_and_send(reply, False, [])

    def _check_and_send(self, reply: Reply, dry_run: bool, planned: list[Reply]) -> Decision:
        if expiry := reply.expired(self.outbox.clock(), self.policy.approval_hours):
            return self._apply_objection(reply, Objection(expiry, final=False), dry_run)
        text = with_disclosure(reply.reply)
        verdict = self.policy.check(reply, text, planned)
        if not verdict.allowed:
            return self._refuse(reply, verdict.reason, verdict.again, dry_run)
        self.step("chosen")
        request = f"reading r/{reply.subreddit}"
        try:
            if closed_reason := self._closed(reply.subreddit):
                return self._shut(reply, closed_reason, dry_run)
            request = f"reading t1_{reply.comment_id}"
            objection, own_reply = look(self.reddit, reply, self.policy.me, self.policy.min_score)
        except (prawcore.Forbidden, prawcore.NotFound, prawcore.Redirect) as error:
            return self._refuse_if_repeated(reply, request, short(error), dry_run)
        except UNREADABLE as error:
            self._respect_wait(error)
            again = self.outbox.clock() + BACKOFF
            reason = f"the thread can't be read now: {short(error)}"
            return self._refuse(reply, reason, again, dry_run, not_before=again)
        if own_reply is not None:
            if not dry_run:
                self.outbox.mark_posted(reply.id, own_reply.id, "our reply was there already")
            return self._decide(reply, "posted", "our reply was there already", _link(own_reply))
        if objection and objection.reason in (GONE, LEFT):
            return self._refuse_if_repeated(reply, request, objection.reason, dry_run)
        if objection:
            return self._apply_objection(reply, objection, dry_run)
        if dry_run:
            return self._decide(reply, "would post", "dry run: nothing was sent")
        for answered_request in (f"reading r/{reply.subreddit}", request):
            refusals.clear(self.outbox, reply.site, answered_request)
        # Before the intent: a reply that waits for its turn isn't unclear yet
        self.reddit.wait_for_turn()
        if stopped := self.policy.stopped():
            return self._refuse(reply, stopped, self.outbox.clock(), dry_run)
        self.outbox.mark_sending(reply.id)
        self.step("intent written")
        return self._send(self.outbox.get(reply.id), text)

    def _closed(self, subreddit: str) -> str:
        """Why a subreddit takes no replies of ours; asked once for each subreddit and run."""
        if subreddit not in self._subreddits:
            self._subreddits[subreddit] = closed(self.reddit, subreddit)
        return self._subreddits[subreddit]

    def _shut(self, reply: Reply, why: str, dry_run: bool) -> Decision:
        if not dry_run:
            optouts.shut(self.outbox, reply.site, reply.subreddit, why)
        reason = f"r/{reply.subreddit} is shut to the bot: {why}"
        return self._refuse(reply, reason, self.outbox.clock(), dry_run)

    def _refuse_if_repeated(self, reply: Reply, request: str, why: str, dry_run: bool) -> Decision:
        """Believes a refusal to read when it repeats; until then the reply waits."""
        if not dry_run and refusals.record(self.outbox, reply.site, request, why):
            why = f"{request} was refused {refusals.BELIEVED_AFTER} times: {why}"
            if request.startswith("reading r/"):
                return self._shut(reply, why, dry_run)
            return self._refuse(reply, why, None, dry_run)
        again = self.outbox.clock() + refusals.INTERVAL
        return self._refuse(reply, f"{request}: {why}", again, dry_run, not_before=again)

    def _send(self, reply: Reply, text: str) -> Decision:
        sent_before = self.reddit.replies_sent
        final = ""
        try:
            comment = self.reddit.comment(reply.comment_id).reply(text)
            self.step("answered")
            if isinstance(comment, Comment):
                self.outbox.mark_posted(reply.id, comment.id)
                self.step("recorded")
                for request in (f"posting in r/{reply.subreddit}", f"posting {reply.id}"):
                    refusals.clear(self.outbox, reply.site, request)
                return self._decide(reply, "posted", "", _link(comment))
            why = "Reddit named no comment"
        except (NotSent, Stopped) as error:
            self._take_back(reply, f"not sent: {error}")
            if isinstance(error, Stopped):
                raise
            return self._decide(reply, "waits", f"not sent: {error}")
        except UnknownOutcome as error:
            why = str(error)
        except UNREADABLE as error:
            why = short(error)
            self._respect_wait(error)
            if self.reddit.replies_sent == sent_before:
                # The login failed, for instance
                self._take_back(reply, f"not sent: {why}")
                return self._decide(reply, "waits", f"not sent: {why}")
            if isinstance(error, REFUSALS):
                self._count_refusal(reply, error)
            if isinstance(error, RedditAPIException):
                final = final_state(error)
                if BANS & {item.error_type for item in error.items}:
                    optouts.shut(self.outbox, reply.site, reply.subreddit, f"Reddit says {why}")
        retry_after = self.outbox.clock() + self.settle_seconds
        self.outbox.postpone(reply.id, why, retry_after)
        # Looking takes requests, and a stop must not wait for them
        self.reddit.stop.check()
        return self._settle(self.outbox.get(reply.id), final)

    def _take_back(self, reply: Reply, why: str) -> None:
        """Puts a reply back that was not sent; the try doesn't count."""
        with self.outbox.transaction():
            self.outbox.release(reply.id, why, self.outbox.clock() + BACKOFF)
            self.outbox.execute("UPDATE replies SET attempts = attempts - 1 WHERE id = ?", reply.id)

    def _count_refusal(self, reply: Reply, error: Exception) -> None:
        """Counts refusals, which may be temporary; a 403 that repeats shuts the subreddit."""
        why = short(error)
        refusals.record(self.outbox, reply.site, f"posting {reply.id}", why)
        request = f"posting in r/{reply.subreddit}"
        if isinstance(error, prawcore.Forbidden) and refusals.record(
            self.outbox, reply.site, request, why
        ):
            why = f"{request} was forbidden {refusals.BELIEVED_AFTER} times ({why})"
            optouts.shut(self.outbox, reply.site, reply.subreddit, why)

    def _settle(self, reply: Reply, final: str = "") -> Decision:
        """Finds out whether a POST was carried out.

        Args:
          reply: in state "posting"; its reason is Reddit's answer.
          final: its next state if the answer proves that nothing was posted, else "".
        """
        why = reply.reason.partition(ASK)[0]
        sent_at = reply.sent or 0.0
        # An earlier time belongs to an earlier POST
        retry_after = max(reply.not_before, sent_at + self.settle_seconds)
        if why == SENDING:
            why = "the process ended before Reddit's answer was written down"
            retry_after = sent_at + self.settle_seconds + SLACK
        result = search(self.reddit, reply, self.policy.me)
        for error in result.errors:
            self._respect_wait(error)
        if result.own_reply is not None:
            self.outbox.mark_posted(reply.id, result.own_reply.id, f"found after: {why}")
            self.step("recorded")
            return self._decide(reply, "posted", f"found after: {why}", _link(result.own_reply))
        if final:
            return self._finish(reply, final, why)
        if self.outbox.clock() < retry_after:
            return self._decide(reply, "unknown", f"{why}; looked for until {_time(retry_after)}")
        if result.unread:
            # A second POST needs both places; a person, or a later look, may know more
            reason = f"{why}{ASK}{' and '.join(result.unread)} can't be read"
            self.outbox.postpone(reply.id, reason, retry_after)
            return self._decide(reply, "unknown", reason)
        if refusals.believed(self.outbox, reply.site, f"posting {reply.id}"):
            return self._finish(reply, GIVEN_UP, f"refused {refusals.BELIEVED_AFTER} times: {why}")
        if reply.attempts >= self.max_attempts:
            return self._finish(reply, FAILED, f"{reply.attempts} tries; the last: {why}")
        self.outbox.release(reply.id, f"not posted: {why}")
        return self._decide(reply, "waits", f"not posted, will be tried again: {why}")

    def _finish(self, reply: Reply, state: str, why: str) -> Decision:
        (self.outbox.give_up if state == GIVEN_UP else self.outbox.mark_failed)(reply.id, why)
        return self._decide(reply, state, why)

    def _apply_objection(self, reply: Reply, objection: Objection, dry_run: bool) -> Decision:
        """Gives a reply up, or back to the person who approved it."""
        if objection.final:
            return self._refuse(reply, objection.reason, None, dry_run)
        if not dry_run:
            self.outbox.take_back(reply.id, objection.reason, **objection.current)
        return self._decide(reply, "would ask again" if dry_run else "asks again", objection.reason)

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

    def _respect_wait(self, error: Exception) -> None:
        """Leaves the site alone for as long as it asked."""
        seconds = wait_asked(error)
        if seconds:
            until = self.outbox.clock() + seconds
            optouts.pause(self.outbox, self.reddit.site, until, short(error))

    def _decide(self, reply: Reply, decision: str, reason: str, url: str = "") -> Decision:
        result = Decision(
            reply.id, reply.subreddit, reply.post_id, reply.comment_id, decision, reason, url
        )
        note("post", **dataclasses.asdict(result))
        return result


def _link(comment: Comment) -> str:
    fields = things.comment(comment)
    return fields.get("permalink") or fields.get("context") or ""


def _time(seconds: float) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(seconds))
