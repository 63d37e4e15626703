"""Answers of any shape: fields missing, of another type, or unknown; never a crash, never twice."""

import random
from typing import Any

import praw
import pytest

from botlib.errors import BotlibError
from botlib.live import choose, outcomes
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox
from botlib.live.posting import sending
from botlib.live.reddit import inbox
from botlib.live.reddit.comments import read_comments
from botlib.live.reddit.json_shapes import mend
from tests.live.conftest import add_threads, scored_candidates

ODD = [None, "", 0, -1, 2.5, True, [], {}, "[deleted]", "x" * 50, ["t1_x"], {"kind": "t9"}]


def mangled(value: Any, draw: random.Random, rate: float) -> Any:
    """Takes away, or replaces, some of the values in a JSON answer."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if draw.random() >= rate / 2}
        return {k: mangled(v, draw, rate) for k, v in kept.items()}
    if isinstance(value, list):
        return [mangled(item, draw, rate) for item in value]
    return draw.choice(ODD) if draw.random() < rate else value


@pytest.fixture
def mangle(monkeypatch):
    """Makes every answer to PRAW go through `mangled`, from a seed on."""
    original = praw.Reddit.request

    def start(seed: int, rate: float) -> None:
        draw = random.Random(seed)
        monkeypatch.setattr(
            praw.Reddit,
            "request",
            lambda self, **kwargs: mangled(original(self, **kwargs), draw, rate),
        )

    yield start
    monkeypatch.setattr(praw.Reddit, "request", original)


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2])
def test_reading_survives_any_shape(client, sandbox, mangle, rate):
    add_threads(sandbox, posts=4, comments=4)
    read = 0
    for seed in range(40):
        mangle(seed, rate)
        try:
            reading = read_comments(client, "writing,scifi", max_age_hours=0)
        except BotlibError as error:
            assert "r/writing" in str(error)
            continue
        read += len(reading.comments)
        assert reading.comments["comment"].map(lambda text: isinstance(text, str) and text).all()
        assert (reading.comments["comment_score"] > 3).all()
        assert (reading.skipped["reason"] != "").all()
        reading.summary()
    assert read or rate > 0.1


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_posting_survives_any_shape(
    client, sandbox, mangle, workspace, settings, clock, rate, monkeypatch
):
    original = praw.Reddit.request
    for seed in range(12):
        sandbox.reset()
        clock.now = 1.8e9
        workspace.outbox.unlink(missing_ok=True)
        chosen = choose.choose(scored_candidates(add_threads(sandbox)), threshold=0.5)
        with Outbox(workspace.outbox, clock=clock) as outbox:
            rounds.queue(outbox, chosen, client)
            sending.approve_in_sandbox(outbox, client, settings())
            mangle(seed, rate)
            for _ in range(4):
                sending.post_approved(workspace, client, settings(), clock=clock)
                for look in (inbox.listen, outcomes.follow):
                    try:
                        look(outbox, client, dry_run=False)
                    except BotlibError as error:
                        assert "run" in str(error)
                clock.sleep(700)
            monkeypatch.setattr(praw.Reddit, "request", original)
            outbox.execute("DELETE FROM shut")
            # Until an hour has passed and refusals were tried again
            for _ in range(12):
                sending.post_approved(workspace, client, settings(), clock=clock)
                clock.sleep(1300)
            states = [reply.state for reply in outbox.replies()]
        assert sandbox.replies().query("reply != '[deleted]'")["comment_id"].is_unique
        assert set(states) <= {"posted", "given up", "failed"}


def test_mend_keeps_what_is_well_formed(client, sandbox, threads):
    answer = client.request(method="GET", path=f"comments/{threads[0][0]['id']}/")
    again, dropped = mend(answer)
    assert dropped == 0
    assert again == answer


@pytest.mark.parametrize("answer", [None, "", "text", 3, [], {}, {"json": None}, [None], [[]]])
def test_mend_leaves_other_things_alone(answer):
    assert mend(answer) == (answer, 0)
