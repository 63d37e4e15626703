"""Lines of a dump: no crash, no good row lost, every bad one counted, whichever parser took it."""

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botlib.data.dumps import rows as dump_rows
from botlib.data.dumps.rows import RowReader

GOOD = {
    "id": "abc",
    "subreddit": "Writing",
    "body": "text",
    "author": "somebody",
    "score": 3,
    "parent_id": "t1_zzz",
    "link_id": "t3_yyy",
    "created_utc": 1546300800,
    "retrieved_on": 1548979200,
}


def _read(*lines: bytes, names=("writing",), end=b"\n", few=False) -> tuple[list[dict], RowReader]:
    reader = RowReader("comments", names, 0, 2**62)
    reader._few = few
    table = reader.rows(b"\n".join(lines) + end)
    return table.to_pylist(), reader


def _line(**changes) -> bytes:
    return orjson.dumps({**GOOD, **changes})


def test_quirks_of_the_years():
    rows, reader = _read(
        _line(id="a", created_utc="1546300800"),
        _line(id="b", score=None),
        _line(id="c", score="7", retrieved_on=1548979200.0),
        _line(id="d", parent_id=int("zzz", 36)),
        _line(id="e", parent_id=int("yyy", 36)),
        _line(id="f", extra={"nested": [1, {"id": "no"}]}, author=None),
        json.dumps({**GOOD, "id": "g"}).encode() + b"\r",
        _line(id="h", score=2**63),
        b'{"id":"i","subreddit":"writing","body":"half \\ud83d of it","parent_id":"t3_x",'
        b'"link_id":"t3_x","created_utc":1}',
    )
    assert [row["id"] for row in rows] == list("abcdefghi")
    assert [row["score"] for row in rows] == [3, None, 7, 3, 3, 3, 3, None, None]
    assert rows[3]["parent_id"] == "t1_zzz" and rows[4]["parent_id"] == "t3_yyy"
    assert rows[8]["body"] == "half ? of it"
    assert (reader.counts.lines, reader.counts.kept, reader.counts.malformed) == (9, 9, 0)


def _blanks(line: bytes) -> bytes:
    return line.replace(b'"subreddit":', b'"subreddit" : ')


@pytest.mark.parametrize("others", [0, 300])
def test_a_blank_before_the_colon_loses_no_line(others):
    lines = [_blanks(_line(id=f"x{n}", subreddit="WriTing")) for n in range(5)]
    names = ("writing", *(f"other_{n}" for n in range(others)))
    rows, reader = _read(*lines, _line(subreddit="other"), few=True, names=names)
    assert len(rows) == 5 and reader.counts.lines == 6


META = {"retrieved_2nd_on": 1546430400}


@pytest.mark.parametrize("slow", [False, True])
def test_dumps_since_2023_say_when_the_score_was_read_and_what_was_taken_back(slow):
    soon = {"retrieved_on": GOOD["created_utc"] + 4}
    lines = [
        _line(id="a", **soon, _meta=META),
        _line(id="b", **soon, _meta={"note": "no_2nd_retrieval"}),
        _line(id="c", **soon, _meta=META | {"was_deleted_later": True}),
        _line(id="d", **soon, _meta=META | {"removal_type": "removed"}),
        _line(id="e", **soon, _meta=META | {"was_deleted_later": False, "removal_type": None}),
        _line(id="f"),
        _line(id="g", **soon, _meta={"is_edited": True}),
    ]
    if slow:
        lines.append(b"{")
    rows, _ = _read(*lines)
    second, first, created = META["retrieved_2nd_on"], soon["retrieved_on"], GOOD["created_utc"]
    read = [second, created, second, second, second, GOOD["retrieved_on"], first]
    assert [row["retrieved_on"] for row in rows] == read
    assert [bool(row["taken_back"]) for row in rows] == [False, False, True, True, *[False] * 3]
    gone = [row for row in rows if row["taken_back"]]
    assert {(row["body"], row["author"]) for row in gone} == {("[deleted]", "[deleted]")}


def test_what_is_not_wanted_is_not_malformed():
    rows, reader = _read(_line(subreddit="other"), _line(id="b", created_utc=1))
    assert len(rows) == 1 and reader.counts.malformed == 0
    late = RowReader("comments", ["writing"], 2, 2**62)
    assert late.rows(_line(created_utc=1)).num_rows == 0
    assert late.counts.malformed == 0
    everything = RowReader("comments", [], 0, 2**62)
    assert everything.rows(_line(subreddit="other")).num_rows == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
good_rows = st.fixed_dictionaries(
    {
        "id": st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=7),
        "subreddit": st.sampled_from(["writing", "Writing", "other"]),
        "body": st.text(max_size=30),
        "parent_id": st.sampled_from(["t1_a", "t3_b", 12345]),
        "link_id": st.just("t3_b"),
        "created_utc": st.integers(1, 4_000_000_000).flatmap(
            lambda n: st.sampled_from([n, str(n), float(n)])
        ),
    },
    optional={
        "author": st.none() | st.text(max_size=8),
        "score": st.none() | st.integers(-(10**6), 10**6) | st.just("5"),
        "retrieved_on": st.integers(1, 4_000_000_000),
        "score_hidden": st.booleans(),
        "edited": json_values,
        "_meta": json_values,
    },
)
bad_lines = st.one_of(
    st.binary(max_size=40),
    good_rows.map(lambda row: orjson.dumps(row)[:-2]),
    good_rows.map(lambda row: orjson.dumps({k: v for k, v in row.items() if k != "id"})),
    good_rows.map(lambda row: orjson.dumps({**row, "created_utc": "soon"})),
    good_rows.map(lambda row: orjson.dumps({**row, "body": 5})),
    good_rows.map(lambda row: b"[" + orjson.dumps(row) + b"]"),
    good_rows.map(lambda row: orjson.dumps(row) + orjson.dumps(row)),
    st.sampled_from([b"null", b"5", b"{}", b'"text"', b"{", b"}", b"\xff\xfe", b'{"id":']),
).map(lambda line: line.replace(b"\n", b""))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.just(True), good_rows) | st.tuples(st.just(False), bad_lines)))
def test_fuzzed_lines(entries):
    lines = [orjson.dumps(entry) if good else entry for good, entry in entries]
    rows, reader = _read(*lines)
    good = [entry for is_good, entry in entries if is_good]
    wanted = [row for row in good if row["subreddit"].lower() == "writing"]
    bad = [line for (is_good, _), line in zip(entries, lines, strict=True) if not is_good]
    bad = [line for line in bad if line.strip()]
    assert [row["id"] for row in rows] == [row["id"] for row in wanted]
    assert [row["body"] for row in rows] == [row["body"] for row in wanted]
    assert [row["created_utc"] for row in rows] == [int(row["created_utc"]) for row in wanted]
    assert reader.counts.malformed == len(bad)
    assert reader.counts.lines == len(good) + len(bad)


MANY = ("writing", *(f"{'w' * (n % 4)}other_{n}" for n in range(300)))


@pytest.mark.parametrize("names", [("writing",), MANY], ids=["few", "many"])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(good_rows, max_size=12), st.booleans())
def test_looking_for_the_names_first_finds_the_same_rows(names, rows, whole):
    lines = [orjson.dumps(row) for row in rows] + [b"", b'{"id":"cut', b'{"subreddit": "WRITING"']
    end = b"\n" if whole else b""
    lines += [_blanks(line) for line in lines]
    plain, first = _read(*lines, end=end, names=names)
    sought, second = _read(*lines, end=end, names=names, few=True)
    assert sought == plain
    assert first.counts == second.counts


def test_both_parsers_give_the_same_rows(monkeypatch):
    block = b"".join(_line(id=f"x{n}", body=f'é{n}\n\t"', score=n) + b"\n" for n in range(50))
    fast = RowReader("comments", ["writing"], 0, 2**62).rows(block)
    monkeypatch.setattr(dump_rows, "_is_utf8", lambda block: False)
    slow = RowReader("comments", ["writing"], 0, 2**62).rows(block)
    assert fast.equals(slow)
