"""Whether DialogRPT or the own rank orders the bot's replies: validation decides."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.bert import head_choice
from botlib.bert.dialogrpt import DialogRpt
from botlib.bert.dialogrpt_build import fetch
from botlib.data.pairs.siblings import sibling_pairs
from botlib.workspace import Workspace, atomic_file

OWN = "own"
# Replies that validation compares it on: a medium GPT-2 is slow on a CPU
MOST_REPLIES = 400


def compare(
    name: str, workspace: Workspace, rows: pd.DataFrame, own: Any, *, seed: int = 0
) -> dict[str, Any]:
    """Returns which of two rankers is used, by the pairs of siblings that each orders rightly.

    DialogRPT must be better than the own rank by more than one standard error: it is the slower
    one by far. The choice is kept in its folder, where the bot reads it.

    Args:
      name: the setting `rank`: "own", or hf:OWNER/NAME[@REVISION].
      workspace: where DialogRPT is kept.
      rows: validation replies: comment_id, comment, reply, reply_score, reply_created_utc.
      own: the own rank, with `predict`.
      seed: which replies are compared, where there are more than `MOST_REPLIES`.

    Returns:
      used, measure, own, dialogrpt, gain, low, high (95 %), replies, threads; used alone if the
      setting is "own".

    Raises:
      BotlibError: DialogRPT can't be had; see `dialogrpt_build.fetch`.
    """
    folder = workspace.dialogrpt
    if name == OWN:
        if (folder / "config.json").is_file():
            _keep(folder, {"used": False})
        return {"used": False}
    judge = DialogRpt(fetch(name, folder))
    rows = _sample(rows, seed)
    texts = (rows["comment"].tolist(), rows["reply"].tolist())
    choice = head_choice.choose("rank", rows, own.predict(*texts), judge.predict(*texts), seed=seed)
    choice = {"own" if k == "encoder" else "dialogrpt" if k == "with_head" else k: value
              for k, value in choice.items()}  # fmt: skip
    _keep(folder, choice | {"seed": seed})
    return choice


def said(choice: dict[str, Any]) -> str:
    """Returns what validation found, in a sentence."""
    if "own" not in choice:
        return "DialogRPT was not asked for (setting rank): the own rank orders the replies."
    if choice["own"] is None:
        return "No validation replies to compare DialogRPT on: the own rank orders the replies."
    winner = "DialogRPT" if choice["used"] else "the own rank"
    return (
        f"DialogRPT orders {choice['dialogrpt']:.1%} of the validation siblings rightly, the own "
        f"rank {choice['own']:.1%} (difference {100 * choice['gain']:+.1f} points, 95 % "
        f"{100 * choice['low']:+.1f} to {100 * choice['high']:+.1f}, {choice['replies']:,} "
        f"replies): {winner} orders the bot's replies."
    )


def _keep(folder: Path, choice: dict[str, Any]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | choice
    with atomic_file(path) as file:
        json.dump(config, file, indent=1)


def _sample(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Returns whole families of siblings, of which there is something to order."""
    rows = rows.reset_index(drop=True)
    pairs = sibling_pairs(rows)
    rows = rows.iloc[sorted({*pairs["better"], *pairs["worse"]})]
    parents = rows["comment_id"].drop_duplicates().sample(frac=1, random_state=seed)
    counts = rows["comment_id"].value_counts().reindex(parents).cumsum()
    comment_ids = counts.index[counts <= max(MOST_REPLIES, counts.min() if len(counts) else 0)]
    return rows[rows["comment_id"].isin(comment_ids)].reset_index(drop=True)
