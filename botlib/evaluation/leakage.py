"""Is the test set clean? Which threads, comments, replies and near-duplicates it shares."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from botlib.data.pairs.duplicates import near_duplicates
from botlib.errors import BotlibError

# A reply shorter than this ("Thank you!") is written by many people and proves no leak
MIN_WORDS = 8
# Jaccard similarity of the sets of three-word sequences
NEAR = 0.7
_WORD = re.compile(r"\w+")


def overlap(splits: Mapping[str, pd.DataFrame], test: str = "test") -> pd.DataFrame:
    """Returns what the test rows share with each other split.

    Args:
      splits: name → rows of comment, reply and, as far as known, submission_id, comment_id.
      test: which of them is judged.

    Returns:
      Index: (split, what); columns shared (test rows), of (test rows looked at), share.
      What: the same thread, comment id, comment text, reply text of `MIN_WORDS` words or more, and
      near-duplicate replies (as `botlib.data.pairs.duplicates` finds them, from `NEAR` on).

    Raises:
      BotlibError: there is no such split, or it is empty.
    """
    if test not in splits or splits[test].empty:
        raise BotlibError(f"there are no {test!r} rows to check for leaks")
    held_out = splits[test]
    rows = {}
    for name, frame in splits.items():
        if name == test:
            continue
        for what, key in _KEYS.items():
            ours, theirs = key(held_out), key(frame)
            if ours is None or theirs is None:
                continue
            ours = ours[ours != ""]
            rows[name, what] = (int(ours.isin(set(theirs)).sum()), len(ours))
        rows[name, "near-duplicate reply"] = _near_duplicates(held_out, frame)
    result = pd.DataFrame.from_dict(rows, orient="index", columns=["shared", "of"])
    result.index = pd.MultiIndex.from_tuples(result.index, names=["split", "what"])
    return result.assign(share=result["shared"] / result["of"].clip(lower=1))


def sentence(rows: pd.DataFrame) -> str:
    """Returns what `overlap` found, in a sentence."""
    shared = rows["shared"].groupby("what").max()
    strict = [what for what in ("thread", "comment") if shared.get(what, 0)]
    if strict:
        worst = ", ".join(f"{shared[what]:,} rows by {what}" for what in strict)
        return f"The splits leak: {worst} are in another split too, so every result is too good."
    near = rows.xs("near-duplicate reply", level="what")["share"].max()
    if not near:
        return (
            "No thread and no comment is in two splits, and no longer test reply has a "
            "near-duplicate in another split."
        )
    return (
        "No thread and no comment is in two splits; "
        f"{near:.1%} of the longer test replies have a near-duplicate in another split"
        + (
            ", as some people write the same reply twice."
            if near < 0.02
            else ": check whether a bot or a template wrote them."
        )
    )


def _ids(column: str):
    def key(frame: pd.DataFrame) -> pd.Series | None:
        return frame[column].astype(str) if column in frame else None

    return key


def _texts(column: str):
    def key(frame: pd.DataFrame) -> pd.Series | None:
        words = frame[column].str.lower().str.findall(_WORD)
        return words.str.join(" ").where(words.str.len() >= MIN_WORDS, "")

    return key


_KEYS = {
    "thread": _ids("submission_id"),
    "comment": _ids("comment_id"),
    "comment text": _texts("comment"),
    "reply text": _texts("reply"),
}


def _near_duplicates(test: pd.DataFrame, other: pd.DataFrame) -> tuple[int, int]:
    """How many of the longer test replies are nearly in the other split, and how many there are."""
    ours, theirs = _long_replies(test), _long_replies(other)
    # Each side is one group, so only test and other are compared
    groups = np.repeat([0, 1], [len(theirs), len(ours)])
    near = near_duplicates([*theirs, *ours], NEAR, groups)
    return int(near[len(theirs) :].sum()), len(ours)


def _long_replies(frame: pd.DataFrame) -> pd.Series:
    replies = frame["reply"]
    return replies[(replies.str.count(r"\w+") >= MIN_WORDS).to_numpy(dtype=bool)]
