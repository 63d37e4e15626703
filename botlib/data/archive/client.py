"""The archive's HTTP API: at most two requests a second, retries, errors in one clear line."""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import tenacity

import botlib
from botlib.errors import BotlibError

ADDRESS = "https://arctic-shift.photon-reddit.com"
DUMPS = "https://github.com/ArthurHeitmann/arctic_shift/blob/master/download_links.md"
STATUS = "https://status.arctic-shift.photon-reddit.com"
WISHES = (
    "Arctic Shift is a free service that one person runs: botlib asks it at most twice a second, "
    f"and takes no more than it needs; for millions of items use the dumps ({DUMPS})"
)
# "A couple of requests per second" is what its author asks for
PACE = 0.5
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces of an answer
IDS = 500  # that one request may ask for
# A page that is shorter than this is the last one: what `limit=auto` gives at least
FULL_PAGE = 100
_TRIES, _TRIES_OF_A_QUERY = 8, 3
_LONGEST_WAIT = 120.0
_KINDS = ("posts", "comments")


class ArchiveError(BotlibError):
    """The archive can't be read now, or has an objection."""


class TimedOut(ArchiveError):
    """The query took the archive too long: ask for a shorter time."""


class _Again(Exception):
    """An answer that is worth another try.

    Attributes:
      wait: seconds that the archive asked for; 0 if it didn't.
      query: it says that the query took too long.
    """

    def __init__(self, what: str, wait: float = 0.0, query: bool = False) -> None:
        super().__init__(what)
        self.wait, self.query = wait, query


class Archive:
    """Reads the archive; needs no key, sends nothing but the question.

    Args:
      address: BOTLIB_ARCHIVE_URL by default, else the public archive.
      contact: an e-mail address or link where its author can reach you, for the user agent;
        BOTLIB_CONTACT by default.
      sleep: waits for so many seconds.
      clock: seconds, of any beginning.
      pace: seconds between two requests; by default PACE, and 0 for a stand-in on this machine.

    Attributes:
      requests_made: HTTP requests so far.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        contact: str = "",
        sleep: Callable[[float], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pace: float | None = None,
    ) -> None:
        self.address = (address or os.environ.get("BOTLIB_ARCHIVE_URL") or ADDRESS).rstrip("/")
        self.requests_made = 0
        self._sleep = sleep or (lambda seconds: time.sleep(seconds))
        self._clock = clock
        self._next = 0.0
        self._http = requests.Session()
        self._http.headers["User-Agent"] = user_agent(contact)
        local = urlsplit(self.address).hostname in ("127.0.0.1", "localhost", "::1")
        # A proxy of the environment can't reach this machine, and nobody has to be spared here
        self._http.trust_env = not local
        self._pace = (0.0 if local else PACE) if pace is None else pace

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What there is
    def search(
        self,
        kind: str,
        subreddit: str,
        *,
        after: int,
        before: int,
        sort: str = "asc",
        limit: int | str = "auto",
    ) -> list[dict[str, Any]]:
        """Returns posts or comments between two seconds, both left out, in order of time.

        All fields come: those that `fields=` can select leave out `_meta`, which says when the
        score was read and whether the text was deleted since, and `is_self`.

        Args:
          kind: "posts" or "comments".
          subreddit: its name.
          after: seconds since 1970.
          before: seconds since 1970.
          sort: "asc" or "desc".
          limit: 1 to 100, or "auto" for 100 to 1,000 as the archive can.

        Raises:
          TimedOut: the time is too long for the archive.
          ArchiveError: it can't be read now.
        """
        query = {"subreddit": subreddit, "after": after, "before": before, "sort": sort}
        return self._rows(f"{_checked(kind)}/search", **query, limit=limit)

    def by_ids(self, kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Returns posts or comments by their ids (without prefix); unknown ones are missing."""
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), IDS):
            rows += self._rows(f"{_checked(kind)}/ids", ids=",".join(ids[start : start + IDS]))
        return rows

    def tree(self, post_id: str, limit: int = 9999) -> list[dict[str, Any]]:
        """Returns a thread's comments as Reddit nests them: things with `kind` and `data`."""
        # Without the prefix some threads are said to time out
        return self._rows("comments/tree", link_id=f"t3_{post_id}", limit=limit)

    def rules(self, subreddits: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Returns the rules of subreddits, by name in lower case; unknown ones are missing.

        A rule has a `short_name`, a `description` and more, as Reddit gives them.
        """
        rows = self._rows("subreddits/rules", subreddits=",".join(subreddits))
        return {str(row.get("subreddit")).lower(): row.get("rules") or [] for row in rows}

    def about(self, subreddit: str) -> dict[str, Any]:
        """Returns what the archive knows of a subreddit; {} if there is none of that name."""
        rows = self._rows("subreddits/search", subreddit=subreddit, limit=1)
        return rows[0] if rows else {}

    def volume(self, kind: str, subreddit: str, after: int) -> list[tuple[int, int]]:
        """Returns (first second, items) of each day of a subreddit, in order."""
        key = f"r/{subreddit}/{_checked(kind)}/count"
        rows = self._rows("time_series", key=key, precision="day", after=after)
        return sorted((_second(row["date"]), int(row["value"])) for row in rows)

    # How it is asked
    def get(self, path: str, **query: Any) -> Any:
        """Returns what the archive answers, `data` alone.

        Raises:
          TimedOut: the query takes too long, several times over.
          ArchiveError: it can't be reached, or refuses the question.
        """
        tries = tenacity.Retrying(
            sleep=self._sleep,
            wait=_wait,
            stop=_enough,
            retry=tenacity.retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            return tries(self._once, path, query)
        except _Again as error:
            kind = TimedOut if error.query else ArchiveError
            raise kind(
                f"the archive at {self.address} gave no answer to {path} ({error}): run this "
                f"again later, it goes on from here ({STATUS} says how it is)"
            ) from None

    def _once(self, path: str, query: Mapping[str, Any]) -> Any:
        if (wait := self._next - self._clock()) > 0:
            self._sleep(wait)
        self._next = self._clock() + self._pace
        self.requests_made += 1
        try:
            # Elsewhere than asked nobody is contacted
            answer = self._http.get(
                f"{self.address}/api/{path}", params=query, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise _Again(type(error).__name__) from None
        asked = _asked_wait(answer.headers)
        if answer.headers.get("X-RateLimit-Remaining") == "0":
            self._next = self._clock() + max(self._pace, asked)
        try:
            body = answer.json()
        except requests.exceptions.JSONDecodeError:
            body = None
        text = str(body.get("error") or "") if isinstance(body, dict) else ""
        if answer.status_code == 200 and isinstance(body, dict) and body.get("data") is not None:
            return body["data"]
        if answer.status_code == 429 or "slow down" in text.lower():
            reason = text or "too many requests"
            raise _Again(reason, asked, query="timeout" in text.lower())
        if re.search(r"time(d)? ?out", text, re.I):
            raise _Again(text, query=True)
        if answer.status_code >= 500 or (answer.status_code == 200 and not text):
            raise _Again(f"HTTP {answer.status_code}")
        reason = text or f"HTTP {answer.status_code}"
        raise ArchiveError(f"the archive at {self.address} refuses {path}: {reason}")

    def _rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        rows = self.get(path, **query)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ArchiveError(f"the archive at {self.address} answered {path} with no list")
        return rows


def user_agent(contact: str = "") -> str:
    """Returns what botlib calls itself: version, purpose, and whom to write to."""
    who = contact or os.environ.get("BOTLIB_CONTACT") or "https://github.com/YOUR-NAME/botlib"
    return f"botlib/{botlib.__version__} (reads a few subreddits; contact: {who})"


def _checked(kind: str) -> str:
    if kind not in _KINDS:
        raise BotlibError(f"the archive has posts and comments, not {kind!r}")
    return kind


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds before another try: what was asked for, or longer each time."""
    error = state.outcome.exception()
    return min(max(error.wait, 2.0 ** (state.attempt_number - 1)), _LONGEST_WAIT)


def _enough(state: tenacity.RetryCallState) -> bool:
    # The database may need to warm up; what is too much for it stays too much
    tries = _TRIES_OF_A_QUERY if state.outcome.exception().query else _TRIES
    return state.attempt_number >= tries


def _asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds the archive asks to wait, whether it names seconds or a moment."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        try:
            seconds = float(headers.get(name, ""))
        except ValueError:
            continue
        return max(0.0, seconds - time.time() if seconds > 10**9 else seconds)
    return 0.0


def _second(date: Any) -> int:
    if isinstance(date, int | float):
        return int(date)
    moment = datetime.fromisoformat(str(date))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
