"""A figure in words, from its own numbers: for those who don't see it, and as the report's alt."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

# A sentence, not a table: longer ones are cut
CHARACTERS = 400
# Bars and points up to so many are named with their values; of more the ends and the peak
FEW = 12


def describe(figure: Figure) -> str:
    """Returns what a figure shows: its titles, and the values of its bars, points and curves."""
    parts = []
    for ax in figure.axes:
        if ax.get_label() == "<colorbar>":
            continue
        values = "; ".join(_values(ax))
        title = ax.get_title().rstrip(".")
        if title or values:
            parts.append(f"{title}. {values}." if title and values else f"{title or values}.")
    text = " ".join(parts)
    return text if len(text) <= CHARACTERS else text[:CHARACTERS].rsplit(" ", 1)[0] + " …"


def install(shell: Any) -> None:
    """Makes a notebook keep each figure's description instead of `<Figure size 540x400 …>`."""
    if "inline" in os.environ.get("MPLBACKEND", ""):
        # With its first figure the inline backend would forget what is registered before
        shell.enable_matplotlib("inline")
    formatter = shell.display_formatter.formatters["text/plain"]
    formatter.for_type(Figure, lambda figure, printer, cycle: printer.text(describe(figure)))


def _values(ax: Axes) -> Iterator[str]:
    if words := getattr(ax, "botlib_words", ""):
        yield words
        return
    for image in ax.images:
        yield from _matrix(ax, np.asarray(image.get_array()))
    drawn = set()
    for container in ax.containers:
        if isinstance(container, BarContainer):
            yield from _bars(ax, container)
        elif isinstance(container, ErrorbarContainer) and container.lines[0] is not None:
            drawn.add(container.lines[0])
            x, y = container.lines[0].get_data()
            yield _points(ax, str(container.get_label()), x, y)
    for line in ax.lines:
        label = str(line.get_label())
        x, y = line.get_data()
        if line not in drawn and not label.startswith("_") and len(x) > 2:
            yield _points(ax, label, x, y)


def _bars(ax: Axes, bars: BarContainer) -> Iterator[str]:
    flat = bars.orientation == "horizontal"
    sizes = [bar.get_width() if flat else bar.get_height() for bar in bars]
    middles = [
        bar.get_y() + bar.get_height() / 2 if flat else bar.get_x() + bar.get_width() / 2
        for bar in bars
    ]
    if len(sizes) > FEW:
        peak = int(np.argmax(sizes))
        name = "" if bars.get_label().startswith("_") else f"{bars.get_label()}: "
        yield f"{name}most, {number(sizes[peak])}, at {number(middles[peak])}"
        return
    label = "" if bars.get_label().startswith("_") else f"{bars.get_label()}: "
    names = [_name(ax, middle, flat) for middle in middles]
    pairs = (f"{name} {number(size)}" for name, size in zip(names, sizes, strict=True))
    yield label + ", ".join(pairs)


def _points(ax: Axes, label: str, x: Any, y: Any) -> str:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    name = "" if label.startswith("_") else f"{label}: "
    if not len(x):
        return f"{name}nothing"
    if "=" in label and len(x) > FEW:
        # The curve's own measure says more than its ends
        return label
    if isinstance(ax.yaxis.get_major_locator(), FixedLocator):
        # The rows have names: the values run along x, the points of a row beside each other
        rows = [_name(ax, round(float(place)), True) for place in y]
        name = "" if rows == [label] else name
        pairs = zip(rows, x, strict=True)
        return name + ", ".join(f"{row} {number(v)}" for row, v in pairs if np.isfinite(v))
    if len(x) <= FEW:
        pairs = zip(x, y, strict=True)
        listed = (f"{_name(ax, a, False)} {number(b)}" for a, b in pairs if np.isfinite(b))
        return name + ", ".join(listed)
    return f"{name}from {number(y[0])} at {number(x[0])} to {number(y[-1])} at {number(x[-1])}"


def _matrix(ax: Axes, values: np.ndarray) -> Iterator[str]:
    if values.ndim != 2:
        return
    columns = [label.get_text() for label in ax.get_xticklabels()]
    rows = [label.get_text() for label in ax.get_yticklabels()]
    if len(columns) != values.shape[1] or len(rows) != values.shape[0]:
        return
    for row, line in zip(rows, values, strict=True):
        cells = ", ".join(f"{number(v)} as {c}" for c, v in zip(columns, line, strict=True))
        yield f"{ax.get_ylabel()} {row}: {cells}"


def _name(ax: Axes, place: float, vertical: bool) -> str:
    """Returns the tick's text at a place, or the place itself where no tick is named."""
    axis = ax.yaxis if vertical else ax.xaxis
    fixed = {round(float(at), 6): tick.get_text() for at, tick in _ticks(axis)}
    text = fixed.get(round(float(place), 6), "").split("\n")[0]
    return text or number(place)


def _ticks(axis: Any) -> Iterator[tuple[float, Any]]:
    yield from zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)


def number(value: float) -> str:
    """Returns a number as a person writes it: 1,234, 0.52, 7."""
    value = float(value)
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.3g}"
