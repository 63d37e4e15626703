"""Access to the page: needs a secret, and refuses other host names and other sites."""

import dataclasses
import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from flask import Request, Response

from botlib.errors import BotlibError
from botlib.terminal import one_line

LEAST_PASSWORD = 12
# After TRIES wrong passwords in a minute, from anywhere, nobody is let in until it is over
TRIES, MINUTE = 5, 60.0
# Only the page's own script can send it: browsers refuse custom headers of other sites
OWN_HEADER = "X-Botlib"
DAY = 86400.0

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class TooManyTries(BotlibError):
    """Wrong passwords came too fast."""


def loopback(host: str) -> bool:
    """Returns whether an address can only be reached from this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclasses.dataclass(frozen=True)
class Session:
    """A browser that was let in.

    Attributes:
      name: who uses it, for the record of approvals; "" if they didn't say.
      since: seconds since 1970.
    """

    name: str
    since: float


class Gate:
    """Lets in people with the secret; refuses requests of other sites and to other host names.

    Args:
      password: for pages that other machines reach; "": the link holds a new secret.
      names: the page's host names, besides its addresses.
      frames: sites that may show the page in a frame; then a browser may send its session in a
        header, since such a frame gets no cookie, and each secret works once.
      clock: seconds since 1970.

    Raises:
      BotlibError: the password is too short.
    """

    def __init__(
        self,
        *,
        password: str = "",
        names: Iterable[str] = (),
        frames: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        if password and len(password) < LEAST_PASSWORD:
            raise BotlibError(f"the page's password needs {LEAST_PASSWORD} characters or more")
        self.needs_password = bool(password)
        self.frames = tuple(frames)
        self._keys = [password or secrets.token_urlsafe(24)]
        host_name = socket.gethostname().lower()
        self._names = {
            "localhost",
            host_name,
            f"{host_name}.local",
            *(name.lower() for name in names),
        }
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._failures: deque[float] = deque(maxlen=TRIES)

    def link(self, address: str) -> str:
        """Returns the link to print; browsers never send the part after "#", so no log has it."""
        return f"{address}/" if self.needs_password else f"{address}/#key={self._keys[-1]}"

    def enter(self, key: str, name: str = "") -> str | None:
        """Returns the token of a new session, or None if the key is wrong.

        Raises:
          TooManyTries: wrong passwords came too fast.
        """
        now = self._clock()
        if self.needs_password and len(self._failures) == TRIES:
            seconds_left = self._failures[0] + MINUTE - now
            if seconds_left > 0:
                raise TooManyTries(f"too many wrong passwords: wait {seconds_left:.0f} seconds")
        key_bytes = key.encode(errors="replace")
        # Compares each key, so that the time reveals nothing
        matches = [hmac.compare_digest(key_bytes, own_key.encode()) for own_key in self._keys]
        if not any(matches):
            self._failures.append(now)
            return None
        if self.frames:
            # A saved notebook holds the link, which must not work again
            self._keys = [secrets.token_urlsafe(24)]
        token = secrets.token_urlsafe(32)
        self._sessions[_digest(token)] = Session(one_line(name)[:40], now)
        return token

    def session(self, request: Request) -> Session | None:
        """Returns the session of a request, or None."""
        token = request.cookies.get(self.cookie(request), "")
        if self.frames:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ") or token
        session = self._sessions.get(_digest(token))
        return session if session and self._clock() - session.since < 30 * DAY else None

    def leave(self, request: Request) -> None:
        """Ends a request's session."""
        self._sessions.pop(_digest(request.cookies.get(self.cookie(request), "")), None)

    def cookie(self, request: Request) -> str:
        """Returns the cookie's name, with the port: all ports of a host share their cookies."""
        return f"botlib_{urlsplit(f'//{request.host}').port or 80}"

    def refusal(self, request: Request) -> str:
        """Returns why a request is refused, or "".

        A page elsewhere may point its own name at this machine (DNS rebinding): it then sends that
        name as the host. A request of another site's comes with that site as its origin.
        """
        host = _hostname(request.host)
        if not self._is_own_name(host):
            return (
                f"this page isn't called {one_line(host)[:80] or 'that'}: open the link that was "
                "printed, or start it with --name and the name you use"
            )
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_own_origin(origin, request.host):
            return "another site asked for this"
        if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            # A link that a person follows opens the page, which holds nothing by itself
            mode = request.headers.get("Sec-Fetch-Mode")
            if mode != "navigate" or request.method != "GET":
                return "another site asked for this"
        if request.path.startswith("/api/") and OWN_HEADER not in request.headers:
            return "this isn't the page's own request"
        return ""

    def guard(self, response: Response) -> Response:
        """Adds the security headers to a response."""
        ancestors = " ".join(self.frames) or "'none'"
        policy = _POLICY | {"frame-ancestors": ancestors}
        response.headers["Content-Security-Policy"] = "; ".join(
            f"{k} {v}" for k, v in policy.items()
        )
        for name, value in _HEADERS.items():
            response.headers[name] = value
        if not self.frames:
            response.headers["X-Frame-Options"] = "DENY"
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _is_own_name(self, host: str) -> bool:
        try:
            # DNS rebinding needs a name
            ipaddress.ip_address(host)
            return True
        except ValueError:
            return host in self._names or self._is_frame_host(host)

    def _is_own_origin(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https"):
            return False
        # A proxy may use another name for this machine
        host_names = self._names - {"localhost"}
        return (
            parts.netloc == host
            or parts.hostname in host_names
            or self._is_frame_host(parts.hostname or "")
        )

    def _is_frame_host(self, host: str) -> bool:
        # Colab gives each port a host name
        suffixes = [frame.partition("//*")[2] for frame in self.frames if "//*." in frame]
        return any(host.endswith(suffix) for suffix in suffixes)


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _digest(token: str) -> str:
    # The lookup uses a hash, so its time reveals no token
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
