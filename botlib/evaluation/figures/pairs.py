"""Figures of the pairs; each takes `ax` and returns the axes; NAME_table has the numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from botlib.evaluation.figures.style import axes, finish, thousands
from botlib.evaluation.figures.style import words as say

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_GREYS = ("0.85", "0.65", "0.45", "0.25")
_BLUE, _ORANGE = "#0072B2", "#D55E00"


def rules(counts: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draws how many pairs each cleaning rule dropped; the numbers are `counts` itself.

    Args:
      counts: `PairsReport.counts`.
      ax: where; a new figure if None.

    Returns:
      The axes, with a bar a rule, in the order applied from the top.
    """
    ax = axes(ax)
    dropped = counts[counts["dropped"] > 0].iloc[::-1]
    bars = ax.barh(dropped["rule"], dropped["dropped"], color=_BLUE)
    ax.bar_label(bars, [f" {number:,}" for number in dropped["dropped"]], fontsize="small")
    ax.margins(x=0.18)
    thousands(ax.xaxis)
    left, read = counts["left"].iloc[-1], counts["left"].iloc[0]
    finish(ax, f"Dropped by rules: {left:,} pairs of {read:,} left", "pairs dropped", "")
    return ax


def months(rows: Mapping[str, int], *, ax: Axes | None = None) -> Axes:
    """Draws the raw pairs of each month, by the comment's time.

    Args:
      rows: `ExtractReport.months` ("2019_05" → pairs).
      ax: where; a new figure if None.
    """
    ax = axes(ax)
    table = months_table(rows)
    ax.bar(table.index, table["pairs"], color=_BLUE, width=0.9)
    step = -(-len(table) // 8)
    ax.set_xticks(table.index[::step], table["month"].iloc[::step], rotation=45, ha="right")
    thousands(ax.yaxis)
    finish(ax, "Raw pairs by month", "", "pairs")
    return ax


def months_table(rows: Mapping[str, int]) -> pd.DataFrame:
    """Returns month ("2019-05") and pairs, all months between the first and the last."""
    counts = pd.Series({name.replace("_", "-"): number for name, number in rows.items()})
    if len(counts):
        whole = pd.period_range(min(counts.index), max(counts.index), freq="M").astype(str)
        counts = counts.reindex(whole, fill_value=0)
    return counts.rename_axis("month").reset_index(name="pairs")


def scores(pairs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draws each subreddit's reply scores: median, quarters, and 5 % to 95 %; see `scores_table`.

    Args:
      pairs: bert_gan_real's columns subreddit and reply_score.
      ax: where; a new figure if None.
    """
    ax = axes(ax)
    groups = dict(reversed(list(pairs.groupby("subreddit")["reply_score"])))
    ax.boxplot(
        list(groups.values()),
        orientation="horizontal",
        tick_labels=list(groups),
        whis=(5, 95),
        showfliers=False,
        medianprops={"color": _ORANGE, "linewidth": 2},
    )
    if pairs["reply_score"].quantile(0.95) > 50:
        # Few replies have most of the points
        ax.set_xscale("symlog", linthresh=1)
        low, high = ax.get_xlim()
        powers = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000]
        ticks = sorted([-power for power in powers] + [0, *powers])
        ax.set_xticks([tick for tick in ticks if low <= tick <= high])
    thousands(ax.xaxis)
    medians = (f"{name} {scores.median():,.4g}" for name, scores in reversed(groups.items()))
    say(ax, f"Medians: {', '.join(medians)}")
    finish(ax, "Scores of replies", "score (box: middle half; whiskers: 5 % to 95 %)", "")
    return ax


def scores_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Returns pairs, mean and quantiles of the reply scores, one row a subreddit."""
    return _quantiles(pairs.groupby("subreddit")["reply_score"])


def ratings(pairs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draws the share of each rating in each subreddit, light (0) to dark (3).

    Args:
      pairs: bert_gan_real's columns subreddit and rating.
      ax: where; a new figure if None.
    """
    ax = axes(ax)
    shares = ratings_table(pairs).iloc[::-1]
    left = np.zeros(len(shares))
    for rating, grey in enumerate(_GREYS):
        widths = shares[f"rating {rating}"].to_numpy()
        name = f"{rating}: {_span(pairs.loc[pairs['rating'] == rating, 'reply_score'])}"
        ax.barh(shares.index, widths, left=left, color=grey, edgecolor="white", label=name)
        left += widths
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    finish(ax, "Ratings of replies", "share of pairs", "", None)
    ax.legend(
        title="rating: scores",
        **{"ncols": 2, "loc": "upper center", "bbox_to_anchor": (0.5, -0.18), "fontsize": 9},
    )
    return ax


def _span(scores: pd.Series) -> str:
    """Returns which scores a rating has in these pairs: "2 to 4"."""
    if scores.empty:
        return "none"
    low, high = f"{scores.min():,.0f}", f"{scores.max():,.0f}"
    return low if low == high else f"{low} to {high}"


def ratings_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Returns the share of each rating, one row a subreddit."""
    shares = pd.crosstab(pairs["subreddit"], pairs["rating"], normalize="index")
    return shares.reindex(columns=range(4), fill_value=0.0).add_prefix("rating ")


def lengths(pairs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draws how many words comments (dashed) and replies (solid) have; see `lengths_table`.

    Args:
      pairs: bert_gan_real's columns comment_id, comment and reply.
      ax: where; a new figure if None.
    """
    ax = axes(ax)
    words = _words(pairs)
    # The longest one in a hundred would squeeze all others to the left.
    top = max(20, *(int(counts.quantile(0.99)) for counts in words.values()))
    bins = np.arange(0, top + 1, max(1, top // 40))
    for (name, counts), color, line in zip(
        words.items(), (_ORANGE, _BLUE), ("--", "-"), strict=True
    ):
        ax.hist(counts, bins, histtype="step", color=color, linestyle=line, label=name, linewidth=2)
    thousands(ax.yaxis)
    say(
        ax,
        ", ".join(
            f"{name} {counts.median():g} words in the median" for name, counts in words.items()
        ),
    )
    finish(ax, "Length of texts", "words", "texts", "upper right")
    return ax


def lengths_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Returns number, mean and quantiles of the words of comments and of replies."""
    words = pd.concat(
        {name: counts.reset_index(drop=True) for name, counts in _words(pairs).items()}
    )
    return _quantiles(words.groupby(level=0), "texts")


def _words(pairs: pd.DataFrame) -> dict[str, pd.Series]:
    comments = pairs.drop_duplicates("comment_id")["comment"]
    texts = {"comments": comments, "replies": pairs["reply"]}
    return {name: some.str.split().str.len() for name, some in texts.items()}


def _quantiles(groups: pd.core.groupby.SeriesGroupBy, count: str = "pairs") -> pd.DataFrame:
    table = groups.quantile(list(_QUANTILES)).unstack()
    table.columns = [f"{share:.0%}" for share in _QUANTILES]
    table.insert(0, count, groups.size())
    table.insert(1, "mean", groups.mean())
    return table
