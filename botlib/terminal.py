"""Text for a terminal: tables, and strangers' texts made harmless."""

import html
import re

import pandas as pd

# Control characters but for newline and tab (escape sequences begin with one), and those that
# reverse the direction of text, so that it reads as another text
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")


def harmless(text: str) -> str:
    """Returns a text without characters that control a terminal or reverse the direction of text.

    Newlines and tabs stay; other control characters (C0 and C1, so also escape sequences' first
    character) and Unicode's bidirectional overrides, embeddings and isolates go.
    """
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def readable(text: str) -> str:
    """Returns a text of Reddit's as a person should see it: entities as characters, harmless."""
    return harmless(html.unescape(text))


def one_line(text: str) -> str:
    """Returns a text as `readable` does, on one line."""
    return " ".join(readable(text).split())


def text_table(frame: pd.DataFrame, width: int = 60) -> str:
    """Returns a frame as lines of text.

    Args:
      frame: its index is not shown.
      width: texts are cut to this many characters.
    """
    rows = [[one_line(str(name)) for name in frame.columns]]
    rows += [[_cell(value, width) for value in row] for row in frame.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object, width: int) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    text = f"{value:.3g}" if isinstance(value, float) else one_line(str(value))
    return text if len(text) <= width else text[: width - 1] + "…"
