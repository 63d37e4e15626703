"""The faults that the sandbox can show on demand: refusals, lost answers, malformed ones."""

import socket
import threading
from collections.abc import Callable

from flask import Response, jsonify, request

# The JSON of a refused reply: type, (message, field)
REFUSALS = {
    "RATELIMIT": (
        "Looks like you've been doing that a lot. Take a break for 9 minutes.",
        "ratelimit",
    ),
    "RATELIMIT-ms": ("Take a break for 400 milliseconds before trying again.", "ratelimit"),
    "THREAD_LOCKED": ("Comments are locked.", "parent"),
    "TOO_OLD": ("that's a piece of history now; it's too late to reply to it", "parent"),
    "DELETED_COMMENT": ("that comment has been deleted", "parent"),
    "TOO_LONG": ("this is too long (max: 10000)", "text"),
    "NO_TEXT": ("we need something here", "text"),
}

# (method, path) -> name of a fault or None; see `fault_response`
Faults = Callable[[str, str], str | None]


def api_error(kind: str):
    """Returns Reddit's JSON for a refused reply."""
    message, field = REFUSALS[kind]
    return jsonify(json={"errors": [[kind.removesuffix("-ms"), message, field]]})


def fault_response(fault: str, hang: threading.Event, hang_seconds: float):
    """Returns the response of a fault.

    A fault is a three-digit status, for 429 also with the header's value ("429 inf"); a name of
    REFUSALS or another one in capitals; "drop" (closes the connection) or "hang" (does so after a
    while); "html" (a page instead of JSON), "deep900" (JSON of this depth) or "empty" (a success
    without a thing).
    """
    if fault in REFUSALS:
        return api_error(fault)
    if fault.isupper():
        # Reddit's list of errors is long, and grows
        return jsonify(json={"errors": [[fault, "something went wrong", ""]]})
    if fault.startswith("deep"):
        depth = int(fault.removeprefix("deep"))
        return Response('{"a":' * depth + "1" + "}" * depth, mimetype="application/json")
    if fault == "html":
        return Response("<html><body>our CDN was unable to reach our servers</body></html>")
    if fault == "empty":
        return jsonify(json={"errors": [], "data": {"things": []}})
    if fault in ("drop", "hang"):
        if fault == "hang":
            hang.wait(hang_seconds)
        connection = request.environ.get("werkzeug.socket")
        if connection is not None:
            # Closed while the client waits; werkzeug then has nobody to answer
            _shut(connection)
        return Response(status=500)
    status, _, header = fault.partition(" ")
    response = jsonify(message="injected", error=int(status))
    response.status_code = int(status)
    if status == "429":
        response.headers["retry-after"] = header or "7"
    return response


def _shut(connection: socket.socket) -> None:
    """Shuts a connection that may be shut already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
