"""HTTP for PRAW: a reply is sent once, no request lasts for ever, and a stop ends every wait."""

import contextlib
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import praw
import prawcore
import requests
import urllib3
from prawcore.rate_limit import RateLimiter
from prawcore.sessions import FiniteRetryStrategy
from requests.adapters import HTTPAdapter

from botlib.live.outbox.optouts import MAX_PAUSE
from botlib.live.stopping import Stop, Stopped

# Seconds for a connection and for each piece of an answer; prawcore's own default is 16
TIMEOUT = 16.0
# A slow answer is given up after this many time-outs
TIMEOUTS_IN_ALL = 3.0
LOCAL = ("127.0.0.1", "localhost", "::1")


class UnknownOutcome(Exception):
    """A reply was sent and no clear answer came: it may be on Reddit, or not."""


class NotSent(Exception):
    """A reply was not sent: there was no connection to send it over."""


class OnceRequestor(prawcore.Requestor):
    """Counts requests, bounds their time, and never lets a reply be sent a second time.

    prawcore sends a request again after a 5xx, a time-out or a dropped connection, though the
    first may have been carried out. For POST /api/comment such an answer raises UnknownOutcome
    instead, which nobody retries.
    """

    def __init__(
        self, *args: Any, timeout: float = TIMEOUT, stop: Stop | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, timeout=timeout, **kwargs)
        self.stop = stop or Stop()
        self.requests_made = 0
        self.replies_sent = 0
        self._open()

    def _open(self) -> None:
        """Opens a fresh connection pool with the headers of the previous one."""
        session = requests.Session()
        session.headers.update(self._http.headers)
        # A proxy from the environment can't reach this machine
        session.trust_env = urlsplit(self.oauth_url).hostname not in LOCAL
        self._adapter = _Adapter()
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        self._http = session

    def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Sends a request with this requestor's own timeout; the caller's is ignored.

        Raises:
          Stopped: before a reply was sent, or while anything else was asked.
          UnknownOutcome: a reply may have been posted.
          NotSent: a reply was not.
          prawcore.RequestException: there was no answer.
        """
        self.requests_made += 1
        method, url = (str(argument) for argument in args[:2])
        if method.upper() != "POST" or not urlsplit(url).path.rstrip("/").endswith("/api/comment"):
            return self._send(args, kwargs)
        # The last moment: PRAW's waits are over
        self.stop.check()
        self.replies_sent += 1
        try:
            response = self._send(args, kwargs, sends=True)
        except Stopped:
            raise UnknownOutcome("stopped before Reddit answered") from None
        except prawcore.RequestException as error:
            kind = type(error.original_exception).__name__
            if _never_connected(error.original_exception):
                raise NotSent(f"no connection ({kind})") from None
            raise UnknownOutcome(f"no answer ({kind})") from None
        if response.status_code in prawcore.sessions.Session.RETRY_STATUSES | {401}:
            raise UnknownOutcome(f"HTTP {response.status_code}")
        return response

    def _send(self, args: Any, kwargs: Any, sends: bool = False) -> Any:
        http, adapter, total_timeout = self._http, self._adapter, TIMEOUTS_IN_ALL * self.timeout
        send_request, finished = super().request, threading.Event()

        def send_in_thread() -> Any:
            try:
                return send_request(*args, timeout=self.timeout, **kwargs)
            finally:
                finished.set()

        try:
            return self.stop.call(send_in_thread, sends=sends, at_most=total_timeout)
        except TimeoutError:
            error = requests.exceptions.ReadTimeout(f"no whole answer in {total_timeout:g} seconds")
            raise prawcore.RequestException(error, args, kwargs) from None
        finally:
            if not finished.is_set():
                # Its thread may still be connecting: it must not send afterwards
                adapter.abandoned = True
                http.close()
                self._open()


class _Adapter(HTTPAdapter):
    """Sends nothing over a connection that was made after its request was abandoned."""

    abandoned = False

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _AbandonableConnection):
            pool.ConnectionCls = type(
                "Connection", (_AbandonableConnection, pool.ConnectionCls), {"of": self}
            )
        return pool


class _AbandonableConnection:
    """Mixed into urllib3's connections."""

    of: _Adapter

    def connect(self) -> None:
        super().connect()
        if self.of.abandoned:
            self.close()
            raise ConnectionAbortedError("the request was abandoned")


def _never_connected(error: BaseException) -> bool:
    """Whether an error came before a connection, so that nothing can have been sent."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    before = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return isinstance(error, requests.exceptions.ConnectionError) and isinstance(reason, before)


class _Limiter(RateLimiter):
    """prawcore's rate limiter; a stop ends its wait, and no header makes the wait endless."""

    def __init__(self, *, window_size: int, stop: Stop) -> None:
        super().__init__(window_size=window_size)
        self._stop = stop

    def delay(self) -> None:
        if self.next_request_timestamp_ns is not None:
            seconds = (self.next_request_timestamp_ns - time.monotonic_ns()) / 1e9
            self._stop.wait(min(seconds, MAX_PAUSE))

    def update(self, *, response_headers: Any) -> None:
        # A header of "nan" or "soon" must not lose the answer
        with contextlib.suppress(ValueError, OverflowError, KeyError, ZeroDivisionError):
            super().update(response_headers=response_headers)


def make_stoppable(reddit: praw.Reddit, stop: Stop) -> None:
    """Makes prawcore wait as the bot does; its own sleeps ignore a stop."""

    class Retry(FiniteRetryStrategy):
        def sleep(self) -> None:
            stop.wait(self._sleep_seconds() or 0.0)

    for session in (reddit._authorized_core, reddit._read_only_core):
        if session is not None:
            session._rate_limiter = _Limiter(
                window_size=session.rate_limiter.window_size, stop=stop
            )
            session._retry_strategy_class = Retry
