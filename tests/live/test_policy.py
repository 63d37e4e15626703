"""Every rule by itself: what is never posted, what waits, and what only a limit holds back."""

import dataclasses
from types import SimpleNamespace

import prawcore
import pytest

from botlib.errors import BotlibError
from botlib.live.outbox import optouts
from botlib.live.policy import (
    DISCLOSURE,
    Limits,
    Policy,
    allow_list,
    has_disclosure,
    unanswerable,
    with_disclosure,
)
from botlib.live.reddit.checks import wait_asked

NAMES = ("subreddit", "post_id", "comment_id", "author", "reply")


@pytest.fixture
def policy(outbox, tmp_path):
    return Policy(
        outbox,
        site="live",
        subreddits="writing, scifi",
        stop_switch=tmp_path / "STOP",
        me="our_account",
    )


def add(outbox, subreddit="writing", post="p1", comment="c1", author="ann", site="live"):
    outbox.propose(
        site, [dict(zip(NAMES, (subreddit, post, comment, author, "Yes."), strict=True))]
    )
    made = outbox.replies(site)[-1]
    outbox.approve(made.id, "a person")
    return outbox.get(made.id)


def posted(outbox, **changes):
    reply = add(outbox, **changes)
    outbox.mark_sending(reply.id)
    outbox.mark_posted(reply.id, f"r{reply.id}")
    return reply


def ask(policy, reply):
    return policy.check(reply, with_disclosure(reply.reply))


def test_allows_what_breaks_no_rule(policy, outbox):
    assert ask(policy, add(outbox)).allowed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"author": "Our_Account"}, "answers our own comment"),
        ({"author": "AutoModerator"}, "looks like a bot"),
        ({"author": "haiku-bot"}, "looks like a bot"),
    ],
)
def test_gives_up_for_good(policy, outbox, changes, reason):
    verdict = ask(policy, add(outbox, **changes))
    assert not verdict.allowed
    assert verdict.again is None
    assert reason in verdict.reason


def test_who_opted_out_is_never_answered(policy, outbox):
    optouts.opt_out(outbox, "ANN", "asked")
    verdict = ask(policy, add(outbox))
    assert (verdict.allowed, verdict.again) == (False, None)
    assert "opted out" in verdict.reason


@pytest.mark.parametrize(
    ("changes", "text", "reason"),
    [
        ({"subreddit": "philosophy"}, None, "not on the allow-list"),
        ({"site": "sandbox"}, None, "for the sandbox site"),
        ({}, "Yes.", "doesn't say that a bot wrote it"),
        ({}, with_disclosure("x" * 10_000), "more than Reddit takes"),
        ({}, with_disclosure("  "), "empty"),
    ],
)
def test_waits_for_a_person_to_mend_it(policy, outbox, changes, text, reason):
    reply = add(outbox, **changes)
    verdict = policy.check(reply, text or with_disclosure(reply.reply))
    assert not verdict.allowed
    assert verdict.again is not None
    assert reason in verdict.reason


def test_unapproved_is_refused(policy, outbox):
    unapproved = dataclasses.replace(add(outbox), approved_by="")
    assert ask(policy, unapproved).reason == "nobody approved it"


def test_a_setting_is_no_person_on_the_live_site(policy, outbox):
    by_setting = dataclasses.replace(add(outbox), approved_by="setting approve=sandbox")
    assert ask(policy, by_setting).reason == "no person approved it"


def test_shut_subreddit_until_reopened(policy, outbox):
    optouts.shut(outbox, "live", "Writing", "we are banned there")
    assert "banned" in ask(policy, add(outbox)).reason
    assert ask(
        policy, add(outbox, subreddit="scifi", comment="c2", author="bob", post="p2")
    ).allowed
    assert optouts.reopen(outbox, "live", "writing")
    assert ask(policy, outbox.get(1)).allowed


def test_stop_switch(policy, outbox):
    reply = add(outbox)
    policy.stop_switch.touch()
    assert "stop switch" in ask(policy, reply).reason
    policy.stop_switch.unlink()
    assert ask(policy, reply).allowed


def test_quiet_when_reddit_asks(policy, outbox, clock):
    reply = add(outbox)
    optouts.pause(outbox, "live", clock() + 540, "RATELIMIT")
    optouts.pause(outbox, "live", clock() + 10, "429")
    assert ask(policy, reply).again == clock() + 540
    clock.sleep(541)
    assert ask(policy, reply).allowed


def test_one_reply_a_post(policy, outbox, clock):
    posted(outbox)
    clock.sleep(10 * 86400)
    verdict = ask(policy, add(outbox, comment="c2", author="bob"))
    assert (verdict.allowed, verdict.again) == (False, None)
    policy.limits = Limits(per_post=2)
    assert ask(policy, outbox.get(2)).allowed


def test_a_post_that_may_be_answered_waits(policy, outbox):
    first = add(outbox)
    outbox.mark_sending(first.id)
    verdict = ask(policy, add(outbox, comment="c2", author="bob"))
    assert not verdict.allowed
    assert verdict.again is not None


@pytest.mark.parametrize(
    ("changes", "limit", "hours"),
    [
        ({"post": "p2", "subreddit": "scifi"}, {"per_person_day": 1}, 24),
        ({"post": "p2", "author": "bob"}, {"per_subreddit_hour": 1}, 1),
        ({"post": "p2", "author": "bob", "subreddit": "scifi"}, {"per_day": 1}, 24),
    ],
)
def test_limits_in_time(policy, outbox, clock, changes, limit, hours):
    none = dict.fromkeys(("per_post", "per_person_day", "per_subreddit_hour", "per_day"), 0)
    policy.limits = Limits(**{**none, **limit})
    posted(outbox)
    clock.sleep(600)
    reply = add(outbox, comment="c2", **changes)
    verdict = ask(policy, reply)
    assert not verdict.allowed
    assert verdict.again == pytest.approx(clock() - 600 + hours * 3600, abs=2)
    clock.sleep(hours * 3600 - 600 + 2)
    assert ask(policy, reply).allowed
    policy.limits = Limits(**none)
    clock.sleep(-3600 * hours)
    assert ask(policy, reply).allowed


def test_limits_are_kept_for_each_site(policy, outbox):
    posted(outbox, site="sandbox")
    assert ask(policy, add(outbox)).allowed


@pytest.mark.parametrize("names", ["all", "writing,popular", "r/mod", "u_ann", "a+b", "x y", "*"])
def test_allow_list_holds_single_subreddits_only(names):
    with pytest.raises(BotlibError, match="allowed_subreddits"):
        allow_list(names)


def test_allow_list_is_lenient_about_form():
    assert allow_list(" r/writing, /r/scifi/ ,, writing") == ("writing", "scifi")
    assert allow_list("") == ()


def test_without_an_allow_list_nothing_is_posted(outbox, tmp_path):
    policy = Policy(outbox, site="live", subreddits="", stop_switch=tmp_path / "STOP")
    assert "no subreddit is allowed" in ask(policy, add(outbox)).reason


def test_the_disclosure_says_who_and_how_to_opt_out():
    text = with_disclosure("Yes. ")
    assert text.startswith("Yes.\n\n---\n*I'm a bot: a language model")
    assert "“stop”" in DISCLOSURE and "“delete”" in DISCLOSURE
    assert with_disclosure(text) == text
    assert has_disclosure(text)
    assert not has_disclosure(text + "\nBut trust me.")


def test_missing_fields_are_harmless_but_for_author_and_text():
    assert unanswerable({"author": "ann", "body": "Why?"}, {}, "me") == ""
    assert unanswerable({"body": "Why?"}, {}, None) == "its author is gone"
    assert unanswerable({"author": "ann"}, {}, None) == "it has no text"
    assert unanswerable({"author": "ME", "body": "Why?"}, {}, "me") == "it is our own comment"


def test_a_stop_switch_that_is_a_dangling_link_stops(policy, outbox):
    policy.stop_switch.symlink_to(policy.stop_switch.with_name("nowhere"))
    assert "stop switch" in ask(policy, add(outbox)).reason


@pytest.mark.parametrize("asked", ["inf", "nan", "999999999", "-1", None])
def test_no_retry_after_pauses_for_longer_than_an_hour(policy, outbox, clock, asked):
    response = SimpleNamespace(headers={"retry-after": asked}, status_code=429, text="")
    seconds = wait_asked(prawcore.TooManyRequests(response))
    assert 0 < seconds <= 3600
    reply = add(outbox)
    optouts.pause(outbox, "live", clock() + float("inf"), "429")
    # As a version without the cap has left it
    outbox.execute("UPDATE quiet SET until = 9e99")
    assert clock() < ask(policy, reply).again <= clock() + 3600
    clock.sleep(3601)
    assert ask(policy, reply).allowed


def test_a_person_lifts_a_pause(policy, outbox, clock):
    reply = add(outbox)
    optouts.pause(outbox, "live", clock() + 540, "RATELIMIT")
    assert optouts.resume(outbox, "live")
    assert not optouts.resume(outbox, "live")
    assert ask(policy, reply).allowed


def test_a_refusal_is_believed_on_the_third_try_hours_apart(outbox, clock, tmp_path):
    from botlib.live.outbox.refusals import clear, record

    for _ in range(5):
        assert not record(outbox, "live", "r/writing", "HTTP 403")
        clock.sleep(60)
    clock.sleep(3600)
    assert not record(outbox, "live", "r/writing", "HTTP 403")
    clock.sleep(3600)
    assert not record(outbox, "live", "r/scifi", "HTTP 403")
    assert record(outbox, "live", "r/writing", "HTTP 403")
    clear(outbox, "live", "R/Writing")
    assert not record(outbox, "live", "r/writing", "HTTP 403")
