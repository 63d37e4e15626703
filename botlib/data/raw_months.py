"""Writes the raw table, month by month, from joined rows in DuckDB."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from tqdm.auto import tqdm

from botlib.data import forgotten
from botlib.data.ahead import in_order
from botlib.data.months import name_of
from botlib.data.post_lines import PostLines
from botlib.data.raw import POST_COLUMNS, as_written, key_of, manifest_of
from botlib.data.raw_above import write_above
from botlib.manifests import write_manifest
from botlib.parts import clear_orphans
from botlib.tables import ID, RAW, TEXT
from botlib.workspace import Workspace, atomic_file

_ORDER = "comment_created_utc, comment_id, reply_created_utc, reply_id"
# A line of CSV is put together from what stands before the post's columns, those, and the rest.
_POST = POST_COLUMNS[1:]
_START = list(RAW.columns).index(_POST[0])
_BEFORE, _AFTER = list(RAW.columns)[:_START], list(RAW.columns)[_START + len(_POST) :]
# Rows whose posts are looked up together, and rows written together: so few that the posts' texts,
# repeated for each reply, stay in the processor's cache
_ROWS, _AT_A_TIME = 20_000, 1000


def write_months(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    *,
    key: str,
    parameters: Mapping[str, Any],
    sources: Mapping[str, str],
    counts: Mapping[str, int],
    months: list[str] | None = None,
    stretches: Sequence[str] = ("true",),
    progress: bool = True,
) -> dict[str, int]:
    """Write `joined` and `posts` as raw_data/myreddit_{YYYY_MM}.csv, each atomically.

    Args:
      connection: holds the two tables that `raw.join` describes.
      workspace: where to write.
      key: what the rows depend on, hashed; `raw.done` compares it.
      parameters: for the manifest.
      sources: for the manifest: what was read.
      counts: for the manifest: what was counted; the number of pairs is added.
      months: months that may be written; those without a row become an empty table.
      stretches: conditions that part `joined` by time, in order; see `raw.stretches`.
      progress: show a bar.

    Returns:
      Number of rows of each month written; nothing is written if there are none.
    """
    clear_orphans(workspace.raw_data)
    forgotten.remove_from(connection, workspace)
    rows: dict[str, int] = {}
    bar = tqdm(desc="raw_data", unit="pair", disable=not progress)
    # Should one month fail, those that wait to be synced are closed with the error, so they go.
    with bar, contextlib.ExitStack() as unfinished:

        def written() -> Iterator[_Month]:
            # A month is written while threads put together the next lines and sync the last one.
            parts = _parts(connection, workspace.cache, stretches)
            with contextlib.closing(in_order(_with_lines, parts)) as parts:
                for month, group in itertools.groupby(parts, key=lambda part: part.month):
                    with contextlib.ExitStack() as stack:
                        file = stack.enter_context(atomic_file(workspace.raw_month(month), "wb"))
                        file.write(_HEADER)
                        count = 0
                        for part in group:
                            file.write(part.lines)
                            count += part.rows
                            bar.update(part.rows)
                        unsynced = stack.pop_all()
                    unfinished.push(unsynced)
                    yield _Month(month, count, unsynced)

        with contextlib.closing(in_order(_synced, written())) as synced:
            for one in synced:
                rows[one.month] = one.rows
    for month in set(months or []) - set(rows):
        rows[month] = 0
        with atomic_file(workspace.raw_month(month), "wb") as file:
            file.write(_HEADER)
    rows = dict(sorted(rows.items()))
    write_above(connection, workspace, list(rows))
    if rows:
        about = {name: value for name, value in parameters.items() if not name.endswith("_month")}
        selection = key_of(**about)
        written = manifest_of(workspace).get("months", {})
        written |= {m: {"rows": n, "key": key, "selection": selection} for m, n in rows.items()}
        extra = {
            "sources": sources,
            "counts": {**counts, "pairs": sum(rows.values())},
            "months": dict(sorted(written.items())),
            "key": key,
            "selection": selection,
        }
        write_manifest(workspace.raw_data, inputs=(), parameters=parameters, seed=None, extra=extra)
    return rows


class _Month(NamedTuple):
    """A month that is written; closing its file syncs it and gives it its name."""

    month: str
    rows: int
    file: contextlib.ExitStack


def _synced(month: _Month) -> _Month:
    month.file.close()
    return month


class _Part(NamedTuple):
    """Some rows of a month, and for each the place of its post among some posts."""

    month: str
    rows: pa.RecordBatch
    posts: pa.Array
    places: pa.Array


class _Lines(NamedTuple):
    """Some rows of a month as lines of CSV."""

    month: str
    rows: int
    lines: pa.Buffer


def _with_lines(part: _Part) -> _Lines:
    posts = part.posts.take(part.places)
    lines = pc.binary_join_element_wise(part.rows["before"], posts, part.rows["after"], ",")
    return _Lines(part.month, len(lines), lines.buffers()[2])


def _parts(
    connection: duckdb.DuckDBPyConnection, folder: Path, stretches: Sequence[str]
) -> Iterator[_Part]:
    """Yield all rows in order, a part of a month at a time."""
    posts = connection.sql(f"SELECT hash(id) AS post, {_csv(_POST)} AS line FROM posts")
    lines = PostLines(posts.to_arrow_reader(_ROWS), folder)
    with contextlib.closing(lines), as_written(connection):
        for stretch in stretches:
            # The order begins with the time, so a month's rows come one after the other.
            joined = connection.sql(
                f"""SELECT hash(submission_id) AS post, month, {_csv(_BEFORE)} AS before,
                  {_csv(_AFTER)} || chr(10) AS after FROM remembered WHERE {stretch}
                ORDER BY {_ORDER}"""
            )
            batches = joined.to_arrow_reader(_ROWS)
            joined = in_order(lambda batch: _with_posts(lines, batch), batches)
            with contextlib.closing(joined):
                for parts in joined:
                    yield from parts


def _with_posts(posts: PostLines, batch: pa.RecordBatch) -> list[_Part]:
    """Find the posts of rows in order, which DuckDB's join would not keep."""
    lines, places = posts.find(batch["post"].to_numpy())
    ends = pc.run_end_encode(batch["month"])
    parts, start = [], 0
    for month, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
        for at in range(start, end, _AT_A_TIME):
            some = slice(at, min(at + _AT_A_TIME, end))
            parts.append(_Part(name_of(month), batch[some], lines, places[some]))
        start = end
    return parts


def _csv(columns: Iterable[str]) -> str:
    """Return SQL for columns as they stand in a line of CSV: texts (never NULL) in quotes."""
    cells = [_QUOTED if RAW.columns[name] in (TEXT, ID) else "{0}" for name in columns]
    written = [cell.format(name) for cell, name in zip(cells, columns, strict=True)]
    return "concat(" + ", ',', ".join(written) + ")"


# Looking for a quote first is quicker than replacing none.
_QUOTED = """'"', CASE WHEN contains({0}, '"') THEN replace({0}, '"', '""') ELSE {0} END, '"'"""
_HEADER = (",".join(RAW.columns) + "\n").encode()
