"""The page over HTTP: a workspace with waiting replies, its site, and a browser that is let in."""

import threading

import pytest

from botlib.app import server
from botlib.app.gate import Gate
from botlib.app.site import Site
from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox
from botlib.sandbox.server import Sandbox
from botlib.settings import GenerateSettings, PostSettings
from tests.live import small_models
from tests.live.conftest import add_threads, scored_candidates

PHONE = {"width": 390, "height": 844}


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


class Served:
    """The page's program: started, ended and started again at one port."""

    def __init__(self, site):
        self.site, self.port, self.running = site, 0, None

    def start(self):
        gate = Gate()
        self.running = server.serve(server.application(self.site, gate), "127.0.0.1", self.port)
        self.port = self.running.server_port
        run = {"kwargs": {"poll_interval": 0.01}, "daemon": True}
        threading.Thread(target=self.running.serve_forever, **run).start()
        return gate.link(f"http://127.0.0.1:{self.port}")

    def stop(self):
        self.running.shutdown()
        self.running.server_close()


@pytest.fixture
def served(site):
    small_models.fill(site.workspace)
    made = Served(site)
    yield made
    made.stop()


@pytest.fixture
def visit(chromium, served):
    """Opens the link in a browser of its own; says at the end if anything went elsewhere."""
    link, contexts, foreign, broken = served.start(), [], [], []

    def open_page(address=link, viewport=PHONE, scheme="light", context=None):
        context = context or chromium.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda r: foreign.append(r.url) if not _local(r.url) else None)
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("dialog", lambda dialog: broken.append(dialog.message))
        page.goto(address)
        page.locator("#place").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert foreign == [] and broken == []


def _local(url):
    return url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:"))


def toast(page, text):
    page.locator(".toast.on", has_text=text).wait_for()
