"""Reading Reddit through the public archive: same rules, no key, nobody else is contacted."""

import socket
import time

import pytest
import requests

from botlib.errors import BotlibError
from botlib.live import review
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import APPROVED
from botlib.live.posting import sending
from botlib.live.reddit import comments as site
from botlib.live.reddit.client import connect
from botlib.live.reddit.comments import read_comments
from botlib.settings import GenerateSettings, PostSettings
from tests.data.archive.server import ArchiveServer

MINUTE, HOUR = 60, 3600
NOW = int(time.time())


def post(key: str, hours: float = 5, **changes) -> dict:
    row = {"id": key, "subreddit": "writing", "title": f"Title {key}", "selftext": "Rivers?"}
    row |= {"author": f"poster{key}", "score": 40, "num_comments": 9, "is_self": True}
    return {**row, "created_utc": NOW - int(hours * HOUR), "over_18": False, **changes}


def comment(key: str, under: str, parent: str = "", minutes: float = 90, **changes) -> dict:
    row = {"id": key, "subreddit": "writing", "body": f"What I think of {key}.", "score": 7}
    row |= {"author": f"by{key}", "link_id": f"t3_{under}", "created_utc": NOW - int(minutes * 60)}
    row["parent_id"] = f"t1_{parent}" if parent else f"t3_{under}"
    return {**row, **changes}


POSTS = [post("1a"), post("1b", 2), post("1c", 1), post("1d", 90)]
COMMENTS = [
    *(comment(f"2a{n}", "1a", minutes=100 - n) for n in range(3)),
    *(comment(f"2b{n}", "1b", minutes=80 - n) for n in range(5)),
    comment("2c0", "1c"),
    comment("2c1", "1c", "2c0", minutes=30),
    *(comment(f"2d{n}", "1d") for n in range(9)),
]


@pytest.fixture
def serve(monkeypatch):
    running = []

    def start(posts=POSTS, comments=COMMENTS, **options) -> ArchiveServer:
        server = ArchiveServer(posts, comments, **options)
        running.append(server)
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.start())
        return server

    monkeypatch.setattr("botlib.live.stopping.time.sleep", lambda seconds: None)
    for name in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"REDDIT_{name}", raising=False)
    yield start
    for server in running:
        server.stop()


def reasons(reading) -> dict[str, str]:
    return dict(zip(reading.skipped["comment_id"], reading.skipped["reason"], strict=True))


def test_todays_comments_are_read_without_a_key_most_talked_about_first(serve):
    serve()
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing", posts=2)
    assert list(dict.fromkeys(reading.comments["post_id"])) == ["1b", "1a"]
    assert len(reading.comments) == 8
    assert reading.comments["permalink"].iloc[0] == "/r/writing/comments/1b/_/2b0/"
    assert reading.comments["comment_score"].isna().all()
    assert reddit.site == "live" and reddit.name is None


def test_a_post_of_last_week_is_no_news_however_much_is_said_under_it(serve):
    serve()
    with connect("archive") as reddit:
        assert "1d" not in set(read_comments(reddit, "writing", posts=9).comments["post_id"])


def test_newest_posts_come_first_where_new_ones_are_asked_for(serve):
    serve()
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing", listing="new", posts=1)
    assert set(reading.comments["post_id"]) == {"1c"}
    assert reading.comments["depth"].tolist() == [0, 1]


def test_the_waived_score_is_said_where_one_reads_what_was_left_out(serve):
    serve()
    with connect("archive") as reddit:
        reading = site.read(reddit, GenerateSettings(subreddits="writing", reddit="archive"))
    assert len(reading.comments) == 10
    assert "min_comment_score is ignored" in reading.summary()["reason"].iloc[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"author": "[deleted]"}, "its author is gone"),
        ({"body": "[removed]"}, "it was removed"),
        ({"distinguished": "moderator"}, "the comment is a moderator's or admin's"),
        ({"author": "AutoModerator"}, "u/AutoModerator looks like a bot"),
        ({"created_utc": NOW - 30 * HOUR}, "it is too old"),
        ({"body": "I want to die"}, "off-topic for a bot: crisis (want to die) in the comment"),
    ],
)
def test_what_may_not_be_answered_is_left_out_as_on_reddit(serve, change, reason):
    serve(comments=[*COMMENTS[1:], {**COMMENTS[0], **change}])
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing")
    assert reasons(reading)["2a0"] == reason


@pytest.mark.parametrize("change", [{"over_18": True}, {"locked": True}])
def test_a_post_that_was_closed_since_is_left_out(serve, change):
    server = serve([post("1a", 40), *POSTS[1:]])
    server.add("posts", {**post("1a", 40), **change})
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing")
    assert not set(reading.comments["post_id"]) & {"1a"}


def test_what_was_deleted_since_is_not_answered(serve):
    old = comment("2a0", "1a", minutes=37 * 60, _meta={"was_deleted_later": True})
    serve([post("1a", 38), *POSTS[1:]], [*COMMENTS[1:], old])
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing", max_age_hours=0)
    assert reasons(reading)["2a0"] == "its author is gone"


def test_a_long_thread_comes_whole(serve):
    many = [comment(f"9{n:03d}", "1a", minutes=100 + n % 300) for n in range(700)]
    server = serve(comments=[*COMMENTS, *many])
    real = server._tree
    # As if the archive showed at most 300
    server._tree = lambda given: real({**given, "limit": "300"})
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing", posts=1)
    assert len(reading.comments) == 703


def test_an_unknown_subreddit_is_named_and_others_are_read(serve):
    serve()
    with connect("archive") as reddit:
        reading = read_comments(reddit, "writing,wriiting")
        assert "the subreddit doesn't exist" in set(reading.skipped["reason"])
        with pytest.raises(BotlibError, match="r/wriiting doesn't exist: check the names"):
            read_comments(reddit, "wriiting")


def test_an_archive_that_is_down_is_one_clear_line(serve):
    server = serve()
    server.faults = 1.0
    with connect("archive") as reddit, pytest.raises(BotlibError, match="run this again later"):
        read_comments(reddit, "writing")


def test_a_thread_is_shown_from_its_post_to_the_comment(serve, outbox):
    serve()
    with connect("archive") as reddit:
        outbox.propose("live", [{"subreddit": "writing", "post_id": "1c", "comment_id": "2c1",
                                 "reply": "Yes."}])  # fmt: skip
        text = review.thread_text(reddit, outbox.replies("live")[0])
    assert [part.split(":")[0] for part in text.split("\n\n")] == [
        "r/writing", "Rivers?", "u/by2c0", "u/by2c1"
    ]  # fmt: skip


def test_nothing_can_be_sent(serve, workspace):
    serve()
    with connect("archive") as reddit:
        for act in (
            lambda: reddit.comment("2a0").reply(body="Hello."),
            lambda: reddit.comment("2a0").upvote(),
            lambda: reddit.subreddit("writing").submit(title="T", selftext="S"),
        ):
            with pytest.raises(BotlibError, match="hand over each reply"):
                act()
        settings = PostSettings(reddit="archive", dry_run=False, allowed_subreddits="writing")
        with pytest.raises(BotlibError, match="hand over each reply"):
            sending.post_approved(workspace, reddit, settings)


def test_approved_replies_are_left_for_a_person_to_post(serve, workspace):
    serve()
    with Outbox(workspace.outbox) as outbox:
        outbox.propose("live", [{"subreddit": "writing", "post_id": "1c", "comment_id": "2c1",
                                 "reply": "Yes."}])  # fmt: skip
        outbox.approve(1, "somebody")
        with connect("archive") as reddit:
            settings = PostSettings(reddit="archive", allowed_subreddits="writing")
            (decision,) = sending.post_approved(workspace, reddit, settings).to_dict("records")
        assert (decision["decision"], outbox.get(1).state) == ("by hand", APPROVED)
        assert "botlib hand-over" in decision["reason"]


def test_a_login_that_lies_about_is_not_used(serve, tmp_path, monkeypatch):
    """A praw.ini of another bot must not make the archive's client think it has an account."""
    serve()
    (tmp_path / "praw.ini").write_text(
        "[DEFAULT]\nusername=ann\npassword=secret\nclient_id=i\nclient_secret=s\nrefresh_token=r\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("praw.config.Config.CONFIG", None)
    monkeypatch.setenv("praw_username", "ann")
    with connect("archive") as reddit:
        assert reddit.name is None and reddit.read_only
        assert len(read_comments(reddit, "writing").comments) == 10


def test_nobody_but_the_archive_is_contacted_without_a_key(serve, monkeypatch):
    server = serve()
    asked, looked_up = [], []
    real, find = requests.Session.request, socket.getaddrinfo

    def request(session, method, url, **options):
        asked.append(url)
        return real(session, method, url, **options)

    def getaddrinfo(host, *rest, **options):
        looked_up.append(host)
        return find(host, *rest, **options)

    monkeypatch.setattr(requests.Session, "request", request)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with connect("archive") as reddit:
        read_comments(reddit, "writing")
        list(reddit.info(fullnames=["t1_2a0", "t3_1a"]))
        list(reddit.subreddit("writing").rules)
    address = f"http://127.0.0.1:{server._server.server_port}/"
    assert asked and all(url.startswith(address) for url in asked)
    assert set(looked_up) == {"127.0.0.1"}
