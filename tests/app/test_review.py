"""Replies judged on the page: what is shown, what the outbox decides, and who is told."""

import pytest

from botlib.live.outbox import optouts
from botlib.live.policy import DISCLOSURE
from botlib.live.posting import sending
from botlib.settings import PostSettings

from .conftest import Browser


def first(browser):
    return browser.get("/api/review").json["waiting"][0]


def decide(browser, card, what, **more):
    return browser.post(f"/api/review/{card['id']}/{what}", version=card["version"], **more)


def test_the_best_comes_first_with_all_that_a_person_needs(browser):
    said = browser.get("/api/review").json
    ratings = [card["rating"] for card in said["waiting"]]
    assert len(ratings) == 3 and ratings == sorted(ratings, reverse=True)
    assert said["disclosure"] == DISCLOSURE.strip("*")
    card = said["waiting"][0]
    assert card["comment"].startswith("Thought") and "😀 שלום" in card["reply"]
    assert len(card["others"]) == 2
    assert all(other["reason"] for other in card["others"])


def test_the_conversation_above_is_read_when_a_person_looks(browser):
    said = browser.get(f"/api/review/{first(browser)['id']}").json
    assert [turn["text"] for turn in said["turns"]][1] == "Rivers?"
    assert said["turns"][-1]["text"] == first(browser)["comment"]
    assert said["changed"] == ""


def test_a_comment_that_was_edited_is_pointed_out(browser, site):
    card = first(browser)
    with site.reddit() as reddit, site.outbox() as outbox:
        comment = f"t1_{outbox.get(card['id']).comment_id}"
        reddit.sandbox.state.change(comment, body="I mean something else.")
    said = browser.get(f"/api/review/{card['id']}").json
    assert "edited" in said["changed"]
    assert said["turns"][-1]["text"] == "I mean something else."


def test_approve_edit_reject_and_undo_are_the_outboxs(browser, site):
    cards = browser.get("/api/review").json["waiting"]
    assert decide(browser, cards[0], "approve").json["state"] == "approved"
    assert decide(browser, cards[1], "edit", text="Mine.\x1b[2J\u202e").json["state"] == "edited"
    left = decide(browser, cards[2], "reject", reason="unkind").json
    assert left["state"] == "rejected" and left["waiting"] == [] and left["approved"] == 2
    with site.outbox() as outbox:
        assert outbox.get(cards[1]["id"]).reply == "Mine.[2J"
        assert outbox.get(cards[2]["id"]).reason == "unkind"
        assert outbox.get(cards[0]["id"]).approved_by == "ann"
    undone = browser.post("/api/review/undo", id=cards[1]["id"]).json
    assert undone["was"] == "edited"
    assert undone["waiting"][0]["reply"] == cards[1]["reply"]
    assert browser.post("/api/review/undo").json["undone"] == cards[2]["id"]


@pytest.mark.parametrize(
    ("second", "more"), [("approve", {}), ("edit", {"text": "Mine."}), ("reject", {})]
)
def test_the_second_of_two_browsers_is_told_and_changes_nothing(app, key, site, second, more):
    ann, bob = Browser(app, key), Browser(app, key)
    card = first(ann)
    assert first(bob) == card
    assert decide(ann, card, "edit", text="Ann's.").status_code == 200
    refused = decide(bob, card, second, **more)
    assert refused.status_code == 409
    assert "edited by now (edited by ann)" in refused.json["error"]
    with site.outbox() as outbox:
        assert (outbox.get(card["id"]).state, outbox.get(card["id"]).reply) == ("edited", "Ann's.")


def test_the_disclosure_copied_into_an_edit_is_posted_once(browser, site):
    card = first(browser)
    decide(browser, card, "edit", text=f"Mine.\n\n---\n{DISCLOSURE}")
    post = PostSettings(
        reddit="sandbox", dry_run=False, allowed_subreddits="writing,scifi", min_comment_score=0
    )
    with site.reddit() as reddit:
        sending.post_approved(site.workspace, reddit, post)
        (posted,) = reddit.sandbox.replies()["reply"]
    assert posted == f"Mine.\n\n---\n{DISCLOSURE}"


def test_an_empty_edit_is_refused_with_the_cure(browser):
    answer = decide(browser, first(browser), "edit", text=" \n ")
    assert answer.status_code == 409 and "reject it instead" in answer.json["error"]


def test_what_is_handed_over_counts_at_once_and_asks_how_it_went(browser, site):
    with site.outbox() as outbox:
        outbox.execute("UPDATE replies SET site = 'live'")
    site.name = "live"
    card = first(browser)
    given = decide(browser, card, "hand-over").json
    assert given["state"] == "handed over"
    assert given["handed"][0]["text"].endswith(DISCLOSURE)
    assert given["handed"][0]["link"].startswith("https://www.reddit.com/")
    wrong = browser.post(f"/api/review/{card['id']}/settle", answer="https://example.org/")
    assert wrong.status_code == 409 and "permalink" in wrong.json["error"]
    assert browser.post(f"/api/review/{card['id']}/settle", answer="posted").json["handed"] == []


def test_whoever_opted_out_is_not_handed_over_either(browser, site):
    with site.outbox() as outbox:
        outbox.execute("UPDATE replies SET site = 'live'")
        for reply in outbox.replies():
            optouts.opt_out(outbox, reply.author, "stop")
    site.name = "live"
    refused = decide(browser, first(browser), "hand-over")
    assert refused.status_code == 409 and "opted out" in refused.json["error"]


def test_replies_of_the_other_site_are_out_of_reach(browser, site):
    card = first(browser)
    with site.outbox() as outbox:
        outbox.execute("UPDATE replies SET site = 'live' WHERE id = ?", card["id"])
    assert decide(browser, card, "approve").status_code == 409
    assert browser.get("/api/review").json["elsewhere"] == 1


def test_texts_of_strangers_come_without_what_acts_on_a_reader(browser, site):
    with site.outbox() as outbox:
        outbox.execute(
            "UPDATE replies SET title = ?, comment = ?, author = ?, subreddit = ?",
            "\x1b]0;owned\x07A \u202etitle",
            "5 &gt; 3 \x1b[31mred\r\n<script>alert(1)</script>\u2066" + "x" * 100_000,
            "ann\x1b[2J",
            "writing",
        )
    card = first(browser)
    assert card["title"] == "]0;ownedA title"
    assert card["comment"].startswith("5 > 3 [31mred\n<script>alert(1)</script>")
    assert len(card["comment"]) == 20_000
    assert card["author"] == "ann[2J"
    answer = browser.get("/api/review")
    assert answer.mimetype == "application/json"


def test_a_workspace_without_replies_says_so(workspace, browser, site):
    with site.outbox() as outbox:
        for reply in outbox.replies():
            outbox.reject(reply.id, "ann")
    said = browser.get("/api/review").json
    assert said["waiting"] == [] and said["approved"] == 0
