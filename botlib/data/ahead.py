"""Work done ahead by threads, its results taken in order, a few at a time."""

import collections
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from botlib.cores import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


# More would not make the disk faster, and each holds some memory.
_WORKERS = min(4, cores())


def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    stop: threading.Event | None = None,
    room: int = _WORKERS,
) -> Iterator[Result]:
    """Yield function(item) for each item, in order; a few run at a time, in threads.

    Unlike `Executor.map` it takes an item only when there is room for its result, so that no more
    than a few are in memory.

    Args:
      function: what to do with an item; it should spend its time outside of Python.
      items: taken one by one; a generator is closed with this one.
      stop: set as soon as the caller stops or a function fails, for what runs to end early.
      room: results that may wait for one before them.
    """
    waiting: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > room:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            if stop:
                stop.set()
            for one in waiting:
                one.cancel()
            # Else what it reads from stays open as long as an error that is on its way is kept.
            if close := getattr(items, "close", None):
                close()
