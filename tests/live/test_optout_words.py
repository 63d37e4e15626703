"""What people write when they want no more replies is heard; what they only talk about isn't."""

import itertools
import json
import random
from pathlib import Path

import pytest

from botlib.data.dumps.files import blocks
from botlib.live.optout_words import asked_for
from botlib.live.policy import DISCLOSURE

WORDINGS = Path(__file__).parent / "wordings"


def wordings(name):
    lines = (WORDINGS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line.strip()]


@pytest.mark.parametrize(
    ("name", "wanted", "least"),
    [("stop", {"stop"}, 500), ("delete", {"delete"}, 250), ("both", {"stop", "delete"}, 30)],
)
def test_a_person_who_asks_in_plain_words_is_heard(name, wanted, least):
    texts = wordings(name)
    missed = [text for text in texts if not wanted <= asked_for(text)]
    assert len(texts) >= least
    assert len(missed) <= 0.05 * len(texts), missed


@pytest.mark.parametrize("name", ["stop", "delete"])
def test_stop_deletes_nothing_and_delete_stops_nothing(name):
    texts = wordings(name)
    other = [text for text in texts if asked_for(text) - {name}]
    assert len(other) <= 0.05 * len(texts), other


@pytest.mark.parametrize("text", wordings("ordinary"))
def test_ordinary_talk_opts_nobody_out(text):
    assert asked_for(text) == set()


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
