"""Answers that mean "never" only if they repeat: a lone 403 or 404 is often a fault of the hour."""

from botlib.live.outbox.queue import Outbox

# So many refusals, each at least so many seconds after the one before, are believed
BELIEVED = 3
APART = 3600.0


def refused(outbox: Outbox, site: str, what: str, reason: str) -> bool:
    """Counts a refusal; returns whether it has repeated often enough to be believed.

    The count is kept in the outbox, so a restart doesn't begin again.

    Args:
      outbox: the queue.
      site: where.
      what: what was refused, such as "r/writing" or "reading t1_abc".
      reason: what Reddit said.
    """
    now = outbox.clock()
    times = _times(outbox, site, what)
    # What a retry meets a minute later is the same fault
    if not times or now >= times[-1] + APART or now < times[-1]:
        outbox.execute("INSERT INTO refusals VALUES (?, ?, ?, ?)", site, what, now, reason)
        times.append(now)
    return len(times) >= BELIEVED


def repeated(outbox: Outbox, site: str, what: str) -> bool:
    """Returns whether a refusal has repeated often enough to be believed."""
    return len(_times(outbox, site, what)) >= BELIEVED


def _times(outbox: Outbox, site: str, what: str) -> list[float]:
    query = "SELECT time FROM refusals WHERE site = ? AND what = ? ORDER BY time"
    return [time for (time,) in outbox.execute(query, site, what)]


def forget(outbox: Outbox, site: str, what: str) -> None:
    """It was granted, or a person wants it tried again: counts from zero."""
    outbox.execute("DELETE FROM refusals WHERE site = ? AND what = ?", site, what)
