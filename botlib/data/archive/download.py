"""Downloads subreddits from the public archive into dump files: sized first, resumable, polite."""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tqdm.auto import tqdm

from botlib.data.archive.client import DUMPS, FULL_PAGE, PACE, WISHES, Archive
from botlib.data.archive.passes import Passes, Span, Window
from botlib.data.archive.store import Shelf
from botlib.data.archive.stretch import SETTLED, Stretch
from botlib.data.months import between, month_of, shifted, start_of
from botlib.errors import BotlibError
from botlib.workspace import Workspace

_DAY = 86400
# Without first_month: days looked back at most, however quiet the subreddit is
_LOOK_BACK = 1100
# Days after last_month in which most of the replies to its comments came
_REPLIES = 3
_LARGEST_PAGE = 1000
_KINDS = ("comments", "posts")


@dataclasses.dataclass(frozen=True)
class _Wish:
    """A subreddit, the time wanted of it, and its items by day: kind → (first second, items)."""

    subreddit: str
    start: int
    end: int
    volume: dict[str, list[tuple[int, int]]]

    def months(self) -> list[str]:
        return between(_month(self.start), _month(self.end - 1))

    def items(self, kind: str, windows: Sequence[Window]) -> int:
        """About how many items lie in windows, by the share of each day that they cover."""
        total = 0.0
        for start, end in windows:
            for day, count in self.volume[kind]:
                total += count * max(0, min(end, day + _DAY) - max(start, day)) / _DAY
        return round(total)


def download(
    workspace: Workspace,
    subreddits: Sequence[str],
    *,
    first_month: str = "",
    last_month: str = "",
    newest: int = 100_000,
    most: int = 1_000_000,
    contact: str = "",
    clock: Callable[[], float] = time.time,
    say: Callable[[str], None] = print,
    progress: bool = True,
) -> list[Path]:
    """Brings what is wanted of some subreddits into `dumps/archive/`; returns the dump files.

    Only what isn't there yet is fetched. The last two to three days are left out, since the archive
    reads scores again 36 hours after posting. A run that was stopped, even killed, goes on where it
    was, and ends with the same files.

    Args:
      workspace: whose `dumps/archive/` is filled; what it forgot stays out.
      subreddits: names, in any case.
      first_month: first month of the comments ("2026-08"); "" for the newest items.
      last_month: last month of the comments, "" for no limit.
      newest: without first_month, how many items of all subreddits together.
      most: more items than this are refused.
      contact: where the archive's author can reach you.
      clock: seconds since 1970.
      say: gets one line at a time: how much there is, how long it takes, what was done.
      progress: show a bar.

    Raises:
      BotlibError: no such subreddit, too many items, or the archive can't be read now.
    """
    now = int(clock())
    shelf = Shelf(workspace)
    for folder in (shelf.root / ".unfinished").glob("deleted-*"):
        shutil.rmtree(folder)
    names = list(dict.fromkeys(name.lower() for name in subreddits))
    with Archive(contact=contact) as archive:
        wishes = [
            _wish(archive, shelf, name, first_month, last_month, newest // len(names), now)
            for name in names
        ]
        jobs = list(_jobs(shelf, wishes, now))
        expected = sum(wish.items(stretch.kind, windows) for wish, stretch, windows in jobs)
        if expected > most:
            raise BotlibError(_too_much(wishes, expected, most))
        spans = _spans(jobs)
        for line in _before(wishes, jobs, expected, len(spans)):
            say(line)
        bar = tqdm(
            total=expected, desc="archive", unit="item", disable=not progress or not expected
        )
        with bar:
            passes = Passes(archive, spans)
            for _, stretch, windows in jobs:
                stretch.fetch(passes, windows, now, bar.update)
        for wish in wishes:
            if any(job[0] is wish and job[2] for job in jobs):
                _earlier_posts(archive, shelf, wish)
        if jobs:
            say(f"the archive answered {archive.requests_made} requests")
    return [path for wish in wishes for path in _files(shelf, wish)]


def _wish(
    archive: Archive, shelf: Shelf, name: str, first: str, last: str, newest: int, now: int
) -> _Wish:
    first, last = month_of(first, "first_month"), month_of(last, "last_month")
    if first and last and last < first:
        raise BotlibError(f"last_month {last} lies before first_month {first}")
    # Whole days: a second run on the same day has nothing to fetch
    end = (now - SETTLED * 3600) // _DAY * _DAY
    if last:
        end = min(end, start_of(shifted(last, 1)) + _REPLIES * _DAY)
    since = start_of(first) if first else end - _LOOK_BACK * _DAY
    if since >= end:
        raise BotlibError(
            f"first_month {first} is too recent: the archive's scores settle after two days"
        )
    volume = {kind: archive.volume(kind, name, since) for kind in _KINDS}
    whole = _Wish(name, since, end, volume)
    if not whole.items("comments", [(since, end)]):
        where = "" if archive.about(name) else ": check the spelling"
        raise BotlibError(f"the archive has no comment of r/{name} in these months{where}")
    if first:
        return whole
    start = _newest(whole, newest)
    if there := [entry for entry in shelf.covered(name).values() if entry["since"] < end]:
        # A second run only adds what is new, unless that is more than a first one takes
        new = [(max(entry["until"] for entry in there), end)]
        if sum(whole.items(kind, new) for kind in _KINDS) <= newest:
            start = min([start, *(entry["since"] for entry in there)])
    return dataclasses.replace(whole, start=start)


def _newest(wish: _Wish, items: int) -> int:
    """The second from which on there are about so many items; a day's worth at least."""
    start = wish.end - _DAY
    oldest = min(day for days in wish.volume.values() for day, _ in days)
    while start > oldest:
        earlier = start - _DAY
        if sum(wish.items(kind, [(earlier, wish.end)]) for kind in _KINDS) > items:
            break
        start = earlier
    return start


def _jobs(
    shelf: Shelf, wishes: list[_Wish], now: int
) -> Iterator[tuple[_Wish, Stretch, list[Window]]]:
    """What is to be fetched, and what was left unfinished, the oldest months first."""
    for wish in wishes:
        for month in wish.months():
            for kind in _KINDS:
                stretch = Stretch(shelf, wish.subreddit, kind, month)
                windows = stretch.wanted(wish.start, wish.end, now)
                if windows or stretch.unfinished:
                    yield wish, stretch, windows


def _spans(jobs: Sequence[tuple[_Wish, Stretch, list[Window]]]) -> list[Span]:
    """The times to read in one pass each: several quiet months together, to save requests."""
    spans: list[Span] = []
    for kind in _KINDS:
        items, latest = 0, None
        for wish, stretch, windows in jobs:
            if stretch.kind != kind:
                continue
            for start, end in windows:
                more = wish.items(kind, [(start, end)])
                joined = latest and (latest.subreddit, latest.end) == (wish.subreddit, start)
                if joined and items + more <= _LARGEST_PAGE:
                    items += more
                    spans[-1] = latest = dataclasses.replace(latest, end=end)
                else:
                    items, latest = more, Span(kind, wish.subreddit, start, end)
                    spans.append(latest)
    return spans


def _before(wishes: list[_Wish], jobs: list, expected: int, passes: int) -> Iterator[str]:
    """Lines to read before it starts."""
    for wish in wishes:
        yield f"r/{wish.subreddit}: {_date(wish.start)} to {_date(wish.end)}"
    if not jobs:
        yield "all of it is here already: nothing to download"
        return
    # A pass ends with a page that is empty; threads that began earlier cost some more
    least = expected / _LARGEST_PAGE + passes
    largest = expected / FULL_PAGE + 2 * passes
    yield (
        f"to download: about {expected:,} comments and posts, {least:,.0f} to {largest:,.0f} "
        f"requests, {_minutes(least)} to {_minutes(largest)} at two a second"
    )
    yield WISHES


def _too_much(wishes: list[_Wish], expected: int, most: int) -> str:
    hours = expected / FULL_PAGE * PACE / 3600
    names = ", ".join(f"r/{wish.subreddit}" for wish in wishes)
    first = _date(min(wish.start for wish in wishes))
    return (
        f"{names} from {first} on: about {expected:,} comments and posts, more than "
        f"archive_max_items={most:,} (up to {hours:.0f} hours of a free service): name fewer "
        f"months, or take the dumps ({DUMPS}) and run with --source dumps --dumps DIR"
    )


def _earlier_posts(archive: Archive, shelf: Shelf, wish: _Wish) -> None:
    """Fetches the posts of threads that began before the first comment wanted."""
    path = shelf.file(wish.subreddit, "posts", "earlier")
    threads: set[str] = set()
    for month in wish.months():
        comments = shelf.read(shelf.file(wish.subreddit, "comments", month))
        threads |= {str(row.get("link_id")).removeprefix("t3_") for row in comments}
    earlier = list(shelf.read(path))
    threads -= {row["id"] for row in earlier}
    for month in wish.months():
        posts = shelf.read(shelf.file(wish.subreddit, "posts", month))
        threads -= {row["id"] for row in posts}
    if threads:
        shelf.write(path, earlier + archive.by_ids("posts", sorted(threads)), "posts")


def _files(shelf: Shelf, wish: _Wish) -> Iterator[Path]:
    for month in ("earlier", *wish.months()):
        for kind in _KINDS:
            path = shelf.file(wish.subreddit, kind, month)
            if path.is_file():
                yield path


def _month(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y_%m")


def _date(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")


def _minutes(requests: float) -> str:
    seconds = requests * PACE
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
