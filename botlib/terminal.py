"""Tables for a terminal, aligned to the left, where people start to read."""

import pandas as pd


def text_table(frame: pd.DataFrame, width: int = 60) -> str:
    """Returns a frame as lines of text.

    Args:
      frame: its index is not shown.
      width: longer texts are cut to so many characters.
    """
    rows = [[str(name) for name in frame.columns]]
    rows += [[_cell(value, width) for value in row] for row in frame.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object, width: int) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    text = f"{value:.3g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"
