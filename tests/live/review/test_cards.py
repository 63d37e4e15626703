"""The list in the notebook: it works as long as it is on the screen, and says how things stand."""

import pytest

from botlib.live import review
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import READY
from botlib.live.policy import DISCLOSURE, with_disclosure

from .conftest import TRICKY


class Card:
    """A reply of the list, as a person finds its parts."""

    def __init__(self, box) -> None:
        self.head, self.text, self.below, buttons, self.said = box.children
        self.button = {button.description: button for button in buttons.children}

    def click(self, name: str) -> None:
        assert not self.button[name].disabled
        self.button[name].click()


def show(outbox, client):
    widget = review.approval_list(outbox, client, by="ann")
    heading, *cards, then = widget.children
    return heading, [Card(card) for card in cards], then


@pytest.fixture
def cards(outbox, client, waiting):
    _, cards, _ = show(outbox, client)
    by_text = {card.text.value: card for card in cards}
    return [by_text[reply.reply] for reply in waiting]


def test_the_best_stands_first_and_each_can_be_judged(outbox, client, waiting, states):
    heading, cards, _ = show(outbox, client)
    assert "<b>3</b> replies wait" in heading.value
    best = max(waiting, key=lambda reply: reply.score)
    assert cards[0].text.value == best.reply
    by_text = {card.text.value: card for card in cards}
    first, second, third = (by_text[reply.reply] for reply in waiting)
    assert f"u/{waiting[0].author}" in first.head.value
    first.click("Read the thread")
    assert "Rivers?" in first.said.value
    first.click("Approve")
    second.text.value = "My own words."
    second.click("Approve")
    third.click("Reject")
    assert states() == {1: "approved", 2: "edited", 3: "rejected"}
    assert outbox.get(1).reply == TRICKY
    assert outbox.get(2).reply == "My own words."
    assert "No reply waits" in review.approval_list(outbox, client).value


def test_it_works_after_the_notebook_has_closed_everything(outbox, client, waiting, workspace):
    heading, cards, _ = show(outbox, client)
    client.close()
    client.sandbox.stop()
    outbox.close()
    cards[0].click("Approve")
    assert "✓ approved" in cards[0].said.value
    cards[1].click("Reject")
    cards[1].click("Undo")
    cards[2].click("Read the thread")
    assert "can&#x27;t be read now" in cards[2].said.value  # one line, not a traceback
    assert "<b>2</b> replies wait" in heading.value
    with Outbox(workspace.outbox) as again:
        assert sorted(r.state for r in again.replies()) == ["approved", "proposed", "proposed"]


def test_how_many_wait_and_what_to_run_next_follow_each_click(outbox, client, cards, waiting):
    heading, cards, then = show(outbox, client)
    assert "python -m botlib bot --workspace" in then.value
    assert str(outbox.path.parent) in then.value
    cards[0].click("Approve")
    assert "<b>2</b> replies wait" in heading.value
    assert "<b>1</b> approved" in heading.value
    cards[1].click("Reject")
    assert "<b>1</b> reply waits" in heading.value
    cards[0].click("Undo")
    assert "<b>2</b> replies wait" in heading.value
    assert "<b>0</b> approved" in heading.value


def test_the_live_command_names_site_and_subreddits(outbox, client, monkeypatch):
    given = {"post_id": "p", "reply": "Yes.", "comment": "Why?"}
    for name in ("writing", "scifi"):
        outbox.propose("live", [{**given, "subreddit": name, "comment_id": name}])
    monkeypatch.setattr(type(client), "site", "live")
    _, cards, then = show(outbox, client)
    for card in cards:
        card.click("Approve")
    assert "--live --allow scifi,writing" in then.value


def test_the_disclosure_stands_below_each_reply_as_it_will_be_posted(outbox, client, cards):
    posted = with_disclosure("Yes.").splitlines()[-1]
    assert posted == DISCLOSURE
    for card in cards:
        assert posted.strip("*").replace("'", "&#x27;") in card.below.value


def test_undo_lets_a_person_think_again(outbox, client, cards, states):
    card = cards[0]
    card.text.value = "Mine."
    card.click("Approve")
    assert states()[1] == "edited"
    assert card.text.disabled
    card.click("Undo")
    assert states()[1] == "proposed"
    assert not card.text.disabled
    card.click("Approve")  # the words are still in the field
    assert outbox.get(1).reply == "Mine."
    card.click("Undo")
    card.click("Reject")
    assert states()[1] == "rejected"


def test_what_went_wrong_is_said(outbox, client, cards):
    outbox.execute("UPDATE replies SET state = 'posted'")
    cards[0].click("Approve")
    assert "is posted" in cards[0].said.value
    assert not cards[0].button["Approve"].disabled


def test_nobody_approves_words_they_were_not_shown(outbox, client, cards, states):
    outbox.execute("UPDATE replies SET comment = 'no bots please'")
    cards[0].click("Approve")
    assert "changed since you saw it" in cards[0].said.value
    assert states()[1] == "proposed"


def test_an_approval_taken_back_comes_with_the_reason_and_the_new_words(outbox, client, waiting):
    outbox.approve(1, "ann")
    outbox.take_back(1, "the comment was edited after you saw it", comment="Brand new words")
    _, cards, _ = show(outbox, client)
    (card,) = [card for card in cards if "Brand new words" in card.head.value]
    assert "the comment was edited" in card.head.value


def test_a_reply_that_failed_is_there_to_be_approved_again(outbox, client, waiting, states):
    outbox.approve(1, "ann")
    outbox.mark_sending(1)
    outbox.mark_failed(1, "HTTP 503")
    _, cards, _ = show(outbox, client)
    (card,) = [card for card in cards if "could not be posted: HTTP 503" in card.head.value]
    card.click("Approve")
    assert states()[1] == "approved"


def test_what_people_wrote_is_text_and_nothing_else(outbox, client, hostile):
    _, cards, _ = show(outbox, client)
    for card in cards:
        assert "<script>" not in card.head.value
        assert "5 &gt; 3 &amp; [31mred" in card.head.value  # shown as 5 > 3 &
        assert not set(card.head.value) & set("\x1b\x07\x9b\r\x00\u202e\u202c\u2066")


def test_whether_an_unclear_reply_is_there_can_be_said_in_the_list(
    outbox, client, waiting, unclear
):
    _, question, *cards, _ = review.approval_list(outbox, client, by="ann").children
    _, ask, where, buttons, said = question.children
    assert "Was this reply posted?" in ask.value and len(cards) == 2
    posted, _ = buttons.children
    posted.click()
    assert "a link to a comment" in said.value and not posted.disabled
    where.value = "https://www.reddit.com/r/writing/comments/1b/title/9zzzz/"
    posted.click()
    assert outbox.get(1).state == "posted" and posted.disabled


def test_an_unclear_reply_that_is_not_there_is_tried_again(outbox, client, waiting, unclear):
    _, question, *_ = review.approval_list(outbox, client, by="ann").children
    question.children[3].children[1].click()
    assert outbox.get(1).state in READY
