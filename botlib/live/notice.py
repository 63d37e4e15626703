"""Notices to a phone by a webhook: replies wait, the bot stopped, a reply was removed."""

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
# This many failed rounds in a row are worth a notice
FAILURES = 3
# The most keys remembered; of waiting replies only those that still wait
_REMEMBERED = 5000
# After these the notice can't have arrived: the next round tries again
_NOT_SENT = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)


class Notices:
    """Sends notices to one webhook, and remembers in the workspace which were sent when.

    Only a wrong address raises: a notice that fails never stops the bot.

    Args:
      path: the file that remembers them; see `Workspace.notices`.
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
        # In memory too: even with a full disk there is only one notice an hour
        self._state = self._read() if self._url else {}

    def __repr__(self) -> str:
        return f"Notices({'on' if self._url else 'off'})"

    # The kinds of notices
    def waiting(self, outbox: Outbox, site: str) -> None:
        """Notifies that replies wait for approval, if some of them are new."""
        replies = outbox.replies(site, [PROPOSED])
        subreddits = ", ".join(sorted({f"r/{reply.subreddit}" for reply in replies}))
        count_in_words = "1 reply waits" if len(replies) == 1 else f"{len(replies)} replies wait"
        live = "" if site == "sandbox" else " --live"
        # Counted again when it is sent
        self._notify("waiting", f"{count_in_words} for you ({subreddits}): botlib review{live}",
                   [f"{site} {reply.comment_id}" for reply in replies], later=False)  # fmt: skip

    def stopped(self, error: BaseException) -> None:
        """Notifies that the bot stopped because of an error."""
        reason = (
            str(error) if isinstance(error, BotlibError) else f"unexpected {type(error).__name__}"
        )
        self._notify("stopped", f"The bot stopped: {reason}")

    def failing(self, failures: int, reason: str) -> None:
        """Notifies once in a row of failed rounds."""
        if failures == FAILURES:
            self._notify(
                "failing", f"{failures} rounds in a row failed, the bot goes on trying: {reason}"
            )

    def outcomes(self, outbox: Outbox, site: str, outcome_rows: pd.DataFrame, below: int) -> None:
        """Notifies of replies that were removed or disliked, and of subreddits shut to the bot.

        Args:
          outbox: of the workspace.
          site: whose replies.
          outcome_rows: from `outcomes.follow`.
          below: a reply with a lower score is disliked.
        """
        for row in outcome_rows.itertuples():
            score = "" if pd.isna(row.score) else f", score {row.score:g}"
            if row.fate == "removed":
                outcome = "was removed"
            elif score and row.score < below:
                outcome = f"is disliked{score}"
            else:
                continue
            reply = outbox.get(row.id)
            link = reply.permalink
            link = f": https://www.reddit.com{link}" if link.startswith("/") else ""
            self._notify("outcome", f"A reply in r/{row.subreddit} {outcome}{link}",
                       [f"{site} {reply.comment_id} {row.fate}"])  # fmt: skip
        for name, why in optouts.shut_subreddits(outbox, site).items():
            self._notify("outcome", f"r/{name} is shut to the bot: {why}", [f"{site} r/{name}"])

    def send_pending(self) -> None:
        """Sends the notices that waited for the end of the hour."""
        if self._url:
            for kind, record in list(self._state.items()):
                if record["pending"] and self._is_due(record):
                    self._deliver(kind, record, record["pending"], [])

    # Once an hour
    def _notify(self, kind: str, text: str, keys: Iterable[str] = (), later: bool = True) -> None:
        """Sends a text unless all its keys were sent; within the hour it waits if `later`."""
        if not self._url:
            return
        record = self._state.get(kind) or {"sent": 0.0, "told": [], "pending": []}
        keys = list(keys)
        if not later:
            record = {**record, "told": [key for key in record["told"] if key in keys]}
        new_keys = [key for key in keys if key not in record["told"]]
        if not new_keys and (keys or not later):
            return
        if self._is_due(record):
            self._deliver(
                kind, record, [*record["pending"], text] if later else [text], new_keys, later
            )
        elif later:
            self._remember(kind, record, [*record["pending"], text], new_keys)

    def _is_due(self, record: Mapping[str, Any]) -> bool:
        # A clock that was set back must not silence the notices
        return not 0 <= self._clock() - record["sent"] < PAUSE

    def _deliver(
        self, kind: str, record: dict, texts: list[str], new_keys: list[str], later: bool = True
    ) -> None:
        problem, may_have_arrived = self._send(kind, texts)
        if problem:
            note("notice", reason=f"a notice ({kind}) was not sent: {problem}")
        if not problem or may_have_arrived:
            record = {**record, "sent": self._clock()}
        if not problem:
            self._remember(kind, record, [], new_keys)
        else:
            # A text that is counted again isn't stored
            self._remember(kind, record, texts if later else [], new_keys if later else [])

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
                    "sent": float(record["sent"]),
                    "told": list(map(str, record["told"])),
                    "pending": list(map(str, record["pending"])),
                }
                for kind, record in state.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            # botlib writes it whole or not at all: somebody else changed it
            return {}

    def _remember(self, kind: str, record: dict, pending: list[str], new_keys: list[str]) -> None:
        told = [*record["told"], *new_keys][-_REMEMBERED:]
        self._state[kind] = {**record, "told": told, "pending": pending[-50:]}
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
    message = f"{VARIABLE} must be an https:// address, or http:// on this machine"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BotlibError(message) from None
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise BotlibError(message)
    if parts.username or parts.password:
        raise BotlibError(f"{VARIABLE} can't hold a name and password: use an address with a token")
    if parts.scheme != "https" and not (parts.scheme == "http" and _on_this_machine(host)):
        raise BotlibError(message)
    return url


def _on_this_machine(host: str) -> bool:
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
    """Refuses redirects, which would carry the token to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, text: str, title: str) -> int:
    """Returns the HTTP status of one POST; redirects are not followed.

    urllib, not requests: urllib3 logs addresses, and this address is a secret.
    """
    address, body = request(url, text, title)
    handlers: list[Any] = [_NoRedirect()]
    if _on_this_machine(urlsplit(address).hostname or ""):
        # A proxy from the environment can't reach this machine
        handlers.append(urllib.request.ProxyHandler({}))
    http_request = urllib.request.Request(
        address,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "botlib"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(*handlers).open(http_request, timeout=TIMEOUT) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _cut(texts: list[str]) -> str:
    """The texts as lines, as many as fit."""
    lines = [one_line(text) for text in texts]
    lines = [line if len(line) <= 400 else f"{line[:399]}…" for line in lines]
    fitting: list[str] = []
    while lines and sum(map(len, fitting)) + len(lines[0]) <= MAX_CHARS:
        fitting.append(lines.pop(0))
    return "\n".join([*fitting, f"… and {len(lines)} more"] if lines else fitting)
