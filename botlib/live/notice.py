"""Notices on a phone, by a webhook: replies wait, the bot stopped itself, a reply fared badly."""

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd

from botlib.errors import BotlibError
from botlib.live.events import note
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import PROPOSED
from botlib.live.stopping import Stop, Stopped
from botlib.terminal import one_line
from botlib.workspace import atomic_file

VARIABLE = "BOTLIB_WEBHOOK"
# At most one notice an hour of each kind
PAUSE = 3600.0
TIMEOUT = 10.0
# Discord takes 2,000 characters, ntfy 4,096 bytes
MAX_CHARS = 1500
# So many failed rounds in a row are worth a notice
FAILURES = 3
# Keys of what was told; of waiting replies only those that still wait
_REMEMBERED = 5000
# The notice can't have arrived: it is tried again in the next round
_NOT_SENT = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)


class Notices:
    """Sends notices to one webhook, and remembers in the workspace what was sent when.

    Nothing here raises but a wrong address: a notice that fails never stops the bot.

    Args:
      path: the file that remembers; see `Workspace.notices`.
      url: the webhook, a secret; None or "": nothing is sent.
      clock: seconds since 1970, UTC.
      stop: ends a request.

    Raises:
      BotlibError: the address is not https, and not on this machine.
    """

    def __init__(
        self,
        path: Path,
        url: str | None,
        *,
        clock: Callable[[], float] = time.time,
        stop: Stop | None = None,
    ) -> None:
        self._path, self._clock, self._stop = path, clock, stop or Stop()
        self._url = checked(url.strip()) if url and url.strip() else ""
        # Kept here too: on a full disk it is still one an hour
        self._state = self._read() if self._url else {}

    def __repr__(self) -> str:
        return f"Notices({'on' if self._url else 'off'})"

    # What is worth a notice
    def waiting(self, outbox: Outbox, site: str) -> None:
        """Tells that replies wait for approval, if some of them are new."""
        replies = outbox.replies(site, [PROPOSED])
        places = ", ".join(sorted({f"r/{reply.subreddit}" for reply in replies}))
        many = "1 reply waits" if len(replies) == 1 else f"{len(replies)} replies wait"
        live = "" if site == "sandbox" else " --live"
        # Counted afresh when it is sent
        self._tell("waiting", f"{many} for you ({places}): botlib review{live}",
                   [f"{site} {reply.comment_id}" for reply in replies], later=False)  # fmt: skip

    def stopped(self, error: BaseException) -> None:
        """Tells that the bot stopped itself."""
        said = (
            str(error) if isinstance(error, BotlibError) else f"unexpected {type(error).__name__}"
        )
        self._tell("stopped", f"The bot stopped: {said}")

    def failing(self, failures: int, reason: str) -> None:
        """Tells once in a row of failed rounds that nothing works."""
        if failures == FAILURES:
            self._tell("failing", f"{failures} rounds in a row failed, it goes on trying: {reason}")

    def outcomes(self, outbox: Outbox, site: str, fared: pd.DataFrame, below: int) -> None:
        """Tells which replies were removed or sank, and which subreddits are shut to the bot.

        Args:
          outbox: where replies and subreddits are.
          site: which.
          fared: from `outcomes.follow`.
          below: a reply with a lower score has sunk.
        """
        for row in fared.itertuples():
            score = "" if pd.isna(row.score) else f", score {row.score:g}"
            if row.fate == "removed":
                what = "was removed"
            elif score and row.score < below:
                what = f"is disliked{score}"
            else:
                continue
            reply = outbox.get(row.id)
            link = reply.permalink
            link = f": https://www.reddit.com{link}" if link.startswith("/") else ""
            self._tell("outcome", f"A reply in r/{row.subreddit} {what}{link}",
                       [f"{site} {reply.comment_id} {row.fate}"])  # fmt: skip
        for name, why in optouts.shut_subreddits(outbox, site).items():
            self._tell("outcome", f"r/{name} is shut to the bot: {why}", [f"{site} r/{name}"])

    def late(self) -> None:
        """Sends what the last hour's notice held back."""
        if self._url:
            for kind, about in list(self._state.items()):
                if about["pending"] and self._due(about):
                    self._deliver(kind, about, about["pending"], [])

    # Once an hour
    def _tell(self, kind: str, text: str, keys: Iterable[str] = (), later: bool = True) -> None:
        """Sends a text, unless all its keys were told; what comes too early waits if `later`."""
        if not self._url:
            return
        about = self._state.get(kind) or {"sent": 0.0, "told": [], "pending": []}
        keys = list(keys)
        if not later:
            about = {**about, "told": [key for key in about["told"] if key in keys]}
        new = [key for key in keys if key not in about["told"]]
        if not new and (keys or not later):
            return
        if self._due(about):
            self._deliver(kind, about, [*about["pending"], text] if later else [text], new, later)
        elif later:
            self._keep(kind, about, [*about["pending"], text], new)

    def _due(self, about: Mapping[str, Any]) -> bool:
        # A clock that was set back must not silence it
        return not 0 <= self._clock() - about["sent"] < PAUSE

    def _deliver(
        self, kind: str, about: dict, texts: list[str], new: list[str], later: bool = True
    ) -> None:
        problem, maybe = self._send(kind, texts)
        if problem:
            note("notice", reason=f"a notice ({kind}) was not sent: {problem}")
        if not problem or maybe:
            about = {**about, "sent": self._clock()}
        if not problem:
            self._keep(kind, about, [], new)
        else:
            # Of what is counted afresh nothing is kept
            self._keep(kind, about, texts if later else [], new if later else [])

    def _send(self, kind: str, texts: list[str]) -> tuple[str, bool]:
        """Returns what went wrong ("" for nothing), and whether it may have arrived."""
        try:
            status = self._stop.call(
                lambda: post(self._url, _cut(texts), f"botlib: {kind}"), at_most=2 * TIMEOUT
            )
        except Stopped as error:
            return str(error), True
        except TimeoutError:
            return "no answer in time", True
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Never the error's own text: it may hold the address
            cause = getattr(error, "reason", error)
            return type(cause).__name__, not isinstance(cause, _NOT_SENT)
        return ("" if 200 <= status < 300 else f"the webhook answered HTTP {status}"), True

    # Across restarts
    def _read(self) -> dict[str, dict]:
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                str(kind): {
                    "sent": float(about["sent"]),
                    "told": list(map(str, about["told"])),
                    "pending": list(map(str, about["pending"])),
                }
                for kind, about in state.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            # Written whole or not at all: somebody else wrote this one
            return {}

    def _keep(self, kind: str, about: dict, pending: list[str], new: list[str]) -> None:
        told = [*about["told"], *new][-_REMEMBERED:]
        self._state[kind] = {**about, "told": told, "pending": pending[-50:]}
        try:
            with atomic_file(self._path) as file:
                json.dump(self._state, file, indent=1)
                file.write("\n")
        except (BotlibError, OSError) as error:
            note("notice", reason=f"what was sent can't be remembered: {error}")


def checked(url: str) -> str:
    """Returns a webhook's address.

    Raises:
      BotlibError: it is neither https nor on this machine; the address is not repeated.
    """
    wrong = f"{VARIABLE} must be an https:// address, or http:// on this machine"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BotlibError(wrong) from None
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise BotlibError(wrong)
    if parts.username or parts.password:
        raise BotlibError(f"{VARIABLE} can't hold a name and password: use an address with a token")
    if parts.scheme != "https" and not (parts.scheme == "http" and _here(host)):
        raise BotlibError(wrong)
    return url


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def request(url: str, text: str, title: str) -> tuple[str, dict[str, Any]]:
    """Returns the address and the JSON body, as the service behind a webhook wants them.

    Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; Discord:
    https://discord.com/developers/docs/resources/webhook#execute-webhook; ntfy:
    https://docs.ntfy.sh/publish/#publish-as-json. Any other gets the text under all their names.
    """
    parts = urlsplit(url)
    host, topic = parts.hostname or "", parts.path.strip("/")
    if host == "hooks.slack.com":
        for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(character, entity)
        return url, {"text": text}
    if host.endswith(("discord.com", "discordapp.com")):
        return url, {"content": text, "allowed_mentions": {"parse": []}}
    templated = "tpl=" in parts.query or "template=" in parts.query
    if host.split(".")[0] == "ntfy" and topic and "/" not in topic and not templated:
        # JSON goes to the root, its topic inside; at the topic's own address it would be the text
        root = urlunsplit((parts.scheme, parts.netloc, "/", parts.query, ""))
        return root, {"topic": topic, "title": title, "message": text}
    return url, {"title": title, "message": text, "text": text, "content": text}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that moved would take its token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, text: str, title: str) -> int:
    """Returns the HTTP status of one POST; redirects are not followed.

    urllib, not requests: urllib3 logs each address it asks, and this one is a secret.
    """
    address, body = request(url, text, title)
    handlers: list[Any] = [_NoRedirect()]
    if _here(urlsplit(address).hostname or ""):
        # A proxy of the environment can't reach this machine
        handlers.append(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(
        address,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "botlib"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(*handlers).open(asked, timeout=TIMEOUT) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _cut(texts: list[str]) -> str:
    """The texts as lines, as many as fit."""
    lines = [one_line(text) for text in texts]
    lines = [line if len(line) <= 400 else f"{line[:399]}…" for line in lines]
    kept: list[str] = []
    while lines and sum(map(len, kept)) + len(lines[0]) <= MAX_CHARS:
        kept.append(lines.pop(0))
    return "\n".join([*kept, f"… and {len(lines)} more"] if lines else kept)
