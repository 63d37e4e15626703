"""Figures over slices: pairwise accuracy, lift, and AUC by decoder and by length, with intervals.

Each takes name → table, as the function named in its docstring returns it, and is its own table.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from botlib.evaluation.figures.style import CHANCE, WIDTH, axes, finish, style
from botlib.evaluation.metrics import with_interval

Tables = Mapping[str, pd.DataFrame]


def pairwise_by(
    tables: Tables, *, ax: Axes | None = None, title: str = "Which of two replies scored higher"
) -> Axes:
    """Draws `metrics.pairwise_by(frame, score, by=…)` of each model, by gap or by subreddit."""
    ax = _points(tables, "pairwise", ax, "pairs")
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    by = next(iter(tables.values())).index.name
    label = "gap between the scores (pairs)" if by == "gap" else f"{by} (pairs)"
    return _legend(finish(ax, title, "pairwise accuracy", label, None))


def by_decoder(
    tables: Tables,
    *,
    ax: Axes | None = None,
    title: str = "Real or generated, by decoder",
) -> Axes:
    """Draws `slices.auc_by_decoder(frame, p)` of each model."""
    ax = _points(tables, "auc", ax, "fakes")
    return _legend(finish(ax, title, "AUC", "decoder (fakes)", None))


def by_length(
    tables: Tables, *, ax: Axes | None = None, title: str = "Real or generated, by reply length"
) -> Axes:
    """Draws `slices.auc_by_length(frame, p)` of each model."""
    ax = _points(tables, "auc", ax, "fakes")
    return _legend(finish(ax, title, "AUC", "characters (fakes)", None))


def lift(
    results: Mapping[str, Mapping], *, ax: Axes | None = None, title: str = "What ranking gains"
) -> Axes:
    """Draws the true score of the reply ranked first by each model; numbers: `lift_table`."""
    ax = axes(ax, (WIDTH, 1.2 + 0.4 * len(results)))
    for row, (name, result) in enumerate(results.items()):
        low, high = result["intervals"]["lift"]
        error = [[result["lift"] - low], [high - result["lift"]]]
        look = {**style(name), "linestyle": "none"}
        ax.errorbar(result["lift"], row, xerr=np.abs(error), capsize=3, **look)
    ax.axvline(0, **CHANCE)
    ax.set_yticks(range(len(results)), list(results))
    ax.set_ylim(len(results) - 0.5, -0.5)
    return finish(ax, title, "points gained over a random reply", "", None)


def lift_table(results: Mapping[str, Mapping]) -> pd.DataFrame:
    """Returns the lifts, one row a model, with intervals."""
    names = {
        "chosen": "score of the reply ranked first",
        "random": "score of a random reply",
        "best": "score of the best reply",
        "lift": "lift (points)",
        "of_possible": "share of the possible lift",
        "won": "share of the other replies that it beats",
    }
    digits = {"of_possible": 3, "won": 3}
    return pd.DataFrame(
        {
            text: {m: with_interval(r, key, digits.get(key, 2)) for m, r in results.items()}
            for key, text in names.items()
        }
    )


def _points(tables: Tables, value: str, ax: Axes | None, count: str) -> Axes:
    """Draws tables (index: band; columns value, low, high, a count) as points with intervals."""
    counts = next(iter(tables.values()))[count]
    # A band without a single row says nothing
    bands = [band for band, n in counts.items() if n]
    ax = axes(ax, (WIDTH, 1.5 + (0.22 + 0.16 * len(tables)) * max(2, len(bands))))
    for place, (name, frame) in enumerate(tables.items()):
        frame = frame.reindex(bands)
        y = np.arange(len(bands)) + (place - (len(tables) - 1) / 2) * 0.7 / len(tables)
        centre = frame[value].to_numpy(dtype=float)
        error = np.abs(frame[["low", "high"]].to_numpy(dtype=float).T - centre)
        # A point without an interval gets no bar
        error = np.nan_to_num(error)
        look = {**style(name), "linestyle": "none", "markersize": 5}
        bars = ax.errorbar(centre, y, xerr=error, label=name, capsize=3, **look)
        for line in bars[2]:
            line.set_linestyle(style(name)["linestyle"])
    ax.axvline(0.5, **CHANCE)
    names = [f"{band} ({counts[band]:,.0f})" for band in bands]
    ax.set_yticks(np.arange(len(bands)), names)
    ax.set_ylim(len(bands) - 0.5, -0.5)
    return ax


def _legend(ax: Axes) -> Axes:
    """Puts the legend under the axes, where it hides no point."""
    ax.figure.legend(
        *ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9
    )
    return ax
