"""Replies on their way, in SQLite: from proposed to posted, nothing twice and nothing lost."""

import json
from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any

import pandas as pd

from botlib.errors import BotlibError
from botlib.live.outbox.database import Database
from botlib.live.outbox.schema import (
    ALLOWED_FROM,
    APPROVED,
    COLUMNS,
    EDITED,
    FAILED,
    GIVEN_UP,
    HANDED_OVER,
    POSTED,
    POSTING,
    PROPOSAL_FIELDS,
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
          How many were added, and how many comments had a reply already.
        """
        added = existing = 0
        with self.transaction():
            for proposal in replies:
                # The person must see all that is posted: no invisible control characters
                proposal = {**proposal, "reply": harmless(proposal["reply"])}
                values = {
                    "site": site,
                    "state": PROPOSED,
                    "changed": self.clock(),
                    "proposed_reply": proposal["reply"],
                    **{key: _plain(proposal[key]) for key in PROPOSAL_FIELDS if key in proposal},
                }
                row = self._database.execute(
                    f"INSERT INTO replies ({', '.join(values)}) "
                    f"VALUES ({', '.join('?' * len(values))}) "
                    "ON CONFLICT (site, comment_id) DO NOTHING RETURNING id",
                    tuple(values.values()),
                ).fetchone()
                if row is None:
                    existing += 1
                    continue
                added += 1
                self._note(row[0], "", PROPOSED, values.get("reason", ""))
        return added, existing

    # Deciding
    def approve(self, reply_id: int, by: str, saw: Reply | None = None) -> None:
        """Approves a reply, for a person or, in the sandbox, for a setting.

        Args:
          reply_id: of the reply.
          by: who approves.
          saw: the row as that person saw it.

        Raises:
          BotlibError: its state doesn't allow it, or the reply changed since the person saw it.
        """
        with self.transaction():
            reply = self._as_seen(reply_id, saw)
            # Outboxes of 0.1.0 may hold control characters that nobody saw
            text, proposed = harmless(reply.reply), harmless(reply.proposed_reply)
            # A person's edit stays theirs if it failed or its approval was taken back
            state = APPROVED if text == proposed else EDITED
            self._approve_as(reply_id, state, f"approved by {by}", by, reply=text)

    def edit(self, reply_id: int, text: str, by: str, saw: Reply | None = None) -> None:
        """Approves a reply with another text; see `approve`."""
        if not (text := harmless(text)).strip():
            raise BotlibError(f"reply {reply_id}: the edited text is empty; reject it instead")
        with self.transaction():
            self._as_seen(reply_id, saw)
            self._approve_as(reply_id, EDITED, f"edited by {by}", by, reply=text)

    def reject(self, reply_id: int, by: str, reason: str = "", saw: Reply | None = None) -> None:
        """Rejects a reply; see `approve`."""
        with self.transaction():
            self._as_seen(reply_id, saw)
            self._change(reply_id, REJECTED, reason or f"rejected by {by}", **_UNAPPROVED)

    def undo(self, reply_id: int, by: str) -> None:
        """Puts a reply that was decided about, or failed, back among the proposed ones."""
        with self.transaction():
            fields = {"reply": self.get(reply_id).proposed_reply, **_UNAPPROVED}
            self._change(reply_id, PROPOSED, f"undone by {by}", **fields)

    def take_back(self, reply_id: int, reason: str, **current: Any) -> None:
        """Takes an approval back, so that a person must look again.

        Args:
          reply_id: of a reply that is approved, edited or about to be sent.
          reason: for the person.
          current: what has changed and the person must see: comment, title, comment_score.
        """
        allowed = (*READY, POSTING)
        self._change(reply_id, PROPOSED, reason, allowed=allowed, **current, **_UNAPPROVED)

    def last_judged(self, site: str) -> Reply | None:
        """Returns the reply whose last decision is the latest and can still be undone, or None."""
        # Few are approved; of the rejected, which grow, the latest (some in the same moment)
        rows = self.select(
            "WITH latest (id) AS (SELECT id FROM replies WHERE site = ? AND state IN (?, ?) "
            "UNION ALL SELECT * FROM (SELECT id FROM replies WHERE site = ? AND state = ? "
            "ORDER BY changed DESC, id DESC LIMIT 100)) SELECT replies.id FROM latest "
            "CROSS JOIN replies USING (id) CROSS JOIN changes ON changes.reply = replies.id "
            "WHERE after = state AND before != ? ORDER BY changes.rowid DESC LIMIT 1",
            *(site, *READY, site, REJECTED, POSTING),
        )
        return self.get(rows[0][0]) if rows else None

    def taken_back(self, site: str) -> set[int]:
        """Returns the ids of the proposed replies whose approval was taken back at some time."""
        query = (
            "SELECT DISTINCT changes.reply FROM replies "
            "CROSS JOIN changes ON changes.reply = replies.id "
            "WHERE site = ? AND state = ? AND after = state AND before != ''"
        )
        return {reply for (reply,) in self.select(query, site, PROPOSED)}

    def forget(self, names: Collection[str], keys: Collection[str]) -> int:
        """Blanks what people wrote; replies that were about to be posted to them are rejected.

        Args:
          names: of authors, in lower case.
          keys: ids of posts and comments, in lower case and without prefix.

        Returns:
          How many replies changed.
        """
        with self.transaction():
            forgotten = self.where(
                "lower(author) IN (SELECT value FROM json_each(?)) "
                "OR lower(comment_id) IN (SELECT value FROM json_each(?)) "
                "OR lower(post_id) IN (SELECT value FROM json_each(?))",
                *(json.dumps(list(names)), *(_with_prefix(keys, kind) for kind in ("t1", "t3"))),
            )
            for reply in forgotten:
                self.execute(
                    "UPDATE replies SET comment = '', author = '', title = '' WHERE id = ?",
                    reply.id,
                )
                self.execute("DELETE FROM candidates WHERE reply = ?", reply.id)
                if reply.state in ALLOWED_FROM[REJECTED]:
                    self._change(reply.id, REJECTED, "forgotten", **_UNAPPROVED)
        return len(forgotten)

    # Posting; botlib/live/posting/once.py holds poster_lock around these
    def mark_sending(self, reply_id: int) -> None:
        """Records, durably and before the POST, that the reply is about to be sent."""
        attempts = self.get(reply_id).attempts + 1
        self._change(reply_id, POSTING, SENDING, sent=self.clock(), attempts=attempts)

    def mark_posted(self, reply_id: int, reddit_id: str, reason: str = "") -> None:
        """Records the reply's id on Reddit; its time is that of its POST, or now without one."""
        sent = self.get(reply_id).sent or self.clock()
        self._change(reply_id, POSTED, reason, reply_id=reddit_id, sent=sent)

    def record_reddit_id(self, reply_id: int, reddit_id: str) -> None:
        """Records the id of a reply that a person posted without giving its link."""
        self.execute("UPDATE replies SET reply_id = ? WHERE id = ?", reddit_id, reply_id)

    def mark_failed(self, reply_id: int, reason: str) -> None:
        """Records that all tries failed; a person may approve the reply again."""
        self._change(reply_id, FAILED, reason)

    def give_up(self, reply_id: int, reason: str) -> None:
        """Records that the reply may never be sent."""
        self._change(reply_id, GIVEN_UP, reason)

    def release(self, reply_id: int, reason: str, not_before: float = 0) -> None:
        """Puts a reply that was not sent back among the approved (or edited) ones."""
        reply = self.get(reply_id)
        state = APPROVED if reply.reply == harmless(reply.proposed_reply) else EDITED
        self._change(reply_id, state, reason, allowed=UNCLEAR, not_before=not_before, sent=None)

    def hand_over(self, reply_id: int, by: str) -> None:
        """Hands the reply to a person who posts it; it counts as posted until they answer."""
        self._change(reply_id, HANDED_OVER, f"handed over to {by}", sent=self.clock())

    def postpone(self, reply_id: int, reason: str, not_before: float) -> None:
        """Keeps the reply in its state until a time."""
        with self.transaction():
            self._database.execute(
                "UPDATE replies SET reason = ?, not_before = ? WHERE id = ?",
                (reason, not_before, reply_id),
            )

    # Reading
    def get(self, reply_id: int) -> Reply:
        """Returns a reply by its id.

        Raises:
          BotlibError: the outbox has no such reply.
        """
        rows = self.where("id = ?", reply_id)
        if not rows:
            raise BotlibError(f"the outbox {self.path} has no reply {reply_id}")
        return rows[0]

    def replies(self, site: str | None = None, states: Iterable[str] = STATES) -> list[Reply]:
        """Returns the replies in some states, oldest first."""
        states = tuple(states)
        marks = ", ".join("?" * len(states))
        if site is None:
            return self.where(f"state IN ({marks})", *states)
        return self.where(f"state IN ({marks}) AND site = ?", *states, site)

    def table(self, site: str | None = None, states: Iterable[str] = STATES) -> pd.DataFrame:
        """Returns `replies` as a table, one row a reply."""
        return as_table(self.replies(site, states))

    def history(self, reply_id: int | None = None) -> pd.DataFrame:
        """Returns every change of a state: reply, time, before, after, reason."""
        query = "SELECT reply, time, before, after, reason FROM changes"
        if reply_id:
            rows = self.select(f"{query} WHERE reply = ? ORDER BY rowid", reply_id)
        else:
            rows = self.select(f"{query} ORDER BY rowid")
        return pd.DataFrame(rows, columns=["reply", "time", "before", "after", "reason"])

    def sent_since(self, site: str, time_: float) -> list[Reply]:
        """Returns the replies that were, or may have been, posted since a time."""
        states = (*UNCLEAR, POSTED)
        # "+" keeps the index of times: of all that were posted few were posted lately
        return self.where("site = ? AND +state IN (?, ?, ?) AND sent >= ?", site, *states, time_)

    def count_for_post(self, site: str, post_id: str, excluded_id: int = 0) -> tuple[int, int]:
        """Returns how many replies to a post were posted, and how many may have been.

        Args:
          site: where.
          post_id: of the post.
          excluded_id: a reply that isn't counted.
        """
        where = "site = ? AND post_id = ? AND id != ? AND +state IN (?, ?)"
        return (
            len(self.where(where, site, post_id, excluded_id, POSTED, POSTED)),
            len(self.where(where, site, post_id, excluded_id, *UNCLEAR)),
        )

    def where(self, condition: str, *values: Any) -> list[Reply]:
        """Returns the replies that meet a condition (SQL, with ? for the values), oldest first."""
        # "+" keeps the condition's index: by id every reply would be read
        query = f"SELECT {', '.join(COLUMNS)} FROM replies WHERE {condition} ORDER BY +id"
        return [Reply(*row) for row in self.select(query, *values)]

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

    def _approve_as(self, reply_id: int, state: str, reason: str, by: str, **fields: Any) -> None:
        approval = {"approved_by": by, "approved": self.clock(), "not_before": 0, "attempts": 0}
        self._change(reply_id, state, reason, **approval, **fields)

    def _change(
        self,
        reply_id: int,
        state: str,
        reason: str,
        /,
        allowed: tuple[str, ...] = (),
        **fields: Any,
    ) -> None:
        allowed = allowed or ALLOWED_FROM[state]
        with self.transaction():
            before = self.get(reply_id).state
            if before not in allowed:
                raise BotlibError(
                    f"reply {reply_id} is {before}: only a reply that is {' or '.join(allowed)} "
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


def as_table(replies: Iterable[Reply]) -> pd.DataFrame:
    """Returns replies as a table, one row a reply."""
    return pd.DataFrame(map(attrgetter(*COLUMNS), replies), columns=list(COLUMNS))


# The fields of a reply without an approval
_UNAPPROVED = {"approved_by": "", "approved": None, "not_before": 0}


def _with_prefix(keys: Iterable[str], prefix: str) -> str:
    return json.dumps([*keys, *(f"{prefix}_{key}" for key in keys)])


def _plain(value: Any) -> Any:
    """A value SQLite knows: numpy's numbers become Python's, missing ones None."""
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
