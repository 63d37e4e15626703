"""Seeded schedules of faults: whatever goes wrong, nothing is posted twice or forgotten."""

import contextlib
import random
import sqlite3
from collections import Counter

import pytest

from botlib.errors import BotlibError
from botlib.live.client import Client, connect
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import FAILED, GIVEN_UP, POSTED, POSTING, READY
from botlib.live.policy import Limits, Policy
from botlib.live.posting import GRACE, Poster
from botlib.sandbox.server import Sandbox

from .conftest import Clock

BEFORE = ["500", "502", "503", "504", "408", "429", "401", "drop", "hang", "html", "empty"]
REFUSED = ["RATELIMIT", "RATELIMIT-ms", "THREAD_LOCKED", "DELETED_COMMENT", "TOO_OLD", "403", "404"]
AFTER = [f"after:{fault}" for fault in [*BEFORE, "RATELIMIT", "RATELIMIT-ms"]]
READING = ["500", "503", "429", "401", "drop", "html", "404"]


class Killed(BaseException):
    """The process ends here; no handler runs."""


class ShakyOutbox(Outbox):
    """An outbox whose disk is sometimes full, or locked, at the start or the end of a write."""

    trouble = staticmethod(lambda: "")

    @contextlib.contextmanager
    def _transaction(self):
        before, after = self.trouble(), self.trouble()
        with self._clear_errors():
            if before:
                raise sqlite3.OperationalError(before)
        with super()._transaction():
            yield
            if after:
                raise sqlite3.OperationalError(after)


class Schedule:
    """One seeded run: some approved replies, faults for a while, then calm until all is settled."""

    def __init__(self, seed: int, sandbox: Sandbox, clients: list, clock: Clock, path) -> None:
        self.random = random.Random(seed)
        self.sandbox, self.clients, self.clock, self.path = sandbox, clients, clock, path
        self.calm = False
        self.nested = False
        self.faults = Counter()
        self.rates = {
            "write": self.random.choice([0.2, 0.5, 0.9]),
            "read": self.random.choice([0.0, 0.1, 0.3]),
            "kill": self.random.choice([0.0, 0.1, 0.3]),
            "disk": self.random.choice([0.0, 0.0, 0.1]),
            "other": self.random.choice([0.0, 0.3]),
        }
        sandbox.reset()
        sandbox.lag = self.random.choice([0.0, 30.0, GRACE - 1])
        sandbox.faults = self.fault
        sandbox.state.count("requests")
        self.comments = []
        for number in range(self.random.randint(1, 3)):
            post = sandbox.state.add_post("writing", f"Post {number}")
            below = sandbox.state.add_comment(post["name"], "What?", author=f"person{number}")
            self.comments.append((post, below))
        with Outbox(path, clock=self.clock) as outbox:
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
            if self.happens("write"):
                return self.count(self.random.choice([*BEFORE, *AFTER, *AFTER, *REFUSED]))
        elif self.happens("read"):
            return self.count(self.random.choice(READING))
        return None

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
        for _ in range(self.random.randint(1, 4)):
            self.round(self.clients[0])
            self.clock.sleep(self.random.choice([1.0, 70.0, 700.0]))
        self.calm = True
        for _ in range(4):
            with Outbox(self.path, clock=self.clock) as outbox:
                # What a person does after looking why the subreddit was shut
                outbox.execute("DELETE FROM shut")
            self.round(self.clients[0])
            self.clock.sleep(700.0)
            with Outbox(self.path) as outbox:
                if not outbox.replies(states=[*READY, POSTING]):
                    break
        return self.verify()

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
        return Counter(reply.state for reply in replies)


def run_schedules(seeds, tmp_path) -> tuple[Counter, Counter]:
    """Returns how replies ended, and which faults there were."""
    clock = Clock()
    states, faults = Counter(), Counter()
    with Sandbox(clock=clock, hang_seconds=0.6) as sandbox:
        clients = [connect("sandbox", sandbox=sandbox, timeout=20.0) for _ in range(2)]
        for seed in seeds:
            schedule = Schedule(seed, sandbox, clients, clock, tmp_path / f"{seed}.sqlite3")
            states += schedule.run()
            faults += schedule.faults
    return states, faults


def test_no_schedule_posts_twice_or_forgets(tmp_path):
    states, faults = run_schedules(range(60), tmp_path)
    # The faults must bite, and must not be all there is
    assert states[POSTED] > 50
    assert sum(faults.values()) > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_thousand_schedules_post_nothing_twice_and_forget_nothing(tmp_path):
    states, faults = run_schedules(range(1000), tmp_path)
    print(f"1,000 schedules: {dict(states)} after {sum(faults.values())} faults: {dict(faults)}")
    assert states[POSTED] > 1000
    assert set(BEFORE) | set(AFTER) | set(REFUSED) <= set(faults)
