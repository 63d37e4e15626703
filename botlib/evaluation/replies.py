"""How varied generated replies are beside human ones; perplexity on human replies, by length."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from botlib.errors import BotlibError
from botlib.evaluation.figures.style import GENERATED, HUMAN, WIDTH, axes, finish
from botlib.evaluation.slices import decoder_names
from botlib.intervals import RESAMPLES, bootstrap, dot

HUMAN_REPLIES = "human"
TOKEN_EDGES = (1, 8, 16, 32, 64, 128)
FEW = 5  # replies; an interval of fewer would be a guess
_RUN = 4


def groups_of(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Returns human replies and each decoder's, for `diversity`.

    Args:
      frame: reply, real (0, 1), temperature, top_k, top_p.
    """
    names = np.where(frame["real"] == 1, HUMAN_REPLIES, decoder_names(frame))
    decoders = sorted(set(names) - {HUMAN_REPLIES})
    return {name: frame.loc[names == name, "reply"].tolist() for name in (HUMAN_REPLIES, *decoders)}


def diversity(
    groups: Mapping[str, Sequence[str]], *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Returns how varied human replies and those of decoders are.

    distinct-2 is the share of distinct ones among pairs of neighbouring words, over all replies
    of a group (Li et al., 2016, arXiv:1510.03055). It falls as text grows, so each group gives as
    many pairs as the smallest has. Self-repetition is the share of a reply's runs of four words
    that stood in it before (Welleck et al., 2020, arXiv:1908.04319), averaged over replies.

    Args:
      groups: "human" and names of decoders → replies.
      resamples, seed: of the interval, and of the order in which replies are taken.

    Returns:
      Index: name; columns replies, words (mean of a reply), distinct-1, distinct-2,
      self-repetition and its interval low, high.

    Raises:
      BotlibError: a group has no reply of two words.
    """
    words = {name: [str(text).lower().split() for text in texts] for name, texts in groups.items()}
    pairs = {name: sum(max(0, len(w) - 1) for w in texts) for name, texts in words.items()}
    if empty := [name for name, count in pairs.items() if not count]:
        raise BotlibError(f"{empty[0]!r} has no reply of two words: nothing can be compared")
    rng, least = np.random.default_rng(seed), min(pairs.values())
    rows = {}
    for name, texts in words.items():
        shuffled = [texts[i] for i in rng.permutation(len(texts))]
        repeated = np.array([_repeated(w) for w in texts])
        low, high = bootstrap(_mean, [repeated], resamples=resamples, seed=seed)["mean"]
        rows[name] = {
            "replies": len(texts),
            "words": float(np.mean([len(w) for w in texts])),
            "distinct-1": _distinct(shuffled, 1, least),
            "distinct-2": _distinct(shuffled, 2, least),
            "self-repetition": float(repeated.mean()),
            "low": low,
            "high": high,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("who")


def diversity_bars(
    rows: pd.DataFrame, measure: str = "distinct-2", *, ax: Axes | None = None
) -> Axes:
    """Draws distinct-2 or self-repetition of each group, human replies hatched.

    Args:
      rows: of `diversity`, whose columns hold the numbers.
      measure: "distinct-2" or "self-repetition".
      ax: where; a new figure if None.
    """
    title, unit = _MEASURES[measure]
    ax = axes(ax, (WIDTH, 1.2 + 0.4 * len(rows)))
    for place, (name, row) in enumerate(rows.iterrows()):
        look = {"color": HUMAN, "hatch": "//"} if name == HUMAN_REPLIES else {"color": GENERATED}
        ax.barh(place, row[measure], height=0.6, edgecolor="white", **look)
        ax.text(row[measure], place, f" {row[measure]:.1%}", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), rows.index)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.15 * rows[measure].max() or 1)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    return finish(ax, title, unit, "", None)


_MEASURES = {
    "distinct-2": ("Variety of replies", "distinct-2 (share of word pairs)"),
    "self-repetition": (
        "Repetition within a reply",
        "self-repetition (share of four-word runs)",
    ),
}


def perplexity_by_length(
    scores: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Returns the perplexity on human replies, by length.

    Args:
      scores: log_prob (nats) and tokens of each reply, as `Generator.score` returns them.
      resamples, seed: of the interval, which draws replies.

    Returns:
      Index: length in tokens, the end counted; columns replies, perplexity, low, high: NaN for
      fewer than five replies.
    """
    tokens = scores["tokens"].to_numpy()
    band = np.searchsorted(TOKEN_EDGES, tokens, side="right") - 1
    names = [f"{low}–{high - 1}" for low, high in itertools.pairwise(TOKEN_EDGES)]
    names.append(f"≥ {TOKEN_EDGES[-1]}")
    rows, columns = {}, ["replies", "perplexity", "low", "high"]
    for b in sorted(set(band.tolist())):
        arrays = [scores["log_prob"].to_numpy(float)[band == b], tokens[band == b]]
        low, high = bootstrap(_perplexity, arrays, resamples=resamples, seed=seed)["perplexity"]
        if len(arrays[0]) < FEW:
            # So few replies can't say how much such replies vary
            low = high = math.nan
        value = _perplexity(*arrays, np.ones(len(arrays[0])))["perplexity"]
        rows[names[b]] = (len(arrays[0]), value, low, high)
    return pd.DataFrame(rows.values(), list(rows), columns).rename_axis("tokens")


def perplexity_points(rows: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draws `perplexity_by_length` with its intervals."""
    ax = axes(ax)
    places = np.arange(len(rows))
    error = np.nan_to_num([rows["perplexity"] - rows["low"], rows["high"] - rows["perplexity"]])
    ax.errorbar(places, rows["perplexity"], yerr=error, fmt="o", color=HUMAN, capsize=3)
    ax.set_xticks(places, [f"{name}\n({n:,.0f})" for name, n in rows["replies"].items()])
    ax.set_ylim(bottom=0)
    title = "Perplexity on human replies, by length"
    return finish(ax, title, "length of the reply in tokens (replies)", "perplexity", None)


def _distinct(texts: list[list[str]], n: int, most: int) -> float:
    runs = (tuple(words[i : i + n]) for words in texts for i in range(len(words) - n + 1))
    taken = list(itertools.islice(runs, most))
    return len(set(taken)) / len(taken)


def _repeated(words: list[str]) -> float:
    runs = [tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)]
    # A reply under four words has no run to repeat
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _mean(values: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    return {"mean": float(np.average(values, weights=weights))}


def _perplexity(log_prob: np.ndarray, tokens: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    return {"perplexity": math.exp(-dot(log_prob, weights) / dot(tokens, weights))}
