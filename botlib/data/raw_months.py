"""Writes the raw table, month by month, from joined rows in DuckDB."""

import itertools
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from tqdm.auto import tqdm

from botlib.data import forgotten
from botlib.data.ahead import in_order
from botlib.data.months import name_of
from botlib.data.raw import POST_COLUMNS, clear_parts, key_of, manifest_of
from botlib.tables import RAW
from botlib.workspace import Workspace, atomic_file, write_manifest

_COLUMNS = ", ".join(column for column in RAW.columns if column not in POST_COLUMNS[1:])
_ORDER = "comment_created_utc, comment_id, reply_created_utc, reply_id"
# Rows whose posts are looked up together, and rows written together
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
      progress: show a bar.

    Returns:
      Number of rows of each month written; nothing is written if there are none.
    """
    clear_parts(workspace.raw_data)
    forgotten.remove_from(connection, workspace)
    rows: dict[str, int] = {}
    parts = _parts(connection)
    with tqdm(desc="raw_data", unit="pair", disable=not progress) as bar:
        for month, group in itertools.groupby(parts, key=lambda part: part.month):
            rows[month] = 0
            with atomic_file(workspace.raw_month(month), "wb") as file:
                file.write(_HEADER)
                for part in group:
                    part.write(file)
                    rows[month] += part.rows.num_rows
                    bar.update(part.rows.num_rows)
    for month in set(months or []) - set(rows):
        rows[month] = 0
        with atomic_file(workspace.raw_month(month), "wb") as file:
            file.write(_HEADER)
    rows = dict(sorted(rows.items()))
    if rows:
        about = {name: value for name, value in parameters.items() if not name.endswith("_month")}
        selection = key_of(**about)
        known = manifest_of(workspace).get("months", {})
        known |= {m: {"rows": n, "key": key, "selection": selection} for m, n in rows.items()}
        extra = {
            "sources": sources,
            "counts": {**counts, "pairs": sum(rows.values())},
            "months": dict(sorted(known.items())),
            "key": key,
            "selection": selection,
        }
        write_manifest(workspace.raw_data, inputs=(), parameters=parameters, seed=None, extra=extra)
    return rows


class _Part(NamedTuple):
    """Some rows of a month, and for each the place of its post among some posts."""

    month: str
    rows: pa.RecordBatch
    posts: pa.Table
    places: pa.Array

    def write(self, file: IO[bytes]) -> None:
        # A few at a time: the posts' texts, repeated for each reply, stay in the processor's cache
        for start in range(0, self.rows.num_rows, _AT_A_TIME):
            rows = self.rows.slice(start, _AT_A_TIME)
            posts = self.posts.take(self.places.slice(start, _AT_A_TIME))
            columns = {
                name: (posts if name in POST_COLUMNS[1:] else rows)[name] for name in RAW.columns
            }
            pa.csv.write_csv(pa.table(columns), file, _NO_HEADER)


def _parts(connection: duckdb.DuckDBPyConnection) -> Iterator[_Part]:
    """Yield all rows in order, a part of a month at a time."""
    # The order begins with the time, so a month's rows come one after the other.
    joined = connection.sql(f"SELECT {_COLUMNS}, month FROM remembered ORDER BY {_ORDER}")
    batches = joined.to_arrow_reader(_ROWS)
    for parts in in_order(lambda batch: _with_posts(connection, batch), batches):
        yield from parts


def _with_posts(connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> list[_Part]:
    """Find the posts of rows in order, which DuckDB's join would not keep."""
    with connection.cursor() as cursor:
        cursor.register("batch", pa.table({"id": batch["submission_id"].unique()}))
        posts = cursor.sql("FROM posts SEMI JOIN batch USING (id)").to_arrow_table()
    posts = posts.combine_chunks()
    places = pc.index_in(batch["submission_id"], posts["id"])
    ends = pc.run_end_encode(batch["month"])
    parts, start = [], 0
    for month, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
        some = slice(start, end)
        parts.append(_Part(name_of(month), batch[some], posts, places[some]))
        start = end
    return parts


_NO_HEADER = pa.csv.WriteOptions(include_header=False)
_HEADER = (",".join(RAW.columns) + "\n").encode()
