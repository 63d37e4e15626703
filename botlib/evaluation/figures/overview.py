"""The report's own figures: models beside their baselines, the replies' way, as theme-aware SVG."""

import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from botlib.evaluation.figures.style import CHANCE, HUMAN, axes, finish

Row = tuple[str, float, float, float]
# As wide as the figure's other half allows
_SHORT = {
    "length and characters per word": "length, word length",
    "class frequencies": "frequencies",
}
_OWN, _OTHER = HUMAN, "#777777"
# Four units wide: readable without a zoom on a phone, where the page is as wide as the figure
SIZE = (4.6, 2.6)


def beside_baselines(
    rows: Sequence[Row],
    *,
    own: Sequence[str],
    title: str,
    x: str,
    chance: float | None = None,
    form: str = "{:.2f}",
    ax: Axes | None = None,
) -> Axes:
    """Draws a model and its baselines as points with intervals, the model on top.

    Args:
      rows: name, value, low and high (NaN where there is no interval) of each.
      own: the names that are the model itself.
      title, x: of the figure and of its axis.
      chance: the value of a guess, drawn as a dotted line.
      form: how values are written.
      ax: where; a new figure if None.
    """
    rows = [row for row in rows if np.isfinite(row[1])]
    ax = axes(ax, (SIZE[0], 1.0 + 0.32 * max(2, len(rows))))
    for place, (name, value, low, high) in enumerate(rows):
        color = _OWN if name in own else _OTHER
        error = np.nan_to_num([[max(0.0, value - low)], [max(0.0, high - value)]])
        marker = {"fmt": "o" if name in own else "D", "markersize": 6, "capsize": 3}
        ax.errorbar(value, place, xerr=error, color=color, **marker)
        end = high if np.isfinite(high) else value
        ax.annotate(
            form.format(value),
            (end, place),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=color if name in own else "black",
        )
    if chance is not None:
        ax.axvline(chance, **{**CHANCE, "label": None})
    ax.set_yticks(range(len(rows)), [_SHORT.get(row[0], row[0]) for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.margins(x=0.18)
    return finish(ax, title, x, "", None)


def counts(steps: Mapping[str, int], *, title: str, ax: Axes | None = None) -> Axes:
    """Draws how many are left after each step, the first on top."""
    ax = axes(ax, (SIZE[0], 1.0 + 0.34 * len(steps)))
    bars = ax.barh(list(steps), list(steps.values()), color=_OWN, height=0.65)
    ax.bar_label(bars, [f" {n:,}" for n in steps.values()], fontsize=10)
    ax.invert_yaxis()
    ax.margins(x=0.18)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return finish(ax, title, "", "", None)


def as_svg(figure: Figure, alt: str) -> str:
    """Returns a figure as inline SVG whose black follows the page's text colour; closes it.

    Args:
      figure: any figure; it is drawn without a background.
      alt: what it shows, with its numbers, for those who don't see it.
    """
    for ax in figure.axes:
        ax.set_facecolor("none")
        if legend := ax.get_legend():
            legend.get_frame().set_facecolor("none")
    # A salt of its own: ids of several drawings on one page must differ
    options = {"svg.fonttype": "none", "svg.hashsalt": alt}
    with plt.rc_context(options), io.StringIO() as file:
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        text = file.getvalue()
    plt.close(figure)
    text = text[text.index("<svg") :]
    text = text.replace("#000000", "currentColor")
    label = html.escape(alt, quote=True)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" fill="currentColor" ', 1)
