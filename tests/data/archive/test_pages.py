"""Pages of the archive: nothing missing, nothing twice, whatever goes wrong in between."""

import random

import pytest

from botlib.data.archive import client as archive_client
from botlib.data.archive.client import Archive, ArchiveError, TimedOut
from botlib.data.archive.pages import base36, created, pages
from tests.data.archive.server import ArchiveServer

START = 1759968000  # 2025-10-09, midnight


def comments(number: int, *, seed: int = 0, apart: float = 30.0, name: str = "College") -> list:
    """Comments in random seconds, ids in order of time as Reddit gives them, with gaps."""
    chance = random.Random(seed)
    seconds = sorted(START + int(chance.random() * number * apart) for _ in range(number))
    rows, key = [], 10**9
    for second in seconds:
        key += chance.randint(1, 3)
        rows.append(comment(base36(key), second, name))
    return rows


def comment(key: str, second: int, name: str = "College", **changes) -> dict:
    row = {"id": key, "subreddit": name, "body": f"text {key}", "author": f"a{key}", "score": 7}
    row |= {"link_id": "t3_1", "parent_id": "t3_1", "created_utc": second}
    return {**row, **changes}


def end_of(rows: list) -> int:
    return max(row["created_utc"] for row in rows) + 1


@pytest.fixture
def serve():
    """Starts servers, stops them at the end; their clock stands long after the last item."""
    running = []

    def start(rows, **options) -> tuple[ArchiveServer, Archive]:
        server = ArchiveServer([], rows, **{"clock": lambda: START + 10**8, **options})
        running.append(server)
        return server, Archive(server.start(), sleep=lambda seconds: None)

    yield start
    for server in running:
        server.stop()


def read(archive: Archive, rows: list, start: int = START) -> list[str]:
    found = pages(archive, "comments", "College", start, end_of(rows))
    return [row["id"] for page in found for row in page]


def expected(rows: list) -> list[str]:
    return sorted((row["id"] for row in rows), key=lambda name: int(name, 36))


def in_order(found: list[str]) -> list[str]:
    assert len(set(found)) == len(found)
    return sorted(found, key=lambda name: int(name, 36))


def test_every_item_comes_once_in_few_requests(serve):
    rows = comments(5000)
    server, archive = serve(rows)
    assert in_order(read(archive, rows)) == expected(rows)
    assert len(server.requests) <= 5000 / 100
    assert all(given["sort"] == "asc" for _, given in server.requests)


@pytest.mark.parametrize("seed", range(8))
def test_a_third_of_all_requests_may_fail_and_nothing_is_missing_or_twice(serve, seed):
    rows = comments(3000, seed=seed, apart=2.0)
    _, archive = serve(rows, faults=0.3, seed=seed, auto=(100, 160))
    assert in_order(read(archive, rows)) == expected(rows)


@pytest.mark.parametrize("together", [90, 100, 101, 170, 350, 1700])
def test_items_that_share_a_second_all_come_even_more_than_a_page(serve, together):
    rows = comments(300)
    second, key = START + 700, 10**9 + 5000
    rows += [comment(base36(key + n), second) for n in range(together)]
    _, archive = serve(rows, auto=(100, 100))
    assert in_order(read(archive, rows)) == expected(rows)


def test_a_stretch_too_long_for_the_archive_is_halved_until_it_answers(serve):
    rows = comments(2000)
    _, archive = serve(rows, span=300)
    assert in_order(read(archive, rows)) == expected(rows)


def test_a_second_that_always_times_out_is_an_error_that_says_run_again(serve):
    rows = [comment(base36(10**9 + n), START + 5) for n in range(50)]
    _, archive = serve(rows, span=10)
    with pytest.raises(TimedOut, match="run this again later"):
        read(archive, rows)


def test_an_answer_in_another_order_is_an_error_and_no_gap(serve, monkeypatch):
    rows = comments(300)
    _, archive = serve(rows, auto=(100, 100))
    real = archive.search
    monkeypatch.setattr(
        archive, "search", lambda *a, **options: real(*a, **{**options, "sort": "desc"})
    )
    with pytest.raises(ArchiveError, match="in another order"):
        read(archive, rows)


def test_bounds_that_include_their_own_second_change_nothing(serve, monkeypatch):
    rows = comments(900, apart=0.7)
    _, archive = serve(rows, auto=(100, 100))
    real = archive.search

    def inclusive(*names, after, before, **options):
        return real(*names, after=after - 1, before=before + 1, **options)

    monkeypatch.setattr(archive, "search", inclusive)
    middle = START + 300
    found = [
        row["id"]
        for start, end in ((START, middle), (middle, end_of(rows)))
        for page in pages(archive, "comments", "College", start, end)
        for row in page
    ]
    assert in_order(found) == expected(rows)


def test_reading_goes_on_from_any_item(serve):
    rows = comments(900, apart=0.7)
    _, archive = serve(rows, auto=(100, 100))
    ordered = sorted(rows, key=lambda row: (row["created_utc"], int(row["id"], 36)))
    for position in (0, 1, 150, 899):
        at = ordered[position]["created_utc"]
        seen = {row["id"] for row in ordered[: position + 1] if created(row) == at}
        found = pages(archive, "comments", "College", at, end_of(rows), seen)
        ids = [row["id"] for page in found for row in page]
        assert in_order(ids) == expected(ordered[position + 1 :])


def test_200_000_items_take_no_more_requests_than_a_hundredth(monkeypatch):
    # In this process, without sockets: what counts is how often is asked
    rows = comments(200_000, apart=0.5)
    server = ArchiveServer([], rows, clock=lambda: START + 10**8)
    archive = Archive("http://127.0.0.1:1")

    def rows_of(path, **given):
        texts = {key: str(value) for key, value in given.items()}
        server.requests.append((path, texts))
        status, data = server.answer(f"/api/{path}", texts)
        assert status == 200, data
        return data

    monkeypatch.setattr(archive, "_rows", rows_of)
    found = sum(map(len, pages(archive, "comments", "College", START, end_of(rows))))
    assert found == len(rows)
    assert len(server.requests) <= len(rows) / 100


def test_pace_is_two_a_second_and_waits_for_the_limit_to_be_reset(serve):
    now = [0.0]
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    server, _ = serve(comments(10), budget=5, window=60.0, clock=lambda: START + 10**6 + now[0])
    archive = Archive(f"http://127.0.0.1:{server._server.server_port}", sleep=sleep,
                      clock=lambda: now[0], pace=archive_client.PACE)  # fmt: skip
    for _ in range(12):
        archive.search("comments", "College", after=0, before=START)
    assert now[0] >= 120 - 1
    assert min(waits) >= 0.5 - 1e-9
    assert len(server.requests) == 12  # it never asked in vain


def test_the_public_archive_is_asked_at_most_twice_a_second():
    assert Archive()._pace == Archive("https://mirror.example/")._pace == 0.5


@pytest.mark.parametrize("fault", ["slow", "429", "500", "502", "html", "cut", "drop"])
def test_every_fault_is_tried_again(serve, fault):
    rows = comments(50)
    server, archive = serve(rows)
    server.script = [fault, fault]
    assert in_order(read(archive, rows)) == expected(rows)


def test_an_archive_that_stays_down_is_one_clear_line(serve):
    server, archive = serve(comments(5))
    server.script = ["500"] * 99
    with pytest.raises(ArchiveError, match=r"gave no answer to posts/search \(HTTP 500\)"):
        archive.search("posts", "College", after=0, before=9)
    assert len(server.requests) == archive_client._TRIES


def test_a_refused_question_is_not_asked_again_and_its_answer_is_told(serve):
    server, archive = serve(comments(5))
    with pytest.raises(ArchiveError, match="'limit' must be between 1 and 100"):
        archive.search("posts", "College", after=0, before=9, limit=1000)
    assert len(server.requests) == 1


def test_a_redirect_to_another_address_is_not_followed(serve):
    server, archive = serve(comments(5))
    server.script = ["redirect"]
    with pytest.raises(ArchiveError, match="HTTP 302"):
        archive.search("posts", "College", after=0, before=9)


def test_it_says_who_asks_and_whom_to_write_to(serve, monkeypatch):
    server, archive = serve(comments(5))
    read(archive, comments(5))
    monkeypatch.setenv("BOTLIB_ARCHIVE_URL", archive.address)
    Archive(contact="me@example.org", sleep=lambda seconds: None).rules(["College"])
    (plain, named) = sorted(server.agents, key=len, reverse=True)
    assert "botlib/" in plain and "contact: https://" in plain
    assert "contact: me@example.org" in named
