"""A sandbox with a few threads, PRAW connected to it, and candidate replies with scores."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

from botlib.live.outbox.queue import Outbox
from botlib.live.reddit.client import Client, connect
from botlib.sandbox.server import Sandbox
from botlib.settings import PostSettings
from botlib.workspace import Workspace


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, hang_seconds=5.0) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with connect("sandbox", sandbox=sandbox, timeout=20.0) as reddit:
        yield reddit


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """prawcore waits between retries; here nobody does."""
    monkeypatch.setattr("prawcore.sessions.time.sleep", lambda seconds: None)
    monkeypatch.setattr("praw.reddit.time.sleep", lambda seconds: None)


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests end processes, not machines: what the system holds in memory is safe enough."""
    monkeypatch.setattr(Outbox, "synchronous", "OFF")


@pytest.fixture
def outbox(workspace: Workspace, clock: Clock) -> Iterator[Outbox]:
    with Outbox(workspace.outbox, clock=clock) as opened:
        yield opened


@pytest.fixture
def threads(sandbox: Sandbox) -> list[tuple[dict, list[dict]]]:
    return add_threads(sandbox)


def add_threads(sandbox: Sandbox, posts: int = 3, comments: int = 3) -> list[tuple[dict, list]]:
    """Posts in r/writing and r/scifi, each with comments of other people."""
    made = []
    for number in range(posts):
        subreddit = ("writing", "scifi")[number % 2]
        post = sandbox.state.add_post(
            subreddit,
            f"Post {number}",
            selftext="Rivers?",
            author=f"asker{number}",
            score=90 - number,
        )
        below = [
            sandbox.state.add_comment(
                post["name"], f"Thought {n} on post {number}.", author=f"p{number}{n}", score=9 - n
            )
            for n in range(comments)
        ]
        made.append((post, below))
    return made


@pytest.fixture
def settings() -> Callable[..., PostSettings]:
    """Makes settings that post at once, to r/writing and r/scifi of the sandbox."""

    def make(**changes) -> PostSettings:
        values = {
            "reddit": "sandbox",
            "allowed_subreddits": "writing,scifi",
            "approve": "sandbox",
            "dry_run": False,
            "max_per_subreddit_hour": 0,
            "min_pause_minutes": 0,
            "max_pause_minutes": 0,
        }
        return PostSettings(**{**values, **changes})

    return make


@pytest.fixture
def scored(threads) -> pd.DataFrame:
    """Three candidates for each comment, with scores as the two classifiers give them."""
    return scored_candidates(threads)


def scored_candidates(threads) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = []
    for post, comments in threads:
        for comment, sample in itertools.product(comments, range(3)):
            ratings = random.dirichlet(np.ones(4))
            rows.append(
                {
                    "subreddit": post["subreddit"],
                    "post_id": post["id"],
                    "title": post["title"],
                    "post_score": post["score"],
                    "comment_id": comment["id"],
                    "comment_score": comment["score"],
                    "comment": comment["body"],
                    "sample": sample,
                    "proposed_reply": f"Reply {sample} to what {comment['author']} said 😀 שלום.",
                    "log_prob": -1.0 - sample,
                    "prob_real": random.uniform(0.5, 1.0),
                    **{f"prob_rating_{rating}": p for rating, p in enumerate(ratings)},
                }
            )
    return pd.DataFrame(rows)
