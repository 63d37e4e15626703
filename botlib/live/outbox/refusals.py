"""Answers that mean "never" only if they repeat: a single 403 or 404 is often temporary."""

from botlib.live.outbox.queue import Outbox

# This many refusals, each at least INTERVAL seconds after the previous one, are believed
BELIEVED_AFTER = 3
INTERVAL = 3600.0


def record(outbox: Outbox, site: str, request: str, reason: str) -> bool:
    """Records a refusal; returns whether it has repeated often enough to be believed.

    The count is kept in the outbox, so a restart doesn't begin again.

    Args:
      outbox: the queue.
      site: where.
      request: what was refused, such as "r/writing" or "reading t1_abc".
      reason: what Reddit said.
    """
    now = outbox.clock()
    times = _times(outbox, site, request)
    # A retry a minute later meets the same fault
    if not times or now >= times[-1] + INTERVAL or now < times[-1]:
        outbox.execute("INSERT INTO refusals VALUES (?, ?, ?, ?)", site, request, now, reason)
        times.append(now)
    return len(times) >= BELIEVED_AFTER


def believed(outbox: Outbox, site: str, request: str) -> bool:
    """Returns whether a refusal has repeated often enough to be believed."""
    return len(_times(outbox, site, request)) >= BELIEVED_AFTER


def _times(outbox: Outbox, site: str, request: str) -> list[float]:
    query = "SELECT time FROM refusals WHERE site = ? AND what = ? ORDER BY time"
    return [time for (time,) in outbox.execute(query, site, request)]


def clear(outbox: Outbox, site: str, request: str) -> None:
    """Restarts the count: the request was granted."""
    outbox.execute("DELETE FROM refusals WHERE site = ? AND what = ?", site, request)
