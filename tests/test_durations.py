"""Durations as people write them; what is none is refused by name."""

import pytest

from botlib.durations import in_words, seconds
from botlib.errors import BotlibError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("2 hours", 7200), ("600", 600),
     ("1.5h", 5400), (" 10 min ", 600), ("1 Day", 86400)],
)  # fmt: skip
def test_what_people_write_is_understood(text, wanted):
    assert seconds(text, "--every") == wanted


@pytest.mark.parametrize("text", ["", "soon", "10x", "-5m", "0s", "m", "10m!", "1e9h", "inf", "8d"])
def test_what_is_no_duration_is_refused_with_examples(text):
    with pytest.raises(BotlibError, match=r"--every: .* write 90s, 10m, 1h30m or 2h"):
        seconds(text, "--every")


@pytest.mark.parametrize(
    ("number", "text"), [(15, "15s"), (600, "10m"), (5400, "1h30m"), (0, "0s")]
)
def test_a_duration_is_shown_as_it_can_be_typed(number, text):
    assert in_words(number) == text
