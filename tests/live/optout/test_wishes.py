"""Who asks bots to keep out is heard; who merely speaks of bots is answered."""

import pytest

from botlib.live.optout.wishes import wants_no_bot
from botlib.live.policy import unanswerable

WISHES = [
    "no bots please",
    "No bots.",
    "NO BOTS ALLOWED",
    "What should I read next? No bots, please.",
    "What should I read next? (no AI)",
    "Real answers only, no bot replies.",
    "**No ChatGPT answers**, I can ask it myself",
    "Bots not welcome",
    "bots are not allowed in this thread",
    "bots stay out",
    "Bots, please don't reply to me",
    "I don’t want a bot answering me",
    "I do not want to hear from bots",
    "If you are a bot, please don't answer",
    "if you're a bot go away",
    "Humans only please",
    "Only humans please, I mean it",
    "EDIT: no more bots",
    "Why is the sky blue? Real people only",
    "please no ai generated stuff",
    "No\u200b bots &amp; no spam",
]
TALK = [
    "There are no bots in this game, which makes it boring.",
    "No bot can do that yet.",
    "No AI has ever written a good sonnet.",
    "Good bot",
    "I wrote a bot that answers questions about rivers.",
    "Are you a bot?",
    "The robots in that novel are only there for the people.",
    "I don't want AI to take my job.",
    "No both of them are wrong.",
    "It is people who only read the title.",
    "Some people only read the title.",
    "Do not use a comma there.",
]


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_for_no_bots_is_heard(text):
    assert wants_no_bot(text)
    comment = {"author": "ann", "body": "Why?"}
    post = {"title": "A question", "selftext": ""}
    assert "keep out" in unanswerable({**comment, "body": text}, post, "me")
    assert "keep out" in unanswerable(comment, {**post, "title": text}, "me")
    assert "keep out" in unanswerable(comment, {**post, "selftext": text}, "me")
    assert unanswerable(comment, post, "me") == ""


@pytest.mark.parametrize("text", TALK)
def test_talk_about_bots_is_no_wish(text):
    assert not wants_no_bot(text)
