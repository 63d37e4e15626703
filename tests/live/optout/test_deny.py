"""A person keeps the bot away from people and subreddits, by a command or a text file."""

import pytest

from botlib.__main__ import main
from botlib.errors import BotlibError
from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.optout.deny import DenyList
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.posting import sending


def optout(workspace, *arguments):
    return main(["optout", *arguments, "--workspace", str(workspace.root)])


@pytest.fixture
def approved(outbox, client, scored, settings):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())


def test_names_are_the_same_in_capitals_and_behind_u(outbox):
    assert optouts.opt_out(outbox, "u/Ann", "asked")
    assert not optouts.opt_out(outbox, "/u/ANN/", "asked")
    for name in ("ann", "ANN", "u/ann", "/user/Ann"):
        assert optouts.opted_out(outbox, name) == "asked"
    assert optouts.opt_in(outbox, "u/aNN")
    assert not optouts.opted_out(outbox, "Ann")


def test_optout_by_hand_is_listed_and_undone(workspace, capsys):
    assert optout(workspace, "u/Ann", "bob") == 0
    assert optout(workspace, "--list") == 0
    shown = capsys.readouterr().out
    assert "u/Ann is never answered again" in shown
    assert "bob" in shown.splitlines()[-1] and "by hand" in shown
    assert optout(workspace, "ANN", "--undo") == 0
    assert "may be answered again" in capsys.readouterr().out
    with Outbox(workspace.outbox) as outbox:
        assert not optouts.opted_out(outbox, "Ann")
        assert optouts.opted_out(outbox, "Bob")


def test_optout_wants_a_person(workspace, capsys):
    assert optout(workspace) == 1
    assert optout(workspace, "r/writing") == 1
    assert "deny.txt" in capsys.readouterr().err


def test_nobody_in_the_deny_list_is_answered(
    approved, outbox, client, sandbox, workspace, settings, clock
):
    authors = [reply.author for reply in outbox.replies() if reply.subreddit == "scifi"]
    text = f"# asked by mail\nu/{authors[0].upper()}\nR/Writing  # their rules\n\n"
    workspace.deny_list.write_text(text, encoding="utf-8-sig")
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert set(decisions["decision"]) == {"waits"}
    assert decisions["reason"].str.endswith("is in deny.txt").all()
    assert sandbox.writes == 0
    workspace.deny_list.unlink()
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert "posted" in set(decisions["decision"])


def test_a_deny_list_that_is_not_understood_stops_all_posting(
    approved, client, sandbox, workspace, settings, clock
):
    workspace.deny_list.write_text("u/ann, u/bob\n")
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert sandbox.writes == 0
    assert decisions["reason"].str.contains("line 1: 'u/ann, u/bob' is no name").all()
    with pytest.raises(BotlibError, match="UTF-8"):
        workspace.deny_list.write_bytes(b"\xff\xfe\xff")
        DenyList.read(workspace.deny_list)
