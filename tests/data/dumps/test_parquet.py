"""The whole archive as Parquet: the same rows as NDJSON, whatever the columns are like."""

import duckdb
import fsspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from fsspec.implementations.dirfs import DirFileSystem

from botlib.data.dumps import extract, parquet
from botlib.data.dumps.files import DamagedFile
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.workspace import Workspace

NAMES = list(sample.SUBREDDITS)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory):
    """A folder of NDJSON, and its rows: kind → list of rows, some as they are published now."""
    folder = tmp_path_factory.mktemp("dumps")
    rows = {"comments": [], "submissions": []}
    for path in sample.write_sample(folder, seed=9, threads=80):
        kind = path.stem.rpartition("_")[2]
        text = zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read()
        lines = []
        for number, line in enumerate(text.splitlines()):
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            row["created_utc"] = int(row["created_utc"])
            row["_meta"] = {
                "retrieved_2nd_on": row["created_utc"] + 130_000 if number % 3 else None,
                "was_deleted_later": number % 17 == 0,
                "removal_type": "removed" if number % 23 == 0 else None,
                "note": "no_2nd_retrieval" if number % 31 == 0 else None,
            }
            rows[kind].append(row)
            lines.append(orjson.dumps(row))
        path.write_bytes(zstandard.compress(b"\n".join(lines)))
    return folder, rows


def _write(folder, rows, change=lambda row: row, **types):
    """Write rows as the archive is laid out: a folder a kind and month, two files each."""
    for kind, some in rows.items():
        months = {}
        for row in some:
            month = pa.scalar(row["created_utc"], pa.timestamp("s")).as_py().strftime("%Y/%m")
            months.setdefault(month, []).append(change(dict(row)))
        for month, own in months.items():
            place = folder / "data" / kind / month
            place.mkdir(parents=True)
            for number in range(2):
                table = pa.Table.from_pylist(own[number::2])
                for name, wanted in types.items():
                    index = table.schema.get_field_index(name)
                    if index >= 0:
                        column = table[name]
                        if pa.types.is_timestamp(wanted):
                            column = column.cast(pa.timestamp("s", wanted.tz))
                        table = table.set_column(index, name, column.cast(wanted))
                pq.write_table(table, place / f"{number:03d}.parquet", row_group_size=50)
    return folder


def _extract(place, root, names=NAMES, **changes):
    workspace = Workspace.open(root, create=True)
    report = extract.extract(place, subreddits=names, out=workspace, progress=False, **changes)
    files = sorted(workspace.raw_data.glob("myreddit_*.csv"))
    return report, {path.name: path.read_bytes() for path in files}


def _flat(row):
    return row | row.pop("_meta")


def _numbered(row):
    if "parent_id" in row:
        row["parent_id"] = int(row["parent_id"][3:], 36)
    return row


def _as_json(row):
    return row | {"_meta": orjson.dumps(row["_meta"]).decode()}


@pytest.mark.parametrize(
    ("change", "types"),
    [
        (lambda row: row, {}),
        (_flat, {"created_utc": pa.timestamp("s")}),
        (_numbered, {}),
        (_as_json, {"created_utc": pa.timestamp("us", "UTC"), "score": pa.int32()}),
        (_flat, {"created_utc": pa.float64(), "retrieved_on": pa.string()}),
    ],
)
@pytest.mark.parametrize("names", [NAMES, [NAMES[1].upper()]])
def test_parquet_gives_the_rows_of_ndjson(dumps, tmp_path, change, types, names):
    folder, rows = dumps
    place = _write(tmp_path / "parquet", rows, change, **types)
    report, tables = _extract(place, tmp_path / "one", names, depth=0)
    lines, expected = _extract(folder, tmp_path / "two", names, depth=0)
    assert report.errors == [] and len(expected) > 3
    assert tables == expected and report.counts == lines.counts
    assert report.files["lines"].sum() == sum(map(len, rows.values()))


def test_months_out_of_reach_are_not_opened(dumps, tmp_path):
    place = _write(tmp_path / "parquet", dumps[1])
    strange = place / "data" / "comments" / "2012" / "01" / "000.parquet"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"never to be read")
    months = {"first_month": "2019-03", "last_month": "2019-03"}
    report, tables = _extract(place, tmp_path / "one", **months)
    _, expected = _extract(dumps[0], tmp_path / "two", **months)
    assert report.errors == [] and tables == expected
    assert not report.files["file"].str.contains("2012").any()


def test_optional_columns_may_be_missing_and_needed_ones_are_named(dumps, tmp_path):
    optional = {"retrieved_on", "_meta", "is_self", "stickied", "selftext", "num_comments"}
    fewer = {
        kind: [{k: v for k, v in row.items() if k not in optional - {"selftext"}} for row in some]
        for kind, some in dumps[1].items()
    }
    report, tables = _extract(_write(tmp_path / "fewer", fewer), tmp_path / "one")
    assert report.errors == [] and tables
    for row in fewer["comments"]:
        del row["parent_id"]
    with pytest.raises(BotlibError, match="no column parent_id among"):
        _extract(_write(tmp_path / "bad", fewer), tmp_path / "two")


def test_a_file_that_is_no_parquet_is_named(dumps, tmp_path):
    place = _write(tmp_path / "parquet", dumps[1])
    (place / "data" / "comments" / "2019" / "03" / "009.parquet").write_bytes(b"<html>")
    report, _ = _extract(place, tmp_path / "one")
    (error,) = report.errors
    assert "009.parquet can't be read as Parquet" in error


def test_addresses_on_a_server_are_read_through_duckdb(dumps, tmp_path, monkeypatch):
    place = _write(tmp_path / "parquet", dumps[1])

    class Hub(DirFileSystem):
        protocol = "hf"

        @classmethod
        def _strip_protocol(cls, path):
            return path.removeprefix("hf://").removeprefix("datasets/me/reddit")

    def register(connection, _):
        connection.register_filesystem(Hub(str(place), fsspec.filesystem("file")))

    monkeypatch.setattr(parquet, "load_httpfs", register)
    address = "hf://datasets/me/reddit/data/*/*/*/*.parquet"
    report, tables = _extract(address, tmp_path / "one")
    _, expected = _extract(dumps[0], tmp_path / "two")
    assert report.errors == [] and tables == expected
    assert _extract(address, tmp_path / "one")[0].skipped


def test_without_httpfs_the_cure_is_said():
    class Offline:
        def execute(self, sql):
            raise duckdb.IOException(f"Failed to download extension for {sql}")

    with pytest.raises(BotlibError, match=r"hf://x needs .*httpfs.*go online once.*folder"):
        parquet.load_httpfs(Offline(), "hf://x")


def test_a_server_that_fails_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(parquet, "load_httpfs", lambda *_: None)
    with pytest.raises(DamagedFile, match="try later") as caught:
        parquet.kind_of("hf://datasets/none/none/x.parquet")
    assert "\n" not in str(caught.value)
