"""What the tabs of the page share: the workspace, its site, and one connection to Reddit."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from botlib.live.outbox.queue import Outbox
from botlib.live.reddit.client import Client, connect_to_read
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

# The connection is opened again after this many seconds without a request
_IDLE_SECONDS = 600.0


class Site:
    """One workspace on one site, for many requests at once.

    Args:
      workspace: whose outbox and models the page shows.
      name: "live" or "sandbox".
      generate: how replies are sampled unless a slider says otherwise.
      post: settings of 06.
      clock: seconds since 1970, UTC.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        generate: GenerateSettings,
        post: PostSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.workspace, self.name = workspace, name
        self.generate, self.post, self.clock = generate, post, clock
        # One request to Reddit at a time: PRAW paces them, and isn't thread-safe
        self._lock = threading.Lock()
        self._reddit: Client | None = None
        self._last = 0.0

    def outbox(self) -> Outbox:
        """Returns the outbox, opened for one request."""
        return Outbox(self.workspace.outbox, clock=self.clock)

    @contextlib.contextmanager
    def reddit(self) -> Iterator[Client]:
        """Yields the connection to Reddit, to one request at a time.

        Raises:
          BotlibError: Reddit can't be reached.
        """
        with self._lock:
            if self._reddit is not None and time.monotonic() - self._last > _IDLE_SECONDS:
                self._drop()
            if self._reddit is None:
                self._reddit = connect_to_read(self.name, self.workspace)
            try:
                yield self._reddit
            except BaseException:
                # The next request connects again
                self._drop()
                raise
            finally:
                self._last = time.monotonic()

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._reddit is not None:
            self._reddit.close()
            self._reddit = None
