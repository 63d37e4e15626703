"""Loads dump files into two BigQuery tables of your own, made so that a query reads little."""

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from botlib.data import raw
from botlib.data.bigquery.client import TIMEOUT, clear_errors, new_client, retry
from botlib.data.bigquery.source import is_one_table
from botlib.data.dumps.extract import checked_names, read_files
from botlib.data.dumps.find import find_files
from botlib.errors import BotlibError
from botlib.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What was loaded.

    Attributes:
      rows: rows of each month ("project.dataset.comments 2019_05" → 1234), those of earlier runs
        too.
      errors: one line for each damaged dump file.
    """

    rows: dict[str, int]
    errors: list[str]


def load(
    paths: str | Path | Iterable[str | Path],
    *,
    comments: str,
    posts: str,
    out: Workspace,
    subreddits: Iterable[str] = (),
    project: str = "",
    location: str = "",
    max_malformed: float = 0.01,
    memory_limit: str = "1GB",
    max_temp: str = "20GB",
    progress: bool = True,
    client: Any = None,
) -> LoadReport:
    """Load dump files into two tables, partitioned by month and clustered by subreddit.

    A month is replaced whole. One that an earlier run loaded from the same files is left alone,
    so a run that was stopped goes on. Tables and their datasets are made if absent.

    Args:
      paths: files, folders or patterns of dumps.
      comments: "project.dataset.table" for comments.
      posts: "project.dataset.table" for posts.
      out: the workspace, whose cache is used.
      subreddits: names to load, none for all.
      project: the Google Cloud project that pays.
      location: where new datasets shall lie ("EU"), "" for Google's default.
      max_malformed: share of unreadable lines of a file before that is an error.
      memory_limit: of DuckDB, which sorts the rows by month.
      max_temp: of what it spills to disk.
      progress: show bars.
      client: a google.cloud.bigquery.Client; by default one with the user's own credentials.

    Raises:
      BotlibError: no such files, no access, no network.
    """
    for name in (comments, posts):
        if not is_one_table(name):
            raise BotlibError(
                f"{name!r} must be a project, a dataset and a table, such as mine.reddit.comments"
            )
    names = checked_names(subreddits) if subreddits else []
    dump_files = find_files(paths, names)
    files = dump_files.files
    read = read_files(files, out.cache / "dumps", names, 0, 2**62, max_malformed, progress)
    key = raw.key_of(files=sorted(file.fingerprint for file in files), names=names)
    rows: dict[str, int] = {}
    with clear_errors(project, comments, posts):
        client = client or new_client(project, location)
        for kind, table in (("comments", comments), ("submissions", posts)):
            _make_dataset(client, table.rpartition(".")[0], location)
            parts = [one.rows for one in read if one.kind == kind]
            months = _by_month(parts, out.cache / "load" / kind, memory_limit, max_temp)
            for month, (path, count) in tqdm(
                months.items(), desc=kind, unit="month", disable=not progress
            ):
                _load(client, path, table, month, key, location)
                path.unlink()
                rows[f"{table} {month}"] = count
    return LoadReport(rows, [*dump_files.unreadable, *(one.error for one in read if one.error)])


def _make_dataset(client: Any, name: str, location: str) -> None:
    from google.cloud import bigquery

    dataset = bigquery.Dataset(name)
    dataset.location = location or None
    client.create_dataset(dataset, exists_ok=True, retry=retry(), timeout=TIMEOUT)


def _by_month(
    parts: list[Path], folder: Path, memory_limit: str, max_temp: str
) -> dict[str, tuple[Path, int]]:
    """Write the rows of each month as a Parquet file; return the files and their rows."""
    folder.mkdir(parents=True, exist_ok=True)
    month = "strftime(make_timestamp(created_utc * 1000000), '%Y_%m')"
    source = f"read_parquet([{', '.join(map(raw.quoted, parts))}])"
    with raw.database(folder, memory_limit, max_temp) as connection:
        counts = connection.execute(
            f"SELECT {month}, count(*) FROM {source} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        for name, _ in counts:
            connection.execute(
                f"COPY (SELECT *, DATE '{name.replace('_', '-')}-01' AS month FROM {source} "
                f"WHERE {month} = '{name}' ORDER BY subreddit, created_utc, id) "
                f"TO {raw.quoted(folder / f'{name}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
            )
    return {name: (folder / f"{name}.parquet", count) for name, count in counts}


def _load(client: Any, path: Path, table: str, month: str, key: str, location: str) -> None:
    """Load one file as one month of a table, unless a job with this name has done so."""
    from google.api_core.exceptions import NotFound
    from google.cloud import bigquery

    name = f"botlib_load_{raw.key_of(table=table, month=month, key=key)}"
    with contextlib.suppress(NotFound):
        client.get_table(table, retry=retry(), timeout=TIMEOUT)
        job = client.get_job(name, location=location or None, retry=retry(), timeout=TIMEOUT)
        if job.result(retry=retry()).error_result is None:
            return
        name += "_again"
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        time_partitioning=bigquery.TimePartitioning(
            type_=bigquery.TimePartitioningType.MONTH, field="month"
        ),
        clustering_fields=["subreddit"],
    )
    with path.open("rb") as file:
        job = client.load_table_from_file(
            file,
            f"{table}${month.replace('_', '')}",  # this month alone is replaced
            job_config=config,
            job_id=name,
            location=location or None,
            timeout=TIMEOUT * 10,
        )
    job.result(retry=retry())
