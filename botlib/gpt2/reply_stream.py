"""Replies in the order in which they end, out of CTranslate2's worker threads."""

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import ClassVar

Reply = tuple[list[int], float]  # token ids with the end token if reached, log prob


class ReplyStream:
    """Collects the tokens of replies that are written side by side; `close` it in the end."""

    _open: ClassVar["weakref.WeakSet[ReplyStream]"] = weakref.WeakSet()

    def __init__(self) -> None:
        self._ended: SimpleQueue[Reply] = SimpleQueue()
        self._closed = threading.Event()
        self._collectors: list[weakref.ref] = []
        self._open.add(self)

    def collector(self) -> Callable:
        """Returns what CTranslate2 is to call for each token of one prompt's replies."""
        replies: dict[int, list[tuple[int, float]]] = {}
        ended, closed = self._ended, self._closed

        def collect(step) -> bool:
            tokens = replies.setdefault(step.hypothesis_id, [])
            tokens.append((step.token_id, step.log_prob))
            if step.is_last:
                ended.put(([token for token, _ in tokens], sum(log_prob for _, log_prob in tokens)))
            return closed.is_set()

        self._collectors.append(weakref.ref(collect))
        return collect

    def read(self, jobs: list, n: int) -> Iterator[list[Reply]]:
        """Yields what ended since the last time, until there are n replies.

        Args:
          jobs: what `generate_batch` returned, asynchronous.
          n: replies that all of them write together.

        Raises:
          RuntimeError: what CTranslate2 raised.
        """
        while n:
            all_done = all(job.done() for job in jobs)
            try:
                drawn = [self._ended.get(timeout=0.1)]
            except Empty:
                if all_done:
                    for job in jobs:
                        job.result()  # raises what went wrong
                    raise RuntimeError("fewer replies came than were asked for") from None
                continue
            while not self._ended.empty():
                drawn.append(self._ended.get())
            n -= len(drawn)
            yield drawn

    def close(self) -> None:
        """Ends what is half written at its next token, and waits until no worker calls Python.

        A Python that ends while a worker still holds one of its functions is aborted.
        """
        self._closed.set()
        while any(collector() is not None for collector in self._collectors):
            time.sleep(0.001)
        self._open.discard(self)

    @classmethod
    def close_all(cls) -> None:
        """Closes what nobody reads to its end any more."""
        for stream in list(cls._open):
            stream.close()


atexit.register(ReplyStream.close_all)
