"""24 simulated hours, a round every 10 minutes, 5 % of all requests failing."""

import gc
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from botlib.gpt2.decoder import Decoder
from botlib.live import loop
from botlib.live.models import Models
from botlib.live.notice import Notices
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import GIVEN_UP, POSTED
from botlib.live.reddit.client import connect
from botlib.settings import GenerateSettings

from . import small_models
from .test_notice import Webhook

ROUNDS = 144
# Growth after the first three hours; the sandbox's own threads and counts are part of it
MOST_MEGABYTES = 24.0
# As they are seen: refused, lost before and after Reddit did what it was asked, and no JSON
FAULTS = ["500", "503", "429", "drop", "html", "after:503", "after:drop", "after:html", "403"]


def megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_a_day_with_failing_requests_loses_and_doubles_no_reply_and_needs_no_more_memory(
    workspace, sandbox, clock, settings
):
    small_models.fill(workspace)
    models = Models.load(workspace, threads=1)
    luck = random.Random(7)
    faults: Counter[str] = Counter()

    def fault(method: str, path: str) -> str | None:
        faults["requests"] += 1
        if luck.random() >= 0.05:
            return None
        kind = luck.choice(FAULTS)
        faults[kind] += 1
        return kind

    began, memory = clock.now, []
    asked_to_stop = None

    def wait(seconds: float) -> None:
        """The world between two rounds: new threads, and a person who wants to be left alone."""
        nonlocal asked_to_stop
        clock.sleep(seconds)
        hours = (clock.now - began) / 3600
        for subreddit in ("writing", "scifi"):
            number = faults["posts"]
            faults["posts"] += 1
            post = sandbox.state.add_post(
                subreddit, f"Post {number}", author=f"asker{number}", score=90, selftext="Rivers?"
            )
            for n in range(3):
                sandbox.state.add_comment(
                    post["name"], f"Thought {n} on post {number}.", author=f"p{number}x{n}", score=9
                )
        if asked_to_stop is None and hours > 6 and len(answers := sandbox.replies()):
            parent = sandbox.state.get(f"t1_{answers['comment_id'].iloc[0]}")
            asked_to_stop = parent["author"]
            below = f"t1_{answers['reply_id'].iloc[0]}"
            sandbox.state.add_comment(below, "stop", author=asked_to_stop)
        gc.collect()
        memory.append(megabytes())

    post = settings(threshold=0.0, max_per_day=0, max_per_subreddit_hour=0)
    generate = GenerateSettings(
        reddit="sandbox", subreddits="writing,scifi", candidates=3, posts_per_subreddit=2,
        listing="new",
    )  # fmt: skip
    with connect("sandbox", sandbox=sandbox, timeout=20.0) as client:
        # What prawcore waits between tries, and the bot between posts, takes no time here
        client.stop.wait = clock.sleep
        sandbox.faults = fault
        webhook = Webhook()
        webhook.answers = [luck.choice([204, 500, "drop"]) for _ in range(500)]
        ended = loop.run(
            workspace, client, models, generate, post, every=600.0,
            decoder=Decoder(max_tokens=8), wait=wait, clock=clock,
            stop=lambda: clock.now - began >= 86400,
            notices=Notices(workspace.notices, webhook.url, clock=clock),
        )  # fmt: skip
        webhook.close()
        # The day is over; what was left unclear is looked for in a quiet hour
        sandbox.faults = None
        for _ in range(4):
            clock.sleep(3600)
            loop.run(
                workspace, client, models, generate, post, decoder=Decoder(max_tokens=8),
                wait=clock.sleep, clock=clock,
            )  # fmt: skip

    failed = sum(faults[kind] for kind in FAULTS)
    there = sandbox.replies()
    with Outbox(workspace.outbox, clock=clock) as outbox:
        states = Counter(reply.state for reply in outbox.replies())
        posted = {reply.reply_id: reply for reply in outbox.replies("sandbox", [POSTED])}
        given_up = Counter(reply.reason for reply in outbox.replies("sandbox", [GIVEN_UP]))
        opted_out = outbox.execute("SELECT author FROM opted_out")
    growth = memory[-1] - memory[len(memory) // 8]
    print(
        f"{ended} rounds, {faults['requests']:,} requests, {failed} failed "
        f"({failed / faults['requests']:.1%}); {dict(states)}; {len(there)} replies on the site; "
        f"memory {memory[len(memory) // 8]:.0f} MB after three hours, {memory[-1]:.0f} at the end"
    )
    assert ended >= ROUNDS * 0.7, "a failing round waits longer, but the bot goes on"
    assert 0.04 < failed / faults["requests"] < 0.06
    assert len(posted) > 200
    # Nothing doubled, nothing lost: the outbox and the site tell the same
    assert there["comment_id"].is_unique and there["post_id"].is_unique
    assert set(there["reply_id"]) == set(posted)
    assert set(states) <= {POSTED, GIVEN_UP}, states
    assert given_up.total() < 5, given_up
    assert opted_out == [(asked_to_stop,)]
    assert growth < MOST_MEGABYTES, f"{growth:.1f} MB more"
