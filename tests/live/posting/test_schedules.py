"""Seeded schedules of faults: no reply is posted twice, lost, or recorded as what it is not.

Reddit as FACTS and its documentation have it: an answer may be lost, late or unknown after the
reply was accepted; a reply may show up to an hour late; the thread, the account's own comments or
both may be unreadable. PRAW is the real one, over HTTP; the process may end between any two steps.
"""

import contextlib
import random
import signal
import sqlite3
import time
from collections import Counter

import pytest

from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import FAILED, GIVEN_UP, POSTED, POSTING, READY
from botlib.live.policy import Limits, Policy
from botlib.live.posting.once import Poster
from botlib.live.posting.settle import SETTLE, SLACK, open_questions, say_not_posted, say_posted
from botlib.live.reddit.client import Client, connect
from botlib.sandbox.server import Sandbox
from tests.live.conftest import Clock
from tests.live.outbox.test_queue import approve_some, start_bot

NO_ANSWER = ["500", "502", "503", "504", "520", "408", "401", "drop", "hang", "html", "empty"]
PASSING = ["429", "429 inf", "403", "404", "413", "451", "RATELIMIT", "RATELIMIT-ms", "deep990"]
# Reddit's list grows; what these mean nobody knows
UNKNOWN = ["SOMETHING_IS_BROKEN", "INTERNAL_ERROR", "COMMENT_NOT_ACCESSIBLE"]
BEFORE = [*NO_ANSWER, *PASSING, *UNKNOWN]
AFTER = [f"after:{fault}" for fault in [*NO_ANSWER, *UNKNOWN, "429", "403", "404", "deep990"]]
PROOF = ["THREAD_LOCKED", "DELETED_COMMENT", "TOO_OLD", "TOO_LONG"]
READING = ["500", "503", "429", "401", "403", "404", "drop", "html", "deep990"]
LAGS = [0.0, 0.0, 30.0, 150.0, 600.0, 1800.0, 3599.0]


class Killed(BaseException):
    """The process ends here; no handler runs."""


class ShakyOutbox(Outbox):
    """An outbox whose disk is sometimes full, or locked, at the start or the end of a write."""

    trouble = staticmethod(lambda: "")

    @contextlib.contextmanager
    def transaction(self):
        before, after = self.trouble(), self.trouble()
        with self._clear_errors():
            if before:
                raise sqlite3.OperationalError(before)
        with super().transaction():
            yield
            if after:
                raise sqlite3.OperationalError(after)


class Schedule:
    """One seeded run: some approved replies, faults for a while, then calm until all is settled."""

    def __init__(self, seed: int, sandbox: Sandbox, clients: list, clock: Clock, path) -> None:
        self.random = random.Random(seed)
        self.sandbox, self.clients, self.clock, self.path = sandbox, clients, clock, path
        self.calm = self.nested = False
        self.faults = Counter()
        self.rates = {
            "write": self.random.choice([0.2, 0.5, 0.9]),
            "read": self.random.choice([0.0, 0.0, 0.1, 0.3]),
            "kill": self.random.choice([0.0, 0.1, 0.3]),
            "disk": self.random.choice([0.0, 0.0, 0.1]),
            "other": self.random.choice([0.0, 0.3]),
        }
        # One place may stay shut for the whole schedule: a person must be asked
        self.unreadable = self.random.choice(["", "", "", "", "thread", "own", "both"])
        sandbox.reset()
        sandbox.faults = self.fault
        if self.random.random() < 0.3:
            sandbox.disorder = lambda things: self.random.sample(things, len(things))
        else:
            sandbox.disorder = lambda things: things
        self.comments = []
        for number in range(self.random.randint(1, 3)):
            post = sandbox.state.add_post("writing", f"Post {number}")
            below = sandbox.state.add_comment(post["name"], "What?", author=f"person{number}")
            self.comments.append((post, below))
        with Outbox(path, clock=clock) as outbox:
            for post, comment in self.comments:
                row = ("writing", post["id"], comment["id"], comment["author"], "Because.")
                names = ("subreddit", "post_id", "comment_id", "author", "reply")
                outbox.propose("sandbox", [dict(zip(names, row, strict=True))])
            for reply in outbox.replies():
                outbox.approve(reply.id, "a test")

    def happens(self, what: str) -> bool:
        return not self.calm and self.random.random() < self.rates[what]

    def fault(self, method: str, path: str) -> str | None:
        if method == "POST" and path.startswith("/api/comment"):
            self.sandbox.lag = self.random.choice(LAGS)
            if self.happens("write"):
                return self.count(
                    self.random.choice([*BEFORE, *AFTER, *AFTER, *(PROOF if self.lucky() else [])])
                )
            return None
        tried = self.sandbox.counts.get("POST /api/comment", 0)
        # The first look must succeed, or nothing is ever sent
        if self.unreadable in ("thread", "both") and path.startswith("/comments/") and tried:
            return self.count(self.random.choice(["403", "404", "503"]))
        if self.unreadable in ("own", "both") and path.endswith("/comments/") and "/user/" in path:
            return self.count(self.random.choice(["403", "404", "503"]))
        return self.count(self.random.choice(READING)) if self.happens("read") else None

    def lucky(self) -> bool:
        return self.random.random() < 0.2

    def count(self, what: str) -> str:
        self.faults[what] += 1
        return what

    def step(self, name: str) -> None:
        if self.happens("kill"):
            self.count(f"kill at {name}")
            raise Killed
        if self.happens("other") and not self.nested:
            # A second bot does its whole round in the middle of this one's step
            self.nested = True
            try:
                self.round(self.clients[1])
            finally:
                self.nested = False

    def disk(self) -> str:
        full, locked = "database or disk is full", "database is locked"
        return self.count(self.random.choice([full, locked])) if self.happens("disk") else ""

    def round(self, client: Client) -> None:
        outbox = None
        # Only faults may time out, not a busy machine
        client._core.requestor.timeout = 20.0 if self.calm else 0.5
        try:
            outbox = ShakyOutbox(self.path, clock=self.clock)
            outbox.trouble = self.disk
            policy = Policy(
                outbox,
                site="sandbox",
                subreddits="writing",
                stop_switch=self.path.with_name("STOP"),
                me=client.name,
                limits=Limits(per_subreddit_hour=0, per_day=0),
            )
            poster = Poster(outbox, client, policy, step=self.step)
            poster.settle()
            for reply in outbox.replies("sandbox", READY):
                if reply.not_before <= self.clock():
                    poster.post(reply, dry_run=False)
        except Killed:
            if self.nested:
                raise
        except BotlibError as error:
            assert "outbox" in str(error)
        finally:
            if outbox is not None:
                outbox.close()

    def run(self) -> Counter:
        for _ in range(self.random.randint(2, 6)):
            self.round(self.clients[0])
            self.clock.sleep(self.random.choice([1.0, 70.0, 700.0, 3700.0]))
        self.calm = True
        self.settle()
        ended = Counter()
        with Outbox(self.path, clock=self.clock) as outbox:
            questions = open_questions(outbox, "sandbox")
            ended["a person was asked"] = len(questions)
            assert not questions or self.unreadable
            # The person looks, as the site is now, and says what they see
            there = {row.comment_id: row.url for row in self.sandbox.replies().itertuples()}
            for reply in questions:
                if reply.comment_id in there:
                    say_posted(outbox, reply.id, there[reply.comment_id], "a person")
                else:
                    say_not_posted(outbox, reply.id, "a person")
        if self.unreadable:
            self.unreadable = ""
            self.settle()
        return ended + self.verify()

    def settle(self) -> None:
        for _ in range(14):
            with Outbox(self.path, clock=self.clock) as outbox:
                # What a person does after looking why the subreddit was shut
                outbox.execute("DELETE FROM shut")
                if not outbox.replies(states=[*READY, POSTING]):
                    return
            self.round(self.clients[0])
            self.clock.sleep(1300.0)

    def verify(self) -> Counter:
        written = self.sandbox.replies()
        assert written["comment_id"].is_unique, "a comment was answered twice"
        with Outbox(self.path) as outbox:
            replies = outbox.replies()
        assert len(replies) == len(self.comments), "an approved reply was forgotten"
        on_reddit = dict(zip(written["comment_id"], written["reply_id"], strict=True))
        for reply in replies:
            assert reply.state in (POSTED, GIVEN_UP, FAILED), f"stuck: {reply}"
            assert (reply.state == POSTED) == (reply.comment_id in on_reddit), reply
            assert reply.state != POSTED or on_reddit[reply.comment_id] == reply.reply_id
            assert reply.state == POSTED or reply.reason
            assert "about to be sent" not in reply.reason
        return Counter(reply.state for reply in replies)


def run_schedules(seeds, tmp_path) -> tuple[Counter, Counter]:
    """Returns how replies ended, and which faults there were."""
    clock = Clock()
    states, faults = Counter(), Counter()
    with Sandbox(clock=clock, hang_seconds=0.6) as sandbox:
        clients = [connect("sandbox", sandbox=sandbox, timeout=20.0) for _ in range(2)]
        for seed in seeds:
            schedule = Schedule(seed, sandbox, clients, clock, tmp_path / f"{seed}.sqlite3")
            try:
                states += schedule.run()
            except AssertionError as error:
                raise AssertionError(f"schedule {seed}: {error}") from error
            faults += schedule.faults
    return states, faults


def test_no_schedule_posts_twice_loses_or_records_what_is_not_so(tmp_path):
    states, faults = run_schedules(range(100), tmp_path)
    # The faults must bite, and must not be all there is
    assert states[POSTED] > 50
    assert states["a person was asked"] > 0
    assert sum(faults.values()) > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_thousand_schedules_post_nothing_twice_and_lose_nothing(tmp_path):
    states, faults = run_schedules(range(1000), tmp_path)
    print(f"1,000 schedules: {dict(states)} after {sum(faults.values())} faults: {dict(faults)}")
    assert states[POSTED] > 1000
    assert set(BEFORE) | set(AFTER) <= set(faults)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_real_processes_killed_anywhere_post_once(sandbox, workspace, seed):
    """Two bots at once, kill -9 at some step, lost answers, and replies that show late."""
    draw = random.Random(seed)
    ahead = 0.0
    sandbox.clock = lambda: time.time() + ahead
    sandbox.reset()
    approve_some(sandbox, workspace, posts=3)
    fatal = ["chosen", "intent written", "answered", "recorded", ""]

    def fault(method, path):
        if method == "POST" and path.startswith("/api/comment"):
            sandbox.lag = draw.choice(LAGS)
            return draw.choice([None, "after:503", "503", "after:drop", "after:SOMETHING_NEW"])
        return None

    sandbox.faults = fault
    for _ in range(3):
        bots = [start_bot(sandbox, workspace, draw.choice(fatal), ahead) for _ in range(2)]
        for bot in bots:
            bot.communicate(timeout=300)
            assert bot.returncode in (0, -signal.SIGKILL)
        ahead += draw.choice([60.0, 700.0, 3000.0])
    sandbox.faults = None
    for _ in range(4):
        last = start_bot(sandbox, workspace, ahead=ahead)
        last.communicate(timeout=300)
        assert last.returncode == 0
        ahead += SETTLE + SLACK + 1
    written = sandbox.replies()
    assert written["comment_id"].is_unique
    with Outbox(workspace.outbox) as outbox:
        assert {reply.state for reply in outbox.replies()} == {POSTED}
        recorded = {reply.comment_id: reply.reply_id for reply in outbox.replies()}
    assert recorded == dict(zip(written["comment_id"], written["reply_id"], strict=True))
