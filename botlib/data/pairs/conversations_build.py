"""Writes conversations.csv, in blocks: the posts, the answered comments, the turns in between."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from botlib.data import forgotten
from botlib.data.pairs.conversations import COMMENT, POST
from botlib.data.pairs.kept import Kept
from botlib.data.pairs.measures import keys_of
from botlib.data.pairs.text import clean_text
from botlib.data.raw import GONE, database
from botlib.settings import DataSettings
from botlib.tables import ABOVE, CONVERSATIONS, RAW, read_parts, table_writer
from botlib.workspace import Workspace

_ROWS = 20_000
_MEMORY = "300MB"  # for putting the turns in order; the rest is sorted on disk


def write_conversations(
    workspace: Workspace, kept: Kept, months: Iterable[Path], settings: DataSettings
) -> pd.DataFrame:
    """Writes conversations.csv: the posts, answered comments and turns of the pairs, cleaned.

    Args:
      workspace: has the raw tables.
      kept: the pairs that are kept.
      months: their raw tables.
      settings: max_temp, for putting the turns in order.

    Returns:
      Counts (what, rows): posts, answered comments, and turns between them.
    """
    months = list(months)
    above = [workspace.above_month(path.stem[-7:]) for path in months]
    links = _Links.read([path for path in above if path.is_file()], workspace)
    answered = int(kept.first.sum())
    with table_writer(workspace.conversations, CONVERSATIONS) as write:
        posts = _write_posts(workspace, kept, months, write)
        for some, frame in kept.blocks(["comment_id", "comment", "submission_id"]):
            frame = frame[kept.first[some]]
            write(_comments(frame["comment_id"], frame["comment"], frame["submission_id"], links))
        turns = _Turns.of(links, kept) if len(links) else None
        for part in turns.in_order(links, kept, workspace, settings) if turns else ():
            write(part)
    counts = {
        "posts": posts,
        "answered comments": answered,
        "turns between them and the posts": len(turns.keys) if turns else 0,
    }
    return pd.DataFrame(list(counts.items()), columns=["what", "rows"])


def _comments(ids: pd.Series, texts: pd.Series, submissions: pd.Series, links: "_Links"):
    parents = links.parents(keys_of(ids.to_numpy(object)))
    columns = {"kind": COMMENT, "id": ids, "parent_id": parents, "submission_id": submissions}
    return pd.DataFrame(columns | {"title": "", "text": texts}, columns=list(CONVERSATIONS.columns))


def _write_posts(
    workspace: Workspace,
    kept: Kept,
    months: Iterable[Path],
    write: Callable[[pd.DataFrame], None],
) -> int:
    """Write each post of the pairs once, where it comes first; return how many there are."""
    wanted = np.unique(kept.keys("submission_id"))
    written = np.zeros(len(wanted), dtype=bool)
    columns = ["submission_id", "title", "submission", "submission_author"]
    for path in months:
        for part in read_parts(path, RAW, columns, rows=_ROWS):
            frame = part.drop_duplicates("submission_id")
            keys = keys_of(frame["submission_id"].to_numpy(object))
            place = _places(wanted, keys)
            open_ = (place >= 0) & ~written[place]
            frame, place = frame[open_], place[open_]
            there = ~forgotten.rows_of(frame, workspace, "submission").to_numpy()
            frame = frame[there]
            written[place[there]] = True
            posts = {
                "kind": POST,
                "id": frame["submission_id"],
                "parent_id": "",
                "submission_id": frame["submission_id"],
                "title": [clean_text(text) for text in frame["title"]],
                "text": [_own_text(text) for text in frame["submission"]],
            }
            write(pd.DataFrame(posts, index=frame.index))
    return int(written.sum())


def _own_text(text: str) -> str:
    cleaned = clean_text(text)
    return "" if cleaned in GONE else cleaned


def _places(keys: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Return where each of some keys stands among sorted ones; -1 if it doesn't."""
    if not len(keys):
        return np.full(len(of), -1)
    place = np.minimum(np.searchsorted(keys, of), len(keys) - 1)
    return np.where(keys[place] == of, place, -1)


class _Links(NamedTuple):
    """What each comment answers, of the comments that stand above an answered one, or are one.

    Attributes:
      paths: the tables that hold them, with the texts.
      keys: hashes of the comments, sorted.
      rows: which row of the tables, put together, each is from.
      parent_keys: hashes of what they answer.
      parent_ids: the ids of those.
    """

    paths: list[Path]
    keys: np.ndarray
    rows: np.ndarray
    parent_keys: np.ndarray
    parent_ids: pa.Array

    @classmethod
    def read(cls, paths: list[Path], workspace: Workspace) -> "_Links":
        keys, parent_keys, parent_ids = [], [], []
        for frame in _linked(paths, workspace, ["comment_id", "parent_id", "parent_author"]):
            keys.append(keys_of(frame["comment_id"].to_numpy(object)))
            parent_keys.append(keys_of(frame["parent_id"].to_numpy(object)))
            parent_ids.append(pa.array(frame["parent_id"].to_numpy(object), pa.string()))
        none = np.empty(0, dtype=np.uint64)
        keys, rows = np.unique(np.concatenate([none, *keys]), return_index=True)
        parent_keys = np.concatenate([none, *parent_keys])[rows]
        parent_ids = pa.chunked_array(parent_ids, pa.string()).take(rows).combine_chunks()
        return cls(paths, keys, rows, parent_keys, parent_ids)

    def __len__(self) -> int:
        return len(self.keys)

    def parents(self, keys: np.ndarray) -> np.ndarray:
        """Return the ids of what comments answer; "" where that is not known."""
        place = _places(self.keys, keys)
        found = self.parent_ids.take(pa.array(place, mask=place < 0))
        return pc.fill_null(found, "").to_numpy(zero_copy_only=False)


def _linked(paths: list[Path], workspace: Workspace, columns: list[str]) -> Iterator[pd.DataFrame]:
    for path in paths:
        for frame in read_parts(path, ABOVE, columns, rows=_ROWS):
            yield frame[~forgotten.rows_of(frame, workspace, "parent").to_numpy()]


class _Turns(NamedTuple):
    """The turns above the answered comments, up to the next answered one or the post.

    Attributes:
      keys: hashes of the turns, sorted.
      order: place of each in the table: by the first answered comment below it, in order of id,
        then from that one upwards.
      roots: place of that comment among the answered ones, which `kept.first` marks.
    """

    keys: np.ndarray
    order: np.ndarray
    roots: np.ndarray

    @classmethod
    def of(cls, links: _Links, kept: Kept) -> "_Turns":
        """Climbs from all answered comments at once; where two ways meet, the first id goes on."""
        ids = kept.pairs.texts("comment_id", _first_rows(kept))
        rank = np.empty(len(ids), dtype=np.int64)
        sorted_ids = pc.array_sort_indices(ids).to_numpy()
        rank[sorted_ids] = np.arange(len(ids))
        answered = kept.keys("comment_id")[kept.first]
        by_key = np.argsort(answered)
        parent = _places(links.keys, links.parent_keys)  # -1: nothing is known above
        is_answered = _places(answered[by_key], links.parent_keys) >= 0
        # A turn is known by the link below it; links that share a parent share a number
        turns, number = np.unique(links.parent_keys, return_inverse=True)
        best = np.full(len(turns), len(ids), dtype=np.int64)
        height = np.zeros(len(turns), dtype=np.int64)
        at = _places(links.keys, answered)
        here, root = at[at >= 0], rank[at >= 0]
        step = 0
        while len(here):
            step += 1
            climbs = ~is_answered[here]
            here, root = here[climbs], root[climbs]
            # The first answered comment that gets there; another way's turn may be taken over
            order = np.lexsort((root, number[here]))
            here, root = here[order], root[order]
            turn = number[here]
            new = np.ones(len(turn), dtype=bool)
            new[1:] = turn[1:] != turn[:-1]
            new &= root < best[turn]
            here, root, turn = here[new], root[new], turn[new]
            best[turn], height[turn] = root, step
            here = parent[here]
            known = here >= 0
            here, root = here[known], root[known]
        found = best < len(ids)
        order = np.empty(int(found.sum()), dtype=np.int64)
        order[np.lexsort((height[found], best[found]))] = np.arange(len(order))
        return cls(turns[found], order, sorted_ids[best[found]])

    def in_order(
        self, links: _Links, kept: Kept, workspace: Workspace, settings: DataSettings
    ) -> Iterator[pd.DataFrame]:
        """Yields their rows of conversations.csv, sorted on disk."""
        posts = kept.pairs.texts("submission_id", _first_rows(kept)).combine_chunks()
        with database(kept.pairs.folder, _MEMORY, settings.max_temp) as connection:
            connection.execute(
                "CREATE TABLE turns (place BIGINT, id VARCHAR, text VARCHAR, post VARCHAR)"
            )
            for frame, turn in self._texts(links, workspace):
                columns = {
                    "place": self.order[turn],
                    "id": frame["parent_id"].to_numpy(object),
                    "text": [clean_text(text) for text in frame["parent"]],
                    "post": posts.take(pa.array(self.roots[turn])),
                }
                part = pa.table(columns)  # noqa: F841 - DuckDB finds it by its name
                connection.execute("INSERT INTO turns FROM part")
            rows = connection.sql("SELECT id, text, post FROM turns ORDER BY place")
            for batch in rows.to_arrow_reader(_ROWS):
                frame = batch.to_pandas()
                yield _comments(frame["id"], frame["text"], frame["post"], links)

    def _texts(
        self, links: _Links, workspace: Workspace
    ) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Yields rows with a turn's text, each turn once, and which turns they are."""
        # A turn stands once for each comment under it that leads somewhere; the last one counts
        of_link = _places(self.keys, links.parent_keys)
        last = np.full(len(self.keys), -1, dtype=np.int64)
        np.maximum.at(last, of_link[of_link >= 0], links.rows[of_link >= 0])
        by_row = np.argsort(last)
        rows = last[by_row]
        at = 0
        for frame in _linked(links.paths, workspace, list(ABOVE.columns)):
            first, end = np.searchsorted(rows, [at, at + len(frame)])
            if end > first:
                yield frame.iloc[rows[first:end] - at], by_row[first:end]
            at += len(frame)


def _first_rows(kept: Kept) -> np.ndarray:
    rows = np.zeros(len(kept.rows), dtype=bool)
    rows[np.flatnonzero(kept.rows)[kept.first]] = True
    return rows
