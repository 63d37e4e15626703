"""Replies to the bot's own comments, and mentions: off by default, rare, never unapproved."""

import pytest

from botlib.errors import BotlibError
from botlib.gpt2.decoder import Decoder
from botlib.live import follow_ups, loop
from botlib.live import round as rounds
from botlib.live.models import Models
from botlib.live.outbox import inbox_log, optouts
from botlib.live.outbox.schema import GIVEN_UP, POSTED, PROPOSED
from botlib.live.posting import sending
from botlib.live.threads import Threads
from botlib.settings import GenerateSettings, PostSettings

from . import small_models

ON = GenerateSettings(
    reddit="sandbox", subreddits="writing,scifi", answer_replies=True, answer_mentions=True
)
ME = "sandbox_bot"


@pytest.fixture
def own(sandbox, threads):
    """A comment of ours below a comment of p00's."""
    return sandbox.state.add_comment(threads[0][1][0]["name"], "Rivers run dry.", author=ME)


@pytest.fixture
def found(outbox, client, settings):
    """Reads once, and returns the rows and why others were left out, by comment."""

    def read(generate=ON, **changes):
        nothing = rounds.reddit_comments.Reading(
            rounds.pd.DataFrame(columns=rounds.reddit_comments.COMMENTS),
            rounds.pd.DataFrame(columns=rounds.reddit_comments.SKIPPED), 0, Threads.of([]),
        )  # fmt: skip
        reading = follow_ups.with_follow_ups(outbox, client, generate, settings(**changes), nothing)
        skipped = dict(zip(reading.skipped["comment_id"], reading.skipped["reason"], strict=True))
        return reading.comments, skipped

    return read


def answer(sandbox, below, text="And what about lakes?", author="p00", **fields):
    return sandbox.state.add_comment(below["name"], text, author=author, **fields)


def test_nobody_who_answers_the_bot_is_answered_unless_a_setting_says_so(sandbox, own, found):
    answer(sandbox, own)
    off = GenerateSettings(reddit="sandbox", subreddits="writing,scifi")
    before = sandbox.counts["requests"]
    assert found(off)[0].empty and sandbox.counts["requests"] == before


def test_a_reply_and_a_mention_are_found_each_by_its_own_setting(sandbox, own, threads, found):
    reply = answer(sandbox, own)
    mention = sandbox.state.add_comment(
        threads[1][1][0]["name"], f"What says u/{ME} to that?", author="curious"
    )
    only = {"reddit": "sandbox", "subreddits": "writing"}
    rows, _ = found(GenerateSettings(**only, answer_mentions=True))
    assert list(rows["comment_id"]) == [mention["id"]]
    rows, _ = found(GenerateSettings(**only, answer_replies=True))
    assert list(rows["comment_id"]) == [reply["id"]]
    assert rows["author"][0] == "p00" and rows["depth"][0] == 2


@pytest.mark.parametrize(
    ("text", "author"),
    [("stop", "p00"), ("please delete this", "p00"), ("Beep.", "reply_bot"), ("Beep.", ME),
     ("I am a bot, and this action was performed automatically.", "helper"),
     ("I want to kill myself", "p00"), ("I never want to see this bot again", "p00")],
)  # fmt: skip
def test_no_rule_is_waived_for_who_answers_the_bot(sandbox, own, found, text, author):
    answer(sandbox, own, text, author)
    assert found()[0].empty


def test_only_on_the_allow_list_and_never_who_opted_out_or_writes_of_old(
    sandbox, own, found, outbox, clock
):
    answer(sandbox, own)
    assert found(allowed_subreddits="scifi")[0].empty
    optouts.opt_out(outbox, "P00", "asked")
    assert found()[0].empty
    optouts.opt_in(outbox, "p00")
    clock.now += 2 * 86400
    assert found()[0].empty


def test_a_conversation_goes_on_twice_at_most(sandbox, own, found):
    below = own
    for number in range(1, 4):
        theirs = answer(sandbox, below, f"And then {number}?")
        rows, skipped = found()
        if number <= 2:
            assert list(rows["comment_id"]) == [theirs["id"]]
        else:
            assert rows.empty and "2 more replies of ours" in skipped[theirs["id"]]
        below = sandbox.state.add_comment(theirs["name"], f"Then {number}.", author=ME)


def test_one_person_gets_at_most_two_replies_a_day(sandbox, own, threads, found, outbox, clock):
    for number in range(2):
        other = sandbox.state.add_comment(
            threads[number + 1][1][0]["name"], f"Dry {number}.", author=ME
        )
        answer(sandbox, other, f"Really {number}?", author="eager")
    third = answer(sandbox, own, "Really?", author="Eager")
    rows, skipped = found()
    assert len(rows) == 2 and "got 2 replies today" in skipped[third["id"]]
    # It is no refusal for ever
    assert not inbox_log.known_follow_ups(outbox, "sandbox", [third["id"]])


def test_what_was_refused_is_not_read_again_each_round(sandbox, own, found):
    answer(sandbox, own, "I want to kill myself")
    assert found()[1]
    before = sandbox.counts["requests"]
    assert found()[0].empty
    assert sandbox.counts["requests"] - before <= 1, "the inbox alone"


def test_a_thread_that_can_not_be_read_now_is_read_in_the_next_round(sandbox, own, found):
    theirs = answer(sandbox, own)
    sandbox.faults = lambda method, path: "503" if path.startswith("/comments/") else None
    assert found()[0].empty
    sandbox.faults = lambda method, path: "503" if path.startswith("/message/") else None
    with pytest.raises(BotlibError, match="inbox can't be read now"):
        found()
    sandbox.faults = None
    assert list(found()[0]["comment_id"]) == [theirs["id"]]


def test_a_profile_can_not_turn_it_on_for_the_live_site():
    from botlib.parameters import Source, settle

    profile = Source("profile x", {"answer_replies": True, "reddit": "live"}, by="profile")
    assert settle(GenerateSettings, profile).answer_replies is False


def propose_answer(sandbox, outbox, theirs, own, post) -> int:
    inbox_log.record_follow_up(outbox, "sandbox", theirs["id"], inbox_log.ANSWER)
    row = {"subreddit": "writing", "post_id": post["id"], "comment_id": theirs["id"],
           "author": theirs["author"], "reply": "Lakes too.", "comment": theirs["body"],
           "comment_score": theirs["score"]}  # fmt: skip
    outbox.propose("sandbox", [row])
    return outbox.replies()[-1].id


def test_an_answer_waits_for_a_person_then_is_posted_once_and_counts_twice_a_day(
    sandbox, outbox, client, workspace, own, threads, settings, clock
):
    post = threads[0][0]
    strict = PostSettings(**{**settings().as_dict(), "max_per_post": 1, "max_per_person_day": 1,
                             "approve": "person"})  # fmt: skip
    ids, below = [], own
    for number in range(3):
        theirs = answer(sandbox, below, f"And then {number}?")
        ids.append(propose_answer(sandbox, outbox, theirs, below, post))
        sending.post_approved(workspace, client, strict, clock=clock)
        assert outbox.get(ids[-1]).state == PROPOSED, "nobody approved it"
        outbox.approve(ids[-1], "ann")
        decisions = sending.post_approved(workspace, client, strict, clock=clock)
        below = theirs
    assert [outbox.get(i).state for i in ids][:2] == [POSTED, POSTED]
    assert "limit of 2 a day to u/p00" in decisions["reason"].iloc[-1]
    assert len(sandbox.replies()) == 3  # with the first comment


def test_an_ordinary_reply_to_a_post_with_ours_is_still_refused(
    sandbox, outbox, client, workspace, threads, settings, clock
):
    post, comments = threads[0]
    for comment in comments[:2]:
        row = {"subreddit": "writing", "post_id": post["id"], "comment_id": comment["id"],
               "author": comment["author"], "reply": "Because."}  # fmt: skip
        outbox.propose("sandbox", [row])
    for reply in outbox.replies():
        outbox.approve(reply.id, "ann")
    sending.post_approved(workspace, client, settings(max_per_post=1), clock=clock)
    assert sorted(reply.state for reply in outbox.replies()) == sorted([POSTED, GIVEN_UP])


def test_whole_rounds_with_small_models_answer_a_reply_once(
    workspace, sandbox, client, own, settings, clock, outbox
):
    small_models.fill(workspace)
    models = Models.load(workspace, threads=1)
    theirs = answer(sandbox, own)
    generate = GenerateSettings(**{**ON.as_dict(), "candidates": 3, "posts_per_subreddit": 1})
    for _ in range(3):
        loop.run(
            workspace, client, models, generate, settings(threshold=0.0),
            decoder=Decoder(max_tokens=8), clock=clock, wait=clock.sleep,
        )  # fmt: skip
        clock.sleep(600)
    below = sandbox.replies()
    assert list(below["comment_id"]).count(theirs["id"]) == 1
    assert outbox.replies("sandbox", [PROPOSED]) == []
