"""What stands above a comment: the post's title and text, and the turns in between."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from botlib.data import forgotten
from botlib.data.pairs.text import clean_text
from botlib.data.raw import GONE
from botlib.tables import ABOVE, CONVERSATIONS, RAW, read_table, write_table
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


def write_conversations(
    workspace: Workspace, pairs: pd.DataFrame, months: Iterable[Path]
) -> pd.DataFrame:
    """Writes conversations.csv: the posts, answered comments and turns of the pairs, cleaned.

    Args:
      workspace: has the raw tables.
      pairs: comment_id, submission_id and cleaned comment of the pairs that are kept.
      months: their raw tables.

    Returns:
      Counts (what, rows): posts, answered comments, and turns between them.
    """
    comments = pairs.drop_duplicates("comment_id")
    post_ids, answered = set(comments["submission_id"]), set(comments["comment_id"])
    posts, links = [], []
    for path in months:
        posts.append(_posts(path, post_ids, workspace))
        above = workspace.above_month(path.stem[-7:])
        if above.is_file():
            links.append(_links(above, workspace))
    links = pd.concat([*links, pd.DataFrame(columns=list(ABOVE.columns))])
    links = links.drop_duplicates("comment_id")
    turns = _turns(links, answered)
    submissions = comments.set_index("comment_id")["submission_id"]
    texts = comments[["comment_id", "comment", "submission_id"]]
    texts = pd.concat(
        [
            texts.set_axis(["id", "text", "submission_id"], axis=1),
            turns[["id", "text"]].assign(submission_id=turns["root"].map(submissions)),
        ]
    )
    parents = links.set_index("comment_id")["parent_id"]
    texts = texts.assign(kind=COMMENT, title="", parent_id=texts["id"].map(parents))
    posts = pd.concat(posts).drop_duplicates("id").assign(kind=POST, parent_id="")
    write_table(
        workspace.conversations, pd.concat([posts, texts], ignore_index=True), CONVERSATIONS
    )
    counts = {
        "posts": len(posts),
        "answered comments": len(comments),
        "turns between them and the posts": len(turns),
    }
    return pd.DataFrame(list(counts.items()), columns=["what", "rows"])


def _posts(path: Path, post_ids: set[str], workspace: Workspace) -> pd.DataFrame:
    columns = ["submission_id", "title", "submission", "submission_author"]
    frame = read_table(path, RAW, columns).drop_duplicates("submission_id")
    frame = frame[frame["submission_id"].isin(post_ids)]
    frame = frame[~forgotten.rows_of(frame, workspace, "submission")]
    return pd.DataFrame(
        {
            "id": frame["submission_id"],
            "submission_id": frame["submission_id"],
            "title": [clean_text(text) for text in frame["title"]],
            "text": [_own_text(text) for text in frame["submission"]],
        }
    )


def _own_text(text: str) -> str:
    cleaned = clean_text(text)
    return "" if cleaned in GONE else cleaned


def _links(path: Path, workspace: Workspace) -> pd.DataFrame:
    frame = read_table(path, ABOVE)
    return frame[~forgotten.rows_of(frame, workspace, "parent")]


def _turns(links: pd.DataFrame, answered: set[str]) -> pd.DataFrame:
    """Returns id, text and root (an answered comment below) of each turn above the answered."""
    parents = dict(zip(links["comment_id"], links["parent_id"], strict=True))
    texts = dict(zip(links["parent_id"], links["parent"], strict=True))
    root_of: dict[str, str] = {}
    for root in sorted(answered):
        name = parents.get(root)
        while name is not None and name not in root_of and name not in answered:
            root_of[name] = root
            name = parents.get(name)
    return pd.DataFrame(
        {
            "id": list(root_of),
            "text": [clean_text(texts[name]) for name in root_of],
            "root": list(root_of.values()),
        },
        dtype="str",
    )
