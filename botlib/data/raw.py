"""Joins posts, comments and replies on their ids, and knows which months stand in raw_data."""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botlib.data.months import name_of, number_of, start_of
from botlib.errors import BotlibError
from botlib.manifests import read_manifest
from botlib.tables import RAW
from botlib.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

# Seconds that clocks may differ: a reply is no older than what it answers
EARLIER = 86400
_STRETCH = 500_000  # comments that are joined at a time
# 99.8 % of replies come within a month.
REACH_MONTHS = 1
# Texts that are no longer there, in every year's spelling
GONE = ("", "[deleted]", "[removed]", "[deleted by user]", "[ Removed by Reddit ]")
COLUMNS = tuple(RAW.columns)
# Those that a post has once, however many replies are under it
POST_COLUMNS = ("submission_id", "title", "submission", "submission_author", "submission_score")


@contextlib.contextmanager
def database(
    folder: Path, memory_limit: str, max_temp: str
) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open DuckDB in memory, with a cap on memory and on what it spills into `folder`.

    Raises:
      BotlibError: a cap is no size, or is reached, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Only here: the bot reads GONE of this module, and is installed without it
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"SET memory_limit = {quoted(memory_limit)}")
            connection.execute(f"SET max_temp_directory_size = {quoted(max_temp)}")
        except duckdb.Error as error:
            raise BotlibError(
                f"memory_limit={memory_limit!r} and max_temp={max_temp!r} must be sizes, such as "
                f"'1GB' ({_first_line(error)})"
            ) from error
        connection.execute(f"SET temp_directory = {quoted(folder / 'spill')}")
        # Nothing here relies on the order of rows but what says ORDER BY; keeping it costs memory.
        connection.execute("SET preserve_insertion_order = false")
        try:
            yield connection
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise BotlibError(
                f"the join needs more room than memory_limit={memory_limit}, max_temp={max_temp} "
                f"or the disk allows: raise them or take fewer months ({_first_line(error)})"
            ) from error


def join(
    connection: "duckdb.DuckDBPyConnection",
    *,
    first: str,
    last: str,
    reach: int,
    depth: int,
    self_posts_only: bool,
) -> dict[str, int]:
    """Join the tables `comments` and `submissions` into `posts` and `joined`.

    `joined` has the raw table's columns but for the post's own, `month`, the comment's, as
    `number_of` gives it, and `above`, the full name of what the comment answers. The post's are
    in `posts` (`submission_id` is `id` there): they would be copied for each reply.

    Args:
      connection: holds the two tables, with the columns of `dump_rows.SCHEMAS`.
      first: first month of comments, "" for no limit.
      last: last month of comments, "" for no limit.
      reach: months that the post may be older, or the reply younger, than the comment.
      depth: how deep the comment may stand (1: directly under the post; 0: anywhere).
      self_posts_only: drop posts without a text of their own.

    Returns:
      Counts: comments, submissions, duplicate_rows, gone_comments (deleted or removed),
      taken_back_comments (deleted or removed after the dump first read them), posts.
    """
    run = connection.execute
    counts = {}
    duplicates = 0
    for table, text in (("comments", "body"), ("submissions", "coalesce(selftext, '')")):
        rows, ids = run(f"SELECT count(*), count(DISTINCT id) FROM {table}").fetchone()
        counts[table], duplicates = ids, duplicates + rows - ids
        if rows != ids:
            latest = _LATEST.format(text=text)
            run(f"CREATE TABLE {table}_once AS FROM {table} QUALIFY {latest}")
        else:
            run(f"CREATE VIEW {table}_once AS FROM {table}")
    own_text = f"is_self IS DISTINCT FROM false AND {_is_there('selftext')}"
    run(
        f"""CREATE TABLE posts AS
        SELECT id, {text_of("title")} AS title, {text_of("selftext")} AS submission,
          coalesce(author, '[deleted]') AS submission_author, score AS submission_score,
          {_MONTH} AS month
        FROM submissions_once WHERE {own_text if self_posts_only else "true"}"""
    )
    run(
        f"""CREATE VIEW texts AS
        SELECT id, subreddit, body, coalesce(author, '[deleted]') AS author,
          CASE WHEN score_hidden THEN NULL ELSE score END AS score, parent_id, link_id,
          created_utc, retrieved_on, {_MONTH} AS month
        FROM comments_once WHERE taken_back IS NOT TRUE AND {_is_there("body")}"""
    )
    (comments_kept,) = run("SELECT count(*) FROM texts").fetchone()
    taken_back = "SELECT count(*) FROM comments_once WHERE taken_back"
    (taken_back,) = run(taken_back).fetchone()
    run(
        f"""CREATE VIEW joined AS
        SELECT c.subreddit, p.id AS submission_id,
          c.id AS comment_id, {text_of("c.body")} AS comment, c.author AS comment_author,
          c.score AS comment_score, c.created_utc AS comment_created_utc,
          r.id AS reply_id, {text_of("r.body")} AS reply, r.author AS reply_author,
          r.score AS reply_score, r.created_utc AS reply_created_utc,
          r.retrieved_on AS reply_retrieved_utc, c.month, c.parent_id AS above
        FROM texts r
        JOIN texts c ON r.parent_id = 't1_' || c.id
        JOIN posts p ON c.link_id = 't3_' || p.id
        WHERE {_at_depth(connection, depth)} AND r.created_utc >= c.created_utc - {EARLIER}
          AND r.month <= c.month + {int(reach)} AND p.month >= c.month - {int(reach)}
          AND c.month BETWEEN {number_of(first or "0000_01")} AND {number_of(last or "9999_12")}"""
    )
    return {
        **counts,
        "duplicate_rows": duplicates,
        "gone_comments": counts["comments"] - comments_kept - taken_back,
        "taken_back_comments": taken_back,
        "posts": run("SELECT count(*) FROM posts").fetchone()[0],
    }


def stretches(connection: "duckdb.DuckDBPyConnection", reach: int) -> list[str]:
    """Return conditions that part `joined` into stretches of whole months, the earliest first.

    A stretch is joined and sorted in memory; all at once would be written to disk and read back.

    Args:
      connection: holds `comments`, whose months are counted.
      reach: see `join`.
    """
    months = connection.execute(
        f"SELECT {_MONTH} AS month, count(*) FROM comments GROUP BY month ORDER BY month"
    ).fetchall()
    stretches: list[list[int]] = []
    room = 0
    for month, comments in months:
        if comments > room:
            stretches.append([month, month])
            room = _STRETCH
        stretches[-1][1] = month
        room -= comments
    conditions = []
    for first, last in stretches:
        start, end, reached = (start_of(name_of(n)) for n in (first, last + 1, last + reach + 1))
        conditions.append(
            f"comment_created_utc >= {start} AND comment_created_utc < {end} "
            f"AND reply_created_utc >= {start - EARLIER} AND reply_created_utc < {reached}"
        )
    return conditions


@contextlib.contextmanager
def as_written(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Joins in the order of the query: left to itself DuckDB holds the side with all the texts."""
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")


def done(workspace: Workspace, key: str) -> dict[str, int]:
    """Return the months (and their rows) that stand in raw_data and were made with this key."""
    return {
        month: entry["rows"]
        for month, entry in manifest_of(workspace).get("months", {}).items()
        if entry["key"] == key and workspace.raw_month(month).exists()
    }


def finished(workspace: Workspace, key: str) -> bool:
    """Return whether the last run that wrote raw_data had this key, and its months still stand."""
    manifest = manifest_of(workspace)
    made = [entry for entry in manifest.get("months", {}).values() if entry["key"] == key]
    return manifest.get("key") == key and len(done(workspace, key)) == len(made)


def last_counts(workspace: Workspace) -> dict[str, int]:
    """Return what the last run that wrote raw_data counted."""
    return manifest_of(workspace).get("counts", {})


def selected_months(workspace: Workspace) -> tuple[list[Path], list[Path]]:
    """Return the months of the latest selection, and those that an earlier, other one left.

    Without a manifest (tables made elsewhere) all months count as selected.
    """
    paths = sorted(workspace.raw_data.glob("myreddit_[0-9][0-9][0-9][0-9]_[0-9][0-9].csv"))
    manifest = manifest_of(workspace)
    if not manifest:
        return paths, []
    selected = {
        workspace.raw_month(month)
        for month, entry in manifest["months"].items()
        if entry["selection"] == manifest["selection"]
    }
    return [p for p in paths if p in selected], [p for p in paths if p not in selected]


def key_of(**parts: Any) -> str:
    """Return a short hash of everything that the rows depend on."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def quoted(value: object) -> str:
    """Return the value as a literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def _at_depth(connection: "duckdb.DuckDBPyConnection", depth: int) -> str:
    """Return the condition that comment `c` stands no deeper than `depth`."""
    if depth == 0:
        return "true"
    if depth == 1:
        return "c.parent_id = c.link_id"
    connection.execute(
        "CREATE TABLE shallow AS SELECT id, 1 AS level FROM comments_once WHERE parent_id = link_id"
    )
    for level in range(2, depth + 1):
        connection.execute(
            f"""INSERT INTO shallow SELECT c.id, {level} FROM comments_once c
            JOIN shallow s ON c.parent_id = 't1_' || s.id AND s.level = {level - 1}"""
        )
    return "c.id IN (SELECT id FROM shallow)"


# Of rows with the same id (a comment in two files) the one looked at last; the rest breaks ties.
_LATEST = (
    "row_number() OVER (PARTITION BY id ORDER BY retrieved_on DESC NULLS LAST, created_utc, "
    "score DESC NULLS LAST, {text}) = 1"
)
# Months since the year 0, so that months apart can be subtracted
MONTH_OF = "(year(make_timestamp({time} * 1000000)) * 12 + month(make_timestamp({time} * 1000000)))"
_MONTH = MONTH_OF.format(time="created_utc")


def _is_there(text: str) -> str:
    """Return the condition that a text is none of GONE, whatever blanks stand around it."""
    gone = "|".join(re.escape(words) for words in GONE if words)
    blanks = r"[ \t\n\r]*"
    # Many times as fast as trimming every text
    return f"NOT regexp_full_match({text}, {quoted(f'{blanks}({gone})?{blanks}')})"


def text_of(column: str) -> str:
    """Return SQL for a text without "\\r" and NUL, which no CSV reader agrees on."""
    plain = (
        f"replace(replace(replace({column}, chr(13) || chr(10), chr(10)), chr(13), chr(10)), "
        "chr(0), '')"
    )
    odd = f"contains({column}, chr(13)) OR contains({column}, chr(0))"
    return f"CASE WHEN {odd} THEN {plain} ELSE coalesce({column}, '') END"


def manifest_of(workspace: Workspace) -> dict[str, Any]:
    """Return what was written about raw_data, {} if nothing was."""
    if not workspace.raw_data.is_dir():
        return {}
    return read_manifest(workspace.raw_data).get("extra", {})


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
