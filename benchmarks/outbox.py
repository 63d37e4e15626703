"""Milliseconds of each call to an outbox that holds a million replies: the bot's and a person's.

`python -m benchmarks.outbox [--replies N] [--folder DIR]`: the replies are made up, their states
are mixed as after three years in which 900 are proposed a day and 90 are posted.
"""

import argparse
import contextlib
import itertools
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd

from benchmarks.report import row, write
from botlib.live import outcomes
from botlib.live.outbox import candidates, inbox_log, lookups, optouts, refusals
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import HANDED_OVER, POSTING, PROPOSED, READY
from botlib.live.posting import settle
from botlib.live.review.display import waiting
from botlib.runs import bot_state

REPLIES = 1_000_000
FEW = 10_000  # measured beside them
NOW = 1_800_000_000.0
LIMIT = 10.0  # ms
_A_DAY = 900
# The newest replies of the live site; what is older was decided about
_NEWEST = {"proposed": 300, "approved": 40, "edited": 10, "posting": 2, "handed over": 8}
_OLDER = ("rejected", "posted", "given up", "failed")
_SHARES = (0.85, 0.1, 0.0498, 0.0002)
# The way of a reply into its state
_BEFORE = {
    "proposed": (),
    "rejected": ("proposed",),
    "posted": ("proposed", "approved", "posting"),
    "given up": ("proposed", "approved"),
    "failed": ("proposed", "approved", "posting"),
    "approved": ("proposed",),
    "edited": ("proposed",),
    "posting": ("proposed", "approved"),
    "handed over": ("proposed", "approved"),
}
_SUBREDDITS = [f"subreddit{number}" for number in range(40)]
_TEXT = "I went through the same thing last year, and what helped was to talk to the people there. "


def fill(path: Path, replies: int, seed: int = 0) -> None:
    """Writes an outbox of made-up replies, with all that hangs on them.

    Args:
      path: of the file, which doesn't exist yet.
      replies: how many; the older they are, the longer ago they were proposed.
      seed: of states and texts.
    """
    Outbox(path, clock=lambda: NOW).close()
    draw = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
        database.execute("BEGIN")
        states = list(_states(replies, draw))
        database.executemany(
            f"INSERT INTO replies VALUES ({', '.join('?' * 23)})", _replies(states, draw)
        )
        database.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, '')", _changes(states))
        posted = [number for number, state in enumerate(states, 1) if state == "posted"]
        database.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)",
            (
                (number, _time(number, replies) + 3600 * hours, hours, draw.randint(-2, 30), fate)
                for number in posted
                for hours, fate in ((1.0, "there"), (24.0, "there"), (168.0, "removed"))
                if _time(number, replies) + 3600 * hours < NOW
                and (fate == "there" or not draw.randrange(50))
            ),
        )
        database.executemany(
            "INSERT INTO candidates VALUES (?, ?, ?, 0.5, 1.5, 'left', 'ranked lower')",
            ((number, k, _TEXT) for number in range(1, replies + 1) for k in range(2)),
        )
        database.executemany(
            "INSERT INTO inbox VALUES ('live', ?, ?, 1)",
            ((f"t1_i{number}", _time(number, replies)) for number in range(1, replies + 1, 5)),
        )
        database.executemany(
            "INSERT INTO follow_ups VALUES ('live', ?, 'answer', '', ?)",
            ((f"f{number}", _time(number, replies)) for number in range(1, replies + 1, 20)),
        )
        database.executemany(
            "INSERT INTO opted_out VALUES (?, ?, 'asked')",
            ((f"person{number}", _time(number, replies)) for number in range(1, replies + 1, 200)),
        )
        database.executemany(
            "INSERT INTO refusals VALUES ('live', ?, ?, '403')",
            ((f"reading t1_r{n}", _time(n, replies)) for n in range(1, replies + 1, 500)),
        )
        database.execute("COMMIT")
    # Otherwise the first calls wait until the disk has taken all this
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _states(replies: int, draw: random.Random) -> Iterator[str]:
    newest = [state for state, count in _NEWEST.items() for _ in range(count)]
    draw.shuffle(newest)
    yield from draw.choices(_OLDER, _SHARES, k=replies - len(newest))
    yield from newest


def _time(number: int, replies: int) -> float:
    return NOW - (replies - number + 1) * 86400 / _A_DAY


def _replies(states: list[str], draw: random.Random) -> Iterator[tuple]:
    many = len(states)
    for number, state in enumerate(states, 1):
        time_ = _time(number, many)
        text = _TEXT * draw.randint(1, 3)
        site = "sandbox" if number % 20 == 0 else "live"
        sent = time_ + 60 if state in ("posted", "posting", "handed over") else None
        approved = None if state in ("proposed", "rejected") else time_ + 30
        by = "" if approved is None else "a person"
        yield (
            *(number, site, draw.choice(_SUBREDDITS), f"p{draw.randrange(many)}", f"c{number}"),
            *(f"person{draw.randrange(many // 3)}", "A title", text, f"/r/x/c{number}", text, text),
            *(draw.random(), 3 * draw.random(), state, "best of 10", by, 0, 0.0, time_ + 60, sent),
            *(f"r{number}" if state == "posted" else "", approved, 5),
        )


def _changes(states: list[str]) -> Iterator[tuple]:
    for number, state in enumerate(states, 1):
        time_ = _time(number, len(states))
        for step, (before, after) in enumerate(itertools.pairwise(("", *_BEFORE[state], state))):
            yield number, time_ + 20 * step, before, after


def calls(outbox: Outbox, replies: int) -> dict[str, Callable[[], object]]:
    """Returns the calls that are timed, by name; each takes another reply every time.

    Args:
      outbox: from `fill`.
      replies: how many it was filled with.
    """
    ids = {
        state: itertools.cycle([reply.id for reply in outbox.replies("live", [state])])
        for state in ("proposed", "approved", "posting")
    }
    numbers = itertools.cycle(range(1, replies + 1, 997))
    fresh = itertools.count(replies + 1)
    judged = [next(ids["proposed"]) for _ in range(3)]

    def proposal() -> dict:
        number = next(fresh)
        return {"subreddit": "a", "post_id": "p", "comment_id": f"c{number}", "reply": _TEXT}

    def propose() -> None:
        new = proposal()
        with outbox.transaction():
            outbox.propose("live", [new])
            candidates.store(outbox, "live", new["comment_id"], judged_rows(new["comment_id"]))

    def approve_and_undo() -> None:
        outbox.approve(judged[0], "a person")
        outbox.undo(judged[0], "a person")

    def send() -> None:
        number = next(ids["approved"])
        outbox.mark_sending(number)
        outbox.release(number, "HTTP 503")

    some = [f"c{number}" for number in range(1, replies, max(1, replies // 500))]
    posts = [f"p{number}" for number in range(25)]
    people = [f"t1_i{number}" for number in range(replies - 100, replies)]
    return {
        # The bot
        "which of 500 comments have a reply": lambda: lookups.known_comments(outbox, "live", some),
        "which of 25 posts have one": lambda: [
            post in lookups.AnsweredPosts(outbox, "live") for post in posts
        ],
        "propose, with 9 other candidates": propose,
        "approved replies, to post": lambda: outbox.replies("live", READY),
        "sent in the last day": lambda: outbox.sent_since("live", NOW - 86400),
        "replies to a post": lambda: outbox.count_for_post("live", f"p{next(numbers)}"),
        "mark as sending, and release": send,
        "postpone": lambda: outbox.postpone(next(ids["approved"]), "wait", NOW + 60),
        "unclear replies": lambda: outbox.replies("live", [POSTING]),
        "replies to follow for a week": lambda: outcomes.followed(outbox, "live"),
        "removed three times in a row?": lambda: outcomes.shut_after_streak(
            outbox, outbox.get(next(numbers))
        ),
        "approvals taken back": lambda: outbox.taken_back("live"),
        "inbox: since when": lambda: inbox_log.read_since(outbox, "live"),
        "inbox: which of 100 are handled": lambda: inbox_log.handled(outbox, "live", people),
        "inbox: record one": lambda: inbox_log.record_item(
            outbox, "live", f"t1_n{next(fresh)}", NOW, done=True
        ),
        "is a comment ours": lambda: lookups.is_ours(outbox, "live", f"r{next(numbers)}"),
        "our replies to a person": lambda: lookups.posted_to(
            outbox, "live", f"Person{next(numbers)}"
        ),
        "did a person opt out": lambda: optouts.opted_out(outbox, f"person{next(numbers)}"),
        "what a round did": lambda: lookups.done_since(outbox, "live", NOW - 600),
        "record a refusal": lambda: refusals.record(outbox, "live", "r/a", "403"),
        # The page, the review, the terminal
        "a reply by its id": lambda: outbox.get(next(numbers)),
        "replies that wait": lambda: waiting(outbox, "live"),
        "their other candidates": lambda: candidates.for_replies(
            outbox, [reply.id for reply in outbox.replies("live", [PROPOSED])]
        ),
        "approve, and undo": approve_and_undo,
        "edit": lambda: outbox.edit(judged[1], _TEXT, "a person"),
        "reject, and undo": lambda: (
            outbox.reject(judged[2], "a person"),
            outbox.undo(judged[2], "a person"),
        ),
        "the last decision": lambda: outbox.last_judged("live"),
        "open questions": lambda: settle.open_questions(outbox, "live"),
        "handed over": lambda: outbox.replies("live", [HANDED_OVER]),
        "state of the bot": lambda: bot_state.site_of(outbox, "live"),
        "history of a reply": lambda: outbox.history(next(numbers)),
        "300 rows of a review file": lambda: lookups.by_ids(
            outbox, "live", map(str, range(1, 301))
        ),
        "the latest 10 opt-outs": lambda: optouts.all_opted_out(outbox, newest=10),
        "the latest 40 replies posted": lambda: lookups.newest_posted(outbox, "live", 40),
    }


def judged_rows(comment_id: str) -> pd.DataFrame:
    """Returns the candidates of a comment, as a round judges them."""
    return pd.DataFrame(
        {
            "comment_id": comment_id,
            "sample": range(10),
            "proposed_reply": _TEXT,
            "prob_real": 0.5,
            "score": 1.5,
            "rank": range(1, 11),
            "decision": ["reply", *["left"] * 9],
            "reason": "",
        }
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=REPLIES)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where the outbox is made; default: temporary")
    options = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, contextlib.ExitStack() as stack:
        timed = []
        for replies in (FEW, options.replies):
            path = Path(folder) / f"outbox_{replies}.sqlite3"
            began = time.perf_counter()
            fill(path, replies)
            print(
                f"{replies:,} replies, {path.stat().st_size / 1e6:,.0f} MB, "
                f"written in {time.perf_counter() - began:.0f} s"
            )
            outbox = stack.enter_context(Outbox(path, clock=lambda: NOW))
            opening = {"open the outbox": lambda path=path: Outbox(path).close()}
            timed.append(opening | calls(outbox, replies))
        for name in timed[0]:
            spent: tuple[list[float], list[float]] = ([], [])
            # In turn: a slow spell of the disk hits both alike
            for _ in range(options.runs):
                for these, milliseconds in zip(timed, spent, strict=True):
                    began = time.perf_counter()
                    these[name]()
                    milliseconds.append(1000 * (time.perf_counter() - began))
            few, many = (statistics.median(milliseconds) for milliseconds in spent)
            line = row(name, many, LIMIT, "limit", unit="ms", target=1, runs=options.runs)
            more = {"with_few": few, "slowest": max(spent[1]), "replies": options.replies}
            rows.append(line | more)
    write("outbox", rows)


if __name__ == "__main__":
    main()
