"""The outbox's tables as named steps, in order; a file of any older version is brought up to date.

A released step never changes: every change is a new step at the end.
"""

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from botlib.errors import BotlibError


def m001_first_tables(database: sqlite3.Connection) -> None:
    """Creates the tables of botlib 0.1.0, which set no version number."""
    for statement in _FIRST.split(";"):
        database.execute(statement)


def m002_identity(database: sqlite3.Connection) -> None:
    """Adds a random id, so that a file made from one outbox isn't read into another."""
    database.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    database.execute("INSERT INTO about VALUES ('id', ?)", (secrets.token_hex(8),))


def m003_approvals_have_a_time(database: sqlite3.Connection) -> None:
    """Adds the time of an approval, and the comment's score that the person saw."""
    database.execute("ALTER TABLE replies ADD COLUMN approved REAL")
    database.execute("ALTER TABLE replies ADD COLUMN comment_score INTEGER")
    database.execute(
        "UPDATE replies SET approved = coalesce((SELECT max(time) FROM changes WHERE "
        "changes.reply = replies.id AND after IN ('approved', 'edited') AND before != 'posting'), "
        "changed) WHERE approved_by != ''"
    )


def m004_refusals(database: sqlite3.Connection) -> None:
    """Adds refusals that count only if they repeat, such as a 403; see refusals.py."""
    database.execute(
        "CREATE TABLE refusals (site TEXT NOT NULL, what TEXT NOT NULL COLLATE NOCASE, "
        "time REAL NOT NULL, reason TEXT NOT NULL)"
    )


def m005_inbox(database: sqlite3.Connection) -> None:
    """Adds the messages that were handled: the inbox is read by time, not by unread marks."""
    database.execute(
        "CREATE TABLE inbox (site TEXT NOT NULL, fullname TEXT NOT NULL, created REAL NOT NULL, "
        "done INTEGER NOT NULL, PRIMARY KEY (site, fullname))"
    )


def m006_candidates(database: sqlite3.Connection) -> None:
    """Adds the other candidates of a comment, for the person who judges; see candidates.py."""
    database.execute(
        "CREATE TABLE candidates (reply INTEGER NOT NULL REFERENCES replies (id), "
        "sample INTEGER NOT NULL, text TEXT NOT NULL, prob_real REAL, score REAL, "
        "decision TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (reply, sample))"
    )


def m007_follow_ups(database: sqlite3.Connection) -> None:
    """Adds the comments made to the bot, which have other limits; see inbox_log.py."""
    database.execute(
        "CREATE TABLE follow_ups (site TEXT NOT NULL, comment_id TEXT NOT NULL, "
        "kind TEXT NOT NULL, refused TEXT NOT NULL, time REAL NOT NULL, "
        "PRIMARY KEY (site, comment_id))"
    )


def m008_indexes(database: sqlite3.Connection) -> None:
    """Adds indexes: no call of a bot or a person reads through all the replies of years."""
    for name, columns in (
        ("replies_by_state", "replies (site, state, changed)"),
        ("replies_by_post", "replies (site, post_id)"),
        ("replies_by_sent", "replies (site, sent) WHERE sent IS NOT NULL"),
        (
            "replies_by_subreddit",
            "replies (site, subreddit COLLATE NOCASE, sent) WHERE sent IS NOT NULL",
        ),
        ("replies_by_author", "replies (author COLLATE NOCASE)"),
        ("replies_by_reddit_id", "replies (reply_id) WHERE reply_id != ''"),
        ("changes_by_reply", "changes (reply)"),
        ("changes_by_time", "changes (time)"),
        ("opted_out_by_time", "opted_out (time, author)"),
        ("inbox_by_time", "inbox (site, created)"),
        ("inbox_undone", "inbox (site, created) WHERE NOT done"),
        ("refusals_by_request", "refusals (site, what, time)"),
    ):
        database.execute(f"CREATE INDEX {name} ON {columns}")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_first_tables,
    m002_identity,
    m003_approvals_have_a_time,
    m004_refusals,
    m005_inbox,
    m006_candidates,
    m007_follow_ups,
    m008_indexes,
)


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Runs the steps that a file lacks, all or none.

    Args:
      database: in autocommit mode (isolation_level=None).
      path: its file, for the error.

    Raises:
      BotlibError: a newer botlib made the file.
    """
    # No lock where there is nothing to do: a bot may be writing at this moment
    if _version(database) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        version = _version(database)
        if version > len(MIGRATIONS):
            raise BotlibError(
                f"outbox {path}: version {version} was made by a newer botlib, this one knows up "
                f"to {len(MIGRATIONS)}: update botlib (git pull)"
            )
        for step in MIGRATIONS[version:]:
            step(database)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _version(database: sqlite3.Connection) -> int:
    return database.execute("PRAGMA user_version").fetchone()[0]


_FIRST = """
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    subreddit TEXT NOT NULL,
    post_id TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    author TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    permalink TEXT NOT NULL DEFAULT '',
    reply TEXT NOT NULL,
    proposed_reply TEXT NOT NULL,
    prob_real REAL,
    score REAL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    approved_by TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    changed REAL NOT NULL,
    sent REAL,
    reply_id TEXT NOT NULL DEFAULT '',
    UNIQUE (site, comment_id)
);
CREATE TABLE IF NOT EXISTS changes (
    reply INTEGER NOT NULL REFERENCES replies (id),
    time REAL NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS opted_out (
    author TEXT PRIMARY KEY COLLATE NOCASE, time REAL NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS shut (
    site TEXT NOT NULL, subreddit TEXT NOT NULL COLLATE NOCASE, time REAL NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (site, subreddit)
);
CREATE TABLE IF NOT EXISTS quiet (
    site TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outcomes (
    reply INTEGER NOT NULL REFERENCES replies (id),
    time REAL NOT NULL, hours REAL NOT NULL, score INTEGER, fate TEXT NOT NULL,
    UNIQUE (reply, time)
)
"""
