"""Years of replies make no call slower: SQLite's steps are counted, not seconds."""

import sqlite3
from contextlib import closing

import pytest

from benchmarks.outbox import NOW, calls, fill
from botlib.live.outbox.queue import Outbox

# More than the eight days in which replies are followed
FEW, MANY = 8_000, 40_000


@pytest.fixture(scope="module")
def steps(tmp_path_factory) -> dict[str, tuple[int, int]]:
    """By call: how many steps SQLite takes with few replies, and with five times as many."""
    counts: dict[int, dict[str, int]] = {}
    for replies in (FEW, MANY):
        path = tmp_path_factory.mktemp("outbox") / "outbox.sqlite3"
        fill(path, replies)
        counts[replies] = {}
        with Outbox(path, clock=lambda: NOW) as outbox:
            for name, call in calls(outbox, replies).items():
                counter = [0]

                def count(counter=counter) -> None:
                    counter[0] += 1

                outbox._database.set_progress_handler(count, 10)
                call()
                outbox._database.set_progress_handler(None, 0)
                counts[replies][name] = 10 * counter[0]
    return {name: (counts[FEW][name], counts[MANY][name]) for name in counts[FEW]}


def test_no_call_of_the_bot_or_a_person_costs_more_after_years_of_replies(steps):
    # A tenth for what differs by chance: how many were sent yesterday, how deep an index is
    assert {n: s for n, s in steps.items() if s[1] > 1.1 * s[0] + 400} == {}


def test_the_count_of_steps_notices_a_call_that_reads_everything(tmp_path):
    fill(tmp_path / "outbox.sqlite3", FEW)
    with Outbox(tmp_path / "outbox.sqlite3") as outbox:
        calls_made = []
        outbox._database.set_progress_handler(lambda: calls_made.append(1), 10)
        outbox.select("SELECT COUNT(*) FROM replies WHERE reason = 'x'")
    assert 10 * len(calls_made) > 2 * FEW


def test_an_old_outbox_gets_all_indexes_of_a_new_one(tmp_path):
    def indexes(path) -> set[tuple]:
        with closing(sqlite3.connect(path)) as database:
            return set(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))

    new, old = tmp_path / "new.sqlite3", tmp_path / "old.sqlite3"
    fill(new, FEW)
    with closing(sqlite3.connect(new)) as source, closing(sqlite3.connect(old)) as database:
        source.backup(database)
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall():
            database.execute(f"DROP INDEX {name}")
        database.execute("PRAGMA user_version = 7")
        database.commit()
    assert indexes(old) != indexes(new)
    with Outbox(old) as opened, Outbox(new) as other:
        assert opened.replies() == other.replies()
    assert indexes(old) == indexes(new)


def test_the_last_decision_is_found_among_thousands_and_beside_the_other_site(outbox, clock):
    rows = [
        {"subreddit": "a", "post_id": "p", "comment_id": f"c{n}", "reply": "Yes."}
        for n in range(300)
    ]
    outbox.propose("live", rows)
    outbox.propose("sandbox", rows[:1])
    for number in range(1, 251):
        outbox.reject(number, "ann")  # all in the same second
    assert outbox.last_judged("live").id == 250
    outbox.approve(251, "ann")
    clock.sleep(1)
    outbox.reject(3 + 250, "ann")
    outbox.undo(253, "ann")
    assert outbox.last_judged("live").id == 251
    # Sent, and not taken: the decision is still the person's
    outbox.mark_sending(251)
    outbox.release(251, "HTTP 503")
    assert outbox.last_judged("live").id == 251
    assert outbox.last_judged("sandbox") is None


def test_names_and_ids_in_any_case_are_forgotten(outbox):
    row = {"subreddit": "a", "reply": "Yes.", "comment": "Private."}
    for number, (post, comment, author) in enumerate(
        [("p1", "c1", "Ann"), ("t3_P2", "c2", "bob"), ("p3", "t1_c3", "cid"), ("p4", "c4", "dan")]
    ):
        site = "live" if number % 2 else "sandbox"
        outbox.propose(site, [row | {"post_id": post, "comment_id": comment, "author": author}])
    assert outbox.forget({"ann"}, {"p2", "c3"}) == 3
    assert [reply.comment for reply in outbox.replies()] == ["", "", "", "Private."]
