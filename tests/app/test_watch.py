"""What a person sees of the bot, and that STOP on the page is the bot's own stop switch."""

import json
import os
import socket

import pytest

from botlib.errors import BotlibError
from botlib.live import heartbeat, loop
from botlib.live.heartbeat import Heartbeat
from botlib.live.models import Models
from botlib.live.outbox import optouts
from botlib.settings import PostSettings


@pytest.fixture
def post():
    return PostSettings(reddit="sandbox", dry_run=False, allowed_subreddits="writing")


def watched(browser):
    return browser.get("/api/watch").json


def test_before_the_first_round_the_page_says_how_to_begin(browser):
    said = watched(browser)
    assert said["headline"] == "Not running"
    assert "python -m botlib bot --workspace workspace --every 10m" in said["why"]
    assert dict(said["facts"])["wait for you"] == "3"


def test_stop_on_the_page_is_the_bots_stop_switch(browser, site):
    assert browser.post("/api/watch/stop").json["headline"] == "Stopped"
    assert "by ann on the page" in site.workspace.stop_switch.read_text()
    assert "by ann" in watched(browser)["why"]
    assert browser.post("/api/watch/start").json["stopped"] is False
    assert not site.workspace.stop_switch.exists()


def test_a_running_bot_its_rounds_and_what_reddit_still_allows(browser, site, post):
    with site.reddit() as reddit:
        heart = Heartbeat(site.workspace, reddit, post)
        heart.begins()
        assert watched(browser)["headline"] == "Running"
        with site.outbox() as outbox:
            outbox.propose("sandbox", [{"subreddit": "writing", "post_id": "p9", "comment_id": "c9",
                                        "reply": "So."}])  # fmt: skip
        heart.rests(600)
    said = watched(browser)
    assert "the next round begins in 10 min" in said["why"]
    (newest,) = said["rounds"]
    assert (newest["proposed"], newest["posted"], newest["error"]) == (1, 0, "")
    facts = dict(said["facts"])
    assert facts["posted in 24 h"] == "0 of 10"
    assert int(facts["requests left"]) > 0


def test_a_round_that_failed_says_why(browser, site, post):
    with site.reddit() as reddit:
        heart = Heartbeat(site.workspace, reddit, post)
        heart.begins()
        heart.rests(60, "Reddit can't be read now")
    said = watched(browser)
    assert said["headline"] == "Running, with errors"
    assert "Reddit can't be read now" in said["why"]


def test_a_bot_that_was_killed_is_not_called_running(browser, site, post):
    with site.reddit() as reddit:
        Heartbeat(site.workspace, reddit, post).begins()
    with site.outbox() as outbox:
        (said,) = outbox.execute("SELECT value FROM about WHERE key = 'bot: sandbox'")[0]
        gone = json.loads(said) | {"pid": 2**22 + 1}
        outbox.execute("UPDATE about SET value = ? WHERE key = 'bot: sandbox'", json.dumps(gone))
        assert heartbeat.read(outbox, "sandbox").host == socket.gethostname()
    assert watched(browser)["headline"] == "Not running"


def test_a_bot_on_another_machine_counts_as_running_for_an_hour_after_it_was_due(site, post):
    with site.reddit() as reddit, site.outbox() as outbox:
        Heartbeat(site.workspace, reddit, post).begins()
        beat = heartbeat.read(outbox, "sandbox")
    there = heartbeat.dataclasses.replace(beat, host="elsewhere", pid=os.getpid(), until=5000.0)
    assert there.alive(beat.since + 60) and not there.alive(beat.since + 4000)


def test_why_nothing_is_posted_comes_first(browser, site):
    with site.outbox() as outbox:
        optouts.pause(outbox, "sandbox", outbox.clock() + 500, "ratelimit")
        assert watched(browser)["headline"] == "Paused"
        optouts.shut_out(outbox, "sandbox", "suspended")
    said = watched(browser)
    assert said["headline"] == "Shut out" and "suspended" in said["why"]


def test_outcomes_stand_beside_what_was_predicted(browser, site):
    with site.outbox() as outbox:
        for reply, score in zip(outbox.replies(), (5, -3, 1), strict=True):
            outbox.approve(reply.id, "ann")
            outbox.mark_sending(reply.id)
            outbox.mark_posted(reply.id, f"r{reply.id}")
            fate = "removed" if score < 0 else "there"
            outbox.execute(
                "INSERT INTO outcomes VALUES (?, ?, 25, ?, ?)", reply.id, 1.0, score, fate
            )
        optouts.opt_out(outbox, "bob", "stop \x1b[2J")
    said = browser.get("/api/watch/outcomes").json
    assert sorted(score for _, score in said["points"]) == [-3, 1, 5]
    assert said["fates"]["removed"] == 1
    assert "Spearman" in said["sentence"]
    assert len(said["replies"]) == 3
    state = watched(browser)
    assert state["opted_out"] == 1 and "\x1b" not in json.dumps(state, ensure_ascii=False)


def test_the_loop_says_what_it_does_for_who_watches(site, post, monkeypatch):
    """A round that works, one that fails, and the end."""
    seen, rounds = [], iter([None, BotlibError("Reddit can't be read now")])

    def one_round(*_):
        if (error := next(rounds)) is not None:
            raise error

    def wait(_):
        with site.outbox() as outbox:
            seen.append(heartbeat.read(outbox, "sandbox"))

    monkeypatch.setattr(loop, "_round", one_round)
    models = Models(generator=None, realism=None, upvotes=None)
    with site.reddit() as reddit:
        loop.run(site.workspace, reddit, models, site.generate, post, every=60, wait=wait,
                 stop=lambda: len(seen) == 2)  # fmt: skip
    assert [beat.state for beat in seen] == ["rest", "rest"]
    assert [round(beat.until - beat.since) for beat in seen] == [60, 120]
    assert [one["error"] for one in seen[1].rounds] == ["", "Reddit can't be read now"]
    with site.outbox() as outbox:
        last = heartbeat.read(outbox, "sandbox")
    assert last.state == "ended" and not last.alive(last.since) and len(last.rounds) == 2
