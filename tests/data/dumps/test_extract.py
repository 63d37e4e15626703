"""From dump files to the raw tables: joins, months, damage, resuming, real threads."""

import contextlib
import errno
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botlib.data import raw_months
from botlib.data.dumps import extract
from botlib.data.dumps.files import blocks
from botlib.data.pairs.build import write_pairs
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.settings import DataSettings
from botlib.tables import RAW, read_table
from botlib.workspace import Workspace

MARCH = 1551398400  # 2019-03-01
APRIL = 1554076800
NAMES = list(sample.SUBREDDITS)


def _post(name="p", **changes) -> dict:
    row = {"id": name, "subreddit": "writing", "title": "Title", "selftext": "Some text.\r\nMore."}
    row |= {"author": "poster", "score": 9, "created_utc": MARCH, "is_self": True}
    return row | {"retrieved_on": MARCH + 9} | changes


def _comment(name: str, parent: str, **changes) -> dict:
    row = {"id": name, "subreddit": "writing", "body": f"text of {name}", "author": f"by_{name}"}
    row |= {"score": 2, "parent_id": parent, "link_id": "t3_p", "created_utc": MARCH + 10}
    return row | {"retrieved_on": MARCH + 99} | changes


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = b"".join(row if isinstance(row, bytes) else orjson.dumps(row) + b"\n" for row in rows)
    path.write_bytes(zstandard.compress(lines))


def _extract(folder, workspace, subreddits=("writing",), **changes):
    return extract.extract(folder, subreddits=subreddits, out=workspace, progress=False, **changes)


@pytest.fixture
def small(tmp_path):
    """A post, a comment, a reply in the next month, a reply to that, and what must not appear."""
    folder = tmp_path / "small"
    _write(folder / "submissions.zst", [_post(), _post("link", selftext="", is_self=False)])
    _write(
        folder / "comments.zst",
        [
            _comment("c", "t3_p"),
            _comment("late", "t1_c", created_utc=APRIL + 5, body='says "hi",\r\nand\u0000 goes'),
            _comment("deep", "t1_late", created_utc=APRIL + 9),
            _comment("gone", "t1_c", body="[deleted]"),
            _comment("hidden", "t1_c", score_hidden=True),
            _comment("orphan", "t1_nowhere"),
            _comment("l", "t3_link", link_id="t3_link"),
            _comment("under_l", "t1_l", link_id="t3_link", author=None),
            _comment("other", "t3_p", subreddit="scifi"),
            b'{"id": "broken\n',
        ],
    )
    return folder


def _rows(workspace, month):
    return read_table(workspace.raw_month(month), RAW).set_index("reply_id")


def test_joins_on_ids_across_months(small, workspace):
    report = _extract(small, workspace, max_malformed=0.2)
    assert report.months == {"2019_03": 2} and report.exit_status == 0
    rows = _rows(workspace, "2019_03")
    assert set(rows.index) == {"late", "hidden"}
    late = rows.loc["late"]
    assert late["reply"] == 'says "hi",\nand goes'
    assert late["submission"] == "Some text.\nMore."
    assert (late["comment"], late["comment_author"], late["submission_id"]) == (
        *("text of c", "by_c"),
        "p",
    )
    assert late["reply_created_utc"] == APRIL + 5 and late["reply_retrieved_utc"] == MARCH + 99
    assert rows["reply_score"].isna().to_dict() == {"late": False, "hidden": True}
    assert report.counts["gone_comments"] == 1
    assert report.files.set_index("kind").loc["comments", "malformed"] == 1
    assert report.table()["step"].tolist()[-1] == "pairs"


def test_a_line_quotes_texts_and_leaves_unknown_numbers_empty(small, workspace):
    post = _post(title='"Quoted", it says', selftext='"', score=None)
    _write(small / "submissions.zst", [post])
    _extract(small, workspace, max_malformed=0.2)
    with workspace.raw_month("2019_03").open(encoding="utf-8", newline="") as file:
        assert file.read() == (
            ",".join(RAW.columns)
            + '\n"writing","p","""Quoted"", it says","""","poster",,"c","text of c","by_c",2,'
            '1551398410,"hidden","text of hidden","by_hidden",,1551398410,1551398499\n'
            '"writing","p","""Quoted"", it says","""","poster",,"c","text of c","by_c",2,'
            '1551398410,"late","says ""hi"",\nand goes","by_late",2,1554076805,1551398499\n'
        )


marks = st.sampled_from(
    ['"', '""', ",", "\n", "\r", "\r\n", "\0", "\\", "'", "#", "NA", " ", "\ufeff"]
)
texts = st.lists(marks | st.text(st.characters(exclude_categories=["Cs"]), max_size=5))


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(texts.map("".join), min_size=1, max_size=20))
def test_any_text_comes_back_as_it_was_written(tmp_path_factory, bodies):
    """But for NUL and "\\r", which no two CSV readers take alike."""
    folder = tmp_path_factory.mktemp("texts")
    bodies = [f"a{body}b" for body in bodies]
    _write(folder / "submissions.zst", [_post(title=bodies[0], selftext=bodies[-1])])
    replies = [_comment(f"r{n}", "t1_c", body=body) for n, body in enumerate(bodies)]
    _write(folder / "comments.zst", [_comment("c", "t3_p", body=bodies[0]), *replies])
    workspace = Workspace.open(folder / "workspace", create=True)
    _extract(folder, workspace)
    found = _rows(workspace, "2019_03")
    kept = [re.sub("\r\n?", "\n", body).replace("\0", "") for body in bodies]
    assert found["reply"].to_dict() == {f"r{n}": text for n, text in enumerate(kept)}
    same = found[["title", "comment", "submission"]].drop_duplicates()
    assert same.values.tolist() == [[kept[0], kept[0], kept[-1]]]


def test_a_month_that_fails_leaves_the_others_and_no_half(small, workspace, monkeypatch):
    whole = raw_months.atomic_file

    def failing(path, mode):
        if path == workspace.raw_month("2019_04"):
            raise BotlibError("the disk is full")
        return whole(path, mode)

    monkeypatch.setattr(raw_months, "atomic_file", failing)
    with pytest.raises(BotlibError, match="disk is full"):
        _extract(small, workspace, max_malformed=0.2, depth=0)
    names = {path.name for path in workspace.raw_data.iterdir()}
    assert names <= {workspace.raw_month("2019_03").name}


class _FullAfter:
    """A file on a disk with room for so many more bytes."""

    room = 0

    def __init__(self, file):
        self.file = file

    def write(self, data):
        type(self).room -= len(memoryview(data))
        if type(self).room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)


@pytest.mark.parametrize("room", [0, 3000, 30_000, 90_000, 120_000])
def test_a_full_disk_is_said_and_leaves_no_thread_at_work_and_no_half_file(
    tmp_path, workspace, monkeypatch, room
):
    sample.write_sample(tmp_path / "dumps", seed=2, threads=150)
    whole = raw_months.atomic_file

    @contextlib.contextmanager
    def on_full_disk(path, mode):
        with whole(path, mode) as file:
            yield _FullAfter(file)

    monkeypatch.setattr(_FullAfter, "room", room)
    monkeypatch.setattr(raw_months, "atomic_file", on_full_disk)
    monkeypatch.setattr(raw_months, "_ROWS", 10)
    before = threading.active_count()
    with pytest.raises(BotlibError, match=r"cannot write .*no space left on device; free"):
        _extract(tmp_path / "dumps", workspace, NAMES)
    # A thread that still reads is what DuckDB calls a busy connection.
    assert threading.active_count() == before
    assert not list(workspace.root.rglob("*.part"))


def test_depth_and_link_posts(small, workspace):
    options = {"max_malformed": 0.2, "depth": 0, "self_posts_only": False}
    assert _extract(small, workspace, **options).months == {"2019_03": 3, "2019_04": 1}
    assert _rows(workspace, "2019_03").loc["under_l", "reply_author"] == "[deleted]"
    two = _extract(small, workspace, **options | {"depth": 2})
    assert two.months == {"2019_03": 3, "2019_04": 1}
    assert _extract(small, workspace, **options | {"depth": 1}).months == {"2019_03": 3}


def test_pairs_joined_month_by_month_lose_no_reply_at_a_months_end(
    tmp_path, workspace, monkeypatch
):
    rows = [
        _comment("a", "t3_p", created_utc=APRIL - 1),
        _comment("next_month", "t1_a", created_utc=APRIL + 20 * 86400),
        _comment("b", "t3_p", created_utc=APRIL),
        # Two servers' clocks may differ
        _comment("too_early", "t1_b", created_utc=APRIL - 60),
    ]
    _write(tmp_path / "d" / "submissions.zst", [_post()])
    _write(tmp_path / "d" / "comments.zst", rows)
    whole = _extract(tmp_path / "d", workspace)
    assert whole.months == {"2019_03": 1, "2019_04": 1}
    with monkeypatch.context() as patch:
        patch.setattr("botlib.data.raw._STRETCH", 1)
        parted = Workspace.open(tmp_path / "parted", create=True)
        assert _extract(tmp_path / "d", parted).months == whole.months
    for month in whole.months:
        assert parted.raw_month(month).read_bytes() == workspace.raw_month(month).read_bytes()


def test_months_are_the_comments_and_replies_may_come_later(small, workspace):
    options = {"max_malformed": 0.2, "depth": 0}
    report = _extract(small, workspace, first_month="2019-03", last_month="2019-03", **options)
    assert report.months == {"2019_03": 2}
    report = _extract(
        small, workspace, first_month="2019-03", last_month="2019-03", reach_months=0, **options
    )
    assert report.months == {"2019_03": 1}
    with pytest.raises(BotlibError, match="lies before"):
        _extract(small, workspace, first_month="2019-03", last_month="2019-02")
    with pytest.raises(BotlibError, match="first_month must be a month"):
        _extract(small, workspace, first_month="March")


def test_a_monthly_file_out_of_reach_is_not_opened(small, workspace):
    (small / "RC_2012-01.zst").write_bytes(b"no dump at all")
    report = _extract(small, workspace, first_month="2019-01", max_malformed=0.2)
    assert "RC_2012-01.zst" not in set(report.files["file"])


def test_the_same_comment_in_two_files_counts_once(small, workspace):
    newer = _comment("late", "t1_c", created_utc=APRIL + 5, score=77, retrieved_on=APRIL * 1)
    _write(small / "again.zst", [newer])
    report = _extract(small, workspace, max_malformed=0.2)
    assert report.counts["duplicate_rows"] == 1 and report.counts["pairs"] == 2
    assert _rows(workspace, "2019_03").loc["late", "reply_score"] == 77


def test_what_is_done_is_not_read_again(small, workspace):
    first = _extract(small, workspace, max_malformed=0.2)
    assert not first.files["cached"].any()
    again = _extract(small, workspace, max_malformed=0.2)
    assert again.skipped and again.files["cached"].all() and again.months == first.months
    _write(small / "more.zst", [_comment("new", "t1_c")])
    more = _extract(small, workspace, max_malformed=0.2)
    assert more.files.set_index("file")["cached"].to_dict() == {
        "comments.zst": True,
        "submissions.zst": True,
        "more.zst": False,
    }
    assert more.months == {"2019_03": 3}


def test_a_damaged_file_is_named_and_the_rest_goes_on(small, workspace):
    more = small / "more.zst"
    _write(more, [_comment(f"n{n}", "t1_c", body=f"{n}" * 900) for n in range(500)])
    whole = more.read_bytes()
    more.write_bytes(whole[:-100])
    report = _extract(small, workspace, max_malformed=0.2)
    assert report.exit_status == 1
    (error,) = report.errors
    assert "more.zst" in error and "cut short" in error and "lines" in error
    assert report.months["2019_03"] >= 2
    more.write_bytes(whole)
    assert _extract(small, workspace, max_malformed=0.2).months == {"2019_03": 502}


def test_too_many_malformed_lines_are_an_error(small, workspace):
    report = _extract(small, workspace)
    assert "1 of 10 lines" in report.errors[0] and report.exit_status == 1
    assert report.months == {"2019_03": 2}


def test_errors_name_what_to_do(small, workspace):
    with pytest.raises(BotlibError, match="r/novels"):
        _extract(small, workspace, ["writing", "r/Novels"])
    with pytest.raises(BotlibError, match="subreddits is empty"):
        _extract(small, workspace, [" "])
    with pytest.raises(BotlibError, match="no reply"):
        _extract(small, workspace, ["scifi"], max_malformed=0.2)
    with pytest.raises(BotlibError, match="memory_limit"):
        _extract(small, workspace, memory_limit="much", max_malformed=0.2)
    assert not workspace.raw_data.exists()


_KILLED = """
import os, sys
from pathlib import Path
from botlib.data.dumps import extract
from botlib.data.pairs import build
from botlib.data.sample import world
from botlib.settings import DataSettings
from botlib.workspace import Workspace
left, fsync = [int(sys.argv[2])], os.fsync
def dying(handle):
    left[0] -= 1
    if left[0] == 0:
        os._exit(9)  # no clean-up at all, as with kill -9
    fsync(handle)
os.fsync = dying
workspace = Workspace.open(sys.argv[1], create=True)
extract.extract(sys.argv[3], subreddits=world.SUBREDDITS, out=workspace, progress=False)
build.write_pairs(workspace, DataSettings(subreddits=",".join(world.SUBREDDITS)))
"""


_WHOLE = """
import sys
from botlib.data.dumps import extract
from botlib.data.sample import world
from botlib.workspace import Workspace
workspace = Workspace.open(sys.argv[1], create=True)
print("begins", flush=True)
extract.extract(sys.argv[2], subreddits=world.SUBREDDITS, out=workspace, progress=False)
"""


@pytest.mark.slow
def test_kill_9_at_random_times_leaves_nothing_that_changes_the_tables(tmp_path, repository):
    place = tmp_path / "dumps"
    sample.write_sample(place, seed=4, threads=2000)

    def run(root, seconds=None):
        """Let a run work for so many seconds, then kill it; return how long it worked."""
        with subprocess.Popen(
            [sys.executable, "-c", _WHOLE, str(root), str(place)],
            cwd=repository,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout.readline() == b"begins\n"
            began = time.perf_counter()
            try:
                assert process.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                process.kill()
                assert process.wait() == -signal.SIGKILL
            return time.perf_counter() - began

    def tables(root):
        return {path.name: path.read_bytes() for path in root.glob("raw_data/*.csv")}

    whole = run(tmp_path / "whole")
    chance = random.Random(9)
    for _ in range(4):
        run(tmp_path / "killed", chance.uniform(0, whole))
    run(tmp_path / "killed")
    assert tables(tmp_path / "killed") == tables(tmp_path / "whole")
    assert not list((tmp_path / "killed").rglob("*.part"))


def test_killed_at_any_moment_and_started_again_gives_the_same_bytes(tmp_path, repository):
    place = tmp_path / "dumps"
    sample.write_sample(place, seed=2, threads=80)
    settings = DataSettings(subreddits=",".join(NAMES))

    def finish(workspace):
        _extract(place, workspace, NAMES)
        write_pairs(workspace, settings)
        return {
            str(path.relative_to(workspace.root)): path.read_bytes()
            for path in workspace.root.rglob("*.csv")
        }

    expected = finish(Workspace.open(tmp_path / "whole", create=True))
    killed = Workspace.open(tmp_path / "killed", create=True)
    # Files are made final one by one: 8 of the cache, 7 of raw_data, 6 of pairs. Die in each part.
    for moment in (2, 9, 5, 12):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(killed.root), str(moment), str(place)],
            cwd=repository,
        )
        assert done.returncode == 9
    assert finish(killed) == expected
    assert not [path.name for path in killed.raw_data.iterdir() if path.name.endswith(".part")]


def test_real_threads_with_a_window_of_2_gib(reddit_college, workspace):
    report = _extract([reddit_college / "Emory_*.zst"], workspace, ["emory"], depth=0)
    assert report.exit_status == 0 and report.counts["comments"] == 8240
    assert sum(report.months.values()) == report.counts["pairs"] > 2000
    settings = DataSettings(subreddits="Emory", skip_rules="deleted_account,by_poster")
    clean = write_pairs(workspace, settings)
    assert clean.counts["left"].iloc[-1] > 2000


def _today(path, place, kind):
    """Write a dump file as it would be published now, what is gone still in it."""
    lines = []
    for block in blocks(path):
        for line in block.splitlines():
            row = orjson.loads(line)
            meta = {"note": None, "removal_type": None, "was_deleted_later": False}
            read = row.get("retrieved_on")
            if read:
                row["retrieved_on"] = int(row["created_utc"]) + 7
                meta["retrieved_2nd_on"] = read
            text = "body" if kind == "comments" else "selftext"
            if row.get(text) in ("[deleted]", "[removed]"):
                removed = row[text] == "[removed]"
                row |= {text: "what stood there before", "author": "who_wrote_it"}
                meta |= {"removal_type": "removed"} if removed else {"was_deleted_later": True}
            lines.append(orjson.dumps(row | {"_meta": meta}))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\n".join(lines) + b"\n")


def test_dumps_as_they_are_published_now_give_the_pairs_they_gave_before(
    reddit_college, tmp_path, workspace
):
    name, folder = "CollegeMajors", tmp_path / "today"
    for kind, word in (("comments", "comments"), ("submissions", "posts")):
        _today(reddit_college / f"{name}_{kind}.zst", folder / f"r_{name}_{word}.jsonl", kind)
    settings = DataSettings(subreddits=name)
    old = Workspace.open(tmp_path / "old", create=True)
    reports = {}
    for where, place in ((old, [reddit_college / f"{name}_*.zst"]), (workspace, folder)):
        extracted = _extract(place, where, [name])
        reports[where.root.name] = extracted.counts, write_pairs(where, settings).counts
    for path in sorted(old.root.rglob("*.csv")):
        assert (workspace.root / path.relative_to(old.root)).read_bytes() == path.read_bytes()
    (then, clean), (now, clean_now) = reports.values()
    assert clean.equals(clean_now) and clean["left"].iloc[-1] > 100
    assert then["gone_comments"] == now["gone_comments"] + now["taken_back_comments"]
    assert now["taken_back_comments"] > 0 == then["taken_back_comments"]


def test_a_taken_back_text_is_not_kept_anywhere(workspace, tmp_path):
    meta = {"_meta": {"was_deleted_later": True, "retrieved_2nd_on": APRIL}}
    folder = tmp_path / "dumps"
    _write(folder / "submissions.zst", [_post(), _post("q", selftext="SECRET", **meta)])
    rows = [_comment("c", "t3_p"), _comment("r", "t1_c"), _comment("s", "t1_c", body="SECRET")]
    rows[2] |= meta
    _write(folder / "comments.zst", [*rows, _comment("again", "t1_c", body="x")])
    report = _extract(folder, workspace)
    assert report.counts["taken_back_comments"] == 1 and report.months == {"2019_03": 2}
    for path in workspace.root.rglob("*"):
        assert not path.is_file() or b"SECRET" not in path.read_bytes()


def test_a_dump_whose_scores_never_settled_is_said_to_be_young(workspace, tmp_path):
    meta = {"_meta": {"note": "no_2nd_retrieval"}}
    rows = [_comment("c", "t3_p")]
    rows += [
        _comment(f"r{n}", "t1_c", author=author, body=f"{n} is my own answer here", **meta)
        for n, author in enumerate(["poster"] * 2 + ["other", "another"])
    ]
    _write(tmp_path / "dumps" / "comments.zst", rows)
    _write(tmp_path / "dumps" / "submissions.zst", [_post()])
    _extract(tmp_path / "dumps", workspace)
    with pytest.raises(BotlibError, match=r"'young_score' dropped 2 of the 2 that") as caught:
        write_pairs(workspace, DataSettings(subreddits="writing"))
    assert "Dropped, in order: by_poster 2, young_score 2" in str(caught.value)
