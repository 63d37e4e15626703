"""The pairs that are kept, with rating and split, and the tables that 01 shows of them."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from botlib.data.pairs.measures import keys_of
from botlib.data.pairs.ratings import RATINGS, rating_of
from botlib.data.pairs.spill import Pairs
from botlib.data.pairs.splits import SPLITS, split_of, take_numbers, whole
from botlib.settings import DataSettings

_NAMES = np.array(list(SPLITS), dtype=object)
_TRAINING = [list(SPLITS).index(name) for name in ("generator", "classifier")]
_TEST = list(SPLITS).index("test")


@dataclasses.dataclass(frozen=True)
class Kept:
    """Pairs that are kept, in order; their texts are read block by block.

    Attributes:
      pairs: all cleaned pairs.
      rows: (n,) bool over `pairs`: those kept; the arrays below have a value for each of these.
      score: of the reply.
      rating: 0 to 3.
      split: number of its name in SPLITS.
      subreddit: number of its name in `subreddits`.
      subreddits: names, sorted.
      first: bool: the first pair of its comment.
    """

    pairs: Pairs
    rows: np.ndarray
    score: np.ndarray
    rating: np.ndarray
    split: np.ndarray
    subreddit: np.ndarray
    subreddits: list[str]
    first: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, rows: np.ndarray, settings: DataSettings) -> "Kept":
        """Returns the pairs in those rows, at most max_pairs of them, rated and split."""
        if settings.max_pairs:
            frames = pairs.blocks(["submission_id"], rows)
            numbers = [take_numbers(frame["submission_id"]) for _, frame in frames]
            taken = whole(np.concatenate(numbers), settings.max_pairs)
            rows = rows.copy()
            rows[np.flatnonzero(rows)[~taken]] = False
        numbers: dict[str, int] = {}
        splits, subreddits = [], []
        of_name = {name: number for number, name in enumerate(SPLITS)}
        for _, frame in pairs.blocks(["submission_id", "subreddit"], rows):
            names = split_of(frame["submission_id"])
            splits.append(np.array([of_name[name] for name in names], dtype=np.int8))
            which, names = pd.factorize(frame["subreddit"])
            codes = [numbers.setdefault(name, len(numbers)) for name in names]
            subreddits.append(np.array(codes, dtype=np.int32)[which])
        names = sorted(numbers)
        place = np.argsort([numbers[name] for name in names]).astype(np.int32)
        subreddit = place[np.concatenate(subreddits)]
        score = pairs.column("reply_score")[rows].astype(np.int64)
        rating = rating_of(pd.Series(score), settings.rating_bins, pd.Series(subreddit))
        _, at = np.unique(pairs.column("comment_id_key")[rows], return_index=True)
        first = np.zeros(len(score), dtype=bool)
        first[at] = True
        return cls(
            pairs,
            rows,
            score,
            rating.astype(np.int8),
            np.concatenate(splits),
            subreddit,
            names,
            first,
        )

    def __len__(self) -> int:
        return len(self.score)

    def keys(self, name: str) -> np.ndarray:
        """Returns a hash of each pair's id or author, (n,) uint64."""
        return self.pairs.column(f"{name}_key")[self.rows]

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple[slice, pd.DataFrame]]:
        """Yields the pairs block by block: where they stand, and a frame.

        Args:
          columns: of `Pairs`; rating, reply_score, real, split are there besides.
        """
        at = 0
        for _, frame in self.pairs.blocks(columns, self.rows):
            some = slice(at, at + len(frame))
            at = some.stop
            yield some, self._rated(frame, some)

    def take(self, places: np.ndarray, columns: Sequence[str]) -> pd.DataFrame:
        """Returns a few pairs by their places, which are sorted, as `blocks` does."""
        rows = np.flatnonzero(self.rows)[places]
        return self._rated(self.pairs.take(rows, columns), places)

    def _rated(self, frame: pd.DataFrame, places: slice | np.ndarray) -> pd.DataFrame:
        return frame.assign(
            reply_score=self.score[places],
            rating=self.rating[places].astype(np.int64),
            real=1,
            split=_NAMES[self.split[places]],
        )


def splits_table(kept: Kept) -> pd.DataFrame:
    """Returns split, threads, comments, pairs, users."""
    names = {"threads": "submission_id", "comments": "comment_id", "users": "reply_author"}
    table = pd.DataFrame(index=pd.Index(list(SPLITS), name="split"))
    for column, name in names.items():
        keys = kept.keys(name)
        parts = [keys[kept.split == number] for number in range(len(SPLITS))]
        table[column] = [len(np.unique(part)) for part in parts]
    table["pairs"] = np.bincount(kept.split, minlength=len(SPLITS))
    return table[["threads", "comments", "pairs", "users"]].reset_index()


def subreddits_table(kept: Kept) -> pd.DataFrame:
    """Returns subreddit, pairs, median_score, and the share of each rating."""
    order = np.argsort(kept.subreddit, kind="stable")
    ends = np.cumsum(np.bincount(kept.subreddit))
    scores = np.split(kept.score[order], ends[:-1])
    counts = np.bincount(
        kept.subreddit * np.int64(RATINGS) + kept.rating, minlength=RATINGS * len(kept.subreddits)
    ).reshape(-1, RATINGS)
    sizes = counts.sum(axis=1)
    table = {
        "subreddit": kept.subreddits,
        "pairs": sizes,
        "median_score": [float(np.median(some)) for some in scores],
    }
    shares = counts / sizes[:, None]
    return pd.DataFrame(table | {f"rating_{n}": shares[:, n] for n in range(RATINGS)})


def users(kept: Kept) -> tuple[int, int]:
    """Returns how many people wrote in test threads, and how many of them in training ones too."""
    nobody = keys_of(["", "[deleted]", "[removed]"])
    tested, trained = [], []
    for name in ("comment_author", "reply_author"):
        keys = kept.keys(name)
        tested.append(np.unique(keys[kept.split == _TEST]))
        trained.append(np.unique(keys[np.isin(kept.split, _TRAINING)]))
    tested = np.setdiff1d(np.concatenate(tested), nobody)
    return len(tested), len(np.intersect1d(tested, np.concatenate(trained)))


def examples(kept: Kept) -> pd.DataFrame:
    """Returns the first pair of each split: split, subreddit, comment, reply, score, rating."""
    _, places = np.unique(kept.split, return_index=True)
    columns = ["subreddit", "comment", "reply", "reply_score"]
    first = kept.take(np.sort(places), columns).set_index("split").reindex(list(SPLITS))
    return first[[*columns, "rating"]].dropna(subset="comment").reset_index()
