"""A local stand-in for the public archive's API, with the faults and habits that its users report.

What it does as the real one: pages in order of time without a cursor, `after` and `before` that
leave out their own second, `limit=auto` of 100 to 1,000, a first reading at once and a second after
36 hours or later, 422 for a query that took too long, "slow down" in several wordings.
"""

import bisect
import json
import random
import re
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from botlib.data.dumps.files import blocks

HOUR = 3600
SECOND_READING = 36 * HOUR
# From here on the archive reads everything twice, and says when
TWICE_SINCE = 1698796800  # 2023-11-01

FAULTS = ("query", "maybe", "slow", "429", "500", "502", "html", "cut", "drop")
_KIND = {"comments": "t1", "posts": "t3"}
# What the second reading replaces
_UPDATED = ("score", "num_comments", "locked", "over_18", "stickied", "archived", "score_hidden")
_SEARCH = {"subreddit", "author", "after", "before", "sort", "limit", "fields", "md2html"}
_COMMENTS = {"link_id", "parent_id", "body"}
_POSTS = {"title", "selftext", "query", "over_18", "url"}


class ArchiveServer:
    """Serves posts and comments of dumps.

    Args:
      posts: rows as dumps have them.
      comments: the same.
      clock: seconds since 1970 of the server.
      seed: of its moods: page sizes and faults.
      auto: the page sizes that `limit=auto` may give.
      faults: share of requests that fail, in a way drawn from FAULTS.
      span: a search that matches more items than this times out, always; 0: none does.
      budget: requests allowed per `window` seconds; 0: any number.

    Attributes:
      requests: (path, parameters) of every request, in order.
      agents: the user agents that came.
      script: faults to come, one a request, before any is drawn.
      late: id → second at which an item appears in the archive.
      reread: id → second of its second reading, where that isn't 36 hours after posting.
      gone: ids that were taken out of the archive.
      rules: subreddit → rules.
    """

    def __init__(
        self,
        posts: Iterable[dict],
        comments: Iterable[dict],
        *,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
        auto: tuple[int, int] = (100, 1000),
        faults: float = 0.0,
        span: int = 0,
        budget: int = 0,
        window: float = 60.0,
    ) -> None:
        self.clock = clock
        self.auto, self.faults, self.span = auto, faults, span
        self.budget, self.window = budget, window
        self.random = random.Random(seed)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.agents: set[str] = set()
        self.script: list[str] = []
        self.late: dict[str, float] = {}
        self.reread: dict[str, float] = {}
        self.gone: set[str] = set()
        self.rules: dict[str, list[dict]] = {}
        self._spent: list[float] = []
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, dict]] = {"posts": {}, "comments": {}}
        self._order: dict[str, dict[str, list[tuple[int, int, str]]]] = {}
        self._threads: dict[str, list[str]] = defaultdict(list)
        for kind, rows in (("posts", posts), ("comments", comments)):
            self._order[kind] = defaultdict(list)
            for row in rows:
                self.add(kind, row)

    @classmethod
    def of_dumps(
        cls, folder: Path, names: Iterable[str], *, newest: int = 0, **options: Any
    ) -> "ArchiveServer":
        """Serves NAME_comments.zst and NAME_submissions.zst.

        Args:
          folder: where they lie.
          names: of subreddits.
          newest: the second to which the newest item is moved, and all others with it; 0: none is.
          options: of the server.
        """
        rows: dict[str, list[dict]] = {"submissions": [], "comments": []}
        for name in names:
            for kind, found in rows.items():
                found += read_dump(folder / f"{name}_{kind}.zst")
        every = [row for found in rows.values() for row in found]
        last = max(int(row["created_utc"]) for row in every)
        for row in every if newest else ():
            for key in ("created_utc", "retrieved_on"):
                if row.get(key):
                    row[key] = int(row[key]) + newest - last
        return cls(rows["submissions"], rows["comments"], **options)

    def add(self, kind: str, row: dict) -> None:
        """Takes in one item, or a new state of one."""
        row = {**row, "created_utc": int(row["created_utc"])}
        known = row["id"] in self._rows[kind]
        self._rows[kind][row["id"]] = row
        if not known:
            entry = (row["created_utc"], int(row["id"], 36), row["id"])
            bisect.insort(self._order[kind][row["subreddit"].lower()], entry)
            if kind == "comments":
                self._threads[bare(row["link_id"])].append(row["id"])

    def start(self) -> str:
        """Starts serving; returns the address."""
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "ArchiveServer":
        self.address = self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What an item looks like now
    def seen(self, kind: str, name: str) -> dict | None:
        """The item as the archive has it at this moment; None if it has none."""
        row, now = self._rows[kind].get(name), self.clock()
        if row is None or name in self.gone:
            return None
        created = row["created_utc"]
        if now < max(created, self.late.get(name, 0)):
            return None
        if created < TWICE_SINCE:
            return dict(row)
        first = max(created + 20, int(self.late.get(name, 0)))
        again = self.reread.get(name, created + SECOND_READING)
        if again <= now:
            meta = {"retrieved_2nd_on": int(again), **(row.get("_meta") or {})}
            return {**row, "retrieved_on": first, "_meta": meta}
        fresh = {"score": 1, "num_comments": 0, "locked": False, "stickied": False}
        fresh |= {"over_18": False, "archived": False, "score_hidden": True}
        young = {key: fresh[key] for key in _UPDATED if key in row}
        meta = {k: v for k, v in (row.get("_meta") or {}).items() if k == "note"}
        return {**row, **young, "retrieved_on": first} | ({"_meta": meta} if meta else {})

    # Answers
    def answer(self, path: str, given: dict[str, str]) -> tuple[int, Any]:
        """Returns an HTTP status and what `data` or `error` is to be."""
        parts = path.strip("/").split("/")
        if parts[0] != "api" or len(parts) < 2:
            return 404, "Not found"
        match parts[1:]:
            case [("posts" | "comments") as kind, "search"]:
                return self._search(kind, given)
            case [("posts" | "comments") as kind, "ids"]:
                ids = [bare(name) for name in given.get("ids", "").split(",") if name]
                if not 1 <= len(ids) <= 500:
                    return 400, "'ids' must have between 1 and 500 entries"
                found = (self.seen(kind, name) for name in ids)
                return 200, [row for row in found if row is not None]
            case ["comments", "tree"]:
                return self._tree(given)
            case ["subreddits", "rules"]:
                names = given.get("subreddits", "").lower().split(",")
                found = {name.lower(): rules for name, rules in self.rules.items()}
                return 200, [
                    {"subreddit": name, "rules": found[name], "retrieved_on": 1735689600}
                    for name in names
                    if name in found
                ]
            case ["subreddits", "search"]:
                return 200, self._subreddits(given)
            case ["time_series"]:
                return self._series(given)
        return 404, "Not found"

    def _search(self, kind: str, given: dict[str, str]) -> tuple[int, Any]:
        if unknown := set(given) - _SEARCH - (_POSTS if kind == "posts" else _COMMENTS):
            return 400, f"Unknown parameter '{min(unknown)}'"
        limit, sort = given.get("limit", "25"), given.get("sort", "desc")
        if limit != "auto" and not (limit.isdigit() and 1 <= int(limit) <= 100):
            return 400, "'limit' must be between 1 and 100"
        if sort not in ("asc", "desc"):
            return 400, "'sort' must be one of asc, desc"
        if not given.keys() & {"subreddit", "author", "link_id", "parent_id"}:
            return 400, "At least one of 'author', 'subreddit' is required"
        name = given.get("subreddit", "").lower().removeprefix("r/")
        order = self._order[kind].get(name, [])
        try:
            after, before = (self._time(given.get(key)) for key in ("after", "before"))
        except ValueError as error:
            return 400, str(error)
        low = bisect.bisect_right(order, (after, 1 << 80)) if after is not None else 0
        high = bisect.bisect_left(order, (before, -1)) if before is not None else len(order)
        if self.span and high - low > self.span:
            return 422, "Query timed out"
        size = int(limit) if limit != "auto" else self.random.randint(*self.auto)
        chosen = order[low:high]
        if sort == "desc":
            # Within one second the order is the same from both ends
            chosen = sorted(chosen, key=lambda entry: (-entry[0], entry[1]))
        rows = []
        for _, _, found in chosen:
            row = self.seen(kind, found)
            if row is not None and _fits(row, given):
                rows.append(row)
            if len(rows) == size:
                break
        if fields := given.get("fields"):
            rows = [{k: v for k, v in row.items() if k in fields.split(",")} for row in rows]
        return 200, rows

    def _time(self, text: str | None) -> float | None:
        if not text:
            return None
        if re.fullmatch(r"\d+", text):
            return int(text) / 1000 if int(text) > 10**11 else int(text)
        units = {"s": 1, "min": 60, "hour": HOUR, "h": HOUR, "d": 24 * HOUR, "day": 24 * HOUR}
        units |= {"m": 30 * 24 * HOUR, "year": 365 * 24 * HOUR, "y": 365 * 24 * HOUR}
        if (found := re.fullmatch(r"(\d+)([a-z]+?)s?", text)) and found[2] in units:
            return self.clock() - int(found[1]) * units[found[2]]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"Invalid date '{text}'") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def _tree(self, given: dict[str, str]) -> tuple[int, Any]:
        if unknown := set(given) - {"link_id", "parent_id", "limit", "start_breadth",
                                    "start_depth", "md2html"}:  # fmt: skip
            return 400, f"Unknown parameter '{min(unknown)}'"
        if not given.get("link_id"):
            return 400, "'link_id' is required"
        limit = int(given.get("limit", "50"))
        if not 1 <= limit <= 25_000:
            return 400, "'limit' must be between 1 and 25000"
        rows = [self.seen("comments", name) for name in self._threads[bare(given["link_id"])]]
        below: dict[str, list[dict]] = defaultdict(list)
        for row in sorted(filter(None, rows), key=lambda row: row["created_utc"]):
            below[bare(row["parent_id"])].append(row)
        root = bare(given.get("parent_id") or given["link_id"])
        shown: set[str] = set()
        level = [root]
        while level and len(shown) < limit:
            level = [row["id"] for name in level for row in below[name]]
            shown |= set(level[: limit - len(shown)])
        return 200, self._branches(root, below, shown)

    def _branches(self, root: str, below: dict[str, list[dict]], shown: set[str]) -> list[dict]:
        things = []
        for row in below[root]:
            if row["id"] in shown:
                children = self._branches(row["id"], below, shown)
                listing = {"kind": "Listing", "data": {"children": children}}
                things.append(
                    {"kind": "t1", "data": {**row, "replies": listing if children else ""}}
                )
        if hidden := [row["id"] for row in below[root] if row["id"] not in shown]:
            more = {"children": hidden, "count": len(hidden), "parent_id": root}
            things.append({"kind": "more", "data": more})
        return things

    def _subreddits(self, given: dict[str, str]) -> list[dict]:
        name = given.get("subreddit", "").lower().removeprefix("r/")
        counts = {kind: len(self._order[kind].get(name, [])) for kind in _KIND}
        if not any(counts.values()):
            return []
        meta = {f"num_{kind}": count for kind, count in counts.items()}
        return [{"display_name": name, "subscribers": 1000, "over18": False, "_meta": meta}]

    def _series(self, given: dict[str, str]) -> tuple[int, Any]:
        found = re.fullmatch(r"r/([^/]+)/(posts|comments)/count", given.get("key", ""))
        steps = {"month": "%Y-%m", "day": "%Y-%m-%d", "year": "%Y"}
        if not found or given.get("precision") not in steps:
            return 400, "Invalid key or precision"
        after, before = (self._time(given.get(key)) for key in ("after", "before"))
        counts: dict[int, int] = defaultdict(int)
        # Counted with some delay
        newest = min(self.clock() - 6 * HOUR, before or self.clock())
        for created, _, _ in self._order[found[2]].get(found[1].lower(), []):
            if (after or 0) <= created < newest:
                moment = datetime.fromtimestamp(created, UTC)
                start = datetime.strptime(
                    moment.strftime(steps[given["precision"]]), steps[given["precision"]]
                )
                counts[int(start.replace(tzinfo=UTC).timestamp())] += 1
        return 200, [{"date": date, "value": count} for date, count in sorted(counts.items())]

    # Moods
    def fault(self) -> str:
        """Returns how this request is to fail, or ""."""
        with self._lock:
            if self.script:
                return self.script.pop(0)
            return self.random.choice(FAULTS) if self.random.random() < self.faults else ""

    def headers(self) -> tuple[bool, dict[str, str]]:
        """Returns whether the budget allows this request, and the headers that say so."""
        if not self.budget:
            return True, {"X-RateLimit-Remaining": "1000", "X-RateLimit-Reset": "60"}
        with self._lock:
            now = self.clock()
            self._spent = [when for when in self._spent if when > now - self.window]
            allowed = len(self._spent) < self.budget
            if allowed:
                self._spent.append(now)
            reset = self._spent[0] + self.window - now if self._spent else 0
            left = self.budget - len(self._spent)
        return allowed, {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": f"{reset:.0f}"}


def _fits(row: dict, given: dict[str, str]) -> bool:
    if "author" in given and row["author"].lower() != given["author"].lower():
        return False
    if "link_id" in given and bare(row["link_id"]) != bare(given["link_id"]):
        return False
    return "parent_id" not in given or bare(row["parent_id"]) == bare(given["parent_id"])


def bare(name: str) -> str:
    """Returns an id without its prefix."""
    return name[3:] if name[:3] in ("t1_", "t3_") else name


def read_dump(path: Path) -> Iterator[dict]:
    """Yields the rows of a dump file; lines that are no JSON are left out."""
    for block in blocks(path):
        for line in block.splitlines():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(row, dict):
                yield row


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that was killed says no good-bye."""


def _handler(server: ArchiveServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            """Tests read `requests` instead."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            given = dict(parse_qsl(url.query, keep_blank_values=True))
            server.requests.append((url.path, given))
            server.agents.add(self.headers.get("User-Agent", ""))
            allowed, headers = server.headers()
            fault = server.fault() or ("" if allowed else "429")
            match fault:
                case "query":
                    return self._error(422, "Query timed out", headers)
                case "maybe":
                    return self._error(422, "Timeout. Maybe slow down a bit", headers)
                case "slow":
                    return self._error(200, "Slow down a little", headers)
                case "429":
                    waits = {"X-RateLimit-Remaining": "0"}
                    return self._error(429, "Too many requests", {**headers, **waits})
                case "500":
                    return self._error(500, "Internal server error", headers)
                case "502" | "html":
                    status = 502 if fault == "502" else 200
                    return self._send(status, b"<html>Bad gateway</html>", headers, "text/html")
                case "redirect":
                    elsewhere = {"Location": "http://127.0.0.2:9/"}
                    return self._send(302, b"", {**headers, **elsewhere})
                case "drop":
                    return self._reset()
            with server._lock:
                status, found = server.answer(url.path, given)
            if status != 200:
                return self._error(status, found, headers)
            body = json.dumps({"data": found}).encode()
            if fault == "cut":
                self._send(200, body[: len(body) // 2], headers, length=len(body))
                return self._reset()
            return self._send(200, body, headers)

        def _error(self, status: int, text: str, headers: dict[str, str]) -> None:
            self._send(status, json.dumps({"data": None, "error": text}).encode(), headers)

        def _send(
            self,
            status: int,
            body: bytes,
            headers: dict[str, str],
            kind: str = "application/json",
            length: int | None = None,
        ) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def _reset(self) -> None:
            self.close_connection = True
            # A reset instead of a good-bye, as a server that died sends
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    return Handler
