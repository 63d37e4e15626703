"""Stops the bot within two seconds, by a signal or the stop switch, whatever it waits for."""

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
POLL_SECONDS = 0.1
# After a stop, seconds for the answer to a request that was sent
ANSWER_SECONDS = 1.0
# Seconds after a signal until a process that hasn't ended is killed
END_SECONDS = 1.7


class Stopped(BotlibError):
    """The bot was told to stop; its current step is left unfinished."""


class Stop:
    """Whether the bot must stop; all waits of the bot go through this class.

    Args:
      switch: the stop switch, a file; while it exists nothing is posted. None: no switch.
    """

    def __init__(self, switch: Path | None = None) -> None:
        self.switch = switch
        self._told = threading.Event()

    def tell(self) -> None:
        """Tells the process to stop, for good."""
        self._told.set()

    def told(self) -> bool:
        """Returns whether the process was told to stop."""
        return self._told.is_set()

    def switched(self) -> bool:
        """Returns whether the stop switch exists; a dangling link counts."""
        return self.switch is not None and os.path.lexists(self.switch)

    def check(self) -> None:
        """Raises Stopped if nothing may be sent any more."""
        if self.told():
            raise Stopped("told to stop")
        if self.switched():
            raise Stopped(f"the stop switch is on: {self.switch}")

    def wait(self, seconds: float) -> None:
        """Waits for some seconds; a stop ends the wait.

        Raises:
          Stopped: told to, or the stop switch appeared during the wait. A switch from before
            doesn't end it: the bot still reads and proposes.
        """
        check_changed = self._watch()
        # Counted, not measured: a jump of the clock must not make a wait endless
        while seconds > 0:
            check_changed()
            time.sleep(min(POLL_SECONDS, seconds))
            seconds -= POLL_SECONDS
        check_changed()

    def call(
        self,
        function: Callable[[], Any],
        *,
        sends: bool = False,
        at_most: float = threading.TIMEOUT_MAX,
    ) -> Any:
        """Runs a function in a separate thread and returns its result; a stop abandons it.

        Args:
          function: may block, for instance in a network connection.
          sends: it changes something: after a stop its answer gets a moment longer.
          at_most: the most seconds.

        Raises:
          Stopped: the function is abandoned; its effect is unknown.
          TimeoutError: the same, after `at_most` seconds.
        """
        check_changed = self.check if sends else self._watch()
        done = threading.Event()
        outcome: list[Any] = []

        def run_function() -> None:
            try:
                outcome.append((function(), None))
            except BaseException as error:  # noqa: BLE001 - raised again by the caller
                outcome.append((None, error))
            finally:
                done.set()

        check_changed()
        threading.Thread(target=run_function, name="request", daemon=True).start()
        deadline = time.monotonic() + at_most
        while not done.wait(POLL_SECONDS):
            if time.monotonic() > deadline:
                raise TimeoutError
            try:
                check_changed()
            except Stopped:
                if not (sends and done.wait(ANSWER_SECONDS)):
                    raise
        answer, error = outcome[0]
        if error is not None:
            raise error
        return answer

    def _watch(self) -> Callable[[], None]:
        switched_before = self.switched()

        def check_changed() -> None:
            if self.told() or not switched_before:
                self.check()

        return check_changed

    @contextlib.contextmanager
    def on_signals(self, ended: Callable[[], Any] = lambda: None) -> Iterator[None]:
        """Stops on SIGTERM and SIGINT; a process that doesn't end by itself is killed.

        This is safe at any point: the outbox survives kill -9.

        Args:
          ended: called before the process is killed.
        """
        numbers = (signal.SIGTERM, signal.SIGINT)
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        finished = threading.Event()

        def end_on_signal() -> None:
            # Python delays its handlers until a step of Python ends; this thread wakes at once
            while (received := reader.recv(1)) and received[0] not in numbers:
                continue
            if not received:
                return
            self.tell()
            if not finished.wait(END_SECONDS):
                threading.Thread(target=ended, daemon=True).start()
                time.sleep(POLL_SECONDS)
                os._exit(0)

        thread = threading.Thread(target=end_on_signal, name="signals", daemon=True)
        handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        previous_descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            signal.set_wakeup_fd(previous_descriptor)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            writer.close()
            thread.join(1.0)
            reader.close()
