"""A suspended account stops the bot with a clear line, and `status` says so."""

import pytest

from botlib.live import choose, loop
from botlib.live import round as rounds
from botlib.live.outbox import optouts
from botlib.live.posting import sending
from botlib.live.reddit import checks
from botlib.runs import bot_state
from botlib.settings import GenerateSettings


def test_a_suspended_account_ends_the_bot_and_status_says_why(
    outbox, client, sandbox, workspace, settings, monkeypatch
):
    monkeypatch.setattr(loop, "realism_threshold", lambda *_: 0.5)
    sandbox.account.suspended = True
    models = type("Models", (), {"realism": None})
    with pytest.raises(checks.ShutOut, match=r"shut out: Reddit has suspended .* appeal"):
        loop.run(workspace, client, models, GenerateSettings(), settings(), every=1.0)
    assert "shut out: Reddit has suspended" in bot_state.as_text(bot_state.read(workspace))


def test_nothing_is_posted_by_an_account_that_is_shut_out(
    outbox, client, sandbox, scored, workspace, settings, clock
):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    sending.approve_in_sandbox(outbox, client, settings())
    optouts.shut_out(outbox, "sandbox", "Reddit has suspended the account")
    decisions = sending.post_approved(workspace, client, settings(), clock=clock)
    assert set(decisions["decision"]) == {"waits"}
    assert sandbox.writes == 0
    checks.check_account(outbox, client)
    assert optouts.shut_out_reason(outbox, "sandbox") == ""


def test_only_a_403_that_repeats_for_hours_shuts_the_account_out(outbox, client, sandbox, clock):
    sandbox.faults = lambda method, path: "403"
    checks.check_account(outbox, client)
    checks.check_account(outbox, client)
    clock.sleep(3700)
    checks.check_account(outbox, client)
    assert optouts.shut_out_reason(outbox, "sandbox") == ""
    clock.sleep(3700)
    with pytest.raises(checks.ShutOut, match="HTTP 403"):
        checks.check_account(outbox, client)
    sandbox.faults = None
    checks.check_account(outbox, client)
    assert optouts.shut_out_reason(outbox, "sandbox") == ""
