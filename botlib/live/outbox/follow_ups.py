"""Comments made to the bot: replies to its own, and mentions; which of them it may not answer."""

from botlib.live.outbox.queue import Outbox

ANSWER, MENTION = "answer", "mention"


def remember(outbox: Outbox, site: str, comment_id: str, kind: str, refused: str = "") -> None:
    """Notes that a comment was made to the bot, and why it is not answered ("" if it may be)."""
    outbox.execute(
        "INSERT INTO follow_ups VALUES (?, ?, ?, ?, ?) ON CONFLICT (site, comment_id) "
        "DO UPDATE SET refused = excluded.refused",
        *(site, comment_id, kind, refused, outbox.clock()),
    )


def kind(outbox: Outbox, site: str, comment_id: str) -> str:
    """Returns ANSWER for a reply to the bot, MENTION, or "" for a comment that it found itself."""
    rows = outbox.execute(
        "SELECT kind FROM follow_ups WHERE site = ? AND comment_id = ?", site, comment_id
    )
    return rows[0][0] if rows else ""


def known(outbox: Outbox, site: str) -> set[str]:
    """Returns the ids of comments that need not be read again."""
    rows = outbox.execute("SELECT comment_id FROM follow_ups WHERE site = ?", site)
    return {comment_id for (comment_id,) in rows}
