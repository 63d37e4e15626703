"""Turns lines of a dump into rows: the fields we need, of the subreddits and times we want."""

import dataclasses
import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

_TIME_END = 4102444800  # 2100: a later time is an error
_NEWLINE, _RETURN, _OPEN, _BRACE = b"\n\r{}"
# Below this share of wanted lines it is quicker to look for the names first.
_FEW = 0.3
_NAMES = 30  # names that one pattern looks for quicker than each is looked up
_TEXT, _INT, _BOOL = pa.string(), pa.int64(), pa.bool_()

# What a row has, and which of it must be there for the row to be good. `retrieved_on` is when the
# score was read; `taken_back`: the text was deleted or removed after it was first read.
SCHEMAS = {
    "comments": pa.schema(
        {
            "id": _TEXT,
            "subreddit": _TEXT,
            "body": _TEXT,
            "author": _TEXT,
            "score": _INT,
            "parent_id": _TEXT,
            "link_id": _TEXT,
            "created_utc": _INT,
            "retrieved_on": _INT,
            "score_hidden": _BOOL,
            "taken_back": _BOOL,
        }
    ),
    "submissions": pa.schema(
        {
            "id": _TEXT,
            "subreddit": _TEXT,
            "title": _TEXT,
            "selftext": _TEXT,
            "author": _TEXT,
            "score": _INT,
            "created_utc": _INT,
            "retrieved_on": _INT,
            "is_self": _BOOL,
            "taken_back": _BOOL,
        }
    ),
}
# Dumps since November 2023 say here when the score was read, and what became of the text.
META = {
    "retrieved_2nd_on": _INT,
    "was_deleted_later": _BOOL,
    "removal_type": _TEXT,
    "note": _TEXT,
}
_NO_SECOND = "no_2nd_retrieval"
# What stands in place of a text that was taken back, and of its author
_TAKEN_BACK = {"body": "[deleted]", "selftext": "[deleted]", "title": "", "author": "[deleted]"}
_REQUIRED = {
    "comments": ("id", "subreddit", "body", "parent_id", "link_id", "created_utc"),
    "submissions": ("id", "subreddit", "created_utc"),
}


@dataclasses.dataclass
class Counts:
    """What became of the lines: all, good and wanted, malformed."""

    lines: int = 0
    kept: int = 0
    malformed: int = 0
    too_late: int = 0  # of the malformed, those whose time lies after 2100


class RowReader:
    """Parses blocks of lines; the same rows come out whichever way a block had to be parsed.

    Args:
      kind: "comments" or "submissions".
      subreddits: names wanted, in any case; none for all.
      start: first second wanted (UTC since 1970).
      end: first second no longer wanted.
    """

    def __init__(self, kind: str, subreddits: Iterable[str], start: int, end: int) -> None:
        self.kind = kind
        self.schema = SCHEMAS[kind]
        self.required = _REQUIRED[kind]
        self.names = sorted({name.lower() for name in subreddits})
        self.start, self.end = start, end
        self.counts = Counts()
        self._few = False
        self._names = frozenset(name.encode() for name in self.names)
        # A pattern tries one name after the other: with many, looking each one up is quicker.
        few = b"|".join(map(re.escape, sorted(self._names))) if len(self.names) <= _NAMES else b""
        # `\s`: some dumps are written with blanks there.
        self._named = re.compile(rb'"subreddit"\s*:\s*"((?i:' + (few or rb'[^"\\]*') + rb'))"')
        # The fields as they are written in a dump
        written = [field for field in self.schema if field.name != "taken_back"]
        written.append(pa.field("_meta", pa.struct(list(META.items()))))
        self.written = pa.schema(written)
        # Some years write times as strings: then all do, so remember what worked last.
        index = self.schema.get_field_index("created_utc")
        texts = self.written.set(index, pa.field("created_utc", _TEXT))
        self._layouts = [self.written, texts]

    def rows(self, block: bytes) -> pa.Table:
        """Return the wanted rows of a block of whole lines, in order, and count the rest.

        Where few lines are wanted (a month of all of Reddit), the others are not parsed; of those
        a line counts as malformed if it doesn't end with a brace.
        """
        if self._few:
            block = self.named_lines(block)
        lines = self.counts.lines
        table = self._fast(block)
        if table is None:
            table = self._slow(block)
        else:
            self.counts.lines += table.num_rows
        rows = self.take(table)
        few = rows.num_rows < _FEW * (self.counts.lines - lines)
        self._few = self._few or (few and bool(self.names))
        return rows

    def take(self, table: pa.Table) -> pa.Table:
        """Return the wanted rows of a table of `written` fields; count them and the malformed."""
        table = _settled(table, self.schema)
        good = self._good(table)
        chosen = pc.and_(good, self._wanted(table))
        # Of a dump of one subreddit all rows are wanted, and need no copy.
        rows = table if pc.all(chosen).as_py() else table.filter(chosen)
        self.counts.malformed += table.num_rows - (pc.sum(good).as_py() or 0)
        self.counts.kept += rows.num_rows
        return rows

    def named_lines(self, block: bytes) -> bytes:
        """Return the lines that name a wanted subreddit; count and leave out the others."""
        letters = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(letters == _NEWLINE) + 1
        if not len(ends) or ends[-1] != len(block):
            ends = np.append(ends, len(block))
        matches = self._named.finditer(block)
        if len(self.names) > _NAMES:
            matches = (match for match in matches if match[1].lower() in self._names)
        hits = [match.start() for match in matches]
        named = np.unique(np.searchsorted(ends, hits, side="right"))
        starts = np.concatenate([[0], ends[:-1]])
        last = letters[np.maximum(ends - 2, 0)]
        last = np.where(last == _RETURN, letters[np.maximum(ends - 3, 0)], last)
        broken = last != _BRACE
        # The last line may lack its line end, and blank lines are no rows.
        broken[-1] &= letters[-1] != _BRACE
        odd = np.setdiff1d(np.flatnonzero(broken), named)
        blank = sum(not block[starts[at] : ends[at]].strip() for at in odd)
        self.counts.lines += len(ends) - len(named) - blank
        self.counts.malformed += len(odd) - blank
        return b"".join([block[starts[at] : ends[at]] for at in named.tolist()])

    def _fast(self, block: bytes) -> pa.Table | None:
        """Arrow's parser takes a block whole or not at all: None if anything in it is odd."""
        if not block:
            return self.written.empty_table()
        letters = np.frombuffer(block, np.uint8)
        starts = np.flatnonzero(letters[:-1] == _NEWLINE) + 1
        # Arrow dies of a block that begins with the word null, and joins or parts odd lines.
        if letters[0] != _OPEN or (letters[starts] != _OPEN).any() or not _is_utf8(block):
            return None
        for layout in list(self._layouts):
            try:
                table = pj.read_json(
                    pa.BufferReader(block),
                    pj.ReadOptions(block_size=len(block), use_threads=False),
                    pj.ParseOptions(layout, unexpected_field_behavior="ignore"),
                )
                if table.num_rows != len(starts) + 1:
                    return None
                table = table.cast(self.written)
            except pa.ArrowException:
                continue
            self._layouts.sort(key=lambda one, chosen=layout: one is not chosen)
            return table
        return None

    def _slow(self, block: bytes) -> pa.Table:
        rows = []
        for line in block.split(b"\n"):
            if not line.strip():
                continue
            self.counts.lines += 1
            row = _parsed(line)
            if row is None:
                self.counts.malformed += 1
            else:
                rows.append(_plain(row, self.written))
        return pa.Table.from_pylist(rows, schema=self.written)

    def _good(self, table: pa.Table) -> pa.ChunkedArray:
        created = table["created_utc"]
        late = pc.greater_equal(created, _TIME_END)
        self.counts.too_late += pc.sum(late).as_py() or 0
        good = pc.and_(pc.greater(created, 0), pc.invert(late))
        for name in _REQUIRED[self.kind]:
            good = pc.and_(good, pc.is_valid(table[name]))
        for name in ("id", "subreddit"):
            good = pc.and_(good, pc.not_equal(table[name], ""))
        return pc.fill_null(good, False)

    def _wanted(self, table: pa.Table) -> pa.ChunkedArray:
        created = table["created_utc"]
        in_time = pc.and_(pc.greater_equal(created, self.start), pc.less(created, self.end))
        if self.names:
            names = pa.array(self.names, _TEXT)
            in_time = pc.and_(in_time, pc.is_in(pc.utf8_lower(table["subreddit"]), names))
        return pc.fill_null(in_time, False)


def _settled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows with what `_meta` says: the time of the score, texts that were taken back."""
    meta = table["_meta"]
    rows = table.drop_columns("_meta")
    if meta.null_count == len(meta):
        none = pa.array(np.zeros(len(rows), bool))
        return rows.append_column(schema.field("taken_back"), none)
    second, deleted, removal, note = (pc.struct_field(meta, name) for name in META)
    taken = pc.or_kleene(deleted, pc.not_equal(pc.coalesce(removal, ""), ""))
    taken = pc.fill_null(taken, False)
    read = pc.coalesce(second, rows["retrieved_on"])
    # Its score was read when it was posted and never again.
    never = pc.fill_null(pc.equal(note, _NO_SECOND), False)
    columns = {"retrieved_on": pc.if_else(never, rows["created_utc"], read)}
    for name, text in _TAKEN_BACK.items():
        if name in rows.column_names:
            columns[name] = pc.if_else(taken, text, rows[name])
    for name, column in columns.items():
        index = rows.schema.get_field_index(name)
        rows = rows.set_column(index, schema.field(name), column)
    return rows.append_column(schema.field("taken_back"), taken)


def _is_utf8(block: bytes) -> bool:
    ends = pa.py_buffer(np.array([0, len(block)], np.int64))
    text = pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(block))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        # Half of a surrogate pair, cut out of an emoji, is common in dumps and only orjson minds.
        if b"\\ud" not in line.lower():
            return None
        try:
            row = json.loads(line.decode())
        except (ValueError, RecursionError):
            return None
    return row if isinstance(row, dict) else None


def _plain(row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Return the row's fields in the schema's types; what doesn't fit is None."""
    plain = {field.name: _plain_value(row.get(field.name), field.type) for field in schema}
    parent = row.get("parent_id")
    if isinstance(parent, int) and not isinstance(parent, bool) and "parent_id" in plain:
        name = _base36(parent)
        link = plain["link_id"] or ""
        plain["parent_id"] = link if link == f"t3_{name}" else f"t1_{name}"
    return plain


def _plain_value(value: Any, kind: pa.DataType) -> Any:
    if not pa.types.is_struct(kind):
        return _PLAIN[kind](value)
    return (
        {n: _PLAIN[k](value.get(n)) for n, k in META.items()} if isinstance(value, dict) else None
    )


def _as_text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(float(value)) if not isinstance(value, int) else value
    except (ValueError, OverflowError):
        return None
    return number if -(2**63) <= number < 2**63 else None


def _as_bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_PLAIN = {_TEXT: _as_text, _INT: _as_int, _BOOL: _as_bool}


def _base36(number: int) -> str:
    digits = ""
    while number > 0:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
