"""The queue: its states, and what a killed process, a second bot, a full or locked disk leave."""

import dataclasses
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import ALLOWED_FROM, POSTED, POSTING, READY, STATES
from botlib.live.posting import sending
from botlib.live.posting.settle import SETTLE, SLACK

ROOT = Path(__file__).resolve().parents[3]
GIVEN = {"subreddit": "writing", "post_id": "p", "comment_id": "c", "reply": "Yes 😀 נכון\n\nso."}


@pytest.fixture
def proposed(outbox):
    outbox.propose("sandbox", [GIVEN])
    return outbox.get(1)


def test_a_comment_has_one_reply_on_each_site(outbox):
    assert outbox.propose("sandbox", [GIVEN, GIVEN]) == (1, 1)
    assert outbox.propose("sandbox", [{**GIVEN, "reply": "Another."}]) == (0, 1)
    assert outbox.propose("live", [GIVEN]) == (1, 0)
    assert [reply.reply for reply in outbox.replies()] == [GIVEN["reply"]] * 2


def test_every_change_is_written_down_with_time_and_reason(outbox, proposed, clock):
    clock.sleep(5)
    outbox.edit(1, "Yes, so.", "ann")
    outbox.mark_sending(1)
    outbox.release(1, "HTTP 503")
    outbox.mark_sending(1)
    outbox.mark_posted(1, "r1")
    history = outbox.history(1)
    assert history["after"].tolist() == [
        *("proposed", "edited", "posting", "edited", "posting", "posted")
    ]
    assert history["reason"].iloc[1] == "edited by ann"
    assert history["reason"].iloc[3] == "HTTP 503"
    assert history["time"].diff().iloc[1] == 5
    assert outbox.get(1).attempts == 2
    assert outbox.get(1).proposed_reply == GIVEN["reply"]


def test_only_sensible_changes_are_possible(outbox, proposed):
    acts = {
        "proposed": lambda: outbox.undo(1, "ann"),
        "approved": lambda: outbox.approve(1, "ann"),
        "edited": lambda: outbox.edit(1, "New.", "ann"),
        "rejected": lambda: outbox.reject(1, "ann"),
        "posting": lambda: outbox.mark_sending(1),
        "posted": lambda: outbox.mark_posted(1, "r1"),
        "failed": lambda: outbox.mark_failed(1, "why"),
        "given up": lambda: outbox.give_up(1, "why"),
        "handed over": lambda: outbox.hand_over(1, "ann"),
    }
    for before, after in itertools.product(STATES, acts):
        outbox.execute("UPDATE replies SET state = ?, reply = proposed_reply", before)
        if before in ALLOWED_FROM[after]:
            acts[after]()
            assert outbox.get(1).state == after
        else:
            with pytest.raises(BotlibError, match=f"is {before}"):
                acts[after]()
            assert outbox.get(1).state == before
    assert not any(POSTED in sources for sources in ALLOWED_FROM.values())


def test_an_approval_edit_or_rejection_can_be_taken_back(outbox, proposed, clock):
    for judge in (
        lambda: outbox.approve(1, "ann"),
        lambda: outbox.edit(1, "Mine.", "ann"),
        lambda: outbox.reject(1, "ann"),
    ):
        judge()
        assert outbox.last_judged("sandbox").id == 1
        outbox.undo(1, "bob")
        assert outbox.get(1) == dataclasses.replace(
            proposed, reason="undone by bob", changed=clock()
        )
        assert outbox.last_judged("sandbox") is None


def test_a_failed_reply_approved_again_has_all_its_tries(outbox, proposed):
    outbox.approve(1, "ann")
    for _ in range(4):
        outbox.mark_sending(1)
        outbox.release(1, "HTTP 503")
    outbox.mark_sending(1)
    outbox.mark_failed(1, "5 tries")
    outbox.approve(1, "ann")
    outbox.mark_sending(1)
    assert outbox.get(1).attempts == 1


def test_a_reply_that_may_be_on_reddit_is_not_approved_a_second_time(outbox, proposed):
    outbox.approve(1, "ann")
    outbox.mark_sending(1)
    for act in (outbox.approve, outbox.undo, outbox.reject):
        with pytest.raises(BotlibError, match="is posting"):
            act(1, "ann")


def test_an_approval_of_two_days_ago_counts_no_more(outbox, proposed, clock):
    outbox.edit(1, "Mine.", "ann")
    clock.sleep(48 * 3600)
    assert not outbox.get(1).expired(clock.now, 48)
    clock.sleep(1)
    assert not outbox.get(1).expired(clock.now, 0)
    outbox.take_back(1, outbox.get(1).expired(clock.now, 48))
    taken = outbox.get(1)
    assert (taken.state, taken.approved_by, taken.approved) == ("proposed", "", None)
    assert taken.reason == "approved 48 hours ago, and an approval counts for 48"
    assert taken.reply == "Mine."  # the person's words are not lost
    outbox.approve(1, "ann")
    assert outbox.get(1).state == "edited"
    assert not outbox.get(1).expired(clock.now, 48)


def test_a_try_that_failed_does_not_make_an_approval_younger(outbox, proposed, clock):
    outbox.approve(1, "ann")
    clock.sleep(47 * 3600)
    outbox.mark_sending(1)
    outbox.release(1, "HTTP 503")
    clock.sleep(2 * 3600)
    assert outbox.get(1).expired(clock.now, 48)


def test_nobody_approves_what_they_have_not_seen(outbox, proposed):
    outbox.approve(1, "ann")
    outbox.take_back(1, "the comment was edited", comment="no bots please", comment_score=-3)
    for act in (
        lambda: outbox.approve(1, "ann", saw=proposed),
        lambda: outbox.edit(1, "Mine.", "ann", saw=proposed),
    ):
        with pytest.raises(BotlibError, match="changed since you saw it"):
            act()
    outbox.approve(1, "ann", saw=outbox.get(1))
    assert outbox.get(1).comment == "no bots please"


def test_written_together_all_or_nothing_is_there(outbox, proposed):
    outbox.propose("sandbox", [{**GIVEN, "comment_id": "d"}])
    with pytest.raises(BotlibError, match="no reply 9"), outbox.transaction():
        outbox.approve(1, "ann")
        outbox.reject(9, "ann")
    assert {reply.state for reply in outbox.replies()} == {"proposed"}
    assert outbox.history()["after"].tolist() == ["proposed"] * 2


def test_empty_edits_and_unknown_replies_are_refused(outbox, proposed):
    with pytest.raises(BotlibError, match="empty"):
        outbox.edit(1, "  ", "ann")
    with pytest.raises(BotlibError, match="no reply 9"):
        outbox.approve(9, "ann")


def test_numbers_of_numpy_and_missing_ones(outbox):
    row = pd.Series({"score": 1.5, "prob_real": float("nan")})
    outbox.propose("sandbox", [{**GIVEN, **row}])
    assert (outbox.get(1).score, outbox.get(1).prob_real) == (1.5, None)


def test_the_lock_ends_with_its_holder_and_lets_others_write(workspace, outbox, proposed):
    with Outbox(workspace.outbox) as other, outbox.poster_lock() as mine:
        assert mine
        with other.poster_lock() as theirs:
            assert not theirs
        other.approve(1, "ann")
    with Outbox(workspace.outbox) as other, other.poster_lock() as theirs:
        assert theirs


def test_a_locked_file_is_one_clear_line(workspace, outbox, proposed):
    blocker = sqlite3.connect(workspace.outbox, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with (
        Outbox(workspace.outbox, timeout=0.01) as other,
        pytest.raises(BotlibError, match="is using it"),
    ):
        other.approve(1, "ann")
    blocker.close()
    assert outbox.get(1).state == "proposed"


def test_a_full_disk_is_one_clear_line_and_loses_nothing(outbox, proposed):
    ((pages,),) = outbox.execute("PRAGMA page_count")
    outbox._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(BotlibError, match="free some space"):
        outbox.propose("sandbox", [{**GIVEN, "comment_id": "d", "reply": "x" * 100_000}])
    outbox._database.execute("PRAGMA max_page_count = 100000")
    assert [reply.comment_id for reply in outbox.replies()] == ["c"]
    outbox.approve(1, "ann")


def test_a_full_disk_after_the_post_is_settled_later(
    outbox, client, scored, sandbox, workspace, settings, clock, monkeypatch
):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    full = sqlite3.OperationalError("database or disk is full")

    def fail(self, *_):
        with self._clear_errors():
            raise full

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "mark_posted", fail)
        with pytest.raises(BotlibError, match="disk is full"):
            sending.post_approved(workspace, client, settings(), clock=clock)
    assert len(sandbox.replies()) == 1
    assert len(outbox.replies(states=[POSTING])) == 1
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert decisions["decision"].tolist() == ["posted"] * 3
    assert sandbox.counts["POST /api/comment"] == 3


def test_what_is_no_outbox_is_named(workspace):
    workspace.outbox.write_text("this is a text, and a long one, not a database at all" * 20)
    with pytest.raises(BotlibError, match="isn't an outbox"):
        Outbox(workspace.outbox)


BOT = textwrap.dedent(
    """
    import os, signal, sys, time
    from botlib.live.reddit.client import _client
    from botlib.live.outbox.queue import Outbox
    from botlib.live.outbox.schema import READY
    from botlib.live.policy import Limits, Policy
    from botlib.live.posting.once import Poster
    from botlib.live.stopping import Stop

    url, path, fatal, ahead = sys.argv[1:]
    account = {
        "client_id": "sandbox", "client_secret": "sandbox-secret", "username": "sandbox_bot",
        "password": "sandbox-password", "user_agent": "linux:botlib:test (by /u/sandbox_bot)",
    }
    reddit = _client(account, {"oauth_url": url, "reddit_url": url}, None, 5.0, Stop())

    def step(name):
        print(name, flush=True)
        if name == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    outbox = Outbox(path, clock=lambda: time.time() + float(ahead))
    limits = Limits(per_subreddit_hour=0, per_day=0, per_post=0, per_person_day=0)
    policy = Policy(outbox, site="sandbox", subreddits="writing,scifi", stop_switch=path + ".STOP",
                    me=reddit.name, limits=limits)
    poster = Poster(outbox, reddit, policy, step=step)
    poster.settle()
    for reply in outbox.replies("sandbox", READY):
        poster.post(reply, dry_run=False)
    """
)


def start_bot(sandbox, workspace, fatal: str = "", ahead: float = 0.0) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", BOT, sandbox.url, str(workspace.outbox), fatal, str(ahead)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def real_time(sandbox):
    import time

    sandbox.clock = time.time
    sandbox.reset()
    return sandbox


def approve_some(sandbox, workspace, posts: int = 2) -> None:
    from tests.live.conftest import add_threads

    threads = add_threads(sandbox, posts=posts, comments=1)
    with Outbox(workspace.outbox) as outbox:
        for post, (comment,) in threads:
            row = {
                "subreddit": post["subreddit"],
                "post_id": post["id"],
                "comment_id": comment["id"],
                "author": comment["author"],
                "reply": "Yes.",
            }
            outbox.propose("sandbox", [row])
        for reply in outbox.replies():
            outbox.approve(reply.id, "a test")


@pytest.mark.parametrize("fatal", ["chosen", "intent written", "accepted", "answered", "recorded"])
def test_kill_9_at_every_step(real_time, workspace, fatal):
    sandbox = real_time
    approve_some(sandbox, workspace)
    process = start_bot(sandbox, workspace, fatal)
    if fatal == "accepted":
        # Reddit has the reply, the bot will never hear of it
        add = sandbox.state.add_comment

        def accept_and_kill(*args, **fields):
            made = add(*args, **fields)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return made

        sandbox.state.add_comment = accept_and_kill
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    sandbox.state.__dict__.pop("add_comment", None)
    for ahead in (0.0, SETTLE + SLACK + 1):
        again = start_bot(sandbox, workspace, ahead=ahead)
        again.communicate(timeout=300)
        assert again.returncode == 0
    written = sandbox.replies()
    assert len(written) == 2
    assert written["comment_id"].is_unique
    with Outbox(workspace.outbox) as outbox:
        assert {reply.state for reply in outbox.replies()} == {POSTED}


def test_two_bots_on_one_workspace(real_time, workspace):
    sandbox = real_time
    approve_some(sandbox, workspace, posts=12)
    bots = [start_bot(sandbox, workspace) for _ in range(2)]
    for process in bots:
        process.communicate(timeout=300)
        assert process.returncode == 0
    last = start_bot(sandbox, workspace, ahead=SETTLE + SLACK + 1)
    last.communicate(timeout=300)
    written = sandbox.replies()
    assert len(written) == 12
    assert written["comment_id"].is_unique
    with Outbox(workspace.outbox) as outbox:
        assert not outbox.replies(states=[*READY, POSTING])
