"""bot.yaml: what the command line takes, checked like it, and never a secret."""

import contextlib

import pytest

from botlib.__main__ import main, parser
from botlib.errors import BotlibError
from botlib.live import bot_file
from botlib.live.bot_settings import settle


def settled(workspace, text: str, *arguments: str):
    workspace.bot_file.write_text(text, encoding="utf-8")
    args = parser().parse_args(["bot", "--workspace", str(workspace.root), *arguments])
    args.workspace_set_by = "--workspace"
    return settle(args)


GOOD = """\
every: 10m
live: true
subreddits: [writing, scifi]
allow: writing
log: json
threshold: 0.95
05.candidates: 4
"""


def test_the_file_holds_what_the_command_line_takes(workspace):
    made = settled(workspace, GOOD)
    assert (made.every, made.log) == (600.0, "json")
    assert made.generate.reddit == made.post.reddit == "live"
    assert made.generate.subreddits == "writing,scifi"
    assert made.post.allowed_subreddits == "writing"
    assert (made.post.threshold, made.generate.candidates) == (0.95, 4)
    assert made.post.set_by["threshold"] == made.generate.set_by["reddit"] == "bot.yaml"
    assert made.post.dry_run is False and made.post.approve == "person"


def test_the_command_line_wins_over_the_file_and_the_file_over_the_profile(workspace):
    made = settled(
        workspace, GOOD + "profile: demo\nmax_per_day: 3\n",
        "--allow", "scifi", "-p", "threshold", "0.8", "--once", "--log", "debug", "--dry-run",
    )  # fmt: skip
    assert (made.every, made.log) == (None, "debug")
    assert made.post.allowed_subreddits == "scifi" and made.post.set_by["allowed_subreddits"]
    assert (made.post.threshold, made.post.set_by["threshold"]) == (0.8, "-p")
    assert (made.post.max_per_day, made.post.dry_run) == (3, True)
    assert settled(workspace, GOOD, "--sandbox").generate.reddit == "sandbox"
    assert settled(workspace, GOOD, "--archive").generate.reddit == "archive"


def test_a_dry_run_in_the_file_is_not_undone_by_the_bots_own_wish_to_post(workspace):
    assert settled(workspace, GOOD + "dry_run: true\n").post.dry_run is True
    assert (
        settled(workspace, GOOD + "dry_run: true\n", "-p", "dry_run", "false").post.dry_run is False
    )


def test_what_the_file_loosens_on_the_live_site_is_said(workspace):
    made = settled(workspace, GOOD + "max_per_day: 50\n")
    assert any("max_per_day=50, set by bot.yaml, is looser" in line for line in made.warnings)


def test_no_file_is_no_setting(workspace):
    assert bot_file.read(workspace.bot_file) == bot_file.BotFile()
    assert settled(workspace, "# nothing yet\n").every is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("threshhold: 0.9\n", "no option or setting is called 'threshhold'"),
        ("04.epochs: 3\n", "'04.epochs'"),
        ("threshold: high\n", "threshold must be number, not the text 'high'"),
        ("threshold: 1.5\n", "threshold must be at most 1.0"),
        ("dry_run: 1\n", "dry_run must be boolean"),
        ("every: true\n", "every: 'True' is not a duration"),
        ("every: soon\n", "every: 'soon' is not a duration"),
        ("log: loud\n", "log must be one of info, debug, json"),
        ("profile: mine\n", "profile must be one of"),
        ("live: perhaps\n", "live must be true or false"),
        ("live: true\narchive: true\n", "only one of live, archive, sandbox"),
        ("reddit: live\n", "write live: true"),
        ("05.date: '2026-01-01'\n", "dated tables"),
        ("drive_root: /elsewhere\n", "leave it out"),
        ("allow: a\nallowed_subreddits: b\n", "leave one of them out"),
        ("allow: {a: b}\n", "allow must be a text"),
        ("allow: [1, 2]\n", "allow must be a text"),
        ("allow: all\n", "r/all"),
        ("every: 10m\nevery: 20m\n", "line 2, every is set twice"),
        ("every: 10m\n  log: [\n", "isn't YAML (line 2"),
        ("- every\n", "must hold lines like"),
        ("approve: sandbox\nlive: true\n", "on the live site a person approves"),
    ],
)
def test_a_wrong_file_is_one_clear_line(workspace, capsys, text, named):
    workspace.bot_file.write_text(text, encoding="utf-8")
    assert main(["bot", "--workspace", str(workspace.root)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("botlib: ") and named in line


def test_an_error_names_the_file_so_that_a_service_log_is_enough(workspace):
    for text in ("threshold: high\n", "nonsense: 1\n", "every: soon\n", "a: [\n"):
        with pytest.raises(BotlibError, match=r"bot\.yaml"):
            settled(workspace, text)


@pytest.mark.parametrize(
    "key",
    ["client_secret", "REDDIT_PASSWORD", "webhook", "BOTLIB_WEBHOOK", "api_key", "username",
     "refresh_token", "client_id"],
)  # fmt: skip
def test_a_secret_in_the_file_is_refused_and_not_repeated(workspace, key):
    with pytest.raises(BotlibError, match="looks like a secret") as caught:
        settled(workspace, f"{key}: hunter2\n")
    assert "hunter2" not in str(caught.value)


def test_show_config_names_the_file_the_options_and_no_secret(workspace, capsys, monkeypatch):
    monkeypatch.setenv("BOTLIB_WEBHOOK", "https://ntfy.sh/hidden-topic")
    workspace.bot_file.write_text(GOOD, encoding="utf-8")
    assert main(["bot", "--workspace", str(workspace.root), "--show-config", "--once"]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    for row in (["every", "once", "--once"], ["log", "json", "bot.yaml"],
                ["webhook", "set", "BOTLIB_WEBHOOK"], ["threshold", "0.95", "bot.yaml"],
                ["profile", "laptop", "default"]):  # fmt: skip
        assert row in rows
    assert "hidden-topic" not in out


def test_limits_in_the_file_hold_for_the_page_and_for_who_posts_by_hand(workspace, monkeypatch):
    from botlib.commands import app
    from botlib.live.posting import by_hand

    workspace.bot_file.write_text("live: true\nallow: [writing]\nmax_per_day: 3\n")
    where = ["--workspace", str(workspace.root)]
    generate, post = app._settings(parser().parse_args(["app", *where, "--live"]))
    assert (post.max_per_day, post.allowed_subreddits, generate.reddit) == (3, "writing", "live")
    handed = []
    monkeypatch.setattr(
        by_hand, "in_terminal", lambda *given, **_: handed.append(given[2]) or {"posted": 0}
    )
    monkeypatch.setattr(
        "botlib.live.reddit.client.connect_to_read", lambda *_: contextlib.nullcontext()
    )
    assert main(["hand-over", *where]) == 0
    assert handed[0].max_per_day == 3
    assert main(["hand-over", *where, "-p", "max_per_day", "2"]) == 0
    assert handed[1].max_per_day == 2
