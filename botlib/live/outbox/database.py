"""The outbox's SQLite file: opened, brought up to date, locked, with errors in one clear line."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError
from botlib.live.outbox.migrations import migrate


class Database:
    """An SQLite file that several processes may share.

    Args:
      path: the SQLite file, made if absent.
      clock: seconds since 1970, UTC.
      timeout: seconds to wait for another process's lock.

    Raises:
      BotlibError: the file can't be read, isn't an outbox, is of a newer botlib, stays locked,
        or the disk is full.
    """

    synchronous = "FULL"

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, timeout: float = 20.0
    ) -> None:
        self.path = Path(path)
        self.clock = clock
        with self._clear_errors():
            self._database = sqlite3.connect(
                self.path, timeout=timeout, isolation_level=None, check_same_thread=False
            )
            try:
                # A rollback journal works on a network drive too; FULL survives a power cut
                self._database.execute(f"PRAGMA synchronous={self.synchronous}")
                migrate(self._database, self.path)
            except BaseException:
                self._database.close()
                raise

    @property
    def identity(self) -> str:
        """The outbox's random id; no other outbox has it."""
        return self.execute("SELECT value FROM about WHERE key = 'id'")[0][0]

    def close(self) -> None:
        self._database.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Writes everything inside as a whole or not at all; may be nested."""
        with self._clear_errors():
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def execute(self, query: str, *values: Any) -> list[tuple]:
        """Runs one statement in a transaction; returns its rows."""
        with self.transaction():
            return self._database.execute(query, values).fetchall()

    def select(self, query: str, *values: Any) -> list[tuple]:
        """Reads rows without the lock that writing takes."""
        with self._clear_errors():
            return self._database.execute(query, values).fetchall()

    @contextlib.contextmanager
    def poster_lock(self) -> Iterator[bool]:
        """Yields whether this process alone may post now; the lock ends with its process.

        It is a transaction in a separate file: others can propose and approve meanwhile, and the
        system frees it after kill -9.
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

    @contextlib.contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            cures = {
                "locked": "another bot or notebook is using it; wait, or end it",
                "full": "free some space, then run this step again; nothing was lost",
                "unable to open": "check the folder and its permissions",
                "not a database": "this file isn't an outbox; move it away",
            }
            cure = next((c for text, c in cures.items() if text in str(error)), "run it again")
            raise BotlibError(f"outbox {self.path}: {error}: {cure}") from error
