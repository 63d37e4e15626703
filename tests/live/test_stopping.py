"""STOP and signals end every wait within two seconds, and nothing is sent after them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import prawcore
import pytest

from botlib.live.outbox.queue import Outbox
from botlib.live.reddit.client import connect
from botlib.live.reddit.requestor import NotSent, UnknownOutcome
from botlib.live.stopping import Stop, Stopped

from .conftest import add_threads

ROOT = Path(__file__).resolve().parents[2]
# Two seconds are two seconds only on a machine that does nothing else
pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def no_sleep():
    """Here waits are real: this takes the place of the fixture that cuts them short."""


@pytest.fixture
def switch(tmp_path):
    return tmp_path / "STOP"


@pytest.fixture
def stoppable(sandbox, workspace):
    with connect("sandbox", sandbox=sandbox, workspace=workspace, timeout=20.0) as reddit:
        yield reddit


def after(seconds, act):
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def seconds_until_stopped(function, error=Stopped) -> float:
    began = time.monotonic()
    with pytest.raises(error):
        function()
    return time.monotonic() - began


@pytest.mark.parametrize("how", ["told", "STOP", "dangling STOP"])
def test_a_stop_ends_a_wait(switch, how):
    stop = Stop(switch)
    act = {
        "told": stop.tell,
        "STOP": switch.touch,
        "dangling STOP": lambda: switch.symlink_to("nowhere"),
    }[how]
    after(0.2, act)
    assert seconds_until_stopped(lambda: stop.wait(60)) < 2


def test_a_switch_that_was_on_before_lets_the_bot_read_but_not_send(switch):
    switch.touch()
    stop = Stop(switch)
    stop.wait(0.05)
    with pytest.raises(Stopped, match="STOP"):
        stop.check()


def test_a_wait_lasts_as_long_as_asked():
    began = time.monotonic()
    Stop().wait(0.3)
    assert time.monotonic() - began >= 0.3


def test_stop_in_praws_rate_limit_sends_no_reply(stoppable, sandbox, threads, workspace):
    sandbox.rate_limit = (0, 600, 60)
    next(iter(stoppable.subreddit("writing").rising(limit=1)))
    after(0.3, workspace.stop_switch.touch)
    comment = stoppable.comment(threads[0][1][0]["id"])
    assert seconds_until_stopped(lambda: comment.reply("Once.")) < 2
    assert sandbox.counts.get("POST /api/comment", 0) == 0


def test_no_reply_is_sent_while_the_switch_is_on(stoppable, sandbox, threads, workspace):
    workspace.stop_switch.symlink_to("nowhere")
    with pytest.raises(Stopped):
        stoppable.comment(threads[0][1][0]["id"]).reply("Once.")
    assert sandbox.counts.get("POST /api/comment", 0) == 0


@pytest.mark.parametrize("fault", ["503", "hang", "drop"])
def test_a_stop_ends_retries_and_hanging_requests(stoppable, sandbox, threads, fault):
    sandbox.faults = lambda method, path: fault
    after(0.3, stoppable.stop.tell)
    reading = lambda: list(stoppable.subreddit("writing").rising(limit=1))  # noqa: E731
    assert seconds_until_stopped(reading) < 2


def test_a_reply_in_flight_is_unclear_when_stopped(stoppable, sandbox, threads, workspace):
    sandbox.faults = lambda method, path: "after:hang" if path == "/api/comment/" else None
    after(0.3, workspace.stop_switch.touch)
    comment = stoppable.comment(threads[0][1][0]["id"])
    assert seconds_until_stopped(lambda: comment.reply("Once."), UnknownOutcome) < 2


def test_a_reply_that_is_answered_at_once_counts_although_stopped(stoppable, sandbox, threads):
    def slow(method, path):
        if path.startswith("/api/comment"):
            stoppable.stop.tell()
            time.sleep(0.4)

    sandbox.faults = slow
    assert stoppable.comment(threads[0][1][0]["id"]).reply("Once.").id


def test_an_abandoned_reply_is_not_sent_when_its_connection_comes_at_last(stoppable, monkeypatch):
    """Connecting takes a while; meanwhile STOP; then the connection is there."""
    sent = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve():
            there, _ = server.accept()
            there.settimeout(3)
            try:
                sent.append(there.recv(100))
            except OSError:
                sent.append(b"")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        from urllib3.util import connection

        real = connection.create_connection

        def slowly(*args, **kwargs):
            while not stoppable.stop.told():
                time.sleep(0.05)
            time.sleep(1.5)
            return real(*args, **kwargs)

        monkeypatch.setattr(connection, "create_connection", slowly)
        after(0.3, stoppable.stop.tell)
        requestor = stoppable._core.requestor
        with pytest.raises(UnknownOutcome):
            requestor.request("POST", f"http://127.0.0.1:{port}/api/comment")
        thread.join(6)
    assert sent == [b""]


def test_without_a_connection_a_reply_was_not_sent(stoppable):
    with pytest.raises(NotSent):
        stoppable._core.requestor.request("POST", "http://127.0.0.1:9/api/comment")


def test_an_answer_in_drops_ends_in_time(stoppable):
    """A server that sends one byte every second never runs into a time-out of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            there, _ = server.accept()
            there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
            for _ in range(40):
                time.sleep(0.2)
                try:
                    there.sendall(b"x")
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        requestor = stoppable._core.requestor
        requestor.timeout = 0.5
        began = time.monotonic()
        with pytest.raises(prawcore.RequestException):
            requestor.request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("value", ["inf", "nan", "999999999", "soon"])
def test_no_rate_limit_header_stops_the_bot_for_ever(stoppable, monkeypatch, value):
    waits = []
    monkeypatch.setattr(stoppable.stop, "wait", waits.append)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-used": "1", "x-ratelimit-reset": value}
    limiter = stoppable._core.rate_limiter
    limiter.update(response_headers=headers)
    limiter.update(response_headers={**headers, "x-ratelimit-remaining": value})
    limiter.delay()
    assert all(seconds <= 3600 for seconds in waits)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "busy",
    [
        "stop.wait(60)",
        "while True: pass",
        # As a model does: no step of Python for a long time, other threads may run
        "import hashlib; hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)",
    ],
)
def test_a_signal_ends_the_process_within_two_seconds(number, busy):
    code = (
        "from botlib.live.stopping import Stop, Stopped\n"
        "stop = Stop()\n"
        "with stop.on_signals():\n"
        "    print('ready', flush=True)\n"
        "    try:\n"
        f"        {busy}\n"
        "    except Stopped:\n"
        "        pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - began < 2.5


BOT = """
import sys
from pathlib import Path
from botlib.live.reddit.client import _client
from botlib.live.posting.sending import post_approved
from botlib.live.stopping import Stop
from botlib.settings import PostSettings
from botlib.workspace import Workspace

url, folder = sys.argv[1:]
workspace = Workspace.open(folder)
stop = Stop(workspace.stop_switch)
account = {
    "client_id": "sandbox", "client_secret": "sandbox-secret", "username": "sandbox_bot",
    "password": "sandbox-password", "user_agent": "linux:botlib:test (by /u/sandbox_bot)",
}
reddit = _client(account, {"oauth_url": url, "reddit_url": url}, None, 20.0, stop)
settings = PostSettings(reddit="sandbox", allowed_subreddits="writing", dry_run=False)
with stop.on_signals():
    print("ready", flush=True)
    post_approved(workspace, reddit, settings)
"""


@pytest.mark.parametrize("how", ["STOP", "dangling STOP", "SIGTERM", "SIGINT"])
@pytest.mark.parametrize("wait", ["rate limit", "pause", "hanging look", "hanging POST"])
def test_a_bot_that_waits_ends_within_two_seconds_and_posts_nothing_more(
    sandbox, workspace, how, wait
):
    sandbox.clock = time.time
    sandbox.reset()
    with Outbox(workspace.outbox) as outbox:
        for post, (comment,) in add_threads(sandbox, posts=3, comments=1):
            row = {"subreddit": "writing", "post_id": post["id"], "comment_id": comment["id"],
                   "author": comment["author"], "reply": "Because."}  # fmt: skip
            outbox.propose("sandbox", [row])
        for reply in outbox.replies():
            outbox.approve(reply.id, "a test")
    reached = threading.Event()

    def fault(method, path):
        sends = path.startswith("/api/comment")
        if wait == "rate limit" and path.startswith("/r/writing/about"):
            sandbox.rate_limit = (0, 600, 60)
            reached.set()
        if wait == "pause" and sends:
            reached.set()
        if (wait == "hanging look" and path.startswith("/api/info")) or (
            wait == "hanging POST" and sends
        ):
            reached.set()
            return "hang"
        return None

    sandbox.faults = fault
    process = subprocess.Popen(
        [sys.executable, "-c", BOT, sandbox.url, str(workspace.root)], cwd=ROOT,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        assert reached.wait(60)
        time.sleep(0.5)
        sent = sandbox.counts.get("POST /api/comment", 0)
        assert sent == (wait in ("pause", "hanging POST"))
        began = time.monotonic()
        if how == "STOP":
            workspace.stop_switch.touch()
        elif how == "dangling STOP":
            workspace.stop_switch.symlink_to("nowhere")
        else:
            process.send_signal(getattr(signal, how))
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - began < 2.5
    finally:
        process.kill()
    assert sandbox.counts.get("POST /api/comment", 0) == sent
    with Outbox(workspace.outbox) as outbox:
        states = [reply.state for reply in outbox.replies()]
    assert states.count("posting") == (wait == "hanging POST")
