"""The one cleaning of a text, and the one prompt."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botlib.data.pairs.build import clean_text, prompt, training_text

nasty = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(list("&;ampltg#x20[]SEPu/@.<|>\r\n \u200b\ufeff\ud83d")),
        st.sampled_from(["&amp;", "&lt;", "[SEP]", "<|endoftext|>", "u/someone", "a@b.org"]),
    )
).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),
        (float("nan"), ""),
        ("Tom &amp;amp; Jerry &lt;3", "Tom & Jerry <3"),
        ("a\r\n\r\n\r\n\r\nb  c\t d ", "a\n\nb c d"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("one [SEP] two <|endoftext|>", "one two"),
        ("ask /u/some_one or U/Some-one", "ask [user] or [user]"),
        ("see r/books, and/or menu/items", "see r/books, and/or menu/items"),
        ("mail me.please+now@example.co.uk!", "mail [e-mail]!"),
        (
            "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
            "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_clean_text(text, expected):
    assert clean_text(text) == expected


def test_scrub_can_be_switched_off():
    assert clean_text("ask u/somebody", scrub=False) == "ask u/somebody"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nasty)
def test_cleaning_twice_changes_nothing_more(text):
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert "\r" not in cleaned and "[SEP]" not in cleaned and cleaned == cleaned.strip()
    cleaned.encode()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nasty, nasty)
def test_training_text_begins_with_the_prompt(comment, reply):
    start = prompt(comment)
    assert start.endswith("[SEP]")
    assert training_text(comment, reply).startswith(start + " ")
