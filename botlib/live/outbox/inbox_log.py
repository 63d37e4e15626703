"""What came in the inbox: items that were handled, once each, and comments made to the bot."""

import json
from collections.abc import Iterable

from botlib.live.outbox.queue import Outbox

# Reddit may show a message late: this many seconds before the newest known one are read again
OVERLAP = 2 * 86400.0
# Seconds until a request that can't be met is given up
GIVE_UP_AFTER = 14 * 86400.0
ANSWER, MENTION = "answer", "mention"


def read_since(outbox: Outbox, site: str) -> float:
    """Returns the time from which the inbox must be read; 0 the first time."""
    newest, unmet = outbox.select(
        "SELECT (SELECT MAX(created) FROM inbox WHERE site = ?), "
        "(SELECT MIN(created) FROM inbox WHERE site = ? AND NOT done)",
        *(site, site),
    )[0]
    if newest is None:
        return 0.0
    return min(newest - OVERLAP, newest if unmet is None else unmet)


def handled(outbox: Outbox, site: str, fullnames: Iterable[str]) -> set[str]:
    """Returns those items ("t1_…", "t4_…") that need not be handled again."""
    rows = outbox.select(
        "SELECT fullname FROM inbox WHERE site = ? AND done "
        "AND fullname IN (SELECT value FROM json_each(?))",
        *(site, json.dumps(list(fullnames))),
    )
    return {fullname for (fullname,) in rows}


def record_item(outbox: Outbox, site: str, fullname: str, created: float, *, done: bool) -> None:
    """Records that an item was handled, or (`done` False) that it must be tried again.

    Args:
      outbox: the queue.
      site: where.
      fullname: of the message or comment.
      created: seconds since 1970; 0: not known.
      done: whether all its requests were met.
    """
    outbox.execute(
        "INSERT INTO inbox VALUES (?, ?, ?, ?) ON CONFLICT (site, fullname) "
        "DO UPDATE SET done = excluded.done",
        site,
        fullname,
        created or outbox.clock(),
        done,
    )
    outbox.execute(
        "UPDATE inbox SET done = 1 WHERE site = ? AND NOT done AND created < ?",
        site,
        outbox.clock() - GIVE_UP_AFTER,
    )


def record_follow_up(
    outbox: Outbox, site: str, comment_id: str, kind: str, refused: str = ""
) -> None:
    """Records a comment made to the bot, and why it is not answered ("" if it may be)."""
    outbox.execute(
        "INSERT INTO follow_ups VALUES (?, ?, ?, ?, ?) ON CONFLICT (site, comment_id) "
        "DO UPDATE SET refused = excluded.refused",
        *(site, comment_id, kind, refused, outbox.clock()),
    )


def follow_up_kind(outbox: Outbox, site: str, comment_id: str) -> str:
    """Returns ANSWER for a reply to the bot, MENTION for a mention of it, "" for other comments."""
    rows = outbox.execute(
        "SELECT kind FROM follow_ups WHERE site = ? AND comment_id = ?", site, comment_id
    )
    return rows[0][0] if rows else ""


def known_follow_ups(outbox: Outbox, site: str, comment_ids: Iterable[str]) -> set[str]:
    """Returns those comments made to the bot that need not be read again."""
    rows = outbox.select(
        "SELECT comment_id FROM follow_ups "
        "WHERE site = ? AND comment_id IN (SELECT value FROM json_each(?))",
        *(site, json.dumps(list(comment_ids))),
    )
    return {comment_id for (comment_id,) in rows}
