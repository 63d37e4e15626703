"""A reply handed over to a person: once, within the limits, and followed to its score."""

import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.live import outcomes, review
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import APPROVED, GIVEN_UP, HANDED_OVER, POSTED, PROPOSED
from botlib.live.policy import has_disclosure
from botlib.live.posting import by_hand
from botlib.live.reddit import subreddit_rules
from botlib.live.reddit.client import connect
from botlib.settings import PostSettings
from tests.data.archive.server import ArchiveServer
from tests.live.reddit.test_archive import COMMENTS, HOUR, POSTS, comment

LINK = "https://www.reddit.com/r/writing/comments/1b/title/9zz/"


@pytest.fixture
def settings() -> PostSettings:
    return PostSettings(reddit="archive")


@pytest.fixture
def archive(monkeypatch, clock):
    monkeypatch.setattr("botlib.live.stopping.time.sleep", lambda seconds: None)
    now = COMMENTS[0]["created_utc"] + 3 * HOUR
    clock.now = float(now)
    with ArchiveServer(POSTS, COMMENTS, clock=clock) as server:
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.address)
        yield server


@pytest.fixture
def reddit(archive):
    with connect("archive") as connected:
        yield connected


@pytest.fixture
def approved(archive, outbox):
    """One approved reply to each comment under 1b, and one under 1a."""
    for post_id, comment_id in (("1b", "2b0"), ("1b", "2b1"), ("1a", "2a0")):
        given = {"subreddit": "writing", "post_id": post_id, "comment_id": comment_id}
        given |= {"author": f"by{comment_id}", "title": f"Title {post_id}", "reply": "Rivers bend."}
        outbox.propose("live", [given])
    for reply in outbox.replies("live"):
        outbox.approve(reply.id, "ann")
    return outbox


def give(workspace, outbox, settings, number):
    policy = by_hand.policy_for(workspace, outbox, settings)
    with connect("archive") as reddit:
        by_hand.give(outbox, policy, outbox.get(number), "ann", reddit)


def test_what_is_copied_says_that_a_bot_wrote_it(approved):
    assert has_disclosure(by_hand.text(approved.get(1)))
    assert by_hand.link(approved.get(1)) == "https://www.reddit.com/r/writing/comments/1b/_/2b0/"


def test_a_reply_that_was_handed_over_counts_in_every_limit(workspace, approved, settings):
    give(workspace, approved, settings, 1)
    assert approved.get(1).state == HANDED_OVER
    with pytest.raises(BotlibError, match="another reply to the post may be on Reddit"):
        give(workspace, approved, settings, 2)
    with pytest.raises(BotlibError, match="limit of 1 an hour in r/writing"):
        give(workspace, approved, settings, 3)


def test_what_was_not_posted_after_all_frees_its_place(workspace, approved, settings):
    give(workspace, approved, settings, 1)
    assert by_hand.settle(approved, approved.get(1), "Not posted") == APPROVED
    give(workspace, approved, settings, 3)


def test_a_permalink_is_kept_and_nothing_is_handed_over_twice(workspace, approved, settings):
    give(workspace, approved, settings, 1)
    with pytest.raises(BotlibError, match="is handed over"):
        give(workspace, approved, settings, 1)
    assert by_hand.settle(approved, approved.get(1), f"  {LINK}?utm_source=share ") == POSTED
    assert approved.get(1).reply_id == "9zz"
    with pytest.raises(BotlibError, match="is posted"):
        by_hand.settle(approved, approved.get(1), "not posted")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("yes", "isn't a link to a comment"),
        ("https://evil.example/r/writing/comments/1b/title/9zz/", "isn't a link to a comment"),
        ("https://www.reddit.com/r/writing/comments/1a/title/9zz/", "leads to another thread"),
        ("https://www.reddit.com/r/writing/comments/1b/title/2b0/", "is the comment that was"),
    ],
)
def test_a_wrong_link_is_refused_and_the_reply_stays_handed_over(
    workspace, approved, settings, said, message
):
    give(workspace, approved, settings, 1)
    with pytest.raises(BotlibError, match=message):
        by_hand.settle(approved, approved.get(1), said)
    assert approved.get(1).state == HANDED_OVER


def test_nobody_who_opted_out_is_answered_by_hand_either(workspace, approved, settings):
    optouts.opt_out(approved, "by2b0", "asked")
    with pytest.raises(BotlibError, match="u/by2b0 opted out"):
        give(workspace, approved, settings, 1)


def test_the_stop_switch_holds_for_replies_by_hand(workspace, approved, settings):
    workspace.stop_switch.touch()
    with pytest.raises(BotlibError, match="the stop switch is on"):
        give(workspace, approved, settings, 1)


def test_an_approval_of_last_week_must_be_given_again(workspace, approved, settings, clock):
    clock.now += 60 * HOUR
    with pytest.raises(BotlibError, match="approve it again"):
        give(workspace, approved, settings, 1)
    assert approved.get(1).state == PROPOSED


DESPAIR = "I can't go on. I want to kill myself tonight."


@pytest.mark.parametrize(
    ("change", "why", "state"),
    [
        ({"body": "On reflection, I meant lakes."}, "edited after you saw it", PROPOSED),
        ({"body": DESPAIR}, "off-topic for a bot", GIVEN_UP),
        ({"body": "What I think of 2b0. No bots please."}, "asks bots to keep out", GIVEN_UP),
        ({"_meta": {"was_deleted_later": True, "removal_type": "deleted"}}, "gone|deleted", None),
        ({"locked": True}, "locked", GIVEN_UP),
    ],
)
def test_what_changed_since_the_approval_is_not_handed_over(
    archive, workspace, approved, settings, clock, change, why, state
):
    approved.execute("UPDATE replies SET comment = 'What I think of 2b0.' WHERE id = 1")
    before = next(row for row in COMMENTS if row["id"] == "2b0")
    archive.add("comments", {**before, **change})
    # The archive has read it a second time, early for once
    archive.reread["2b0"] = int(clock.now) - 60
    with pytest.raises(BotlibError, match=why):
        give(workspace, approved, settings, 1)
    assert approved.get(1).state != HANDED_OVER
    if state:
        assert approved.get(1).state == state


def test_nothing_is_handed_over_while_its_thread_cant_be_read(
    archive, workspace, approved, settings
):
    archive.faults = 1.0
    with pytest.raises(BotlibError, match="can't be read now"):
        give(workspace, approved, settings, 1)
    assert approved.get(1).state == APPROVED


def answers(*given):
    left = list(given)

    def ask(_: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return ask


def test_the_terminal_shows_rules_link_and_text_and_takes_the_permalink(
    workspace, approved, settings, reddit
):
    shown = []
    done = by_hand.in_terminal(
        workspace, approved, settings, reddit, by="ann", show=shown.append,
        ask=answers("t", "what?", LINK, "s", "t", "l"),
    )  # fmt: skip
    assert done == {"handed over": 0, "posted": 1, "not posted": 0}
    text = "\n".join(shown)
    assert "rules of r/writing: not known" in text and "I'm a bot" in text
    assert "isn't a link to a comment" in text and "limit of 1 an hour" in text


def test_the_terminal_asks_about_what_it_handed_over_before(workspace, approved, settings, reddit):
    give(workspace, approved, settings, 1)
    done = by_hand.in_terminal(
        workspace, approved, settings, reddit, by="ann", show=lambda _: None, ask=answers("p", "q")
    )
    assert done["posted"] == 1
    assert approved.get(1).state == POSTED


def test_cards_show_the_text_only_when_it_was_taken(workspace, approved, settings, reddit):
    cards = by_hand.cards(workspace, approved, settings, reddit, by="ann").children[1:]
    _, take, words, how, said = cards[0].children
    assert words.value == ""
    take.click()
    assert has_disclosure(words.value) and approved.get(1).state == HANDED_OVER
    how.value = LINK
    assert approved.get(1).state == POSTED and POSTED in said.value
    cards[1].children[1].click()
    assert "the post has 1 of our replies already" in cards[1].children[-1].value


def follow(outbox) -> pd.DataFrame:
    with connect("archive") as reddit:
        return outcomes.follow(outbox, reddit)


def test_its_score_is_followed_once_the_archive_has_it(
    archive, workspace, approved, settings, clock
):
    give(workspace, approved, settings, 1)
    by_hand.settle(approved, approved.get(1), LINK)
    assert follow(approved).empty  # not even stored yet, which is no removal
    body = by_hand.text(approved.get(1))
    archive.add("comments", {**comment("9zz", "1b", "2b0"), "created_utc": int(clock.now),
                             "body": body, "score": 12})  # fmt: skip
    clock.now += 30 * HOUR
    assert follow(approved).empty
    clock.now += 10 * HOUR
    assert follow(approved)["score"].tolist() == [12]
    fared = outcomes.table(approved, "live")
    assert fared["score_24h"].tolist() == [12] and fared["fate"].tolist() == ["there"]


def test_a_reply_whose_link_nobody_gave_is_found_by_its_last_line(
    archive, workspace, approved, settings, clock
):
    give(workspace, approved, settings, 1)
    by_hand.settle(approved, approved.get(1), "posted")
    body = by_hand.text(approved.get(1)).replace("“", '"').replace("”", '"')
    archive.add("comments", comment("9zy", "1b", "2b0", body="Not mine."))
    archive.add(
        "comments", {**comment("9zz", "1b", "2b0", body=body), "created_utc": int(clock.now)}
    )
    follow(approved)
    assert approved.get(1).reply_id == "9zz"


def test_a_reply_that_moderators_removed_is_known_as_removed(
    archive, workspace, approved, settings, clock
):
    give(workspace, approved, settings, 1)
    by_hand.settle(approved, approved.get(1), LINK)
    meta = {"was_deleted_later": True, "removal_type": "removed"}
    archive.add("comments", {**comment("9zz", "1b", "2b0"), "created_utc": int(clock.now),
                             "_meta": meta})  # fmt: skip
    clock.now += 40 * HOUR
    assert follow(approved)["fate"].tolist() == ["removed"]


RULES = [
    # As the archive has them
    {"kind": "all", "short_name": "Be kind", "description": "Always.", "priority": 0}
    | {"created_utc": 1600000000, "violation_reason": "Be kind"},
    {"kind": "comment", "short_name": "No bots", "description": "Automated accounts are banned."}
    | {"created_utc": 1600000000, "violation_reason": "Bot", "priority": 1},
]


def test_rules_about_bots_are_shown_first_and_fetched_once_a_week(archive, workspace, monkeypatch):
    archive.rules["writing"] = RULES
    with connect("archive") as reddit:
        subreddit_rules.refresh(workspace, reddit, ["writing", "scifi"])
        asked = len(archive.requests)
        subreddit_rules.refresh(workspace, reddit, ["Writing"])
    assert len(archive.requests) == asked
    assert subreddit_rules.lines(workspace, "Writing") == [
        "! r/Writing: No bots: Automated accounts are banned.",
        "other rules of r/Writing: Be kind",
    ]
    assert "not known" in subreddit_rules.lines(workspace, "poems")[0]


def test_an_outbox_of_before_takes_the_new_state(workspace, outbox):
    with Outbox(workspace.outbox) as again:
        again.propose("live", [{"subreddit": "s", "post_id": "p", "comment_id": "c", "reply": "r"}])
        again.approve(1, "ann")
        again.hand_over(1, "ann")
        assert [reply.id for reply in again.sent_since("live", 0)] == [1]
        assert again.count_for_post("live", "p") == (0, 1)


def test_who_approves_reads_what_the_subreddit_says_about_bots(archive, workspace, outbox):
    archive.rules["writing"] = RULES
    given = {"subreddit": "writing", "post_id": "1b", "comment_id": "2b0", "reply": "Rivers bend."}
    outbox.propose("live", [given])
    shown = []
    with connect("archive") as reddit:
        subreddit_rules.refresh(workspace, reddit, ["writing"])
        review.review_in_terminal(
            outbox, "live", reddit=reddit, ask=lambda _: "s", show=shown.append
        )
        cards = review.approval_list(outbox, reddit)
    assert "! r/writing: No bots: Automated accounts are banned." in shown
    assert "No bots" in cards.children[0].value
    assert "post by hand" in cards.children[-1].value
