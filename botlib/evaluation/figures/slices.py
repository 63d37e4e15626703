"""Figures over slices: pairwise accuracy, lift, and AUC by decoder and by length, with intervals.

Each takes name → table, as the function named in its docstring returns it, and is its own table.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from botlib.evaluation.figures.style import CHANCE, axes, finish, style
from botlib.evaluation.metrics import with_interval

Tables = Mapping[str, pd.DataFrame]


def pairwise_by(
    tables: Tables, *, ax: Axes | None = None, title: str = "Which of two replies scored higher"
) -> Axes:
    """Draws `metrics.pairwise_by(frame, score, by=…)` of each model, by gap or by subreddit."""
    ax = _points(tables, "pairwise", axes(ax, (6.4, 4.0)), "pairs")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    by = next(iter(tables.values())).index.name
    label = "gap between the two scores (points)" if by == "gap" else by
    return finish(ax, title, label, "pairwise accuracy")


def by_decoder(
    tables: Tables,
    *,
    ax: Axes | None = None,
    title: str = "Fakes against human replies, by decoder",
) -> Axes:
    """Draws `slices.auc_by_decoder(frame, p)` of each model."""
    ax = _points(tables, "auc", axes(ax, (6.4, 4.0)), "fakes")
    return finish(ax, title, "decoder (temperature · top k · top p)", "AUC")


def by_length(
    tables: Tables, *, ax: Axes | None = None, title: str = "Real or generated, by reply length"
) -> Axes:
    """Draws `slices.auc_by_length(frame, p)` of each model."""
    ax = _points(tables, "auc", axes(ax, (6.4, 4.0)), "fakes")
    return finish(ax, title, "length of the reply (characters)", "AUC")


def lift(
    results: Mapping[str, Mapping], *, ax: Axes | None = None, title: str = "What ranking gains"
) -> Axes:
    """Draws the true score of the reply ranked first by each model; numbers: `lift_table`."""
    ax = axes(ax, (6.0, 0.9 + 0.45 * len(results)))
    for row, (name, result) in enumerate(results.items()):
        low, high = result["intervals"]["lift"]
        error = [[result["lift"] - low], [high - result["lift"]]]
        look = {**style(name), "linestyle": "none"}
        ax.errorbar(result["lift"], row, xerr=np.abs(error), capsize=3, **look)
    ax.axvline(0, **CHANCE)
    ax.set_yticks(range(len(results)), list(results))
    ax.set_ylim(len(results) - 0.5, -0.5)
    return finish(ax, title, "points gained over a random reply to the same comment", "", None)


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


def _points(tables: Tables, value: str, ax: Axes, count: str) -> Axes:
    """Draws tables (index: band; columns value, low, high, a count) as points with intervals."""
    bands = list(dict.fromkeys(band for frame in tables.values() for band in frame.index))
    for place, (name, frame) in enumerate(tables.items()):
        frame = frame.reindex(bands)
        x = np.arange(len(bands)) + (place - (len(tables) - 1) / 2) * 0.6 / len(tables)
        centre = frame[value].to_numpy(dtype=float)
        error = np.abs(frame[["low", "high"]].to_numpy(dtype=float).T - centre)
        # A point without an interval gets no bar
        error = np.nan_to_num(error)
        look = style(name)
        bars = ax.errorbar(x, centre, error, label=name, capsize=3, **{**look, "linestyle": "none"})
        for line in bars[2]:
            line.set_linestyle(look["linestyle"])
    ax.axhline(0.5, **CHANCE)
    counts = next(iter(tables.values())).reindex(bands)[count]
    labels = [f"{band}\n({n:,.0f})" for band, n in zip(bands, counts, strict=True)]
    ax.set_xticks(np.arange(len(bands)), labels, fontsize=8)
    if max(map(len, map(str, bands)), default=0) > 9:
        ax.tick_params(axis="x", labelrotation=30)
    return ax
