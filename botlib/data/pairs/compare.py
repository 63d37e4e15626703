"""The rules that compare texts with each other, over pairs on disk: templates, near-duplicates."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from botlib.data.pairs.dropped import Dropped
from botlib.data.pairs.duplicates import copies, frames_of, repeated_keys
from botlib.data.pairs.shingles import ShingleSets
from botlib.data.pairs.spill import Pairs
from botlib.settings import DataSettings


def compare(
    pairs: Pairs, settings: DataSettings, skipped: set[str], dropped: Dropped
) -> np.ndarray:
    """Return which pairs the rules leave, (n,) bool; note the others in `dropped`."""
    keep = np.ones(len(pairs), dtype=bool)
    for name, rule in RULES.items():
        if name in skipped or not keep.any():
            continue
        rows = np.flatnonzero(keep)[rule(pairs, settings, keep)]
        dropped.note(name, len(rows), pairs.take(dropped.few(name, rows), ["comment", "reply"]))
        keep[rows] = False
    return keep


class _Items(NamedTuple):
    """All texts once: first the comments, then the replies, each in the order of the pairs.

    A reply that is answered itself stands there twice, with its quotes and without.

    Attributes:
      first: (n,) bool: pairs whose comment is the first of its copies, each of which has a reply.
      of_comment: number of the comment of each pair that is kept.
      of_reply: number of its reply.
    """

    first: np.ndarray
    of_comment: np.ndarray
    of_reply: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, keep: np.ndarray) -> "_Items":
        keys = pairs.column("comment_id_key")[keep]
        _, at, which = np.unique(keys, return_index=True, return_inverse=True)
        first = np.zeros(len(keys), dtype=bool)
        first[at] = True
        number = np.cumsum(first, dtype=np.int32) - 1
        every = np.zeros(len(keep), dtype=bool)
        every[np.flatnonzero(keep)[first]] = True
        replies = np.arange(len(at), len(at) + len(keys), dtype=np.int32)
        return cls(every, number[at][which], replies)

    def texts(self, pairs: Pairs, keep: np.ndarray) -> Iterator[list[str]]:
        """Yield them, a block at a time."""
        for column, rows in (("comment", self.first), ("reply", keep)):
            for _, frame in pairs.blocks([column], rows):
                yield frame[column].tolist()

    def either(self, found: np.ndarray) -> np.ndarray:
        """Return in which pairs the comment or the reply was found, (kept,) bool."""
        return found[self.of_comment] | found[self.of_reply]

    def __len__(self) -> int:
        return int(self.first.sum()) + len(self.of_reply)


def _template(pairs: Pairs, settings: DataSettings, keep: np.ndarray) -> np.ndarray:
    items = _Items.of(pairs, keep)
    repeated = np.zeros(len(items), dtype=bool)
    numbers, keys, at = [], [], 0
    for texts in items.texts(pairs, keep):
        rows, frames = frames_of(texts)
        numbers.append(rows + at)
        keys.append(frames)
        at += len(texts)
    numbers = np.concatenate(numbers)
    repeated[numbers[repeated_keys(np.concatenate(keys), settings.template_limit)]] = True
    return items.either(repeated)


def _near_duplicate(pairs: Pairs, settings: DataSettings, keep: np.ndarray) -> np.ndarray:
    items = _Items.of(pairs, keep)
    rank = _by_age(pairs, items.first, keep)
    sets = ShingleSets(pairs.folder)
    for texts in items.texts(pairs, keep):
        sets.add(texts)
    groups = np.concatenate(
        [pairs.column("comment_id_key")[items.first], pairs.column("reply_id_key")[keep]]
    )
    return items.either(copies(sets, settings.near_duplicate, rank, groups, pairs.folder))


def _by_age(pairs: Pairs, first: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Return each text's place, the oldest first; of equal ones by id, comments before replies."""
    sides = (("comment", first), ("reply", keep))
    table = pa.table(
        {
            "created": pa.chunked_array(
                [pairs.column(f"{side}_created_utc")[rows].astype(np.int64) for side, rows in sides]
            ),
            "id": pa.chunked_array(
                [chunk for side, rows in sides for chunk in pairs.texts(f"{side}_id", rows).chunks],
                pa.string(),
            ),
            "is_reply": pa.chunked_array(
                [np.full(int(rows.sum()), side == "reply") for side, rows in sides]
            ),
        }
    )
    order = pc.sort_indices(
        table, sort_keys=[(name, "ascending") for name in ("created", "id", "is_reply")]
    ).to_numpy()
    del table
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank


Rule = Callable[[Pairs, DataSettings, np.ndarray], np.ndarray]
RULES: dict[str, Rule] = {"template": _template, "near_duplicate": _near_duplicate}
