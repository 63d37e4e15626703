"""One colour and one line style per model, the same in every figure, distinct in grey too."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter

# Okabe & Ito's palette (safe for colour-blind readers), ordered by rising lightness; each has a
# line style and a marker of its own, so that they differ in a grey print as well
STYLES: dict[str, tuple[str, str | tuple, str]] = {
    "BERT": ("#000000", "-", "o"),
    "BERT rank": ("#000000", "-", "s"),
    "BERT alone": ("#0072B2", (0, (8, 2)), "s"),
    "BERT rank alone": ("#0072B2", (0, (8, 2)), "h"),
    "BERT with head": ("#0072B2", (0, (8, 2)), "<"),
    "BERT rank with head": ("#0072B2", (0, (8, 2)), ">"),
    "TF-IDF": ("#D55E00", "--", "^"),
    "length only": ("#CC79A7", "-.", "D"),
    "length and characters per word": ("#56B4E9", (0, (5, 1, 1, 1, 1, 1)), "X"),
    "class frequencies": ("#999999", ":", "x"),
    "rating 0": ("#0072B2", (0, (8, 2)), "s"),
    "rating 1": ("#009E73", (0, (3, 1, 1, 1)), "v"),
    "rating 2": ("#D55E00", "--", "^"),
    "rating 3": ("#CC79A7", "-.", "D"),
    "micro": ("#000000", "-", "o"),
    "macro": ("#E69F00", (0, (1, 1)), "*"),
    "context": ("#009E73", (0, (3, 1, 1, 1)), "v"),
    "context, no scores": ("#56B4E9", (0, (5, 1, 1, 1, 1, 1)), "P"),
}
# First those that none of the models above has
_SPARE = (
    ("#009E73", (0, (3, 1, 1, 1)), "v"),
    ("#E69F00", (0, (1, 1)), "*"),
    ("#0072B2", (0, (8, 2)), "s"),
    ("#D55E00", "--", "^"),
    ("#CC79A7", "-.", "D"),
    ("#56B4E9", (0, (5, 1, 1, 1, 1, 1)), "P"),
)
CHANCE = {"color": "#777777", "linestyle": (0, (1, 3)), "linewidth": 1.2, "label": "chance"}
HUMAN = "#0072B2"
GENERATED = "#E69F00"
# One sequential map for all matrices: dark means many, in grey too
MATRIX_MAP = "Blues"
# Inches; on a phone as wide as the page, with text that can still be read
FIGURE_SIZE = (4.8, 3.5)
WIDTH = FIGURE_SIZE[0]
DPI = 130
_assigned: dict[str, tuple] = {}


def style(name: str) -> dict[str, object]:
    """Returns the line's colour, linestyle and marker of a model; unknown names get a spare one."""
    if name not in STYLES and name not in _assigned:
        _assigned[name] = _SPARE[len(_assigned) % len(_SPARE)]
    color, linestyle, marker = STYLES.get(name) or _assigned[name]
    return {"color": color, "linestyle": linestyle, "marker": marker}


def line_style(name: str) -> dict[str, object]:
    """Returns `style` without the marker, for curves of many points."""
    return {key: value for key, value in style(name).items() if key != "marker"}


def axes(ax: Axes | None, size: tuple[float, float] = FIGURE_SIZE) -> Axes:
    """Returns `ax`, or the axes of a new figure of the common size and text."""
    if ax is not None:
        return ax
    # No rc_context: a notebook's first figure sets up its backend, which the context would undo
    ax = plt.subplots(figsize=size, dpi=DPI, layout="constrained")[1]
    ax.tick_params(labelsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def words(ax: Axes, text: str) -> None:
    """Gives axes the words that `describe` takes for what their artists don't say, as a boxplot."""
    ax.botlib_words = text


def thousands(axis: Axis) -> None:
    """Writes an axis' numbers as 12,000, and counts without decimals."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


@contextmanager
def as_model(ax: Axes, name: str) -> Iterator[None]:
    """Gives what is drawn on `ax` inside the look of the model `name`.

    scikit-learn's displays name their line arguments differently from version to version; the
    property cycle works with all.
    """
    color, linestyle = line_style(name).values()
    ax.set_prop_cycle(cycler(color=[color]) * cycler(linestyle=[linestyle], linewidth=[1.8]))
    yield
    ax.set_prop_cycle(None)


def finish(ax: Axes, title: str, x: str, y: str, legend: str | None = "best") -> Axes:
    """Gives axes their title, labels, a light grid, and a legend if anything has a label."""
    ax.set_title(title, fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    if not ax.images:
        # scikit-learn's square axes leave half of a figure empty
        ax.set_aspect("auto")
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    handles, labels = ax.get_legend_handles_labels()
    if legend and labels:
        ax.legend(handles, labels, loc=legend, fontsize=8.5, framealpha=0.85, handlelength=2.6)
    return ax
