"""Downloads from the archive: sized before they start, resumed after a kill, nothing twice."""

import contextlib
import functools
import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from botlib.data import forgotten
from botlib.data.archive import store, stretch
from botlib.data.archive.download import download
from botlib.data.archive.store import Shelf
from botlib.errors import BotlibError
from botlib.workspace import Workspace
from tests.data.archive.server import ArchiveServer
from tests.data.archive.test_pages import START, comment, comments

DAY = 86400
NOW = START + 40 * DAY


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch):
    monkeypatch.setattr("botlib.data.archive.client.time.sleep", lambda seconds: None)
    monkeypatch.setattr("botlib.workspace.os.fsync", lambda handle: None)


def posts(rows: list[dict], **changes) -> list[dict]:
    threads = {row["link_id"].removeprefix("t3_"): row["created_utc"] for row in rows[::-1]}
    return [
        {"id": key, "subreddit": "College", "title": f"Title {key}", "selftext": "What now?"}
        | {"author": f"poster{key}", "score": 9, "created_utc": second - 60, "is_self": True}
        | {"num_comments": 4, **changes}
        for key, second in threads.items()
    ]


def threaded(number: int, **options) -> list[dict]:
    """Comments over thirty days, a new thread every twenty of them."""
    rows = comments(number, apart=30 * DAY / number, **options)
    return [
        {**row, "link_id": f"t3_{10_000 + n // 20}", "parent_id": f"t3_{10_000 + n // 20}"}
        for n, row in enumerate(rows)
    ]


@pytest.fixture
def serve(monkeypatch):
    running = []

    def start(rows, given=(), **options) -> ArchiveServer:
        server = ArchiveServer(given or posts(rows), rows, **{"clock": lambda: NOW, **options})
        running.append(server)
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.start())
        return server

    yield start
    for server in running:
        server.stop()


def get(workspace, *names, **options):
    said = []
    options = {"clock": lambda: NOW, "progress": False, "say": said.append, **options}
    files = download(workspace, names or ["College"], **options)
    return files, said


def rows_of(workspace, files, kind="comments") -> list[dict]:
    shelf = Shelf(workspace)
    ending = store.DUMP_KIND[kind]
    return [r for path in files if path.stem.endswith(f"_{ending}") for r in shelf.read(path)]


def ids(rows) -> list[str]:
    names = [row["id"] for row in rows]
    assert len(set(names)) == len(names)
    return sorted(names)


def searches(server) -> list[dict]:
    return [given for path, given in server.requests if path.endswith("comments/search")]


def test_all_of_it_comes_with_what_extraction_needs_and_the_time_of_the_score(serve, workspace):
    rows = threaded(2000)
    serve(rows)
    files, _ = get(workspace)
    assert ids(rows_of(workspace, files)) == ids(rows)
    assert ids(rows_of(workspace, files, "posts")) == ids(posts(rows))
    (first, *_) = rows_of(workspace, files)
    assert first["_meta"]["retrieved_2nd_on"] - first["created_utc"] == 36 * 3600
    assert {"body", "parent_id", "link_id", "score", "author", "retrieved_on"} <= set(first)


def test_how_much_and_how_long_is_said_before_it_starts(serve, workspace):
    rows = threaded(2000)
    server = serve(rows)
    asked = []
    get(workspace, say=lambda line: asked.append((line, len(searches(server)))))
    before = [line for line, searched in asked if not searched]
    assert any("about 2,1" in line and "requests" in line and "two a second" in line
               for line in before)  # fmt: skip
    assert any("free service that one person runs" in line for line in before)


def test_the_newest_items_are_taken_where_no_month_is_named(serve, workspace):
    rows = threaded(3000)
    serve(rows)
    files, _ = get(workspace, newest=700)
    found = rows_of(workspace, files)
    assert 500 <= len(found) <= 700
    newest = [row for row in rows if row["created_utc"] >= min(r["created_utc"] for r in found)]
    assert ids(found) == ids(newest)


def test_posts_of_threads_that_began_earlier_come_too(serve, workspace):
    rows = threaded(3000)
    serve(rows)
    files, _ = get(workspace, newest=700)
    wanted = {row["link_id"].removeprefix("t3_") for row in rows_of(workspace, files)}
    assert wanted <= set(ids(rows_of(workspace, files, "posts")))


def test_too_many_items_are_refused_before_any_is_fetched_and_the_dumps_are_named(serve, workspace):
    server = serve(threaded(2000))
    with pytest.raises(BotlibError, match=r"about 2,\d+ comments and posts.*download_links.md"):
        get(workspace, first_month="2025-10", most=1000)
    assert not searches(server)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_month": "2026-10"}, "too recent"),
        ({"first_month": "2025-10", "last_month": "2025-09"}, "lies before first_month"),
        ({"last_month": "2020-01"}, "no comment of r/college in these months$"),
    ],
)
def test_months_without_anything_are_named(serve, workspace, options, message):
    serve(threaded(200))
    with pytest.raises(BotlibError, match=message):
        get(workspace, **options)


def test_a_misspelt_subreddit_is_named(serve, workspace):
    serve(threaded(200))
    with pytest.raises(BotlibError, match="r/collage in these months: check the spelling"):
        get(workspace, "Collage")


def test_a_third_of_all_requests_may_fail(serve, workspace):
    rows = threaded(3000)
    serve(rows, faults=0.3, seed=5, auto=(100, 150))
    files, _ = get(workspace)
    assert ids(rows_of(workspace, files)) == ids(rows)
    assert ids(rows_of(workspace, files, "posts")) == ids(posts(rows))


def test_a_second_run_fetches_only_what_is_new(serve, workspace):
    rows = threaded(2000)
    server = serve(rows)
    get(workspace, clock=lambda: START + 20 * DAY)
    server.requests.clear()
    files, _ = get(workspace, clock=lambda: START + 25 * DAY)
    oldest = min(int(given["after"]) for given in searches(server))
    assert oldest >= START + 18 * DAY - 1
    until = START + 23 * DAY
    assert ids(rows_of(workspace, files)) == ids(r for r in rows if r["created_utc"] < until)
    server.requests.clear()
    again, said = get(workspace, clock=lambda: START + 25 * DAY)
    assert again == files and not searches(server)
    assert "all of it is here already: nothing to download" in said


def test_earlier_months_are_added_without_fetching_the_others_again(serve, workspace):
    rows = threaded(3000)
    server = serve(rows)
    first, _ = get(workspace, newest=700)
    since = min(row["created_utc"] for row in rows_of(workspace, first))
    server.requests.clear()
    files, _ = get(workspace, first_month="2025-10")
    assert max(int(given["before"]) for given in searches(server)) <= since
    assert ids(rows_of(workspace, files)) == ids(rows)


def test_scores_that_were_read_late_are_fetched_again_and_then_stand(serve, workspace):
    rows = threaded(1000)
    now = [START + 20 * DAY]
    server = serve(rows, clock=lambda: now[0])
    late = [row for row in rows if START + 15 * DAY <= row["created_utc"] < START + 18 * DAY]
    server.reread = {row["id"]: row["created_utc"] + 9 * DAY for row in late}
    files, _ = get(workspace, clock=lambda: now[0])
    young = {row["id"] for row in rows_of(workspace, files) if store.unread(row)}
    assert young == {row["id"] for row in late}
    now[0] += 10 * DAY
    files, _ = get(workspace, clock=lambda: now[0])
    found = {row["id"]: row for row in rows_of(workspace, files)}
    assert not any(store.unread(row) for row in found.values())
    assert {found[row["id"]]["score"] for row in late} == {7}
    server.requests.clear()
    get(workspace, clock=lambda: now[0])
    assert not searches(server)


def test_what_was_deleted_meanwhile_goes_at_the_next_look(serve, workspace):
    rows = threaded(1000)
    now = [START + 20 * DAY]
    server = serve(rows, clock=lambda: now[0])
    late = [row for row in rows if START + 15 * DAY <= row["created_utc"] < START + 18 * DAY]
    server.reread = {row["id"]: row["created_utc"] + 9 * DAY for row in late}
    get(workspace, clock=lambda: now[0])
    gone, deleted = late[3], late[5]
    server.gone = {gone["id"]}
    server.add("comments", {**deleted, "_meta": {"was_deleted_later": True}})
    now[0] += 10 * DAY
    files, _ = get(workspace, clock=lambda: now[0])
    found = {row["id"]: row for row in rows_of(workspace, files)}
    assert gone["id"] not in found
    assert found[deleted["id"]]["body"] == found[deleted["id"]]["author"] == "[deleted]"
    assert deleted["body"] not in json.dumps(list(found.values()))


def test_an_item_that_is_never_read_twice_is_not_asked_for_for_ever(serve, workspace):
    rows = threaded(500)
    now = [START + 20 * DAY]
    server = serve(rows, clock=lambda: now[0])
    server.reread = {rows[100]["id"]: 2**40}
    get(workspace, clock=lambda: now[0])
    now[0] += (stretch.GIVEN_UP + 10) * DAY
    get(workspace, clock=lambda: now[0])
    server.requests.clear()
    now[0] += DAY
    get(workspace, clock=lambda: now[0], last_month="2025-10")
    assert not searches(server)


def test_the_forgotten_go_from_the_files_and_do_not_come_back(serve, workspace):
    rows = threaded(500)
    server = serve(rows)
    files, _ = get(workspace, clock=lambda: START + 20 * DAY)
    author, poster = rows[3]["author"], posts(rows)[-1]["author"]
    forgotten.add(workspace, [author, poster], [rows[7]["id"]])
    changed = store.forget(workspace)
    assert sum(changed.values()) == 3
    for _ in range(2):
        text = json.dumps([rows_of(workspace, files, kind) for kind in ("posts", "comments")])
        assert f'"{author}"' not in text and poster not in text and rows[7]["body"] not in text
        server.requests.clear()
        files, _ = get(workspace, first_month="2025-09")
    assert len(rows_of(workspace, files)) == len(rows) - 2
    assert store.forget(workspace) == {}


def test_half_an_emoji_does_not_stop_a_download(serve, workspace):
    rows = [comment("zzzzz", START + DAY, body="cut \ud83d off")]
    serve(rows)
    files, _ = get(workspace)
    assert rows_of(workspace, files)[0]["body"] == "cut ? off"


def _download(folder: str, now: float, address: str) -> None:
    """What the process that is killed does."""
    os.environ["BOTLIB_ARCHIVE_URL"] = address
    with Path(os.devnull).open("w") as quiet, contextlib.redirect_stdout(quiet):
        files = {"clock": lambda: now, "progress": False}
        download(Workspace.open(folder, create=True), ["College"], **files)


def _archived(root: Path) -> dict[Path, bytes]:
    folder = Workspace(root).archive
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("[!.]*/*.zst")}


@pytest.mark.parametrize(
    "step", ["Shelf.write", "Shelf.cover", "Stretch._merge", "shutil.rmtree", "atomic_file"]
)
@pytest.mark.parametrize("time_", [0, 1])
def test_a_download_stopped_while_it_is_merged_ends_the_same(
    serve, workspace, tmp_path, monkeypatch, step, time_
):
    serve(threaded(700))
    get(workspace)
    whole = _archived(workspace.root)
    other = Workspace.open(tmp_path / "stopped", create=True)
    *owner, name = step.split(".")
    real = functools.reduce(getattr, owner, stretch)
    left = [time_]

    def stops(*given, **options):
        left[0] -= 1
        if left[0] == -1:
            raise KeyboardInterrupt
        return function(*given, **options)

    function = getattr(real, name)
    monkeypatch.setattr(real, name, stops)
    with pytest.raises(KeyboardInterrupt):
        get(other)
    get(other)
    assert _archived(other.root) == whole


@pytest.mark.slow
def test_a_download_killed_at_twenty_moments_ends_byte_identical(serve, workspace, tmp_path):
    rows = threaded(6000)
    server = serve(rows, auto=(100, 110))
    get(workspace)
    whole = _archived(workspace.root)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["botlib.data.archive.download"])
    given = (str(tmp_path / "killed"), NOW, os.environ["BOTLIB_ARCHIVE_URL"])
    chance, kills = random.Random(4), 0
    while True:
        run = processes.Process(target=_download, args=given)
        until, deadline = len(server.requests) + chance.randrange(1, 6), time.monotonic() + 60
        run.start()
        # Any moment of its work, counted in requests and then a little on
        while kills < 20 and len(server.requests) < until and run.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(chance.random() * 0.02)
        if kills == 20:
            break
        run.kill()
        run.join()
        kills += run.exitcode == -signal.SIGKILL
        assert not set(whole) <= set(_archived(tmp_path / "killed"))  # it wasn't done before
    run.join(60)
    assert run.exitcode == 0
    assert _archived(tmp_path / "killed") == whole
    assert not list((tmp_path / "killed/dumps/archive/.unfinished").iterdir())


def test_a_workspace_of_last_year_takes_the_newest_items_not_all_in_between(serve, workspace):
    rows = threaded(3000)
    serve(rows)
    get(workspace, clock=lambda: START + 5 * DAY, newest=200)
    files, _ = get(workspace, newest=300)
    new = [row for row in rows_of(workspace, files) if row["created_utc"] > START + 5 * DAY]
    assert 150 <= len(new) <= 300


def test_quiet_months_are_read_together_in_few_requests(serve, workspace):
    """Two quiet subreddits over 37 months: a request for each hundred items at most."""
    months = 37
    rows = [
        {**row, "subreddit": name, "id": f"{number}{row['id']}", "created_utc": second}
        | {"link_id": f"t3_{number}{10_000 + n // 6}", "parent_id": f"t3_{number}{10_000 + n // 6}"}
        for number, name in enumerate(("College", "Emory"), 1)
        for n, row in enumerate(comments(8_000))
        for second in [NOW - 3 * DAY - (8_000 - n) * (months * 29 * DAY // 8_000)]
    ]
    given = [
        {**post, "subreddit": "College" if post["id"].startswith("1") else "Emory"}
        for post in posts(rows)
    ]
    server = serve(rows, given)
    files, _ = get(workspace, "College", "Emory")
    items = len(rows) + len(given)
    assert ids(rows_of(workspace, files)) == ids(rows)
    assert ids(rows_of(workspace, files, "posts")) == ids(given)
    assert len(server.requests) <= items / 100, len(server.requests)
    assert len(files) > 2 * months


@pytest.mark.parametrize("stopped", [2, 5, 8, 11])
def test_a_pass_over_several_months_that_was_stopped_goes_on_and_loses_nothing(
    serve, workspace, stopped
):
    rows = threaded(900)
    rows = [
        {**row, "created_utc": row["created_utc"] + n * DAY // 10} for n, row in enumerate(rows)
    ]
    now = rows[-1]["created_utc"] + 5 * DAY
    serve(rows, clock=lambda: now, auto=(100, 110))
    real, left = stretch.Stretch._merge, [stopped]

    def stops(self, *given):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return real(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretch.Stretch, "_merge", stops)
        with contextlib.suppress(KeyboardInterrupt):
            get(workspace, clock=lambda: now)
    files, _ = get(workspace, clock=lambda: now)
    assert ids(rows_of(workspace, files)) == ids(rows)
    assert ids(rows_of(workspace, files, "posts")) == ids(posts(rows))
