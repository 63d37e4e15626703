"""A local Reddit over HTTP for the demo and tests: PRAW uses it unchanged, and its state lasts."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from botlib import tables
from botlib.errors import BotlibError
from botlib.sandbox.api import Account, Faults, application
from botlib.sandbox.state import SandboxState
from botlib.workspace import Workspace

# A few posts would do for a demo; forty make a page worth reading
THREADS = 40
# The seed of made-up threads, where there are no others
SAMPLE_SEED = 2020
_HOUR = 3600.0


class Sandbox:
    """A made-up Reddit at 127.0.0.1, with one account, `sandbox_bot`.

    Args:
      folder: of its state; None keeps it in memory.
      port: 0 takes a free one.
      clock: seconds since 1970, UTC.
      hang_seconds: how long a "hang" fault keeps its client waiting.

    Attributes:
      state: posts, comments, messages; `state.add_post`, `state.add_comment`, `state.change`.
      faults: a function (method, path) -> name of a fault or None; see `faults.py`.
      rate_limit: the headers' values: requests remaining, used, seconds to reset.
      disorder: changes the order of the listing of an account's comments.
      lag: seconds until a new reply of the bot shows in threads and histories.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        hang_seconds: float = 30.0,
    ) -> None:
        self.folder = Path(folder) if folder else None
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.account = Account()
        self.faults: Faults | None = None
        self.rate_limit = (999, 1, 1)
        self.lag = 0.0
        self.disorder: Callable[[list[dict]], list[dict]] = lambda things: things
        self._port = port
        self._hang = threading.Event()
        self._hang_seconds = hang_seconds
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.state = self._new_state()

    def _new_state(self) -> SandboxState:
        return SandboxState(self.folder and self.folder / "sandbox.sqlite3", self.clock)

    @classmethod
    def from_workspace(
        cls,
        workspace: Workspace,
        subreddits: Sequence[str],
        *,
        threads: int = THREADS,
        seed: int = 2020,
        port: int = 0,
    ) -> "Sandbox":
        """Returns a sandbox in the workspace, with threads no model was trained on.

        Args:
          workspace: `raw_data` is read, the folder `sandbox` is written. Without `raw_data`, as
            after importing models, the threads are made up.
          subreddits: each without posts gets up to `threads` threads of the test split.
          threads: for each subreddit.
          seed: of their ages; each thread is moved to the last hours.
          port: 0 takes a free one.

        Raises:
          BotlibError: none of the subreddits has a thread in `raw_data`.
        """
        sandbox = cls(workspace.sandbox, port=port)
        empty_subreddits = [name for name in subreddits if not sandbox.state.posts(name)]
        if empty_subreddits:
            _seed(sandbox.state, _test_threads(workspace, empty_subreddits), threads, seed)
        if subreddits and not any(sandbox.state.posts(name) for name in subreddits):
            sandbox.state.close()
            raise BotlibError(
                f"{workspace.raw_data} holds no test thread of {', '.join(subreddits)}: "
                "check the subreddits' names, or run 01_data for them first"
            )
        return sandbox

    # Running
    def start(self) -> str:
        """Starts serving in a thread.

        Returns:
          The site's address, such as http://127.0.0.1:40123.

        Raises:
          BotlibError: the port is taken.
        """
        if self._server is not None:
            return self.url
        app = application(
            lambda: self.state,
            self.account,
            lambda: self.faults,
            lambda: self.rate_limit,
            self._hang,
            self._hang_seconds,
            lambda: self.lag,
            lambda things: self.disorder(things),
        )
        try:
            self._server = make_server(
                "127.0.0.1", self._port, app, threaded=True, request_handler=_QuietHandler
            )
        except (OSError, SystemExit) as error:
            # werkzeug prints advice and exits if the port is taken
            raise BotlibError(
                f"port {self._port} is taken: choose another, or 0 for a free one"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            # The default would delay a stop by half a second
            target=lambda: self._server.serve_forever(poll_interval=0.01),
            name="sandbox",
            daemon=True,
        )
        self._thread.start()
        return self.url

    @property
    def url(self) -> str:
        if self._server is None:
            raise BotlibError("the sandbox is not running: call start() first")
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stops serving; the state stays in its folder."""
        self._hang.set()
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None
        self._hang.clear()

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reset(self) -> None:
        """Deletes everything; only for a sandbox in memory."""
        if self.folder is not None:
            raise BotlibError(f"delete {self.folder} to reset this sandbox")
        self.state.close()
        self.state = self._new_state()

    # Records of requests
    @property
    def counts(self) -> dict[str, int]:
        """Numbers of requests: "requests", "replies", "POST /api/comment" and so on."""
        return self.state.counts()

    @property
    def writes(self) -> int:
        """POSTs that would change the site: all but those for a token or for more comments."""
        reading = ("POST /api/v1/access_token", "POST /api/morechildren")
        return sum(
            number
            for name, number in self.counts.items()
            if name.startswith("POST ") and name not in reading
        )

    def replies(self) -> pd.DataFrame:
        """Returns the bot's replies: subreddit, post_id, comment_id, reply_id, reply, url."""
        own_comments = self.state.written_by(self.account.name)
        return pd.DataFrame(
            [
                {
                    "subreddit": comment["subreddit"],
                    "post_id": comment["link_id"].removeprefix("t3_"),
                    "comment_id": comment["parent_id"].removeprefix("t1_"),
                    "reply_id": comment["id"],
                    "reply": comment["body"],
                    "url": comment["permalink"],
                }
                for comment in reversed(own_comments)
            ],
            columns=["subreddit", "post_id", "comment_id", "reply_id", "reply", "url"],
        )


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the client's connection open

    def log(self, type: str, message: str, *args: Any) -> None:
        logging.getLogger(__name__).debug(message, *args)


def _test_threads(workspace: Workspace, subreddits: Sequence[str]) -> pd.DataFrame:
    """The raw rows of the test split's threads in those subreddits, made up if there are none."""
    from botlib.data.pairs.splits import split_of

    names = {name.lower() for name in subreddits}
    months = sorted(workspace.raw_data.glob("myreddit_*.csv"))
    if not months:
        from botlib.data.sample import threads

        return threads.of_test_split(subreddits, seed=SAMPLE_SEED)
    frames = []
    for month in months:
        raw = tables.read_table(month, tables.RAW)
        raw = raw[raw["subreddit"].str.lower().isin(names)]
        frames.append(raw[split_of(raw["submission_id"]) == "test"])
    return pd.concat(frames, ignore_index=True)


def _seed(state: SandboxState, raw: pd.DataFrame, threads: int, seed: int) -> None:
    """Adds the liveliest threads, moved so that each began some hours ago."""
    now = state.clock()
    with state.transaction():
        for subreddit, rows in raw.groupby("subreddit", sort=True):
            sizes = rows.groupby("submission_id")["reply_id"].nunique()
            chosen = sizes.sort_values(ascending=False, kind="stable").index[:threads]
            for number, (_, thread) in enumerate(rows.groupby("submission_id", sort=False)):
                if thread["submission_id"].iloc[0] in chosen:
                    began = now - _HOUR * (2 + (number * 7 + seed) % 9)
                    _add_thread(state, subreddit, thread, began, now)


def _add_thread(
    state: SandboxState, subreddit: str, thread: pd.DataFrame, began: float, now: float
) -> None:
    first_row = thread.iloc[0]
    times = pd.concat([thread["comment_created_utc"], thread["reply_created_utc"]]).dropna()
    oldest = float(times.min()) if len(times) else 0.0
    # Days of comments are squeezed between the post and a quarter of an hour ago
    time_scale = (
        min(1.0, (now - _HOUR / 4 - began) / max(float(times.max()) - oldest, 1.0)) if oldest else 0
    )

    def moved_time(time_: Any) -> float:
        return began + 60 + (0.0 if pd.isna(time_) else (float(time_) - oldest) * time_scale)

    post = state.add_post(
        subreddit,
        first_row["title"],
        id=first_row["submission_id"],
        selftext=first_row["submission"],
        author=first_row["submission_author"],
        score=_int_score(first_row["submission_score"]),
        created_utc=began,
        num_comments=int(thread["comment_id"].nunique() + thread["reply_id"].nunique()),
    )
    names_by_id = {}
    for kind, parent in (("comment", None), ("reply", "comment_id")):
        for row in thread.drop_duplicates(f"{kind}_id").to_dict("records"):
            if row[f"{kind}_id"] in names_by_id:
                continue
            parent_name = post["name"] if parent is None else names_by_id[row[parent]]
            names_by_id[row[f"{kind}_id"]] = state.add_comment(
                parent_name,
                row[kind],
                id=row[f"{kind}_id"],
                author=row[f"{kind}_author"],
                score=_int_score(row[f"{kind}_score"]),
                created_utc=moved_time(row[f"{kind}_created_utc"]),
            )["name"]


def _int_score(number: Any) -> int:
    return 1 if pd.isna(number) else int(number)
