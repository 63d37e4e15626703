"""Notices by webhook: what ntfy, Discord and Slack take, once an hour, and never a secret shown."""

import http.server
import json
import logging
import threading

import pandas as pd
import pytest

from botlib.__main__ import main
from botlib.errors import BotlibError
from botlib.live import loop, notice
from botlib.live.notice import Notices
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.live.reddit.checks import ShutOut

SECRET = "T0K3N-of-the-webhook"


class Webhook:
    """A local HTTP server that keeps what it gets; `answers` says how it answers, in turn."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict]] = []
        self.answers: list[int | str] = []
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/json"
                webhook.got.append((self.path, json.loads(body)))
                answer = webhook.answers.pop(0) if webhook.answers else 204
                if answer == "drop":
                    self.connection.close()
                    return
                if answer == "hang":
                    webhook.hang.wait(20)
                    return
                self.send_response(answer)
                if answer in (301, 302, 307, 308):
                    self.send_header("Location", f"{webhook.url}/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.hang = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/{SECRET}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def texts(self) -> list[str]:
        return [body["text"] for _, body in self.got]

    def close(self) -> None:
        self.hang.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def webhook():
    running = Webhook()
    yield running
    running.close()


@pytest.fixture
def notices(workspace, webhook, clock):
    return Notices(workspace.notices, webhook.url, clock=clock)


def propose(outbox: Outbox, number: int, subreddit: str = "writing") -> int:
    row = {"subreddit": subreddit, "post_id": f"p{number}", "comment_id": f"c{number}",
           "permalink": f"/r/{subreddit}/comments/p{number}/_/c{number}/",
           "reply": "Because."}  # fmt: skip
    outbox.propose("live", [row])
    return outbox.replies("live")[-1].id


def test_waiting_replies_are_told_once_and_new_ones_an_hour_later(outbox, notices, webhook, clock):
    notices.waiting(outbox, "live")
    assert webhook.got == []
    propose(outbox, 1)
    notices.waiting(outbox, "live")
    assert webhook.texts == ["1 reply waits for you (r/writing): botlib review --live"]
    clock.now += 7200
    notices.waiting(outbox, "live")
    assert len(webhook.got) == 1, "a person who was told is not reminded every hour of the night"
    propose(outbox, 2, "scifi")
    notices.waiting(outbox, "live")
    propose(outbox, 3)
    clock.now += 600
    notices.waiting(outbox, "live")
    assert len(webhook.got) == 2, "at most one an hour"
    clock.now += 3000
    notices.waiting(outbox, "live")
    assert webhook.texts[1:] == [
        "2 replies wait for you (r/scifi, r/writing): botlib review --live",
        "3 replies wait for you (r/scifi, r/writing): botlib review --live",
    ]


def test_many_waiting_replies_are_no_news_each_hour_and_a_new_outbox_is(
    outbox, notices, webhook, clock, workspace
):
    for number in range(30):
        propose(outbox, number)
    notices.waiting(outbox, "live")
    for _ in range(3):
        clock.now += 3601
        notices.waiting(outbox, "live")
    assert len(webhook.got) == 1
    with Outbox(workspace.root / "another.sqlite3", clock=clock) as fresh:
        # Its first reply has the number of one that was told
        propose(fresh, 77)
        notices.waiting(fresh, "live")
    assert len(webhook.got) == 2


def test_an_hours_bad_outcomes_come_together_and_none_is_lost(outbox, notices, webhook, clock):
    first, second, third = (propose(outbox, number) for number in range(3))
    fared = pd.DataFrame(
        [(first, "writing", 1.0, None, "removed"), (second, "writing", 1.0, 5, "there")],
        columns=["id", "subreddit", "hours", "score", "fate"],
    )
    notices.outcomes(outbox, "live", fared, 0)
    link = "https://www.reddit.com/r/writing/comments/p0/_/c0/"
    assert webhook.texts == [f"A reply in r/writing was removed: {link}"]
    clock.now += 600
    fared = fared.assign(id=[second, third], score=[-3, -1], fate="there")
    notices.outcomes(outbox, "live", fared, -2)
    optouts.shut(outbox, "live", "scifi", "3 replies in a row were removed")
    notices.outcomes(outbox, "live", fared, -2)
    assert len(webhook.got) == 1
    clock.now += 3600
    notices.send_pending()
    assert webhook.texts[1].splitlines() == [
        "A reply in r/writing is disliked, score -3: https://www.reddit.com/r/writing/comments/p1/_/c1/",
        "r/scifi is shut to the bot: 3 replies in a row were removed",
    ]
    clock.now += 7200
    notices.outcomes(outbox, "live", fared, -2)
    notices.send_pending()
    assert len(webhook.got) == 2


def test_a_restart_forgets_neither_the_hour_nor_what_waits(workspace, outbox, webhook, clock):
    def fresh() -> Notices:
        return Notices(workspace.notices, webhook.url, clock=clock)

    fresh().stopped(BotlibError("the account is suspended"))
    fresh().stopped(BotlibError("again"))
    assert webhook.texts == ["The bot stopped: the account is suspended"]
    clock.now += 3700
    fresh().send_pending()
    assert webhook.texts[1:] == ["The bot stopped: again"]
    assert SECRET not in workspace.notices.read_text()


@pytest.mark.parametrize("answer", [500, 404, 302, 308, "drop"])
def test_a_webhook_that_fails_stops_nothing_and_is_tried_again_in_an_hour(
    notices, webhook, clock, caplog, answer
):
    caplog.set_level(logging.DEBUG)
    webhook.answers = [answer]
    notices.failing(3, "Reddit can't be read")
    assert "event=notice" in caplog.text and SECRET not in caplog.text
    notices.send_pending()
    assert [path for path, _ in webhook.got] == [f"/hooks/{SECRET}"], "no redirect is followed"
    clock.now += 3601
    notices.send_pending()
    assert len(webhook.got) == 2 and "3 rounds in a row failed" in webhook.texts[1]


def test_a_webhook_nobody_listens_at_is_tried_again_in_the_next_round(workspace, clock, caplog):
    caplog.set_level(logging.DEBUG)
    gone = Webhook()
    gone.close()
    notices = Notices(workspace.notices, gone.url, clock=clock)
    for _ in range(2):
        notices.stopped(BotlibError("x"))
    assert caplog.text.count("ConnectionRefusedError") == 2 and SECRET not in caplog.text


def test_a_webhook_that_never_answers_holds_the_bot_for_seconds_only(notices, webhook, monkeypatch):
    monkeypatch.setattr(notice, "TIMEOUT", 0.2)
    webhook.answers = ["hang"]
    notices.stopped(BotlibError("x"))
    assert len(webhook.got) == 1


def test_a_clock_set_back_does_not_silence_it(notices, webhook, clock):
    notices.stopped(BotlibError("one"))
    clock.now -= 86400
    notices.stopped(BotlibError("two"))
    assert len(webhook.got) == 2


def test_what_somebody_wrote_into_the_file_that_remembers_stops_nothing(workspace, webhook, clock):
    for text in ("", "[]", '{"stopped": 3}', '{"stopped": {"sent": "x"}}', "\x00"):
        workspace.notices.write_text(text)
        Notices(workspace.notices, webhook.url, clock=clock).stopped(BotlibError("x"))
    assert len(webhook.got) == 5


def test_a_full_disk_stops_nothing_and_makes_no_flood(workspace, notices, webhook, caplog):
    caplog.set_level(logging.INFO, logger="botlib.live")
    workspace.notices.mkdir()
    for _ in range(5):
        notices.stopped(BotlibError("x"))
    assert len(webhook.got) == 1 and "can't be remembered" in caplog.text


@pytest.mark.parametrize(
    ("url", "address", "body"),
    [
        ("https://ntfy.sh/my-topic", "https://ntfy.sh/",
         {"topic": "my-topic", "title": "t", "message": "a <b> & c"}),
        ("https://ntfy.example.org/top?auth=abc", "https://ntfy.example.org/?auth=abc",
         {"topic": "top", "title": "t", "message": "a <b> & c"}),
        ("https://discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/1/abc",
         {"content": "a <b> & c", "allowed_mentions": {"parse": []}}),
        ("https://hooks.slack.com/services/T/B/x", "https://hooks.slack.com/services/T/B/x",
         {"text": "a &lt;b&gt; &amp; c"}),
        ("https://push.example.org/topic?tpl=1&m={{.text}}",
         "https://push.example.org/topic?tpl=1&m={{.text}}",
         {"title": "t", "message": "a <b> & c", "text": "a <b> & c", "content": "a <b> & c"}),
    ],
)  # fmt: skip
def test_each_service_gets_the_form_it_documents(url, address, body):
    assert notice.request(url, "a <b> & c", "t") == (address, body)


def test_a_long_list_is_cut_to_what_discord_takes():
    text = notice._cut([f"line {n} " + "x" * 300 for n in range(50)])
    assert len(text) < 2000 and text.splitlines()[-1] == "… and 46 more"


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x", "ftp://example.org/x", "file:///etc/passwd", "https:///x", "ntfy.sh/x",
     "https://u:p@example.org/x", "https://exa mple.org/x", "http://127.0.0.1.example.org/x",
     "https://example.org:port/x", "https://ex\nample.org"],
)  # fmt: skip
def test_only_https_or_this_machine_and_the_address_is_not_repeated(tmp_path, url):
    with pytest.raises(BotlibError, match="BOTLIB_WEBHOOK") as caught:
        Notices(tmp_path / "n.json", url)
    assert url not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://[::1]:9/x", "http://localhost/x"])
def test_this_machine_needs_no_https(tmp_path, url):
    assert "on" in repr(Notices(tmp_path / "n.json", url))


def test_without_a_webhook_nothing_is_sent_or_written(workspace, outbox):
    quiet = Notices(workspace.notices, None)
    propose(outbox, 1)
    quiet.waiting(outbox, "live")
    quiet.stopped(BotlibError("x"))
    quiet.send_pending()
    assert not workspace.notices.exists()


def test_a_bot_that_stops_itself_tells_why(workspace, webhook, monkeypatch, capsys):
    monkeypatch.setenv("BOTLIB_WEBHOOK", webhook.url)
    monkeypatch.setattr("botlib.live.models.Models.load", lambda *_: None)

    def run(*_, **__):
        raise ShutOut("Reddit has suspended the account")

    monkeypatch.setattr(loop, "run", run)
    arguments = ["--subreddits", "writing", "--every", "10m", "--log", "json"]
    assert main(["bot", "--workspace", str(workspace.root), *arguments]) == 1
    assert webhook.texts == ["The bot stopped: Reddit has suspended the account"]
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
