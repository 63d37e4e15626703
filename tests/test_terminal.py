"""Strangers' texts can't act on a terminal, and are read as people wrote them."""

import logging

import pandas as pd
import pytest

from botlib.live.events import note
from botlib.terminal import harmless, one_line, readable, text_table

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, [*range(9), *range(11, 32), *range(127, 160)]))


def test_no_control_and_no_override_is_left():
    left = harmless(f"a{CONTROLS}b{BIDI}c")
    assert set(left) <= set("abc\n")


@pytest.mark.parametrize(
    "text",
    ["plain", "two\n\nparagraphs\tand a tab", "שלום עולם", "عربي 😀 👩‍👩‍👧 naïve", "a\u200eb"],
)
def test_other_text_stays(text):
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]0;title\x07", "]0;title"),
        ("\x9b2Jgone", "2Jgone"),
        ("file\u202egpj.exe", "filegpj.exe"),
    ],
)
def test_line_ends_and_escapes(text, left):
    assert harmless(text) == left


def test_entities_become_characters_before_controls_go():
    assert readable("5 &gt; 3 &amp;&amp; so &#27;[2J &#8238;x") == "5 > 3 && so [2J x"
    assert one_line("a\nb &lt;\t c") == "a b < c"


def test_tables_and_logs_are_harmless_too(caplog):
    shown = text_table(pd.DataFrame({"comment": ["\x1b[2J a\nb\u202e"]}))
    assert "[2J a b" in shown and not set(shown) & set("\x1b\u202e")
    with caplog.at_level(logging.INFO, logger="botlib.live"):
        note("skipped", author="\x1b[2J", reason="a \x9b \u202e b")
    assert not set(caplog.text) & set("\x1b\x9b\u202e")
