"""A source is a setting; what was damaged is remembered until it is read whole."""

import pytest

from botlib.data import sources
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.settings import DataSettings

SUBREDDITS = ",".join(sample.SUBREDDITS)


def test_no_subreddits_and_no_dumps_are_named(workspace):
    with pytest.raises(BotlibError, match="subreddits is empty"):
        sources.collect(workspace, DataSettings(source="sample", subreddits=" , "))
    with pytest.raises(BotlibError, match="dumps is empty"):
        sources.collect(workspace, DataSettings(source="dumps"))


def test_a_damaged_dump_is_remembered_until_it_is_whole(workspace, tmp_path):
    files = sample.write_sample(tmp_path / "dumps", seed=1, threads=600)
    settings = DataSettings(source="dumps", dumps=str(tmp_path / "dumps"), subreddits=SUBREDDITS)
    (comments,) = [path for path in files if path.name == f"{sample.SUBREDDITS[0]}_comments.zst"]
    whole = comments.read_bytes()
    comments.write_bytes(whole[: len(whole) * 9 // 10])
    report = sources.collect(workspace, settings)
    assert report.exit_status == 1
    assert comments.name in workspace.damaged.read_text()
    comments.write_bytes(whole)
    assert sources.collect(workspace, settings).exit_status == 0
    assert not workspace.damaged.exists()
