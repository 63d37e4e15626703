"""Replies on their way, in SQLite: from proposed to posted, nothing twice and nothing lost."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from botlib.errors import BotlibError
from botlib.live.outbox.database import Database
from botlib.live.outbox.schema import (
    APPROVED,
    COLUMNS,
    EDITED,
    FAILED,
    FROM,
    GIVEN,
    GIVEN_UP,
    HANDED_OVER,
    POSTED,
    POSTING,
    PROPOSED,
    READY,
    REJECTED,
    SENDING,
    STATES,
    UNCLEAR,
    Reply,
)
from botlib.terminal import harmless


class Outbox(Database):
    """The queue of one workspace; several processes may share it. See `Database`."""

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
        with self.together():
            for given in replies:
                # What is posted is what the person sees: no invisible controls
                given = {**given, "reply": harmless(given["reply"])}
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
    def approve(self, reply_id: int, by: str, saw: Reply | None = None) -> None:
        """A person (or, in the sandbox, a setting) lets a reply go.

        Args:
          reply_id: of the reply.
          by: who says so.
          saw: the row as that person saw it.

        Raises:
          BotlibError: its state doesn't allow that, or it changed since the person saw it.
        """
        with self.together():
            reply = self._as_seen(reply_id, saw)
            # Outboxes of 0.1.0 may hold controls that nobody saw
            text, proposed = harmless(reply.reply), harmless(reply.proposed_reply)
            # An edited text whose approval was taken back, or that failed, is still the person's
            state = APPROVED if text == proposed else EDITED
            self._let_go(reply_id, state, f"approved by {by}", by, reply=text)

    def edit(self, reply_id: int, text: str, by: str, saw: Reply | None = None) -> None:
        """A person lets a reply go with another text; see `approve`."""
        if not (text := harmless(text)).strip():
            raise BotlibError(f"reply {reply_id}: the edited text is empty; reject it instead")
        with self.together():
            self._as_seen(reply_id, saw)
            self._let_go(reply_id, EDITED, f"edited by {by}", by, reply=text)

    def reject(self, reply_id: int, by: str, reason: str = "", saw: Reply | None = None) -> None:
        """A person turns a reply down; see `approve`."""
        with self.together():
            self._as_seen(reply_id, saw)
            self._change(reply_id, REJECTED, reason or f"rejected by {by}", **_UNAPPROVED)

    def undo(self, reply_id: int, by: str) -> None:
        """A person thinks again: a reply that was decided about, or failed, waits as proposed."""
        with self.together():
            text = self.get(reply_id).proposed_reply
            self._change(reply_id, PROPOSED, f"undone by {by}", reply=text, **_UNAPPROVED)

    def take_back(self, reply_id: int, reason: str, **seen: Any) -> None:
        """An approval counts no more: a person must look again.

        Args:
          reply_id: of a reply that is approved, edited or about to be sent.
          reason: what the person is told.
          seen: what is otherwise now, for the person to see: comment, title, comment_score.
        """
        allowed = (*READY, POSTING)
        self._change(reply_id, PROPOSED, reason, allowed=allowed, **seen, **_UNAPPROVED)

    def last_judged(self, site: str) -> Reply | None:
        """Returns the reply whose last decision is the latest and can still be undone, or None."""
        rows = self.execute(
            "SELECT replies.id FROM changes JOIN replies ON replies.id = changes.reply "
            "WHERE site = ? AND after = state AND state IN (?, ?, ?) AND before != ? "
            "ORDER BY changes.rowid DESC LIMIT 1",
            *(site, APPROVED, EDITED, REJECTED, POSTING),
        )
        return self.get(rows[0][0]) if rows else None

    def taken_back(self) -> set[int]:
        """Returns the ids of replies whose approval was taken back at some time."""
        query = "SELECT DISTINCT reply FROM changes WHERE after = ? AND before != ''"
        return {reply for (reply,) in self.execute(query, PROPOSED)}

    def forget(self, names: Collection[str], keys: Collection[str]) -> int:
        """Blanks what people wrote; what was about to be posted to them is rejected.

        Args:
          names: of authors, in lower case.
          keys: ids of posts and comments, in lower case and without prefix.

        Returns:
          How many replies it touched.
        """
        touched = 0
        with self.together():
            for reply in self.replies():
                ids = reply.comment_id.removeprefix("t1_"), reply.post_id.removeprefix("t3_")
                theirs = {name.lower() for name in ids} & set(keys)
                if reply.author.lower() not in names and not theirs:
                    continue
                touched += 1
                self.execute(
                    "UPDATE replies SET comment = '', author = '', title = '' WHERE id = ?",
                    reply.id,
                )
                self.execute("DELETE FROM candidates WHERE reply = ?", reply.id)
                if reply.state in FROM[REJECTED]:
                    self._change(reply.id, REJECTED, "forgotten", **_UNAPPROVED)
        return touched

    # Posting; botlib/live/posting/once.py holds poster_lock around these
    def begin(self, reply_id: int) -> None:
        """Writes down that the reply is about to be sent: before the POST, durable."""
        self._change(
            reply_id,
            POSTING,
            SENDING,
            sent=self.clock(),
            attempts=self.get(reply_id).attempts + 1,
        )

    def posted(self, reply_id: int, reddit_id: str, reason: str = "") -> None:
        # Found on Reddit without a POST of ours in hand, it counts from now on
        sent = self.get(reply_id).sent or self.clock()
        self._change(reply_id, POSTED, reason, reply_id=reddit_id, sent=sent)

    def found(self, reply_id: int, reddit_id: str) -> None:
        """A reply that was posted by hand without a word where is found on Reddit."""
        self.execute("UPDATE replies SET reply_id = ? WHERE id = ?", reddit_id, reply_id)

    def fail(self, reply_id: int, reason: str) -> None:
        """Tries are used up; a person may approve it again."""
        self._change(reply_id, FAILED, reason)

    def give_up(self, reply_id: int, reason: str) -> None:
        """It may never be sent."""
        self._change(reply_id, GIVEN_UP, reason)

    def release(self, reply_id: int, reason: str, not_before: float = 0) -> None:
        """It was not sent after all: back among the approved (or edited) ones."""
        reply = self.get(reply_id)
        state = APPROVED if reply.reply == harmless(reply.proposed_reply) else EDITED
        self._change(reply_id, state, reason, allowed=UNCLEAR, not_before=not_before, sent=None)

    def hand_over(self, reply_id: int, by: str) -> None:
        """A person takes the reply, to post it by hand; until they say how it went it counts."""
        self._change(reply_id, HANDED_OVER, f"handed over to {by}", sent=self.clock())

    def postpone(self, reply_id: int, reason: str, not_before: float) -> None:
        """It waits in its state."""
        with self.together():
            self._database.execute(
                "UPDATE replies SET reason = ?, not_before = ? WHERE id = ?",
                (reason, not_before, reply_id),
            )

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
        states = (*UNCLEAR, POSTED)
        return self._replies("site = ? AND state IN (?, ?, ?) AND sent >= ?", site, *states, time_)

    def answers(self, site: str, post_id: str, but: int = 0) -> tuple[int, int]:
        """Returns how many replies to a post were posted, and how many may have been.

        Args:
          site: where.
          post_id: of the post.
          but: a reply that isn't counted.
        """
        same = "site = ? AND post_id = ? AND id != ? AND state IN (?, ?)"
        return (
            len(self._replies(same, site, post_id, but, POSTED, POSTED)),
            len(self._replies(same, site, post_id, but, *UNCLEAR)),
        )

    def _replies(self, where: str, *values: Any) -> list[Reply]:
        with self._clear_errors():
            rows = self._database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM replies WHERE {where} ORDER BY id", values
            ).fetchall()
        return [Reply(*row) for row in rows]

    def _as_seen(self, reply_id: int, saw: Reply | None) -> Reply:
        reply = self.get(reply_id)
        if saw is not None and reply.state != saw.state:
            why = f" ({reply.reason})" if reply.reason else ""
            raise BotlibError(
                f"reply {reply_id} is {reply.state} by now{why}: somebody else decided, so your "
                "decision does not count"
            )
        if saw is not None and (reply.comment, reply.reply) != (saw.comment, saw.reply):
            raise BotlibError(
                f"reply {reply_id} or its comment changed since you saw it: show the list again"
            )
        return reply

    def _let_go(self, reply_id: int, state: str, reason: str, by: str, **fields: Any) -> None:
        fresh = {"approved_by": by, "approved": self.clock(), "not_before": 0, "attempts": 0}
        self._change(reply_id, state, reason, **fresh, **fields)

    def _change(
        self,
        reply_id: int,
        state: str,
        reason: str,
        /,
        allowed: tuple[str, ...] = (),
        **fields: Any,
    ) -> None:
        allowed = allowed or FROM[state]
        with self.together():
            before = self.get(reply_id).state
            if before not in allowed:
                raise BotlibError(
                    f"reply {reply_id} is {before}: only one that is {' or '.join(allowed)} "
                    f"can be {state}"
                )
            values = {"state": state, "reason": reason, "changed": self.clock(), **fields}
            self._database.execute(
                f"UPDATE replies SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",
                (*values.values(), reply_id),
            )
            self._note(reply_id, before, state, reason)

    def _note(self, reply_id: int, before: str, after: str, reason: str) -> None:
        self._database.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
            (reply_id, self.clock(), before, after, reason),
        )


# What a reply has that nobody has approved, or no longer
_UNAPPROVED = {"approved_by": "", "approved": None, "not_before": 0}


def _plain(value: Any) -> Any:
    """A value SQLite knows: numpy's numbers become Python's, missing ones None."""
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
