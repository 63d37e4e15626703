"""Where a realism classifier works: by decoder (one of them unseen) and by reply length."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from botlib.errors import BotlibError
from botlib.intervals import RESAMPLES, bootstrap

LENGTH_EDGES = (0, 40, 80, 160, 320, 640)
DECODER = ("temperature", "top_k", "top_p")


def decoder_names(frame: pd.DataFrame) -> np.ndarray:
    """Returns "T 0.7 · k 40 · p 1" for each generated row, "real" for real ones.

    Args:
      frame: temperature, top_k, top_p, and real where real replies are among the rows.
    """
    names = np.array(
        [
            f"T {t:g} · k {k:g} · p {p:g}"
            for t, k, p in zip(*(frame[column] for column in DECODER), strict=True)
        ],
        dtype=object,
    )
    if "real" in frame:
        names[frame["real"].to_numpy() == 1] = "real"
    return names


def auc_by_decoder(
    frame: pd.DataFrame, p: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Returns the AUC of each decoder's fakes against all real replies.

    Args:
      frame: real (0, 1), temperature, top_k, top_p (anything where real), submission_id or
        comment_id for the intervals.
      p: probabilities of being real, shape (n,).

    Returns:
      Index: decoder; columns auc, low, high, fakes, mean_p (of the fakes).

    Raises:
      BotlibError: no fakes, or no real replies.
    """
    names = decoder_names(frame)
    real = names == "real"
    if real.all() or not real.any():
        raise BotlibError("an AUC by decoder needs real replies and generated ones")
    rows = {
        name: _row(frame, p, real | (names == name), resamples, seed)
        for name in sorted(set(names[~real]))
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("decoder")


def auc_by_length(
    frame: pd.DataFrame,
    p: Sequence[float],
    *,
    edges: Sequence[int] = LENGTH_EDGES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Returns the AUC among replies of like length, in characters; see `auc_by_decoder`."""
    length = frame["reply"].str.len().to_numpy()
    band = np.searchsorted(edges, length, side="right") - 1
    names = [f"{low}–{high - 1}" for low, high in itertools.pairwise(edges)]
    names.append(f"≥ {edges[-1]}")
    rows = {
        names[b]: _row(frame, p, band == b, resamples, seed) for b in sorted(set(band.tolist()))
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("characters")


def _row(frame, p, chosen, resamples, seed) -> dict[str, float]:
    y = frame["real"].to_numpy()[chosen]
    p = np.asarray(p, dtype=float)[chosen]
    group = "submission_id" if "submission_id" in frame else "comment_id"
    both = len(np.unique(y)) == 2
    low = high = float("nan")
    if both:
        threads = frame[group].to_numpy()[chosen]
        options = {"resamples": resamples, "seed": seed, "shares": ("auc",)}
        low, high = bootstrap(_auc, (y, p), threads, **options)["auc"]
    return {
        "auc": float(roc_auc_score(y, p)) if both else float("nan"),
        "low": low,
        "high": high,
        "fakes": int((y == 0).sum()),
        "mean_p": float(p[y == 0].mean()) if (y == 0).any() else float("nan"),
    }


def _auc(y, p, weights) -> dict[str, float]:
    both = len(np.unique(y)) == 2
    return {"auc": float(roc_auc_score(y, p, sample_weight=weights)) if both else float("nan")}
