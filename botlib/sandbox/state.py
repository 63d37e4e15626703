"""The sandbox's state: posts, comments and messages, stored in SQLite."""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Thing = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS things (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    fullname TEXT UNIQUE NOT NULL,
    parent TEXT NOT NULL,
    link TEXT NOT NULL,
    subreddit TEXT NOT NULL COLLATE NOCASE,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_link ON things (link);
CREATE INDEX IF NOT EXISTS by_subreddit ON things (subreddit);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS subreddits (name TEXT PRIMARY KEY COLLATE NOCASE, data TEXT NOT NULL);
"""


class SandboxState:
    """Posts (t3), comments (t1) and messages (t4) as the dictionaries Reddit's JSON holds.

    Args:
      path: the SQLite file; None keeps everything in memory.
      clock: seconds since 1970, UTC.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30
        )
        # A power cut may cost a made-up Reddit its last second
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Writes everything inside or nothing; one writer at a time."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _rows(self, query: str, *values: Any) -> list[tuple]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    # Counting
    def count(self, name: str) -> None:
        with self._lock:
            self._database.execute(
                "INSERT INTO counts VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET number = number + 1",
                (name,),
            )

    def counts(self) -> dict[str, int]:
        return dict(self._rows("SELECT name, number FROM counts ORDER BY name"))

    # Subreddits
    def add_subreddit(self, name: str, **fields: Any) -> Thing:
        """Adds a subreddit, or changes its fields."""
        about = self.subreddit(name) or {
            "id": _base36(1_000_000 + len(self.subreddits())),
            "display_name": name,
            "subreddit_type": "public",
            "over18": False,
            "quarantine": False,
            "user_is_banned": False,
            "title": name,
            "subscribers": 1000,
        }
        about = {**about, **fields}
        about["name"] = f"t5_{about['id']}"
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO subreddits VALUES (?, ?)", (name, json.dumps(about))
            )
        return about

    def subreddit(self, name: str) -> Thing | None:
        """Returns a subreddit's fields, or None."""
        rows = self._rows("SELECT data FROM subreddits WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def subreddits(self) -> list[Thing]:
        return [json.loads(d) for (d,) in self._rows("SELECT data FROM subreddits ORDER BY name")]

    # Things
    def new_id(self) -> str:
        """Returns an id that no thing has."""
        ((last,),) = self._rows("SELECT COALESCE(MAX(position), 0) FROM things")
        number = 36**6 + last + 1
        while self._rows(
            "SELECT 1 FROM things WHERE fullname IN (?, ?, ?)",
            *(f"{kind}_{_base36(number)}" for kind in ("t1", "t3", "t4")),
        ):
            number += 1
        return _base36(number)

    def add_post(self, subreddit: str, title: str, **fields: Any) -> Thing:
        """Adds a post; `fields` overrides its fields."""
        with self.transaction():
            about = self.subreddit(subreddit) or self.add_subreddit(subreddit)
            post_id = fields.pop("id", None) or self.new_id()
            post = {
                "id": post_id,
                "name": f"t3_{post_id}",
                "title": title,
                "selftext": "",
                "author": "op",
                "subreddit": about["display_name"],
                "subreddit_id": about["name"],
                "score": 1,
                "num_comments": 0,
                "created_utc": self.clock(),
                "locked": False,
                "archived": False,
                "stickied": False,
                "distinguished": None,
                "over_18": False,
                "quarantine": False,
                "removed_by_category": None,
                "is_self": True,
                "permalink": f"/r/{about['display_name']}/comments/{post_id}/_/",
                "url": f"/r/{about['display_name']}/comments/{post_id}/_/",
                **fields,
            }
            self._insert(post, parent="", link=post["name"])
        return post

    def add_comment(self, parent: str, body: str, **fields: Any) -> Thing:
        """Adds a comment below the post or comment whose fullname is `parent`."""
        with self.transaction():
            parent_thing = self.get(parent)
            if parent_thing is None:
                raise KeyError(parent)
            link = parent if parent.startswith("t3_") else parent_thing["link_id"]
            post = self.get(link)
            comment_id = fields.pop("id", None) or self.new_id()
            comment = {
                "id": comment_id,
                "name": f"t1_{comment_id}",
                "body": body,
                "author": "someone",
                "subreddit": post["subreddit"],
                "subreddit_id": post["subreddit_id"],
                "link_id": link,
                "parent_id": parent,
                "score": 1,
                "score_hidden": False,
                "created_utc": self.clock(),
                "edited": False,
                "locked": False,
                "archived": False,
                "stickied": False,
                "distinguished": None,
                "is_submitter": fields.get("author") == post["author"],
                "permalink": f"{post['permalink']}{comment_id}/",
                **fields,
            }
            self._insert(comment, parent=parent, link=link)
        return comment

    def add_message(self, author: str | None, subject: str, body: str, **fields: Any) -> Thing:
        """Puts a message into the bot's inbox."""
        with self.transaction():
            message_id = self.new_id()
            message = {
                "id": message_id,
                "name": f"t4_{message_id}",
                "author": author,
                "subject": subject,
                "body": body,
                "dest": "bot",
                "new": True,
                "was_comment": False,
                "subreddit": None,
                "created_utc": self.clock(),
                "context": "",
                "parent_id": None,
                "replies": "",
                **fields,
            }
            self._insert(message, parent="", link="")
        return message

    def _insert(self, thing: Thing, parent: str, link: str) -> None:
        self._database.execute(
            "INSERT INTO things (fullname, parent, link, subreddit, data) VALUES (?, ?, ?, ?, ?)",
            (thing["name"], parent, link, thing["subreddit"] or "", json.dumps(thing)),
        )

    def get(self, fullname: str) -> Thing | None:
        """Returns a thing by its full name ("t1_…"), or None."""
        rows = self._rows("SELECT data FROM things WHERE fullname = ?", fullname)
        return json.loads(rows[0][0]) if rows else None

    def change(self, fullname: str, **fields: Any) -> None:
        """Overrides fields of a thing; the value `...` removes a field."""
        with self.transaction():
            thing = self.get(fullname)
            if thing is None:
                raise KeyError(fullname)
            thing = {k: v for k, v in {**thing, **fields}.items() if v is not ...}
            self._database.execute(
                "UPDATE things SET data = ? WHERE fullname = ?", (json.dumps(thing), fullname)
            )

    def posts(self, subreddit: str | None = None) -> list[Thing]:
        """Returns the posts of a subreddit, or all, oldest first."""
        query = "SELECT data FROM things WHERE fullname LIKE 't3\\_%' ESCAPE '\\'"
        if subreddit is None:
            rows = self._rows(query + " ORDER BY position")
        else:
            rows = self._rows(query + " AND subreddit = ? ORDER BY position", subreddit)
        return [json.loads(data) for (data,) in rows]

    def comments(self, link: str) -> list[Thing]:
        """Returns all comments of a post, given its full name, oldest first."""
        rows = self._rows(
            "SELECT data FROM things WHERE link = ? AND fullname != ? ORDER BY position", link, link
        )
        return [json.loads(data) for (data,) in rows]

    def written_by(self, author: str) -> list[Thing]:
        """Returns a user's comments, newest first."""
        rows = self._rows(
            "SELECT data FROM things WHERE json_extract(data, '$.author') = ? COLLATE NOCASE "
            "AND fullname LIKE 't1\\_%' ESCAPE '\\' ORDER BY position DESC",
            author,
        )
        return [json.loads(data) for (data,) in rows]

    def inbox(self, me: str) -> list[Thing]:
        """Returns messages to the bot, replies to it and mentions, newest first."""
        rows = self._rows(
            "SELECT things.data FROM things "
            "LEFT JOIN things AS above ON things.parent = above.fullname "
            "WHERE things.fullname LIKE 't4\\_%' ESCAPE '\\' "
            "OR json_extract(above.data, '$.author') = ? COLLATE NOCASE "
            "OR (things.fullname LIKE 't1\\_%' ESCAPE '\\' "
            "AND instr(lower(json_extract(things.data, '$.body')), ?)) "
            "ORDER BY things.position DESC",
            me,
            f"u/{me.lower()}",
        )
        return [json.loads(data) for (data,) in rows]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
