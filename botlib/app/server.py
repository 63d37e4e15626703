"""The page's server: static files, an API behind the gate, errors in one clear line."""

import logging
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, jsonify, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from botlib.app import models, review, trying, watch
from botlib.app.bench import Bench
from botlib.app.gate import Gate, TooManyTries
from botlib.app.site import Site
from botlib.errors import BotlibError
from botlib.live.review.display import person
from botlib.terminal import one_line

STATIC = Path(__file__).parent / "static"
_LARGEST = 256 * 1024  # bytes of a request
log = logging.getLogger(__name__)


def application(site: Site, gate: Gate) -> Flask:
    """Returns the page as a Flask application.

    Args:
      site: the workspace and its site.
      gate: who is let in.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST
    app.json.ensure_ascii = False
    app.json.sort_keys = False
    bench = Bench(site)
    for blueprint in (trying.routes(site, bench), review.routes(site), watch.routes(site)):
        app.register_blueprint(blueprint)
    app.register_blueprint(models.routes(site, bench))

    @app.before_request
    def let_in() -> Any:
        if reason := gate.refusal(request):
            return _error(reason, 403)
        if not request.path.startswith("/api/") or request.path == "/api/enter":
            return None
        session = gate.session(request)
        if session is None:
            return _error("sign in first", 401)
        g.by = session.name or person()
        return None

    @app.after_request
    def guard(response: Response) -> Response:
        return gate.guard(response)

    @app.errorhandler(BotlibError)
    def clear(error: BotlibError) -> Any:
        return _error(one_line(str(error)), 409)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        return _error(error.name, error.code or 500)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Any:
        log.error("the page failed", exc_info=error)
        return _error(f"unexpected {type(error).__name__}: the terminal says where", 500)

    @app.get("/")
    def front() -> Any:
        return send_from_directory(STATIC, "index.html", max_age=0)

    @app.get("/static/<path:name>")
    def file(name: str) -> Any:
        return send_from_directory(STATIC, name, max_age=0)

    @app.post("/api/enter")
    def enter() -> Any:
        body = request.get_json()
        try:
            token = gate.enter(str(body.get("key", "")), str(body.get("name", "")))
        except TooManyTries as error:
            return _error(str(error), 429)
        if token is None:
            return _error(_WRONG[gate.needs_password], 401)
        # A frame in another site gets no cookies: the script keeps the token, in memory only
        answer = jsonify({"token": token} if gate.frames else {})
        if not gate.frames:
            answer.set_cookie(
                gate.cookie(request),
                token,
                httponly=True,
                samesite="Strict",
                secure=request.headers.get("X-Forwarded-Proto") == "https",
                max_age=30 * 86400,
            )
        return answer

    @app.get("/api/enter")
    def entrance() -> Any:
        state = {"password": gate.needs_password, "notebook": bool(gate.frames)}
        return jsonify(state | {"in": gate.session(request) is not None})

    @app.get("/api/site")
    def about() -> Any:
        return jsonify({"site": site.name, "workspace": site.workspace.root.name, "by": g.by})

    return app


_WRONG = {
    True: "that is not the password",
    False: "this link is old: the page was started again and printed a new one",
}


def serve(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """Returns a server that is bound but not running yet; `serve_forever` runs it.

    Raises:
      BotlibError: the port is taken, or the address isn't this machine's.
    """
    try:
        server = make_server(host, port, app, threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit) as error:
        # werkzeug prints advice and exits if the port is taken
        raise BotlibError(
            f"the page can't be served at {host}, port {port}: choose another with --port"
        ) from error
    server.daemon_threads = True
    return server


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the browser's connection open
    server_version, sys_version = "botlib", ""

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message, *args)


def _error(text: str, status: int) -> Response:
    answer = jsonify({"error": text})
    answer.status_code = status
    return answer
