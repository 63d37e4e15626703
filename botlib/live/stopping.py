"""Stops the bot within two seconds, whatever it waits for: a signal, or the stop switch."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError

# Seconds between two looks at the stop switch
SLICE = 0.1
# A request that was sent may still be answered in so many seconds after a stop
LAST_WORDS = 1.0
# A process that has not ended so many seconds after a signal is ended
PATIENCE = 1.7


class Stopped(BotlibError):
    """The bot was told to stop; what was being done is left as it was."""


class Stop:
    """Whether the bot is to stop. Every wait of the bot is one of this class.

    Args:
      switch: the stop switch, a file; while it exists nothing is posted. None: there is none.
    """

    def __init__(self, switch: Path | None = None) -> None:
        self.switch = switch
        self._told = threading.Event()

    def tell(self) -> None:
        """Stops the process's work; nothing starts it again."""
        self._told.set()

    def told(self) -> bool:
        """Returns whether the process is to end."""
        return self._told.is_set()

    def switched(self) -> bool:
        """Returns whether the stop switch is there; a link that leads nowhere counts."""
        return self.switch is not None and os.path.lexists(self.switch)

    def check(self) -> None:
        """Raises Stopped where nothing may be sent any more."""
        if self.told():
            raise Stopped("told to stop")
        if self.switched():
            raise Stopped(f"the stop switch is on: {self.switch}")

    def wait(self, seconds: float) -> None:
        """Waits; a stop ends it.

        Raises:
          Stopped: told to, or the stop switch appeared meanwhile. One that was there before the
            wait is no news: the bot still reads and proposes.
        """
        changed = self._watch()
        # Counted, not measured: a clock that jumps makes no wait endless
        while seconds > 0:
            changed()
            time.sleep(min(SLICE, seconds))
            seconds -= SLICE
        changed()

    def call(
        self,
        function: Callable[[], Any],
        *,
        sends: bool = False,
        at_most: float = threading.TIMEOUT_MAX,
    ) -> Any:
        """Returns what a function returns, which runs in a thread of its own; a stop abandons it.

        Args:
          function: may block, for instance in a network connection.
          sends: it changes something; then its answer is waited for a moment longer.
          at_most: seconds.

        Raises:
          Stopped: the function is left to itself; what it will do is unknown.
          TimeoutError: the same, after `at_most` seconds.
        """
        changed = self.check if sends else self._watch()
        done = threading.Event()
        outcome: list[Any] = []

        def work() -> None:
            try:
                outcome.append((function(), None))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                outcome.append((None, error))
            finally:
                done.set()

        changed()
        threading.Thread(target=work, name="request", daemon=True).start()
        until = time.monotonic() + at_most
        while not done.wait(SLICE):
            if time.monotonic() > until:
                raise TimeoutError
            try:
                changed()
            except Stopped:
                if not (sends and done.wait(LAST_WORDS)):
                    raise
        answer, error = outcome[0]
        if error is not None:
            raise error
        return answer

    def _watch(self) -> Callable[[], None]:
        before = self.switched()

        def changed() -> None:
            if self.told() or not before:
                self.check()

        return changed

    @contextlib.contextmanager
    def on_signals(self, ended: Callable[[], Any] = lambda: None) -> Iterator[None]:
        """SIGTERM and SIGINT tell it to stop; a process that computes on is ended all the same.

        Everything the bot does may be cut off anywhere: the outbox is made for kill -9.

        Args:
          ended: called before a process is ended that did not end by itself.
        """
        numbers = (signal.SIGTERM, signal.SIGINT)
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        over = threading.Event()

        def wake() -> None:
            # Python runs its handlers between two steps of Python; this thread is woken at once
            while (came := reader.recv(1)) and came[0] not in numbers:
                continue
            if not came:
                return
            self.tell()
            if not over.wait(PATIENCE):
                threading.Thread(target=ended, daemon=True).start()
                time.sleep(SLICE)
                os._exit(0)

        thread = threading.Thread(target=wake, name="signals", daemon=True)
        handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        thread.start()
        try:
            yield
        finally:
            over.set()
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            writer.close()
            thread.join(1.0)
            reader.close()
