"""The bot's log: a person reads one line a round, a program reads every decision."""

import io
import json
import logging
import re

import numpy as np
import pytest

from botlib.live import events
from botlib.live.events import log, note, show


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level = list(root.handlers), log.level
    yield
    root.handlers[:] = handlers
    log.setLevel(level)


def lines_of(style: str, happens, **options) -> list[str]:
    stream = io.StringIO()
    show(style, stream, **options)
    happens()
    return stream.getvalue().splitlines()


def a_round(waiting: int = 3) -> None:
    note("read", comments=9, known=0, skipped=32, requests=4)
    note("skipped", subreddit="writing", reason="it has no text")
    note("candidate", subreddit="writing", decision="reply", score=float("nan"))
    note("round", site="live", read=41, proposed=2, posted=0, waiting=waiting, by_hand=0)


def test_a_person_reads_one_line_a_round_with_what_to_do():
    (line,) = lines_of("info", a_round)
    assert line.endswith("read 41, proposed 2, 3 wait for you: botlib review --live")
    (line,) = lines_of("info", lambda: note("round", site="sandbox", read=1, waiting=1))
    assert line.endswith("read 1, 1 waits for you: botlib review")
    (line,) = lines_of("info", lambda: note("round", site="live", read=7, by_hand=2))
    assert line.endswith("read 7, 2 approved: botlib hand-over")


def test_every_decision_is_there_at_debug():
    lines = lines_of("debug", a_round)
    assert [line.split()[2] for line in lines] == [
        "event=read", "event=skipped", "event=candidate", "event=round",
    ]  # fmt: skip


def test_json_lines_hold_types_and_strangers_texts_in_one_line():
    def happens():
        note("round", read=np.int64(41), seconds=1.5, score=float("nan"))
        note("skipped", reason='a "quoted"\n\x1b[31mline\u202e', time="stranger's", level="none")
        logging.getLogger("botlib.live").debug("the round that failed", exc_info=ValueError("x"))

    lines = [json.loads(line) for line in lines_of("json", happens)]
    assert lines[0]["event"] == "round" and lines[0]["read"] == 41 and lines[0]["score"] is None
    assert lines[1]["level"] == "info" and lines[1]["time"].endswith("Z")
    assert "\x1b" not in lines[1]["reason"] and "\u202e" not in lines[1]["reason"]
    assert lines[2]["event"] == "log" and "ValueError: x" in lines[2]["traceback"]


def test_what_lasts_is_said_once_and_again_when_it_comes_back():
    def happens():
        for stopped in (True, True, False, True):
            if stopped:
                note("stopped", reason="the stop switch is on")
            note("post", id=4, subreddit="writing", decision="waits", reason="later")
            note("round", site="sandbox", read=1)

    lines = [line for line in lines_of("info", happens) if "nothing is posted" in line]
    assert len(lines) == 2


def test_failures_are_said_each_time_with_when_it_tries_again():
    def happens():
        for _ in range(2):
            note("error", reason="Reddit can't be read now", again=1200.0)

    lines = lines_of("info", happens)
    assert len(lines) == 2
    assert lines[0].endswith("failed: Reddit can't be read now; tried again in 20m")


def test_quiet_leaves_only_what_a_person_must_see_to():
    def happens():
        a_round()
        note("error", reason="the disk is full")
        logging.getLogger("prawcore").warning("retrying")
        logging.getLogger("prawcore").info("asked")

    lines = lines_of("info", happens, quiet=True)
    assert [line[20:] for line in lines] == ["failed: the disk is full", "retrying"]


def test_a_strangers_line_break_makes_no_second_line():
    lines = lines_of("info", lambda: note("inbox", author="a\nb", request="stop", done="x\x1b[0m"))
    assert len(lines) == 1 and "\x1b" not in lines[0]


def test_every_event_of_the_source_has_a_decided_form(repository):
    """An event that nobody thought of must not vanish from the person's log by accident."""

    sources = (repository / "botlib").rglob("*.py")
    found = {
        name for path in sources for name in re.findall(r'\bnote\(\s*"([^"]+)"', path.read_text())
    }
    for_programs = {"read", "skipped", "candidate", "queue", "setting", "outcome", "handed over",
                    "by hand"}  # fmt: skip
    fields = dict.fromkeys(("reason", "decision", "site", "done"), "x") | {"again": 1.0}
    said = {name for name in found if events.sentence(name, fields)}
    assert found - said == for_programs
