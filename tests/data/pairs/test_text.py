"""The one cleaning of a text, and the one prompt."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botlib.data.pairs.build import clean_text, prompt, training_text

nasty = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(list("&;ampltg#x20[]SEPu/@.<|>\r\n \u200b\ufeff\ud83d")),
        st.sampled_from(
            [
                "&amp;",
                "&lt;",
                "[SEP]",
                "<|endoftext|>",
                "u/someone",
                "a@b.org",
                "/user/",
                "+1234567890",
                "555-123-4567",
            ]
        ),
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
        (r"ask u/john\_doe\_2 or /user/some-one", "ask [user] or [user]"),
        ("https://www.reddit.com/user/some_one is me", "[user] is me"),
        ("at old.reddit.com/u/Some-One/comments?sort=new, yes", "at [user], yes"),
        ("(https://np.reddit.com/user/some_one/)", "([user])"),
        ("[my name](https://reddit.com/u/my_name) said", "[user] said"),
        ("https://reddit.com/r/books/user/9", "https://reddit.com/r/books/user/9"),
        ("call +49 30 1234567 or 0049 (30) 123-4567", "call [phone] or [phone]"),
        ("+1 (555) 123-4567, 555-123-4567, (555) 123-4567", "[phone], [phone], [phone]"),
        ("020 7946 0958 / 01 23 45 67 89 / 07700 900123", "[phone] / [phone] / [phone]"),
        ("+44 20 7946 0958 +33123456789 1-800-555-0199.", "[phone] [phone] [phone]."),
        ("in 2019-2020, 1,000,000 of 3.14159265", "in 2019-2020, 1,000,000 of 3.14159265"),
        ("ISBN 978-0-306-40615-7, 192.168.100.12", "ISBN 978-0-306-40615-7, 192.168.100.12"),
        ("SAT 1540 1480 1500, $100 000 000", "SAT 1540 1480 1500, $100 000 000"),
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
