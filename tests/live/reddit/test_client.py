"""Connecting: where credentials come from, clear refusals, and no secret anywhere."""

import logging
import traceback

import prawcore
import pytest

from botlib.errors import BotlibError
from botlib.live.reddit import client as module
from botlib.live.reddit.client import REQUEST_FORM, LoginRefused, NoKey, connect
from botlib.live.reddit.requestor import OnceRequestor, UnknownOutcome

SECRETS = {"client_secret": "s3cr3t-application", "password": "p4ssw0rd-of-bot"}
TOKEN = "r3fr3sh-token"
VARIABLES = ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD", "REFRESH_TOKEN", "USER_AGENT")


@pytest.fixture
def live(sandbox, monkeypatch, tmp_path):
    """The live site's address is the sandbox's; nothing in the environment."""
    for name in VARIABLES:
        monkeypatch.delenv(f"REDDIT_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "LIVE", {"oauth_url": sandbox.url, "reddit_url": sandbox.url})
    sandbox.account.client_id = "app"
    sandbox.account.client_secret = SECRETS["client_secret"]
    sandbox.account.password = SECRETS["password"]
    sandbox.account.refresh_token = TOKEN
    return sandbox


def test_arguments_win_over_the_environment(live, monkeypatch):
    monkeypatch.setenv("REDDIT_CLIENT_ID", "app")
    monkeypatch.setenv("REDDIT_CLIENT_SECRET", "wrong")
    monkeypatch.setenv("REDDIT_USERNAME", "sandbox_bot")
    monkeypatch.setenv("REDDIT_PASSWORD", SECRETS["password"])
    assert connect("live", client_secret=SECRETS["client_secret"]).name == "sandbox_bot"
    monkeypatch.setenv("REDDIT_CLIENT_SECRET", SECRETS["client_secret"])
    assert connect("live").name == "sandbox_bot"


def test_reads_without_a_password(live, threads):
    reddit = connect("live", client_id="app", client_secret=SECRETS["client_secret"])
    assert reddit.name is None
    assert reddit.read_only
    assert len(list(reddit.subreddit("writing").rising(limit=5))) == 2


def test_praw_ini_is_the_last_resort_and_cannot_redirect(live, tmp_path, monkeypatch):
    (tmp_path / "praw.ini").write_text(
        f"[mine]\nclient_id=app\nclient_secret={SECRETS['client_secret']}\n"
        "oauth_url=http://127.0.0.1:9\nreddit_url=http://127.0.0.1:9\n"
    )
    monkeypatch.setattr("praw.config.Config.CONFIG", None)
    monkeypatch.setenv("PRAW_ALLOW_ENDPOINT_OVERRIDE", "1")
    reddit = connect("live", praw_site="mine")
    assert reddit.config.oauth_url == live.url


def by_token(**changes):
    given = {"client_id": "app", "client_secret": SECRETS["client_secret"], "refresh_token": TOKEN}
    return connect("live", **{**given, **changes})


def test_an_account_with_two_factor_login_posts_by_a_refresh_token(live, threads, monkeypatch):
    reddit = by_token()
    assert reddit.name == "sandbox_bot" and not reddit.read_only
    reddit.comment(threads[0][1][0]["id"]).reply("Once.")
    assert len(live.replies()) == 1
    for name, value in {"CLIENT_ID": "app", "CLIENT_SECRET": SECRETS["client_secret"]}.items():
        monkeypatch.setenv(f"REDDIT_{name}", value)
    monkeypatch.setenv("REDDIT_REFRESH_TOKEN", TOKEN)
    assert connect("live").name == "sandbox_bot"


def test_a_refresh_token_wins_over_an_old_password(live, tmp_path, monkeypatch):
    (tmp_path / "praw.ini").write_text("[mine]\nusername=somebody\npassword=old\n")
    monkeypatch.setattr("praw.config.Config.CONFIG", None)
    assert by_token(username="sandbox_bot", password="old").name == "sandbox_bot"
    assert by_token(praw_site="mine").name == "sandbox_bot"


def test_a_bot_by_refresh_token_names_its_account_to_reddit(live):
    assert by_token(username="sandbox_bot").config.user_agent.endswith("(by /u/sandbox_bot)")


def test_a_refused_refresh_token_is_named_and_never_shown(live, caplog):
    caplog.set_level(logging.DEBUG)
    reddit, revoked = by_token(), TOKEN[::-1]
    with pytest.raises(LoginRefused, match=r"REDDIT_REFRESH_TOKEN.*docs/reddit_key.md") as error:
        by_token(refresh_token=revoked)
    shown = "".join(traceback.format_exception(error.value)) + caplog.text + repr(reddit)
    for secret in (TOKEN, revoked):
        assert secret not in shown


def test_who_has_no_key_reads_how_to_ask_for_one_and_what_goes_without(live):
    with pytest.raises(NoKey) as error:
        connect("live")
    said = str(error.value)
    assert REQUEST_FORM in said and "reddit=archive" in said and "post by hand" in said
    assert "register" not in said.lower()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"password": "no"}, "REDDIT_PASSWORD"),
        ({"client_secret": "no"}, "REDDIT_CLIENT_SECRET"),
        ({"client_id": "no"}, "REDDIT_CLIENT_ID"),
    ],
)
def test_a_refused_login_names_what_to_check(live, wrong, named):
    account = {"client_id": "app", "username": "sandbox_bot", **SECRETS}
    with pytest.raises(LoginRefused, match=named):
        connect("live", **{**account, **wrong})


def test_missing_credentials_are_named(live):
    with pytest.raises(BotlibError, match="REDDIT_CLIENT_ID"):
        connect("live")
    with pytest.raises(BotlibError, match="REDDIT_CLIENT_SECRET"):
        connect("live", client_id="app")


def test_no_secret_in_logs_or_errors(live, caplog, workspace):
    caplog.set_level(logging.DEBUG)
    account = {"client_id": "app", "username": "sandbox_bot", **SECRETS}
    reddit = connect("live", **account)
    reddit.user.me()
    texts = [repr(reddit), repr(vars(reddit)), caplog.text]
    for fault in ("401", "403", "500", "drop", "html"):
        live.faults = lambda method, path, fault=fault: fault
        try:
            connect("live", **account)
        except BotlibError:
            texts.append(traceback.format_exc())
    for refused in ({"password": "other-p4ss"}, {"client_secret": "other-s3cr3t"}):
        live.faults = None
        with pytest.raises(LoginRefused) as error:
            connect("live", **{**account, **refused})
        texts += ["".join(traceback.format_exception(error.value))]
    texts += [caplog.text]
    for text in texts:
        for secret in (*SECRETS.values(), "other-p4ss", "other-s3cr3t"):
            assert secret not in text


def test_unreachable(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    address = "http://127.0.0.1:9"
    monkeypatch.setattr(module, "LIVE", {"oauth_url": address, "reddit_url": address})
    with pytest.raises(BotlibError, match="can't be reached"):
        connect("live", client_id="a", client_secret="b", username="c", password="d")


def test_unknown_site():
    with pytest.raises(BotlibError, match="reddit must be"):
        connect("Live")


def test_user_agent_has_reddits_form(client):
    agent = client.config.user_agent
    assert agent.startswith(("linux:botlib:v", "darwin:botlib:v", "windows:botlib:v"))
    assert agent.endswith("(by /u/sandbox_bot)")


def test_site_is_told_by_the_address(client):
    assert client.site == "sandbox"
    client.config.oauth_url = "https://oauth.reddit.com"
    assert client.site == "live"


@pytest.mark.parametrize("fault", ["500", "502", "503", "504", "408", "520", "401", "drop", "hang"])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_reply_is_sent_once_whatever_comes_back(client, sandbox, threads, fault, accepted):
    client._core.requestor.timeout = 1.0 if fault == "hang" else 20.0
    sandbox.faults = lambda method, path: (
        (f"after:{fault}" if accepted else fault) if path.startswith("/api/comment") else None
    )
    with pytest.raises(UnknownOutcome):
        client.comment(threads[0][1][0]["id"]).reply("Once.")
    assert sandbox.counts["POST /api/comment"] == 1
    assert len(sandbox.replies()) == (1 if accepted else 0)


@pytest.mark.parametrize("fault", ["RATELIMIT", "RATELIMIT-ms", "429"])
def test_a_rate_limit_is_not_waited_out_inside_praw(client, sandbox, threads, fault):
    sandbox.faults = lambda method, path: fault if path.startswith("/api/comment") else None
    with pytest.raises(Exception, match=r"RATELIMIT|429"):
        client.comment(threads[0][1][0]["id"]).reply("Once.")
    assert sandbox.counts["POST /api/comment"] == 1


def test_prawcore_alone_would_post_twice(sandbox, threads):
    """What OnceRequestor is for; if this fails, prawcore has changed."""
    import praw

    reddit = praw.Reddit(
        client_id=sandbox.account.client_id,
        client_secret=sandbox.account.client_secret,
        username=sandbox.account.name,
        password=sandbox.account.password,
        user_agent="a test of prawcore",
        oauth_url=sandbox.url,
        reddit_url=sandbox.url,
        check_for_updates=False,
    )
    sandbox.faults = lambda method, path: "after:503" if path.startswith("/api/comment") else None
    with pytest.raises(prawcore.ServerError):
        reddit.comment(threads[0][1][0]["id"]).reply("Thrice.")
    assert len(sandbox.replies()) == 3


def test_the_requestor_bounds_time():
    assert OnceRequestor(user_agent="a test of it", timeout=3.0).timeout == 3.0
