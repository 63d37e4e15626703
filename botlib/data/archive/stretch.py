"""One month of one subreddit: fetched page by page, resumed after a kill, merged into its file."""

import dataclasses
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

from botlib.data.archive.pages import Row, created
from botlib.data.archive.passes import Passes, Window
from botlib.data.archive.store import Shelf, line, unread
from botlib.data.months import shifted, start_of
from botlib.workspace import atomic_file

# Hours after which everything should have been read twice, and those between two looks at what
# wasn't; days after which the archive won't any more (its queue was ten days long at worst)
SETTLED, LOOK_AGAIN, GIVEN_UP = 48, 12, 14
_HOUR, _DAY = 3600, 86400


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Posts or comments of a subreddit in a month ("2026_10")."""

    shelf: Shelf
    subreddit: str
    kind: str
    month: str

    @property
    def file(self) -> Path:
        return self.shelf.file(self.subreddit, self.kind, self.month)

    @property
    def _key(self) -> str:
        return f"{self.kind} {self.month}"

    @property
    def _work(self) -> Path:
        return self.shelf.work(self.subreddit, self.kind, self.month)

    @property
    def unfinished(self) -> bool:
        """Whether a download of it was stopped."""
        return (self._work / "plan.json").is_file()

    def wanted(self, start: int, end: int, now: int) -> list[Window]:
        """Returns the times to fetch so that [start, end) is there, as far as this month goes.

        What is covered isn't fetched again, but for times with items that were not read twice when
        they came: these are looked at again, at most twice a day.
        """
        start, end = max(start, start_of(self.month)), min(end, start_of(shifted(self.month, 1)))
        if start >= end:
            return []
        covered = self.shelf.covered(self.subreddit).get(self._key)
        if not covered:
            return [(start, end)]
        windows = []
        if start < covered["since"]:
            windows.append((start, covered["since"]))
        if covered["unread"] and now - covered["checked"] >= LOOK_AGAIN * _HOUR:
            windows.append((covered["unread"][0], min(covered["unread"][1] + 1, covered["until"])))
        if end > covered["until"]:
            windows.append((covered["until"], end))
        return windows

    def fetch(self, passes: Passes, windows: list[Window], now: int, on_items: Callable) -> None:
        """Fetches windows and merges them into the file; goes on where a run was stopped.

        Args:
          passes: reads the archive.
          windows: from `wanted`; an unfinished download has its own, which are finished first.
          now: seconds since 1970.
          told: called with the number of items of each page.
        """
        plan = self._work / "plan.json"
        if plan.is_file():
            planned = json.loads(plan.read_text(encoding="utf-8"))
            self._finish(passes, [tuple(w) for w in planned["windows"]], planned["now"], on_items)
            # What has become due since then
            windows = list(self._left(windows))
        if windows:
            with atomic_file(plan) as file:
                json.dump({"windows": windows, "now": now}, file)
            self._finish(passes, windows, now, on_items)

    def _left(self, windows: list[Window]) -> Iterator[Window]:
        covered = self.shelf.covered(self.subreddit)[self._key]
        for start, end in windows:
            if start < covered["since"]:
                yield start, covered["since"]
            if end > covered["until"]:
                yield covered["until"], end

    def _finish(self, passes: Passes, windows: list[Window], now: int, on_items: Callable) -> None:
        rows: list[Row] = []
        for number, (start, end) in enumerate(windows):
            there = sorted(self._work.glob(f"{number}-*.zst"))
            fetched = [row for path in there for row in self.shelf.read(path)]
            if fetched:
                on_items(len(fetched))
                start = max(start, max(map(created, fetched)))
            read_ids = {row["id"] for row in fetched if created(row) == start}
            new_pages = passes.pages(self.kind, self.subreddit, start, end, read_ids)
            for position, page in enumerate(new_pages, len(there)):
                with atomic_file(self._work / f"{number}-{position:06d}.zst", "wb") as file:
                    file.write(zstandard.compress(b"".join(map(line, page)), 3))
                fetched += page
                on_items(len(page))
            rows += fetched
        self._merge(windows, rows, now)

    def _merge(self, windows: list[Window], rows: list[Row], now: int) -> None:
        # What was in these times and isn't any more was taken out of the archive
        earlier_rows = [
            row
            for row in self.shelf.read(self.file)
            if not any(start <= created(row) < end for start, end in windows)
        ]
        rows = earlier_rows + rows
        self.shelf.write(self.file, rows, self.kind)
        young = [
            created(row) for row in rows if unread(row) and now - created(row) < GIVEN_UP * _DAY
        ]
        covered = self.shelf.covered(self.subreddit).get(self._key)
        spans = [*windows, (covered["since"], covered["until"])] if covered else windows
        due = covered["unread"][:1] if covered else []
        looked = not due or any(start <= due[0] < end for start, end in windows)
        entry = {
            "since": min(start for start, _ in spans),
            "until": max(end for _, end in spans),
            "unread": [min(young), max(young)] if young else [],
            "checked": now if looked else covered["checked"],
        }
        self.shelf.cover(self.subreddit, self._key, entry)
        # Under another name first: a folder that is half deleted would look half fetched
        gone = self._work.with_name(f"deleted-{uuid.uuid4().hex}")
        self._work.rename(gone)
        shutil.rmtree(gone)
