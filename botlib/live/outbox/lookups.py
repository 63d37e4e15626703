"""Narrow questions to the outbox, by ids and names: they cost the same however much it holds."""

import json
from collections import Counter
from collections.abc import Iterable

from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, PROPOSED, READY, UNCLEAR, Reply

# A post whose reply still waits for approval needs no second one
_ANSWERED = (POSTED, *UNCLEAR, PROPOSED, *READY)


def known_comments(outbox: Outbox, site: str, comment_ids: Iterable[str]) -> set[str]:
    """Returns those comments that have a reply in the outbox, in any state.

    Args:
      outbox: the queue.
      site: where.
      comment_ids: ids of comments, without prefix.
    """
    rows = outbox.select(
        "SELECT comment_id FROM replies "
        "WHERE site = ? AND comment_id IN (SELECT value FROM json_each(?))",
        *(site, json.dumps(list(comment_ids))),
    )
    return {comment_id for (comment_id,) in rows}


class AnsweredPosts:
    """The posts that have a reply of ours, or one that waits: `post_id in AnsweredPosts(…)`."""

    def __init__(self, outbox: Outbox, site: str) -> None:
        self._outbox, self._site = outbox, site

    def __contains__(self, post_id: object) -> bool:
        states = ", ".join("?" * len(_ANSWERED))
        return bool(
            self._outbox.select(
                f"SELECT 1 FROM replies WHERE site = ? AND post_id = ? AND +state IN ({states}) "
                "LIMIT 1",
                *(self._site, post_id, *_ANSWERED),
            )
        )


def is_ours(outbox: Outbox, site: str, comment_id: str) -> bool:
    """Returns whether a comment on Reddit is a reply that was posted from this outbox."""
    return bool(
        comment_id
        and outbox.select(
            "SELECT 1 FROM replies "
            "WHERE reply_id = ? AND reply_id != '' AND +site = ? AND +state = ?",
            *(comment_id, site, POSTED),
        )
    )


def posted_to(outbox: Outbox, site: str, author: str) -> list[Reply]:
    """Returns the replies that were posted to a person, oldest first; names in any case."""
    return outbox.where(
        "author = ? COLLATE NOCASE AND +site = ? AND +state = ?", author, site, POSTED
    )


def newest_posted(outbox: Outbox, site: str, most: int) -> list[Reply]:
    """Returns the replies that were posted last, at most so many, oldest first."""
    return outbox.where(
        "id IN (SELECT id FROM replies WHERE site = ? AND +state = ? AND sent IS NOT NULL "
        "ORDER BY sent DESC LIMIT ?)",
        *(site, POSTED, most),
    )


def by_ids(outbox: Outbox, site: str, reply_ids: Iterable[str]) -> dict[str, Reply]:
    """Returns the replies with some ids, those that there are, by id; ids are texts."""
    texts = list(reply_ids)
    rows = outbox.where(
        "+site = ? AND id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))",
        *(site, json.dumps(texts)),
    )
    return {str(reply.id): reply for reply in rows}


def done_since(outbox: Outbox, site: str, since: float) -> Counter[str]:
    """Returns how many replies were proposed and how many posted since a time, by state."""
    rows = outbox.select(
        "SELECT after, COUNT(*) FROM changes CROSS JOIN replies ON replies.id = changes.reply "
        "WHERE time >= ? AND (after = ? OR (after = ? AND before = '')) AND +site = ? "
        "GROUP BY after",
        *(since, POSTED, PROPOSED, site),
    )
    return Counter(dict(rows))
