"""Reads dumps that were made into Parquet files, here or on a server, by DuckDB."""

import contextlib
import hashlib
import json
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from botlib.data.dumps.files import DamagedFile
from botlib.data.dumps.rows import META, RowReader
from botlib.data.raw import quoted
from botlib.errors import BotlibError

REMOTE = ("hf://", "https://", "http://", "s3://")
_ROWS = 50_000
# What a file of each kind has and the other doesn't
_TELLS = {"comments": "body", "submissions": "title"}


def is_remote(path: str) -> bool:
    """Return whether this is an address, such as hf://datasets/…/*.parquet, and no path here."""
    return path.startswith(REMOTE)


def addresses(pattern: str) -> list[str]:
    """Return the addresses of the files that a pattern on a server stands for.

    Raises:
      BotlibError: there are none, or the server or DuckDB's httpfs can't be reached.
    """
    with _database(pattern) as connection:
        addresses = connection.execute("SELECT file FROM glob(?) ORDER BY 1", [pattern]).fetchall()
    return [address for (address,) in addresses]


def kind_of(address: str) -> str:
    """Return "comments" or "submissions", as the file's columns tell; "" for something else."""
    with _database(address) as connection:
        columns = _columns(connection, address)
    kinds = [kind for kind, column in _TELLS.items() if column in columns]
    return kinds[0] if len(kinds) == 1 and "subreddit" in columns else ""


def fingerprint(address: str) -> str:
    """Return a hash of what the file's end says about its rows; the rows are not read."""
    with _database(address) as connection:
        about = connection.execute(
            "SELECT count(*), sum(row_group_num_rows), sum(total_compressed_size), "
            "list(stats_min_value ORDER BY row_group_id, column_id), "
            "list(stats_max_value ORDER BY row_group_id, column_id), max(data_page_offset) "
            "FROM parquet_metadata(?)",
            [address],
        ).fetchone()
    text = json.dumps([address, about], default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def tables(address: str, reader: RowReader) -> Iterator[pa.Table]:
    """Yield the wanted rows of a file, as `RowReader` gives those of NDJSON.

    Only the columns needed are read, and of the rows those in time; `reader` counts all.

    Raises:
      DamagedFile: the file can't be read, or lacks a column that pairs need.
    """
    with _database(address) as connection:
        columns = _columns(connection, address)
        missing = [name for name in reader.required if name not in columns]
        if missing:
            raise DamagedFile(f"{address}: no column {missing[0]} among {', '.join(columns)}")
        fields = ", ".join(_field(field, columns) for field in reader.written)
        count = "SELECT num_rows FROM parquet_file_metadata(?)"
        reader.counts.lines += connection.execute(count, [address]).fetchall()[0][0]
        created = _number("created_utc", columns["created_utc"])
        condition = f"({created} BETWEEN {reader.start} AND {reader.end - 1})"
        if reader.names:
            names = ", ".join(map(quoted, reader.names))
            condition += f" AND lower(subreddit) IN ({names})"
        # What can't be right is let through, so that it is counted.
        bad = " OR ".join(f"{name} IS NULL" for name in reader.required)
        bad += f" OR {created} IS NULL OR {created} NOT BETWEEN 1 AND 4102444799"
        relation = connection.sql(
            f"SELECT {fields} FROM read_parquet({quoted(address)}) WHERE {condition} OR {bad}"
        )
        for batch in relation.to_arrow_reader(_ROWS):
            rows = pa.Table.from_batches([batch]).cast(reader.written)
            yield reader.take(rows)


def load_httpfs(connection: duckdb.DuckDBPyConnection, address: str) -> None:
    """Load DuckDB's extension that reads from servers, downloading it the first time.

    Raises:
      BotlibError: it isn't here and can't be downloaded.
    """
    try:
        connection.execute("LOAD httpfs")
    except duckdb.Error:
        try:
            connection.execute("INSTALL httpfs")
            connection.execute("LOAD httpfs")
        except duckdb.Error as error:
            raise BotlibError(
                f"{address} needs DuckDB's extension httpfs, which is not installed and can't be "
                "downloaded now: go online once and run this again, or download the Parquet files "
                f"and give their folder as dumps ({_first_line(error)})"
            ) from error


@contextlib.contextmanager
def _database(address: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '500MB'")
        connection.execute("SET TimeZone = 'UTC'")
        if is_remote(address):
            load_httpfs(connection, address)
        try:
            yield connection
        except duckdb.Error as error:
            raise DamagedFile(
                f"{address} can't be read as Parquet ({_first_line(error)}); download it again, or "
                "try later if it lies on a server"
            ) from error


def _columns(connection: duckdb.DuckDBPyConnection, address: str) -> dict[str, str]:
    """Return the file's columns and their types."""
    described = connection.execute(f"DESCRIBE FROM read_parquet({quoted(address)})").fetchall()
    return {name: kind for name, kind, *_ in described}


def _field(field: pa.Field, columns: dict[str, str]) -> str:
    """Return SQL for one field in the type that is wanted, whatever the file has; NULL without."""
    if field.name == "_meta":
        parts = [f"'{name}': {_meta_part(name, kind, columns)}" for name, kind in META.items()]
        return f"{{{', '.join(parts)}}} AS _meta"
    if field.name not in columns:
        return f"CAST(NULL AS {_TYPES[field.type]}) AS {field.name}"
    if field.name == "parent_id" and columns[field.name] in ("BIGINT", "INTEGER", "HUGEINT"):
        return f"{_full_name('parent_id')} AS parent_id"
    return f"{_cast(field.name, columns[field.name], field.type)} AS {field.name}"


def _meta_part(name: str, kind: pa.DataType, columns: dict[str, str]) -> str:
    """Return SQL for what `_meta` says: a struct, JSON, or columns of their own."""
    meta = columns.get("_meta", "")
    if name in columns:
        return _cast(name, columns[name], kind)
    if meta.startswith("STRUCT") and f"{name} " in meta.replace('"', ""):
        return _cast(f"_meta.{name}", "", kind)
    if meta in ("VARCHAR", "JSON"):
        return _cast(f"json_extract_string(_meta, '$.{name}')", "VARCHAR", kind)
    return f"CAST(NULL AS {_TYPES[kind]})"


def _cast(column: str, stored_type: str, arrow_type: pa.DataType) -> str:
    if arrow_type == pa.int64():
        return _number(column, stored_type)
    return f"TRY_CAST({column} AS {_TYPES[arrow_type]})"


def _number(column: str, stored_type: str) -> str:
    """Return SQL for a whole number; a time becomes seconds since 1970."""
    if stored_type.startswith(("TIMESTAMP", "DATE")):
        return f"CAST(floor(epoch({column})) AS BIGINT)"
    if stored_type in ("VARCHAR", "DOUBLE", "FLOAT"):
        return f"TRY_CAST(trunc(TRY_CAST({column} AS DOUBLE)) AS BIGINT)"
    return f"TRY_CAST({column} AS BIGINT)"


def _full_name(column: str) -> str:
    """Return SQL for a parent's id with its prefix from a number, as some years hold it."""
    digits = " || ".join(
        f"substr('0123456789abcdefghijklmnopqrstuvwxyz', 1 + ({column} // {36**place}) % 36, 1)"
        for place in range(11, -1, -1)
    )
    name = f"ltrim({digits}, '0')"
    return f"CASE WHEN link_id = 't3_' || {name} THEN link_id ELSE 't1_' || {name} END"


_TYPES = {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN"}


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
