"""What stands above a comment: the post's title and text, and the turns in between."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from botlib.tables import CONVERSATIONS, read_table
from botlib.workspace import Workspace

POST, COMMENT = "post", "comment"
# A thread's longest way from a comment to its post, as far as it is followed
MOST_TURNS = 50


@dataclasses.dataclass(frozen=True)
class Above:
    """What stands above a comment.

    Attributes:
      title: of the post.
      post: the post's own text; "" for a link.
      turns: the comments in between, the nearest first.
    """

    title: str = ""
    post: str = ""
    turns: tuple[str, ...] = ()

    def text(self) -> str:
        """Returns the post's text and the turns, the oldest first, for a person to read."""
        return "\n\n".join(filter(None, [self.post, *reversed(self.turns)]))


NOTHING = Above()


class Conversations:
    """The table conversations.csv, asked by comment.

    Args:
      frame: its rows.
    """

    def __init__(self, frame: pd.DataFrame):
        posts = frame[frame["kind"] == POST]
        comments = frame[frame["kind"] == COMMENT]
        self._posts = dict(
            zip(posts["id"], zip(posts["title"], posts["text"], strict=True), strict=True)
        )
        columns = (comments[name] for name in ("parent_id", "submission_id", "text"))
        self._comments = dict(zip(comments["id"], zip(*columns, strict=True), strict=True))

    @classmethod
    def load(cls, workspace: Workspace) -> "Conversations":
        """Returns what 01 kept; nothing stands above anything in a workspace of 0.1.0."""
        if not workspace.conversations.is_file():
            return cls(pd.DataFrame(columns=list(CONVERSATIONS.columns), dtype="str"))
        return cls(read_table(workspace.conversations, CONVERSATIONS))

    def __len__(self) -> int:
        return len(self._comments)

    def __contains__(self, comment_id: object) -> bool:
        return comment_id in self._comments

    def above(self, comment_ids: Sequence[str]) -> list[Above]:
        """Returns what stands above each comment; `NOTHING` above one that isn't known."""
        return [self._above(name) for name in comment_ids]

    def _above(self, comment_id: str) -> Above:
        if comment_id not in self._comments:
            return NOTHING
        parent, post, _ = self._comments[comment_id]
        turns: list[str] = []
        # Where a turn is missing, what stands above it is not known
        while parent in self._comments and len(turns) < MOST_TURNS:
            parent, _, text = self._comments[parent]
            turns.append(text)
        return Above(*self._posts.get(post, ("", "")), tuple(turns))
