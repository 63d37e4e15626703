"""The page over HTTP: a workspace with waiting replies, its site, and a browser that is let in."""

import pytest

from botlib.app import server
from botlib.app.gate import Gate
from botlib.app.site import Site
from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox
from botlib.sandbox.server import Sandbox
from botlib.settings import GenerateSettings, PostSettings
from tests.live.conftest import add_threads, scored_candidates


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """prawcore waits between retries, and SQLite for the disk; here nobody does."""
    monkeypatch.setattr("prawcore.sessions.time.sleep", lambda seconds: None)
    monkeypatch.setattr(Outbox, "synchronous", "OFF")


@pytest.fixture
def site(workspace):
    """The workspace's sandbox with three threads, and three replies that wait."""
    settings = {"reddit": "sandbox"}
    with Sandbox(workspace.sandbox) as sandbox:
        scored = scored_candidates(add_threads(sandbox))
    made = Site(workspace, "sandbox", GenerateSettings(**settings), PostSettings(**settings))
    with made.reddit() as reddit, made.outbox() as outbox:
        rounds.queue(outbox, choose.choose(scored, threshold=0.5), reddit)
    yield made
    made.close()


class Browser:
    """Asks as the page's script does."""

    def __init__(self, app, key=None):
        self.http = app.test_client()
        self.headers = {"X-Botlib": "page", "Host": "127.0.0.1:8765"}
        self.origin = {"Origin": "http://127.0.0.1:8765"}
        if key is not None:
            assert self.post("/api/enter", key=key, name="ann").status_code == 200

    def get(self, path, **headers):
        return self.http.get(path, headers=self.headers | headers, base_url="http://127.0.0.1:8765")

    def post(self, path, **body):
        headers = self.headers | self.origin
        return self.http.post(path, json=body, headers=headers, base_url="http://127.0.0.1:8765")


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def app(site, gate):
    return server.application(site, gate)


@pytest.fixture
def key(gate):
    return gate.link("http://x").partition("#key=")[2]


@pytest.fixture
def browser(app, key):
    return Browser(app, key)


@pytest.fixture
def stranger(app):
    return Browser(app)
