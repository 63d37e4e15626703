"""Whole rounds with small real models: read, write, score, queue, post; and the command line."""

import dataclasses
import io
import logging
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib import tables
from botlib.__main__ import main
from botlib.errors import BotlibError
from botlib.gpt2.decoder import Decoder
from botlib.live import judging, loop
from botlib.live import round as rounds
from botlib.live.models import Models, realism_threshold
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, PROPOSED
from botlib.live.reddit.client import LoginRefused, NoKey, Unreachable
from botlib.live.stopping import Stopped
from botlib.settings import GenerateSettings
from botlib.workspace import Workspace
from botlib.worth.model import train
from tests.data.archive.server import ArchiveServer
from tests.live.posting.test_by_hand import RULES
from tests.live.reddit import test_archive as archived

from . import small_models
from .test_round import _raw

ROOT = Path(__file__).resolve().parents[2]
DECODER = Decoder(max_tokens=12)


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory) -> Workspace:
    made = Workspace.open(tmp_path_factory.mktemp("models"), create=True)
    small_models.fill(made)
    return made


@pytest.fixture
def ready(workspace, models_folder) -> Workspace:
    """A workspace with models and threads."""
    workspace.models.symlink_to(models_folder.models)
    for month, subreddit in (("2019_05", "writing"), ("2019_06", "scifi")):
        raw = _raw(subreddit)
        # Everybody writes once, so that no limit holds a reply back
        for column in ("comment_author", "submission_author", "reply_author"):
            raw[column] = [f"{column[:1]}{subreddit}{n}" for n in range(len(raw))]
        tables.write_table(workspace.raw_month(month), raw, tables.RAW)
    return workspace


@pytest.fixture
def generate() -> GenerateSettings:
    return GenerateSettings(
        reddit="sandbox", subreddits="writing,scifi", candidates=4, posts_per_subreddit=2
    )


def test_a_round_proposes_and_a_second_does_not_repeat(
    ready, sandbox, client, threads, generate, settings, clock
):
    models = Models.load(ready, threads=1)
    post = settings(threshold=0.0)
    first = rounds.propose(ready, client, models, generate, post, decoder=DECODER, clock=clock)
    assert len(first.chosen) == 9 * 4
    assert first.chosen["decision"].isin(["reply", "outranked", "refused"]).all()
    assert (first.chosen["reason"] != "").all()
    assert first.queued["decision"].tolist() == ["proposed"] * first.queued.shape[0]
    assert 0 < len(first.queued) <= 3
    again = rounds.propose(ready, client, models, generate, post, decoder=DECODER, clock=clock)
    assert set(again.chosen["comment_id"]).isdisjoint(first.queued["comment_id"])


def test_the_shortest_thread_is_answered_first_so_that_a_person_waits_seconds(
    ready, sandbox, client, threads, generate, settings, clock, monkeypatch
):
    models = Models.load(ready, threads=1)

    def uneven(*arguments, **options):
        reading = read(*arguments, **options)
        place = reading.comments.groupby("post_id").cumcount()
        last = reading.comments["post_id"] == reading.comments["post_id"].iloc[-1]
        kept = reading.comments[(place == 0) | ~last].reset_index(drop=True)
        return dataclasses.replace(reading, comments=kept)

    read = rounds.read
    monkeypatch.setattr(rounds, "read", uneven)
    asked = iter([False])  # a stop after the first post
    result = rounds.propose(
        ready, client, models, generate, settings(threshold=0.0),
        decoder=DECODER, clock=clock, stop=lambda: next(asked, True),
    )  # fmt: skip
    assert sorted(result.reading.comments.groupby("post_id").size()) == [1, 3, 3]
    assert result.chosen["comment_id"].unique().tolist() == [
        result.reading.comments["comment_id"].iloc[-1]
    ]


def test_run_posts_once_and_logs_one_line_a_decision(
    ready, sandbox, client, threads, generate, settings, caplog
):
    caplog.set_level(logging.INFO, logger="botlib.live")
    models = Models.load(ready, threads=1)
    options = {"decoder": DECODER, "wait": lambda seconds: None}
    sandbox.state.change(threads[0][1][0]["name"], locked=True)
    generate = GenerateSettings(**{**generate.as_dict(), "max_age_hours": 0})
    loop.run(ready, client, models, generate, settings(threshold=0.0), **options)
    posted = len(sandbox.replies())
    assert posted
    loop.run(ready, client, models, generate, settings(threshold=0.0), **options)
    assert sandbox.replies()["post_id"].is_unique
    lines = [record.message for record in caplog.records if record.name == "botlib.live"]
    assert sum("event=post" in line and "decision=posted" in line for line in lines) == posted
    assert any(re.search(r'event=skipped .*reason="the comment is locked"', line) for line in lines)
    assert sum(line.startswith("event=round") for line in lines) == 2


def test_a_failing_round_is_logged_and_the_next_goes_on(
    ready, sandbox, client, threads, generate, settings, caplog
):
    caplog.set_level(logging.INFO, logger="botlib.live")
    models = Models.load(ready, threads=1)
    rounds = []

    def wait(seconds: float) -> None:
        rounds.append(seconds)
        sandbox.faults = None

    sandbox.faults = lambda method, path: "503"
    with pytest.raises(BotlibError):
        loop.run(ready, client, models, generate, settings(), decoder=DECODER)
    ended = loop.run(
        ready, client, models, generate, settings(), decoder=DECODER, every=60.0,
        wait=wait, stop=lambda: len(rounds) > 1,
    )  # fmt: skip
    assert ended == 2
    lines = [record.message for record in caplog.records]
    assert sum(line.startswith("event=error") for line in lines) == 1
    assert sum(line.startswith("event=round") for line in lines) == 1


def test_an_error_nobody_foresaw_is_logged_with_its_place_and_the_loop_goes_on(
    ready, client, generate, settings, caplog, monkeypatch
):
    caplog.set_level(logging.INFO, logger="botlib.live")
    models = Models.load(ready, threads=1)
    waits = []

    def odd(*_args, **_kwargs):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(loop.inbox, "listen", odd)
    ended = loop.run(
        ready, client, models, generate, settings(), decoder=DECODER, every=60.0,
        wait=waits.append, stop=lambda: len(waits) == 8,
    )  # fmt: skip
    assert ended == 8
    lines = [record.message for record in caplog.records if "event=error" in record.message]
    assert len(lines) == 8
    assert "ZeroDivisionError at loop.py:" in lines[0] and "of all things" in lines[0]
    # The longer it fails, the more seldom it tries, up to once an hour
    assert waits[:3] == [120.0, 240.0, 480.0]
    assert waits[-1] == 3600.0
    with pytest.raises(BotlibError, match=r"unexpected ZeroDivisionError at loop\.py") as caught:
        loop.run(ready, client, models, generate, settings(), decoder=DECODER)
    assert "\n" not in str(caught.value)


def test_a_stop_switch_between_rounds_is_logged_and_the_bot_reads_on(
    ready, sandbox, client, threads, generate, settings, caplog
):
    caplog.set_level(logging.INFO, logger="botlib.live")
    models = Models.load(ready, threads=1)
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 1:
            ready.stop_switch.touch()
            raise Stopped("the stop switch is on")

    loop.run(
        ready, client, models, generate, settings(), decoder=DECODER, every=60.0, wait=wait,
        stop=lambda: len(waits) == 3,
    )  # fmt: skip
    lines = [record.message for record in caplog.records]
    assert any(line.startswith("event=stopped") for line in lines)
    assert sum(line.startswith("event=round") for line in lines) == 2


def test_the_context_model_says_which_comment(ready, client, threads, generate, settings, clock):
    random = np.random.default_rng(0)
    pairs = pd.DataFrame(
        {
            "subreddit": "writing",
            "submission_id": [f"s{n // 5}" for n in range(400)],
            "comment_id": [f"c{n // 2}" for n in range(400)],
            "reply_id": [f"r{n}" for n in range(400)],
            "comment": "Why?",
            "reply": "Because.",
            "comment_created_utc": 1.8e9,
            "reply_created_utc": 1.8e9 + 60 * np.arange(400),
            "comment_score": 3,
            "reply_retrieved_utc": 1.9e9,
            "rating": random.integers(0, 4, 400),
        }
    )
    folder = ready.root / "context"
    train(pairs, out=folder, trees=5)
    from botlib.worth.model import ContextModel

    models = Models.load(ready, threads=1)
    models.context = ContextModel(folder)
    done = rounds.propose(
        ready, client, models, generate, settings(threshold=0.0), decoder=DECODER, clock=clock
    )
    worth = judging.comment_worth(models.context, done.reading.threads, done.chosen, clock())
    assert set(worth) == set(done.reading.comments["comment_id"])
    assert all(0 <= value <= 3 for value in worth.values())
    assert judging.comment_worth(None, done.reading.threads, done.chosen, clock()) is None


def test_threshold_calibrated_to_a_precision(ready, settings):
    models = Models.load(ready, threads=1)
    real = pd.DataFrame(
        {name: ["x"] * 40 for name in tables.BERT_GAN_REAL.columns}
        | {"reply": ["try to write every day"] * 40, "real": 1, "split": "validation"}
    )
    fake = real.assign(reply="zzz", real=0)
    for path, table, frame in (
        (ready.bert_gan_real, tables.BERT_GAN_REAL, real),
        (ready.bert_gan_fake(1), tables.BERT_GAN_FAKE, fake),
    ):
        numbers = [c for c, t in table.columns.items() if t != "str" and c != "real"]
        tables.write_table(path, frame.reindex(columns=table.columns).assign(
            **dict.fromkeys(numbers, 1)), table)  # fmt: skip
    assert realism_threshold(ready, models.realism, settings(threshold=0.7)) == 0.7
    scores = models.realism.predict(["x", "x"], ["try to write every day", "zzz"])[:, 1]
    wanted = settings(precision=0.99)
    if scores[0] > scores[1]:
        found = realism_threshold(ready, models.realism, wanted)
        assert found == pytest.approx(float(scores[0]))
    else:
        with pytest.raises(BotlibError, match="precision"):
            realism_threshold(ready, models.realism, wanted)


# The command line
BOT = ("--subreddits", "writing,scifi", "--profile", "demo", "-p", "threshold", "0.0")
QUICK = ("-p", "candidates", "3", "-p", "max_tokens", "8", "-p", "posts_per_subreddit", "2")


def test_bot_review_outcomes_stop_start(ready, capsys):
    where = ("--workspace", str(ready.root))
    assert main(["bot", *where, *BOT, *QUICK]) == 0
    with Outbox(ready.outbox) as outbox:
        waiting = outbox.replies(states=[PROPOSED])
        assert waiting
    review = ready.root / "review.csv"
    assert main(["review", *where, "--csv-out", str(review)]) == 0
    frame = pd.read_csv(review, dtype=str, keep_default_na=False)
    frame.assign(decision="approve").to_csv(review, index=False)
    assert main(["review", *where, "--csv-in", str(review)]) == 0
    assert main(["stop", *where, "lunch"]) == 0
    assert "lunch" in ready.stop_switch.read_text()
    assert main(["bot", *where, *BOT, *QUICK]) == 0
    with Outbox(ready.outbox) as outbox:
        assert not outbox.replies(states=[POSTED])
    assert main(["start", *where, "--reopen", "writing"]) == 0
    assert not ready.stop_switch.exists()
    assert main(["bot", *where, *BOT, *QUICK, "--dry-run"]) == 0
    with Outbox(ready.outbox) as outbox:
        assert not outbox.replies(states=[POSTED])
    assert main(["bot", *where, *BOT, *QUICK]) == 0
    with Outbox(ready.outbox) as outbox:
        assert len(outbox.replies(states=[POSTED])) == len(waiting)
    capsys.readouterr()
    assert main(["outcomes", *where]) == 0
    assert "rank correlation" in capsys.readouterr().out
    assert main(["outcomes", *where, "--live", "--offline"]) == 0
    assert "no reply was posted to the live site" in capsys.readouterr().out
    assert main(["review", *where, "--list"]) == 0
    assert "posted" in capsys.readouterr().out
    assert main(["review", *where]) == 0
    assert capsys.readouterr().out == "no reply waits for approval\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-p", "candidate", "3"], "candidate"),
        (["-p", "candidates", "three"], "candidates"),
        (["-p", "dry_run", "0"], "dry_run must be true or false"),
        (["-p", "reddit", "live"], "only --live connects to Reddit itself; add it"),
        (["--live", "-p", "reddit", "sandbox"], "reddit is 'live' by --live and 'sandbox' by -p"),
        (["--dry-run", "-p", "dry_run", "false"], "dry_run is False by -p and True by --dry-run"),
        (
            ["--allow", "scifi", "-p", "allowed_subreddits", "a"],
            "by --allow: leave one of them out",
        ),
        (["--live", "-p", "approve", "sandbox"], "on the live site a person approves"),
        (["-p", "date", "2026-01-01"], "-p date"),
        (["-p", "drive_root", "/elsewhere"], "drive_root"),
        (["--every", "10 parsecs"], "--every"),
        (["--every", "0s"], "--every"),
        (["--subreddits", "all"], "r/all"),
    ],
)
def test_wrong_usage_is_one_clear_line(ready, capsys, arguments, named):
    before = {path.name for path in ready.root.iterdir()} | {"sandbox", "outbox.sqlite3"}
    assert main(["bot", "--workspace", str(ready.root), *arguments]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert named in lines[-1]
    assert lines[-1].startswith("botlib: ")
    assert {path.name for path in ready.root.iterdir()} <= before


@pytest.mark.parametrize(
    "arguments",
    [
        ["bot", "--every", "10m", "--once"],
        ["review", "--list", "--csv-in", "replies.csv"],
        ["review", "--csv-out", "a.csv", "--csv-in", "b.csv"],
        ["outcomes", "--offline", "--delete"],
    ],
)
def test_options_that_would_be_ignored_are_refused(workspace, capsys, arguments):
    command, *options = arguments
    with pytest.raises(SystemExit) as ended:
        main([command, "--workspace", str(workspace.root), *options])
    assert ended.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_missing_models_are_named(workspace, capsys):
    tables.write_table(workspace.raw_month("2019_05"), _raw("writing"), tables.RAW)
    where = ["--workspace", str(workspace.root), "--subreddits", "writing"]
    assert main(["bot", *where]) == 1
    assert str(workspace.gpt2("run1")) in capsys.readouterr().err


def test_live_without_credentials_posts_nothing(ready, capsys, monkeypatch, tmp_path):
    for name in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"REDDIT_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("praw.config.Config.CONFIG", None)
    assert main(["bot", "--workspace", str(ready.root), "--live"]) == 1
    assert "REDDIT_CLIENT_ID" in capsys.readouterr().err


def test_without_a_key_the_bot_proposes_from_the_archive_and_a_person_takes_over(
    ready, caplog, capsys, monkeypatch
):
    for name in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"REDDIT_{name}", raising=False)
    where = ("--workspace", str(ready.root))
    options = ("--subreddits", "writing", "-p", "threshold", "0.0")
    with ArchiveServer(archived.POSTS, archived.COMMENTS) as server:
        server.rules["writing"] = RULES
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.address)
        assert main(["bot", *where, "--archive", *options, *QUICK]) == 0
        assert main(["review", *where, "--csv-out", str(ready.root / "r.csv"), "--live"]) == 0
        frame = pd.read_csv(ready.root / "r.csv")
        assert len(frame) > 0
        frame.assign(decision="approve").to_csv(ready.root / "r.csv", index=False)
        assert main(["review", *where, "--csv-in", str(ready.root / "r.csv"), "--live"]) == 0
        assert main(["bot", *where, "--archive", *options, *QUICK]) == 0
        monkeypatch.setattr("sys.stdin", io.StringIO("t\np\n"))
        assert main(["hand-over", *where]) == 0
        assert main(["outcomes", *where, "--live"]) == 0
        assert main(["outcomes", *where, "--live", "--delete"]) == 1
    said = capsys.readouterr()
    assert "No bots" in said.out and "1 posted" in said.out
    assert "--delete needs a key" in said.err
    with Outbox(ready.outbox) as outbox:
        assert len(outbox.replies("live", [POSTED])) == 1


@pytest.fixture
def live(sandbox, client, threads, monkeypatch):
    """`--live` meets the sandbox, and takes it for the live site."""
    from botlib.live.reddit import client as module

    account = sandbox.account
    for name in ("client_id", "client_secret", "password"):
        monkeypatch.setenv(f"REDDIT_{name.upper()}", getattr(account, name))
    monkeypatch.setenv("REDDIT_USERNAME", account.name)
    monkeypatch.setattr(module, "LIVE", {"oauth_url": sandbox.url, "reddit_url": sandbox.url})
    monkeypatch.setattr(module.Client, "site", "live")
    return sandbox


LIVE = ("--live", "--subreddits", "writing,scifi", "-p", "threshold", "0.0", "-p", "max_age_hours",
        "0", "-p", "max_pause_minutes", "0", "-p", "min_pause_minutes", "0")  # fmt: skip


def test_live_posts_only_what_a_person_approved_where_allowed(ready, live, caplog):
    caplog.set_level(logging.INFO, logger="botlib.live")
    where = ("--workspace", str(ready.root))
    # The profile approves for the sandbox; --live asks a person all the same
    assert main(["bot", *where, *LIVE, *QUICK, "--profile", "demo", "--allow", "writing"]) == 0
    assert live.writes == 0
    with Outbox(ready.outbox) as outbox:
        waiting = outbox.replies("live", [PROPOSED])
        assert {reply.subreddit for reply in waiting} == {"writing", "scifi"}
        for reply in waiting:
            outbox.approve(reply.id, "ann")
    assert main(["bot", *where, *LIVE, *QUICK, "--profile", "colab"]) == 0
    assert live.writes == 0
    assert "no subreddit is allowed" in caplog.text
    assert main(["stop", *where]) == 0
    assert main(["bot", *where, *LIVE, *QUICK, "--allow", "writing"]) == 0
    assert live.writes == 0
    assert "the stop switch is on" in caplog.text
    assert main(["start", *where]) == 0
    assert main(["bot", *where, *LIVE, *QUICK, "--allow", "writing"]) == 0
    assert set(live.replies()["subreddit"]) == {"writing"}
    assert "r/scifi is not on the allow-list" in caplog.text


def test_live_posts_nothing_if_p_says_dry_run(ready, live):
    """The flag's default replaced `-p dry_run true`, and six replies were posted."""
    where = ("--workspace", str(ready.root))
    assert main(["bot", *where, *LIVE, *QUICK]) == 0
    with Outbox(ready.outbox) as outbox:
        for reply in outbox.replies("live", [PROPOSED]):
            outbox.approve(reply.id, "ann")
    assert main(["bot", *where, *LIVE, *QUICK, "--allow", "writing", "-p", "dry_run", "true"]) == 0
    assert live.writes == 0


def test_the_log_begins_with_who_set_what_and_what_is_looser(ready, live, caplog):
    caplog.set_level(logging.INFO, logger="botlib.live")
    where = ("--workspace", str(ready.root))
    assert main(["bot", *where, *LIVE, *QUICK, "--profile", "offline", "--dry-run"]) == 0
    text = caplog.text
    assert "notebook=06_discriminate_and_post name=threshold value=0.0 set_by=-p" in text
    assert "min_pause_minutes=0.0, set by -p, is looser on the live site than 1.0" in text
    assert "max_per_subreddit_hour=5 of profile offline does not count on the live site" in text


def test_show_config_tells_who_set_what_and_needs_no_model(tmp_path, capsys):
    arguments = ["bot", "--workspace", str(tmp_path / "nowhere"), "--show-config", "--live"]
    assert main([*arguments, "--allow", "writing", "-p", "top_k", "7"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for row in (["top_k", "7", "-p"], ["allowed_subreddits", "writing", "--allow"],
                ["max_per_day", "10", "default"], ["reddit", "live", "--live"]):  # fmt: skip
        assert row in lines
    assert not (tmp_path / "nowhere").exists()


def test_sigterm_ends_after_the_reply_in_hand(ready):
    command = [sys.executable, "-m", "botlib", "bot", "--workspace", str(ready.root), *BOT, *QUICK]
    process = subprocess.Popen(
        [*command, "--every", "1h", "--log", "debug"], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "event=round" in line:
            process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == 0
    assert "event=end rounds=1 reason=stopped" in lines[-1]


def test_no_tensorflow_is_loaded(ready):
    code = (
        "import sys; from botlib.live import loop, review; "
        "from botlib.live.models import Models; "
        "from botlib.workspace import Workspace; "
        f"Models.load(Workspace.open({str(ready.root)!r})); "
        "print([m for m in ('tensorflow', 'keras', 'tf_keras', 'sklearn', 'matplotlib', 'IPython') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


class Waits:
    """A Stop whose waits take no time, and are remembered."""

    def __init__(self, enough: int = 10_000) -> None:
        self.seconds, self.enough = [], enough

    def wait(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if self.told():
            raise Stopped("told to stop")

    def told(self) -> bool:
        return len(self.seconds) >= self.enough


def test_the_bot_waits_for_reddit_through_a_day_and_says_so(caplog):
    caplog.set_level(logging.INFO, logger="botlib.live")
    waits = Waits()

    def connect():
        if sum(waits.seconds) < 86400:
            raise Unreachable("Reddit can't be reached")
        return "a client"

    assert loop.wait_for(connect, waits) == "a client"
    assert waits.seconds[:3] == [15.0, 30.0, 60.0] and max(waits.seconds) == 600.0
    assert len([r for r in caplog.records if "waiting for Reddit" in r.message]) == len(
        waits.seconds
    )


def test_a_stop_ends_the_wait_for_reddit():
    def connect():
        raise Unreachable("Reddit can't be reached")

    with pytest.raises(Stopped):
        loop.wait_for(connect, Waits(enough=3))


def test_a_login_refused_once_is_tried_again_and_one_refused_three_times_is_believed():
    answers = iter([LoginRefused("403"), Unreachable("503"), LoginRefused("403"), "a client"])

    def connect():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert loop.wait_for(connect, Waits()) == "a client"
    answers = iter([LoginRefused("403")] * 3)
    with pytest.raises(LoginRefused):
        loop.wait_for(connect, Waits())
    answers = iter([NoKey("no key")])
    with pytest.raises(NoKey):
        loop.wait_for(connect, Waits())


def test_weeks_of_failures_do_not_end_the_bot():
    """After 1,024 failures in a row the wait was no float any more."""
    assert loop._until_next(600.0, 2000) == loop.LONGEST_REST
    assert loop._until_next(7200.0, 2000) == 7200.0


def test_reddit_down_at_the_start_ends_one_round_but_not_a_service(ready, live, capsys, caplog):
    caplog.set_level(logging.INFO, logger="botlib.live")
    calls = []

    def faults(method, path):
        calls.append(path)
        return "503" if len(calls) < 12 else None

    live.faults = faults
    where = ("--workspace", str(ready.root))
    assert main(["bot", *where, *LIVE, *QUICK]) == 1
    assert "try again later" in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "FIRST_REST", 0.01)
        patch.setattr(
            loop, "_wait_for_next_round", lambda seconds, wait: os.kill(os.getpid(), signal.SIGTERM)
        )
        assert main(["bot", *where, *LIVE, *QUICK, "--every", "10m"]) == 0
    assert "waiting for Reddit" in caplog.text and "event=round" in caplog.text
