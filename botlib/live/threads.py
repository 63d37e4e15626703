"""The comments of the threads that were read, for the copy check and the context model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.tables import READ_THREADS, read_table

PAIRS = [
    *("subreddit", "submission_id", "comment_id", "comment", "comment_created_utc"),
    *("reply_id", "reply", "reply_created_utc"),
]


class Threads:
    """The comments of some posts, whether they may be answered or not.

    Args:
      comments: a table with the columns of `read_threads`.
    """

    def __init__(self, comments: pd.DataFrame) -> None:
        self.comments = comments[list(READ_THREADS.columns)]
        self.files: list[Path] = []  # the files it was read from

    @classmethod
    def of(cls, rows: list[Mapping[str, Any]]) -> "Threads":
        """Returns the threads of rows as `row_of` makes them."""
        frame = pd.DataFrame(rows, columns=list(READ_THREADS.columns))
        times = pd.to_numeric(frame["created_utc"], errors="coerce").astype(float).round()
        return cls(frame.assign(created_utc=times.astype("Int64")))

    @classmethod
    def load(cls, path: Path) -> "Threads":
        """Returns what 05 wrote; no threads if its file is absent, as in workspaces of 0.1.0."""
        if not path.is_file():
            return cls.of([])
        threads = cls(read_table(path, READ_THREADS))
        threads.files.append(path)
        return threads

    def __len__(self) -> int:
        return len(self.comments)

    def texts(self) -> dict[str, list[str]]:
        """Returns the texts below each post, by post_id."""
        return self.comments.groupby("post_id", sort=False)["comment"].apply(list).to_dict()

    def created(self) -> pd.Series:
        """Returns the time of each comment, in seconds since 1970, by comment_id."""
        return self.comments.drop_duplicates("comment_id").set_index("comment_id")["created_utc"]

    def depths(self) -> dict[str, int | None]:
        """Returns by comment_id how many comments stand above; None where one isn't known."""
        parent_of = dict(zip(self.comments["comment_id"], self.comments["parent_id"], strict=True))
        depths: dict[str, int | None] = {"": -1}

        def depth(comment_id: str) -> int | None:
            way = []
            while comment_id not in depths and comment_id in parent_of and comment_id not in way:
                way.append(comment_id)
                comment_id = parent_of[comment_id]
            below = depths.get(comment_id)
            for name in reversed(way):
                below = None if below is None else below + 1
                depths[name] = below
            return below

        return {comment_id: depth(comment_id) for comment_id in parent_of}

    def pairs(self) -> pd.DataFrame:
        """Returns each comment with each reply to it, in the columns that 01 gives a pair."""
        comments = self.comments
        parents = comments[["post_id", "comment_id", "comment", "created_utc"]]
        pairs = comments.merge(
            parents.drop_duplicates(["post_id", "comment_id"]),
            left_on=["post_id", "parent_id"],
            right_on=["post_id", "comment_id"],
            suffixes=("_below", ""),
        )
        names = {
            "post_id": "submission_id",
            "created_utc": "comment_created_utc",
            "comment_id_below": "reply_id",
            "comment_below": "reply",
            "created_utc_below": "reply_created_utc",
        }
        return pairs.rename(columns=names)[PAIRS]


def row_of(subreddit: str, post_id: str, fields: Mapping[str, Any], author: str, text: str) -> dict:
    """Returns a row of the table for a comment's fields."""
    parent = str(fields.get("parent_id") or "")
    return {
        "subreddit": subreddit,
        "post_id": post_id,
        "comment_id": fields["id"],
        # Empty right below the post: ids of posts and comments look alike
        "parent_id": parent.removeprefix("t1_") if parent.startswith("t1_") else "",
        "author": author,
        "comment": text,
        "created_utc": fields.get("created_utc"),
    }
