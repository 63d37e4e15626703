"""The list of people and texts that were forgotten, kept so that they don't come back."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from botlib.workspace import Workspace, atomic_file

if TYPE_CHECKING:
    # A bot that only answers reads the list without it
    import duckdb

_COLUMNS = ["kind", "sha256", "since"]


def hashed(name: str) -> str:
    """Return what the list keeps of a name or id: a hash, so that the list itself names nobody."""
    return hashlib.sha256(name.lower().encode()).hexdigest()


def listed(workspace: Workspace, kind: str) -> set[str]:
    """Return the hashes of the forgotten of one kind: "author" or "id"."""
    if not workspace.forgotten.is_file():
        return set()
    table = pd.read_csv(workspace.forgotten, dtype=str)
    return set(table.loc[table["kind"] == kind, "sha256"])


def add(workspace: Workspace, authors: Iterable[str], ids: Iterable[str]) -> None:
    """Add to the list; what is there already stays as it is."""
    old = (
        pd.read_csv(workspace.forgotten, dtype=str)
        if workspace.forgotten.is_file()
        else pd.DataFrame(columns=_COLUMNS)
    )
    today = datetime.now(UTC).date().isoformat()
    new = [("author", hashed(name), today) for name in authors]
    new += [("id", hashed(name), today) for name in ids]
    table = pd.concat([old, pd.DataFrame(new, columns=_COLUMNS)])
    with atomic_file(workspace.forgotten) as file:
        table.drop_duplicates(["kind", "sha256"]).to_csv(file, index=False, lineterminator="\n")


def remove_from(connection: "duckdb.DuckDBPyConnection", workspace: Workspace) -> None:
    """Leave the forgotten out in `remembered`, a view of `joined`, and blank their `posts`."""
    gone = condition(workspace, "comment", "reply")
    connection.execute(f"CREATE VIEW remembered AS FROM joined WHERE NOT ({gone})")
    authors, ids = (sorted(listed(workspace, kind)) for kind in ("author", "id"))
    if authors or ids:
        connection.execute(
            "UPDATE posts SET title = '', submission = '', submission_author = '[deleted]' "
            f"WHERE {_among('submission_author', authors)} OR {_among('id', ids)}"
        )


def condition(workspace: Workspace, *sides: str) -> str:
    """Return SQL that holds where {side}_author or {side}_id of any side is forgotten."""
    authors, ids = (sorted(listed(workspace, kind)) for kind in ("author", "id"))
    gone = ["false"]
    if authors:
        gone += [_among(f"{side}_author", authors) for side in sides]
    if ids:
        gone += [_among(f"{side}_id", ids) for side in sides]
    return " OR ".join(gone)


def _among(column: str, hashes: list[str]) -> str:
    return f"list_contains({hashes}::VARCHAR[], sha256(lower({column})))"


def rows_of(frame: pd.DataFrame, workspace: Workspace, *sides: str) -> pd.Series:
    """Return in which rows {side}_author or {side}_id of any side is forgotten.

    Args:
      frame: a raw table, or what stands above its comments.
      workspace: keeps the list.
      sides: by default comment and reply.
    """
    authors, ids = listed(workspace, "author"), listed(workspace, "id")
    gone = pd.Series(False, index=frame.index)
    if authors or ids:
        for side in sides or ("comment", "reply"):
            gone |= frame[f"{side}_author"].map(hashed).isin(authors)
            gone |= frame[f"{side}_id"].map(hashed).isin(ids)
    return gone
