"""Whether a GPT-2 listens: perplexity of replies after their own conversation and a stranger's."""

import numpy as np
import pandas as pd

from botlib.intervals import bootstrap, dot

OWN, STRANGER = "its own", "a stranger's"


def listening(scores: pd.DataFrame, *, resamples: int = 500, seed: int = 0) -> pd.DataFrame:
    """Returns the perplexity of held-out replies, and what their own conversation is worth.

    Args:
      scores: submission_id, tokens, log_prob and stranger_log_prob (nats) of each reply, as
        `botlib.gpt2.validation.scored` returns them.
      resamples, seed: of the intervals, which draw whole threads.

    Returns:
      Index conversation ("its own", "a stranger's", "gain, nats a token"); columns value, low,
      high. The gain is the difference in nats a token, above 0 where the own one helps.
    """
    if scores.empty:
        return pd.DataFrame(columns=["value", "low", "high"], dtype=float)
    arrays = [scores[name].to_numpy(float) for name in ("tokens", "log_prob", "stranger_log_prob")]
    value = _figures(*arrays, np.ones(len(scores)))
    intervals = bootstrap(
        _figures, arrays, scores["submission_id"].to_numpy(), resamples=resamples, seed=seed
    )
    rows = {name: (value[name], *intervals[name]) for name in value}
    table = pd.DataFrame(rows.values(), list(rows), ["value", "low", "high"])
    return table.rename_axis("conversation")


def _figures(tokens, own, stranger, weight) -> dict[str, float]:
    nats = [-dot(part, weight) / dot(tokens, weight) for part in (own, stranger)]
    return {
        OWN: float(np.exp(nats[0])),
        STRANGER: float(np.exp(nats[1])),
        "gain, nats a token": nats[1] - nats[0],
    }


def sentence(table: pd.DataFrame, seen: str = "comment") -> str:
    """Returns what `listening` says, in one sentence.

    Args:
      table: from `listening`.
      seen: what the model sees: "comment", "title" or "thread".
    """
    if table.empty:
        return "No replies were held out (validation_pairs is 0), so there is no perplexity."
    what = {"comment": "comment", "title": "comment and title", "thread": "conversation"}[seen]
    own, other = table.loc[OWN, "value"], table.loc[STRANGER, "value"]
    gain = table.iloc[-1]
    digits = 1 if max(own, other) >= 20 else 2
    text = (
        f"A held-out reply has perplexity {own:.{digits}f} after its own {what} and "
        f"{other:.{digits}f} after a stranger's: "
    )
    if gain["low"] > 0:
        return f"{text}the model reads the {what} ({1 - own / other:.1%} lower)."
    if gain["high"] < 0:
        return f"{text}its own {what} misleads the model. Train longer, or on more pairs."
    return f"{text}the difference may be chance, so what it writes hardly depends on the {what}."
