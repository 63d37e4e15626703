"""What stands between a comment and its post: written month by month beside the raw table."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from botlib.data import forgotten
from botlib.data.months import name_of
from botlib.data.raw import as_written, text_of
from botlib.tables import ABOVE
from botlib.workspace import Workspace, atomic_file

if TYPE_CHECKING:
    import duckdb

# Turns above a comment that are followed; threads of people who count to a million go deeper
MOST_TURNS = 50
_ROWS = 10_000


def find_above(connection: "duckdb.DuckDBPyConnection") -> None:
    """Makes the view `above`: for each comment with a reply, the comments above it.

    Each step looks up the parents of one level by id, in the months at hand; texts are fetched
    once, at the end. A row is a comment and its parent, so a parent's text stands there once for
    each of its children that are answered or lead to one, not once for each comment below it.

    Args:
      connection: holds `joined` and `texts`, as `raw.join` makes them.
    """
    run = connection.execute
    run(
        """CREATE TABLE sought AS SELECT DISTINCT comment_id AS id, above AS parent, month
        FROM joined WHERE starts_with(above, 't1_')"""
    )
    run("CREATE TABLE links AS SELECT id, parent AS parent_id, month FROM sought WHERE false")
    run("CREATE TABLE missing AS SELECT id, month FROM sought WHERE false")
    (left,) = run("SELECT count(*) FROM sought").fetchone()
    if left:
        # Two short columns, so that a level doesn't read the texts of all comments
        run("CREATE TABLE parents AS SELECT id, parent_id FROM texts")
    for _ in range(MOST_TURNS if left else 0):
        run(
            """CREATE OR REPLACE TABLE found AS
            SELECT s.id, p.id AS parent_id, s.month, p.parent_id AS next
            FROM sought s JOIN parents p ON substr(s.parent, 4) = p.id"""
        )
        run("INSERT INTO missing SELECT id, month FROM sought ANTI JOIN found USING (id, month)")
        run("INSERT INTO links SELECT id, parent_id, month FROM found")
        # A comment above several is looked up once; a circle, which no thread has, ends here too
        run(
            """CREATE OR REPLACE TABLE sought AS
            SELECT DISTINCT f.parent_id AS id, f.next AS parent, f.month FROM found f
            ANTI JOIN links a ON a.id = f.parent_id AND a.month = f.month
            WHERE starts_with(f.next, 't1_')"""
        )
        (left,) = run("SELECT count(*) FROM sought").fetchone()
        if not left:
            break
    run(
        f"""CREATE VIEW above AS
        SELECT a.id AS comment_id, a.parent_id, {text_of("t.body")} AS parent,
          t.author AS parent_author, a.month
        FROM texts t JOIN links a ON a.parent_id = t.id"""
    )


def count_above(connection: "duckdb.DuckDBPyConnection") -> dict[str, int]:
    """Returns counts: above (comments with a parent at hand) and missing_above (without it)."""
    return {
        name: connection.execute(f"SELECT count(DISTINCT id) FROM {table}").fetchone()[0]
        for name, table in (("above", "links"), ("missing_above", "missing"))
    }


def write_above(
    connection: "duckdb.DuckDBPyConnection", workspace: Workspace, months: list[str]
) -> None:
    """Writes `above` as raw_data/above_{YYYY_MM}.csv; a month that has none has no file.

    Args:
      connection: holds `above`; without it (BigQuery gives no turns) nothing is written.
      workspace: where to write; what it has forgotten is left out.
      months: the months whose files are replaced.
    """
    tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    written: set[str] = set()
    if "above" in tables:
        # All months in one query: the texts are looked up once
        query = f"""SELECT month, {", ".join(ABOVE.columns)} FROM above
            WHERE NOT ({forgotten.condition(workspace, "parent")}) ORDER BY month, comment_id"""
        with (
            as_written(connection),
            contextlib.closing(connection.sql(query).to_arrow_reader(_ROWS)) as rows,
        ):
            for number, parts in itertools.groupby(_by_month(rows), key=lambda part: part[0]):
                if (month := name_of(number)) in months:
                    _write(workspace.above_month(month), (part for _, part in parts))
                    written.add(month)
    for month in set(months) - written:
        workspace.above_month(month).unlink(missing_ok=True)


def _by_month(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    for batch in batches:
        ends = pc.run_end_encode(batch["month"])
        rows, start = batch.drop_columns("month"), 0
        for month, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
            yield month, rows[start:end]
            start = end


def _write(path: Path, parts: Iterable[pa.RecordBatch]) -> None:
    first = next(parts := iter(parts))
    with atomic_file(path, "wb") as file, pa_csv.CSVWriter(file, first.schema) as writer:
        for part in itertools.chain([first], parts):
            writer.write_batch(part)
