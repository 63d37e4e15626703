"""What was downloaded: dump files by month, which times they cover, and what is to be forgotten."""

import dataclasses
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import zstandard

from botlib.data import forgotten
from botlib.data.archive.pages import Row, created
from botlib.workspace import Workspace, atomic_file

# The archive's word for a post, and the dumps'
DUMP_KIND = {"posts": "submissions", "comments": "comments"}
# From here on the archive reads everything a second time, and says when in `_meta`
TWICE_SINCE = 1698796800  # 2023-11-01
# What botlib/data/dumps/rows.py reads, and what tells a moderator's or a hidden score
_FIELDS = {
    "comments": ("body", "link_id", "parent_id", "score_hidden"),
    "posts": ("is_self", "num_comments", "over_18", "selftext", "title"),
}
_SHARED = (
    *("_meta", "author", "created_utc", "distinguished", "id", "retrieved_on", "score"),
    *("stickied", "subreddit"),
)


@dataclasses.dataclass(frozen=True)
class Shelf:
    """The archive's part of a workspace: `dumps/archive/`."""

    workspace: Workspace

    @property
    def root(self) -> Path:
        return self.workspace.archive

    def file(self, subreddit: str, kind: str, month: str) -> Path:
        """The dump file of a month written as 2026_10; "earlier" for posts before the first."""
        name = f"{subreddit.lower()}_{DUMP_KIND[kind]}.zst"
        return self.root / month.replace("_", "-") / name

    def work(self, subreddit: str, kind: str, month: str) -> Path:
        """Where the pages of an unfinished download lie."""
        return self.root / ".unfinished" / f"{subreddit.lower()}_{DUMP_KIND[kind]}_{month}"

    # Which times are there
    def covered(self, subreddit: str) -> dict[str, Any]:
        """Returns, by "kind month", what a file covers: since, until, unread, checked."""
        path = self._covered_path(subreddit)
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def cover(self, subreddit: str, key: str, entry: dict[str, Any]) -> None:
        with atomic_file(self._covered_path(subreddit)) as file:
            json.dump({**self.covered(subreddit), key: entry}, file, indent=1, sort_keys=True)

    def _covered_path(self, subreddit: str) -> Path:
        return self.root / ".covered" / f"{subreddit.lower()}.json"

    # Rows
    def write(self, path: Path, rows: Iterable[Row], kind: str) -> int:
        """Writes a dump file, in order of time and id, each id once; returns its number of rows.

        The same rows give the same bytes. The forgotten are left out, and of what was deleted since
        the text.
        """
        by_id = {row["id"]: kept_fields(row, kind) for row in self._remembered(rows, kind)}
        ordered = sorted(by_id.values(), key=lambda row: (created(row), int(row["id"], 36)))
        with atomic_file(path, "wb") as file:
            compressor = zstandard.ZstdCompressor(level=10).compressobj()
            for row in ordered:
                file.write(compressor.compress(line(row)))
            file.write(compressor.flush())
        return len(ordered)

    def read(self, path: Path) -> Iterator[Row]:
        """Yields the rows of a file of this folder; none if it isn't there."""
        if path.is_file():
            lines = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
            yield from map(orjson.loads, lines.splitlines())

    def files(self) -> list[Path]:
        """Returns all dump files there are."""
        return sorted(self.root.glob("[!.]*/*.zst"))

    def _remembered(self, rows: Iterable[Row], kind: str) -> Iterator[Row]:
        authors, ids = (forgotten.listed(self.workspace, what) for what in ("author", "id"))
        if not authors and not ids:
            yield from rows
            return
        for row in rows:
            theirs = forgotten.hashed(str(row.get("author"))) in authors
            if not (theirs or forgotten.hashed(row["id"]) in ids):
                yield row
            elif kind == "posts":
                # The rows of a thread are other people's: its post stays, without a word
                yield {**row, "title": "", "selftext": "", "author": "[deleted]"}


def kept_fields(row: Row, kind: str) -> Row:
    """Returns the fields that 01 reads; a text that was deleted since isn't kept."""
    fields = {name: row[name] for name in (*_SHARED, *_FIELDS[kind]) if name in row}
    return {**fields, "created_utc": created(row), **taken_back(row, kind)}


def taken_back(row: Mapping[str, Any], kind: str) -> Row:
    """Returns what stands in place of a text that was deleted or removed since; {} if it wasn't."""
    meta = row.get("_meta")
    if not isinstance(meta, dict) or not meta.get("was_deleted_later"):
        return {}
    text = "body" if kind == "comments" else "selftext"
    by_author = meta.get("removal_type") in ("deleted", "author", None)
    return {text: "[deleted]" if by_author else "[removed]", "author": "[deleted]"}


def line(row: Row) -> bytes:
    """Returns a row as a line of a dump, its keys in order."""
    try:
        return orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        # Half of a surrogate pair, cut out of an emoji, has no place in UTF-8
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace") + b"\n"


def unread(row: Row) -> bool:
    """Returns whether the archive is still to read an item a second time: its score is young."""
    meta = row.get("_meta") if isinstance(row.get("_meta"), dict) else {}
    return (
        created(row) >= TWICE_SINCE
        and "retrieved_2nd_on" not in meta
        and meta.get("note") != "no_2nd_retrieval"
    )


def forget(workspace: Workspace) -> dict[str, int]:
    """Writes anew what holds somebody or something of the forgotten; returns rows by file.

    Pages of an unfinished download are deleted.
    """
    shelf = Shelf(workspace)
    shutil.rmtree(shelf.root / ".unfinished", ignore_errors=True)
    changed = {}
    for path in shelf.files():
        kind = "comments" if path.stem.endswith("_comments") else "posts"
        before = list(shelf.read(path))
        after = {row["id"]: row for row in shelf._remembered(before, kind)}
        if count := sum(after.get(row["id"]) != row for row in before):
            shelf.write(path, before, kind)
            changed[path.relative_to(workspace.root).as_posix()] = count
    return changed
