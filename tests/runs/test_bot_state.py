"""`status` tells whether the bot may post, and what waits, for Reddit and the sandbox apart."""

import json
import time

import pytest

from botlib.__main__ import main
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.runs import bot_state


def given(number):
    return {"subreddit": "writing", "post_id": f"p{number}", "comment_id": f"c{number}",
            "author": "ann", "reply": "Yes."}  # fmt: skip


@pytest.fixture
def used(workspace):
    """Three replies for the sandbox, in three states; two for the live site; some quiet wanted."""
    with Outbox(workspace.outbox) as outbox:
        outbox.propose("sandbox", [given(n) for n in range(4)])
        outbox.propose("live", [given(n) for n in range(2)])
        sandbox = outbox.replies("sandbox")
        for reply in sandbox[:3]:
            outbox.approve(reply.id, "ann")
        for reply in sandbox[:2]:
            outbox.mark_sending(reply.id)
        outbox.mark_posted(sandbox[0].id, "r1")
        optouts.opt_out(outbox, "bob", "stop")
        optouts.shut(outbox, "live", "scifi", "banned by its moderators")
        optouts.pause(outbox, "live", time.time() + 3600, "RATELIMIT")
    return workspace


def status(workspace, capsys, *options):
    assert main(["status", "--workspace", str(workspace.root), *options]) == 0
    return capsys.readouterr().out


def test_each_site_is_counted_by_itself(used):
    live, sandbox = bot_state.read(used).sites
    assert (live.waiting, live.approved, live.posted_24h, live.unclear) == (2, 0, 0, 0)
    assert (sandbox.waiting, sandbox.approved, sandbox.posted_24h, sandbox.unclear) == (1, 1, 1, 1)
    assert live.shut == {"scifi": "banned by its moderators"}
    assert sandbox.shut == {}
    assert live.paused_until.endswith("+00:00")
    assert sandbox.paused_until == ""


def test_a_reply_in_a_persons_hands_is_not_forgotten(used, capsys):
    with Outbox(used.outbox) as outbox:
        (first, *_) = outbox.replies("live")
        outbox.approve(first.id, "ann")
        outbox.hand_over(first.id, "ann")
    live, _ = bot_state.read(used).sites
    assert live.handed_over == 1
    assert "live: 1 handed over: say in `python -m botlib hand-over`" in status(used, capsys)


def test_yesterdays_post_is_not_counted(used, monkeypatch):
    monkeypatch.setattr(bot_state, "Outbox", lambda path: Outbox(path, clock=later))
    _, sandbox = bot_state.read(used).sites
    assert sandbox.posted_24h == 0


def later():
    return time.time() + 25 * 3600


def test_status_says_what_the_bot_may_do(used, capsys):
    text = status(used, capsys)
    assert "bot: not stopped" in text
    assert "people who opted out: 1" in text
    assert "live: r/scifi is shut: banned by its moderators" in text
    assert "live: paused: RATELIMIT" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("sandbox "))
    assert row[1:5] == ["1", "1", "1", "1"]


def test_status_says_that_the_bot_is_stopped_and_why(used, capsys):
    assert main(["stop", "--workspace", str(used.root), "moderators", "complained"]) == 0
    text = status(used, capsys)
    assert "bot: stopped (" in text
    assert "moderators complained" in text
    assert "`python -m botlib start --workspace DIR` lets it post again" in text


def test_a_dangling_link_counts_as_stopped(workspace, capsys):
    workspace.stop_switch.symlink_to(workspace.root / "nowhere")
    assert "bot: stopped (STOP can't be read: No such file" in status(workspace, capsys)
    assert not workspace.outbox.exists()  # a look leaves nothing behind


def test_a_workspace_without_a_bot_says_nothing_of_one(workspace, capsys):
    assert "bot" not in status(workspace, capsys)
    assert json.loads(status(workspace, capsys, "--json"))["bot"] is None


def test_json_has_the_same(used, capsys):
    bot = json.loads(status(used, capsys, "--json"))["bot"]
    assert bot["stopped"] is False
    assert bot["opted_out"] == 1
    assert [site["site"] for site in bot["sites"]] == ["live", "sandbox"]


def test_a_damaged_outbox_does_not_hide_the_rest(workspace, capsys):
    workspace.outbox.write_bytes(b"no database at all, but long enough to be read as one " * 20)
    workspace.gpt2_finetune.write_text("text\n")
    text = status(workspace, capsys)
    assert "gpt2_finetune.csv" in text
    assert "this file isn't an outbox; move it away" in text
