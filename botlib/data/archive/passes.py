"""Passes over the archive: several quiet months are read together, in fewer requests."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator

from botlib.data.archive.client import Archive
from botlib.data.archive.pages import Row, created, pages

Window = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Span:
    """What one pass reads: posts or comments of a subreddit in [start, end), in seconds."""

    kind: str
    subreddit: str
    start: int
    end: int


class Passes:
    """Reads windows of time as `pages.pages` does, those of one span in one pass.

    Each window costs two requests at least, and most months of a quiet subreddit fill no page.

    Args:
      archive: the client.
      spans: each holds one window or several; what lies in none is read by itself.
    """

    def __init__(self, archive: Archive, spans: Iterable[Span] = ()) -> None:
        self._archive = archive
        self._spans = list(spans)
        # By kind and subreddit the span that was read last, and from which second on
        self._read: dict[tuple[str, str], tuple[Span, int, list[Row]]] = {}

    def pages(
        self, kind: str, subreddit: str, start: int, end: int, seen: Collection[str] = ()
    ) -> Iterator[list[Row]]:
        """Yields what was posted in [start, end), oldest first; arguments as of `pages.pages`."""
        span = self._span(kind, subreddit, start, end)
        if span is None or (span.start, span.end) == (start, end):
            yield from pages(self._archive, kind, subreddit, start, end, seen)
            return
        last, since, rows = self._read.get((kind, subreddit), (None, 0, []))
        if last != span or start < since:
            # From this window on: earlier ones of the span are there already
            span_pages = pages(self._archive, kind, subreddit, start, span.end, seen)
            rows = [row for page in span_pages for row in page]
            self._read[kind, subreddit] = span, start, rows
        page = [row for row in rows if start <= created(row) < end and row["id"] not in seen]
        if page:
            yield page

    def _span(self, kind: str, subreddit: str, start: int, end: int) -> Span | None:
        for span in self._spans:
            same = (span.kind, span.subreddit) == (kind, subreddit)
            if same and span.start <= start and end <= span.end:
                return span
        return None
