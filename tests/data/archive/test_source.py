"""source="archive": the same pairs as from the dumps that the archive was served from."""

import json
import time

import pandas as pd
import pytest

from botlib.data import sources
from botlib.data.pairs import build
from botlib.data.sample import world as sample
from botlib.settings import DataSettings
from botlib.tables import RAW, read_table
from botlib.workspace import Workspace
from tests.data.archive.server import ArchiveServer

NAMES = list(sample.SUBREDDITS[:2])
TEXTS = ["submission_id", "title", "comment_id", "comment", "reply_id", "reply", "reply_score"]


def raw(workspace: Workspace) -> pd.DataFrame:
    tables = [read_table(path, RAW) for path in sorted(workspace.raw_data.glob("myreddit_*.csv"))]
    return pd.concat(tables).sort_values("reply_id").reset_index(drop=True)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.setattr("botlib.data.archive.client.time.sleep", lambda seconds: None)
    sample.write_sample(tmp_path / "dumps", seed=5, threads=160)
    newest = int(time.time()) - 3 * 86400
    with ArchiveServer.of_dumps(tmp_path / "dumps", NAMES, newest=newest) as server:
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.address)
        yield server


def test_the_pairs_are_those_of_the_dumps(archive, workspace, tmp_path):
    settings = DataSettings(source="archive", subreddits=",".join(NAMES))
    report = sources.collect(workspace, settings)
    assert report.counts["pairs"] > 100
    other = Workspace.open(tmp_path / "other", create=True)
    dumps = {"source": "dumps", "dumps": str(tmp_path / "dumps")}
    sources.collect(other, DataSettings(**dumps, subreddits=",".join(NAMES)))
    pd.testing.assert_frame_equal(raw(workspace)[TEXTS], raw(other)[TEXTS])


def test_a_second_run_finds_all_of_it_there(archive, workspace, capsys):
    settings = DataSettings(source="archive", subreddits=",".join(NAMES))
    sources.collect(workspace, settings)
    assert "free service" in capsys.readouterr().out
    archive.requests.clear()
    assert sources.collect(workspace, settings).skipped
    assert not [path for path, _ in archive.requests if path.endswith("/search")]


def test_real_threads_give_the_same_pairs_through_the_archive(
    reddit_college, workspace, tmp_path, monkeypatch
):
    """What was downloaded against a dump of the same rows in today's form, to the last column."""
    monkeypatch.setattr("botlib.data.archive.client.time.sleep", lambda seconds: None)
    monkeypatch.setattr("botlib.workspace.os.fsync", lambda handle: None)
    newest = int(time.time()) - 9 * 86400
    months = {"first_month": "2024-01", "subreddits": "CollegeMajors"}
    options = {"newest": newest, "faults": 0.1, "seed": 2}
    with ArchiveServer.of_dumps(reddit_college, ["CollegeMajors"], **options) as server:
        monkeypatch.setenv("BOTLIB_ARCHIVE_URL", server.address)
        sources.collect(workspace, DataSettings(source="archive", **months))
        for kind, name in (("comments", "comments"), ("posts", "submissions")):
            lines = (json.dumps(server.seen(kind, key)) + "\n" for key in server._rows[kind])
            (tmp_path / f"CollegeMajors_{name}.jsonl").write_text("".join(lines))
    other = Workspace.open(tmp_path / "other", create=True)
    dumps = {"source": "dumps", "dumps": str(tmp_path / "*.jsonl")}
    sources.collect(other, DataSettings(**dumps, **months))
    assert len(raw(workspace)) > 500
    pd.testing.assert_frame_equal(raw(workspace), raw(other))
    counts = [build.write_pairs(w, DataSettings(**months)).counts for w in (workspace, other)]
    pd.testing.assert_frame_equal(*counts)
    assert counts[0].set_index("rule").loc["young_score", "dropped"] < 10
