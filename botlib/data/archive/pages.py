"""Reads a stretch of time from the archive page by page: nothing missing, nothing twice."""

from collections.abc import Collection, Iterator
from typing import Any

from botlib.data.archive.client import FULL_PAGE, IDS, Archive, ArchiveError, TimedOut

Row = dict[str, Any]
# Pages without a time-out before a longer stretch is tried again
_CALM = 8
# Ids looked at for one second that holds more than a page: all of Reddit writes far fewer
_CROWD = 20 * IDS


def pages(
    archive: Archive,
    kind: str,
    subreddit: str,
    start: int,
    end: int,
    seen: Collection[str] = (),
) -> Iterator[list[Row]]:
    """Yields what was posted in [start, end), oldest first, each id once.

    The archive has no cursor: the next page begins with the last second of the one before, whose
    items may go on there, and ids that were seen are dropped.

    Args:
      archive: the client.
      kind: "posts" or "comments".
      subreddit: its name.
      start: first second.
      end: first second no longer wanted.
      seen: ids of the first second that are known already.

    Raises:
      ArchiveError: the archive can't be read now; what was yielded is good.
    """
    at, read_ids, span, calm = start, set(seen), end - start, 0
    while at < end:
        until = min(end, at + span)
        try:
            rows = archive.search(kind, subreddit, after=at - 1, before=until)
        except TimedOut:
            if until - at <= 1:
                raise
            span, calm = (until - at) // 2, 0
            continue
        calm += 1
        if calm % _CALM == 0:
            span *= 2
        full = len(rows) >= FULL_PAGE
        rows = _within(usable(rows), at, until, subreddit, full)
        if not rows:
            at, read_ids = until, set()
            continue
        last = created(rows[-1])
        if last > at or not full:
            # A page shorter than the archive's shortest holds all of its last second
            following = last if full else last + 1
        else:
            rows, following = _crowded(archive, kind, subreddit, at, rows), at + 1
        if fresh := [row for row in rows if row["id"] not in read_ids]:
            yield fresh
        at, read_ids = following, {row["id"] for row in rows if created(row) == following}


def _within(rows: list[Row], start: int, end: int, subreddit: str, full: bool) -> list[Row]:
    """The rows of the time that was asked for; an order that would lose some is an error."""
    times = [created(row) for row in rows]
    inside = [row for row, second in zip(rows, times, strict=True) if start <= second < end]
    if times != sorted(times) or (full and not inside):
        raise ArchiveError(
            f"the archive answered for r/{subreddit} in another order, or with another time, than "
            "was asked for: nothing is taken from such an answer, run this again later"
        )
    return inside


def _crowded(
    archive: Archive, kind: str, subreddit: str, second: int, rows: list[Row]
) -> list[Row]:
    """All items of a second of which a page shows a part: by the ids around those.

    Asking from the other end is no help: the archive shows the same part again.
    """
    by_id = {row["id"]: row for row in rows}
    numbers = [int(name, 36) for name in by_id]
    low, high = min(numbers), max(numbers) + 1
    new = _of_second(archive, kind, subreddit, second, range(low, high))
    for step in (1, -1):
        edge = high if step > 0 else low
        while True:
            ids = range(edge, edge + IDS) if step > 0 else range(max(1, edge - IDS), edge)
            beside = _of_second(archive, kind, subreddit, second, ids)
            new += beside
            edge += step * IDS
            if not beside:
                break
    return list((by_id | {row["id"]: row for row in new}).values())


def _of_second(
    archive: Archive, kind: str, subreddit: str, second: int, numbers: range
) -> list[Row]:
    if len(numbers) > _CROWD:
        raise ArchiveError(
            f"the archive lists too much of r/{subreddit} in second {second} to tell whether all "
            "of it came: use a dump of this month"
        )
    rows = usable(archive.by_ids(kind, [base36(number) for number in numbers]))
    return [
        row
        for row in rows
        if created(row) == second and row["subreddit"].lower() == subreddit.lower()
    ]


def usable(rows: list[Row]) -> list[Row]:
    """Returns the rows that have an id, a subreddit and a time; the archive has no others."""
    return [
        row
        for row in rows
        if isinstance(row.get("id"), str) and row.get("subreddit") and row.get("created_utc")
    ]


def created(row: Row) -> int:
    return int(row["created_utc"])


def base36(number: int) -> str:
    """Returns a number as Reddit writes ids."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
