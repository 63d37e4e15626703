"""What people write when they want no more replies is heard; what they only talk about isn't."""

import itertools
import json
import random
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from benchmarks.optout import SETS, fresh, talk, unheard
from botlib.data.dumps.files import blocks
from botlib.live import linear
from botlib.live.optout import asked_for
from botlib.live.optout.train import train
from botlib.live.policy import DISCLOSURE

# The classifier isn't trained on these
WORDINGS = Path(__file__).parent / "wordings"
SENTENCES = resources.files("botlib.live.optout") / "sentences"


def wordings(name, folder=WORDINGS):
    lines = (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [
        line.replace("\\n", "\n")
        for line in lines
        if line.strip() and not line.startswith("# ") and "{" not in line
    ]


@pytest.mark.parametrize(
    ("name", "wanted", "least"),
    [("stop", {"stop"}, 950), ("delete", {"delete"}, 400), ("both", {"stop", "delete"}, 35)],
)
def test_a_person_who_asks_in_plain_words_is_heard(name, wanted, least):
    texts = wordings(name, SENTENCES)
    missed = [text for text in texts if not wanted <= asked_for(text)]
    assert len(texts) >= least
    assert len(missed) <= 0.02 * len(texts), missed


@pytest.mark.parametrize("name", ["stop", "delete"])
def test_stop_deletes_nothing_and_delete_stops_nothing(name):
    texts = wordings(name, SENTENCES)
    other = [text for text in texts if asked_for(text) - {name}]
    assert len(other) <= 0.01 * len(texts), other


def test_ordinary_talk_opts_nobody_out():
    texts = wordings("ordinary", SENTENCES)
    heard = [text for text in texts if asked_for(text)]
    assert len(texts) >= 350
    assert len(heard) <= 0.01 * len(texts), heard


@pytest.mark.parametrize(("name", "least"), [("stop", 130), ("delete", 80)])
def test_a_wording_that_nobody_foresaw_is_mostly_heard(name, least):
    texts = wordings(name)
    missed = [text for text in texts if name not in asked_for(text)]
    assert len(texts) >= least
    assert len(missed) <= 0.12 * len(texts), missed


def test_ordinary_talk_that_nobody_foresaw_is_hardly_ever_heard():
    texts = wordings("ordinary")
    heard = [text for text in texts if asked_for(text)]
    assert len(texts) >= 180
    assert len(heard) <= 0.06 * len(texts), heard


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("STOP. REPLYING. TO. ME.", {"stop"}),
        ("stopreplyingtome", {"stop"}),
        ("d0nt reply to me", {"stop"}),
        ("arrête de me répondre stp", {"stop"}),
        ("arrete de me repondre stp", {"stop"}),
        ("supprime ce commentaire stp", {"delete"}),
        ("never message me again you piece of garbage", {"stop"}),
        ("remove urself", {"delete"}),
        ("🛑", {"stop"}),
        ("🗑️", {"delete"}),
        ("🛑 the sign was new", set()),
    ],
)
def test_a_hidden_or_glued_request_is_heard(text, wanted):
    assert asked_for(text) == wanted


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("place", "least"), [("message", 0.95), ("below the bot", 0.95), ("elsewhere", 0.9)]
)
def test_whoever_asks_clearly_is_heard_wherever_they_ask(name, place, least):
    texts = fresh(name, place)
    assert len(texts) > 40
    missed = unheard(texts, place)
    assert len(missed) <= (1 - least) * len(texts), missed


@pytest.mark.parametrize("name", SETS)
def test_who_only_uses_the_words_of_a_request_goes_on_getting_answers(name):
    heard = [text for text in talk(name) if asked_for(text)]
    assert len(heard) <= 0.06 * len(talk(name)), heard


@pytest.mark.parametrize(
    "text",
    ["no 🤖", "🤖🚫", "stop n delete ur comment", ">!stop!<", "humans only", "no bots allowed"],
)
def test_a_sign_or_a_slip_does_not_hide_a_request(text):
    assert "stop" in asked_for(text, to_bot=True)


def test_who_asks_for_two_things_gets_both_though_only_a_plain_pattern_knows_one():
    for text in (
        "please stop, and take your comment down",
        "stop replying to me and remove everything you wrote to me",
        "I never agreed to this. Remove it and don't contact me again.",
    ):
        assert asked_for(text, to_bot=True) == {"stop", "delete"}


def test_a_subject_about_the_bots_comment_deletes_nothing():
    for subject in ("your comment", "Your reply", "About your bot", "a question"):
        assert asked_for("I liked it.", subject, private=True) == set()


@pytest.mark.parametrize(("name", "least"), [("stop", 190), ("delete", 120)])
def test_below_the_bots_own_comment_hardly_a_request_goes_unheard(name, least):
    texts = wordings(name)
    missed = [text for text in texts if name not in asked_for(text, to_bot=True)]
    assert len(texts) >= least
    assert len(missed) <= 0.08 * len(texts), missed


def test_what_may_be_said_to_anybody_is_a_request_only_below_the_bots_own_comment():
    text = "nobody asked you"
    assert asked_for(text) == set()
    assert asked_for(text, to_bot=True) == asked_for(text, private=True) == {"stop"}


def test_a_request_is_heard_beside_its_reason_and_at_the_end_of_a_sentence():
    reason = "My kids read along and it scared them this morning."
    assert asked_for(f"{reason} Hey chatbot, how about you stop talking to me") == {"stop"}
    assert asked_for("You offered, I accept: STOP", to_bot=True) == {"stop"}


def test_somebody_who_is_addressed_by_name_is_no_bot():
    assert asked_for("Congrats Dr. u/someone :D") == set()


def test_a_message_that_says_all_in_its_subject_is_heard_in_its_own_words():
    assert asked_for("", "ignore my profile please", private=True) == {"stop"}
    assert asked_for(".", "please remove the reply you left me", private=True) == {"delete"}


@pytest.mark.slow
def test_the_weights_are_small_and_come_from_the_sentences(tmp_path):
    path = train(tmp_path / "weights.npz")
    stored = resources.files("botlib.live.optout") / linear.WEIGHTS
    assert len(stored.read_bytes()) < 100_000
    with np.load(path) as again, np.load(str(stored)) as kept:
        new = again["weights"] * again["scale"]
        old = kept["weights"] * kept["scale"]
    # Another version of the solver may round another way
    assert np.abs(new - old).max() < 0.05 * np.abs(old).max()


def test_the_bots_own_line_quoted_is_no_request_but_what_stands_below_it_is():
    for quote in (DISCLOSURE, f"> {DISCLOSURE}", f"&gt; {DISCLOSURE}"):
        assert asked_for(quote) == set()
        assert asked_for(f"{quote}\n\nstop") == {"stop"}
        assert asked_for(f"{quote}\n\nHow nice of you.") == set()


def test_a_message_may_say_it_in_its_subject():
    assert asked_for("", "STOP", private=True) == {"stop"}
    assert asked_for("from ann", "Re: re: please stop replying to me") == {"stop"}
    assert asked_for("delete please", "stop") == {"stop", "delete"}
    assert asked_for("Nice bot you have there", "About your bot", private=True) == set()


def test_laughter_makes_stop_a_joke_in_a_thread_but_not_in_a_message():
    assert asked_for("stop 😂") == set()
    assert asked_for("stop 😂", private=True) == {"stop"}


def test_no_text_costs_much_time():
    for text in ("stop " * 4000, "a" * 40_000, "i dont want to " * 3000, "(" * 40_000):
        asked_for(text)


def test_ten_thousand_real_replies_hold_hardly_a_request(reddit_college):
    texts = []
    for name in ("College", "GradSchool", "AskAcademia", "ApplyingToCollege"):
        path = reddit_college / f"{name}_comments.zst"
        read = b"".join(itertools.islice(blocks(path), 4))
        for line in read.split(b"\n")[:-1]:
            comment = json.loads(line)
            if comment["parent_id"].startswith("t1_"):
                texts.append(comment["body"])
    texts = random.Random(0).sample(texts, 10_000)
    heard = [text for text in texts if asked_for(text)]
    assert len(heard) <= 10, heard
