"""The embedded engine: pairs from dump files on one machine, with DuckDB, in bounded memory."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm.auto import tqdm

from botlib.data import raw
from botlib.data.ahead import in_order
from botlib.data.dumps import parquet
from botlib.data.dumps.files import DamagedFile, blocks
from botlib.data.dumps.find import DumpFile, Found, find_files, shown, unread
from botlib.data.dumps.rows import SCHEMAS, Counts, RowReader
from botlib.data.months import month_of, shifted, span
from botlib.data.raw_above import count_above, find_above
from botlib.data.raw_months import write_months
from botlib.errors import BotlibError
from botlib.parts import clear_orphans
from botlib.workspace import Workspace, atomic_file

# Raise when rows of the cache would come out differently.
_VERSION = 3
# Raise when other tables are made from the same rows.
_TABLES = 2


@dataclasses.dataclass(frozen=True)
class ExtractReport:
    """What an extraction read and wrote.

    Attributes:
      files: one row a file: file, kind, lines, kept (wanted and good), malformed, cached (not
        read again), error, rows (where they are kept).
      counts: comments, submissions, duplicate_rows, gone_comments, taken_back_comments, posts,
        above (comments whose parent, a comment, was found), missing_above, pairs.
      months: rows written of each month ("2019_05" → 1234), all months of this selection.
      errors: one line for each damaged file.
      skipped: nothing had changed, so nothing was done.
      not_opened: names of files that are named for other subreddits.
    """

    files: pd.DataFrame
    counts: dict[str, int]
    months: dict[str, int]
    errors: list[str]
    skipped: bool = False
    not_opened: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0, or 1 if a file was damaged."""
        return 1 if self.errors else 0

    def table(self) -> pd.DataFrame:
        """Return the counts as a table: step, rows."""
        return pd.DataFrame(list(self.counts.items()), columns=["step", "rows"])


def extract(
    paths: str | Path | Iterable[str | Path],
    *,
    subreddits: Iterable[str],
    first_month: str = "",
    last_month: str = "",
    depth: int = 1,
    self_posts_only: bool = True,
    out: Workspace,
    reach_months: int = raw.REACH_MONTHS,
    memory_limit: str = "1GB",
    max_temp: str = "20GB",
    max_malformed: float = 0.01,
    progress: bool = True,
) -> ExtractReport:
    """Read dump files and write raw_data/myreddit_{YYYY_MM}.csv, by the comment's month.

    Each file's wanted rows are kept in the workspace's cache, so a run that was stopped goes on
    with the next file. A damaged file gives its good rows and an error in the report; it is read
    again next time.

    Args:
      paths: files, folders or patterns; see `find.find_files`.
      subreddits: names, in any case.
      first_month: first month of the comments ("2019-01"), "" for no limit.
      last_month: last month of the comments, "" for no limit.
      depth: how deep an answered comment may stand (1: directly under the post; 0: anywhere).
      self_posts_only: leave out posts without a text of their own.
      out: the workspace.
      reach_months: months that a post may be older, or a reply younger, than the comment.
      memory_limit: of the join.
      max_temp: of what the join spills to disk.
      max_malformed: share of lines of a file that may be unreadable before that is an error.
      progress: show bars.

    Raises:
      BotlibError: no files, too many malformed lines, a subreddit of which nothing is there, no
        pairs at all, no room.
    """
    names = checked_names(subreddits)
    first, last = month_of(first_month, "first_month"), month_of(last_month, "last_month")
    if first and last and last < first:
        raise BotlibError(f"last_month {last_month} lies before first_month {first_month}")
    dump_files = find_files(paths, names)
    files = _in_reach(dump_files.files, first, last, reach_months)
    start, end = span(first, last, reach_months)
    selection = {
        "engine": "dumps",
        "subreddits": names,
        "first_month": first,
        "last_month": last,
        "depth": depth,
        "self_posts_only": self_posts_only,
        "reach_months": reach_months,
    }
    read = read_files(files, out.cache / "dumps", names, start, end, max_malformed, progress)
    sources = {"/".join(file.path.parts[-4:]): file.fingerprint for file in files}
    prints = sorted(file.fingerprint for file in files)
    key = raw.key_of(selection=selection, sources=prints, version=_VERSION, tables=_TABLES)
    table = pd.DataFrame([dataclasses.asdict(one) for one in read])
    errors = [*dump_files.unreadable, *(one.error for one in read if one.error)]
    not_opened = tuple(path.name for path in dump_files.others)
    if raw.finished(out, key) and not errors:
        months = raw.done(out, key)
        return ExtractReport(table, raw.last_counts(out), months, [], True, not_opened)
    with raw.database(out.cache, memory_limit, max_temp) as connection:
        for kind in SCHEMAS:
            parts = ", ".join(raw.quoted(one.rows) for one in read if one.kind == kind)
            connection.execute(f"CREATE VIEW {kind} AS FROM read_parquet([{parts}])")
        _check_names(connection, names, dump_files, errors)
        counts = raw.join(
            connection,
            first=first,
            last=last,
            reach=reach_months,
            depth=depth,
            self_posts_only=self_posts_only,
        )
        find_above(connection)
        counts |= count_above(connection)
        months = write_months(
            connection,
            out,
            key=key,
            parameters=selection,
            sources=sources,
            counts=counts,
            stretches=raw.stretches(connection, reach_months),
            progress=progress,
        )
        if not months:
            raise BotlibError(
                f"no reply to a comment on a post in {len(files)} files ({counts['comments']:,} "
                f"comments, {counts['posts']:,} posts with text): check subreddits, months and "
                f"self_posts_only{_because(errors)}"
            )
        counts["pairs"] = sum(months.values())
    return ExtractReport(table, counts, months, errors, not_opened=not_opened)


@dataclasses.dataclass(frozen=True)
class FileRows:
    """What came of one file; the fields are the columns of `ExtractReport.files`."""

    file: str
    kind: str
    lines: int
    kept: int
    malformed: int
    cached: bool
    error: str
    rows: Path


def read_files(
    files: list[DumpFile],
    cache: Path,
    names: list[str],
    start: int,
    end: int,
    max_malformed: float,
    progress: bool,
) -> list[FileRows]:
    """Keep the wanted rows of files as Parquet in the cache, unless they are there already.

    Args:
      files: the dump files.
      cache: where the rows go, named by what they depend on.
      names: subreddits in lower case; none for all.
      start: first second wanted.
      end: first second no longer wanted.
      max_malformed: share of lines that may be unreadable.
      progress: show a bar.
    """
    clear_orphans(cache)
    stop = threading.Event()

    def read(file: DumpFile) -> FileRows:
        # Two windows of 2 GiB would not fit in memory.
        with _WIDE_WINDOW if file.has_wide_window else contextlib.nullcontext():
            return _read_file(file, cache, names, start, end, max_malformed, stop)

    # The largest first, so that in the end no thread waits long for the others.
    by_size = sorted(files, key=lambda file: file.size, reverse=True)
    read_files = in_order(read, by_size, stop, room=len(files))
    bar = tqdm(read_files, "dump files", len(files), unit="file", disable=not progress)
    rows = dict(zip(by_size, bar, strict=True))
    return [rows[file] for file in files]


_WIDE_WINDOW = threading.Lock()


def _read_file(
    file: DumpFile,
    cache: Path,
    names: list[str],
    start: int,
    end: int,
    max_malformed: float,
    stop: threading.Event,
) -> FileRows:
    key = raw.key_of(
        file=file.fingerprint, kind=file.kind, names=names, span=(start, end), version=_VERSION
    )
    rows = cache / f"{key}.parquet"
    error = ""
    cached = rows.exists()
    if not cached:
        reader = RowReader(file.kind, names, start, end)
        # Under another name while in doubt, so that a damaged file is read again next time.
        doubtful = cache / f"{key}.doubtful.parquet"
        with (
            atomic_file(doubtful, "wb") as sink,
            pq.ParquetWriter(
                sink,
                reader.schema,
                compression="none",
                use_dictionary=False,
                # By these the join finds the parts of the file that a stretch of time needs
                write_statistics=["created_utc"],
            ) as writer,
        ):
            try:
                for table in _tables(file, reader):
                    if stop.is_set():
                        raise BotlibError("stopped")
                    writer.write_table(table)
            except DamagedFile as damage:
                error = str(damage)
                if reader.counts.lines:
                    error += f" ({reader.counts.lines:,} lines before that are used)"
            counts = dataclasses.asdict(reader.counts)
            writer.add_key_value_metadata({name: str(n) for name, n in counts.items()})
        if error:
            rows = doubtful
        else:
            doubtful.replace(rows)
    metadata = pq.read_metadata(rows).metadata
    counts = Counts(**{name: int(metadata[name.encode()]) for name in Counts.__annotations__})
    lines, kept, malformed = counts.lines, counts.kept, counts.malformed
    if malformed > max_malformed * lines and not error:
        hint = f"is it a dump of {file.kind}?"
        if counts.too_late > malformed / 2:
            hint = "created_utc lies after 2100: is it in milliseconds? It must be in seconds"
        error = (
            f"{file.place}: {malformed:,} of {lines:,} lines can't be read, more than "
            f"max_malformed={max_malformed:g}: {hint} (the rest is used)"
        )
    return FileRows(file.name, file.kind, lines, kept, malformed, cached, error, rows)


def _tables(file: DumpFile, reader: RowReader) -> Iterator[pa.Table]:
    """Yield the wanted rows of a file, a part at a time."""
    if file.is_parquet:
        yield from parquet.tables(file.place, reader)
    else:
        with contextlib.closing(blocks(file.path)) as parts:
            yield from map(reader.rows, parts)


def checked_names(subreddits: Iterable[str]) -> list[str]:
    """Return names of subreddits in lower case, sorted; an empty list is an error."""
    if isinstance(subreddits, str):
        raise BotlibError(f"subreddits must be a list of names, not the text {subreddits!r}")
    names = {name.strip().removeprefix("r/").lower() for name in subreddits} - {""}
    if not names:
        raise BotlibError("subreddits is empty: name at least one")
    return sorted(names)


def _in_reach(files: list[DumpFile], first: str, last: str, reach: int) -> list[DumpFile]:
    """Leave out monthly files (RC_2019-05…) that can't hold anything wanted, unread."""
    earliest = shifted(first, -reach) if first else ""
    latest = shifted(last, reach) if last else "9999_99"
    in_reach = [file for file in files if not file.month or earliest <= file.month <= latest]
    if not in_reach:
        raise BotlibError(f"no dump file lies between {earliest or 'the beginning'} and {latest}")
    return in_reach


def _check_names(
    connection: duckdb.DuckDBPyConnection, names: list[str], dump_files: Found, errors: list[str]
) -> None:
    there = connection.execute("SELECT DISTINCT lower(subreddit) FROM comments").fetchall()
    if missing := set(names) - {name for (name,) in there}:
        cure = _because(errors) or ": check the spelling and the files"
        left_out = unread(dataclasses.replace(dump_files, unreadable=[]))
        raise BotlibError(
            f"no comment of r/{', r/'.join(sorted(missing))} in these months of "
            f"{len(dump_files.files)} files in {dump_files.files[0].path.parent}{cure}{left_out}"
        )


def _because(errors: list[str]) -> str:
    return f": not everything could be read: {shown(errors, '; ')}" if errors else ""
