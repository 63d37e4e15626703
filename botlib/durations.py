"""Durations as a person writes them: 90s, 10m, 1h30m, "2 hours"."""

import re

from botlib.errors import BotlibError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS = {"s": "sec|secs|second|seconds", "m": "min|mins|minute|minutes",
          "h": "hr|hrs|hour|hours", "d": "day|days"}  # fmt: skip
_NAMES = {name: unit for unit, names in _WORDS.items() for name in (unit, *names.split("|"))}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.I)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONGEST = 7 * _UNITS["d"]


def seconds(text: str, option: str) -> float:
    """Returns a duration in seconds; a number alone is in seconds.

    Args:
      text: such as "10m", "1h30m" or "2 hours".
      option: what the error names.

    Raises:
      BotlibError: it isn't a duration, isn't above 0, or is longer than a week.
    """
    text = text.strip()
    total = 0.0
    if _NUMBER.fullmatch(text):
        total = float(text)
    elif not _PART.sub("", text).strip():
        parts = [(number, _NAMES.get(name.lower())) for number, name in _PART.findall(text)]
        if all(unit for _, unit in parts):
            total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < total <= _LONGEST:
        raise BotlibError(
            f"{option}: {text!r} is not a duration of up to a week; write 90s, 10m, 1h30m or 2h"
        )
    return total


def in_words(seconds_: float) -> str:
    """Returns a duration as it can be typed, to the second: 90s, 10m, 1h30m."""
    remaining = max(0, round(seconds_))
    parts = []
    for unit in ("d", "h", "m", "s"):
        number, remaining = divmod(remaining, round(_UNITS[unit]))
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
