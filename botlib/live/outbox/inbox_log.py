"""Which messages of the inbox were heeded: none is lost after a pause, none is heard twice."""

from botlib.live.outbox.queue import Outbox

# Reddit may show a message late: so much before the newest known one is read again
OVERLAP = 2 * 86400.0
# A request that can't be met in so long is given up
KEPT = 14 * 86400.0


def since(outbox: Outbox, site: str) -> float:
    """Returns from which time on the inbox is to be read; 0 the first time."""
    newest, unmet = outbox.execute(
        "SELECT MAX(created), MIN(CASE WHEN done THEN NULL ELSE created END) FROM inbox "
        "WHERE site = ?",
        site,
    )[0]
    if newest is None:
        return 0.0
    return min(newest - OVERLAP, newest if unmet is None else unmet)


def heeded(outbox: Outbox, site: str) -> set[str]:
    """Returns the full names ("t1_…", "t4_…") of what need not be heard again."""
    return {
        name
        for (name,) in outbox.execute("SELECT fullname FROM inbox WHERE site = ? AND done", site)
    }


def remember(outbox: Outbox, site: str, fullname: str, created: float, *, done: bool) -> None:
    """Notes that an item was heeded, or (`done` False) that it is to be tried again.

    Args:
      outbox: the queue.
      site: where.
      fullname: of the message or comment.
      created: seconds since 1970; 0: not known.
      done: whether everything it asked was done.
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
        "UPDATE inbox SET done = 1 WHERE site = ? AND created < ?", site, outbox.clock() - KEPT
    )
