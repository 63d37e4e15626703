"""An unclear POST: what is read, how long, when a person is asked, and what they can say."""

import prawcore
import pytest

from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import APPROVED, FAILED, POSTED, POSTING
from botlib.live.policy import Limits, Policy
from botlib.live.posting import settle
from botlib.live.posting.once import Poster
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.comments import read_comments


@pytest.fixture
def poster(outbox, client, sandbox, threads, workspace):
    post, comments = threads[0]
    row = {"subreddit": "writing", "post_id": post["id"], "comment_id": comments[0]["id"],
           "author": comments[0]["author"], "reply": "Because."}  # fmt: skip
    outbox.propose("sandbox", [row])
    outbox.approve(1, "a test")
    policy = Policy(
        outbox,
        site="sandbox",
        subreddits="writing",
        stop_switch=workspace.stop_switch,
        me=client.name,
        limits=Limits(per_subreddit_hour=0, per_day=0),
    )
    return Poster(outbox, client, policy)


@pytest.fixture
def fail(sandbox):
    """Sets what happens to the POST, the thread and the account's own comments."""

    def set_(post=None, thread=None, own=None):
        def fault(method, path):
            if method == "POST" and path.startswith("/api/comment"):
                return post
            if path.startswith("/comments/"):
                # The look before the first POST is let through
                return thread if sandbox.counts.get("POST /api/comment") else None
            return own if path.startswith("/user/") else None

        sandbox.faults = fault

    return set_


def posts(sandbox) -> int:
    return sandbox.counts.get("POST /api/comment", 0)


def go(poster, outbox):
    poster.settle()
    for reply in outbox.replies(states=[APPROVED]):
        if reply.not_before <= outbox.clock():
            poster.post(reply, dry_run=False)
    return outbox.get(1)


@pytest.mark.parametrize("late", [150, 600, 3599])
def test_a_reply_that_shows_late_is_not_posted_again(poster, outbox, sandbox, fail, clock, late):
    sandbox.lag = late
    fail(post="after:503")
    for _ in range(60):
        reply = go(poster, outbox)
        clock.sleep(75)
    assert posts(sandbox) == 1
    assert reply.state == POSTED
    assert reply.reply_id == sandbox.replies()["reply_id"][0]


def test_a_reply_that_is_nowhere_for_an_hour_is_posted_again(poster, outbox, sandbox, fail, clock):
    fail(post="503")
    go(poster, outbox)
    fail()
    for _ in range(59):
        clock.sleep(60)
        assert go(poster, outbox).state == POSTING
    assert posts(sandbox) == 1
    clock.sleep(121)
    assert go(poster, outbox).state == POSTED
    assert posts(sandbox) == 2


@pytest.mark.parametrize("unreadable", [{"thread": "403"}, {"own": "404"}])
def test_one_readable_place_finds_the_reply(poster, outbox, sandbox, fail, clock, unreadable):
    fail(post="after:504", **unreadable)
    go(poster, outbox)
    assert outbox.get(1).state == POSTED


@pytest.mark.parametrize(
    "unreadable", [{"thread": "403"}, {"own": "404"}, {"thread": "503", "own": "403"}]
)
def test_a_person_is_asked_where_a_place_cannot_be_read(
    poster, outbox, sandbox, fail, clock, unreadable
):
    fail(post="503", **unreadable)
    for _ in range(30):
        reply = go(poster, outbox)
        clock.sleep(700)
    assert posts(sandbox) == 1
    assert [r.id for r in settle.open_questions(outbox, "sandbox")] == [1]
    assert reply.state == POSTING
    assert "HTTP 503" in reply.reason and "botlib review" in reply.reason
    fail()
    answers = iter(["n"])
    assert settle.ask_person(outbox, "sandbox", by="ann", ask=lambda _: next(answers)) == 1
    assert go(poster, outbox).state == POSTED
    assert posts(sandbox) == 2


def test_a_person_says_that_it_was_posted(poster, outbox, sandbox, fail, clock):
    fail(post="after:503", thread="503", own="503")
    for _ in range(8):
        go(poster, outbox)
        clock.sleep(700)
    link = "https://www.reddit.com" + sandbox.replies()["url"][0] + "?context=3"
    shown = []
    answers = iter(["p", link])
    ask = lambda _: next(answers)  # noqa: E731
    assert settle.ask_person(outbox, "sandbox", by="ann", ask=ask, show=shown.append) == 1
    assert any("HTTP 503" in line for line in shown)
    assert outbox.get(1).reply_id == sandbox.replies()["reply_id"][0]
    assert outbox.get(1).state == POSTED


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("https://www.reddit.com/r/writing/comments/abc123/a_title/def456/", "def456"),
        ("/r/writing/comments/abc123/comment/def456?utm_source=share", "def456"),
        ("t1_def456", "def456"),
        ("https://www.reddit.com/r/writing/comments/abc123/a_title/", None),
        ("https://www.reddit.com/r/writing/", None),
        ("yes!", None),
    ],
)
def test_what_a_person_may_give_as_the_link(poster, outbox, link, found):
    outbox.mark_sending(1)
    if found is None:
        with pytest.raises(BotlibError, match="permalink"):
            settle.say_posted(outbox, 1, link, "ann")
        return
    settle.say_posted(outbox, 1, link, "ann")
    assert outbox.get(1).reply_id == found
    with pytest.raises(BotlibError, match="nothing to settle"):
        settle.say_not_posted(outbox, 1, "ann")


@pytest.mark.parametrize("kind", ["SOMETHING_NEW", "RATELIMIT", "INTERNAL_SERVER_ERROR"])
def test_an_error_after_acceptance_is_not_recorded_as_a_failure(
    poster, outbox, sandbox, fail, clock, kind
):
    sandbox.lag = 1800
    fail(post=f"after:{kind}")
    for _ in range(8):
        reply = go(poster, outbox)
        clock.sleep(700)
    assert (reply.state, posts(sandbox)) == (POSTED, 1)


@pytest.mark.parametrize(("kind", "state"), [("THREAD_LOCKED", "given up"), ("TOO_LONG", FAILED)])
def test_known_refusals_end_at_once(poster, outbox, sandbox, fail, kind, state):
    fail(post=kind)
    reply = go(poster, outbox)
    assert (reply.state, posts(sandbox)) == (state, 1)
    assert kind in reply.reason


def test_an_own_reply_below_many_others_is_found_in_the_thread(
    poster, outbox, sandbox, threads, fail, clock
):
    parent = threads[0][1][0]["name"]
    fail(post="after:503", own="503")
    for number in range(600):
        sandbox.state.add_comment(parent, "Me too.", author=f"q{number}", score=5)
    go(poster, outbox)
    for number in range(600):
        sandbox.state.add_comment(parent, "And me.", author=f"r{number}", score=5)
    for _ in range(8):
        clock.sleep(700)
        reply = go(poster, outbox)
    assert (reply.state, posts(sandbox)) == (POSTED, 1), reply.reason


def test_own_comments_are_read_back_to_before_the_post(poster, outbox, sandbox, fail, clock):
    fail(post="after:503", thread="503")
    sandbox.lag = 900
    go(poster, outbox)
    below = sandbox.state.add_post("scifi", "Elsewhere")["name"]
    for _ in range(150):
        sandbox.state.add_comment(below, "Hm.", author=sandbox.account.name)
    clock.sleep(901)
    assert go(poster, outbox).state == POSTED


def test_the_last_real_reason_is_kept(poster, outbox, sandbox, fail, clock):
    fail(post="503")
    poster.step = lambda name: None
    for _ in range(40):
        reply = go(poster, outbox)
        clock.sleep(1300)
    assert reply.state == FAILED
    assert reply.reason == "5 tries; the last: HTTP 503"


def test_a_killed_process_is_said_to_be_the_reason(poster, outbox, sandbox, fail, clock):
    for _ in range(5):
        outbox.mark_sending(1)
        clock.sleep(4000)
        poster.settle()
    assert "about to be sent" not in outbox.get(1).reason
    assert outbox.get(1).reason.startswith("5 tries; the last: the process ended")


def test_without_a_token_nothing_was_sent(poster, outbox, client, sandbox, clock, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise prawcore.RequestException(OSError("no route"), (), {})

    def begin(reply_id):
        real(reply_id)
        monkeypatch.setattr(type(client._core.rate_limiter), "call", refuse)

    real = outbox.mark_sending
    monkeypatch.setattr(outbox, "mark_sending", begin)
    reply = go(poster, outbox)
    assert (reply.state, reply.attempts, posts(sandbox)) == (APPROVED, 0, 0)
    assert "not sent" in reply.reason


def test_a_stop_before_the_post_leaves_the_reply_approved(poster, outbox, client, sandbox):
    poster.step = lambda name: client.stop.tell() if name == "intent written" else None
    with pytest.raises(BotlibError, match="stop"):
        go(poster, outbox)
    assert (outbox.get(1).state, outbox.get(1).attempts, posts(sandbox)) == (APPROVED, 0, 0)


@pytest.mark.parametrize("depth", [85, 300, 5000])
def test_a_thread_nested_without_end_costs_that_thread_only(client, sandbox, threads, depth):
    above = threads[0][1][0]["name"]
    for _ in range(min(depth, 300)):
        above = sandbox.state.add_comment(above, "Indeed.", score=9)["name"]
    odd = f"/comments/{threads[0][0]['id']}"
    if depth > 300:
        sandbox.faults = lambda method, path: "deep5000" if path.startswith(odd) else None
    reading = read_comments(client, "writing", listing="hot", max_age_hours=0)
    assert threads[2][0]["id"] in set(reading.comments["post_id"])
    if depth > 300:
        assert reading.skipped["reason"].str.contains("shape that can't be read").any()


def test_recursion_errors_are_among_the_unreadable():
    assert issubclass(RecursionError, UNREADABLE)


def test_an_outbox_is_needed_by_nobody_to_be_asked(workspace):
    with Outbox(workspace.outbox) as outbox:
        assert settle.open_questions(outbox, "live") == []
        assert settle.ask_person(outbox, "live", by="ann", ask=lambda _: "p") == 0
