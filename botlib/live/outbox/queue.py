"""Replies on their way, in SQLite: from proposed to posted, nothing twice and nothing lost."""

import contextlib
import dataclasses
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from botlib.errors import BotlibError
from botlib.live.outbox.schema import (
    APPROVED,
    COLUMNS,
    EDITED,
    FAILED,
    FROM,
    GIVEN,
    GIVEN_UP,
    POSTED,
    POSTING,
    PROPOSED,
    REJECTED,
    SCHEMA,
    STATES,
    Reply,
)


class Outbox:
    """The queue of one workspace; several processes may share it.

    Args:
      path: the SQLite file, made if absent.
      clock: seconds since 1970, UTC.
      timeout: seconds to wait for another process's lock.

    Raises:
      BotlibError: the file can't be read, is no outbox, is locked for longer, or the disk is full.
    """

    synchronous = "FULL"

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, timeout: float = 20.0
    ) -> None:
        self.path = Path(path)
        self.clock = clock
        self._timeout = timeout
        self._lock: sqlite3.Connection | None = None
        with self._clear_errors():
            self._database = sqlite3.connect(
                self.path, timeout=timeout, isolation_level=None, check_same_thread=False
            )
            # A rollback journal works on a network drive too; FULL survives a power cut
            self._database.execute(f"PRAGMA synchronous={self.synchronous}")
            self._database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Outbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Proposing
    def propose(self, site: str, replies: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
        """Adds replies for a person to judge; a comment that has one already is left alone.

        Args:
          site: "live" or "sandbox"; a reply never changes its site.
          replies: mappings with subreddit, post_id, comment_id, reply and, where known, author,
            title, comment, permalink, prob_real, score, reason.

        Returns:
          How many were added, and how many were known.
        """
        added = known = 0
        with self._transaction():
            for given in replies:
                values = {
                    "site": site,
                    "state": PROPOSED,
                    "changed": self.clock(),
                    "proposed_reply": given["reply"],
                    **{key: _plain(given[key]) for key in GIVEN if key in given},
                }
                row = self._database.execute(
                    f"INSERT INTO replies ({', '.join(values)}) "
                    f"VALUES ({', '.join('?' * len(values))}) "
                    "ON CONFLICT (site, comment_id) DO NOTHING RETURNING id",
                    tuple(values.values()),
                ).fetchone()
                if row is None:
                    known += 1
                    continue
                added += 1
                self._note(row[0], "", PROPOSED, values.get("reason", ""))
        return added, known

    # Judging
    def approve(self, reply_id: int, by: str) -> None:
        """A person (or, in the sandbox, a setting) lets a reply go."""
        self._change(reply_id, APPROVED, f"approved by {by}", approved_by=by, not_before=0)

    def edit(self, reply_id: int, text: str, by: str) -> None:
        """A person lets a reply go with another text."""
        if not text.strip():
            raise BotlibError(f"reply {reply_id}: the edited text is empty; reject it instead")
        self._change(reply_id, EDITED, f"edited by {by}", reply=text, approved_by=by, not_before=0)

    def reject(self, reply_id: int, by: str, reason: str = "") -> None:
        """A person turns a reply down."""
        self._change(reply_id, REJECTED, reason or f"rejected by {by}")

    # Posting; botlib/live/posting.py holds poster_lock around these
    def begin(self, reply_id: int) -> None:
        """Writes down that the reply is about to be sent: before the POST, durable."""
        self._change(
            reply_id,
            POSTING,
            "about to be sent",
            sent=self.clock(),
            attempts=self.get(reply_id).attempts + 1,
        )

    def posted(self, reply_id: int, reddit_id: str, reason: str = "") -> None:
        # Found on Reddit without a POST of ours in hand, it counts from now on
        sent = self.get(reply_id).sent or self.clock()
        self._change(reply_id, POSTED, reason, reply_id=reddit_id, sent=sent)

    def fail(self, reply_id: int, reason: str) -> None:
        """Tries are used up; a person may approve it again."""
        self._change(reply_id, FAILED, reason)

    def give_up(self, reply_id: int, reason: str) -> None:
        """It may never be sent."""
        self._change(reply_id, GIVEN_UP, reason)

    def release(self, reply_id: int, reason: str, not_before: float = 0) -> None:
        """It was not sent after all: back among the approved (or edited) ones."""
        reply = self.get(reply_id)
        state = APPROVED if reply.reply == reply.proposed_reply else EDITED
        self._change(reply_id, state, reason, not_before=not_before, sent=None)

    def postpone(self, reply_id: int, reason: str, not_before: float) -> None:
        """It waits in its state."""
        with self._transaction():
            self._database.execute(
                "UPDATE replies SET reason = ?, not_before = ? WHERE id = ?",
                (reason, not_before, reply_id),
            )

    @contextlib.contextmanager
    def poster_lock(self) -> Iterator[bool]:
        """Yields whether this process alone may post now; the lock ends with its process.

        It is a transaction in a file of its own, so that others can propose and approve meanwhile,
        and so that the system frees it after kill -9.
        """
        lock = sqlite3.connect(
            self.path.with_name(self.path.name + ".lock"), timeout=0, isolation_level=None
        )
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise BotlibError(f"outbox {self.path}: can't be locked: {error}") from error
                yield False
                return
            yield True
        finally:
            lock.close()

    # Looking
    def get(self, reply_id: int) -> Reply:
        found = self._replies("id = ?", reply_id)
        if not found:
            raise BotlibError(f"the outbox {self.path} has no reply {reply_id}")
        return found[0]

    def replies(self, site: str | None = None, states: Iterable[str] = STATES) -> list[Reply]:
        """Returns the replies in some states, oldest first."""
        states = tuple(states)
        marks = ", ".join("?" * len(states))
        if site is None:
            return self._replies(f"state IN ({marks})", *states)
        return self._replies(f"state IN ({marks}) AND site = ?", *states, site)

    def table(self, site: str | None = None, states: Iterable[str] = STATES) -> pd.DataFrame:
        """Returns the same as a table, one row a reply."""
        rows = [dataclasses.astuple(reply) for reply in self.replies(site, states)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def history(self, reply_id: int | None = None) -> pd.DataFrame:
        """Returns every change of a state: reply, time, before, after, reason."""
        query = "SELECT reply, time, before, after, reason FROM changes"
        with self._clear_errors():
            rows = self._database.execute(
                f"{query} WHERE reply = ? ORDER BY rowid"
                if reply_id
                else f"{query} ORDER BY rowid",
                (reply_id,) if reply_id else (),
            ).fetchall()
        return pd.DataFrame(rows, columns=["reply", "time", "before", "after", "reason"])

    def sent_since(self, site: str, time_: float) -> list[Reply]:
        """Returns what was, or may have been, posted since a time."""
        return self._replies(
            "site = ? AND state IN (?, ?) AND sent >= ?", site, POSTING, POSTED, time_
        )

    def answers(self, site: str, post_id: str, but: int = 0) -> tuple[int, int]:
        """Returns how many replies to a post were posted, and how many may have been.

        Args:
          site: where.
          post_id: of the post.
          but: a reply that isn't counted.
        """
        same = "site = ? AND post_id = ? AND id != ? AND state = ?"
        return (
            len(self._replies(same, site, post_id, but, POSTED)),
            len(self._replies(same, site, post_id, but, POSTING)),
        )

    def execute(self, query: str, *values: Any) -> list[tuple]:
        """Runs one statement in a transaction of its own."""
        with self._transaction():
            return self._database.execute(query, values).fetchall()

    def _replies(self, where: str, *values: Any) -> list[Reply]:
        with self._clear_errors():
            rows = self._database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM replies WHERE {where} ORDER BY id", values
            ).fetchall()
        return [Reply(*row) for row in rows]

    def _change(self, reply_id: int, state: str, reason: str, /, **fields: Any) -> None:
        before = self.get(reply_id).state
        allowed = FROM[state]
        with self._transaction():
            values = {"state": state, "reason": reason, "changed": self.clock(), **fields}
            changed = self._database.execute(
                f"UPDATE replies SET {', '.join(f'{name} = ?' for name in values)} "
                f"WHERE id = ? AND state = ? AND state IN ({', '.join('?' * len(allowed))})",
                (*values.values(), reply_id, before, *allowed),
            ).rowcount
            if not changed:
                raise BotlibError(
                    f"reply {reply_id} is {self.get(reply_id).state}: only one that is "
                    f"{' or '.join(allowed)} can be {state}"
                )
            self._note(reply_id, before, state, reason)

    def _note(self, reply_id: int, before: str, after: str, reason: str) -> None:
        self._database.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
            (reply_id, self.clock(), before, after, reason),
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._clear_errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            cures = {
                "locked": "another bot or notebook is using it; wait, or end that one",
                "full": "free some space, then run this step again; nothing was lost",
                "unable to open": "check the folder and its rights",
                "not a database": "it is no outbox; move the file away",
            }
            cure = next((c for text, c in cures.items() if text in str(error)), "run it again")
            raise BotlibError(f"outbox {self.path}: {error}: {cure}") from error


def _plain(value: Any) -> Any:
    """A value SQLite knows: numpy's numbers become Python's, missing ones None."""
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
