"""Months as the tables name them ("2019_05"), and the seconds they begin and end at."""

import re
from datetime import UTC, datetime

from botlib.errors import BotlibError


def month_of(text: str, setting: str) -> str:
    """Return "2019_05" for "2019-05", "2019_05" or "2019-5"; "" stays "".

    Raises:
      BotlibError: the text is no month; the message names the setting.
    """
    if not text:
        return ""
    match = re.fullmatch(r"(\d{4})[-_]?(\d{1,2})", text.strip())
    if not match or not 1 <= int(match[2]) <= 12:
        raise BotlibError(f"{setting} must be a month such as 2019-05, not {text!r}")
    return f"{match[1]}_{int(match[2]):02d}"


def shifted(month: str, by: int) -> str:
    """Return the month `by` months later (earlier if negative)."""
    return name_of(number_of(month) + by)


def number_of(month: str) -> int:
    """Return year * 12 + month, so that months apart can be subtracted."""
    return int(month[:4]) * 12 + int(month[5:])


def name_of(number: int) -> str:
    """Return "2019_05" for 2019 * 12 + 5; the other way round than `number_of`."""
    return f"{(number - 1) // 12:04d}_{(number - 1) % 12 + 1:02d}"


def start_of(month: str) -> int:
    """Return the month's first second, UTC, since 1970."""
    return int(datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC).timestamp())


def span(first: str, last: str, reach: int) -> tuple[int, int]:
    """Return the seconds [start, end) in which posts, comments and replies may lie.

    Args:
      first: first month of comments, "" for the beginning.
      last: last month of comments, "" for the end.
      reach: months that a post may be older, or a reply younger, than the comment.
    """
    start = start_of(shifted(first, -reach)) if first else 0
    end = start_of(shifted(last, reach + 1)) if last else 2**62
    return start, end


def between(first: str, last: str) -> list[str]:
    """Return all months from first to last."""
    months = [first]
    while months[-1] < last:
        months.append(shifted(months[-1], 1))
    return months
