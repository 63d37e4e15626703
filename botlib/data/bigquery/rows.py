"""Takes in the rows of a query and writes them as the dumps' rows are written."""

from typing import Any

import duckdb
from tqdm.auto import tqdm

from botlib.data import raw
from botlib.data.raw_months import write_months
from botlib.workspace import Workspace


def fetch(
    job: Any,
    out: Workspace,
    key: str,
    selection: dict[str, Any],
    max_gigabytes: float,
    memory_limit: str,
    max_temp: str,
    progress: bool,
) -> int:
    """Write a query's rows as months of raw data; return how many there are.

    Args:
      job: has `id`, `months` and `rows(max_gigabytes)`.
      out: the workspace.
      key: what the rows depend on; see `raw_months.write_months`.
      selection: for the manifest.
      max_gigabytes: limit of what the query may bill.
      memory_limit: of DuckDB, which sorts the rows.
      max_temp: of what it spills to disk.
      progress: show a bar.
    """
    with raw.database(out.cache, memory_limit, max_temp) as connection:
        connection.execute(_RECEIVED)
        rows = job.rows(max_gigabytes)
        bar = tqdm(
            total=rows.total_rows, desc=f"{job.months[0]} …", unit="pair", disable=not progress
        )
        with bar:
            for batch in rows.to_arrow_iterable():
                _insert(connection, batch)
                bar.update(batch.num_rows)
        connection.execute(_JOINED)
        written = write_months(
            connection,
            out,
            key=key,
            parameters=selection,
            sources={"job": job.id},
            counts={},
            months=job.months,
            progress=False,
        )
    return sum(written.values())


_COLUMNS = {
    column: "BIGINT" if column.endswith(("_score", "_utc")) else "VARCHAR" for column in raw.COLUMNS
}
_RECEIVED = "CREATE TABLE received ({})".format(
    ", ".join(f"{column} {kind}" for column, kind in _COLUMNS.items())
)
_TEXTS = {"title", "submission", "comment", "reply"}


def _clean(column: str) -> str:
    if column in _TEXTS:
        return raw.text_of(column)
    return f"coalesce({column}, '[deleted]')" if column.endswith("_author") else column


_JOINED = f"""
CREATE TABLE posts AS
  SELECT submission_id AS id, {
    ", ".join(f"any_value({_clean(name)}) AS {name}" for name in raw.POST_COLUMNS[1:])
} FROM received GROUP BY submission_id;
CREATE VIEW joined AS SELECT submission_id, {
    ", ".join(f"{_clean(name)} AS {name}" for name in _COLUMNS if name not in raw.POST_COLUMNS)
}, {raw.MONTH_OF.format(time="comment_created_utc")} AS month
FROM received"""


def _insert(connection: duckdb.DuckDBPyConnection, batch: Any) -> None:
    connection.register("batch", batch)
    connection.execute(f"INSERT INTO received SELECT {', '.join(_COLUMNS)} FROM batch")
    connection.unregister("batch")
