"""Whether a bot runs, what it does now, and its last rounds: stored in the outbox for the page."""

import contextlib
import dataclasses
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from botlib.errors import BotlibError
from botlib.live.outbox import lookups
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, PROPOSED
from botlib.live.reddit.client import Client
from botlib.settings import PostSettings
from botlib.workspace import Workspace

ROUNDS_KEPT = 12
# Seconds after which a silent bot counts as dead, if its process can't be seen
_SILENCE = 3600.0
ROUND, REST, ENDED = "round", "rest", "ended"


@dataclasses.dataclass(frozen=True)
class Beat:
    """A bot's last report of itself; times are seconds since 1970, UTC.

    Attributes:
      state: "round", "rest" (until the next round) or "ended".
      since: when this state began.
      until: when the next round is due; 0 if it isn't known.
      host: its machine.
      pid: its process there.
      dry_run: it posts nothing.
      allowed: the subreddits it may post to.
      per_day: the most replies a day; 0: no limit.
      requests_left: requests that Reddit still allows in its window; None if it didn't say.
      rounds: the last ones: began, seconds, proposed, posted, error; the newest last.
    """

    state: str
    since: float
    until: float
    host: str
    pid: int
    dry_run: bool
    allowed: str
    per_day: int
    requests_left: int | None
    rounds: tuple[Mapping[str, Any], ...]

    def alive(self, now: float) -> bool:
        """Returns whether the bot still runs, as far as this machine can tell."""
        if self.state == ENDED:
            return False
        if self.host == socket.gethostname():
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return False
            except OSError:
                pass
            return True
        return now < max(self.since, self.until) + _SILENCE


class Heartbeat:
    """Records what the bot does; a bot that can't write it goes on.

    Args:
      workspace: its outbox.
      reddit: its client.
      post: its settings of 06, for the page.
    """

    def __init__(self, workspace: Workspace, reddit: Client, post: PostSettings) -> None:
        self.workspace, self.reddit, self.post = workspace, reddit, post
        self._rounds: list[dict[str, Any]] = []
        self._began = 0.0
        with contextlib.suppress(BotlibError), Outbox(workspace.outbox) as outbox:
            if (last := read(outbox, reddit.site)) is not None:
                self._rounds = [dict(past_round) for past_round in last.rounds]

    def begins(self) -> None:
        """Records that a round begins."""
        with contextlib.suppress(BotlibError), Outbox(self.workspace.outbox) as outbox:
            self._began = outbox.clock()
            self._write(outbox, ROUND, 0.0)

    def rests(self, seconds: float, error: str = "") -> None:
        """Records that a round is over.

        Args:
          seconds: until the next round.
          error: why the round failed, in one line; "" if it didn't.
        """
        with contextlib.suppress(BotlibError), Outbox(self.workspace.outbox) as outbox:
            self._close_round(outbox, error)
            self._write(outbox, REST, outbox.clock() + seconds)

    def ends(self, error: str = "") -> None:
        """Records that the bot ends."""
        with contextlib.suppress(BotlibError), Outbox(self.workspace.outbox) as outbox:
            self._close_round(outbox, error)
            self._write(outbox, ENDED, 0.0)

    def _close_round(self, outbox: Outbox, error: str) -> None:
        if not self._began:
            return
        counts = lookups.done_since(outbox, self.reddit.site, self._began)
        self._rounds.append(
            {
                "began": self._began,
                "seconds": outbox.clock() - self._began,
                "proposed": counts[PROPOSED],
                "posted": counts[POSTED],
                "error": error,
            }
        )
        self._began = 0.0

    def _write(self, outbox: Outbox, state: str, until: float) -> None:
        self._rounds = self._rounds[-ROUNDS_KEPT:]
        beat = {
            "state": state,
            "since": outbox.clock(),
            "until": until,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "dry_run": self.post.dry_run is not False,
            "allowed": self.post.allowed_subreddits,
            "per_day": self.post.max_per_day,
            "requests_left": self.reddit.requests_left,
            "rounds": self._rounds,
        }
        outbox.execute(
            "INSERT OR REPLACE INTO about VALUES (?, ?)", _key(self.reddit.site), json.dumps(beat)
        )


def read(outbox: Outbox, site: str) -> Beat | None:
    """Returns the last report of a site's bot, or None if no bot ran here."""
    rows = outbox.execute("SELECT value FROM about WHERE key = ?", _key(site))
    if not rows:
        return None
    beat = json.loads(rows[0][0])
    return Beat(**beat | {"rounds": tuple(beat["rounds"])})


def _key(site: str) -> str:
    return f"bot: {site}"
