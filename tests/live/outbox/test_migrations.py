"""An outbox of any older version opens and keeps everything; one of a newer is refused."""

import sqlite3
from contextlib import closing

import pytest

from botlib.errors import BotlibError
from botlib.live.outbox import migrations
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import READY, STATES

# The tables as botlib 0.1.0 made them
TABLES_0_1_0 = """
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, subreddit TEXT NOT NULL, post_id TEXT NOT NULL,
    comment_id TEXT NOT NULL, author TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '', permalink TEXT NOT NULL DEFAULT '', reply TEXT NOT NULL,
    proposed_reply TEXT NOT NULL, prob_real REAL, score REAL, state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '', approved_by TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
    changed REAL NOT NULL, sent REAL, reply_id TEXT NOT NULL DEFAULT '',
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
);
"""
TABLES = ("replies", "changes", "opted_out", "shut", "quiet", "outcomes")


@pytest.fixture
def old(workspace):
    """An outbox of 0.1.0 with a reply in every state, and something in every table."""
    with closing(sqlite3.connect(workspace.outbox)) as database, database:
        database.executescript(TABLES_0_1_0)
        for number, state in enumerate(STATES, 1):
            by = "" if state == "proposed" else "ann"
            database.execute(
                "INSERT INTO replies (id, site, subreddit, post_id, comment_id, comment, reply, "
                "proposed_reply, state, approved_by, changed) "
                "VALUES (?, 'live', 'writing', 'p', ?, 'Why?', 'So.', 'So.', ?, ?, 500)",
                (number, f"c{number}", state, by),
            )
            database.execute("INSERT INTO changes VALUES (?, 100, '', 'proposed', '')", (number,))
        for time, before, after in (
            (200, "proposed", "approved"),
            (300, "approved", "posting"),
            (400, "posting", "approved"),  # a try that came to nothing
        ):
            database.execute("INSERT INTO changes VALUES (2, ?, ?, ?, '')", (time, before, after))
        database.execute("INSERT INTO opted_out VALUES ('Bob', 1, 'asked')")
        database.execute("INSERT INTO shut VALUES ('live', 'scifi', 1, 'banned')")
        database.execute("INSERT INTO quiet VALUES ('live', 9, 'wait')")
        database.execute("INSERT INTO outcomes VALUES (6, 1, 1.0, 3, 'there')")
    return workspace.outbox


def content(path) -> dict[str, list[dict]]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
        return {name: [dict(row) for row in of_table] for name, of_table in rows.items()}


def test_an_outbox_of_0_1_0_opens_and_keeps_everything(old):
    before = content(old)
    with Outbox(old) as outbox:
        assert [reply.state for reply in outbox.replies()] == list(STATES)
        # Approved when a person said so, not when Reddit failed to answer
        assert [r.approved for r in outbox.replies()] == [None, 200, *[500] * (len(STATES) - 2)]
        assert outbox.identity
    after = content(old)
    for name in TABLES:
        kept = [
            {key: row[key] for key in was}
            for was, row in zip(before[name], after[name], strict=True)
        ]
        assert kept == before[name]


def test_an_old_approval_is_asked_about_again(old, clock):
    with Outbox(old, clock=clock) as outbox:
        old = [r.id for r in outbox.replies("live", READY) if r.expired(clock.now, 48)]
        assert old == [2, 3]


def test_the_identity_stays_and_is_the_outboxs_own(old, tmp_path):
    with Outbox(old) as first, Outbox(tmp_path / "other.sqlite3") as other:
        own = first.identity
        assert own != other.identity
    with Outbox(old) as again:
        assert again.identity == own


def test_an_outbox_of_a_newer_botlib_is_refused_with_the_cure(workspace):
    with Outbox(workspace.outbox) as outbox:
        outbox._database.execute("PRAGMA user_version = 99")
    before = workspace.outbox.read_bytes()
    with pytest.raises(BotlibError, match=r"version 99 .*newer botlib.*update botlib"):
        Outbox(workspace.outbox)
    assert workspace.outbox.read_bytes() == before


def test_a_step_that_fails_changes_nothing(old, monkeypatch):
    def fails(database):
        database.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("database or disk is full")

    before = content(old)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, fails))
        with pytest.raises(BotlibError, match="free some space"):
            Outbox(old)
    assert content(old) == before
    with Outbox(old) as outbox:
        assert len(outbox.replies()) == len(STATES)


def test_opening_waits_for_nobody_where_nothing_is_to_be_brought_up_to_date(workspace, outbox):
    with outbox.transaction(), Outbox(workspace.outbox, timeout=0.01) as other:
        assert other.replies() == []
