"""Two runs beside each other: what differs first, with intervals; what is equal left out."""

import html
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from botlib.runs import page, summary
from botlib.runs.headlines import Headline, number
from botlib.runs.summary import Section

COLUMNS = ["section", "figure", "first", "second", "difference", "verdict"]
CLEAR, CHANCE, SOLE = "more than chance", "may be chance", "only in one run"
# What follows from the clock or the machine, and says nothing about the models
_NOISE = ("seconds", "date")


def compare(first: Path, second: Path, target: Path) -> pd.DataFrame:
    """Returns what differs between two runs, after writing it to a page.

    Args:
      first: a run's folder, `runs/{time}`.
      second: the folder of another run, in this or another workspace.
      target: the page to write.

    Returns:
      A row for each figure that differs, differences that are more than chance first: section,
      figure, first, second, difference (second less first, with an interval where both have one)
      and verdict. `attrs["equal"]` says how many figures are equal.

    Raises:
      BotlibError: a folder isn't a run's.
    """
    runs = [summary.load(run) for run in (first, second)]
    figures = [dict(_figures(*run)) for run in runs]
    names = list(dict.fromkeys(name for side in figures for name in side))
    rows = [(*name, *_row(figures[0].get(name), figures[1].get(name))) for name in names]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "order"])
    differ = table[table["order"] >= 0].sort_values("order", ascending=False, kind="stable")
    differ = differ[COLUMNS].reset_index(drop=True)
    differ.attrs["equal"] = int((table["order"] < 0).sum())
    _write(target, first, second, differ)
    return differ


def _figures(
    sections: list[Section], headlines: list[Headline]
) -> Iterator[tuple[tuple[str, str], object]]:
    for headline in headlines:
        value = f"{headline.value:.4f}"
        if math.isfinite(headline.low) and math.isfinite(headline.high):
            value += f" [{headline.low:.4f}, {headline.high:.4f}]"
        yield ("headline", headline.name), value
    for section in sections:
        # Texts of replies differ always, and say nothing as a difference
        if section.title.lower().startswith("best reply"):
            continue
        for _, row in section.table.iterrows():
            for column, value in row.iloc[1:].items():
                name = str(row.iloc[0]) if column == "value" else f"{row.iloc[0]}: {column}"
                if not name.endswith(_NOISE):
                    yield (section.title, name), value


def _row(first: object, second: object) -> tuple[object, object, str, str, float]:
    """Returns first, second, difference, verdict, and the place: below 0 where both are equal."""
    first, second = (None if _missing(value) else value for value in (first, second))
    if str(first) == str(second):
        return first, second, "", "equal", -1.0
    if first is None or second is None:
        return first, second, "", SOLE, 0.0
    (a, a_low, a_high), (b, b_low, b_high) = number(first), number(second)
    if not (math.isfinite(a) and math.isfinite(b)):
        return first, second, "", "", 0.1
    change = b - a
    if any(not math.isfinite(bound) for bound in (a_low, a_high, b_low, b_high)):
        return first, second, f"{change:+.4g}", "", 1.0
    # As if the two were measured on different replies; on the same ones chance explains even less
    low = change - math.hypot(b - b_low, a_high - a)
    high = change + math.hypot(b_high - b, a - a_low)
    clear = low > 0 or high < 0
    width = max(high - low, 1e-9)
    place = (3.0 if clear else 2.0) + min(abs(change) / width, 100.0) / 101.0
    text = f"{change:+.3f} [{low:+.3f}, {high:+.3f}]"
    return first, second, text, CLEAR if clear else CHANCE, place


def _missing(value: object) -> bool:
    return value is None or str(value) in ("nan", "None", "")


def _write(target: Path, first: Path, second: Path, differ: pd.DataFrame) -> None:
    clear = int((differ["verdict"] == CLEAR).sum())
    equal = differ.attrs["equal"]
    summary_line = (
        f"{clear} differences are more than chance"
        if clear != 1
        else ("1 difference is more than chance")
    )
    parts = [
        "<h1>Two runs</h1>",
        f"<p>first: {html.escape(str(first))}<br>second: {html.escape(str(second))}</p>",
        f'<section class="verdict unsure"><h2>{summary_line}; {len(differ) - clear} more figures '
        f"differ, {equal} are equal and left out.</h2><p>A difference is second less first. Its "
        "interval takes the runs as measured on different replies; on the same ones it would be "
        "narrower."
        "</p></section>",
        page.table(differ) if len(differ) else "<p>Nothing differs.</p>",
    ]
    page.write(target, "botlib: two runs", parts)
