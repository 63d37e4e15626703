"""Reading through PRAW: few requests, whatever Reddit answers, and reasons for what is left."""

import pytest

from botlib.data.pairs.conversations import Above
from botlib.errors import BotlibError
from botlib.live.reddit.comments import read_comments


def reasons(reading) -> dict[str, str]:
    return dict(zip(reading.skipped["comment_id"], reading.skipped["reason"], strict=True))


def test_reads_comments_above_a_score_in_few_requests(client, sandbox, threads):
    reading = read_comments(client, "r/writing, scifi", min_score=7, max_age_hours=0)
    # Two listings, three threads
    assert reading.requests == 5
    assert len(reading.comments) == 6
    assert (reading.comments["comment_score"] > 7).all()
    assert set(reading.skipped["reason"]) == {"score 7 is not above 7"}
    assert reading.summary().to_dict("records") == [
        {"reason": "score … is not above …", "left out": 3}
    ]


@pytest.mark.parametrize("listing", ["rising", "hot", "new"])
def test_listings(client, threads, listing):
    reading = read_comments(client, "writing", listing=listing, posts=1, max_age_hours=0)
    assert reading.comments["post_id"].nunique() == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"author": None}, "its author is gone"),
        ({"author": "[deleted]"}, "its author is gone"),
        ({"body": "[removed]"}, "it was removed"),
        ({"body": "  "}, "it has no text"),
        ({"body": ...}, "it has no text"),
        ({"locked": True}, "the comment is locked"),
        ({"archived": True}, "the comment is archived"),
        ({"stickied": True}, "the comment is stickied"),
        ({"distinguished": "moderator"}, "the comment is a moderator's or admin's"),
        ({"author": "AutoModerator"}, "u/AutoModerator looks like a bot"),
        ({"author": "RemindMeBot"}, "u/RemindMeBot looks like a bot"),
        ({"body": "Beep boop. I am a bot."}, "u/p00 looks like a bot"),
        ({"score": None}, "it has no score"),
        ({"score": ...}, "it has no score"),
        ({"created_utc": 1.0}, "it is too old"),
        ({"created_utc": ...}, "it is too old"),
        ({"body": "I want to die"}, "off-topic for a bot: crisis (want to die) in the comment"),
    ],
)
def test_says_why_a_comment_is_left_out(client, sandbox, threads, clock, change, reason):
    comment = threads[0][1][0]
    sandbox.state.change(comment["name"], **change)
    reading = read_comments(client, "writing", clock=clock)
    assert reasons(reading)[comment["id"]] == reason
    assert comment["id"] not in set(reading.comments["comment_id"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"locked": True}, "the post is locked"),
        ({"over_18": True}, "the post is over-18"),
        ({"quarantine": True}, "the post is quarantined"),
        ({"removed_by_category": "moderator"}, "the post was removed"),
        ({"selftext": "[removed]"}, "the post was removed"),
        (
            {"title": "I want to kill myself tonight"},
            "off-topic for a bot: crisis (kill myself) in the title",
        ),
        (
            {"selftext": "i don’t want to live anymore"},
            "off-topic for a bot: crisis (don't want to live anymore) in the post",
        ),
    ],
)
def test_leaves_out_threads(client, sandbox, threads, change, reason):
    post = threads[0][0]
    sandbox.state.change(post["name"], **change)
    reading = read_comments(client, "writing", max_age_hours=0)
    left_out = reading.skipped[reading.skipped["post_id"] == post["id"]]
    assert set(left_out["reason"]) == {reason}


def test_nothing_is_said_below_a_comment_in_crisis(client, sandbox, threads):
    above = threads[0][1][0]
    sandbox.state.change(above["name"], body="I want to kill myself tonight")
    child = sandbox.state.add_comment(above["name"], "Same here.", author="p90", score=50)
    below = sandbox.state.add_comment(child["name"], "Why?", author="p91", score=50)
    why = reasons(read_comments(client, "writing", max_age_hours=0))
    for comment in (child, below):
        assert why[comment["id"]] == (
            "off-topic for a bot: crisis (kill myself) in a comment above"
        )


def test_a_post_with_a_reply_of_ours_is_left_alone(client, sandbox, threads):
    post, comments = threads[0]
    sandbox.state.add_comment(comments[0]["name"], "Ours.", author="sandbox_bot")
    by_thread = read_comments(client, "writing", max_age_hours=0)
    by_outbox = read_comments(client, "writing", max_age_hours=0, answered_posts=[post["id"]])
    for reading in (by_thread, by_outbox):
        assert post["id"] not in set(reading.comments["post_id"])
        assert reading.skipped["reason"].str.startswith("the post has a reply of ours").any()


def test_unknown_kinds_and_missing_fields_are_no_crash(client, sandbox, threads, clock):
    post = threads[0][0]
    sandbox.state.add_comment(post["name"], "?", _kind="t9", id="odd")
    below = threads[2][1]
    sandbox.state.change(below[0]["name"], link_id=..., permalink=..., subreddit_id=...)
    sandbox.state.change(below[1]["name"], locked=..., stickied=..., distinguished=...)
    reading = read_comments(client, "writing", clock=clock)
    assert {"thing" in r or "shape" in r for r in reading.skipped["reason"]} == {True}
    assert set(reading.comments["comment_id"]) >= {c["id"] for c in below}


def test_texts_stay_as_they_are(client, sandbox, clock):
    post = sandbox.state.add_post("writing", "Schön 😀", selftext="x" * 40_000)
    texts = ["👩‍👩‍👧 שלום עולם مرحبا", "y" * 40_000, "a\n\n> quote\n\nb", "half \ud83d a pair"]
    for number, text in enumerate(texts):
        sandbox.state.add_comment(post["name"], text, author=f"a{number}", score=50 - number)
    reading = read_comments(client, "writing", clock=clock)
    assert reading.comments["comment"].tolist() == [*texts[:3], "half \ufffd a pair"]
    assert reading.comments["above"].iloc[0] == Above("Schön 😀", "x" * 40_000)
    assert reading.comments["title"].iloc[0] == "Schön 😀"


def test_a_comment_comes_with_all_that_stands_above_it(client, sandbox, clock):
    post = sandbox.state.add_post("writing", "Title", selftext="Post")
    above = sandbox.state.add_comment(post["name"], "far away", author="a")
    near = sandbox.state.add_comment(above["name"], "near by", author="b")
    sandbox.state.add_comment(near["name"], "the comment", author="c", score=10)
    reading = read_comments(client, "writing", clock=clock)
    assert reading.comments["depth"].tolist() == [2]
    assert reading.comments["above"].tolist() == [Above("Title", "Post", ("near by", "far away"))]


def test_ten_thousand_comments(client, sandbox, clock):
    post = sandbox.state.add_post("writing", "Long")
    with sandbox.state.transaction():
        parent = post["name"]
        for number in range(10_000):
            made = sandbox.state.add_comment(parent, "Words.", author=f"u{number}", score=9)
            # Chains of thirty: deeper than one answer goes
            parent = post["name"] if number % 30 == 29 else made["name"]
    reading = read_comments(client, "writing", clock=clock, more_requests=4)
    assert reading.requests == 2 + 4
    assert 500 <= len(reading.comments) <= 1000
    assert reading.comments["comment_id"].is_unique


def test_all_of_a_long_thread_where_asked(client, sandbox, clock):
    post = sandbox.state.add_post("writing", "Long")
    with sandbox.state.transaction():
        parent = post["name"]
        for number in range(600):
            made = sandbox.state.add_comment(parent, "Words.", author=f"u{number}", score=9)
            parent = post["name"] if number % 30 == 29 else made["name"]
    reading = read_comments(client, "writing", clock=clock, more_requests=1000)
    assert len(reading.comments) == 600
    assert reading.comments["depth"].max() == 29


def test_unknown_subreddits_are_named(client, threads):
    with pytest.raises(BotlibError, match="r/nosuchplace doesn't exist"):
        read_comments(client, "nosuchplace")
    reading = read_comments(client, "nosuchplace,writing", max_age_hours=0)
    assert "the subreddit doesn't exist" in set(reading.skipped["reason"])
    assert len(reading.comments)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("403", "is private or forbidden"),
        ("404", "doesn't exist"),
        ("429", "asked us to wait"),
        ("503", "HTTP 503"),
        ("drop", "ConnectionError"),
        ("html", "HTTP 200"),
    ],
)
def test_faults_while_reading_are_reasons(client, sandbox, threads, fault, reason):
    first = threads[0][0]["id"]
    sandbox.faults = lambda method, path: fault if first in path else None
    reading = read_comments(client, "writing", max_age_hours=0)
    assert reason in reading.skipped.set_index("post_id")["reason"][first]
    assert len(reading.comments) == 3
    sandbox.faults = lambda method, path: fault if path.startswith("/r/") else None
    with pytest.raises(BotlibError, match="r/writing"):
        read_comments(client, "writing")


@pytest.mark.parametrize(
    "names", ["all", "r/popular", "a+b", "u_someone", "wri ting", "all-writing"]
)
def test_never_all(client, names):
    with pytest.raises(BotlibError, match="subreddit"):
        read_comments(client, names)


def test_pace_follows_the_headers(client, sandbox, threads, monkeypatch):
    waits = []
    monkeypatch.setattr(client.stop, "wait", waits.append)
    sandbox.rate_limit = (0, 600, 42)
    read_comments(client, "writing", posts=1)
    waits = [seconds for seconds in waits if seconds > 1]
    assert waits and all(41 < seconds <= 42 for seconds in waits)


@pytest.mark.parametrize("option", [{"listing": "top"}])
def test_wrong_settings_are_named(client, option):
    with pytest.raises(BotlibError, match=next(iter(option))):
        read_comments(client, "writing", **option)
