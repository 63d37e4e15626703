"""Approved replies under faults: how many end on Reddit exactly once, ours against plain PRAW.

The peer is the 2020 tutorial's loop with its errors caught: look whether our reply is there, post,
try again in the next round. Both meet the same seeded faults on a local Reddit.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import praw
import prawcore

from benchmarks.report import row, write
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import READY
from botlib.live.policy import Limits, Policy, with_disclosure
from botlib.live.posting.once import Poster
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.client import connect
from botlib.sandbox.server import Sandbox

FAULTS = ("503", "after:503", "after:504", "after:drop", "drop", "after:html", "RATELIMIT", "429")
RATE = 0.3  # of the POSTs
ROUNDS = 8
LAG = 60.0  # seconds until a new reply shows in its thread


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def measure(seed: int, replies: int) -> tuple[float, float]:
    """Returns which share of the replies each of the two posted exactly once."""
    return (
        _share(seed, replies, _ours),
        _share(seed, replies, _plain_praw),
    )


def _share(seed: int, replies: int, post: Callable) -> float:
    clock = Clock()
    with Sandbox(clock=clock) as sandbox, tempfile.TemporaryDirectory() as folder:
        comments = []
        for number in range(replies):
            made = sandbox.state.add_post("writing", f"Post {number}")
            comments.append(sandbox.state.add_comment(made["name"], "Why?", author=f"p{number}"))
        draw = random.Random(seed)
        sandbox.lag = LAG
        sandbox.faults = lambda method, path: (
            draw.choice(FAULTS) if "/api/comment" in path and draw.random() < RATE else None
        )
        post(sandbox, comments, Path(folder), clock)
        counts = sandbox.replies()["comment_id"].value_counts()
        return float((counts == 1).sum()) / replies


def _ours(sandbox: Sandbox, comments: list[dict], folder: Path, clock: Clock) -> None:
    reddit = connect("sandbox", sandbox=sandbox)
    with Outbox(folder / "outbox.sqlite3", clock=clock) as outbox:
        for comment in comments:
            given = {"subreddit": "writing", "author": comment["author"], "reply": "Because."}
            post_id = comment["link_id"].removeprefix("t3_")
            outbox.propose("sandbox", [{**given, "post_id": post_id, "comment_id": comment["id"]}])
        for reply in outbox.replies():
            outbox.approve(reply.id, "a benchmark")
        limits = Limits(per_day=0, per_subreddit_hour=0)
        policy = Policy(
            outbox,
            site="sandbox",
            subreddits="writing",
            stop_switch=folder / "STOP",
            me=reddit.name,
            limits=limits,
        )
        poster = Poster(outbox, reddit, policy)
        for _ in range(ROUNDS * 3):
            poster.settle()
            for reply in outbox.replies("sandbox", READY):
                poster.post(reply, dry_run=False)
            clock.now += 200.0


def _plain_praw(sandbox: Sandbox, comments: list[dict], folder: Path, clock: Clock) -> None:
    reddit = praw.Reddit(
        client_id=sandbox.account.client_id,
        client_secret=sandbox.account.client_secret,
        username=sandbox.account.name,
        password=sandbox.account.password,
        user_agent="linux:botlib-benchmark:v1 (by /u/sandbox_bot)",
        oauth_url=sandbox.url,
        reddit_url=sandbox.url,
        check_for_updates=False,
    )
    waiting = [comment["id"] for comment in comments]
    for _ in range(ROUNDS):
        left = []
        for comment_id in waiting:
            try:
                comment = reddit.comment(comment_id)
                comment.refresh()
                if any(reply.author == sandbox.account.name for reply in comment.replies):
                    continue
                comment.reply(with_disclosure("Because."))
            except UNREADABLE:
                left.append(comment_id)
        waiting = left
        clock.now += 200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    # Both wait between retries in prawcore; what counts here is not the time
    prawcore.sessions.time.sleep = lambda seconds: None
    began = time.perf_counter()
    shares = [measure(seed, arguments.replies) for seed in range(arguments.runs)]
    ours, peer = (statistics.median(column) for column in zip(*shares, strict=True))
    rows = [
        row(
            f"approved replies on Reddit exactly once, {RATE:.0%} of POSTs faulty",
            ours,
            peer,
            "plain PRAW, retried",
            unit="share",
            target=None,
            runs=arguments.runs,
            less_is_better=False,
        )
    ]
    write("live", rows)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
