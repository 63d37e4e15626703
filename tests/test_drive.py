"""On Google Drive a model arrives whole or not at all, and a lost mount says what to do."""

import shutil

import pytest

from botlib import drive, tables
from botlib.errors import BotlibError
from botlib.tables import BERT_GAN_REAL
from botlib.workspace import Workspace, atomic_file, atomic_folder

LOST = "Google Drive is no longer mounted.*run this notebook's set-up cells again"


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """A folder that stands in for Drive's mount, with a model in its workspace."""
    monkeypatch.setattr(drive, "DRIVE", tmp_path / "drive")
    model = tmp_path / "drive" / "MyDrive" / "botlib" / "models" / "m"
    model.mkdir(parents=True)
    (model / "weights").write_text("old")
    return model


def vanish(tmp_path):
    """Takes the mount away, as Colab does when the connection to Drive ends."""
    (tmp_path / "drive").rename(tmp_path / "away")


def back(tmp_path):
    assert not (tmp_path / "drive").exists(), "written where Drive ought to be"
    (tmp_path / "away").rename(tmp_path / "drive")


def test_what_goes_to_drive_is_built_on_this_machines_disk(mounted):
    with atomic_folder(mounted) as folder:
        assert not drive.covers(folder)
        (folder / "sub").mkdir()
        (folder / "sub" / "weights").write_bytes(b"new" * 1000)
    with atomic_file(mounted / "table.csv") as file:
        assert [path.name for path in mounted.iterdir()] == ["sub"]
        file.write("ä")
    assert (mounted / "sub" / "weights").read_bytes() == b"new" * 1000
    assert (mounted / "table.csv").read_text(encoding="utf-8") == "ä"
    assert sorted(path.name for path in mounted.iterdir()) == ["sub", "table.csv"]
    assert [path.name for path in mounted.parent.iterdir()] == ["m"]


def test_a_mount_lost_while_a_model_is_built_leaves_the_old_one(mounted, tmp_path):
    with pytest.raises(BotlibError, match=LOST), atomic_folder(mounted) as folder:
        (folder / "weights").write_text("new")
        vanish(tmp_path)
    back(tmp_path)
    assert (mounted / "weights").read_text() == "old"


def test_a_mount_lost_between_two_files_leaves_the_old_model(mounted, tmp_path, monkeypatch):
    copy, copied = shutil.copyfile, []

    def one_then_none(source, target):
        if copied:
            vanish(tmp_path)
        copied.append(target)
        return copy(source, target)

    monkeypatch.setattr(drive.shutil, "copyfile", one_then_none)
    with pytest.raises(BotlibError, match=LOST), atomic_folder(mounted) as folder:
        (folder / "config").write_text("new")
        (folder / "weights").write_text("new")
    assert len(copied) == 2
    back(tmp_path)
    assert [path.name for path in mounted.iterdir()] == ["weights"]
    assert (mounted / "weights").read_text() == "old"


def test_a_table_is_not_written_into_a_folder_where_drive_was(mounted, tmp_path):
    vanish(tmp_path)
    with pytest.raises(BotlibError, match=LOST), atomic_file(mounted / "table.csv") as file:
        file.write("x")
    with pytest.raises(BotlibError, match=LOST):
        Workspace.open(mounted.parents[1], create=True)
    with pytest.raises(BotlibError, match=LOST):  # and not "run 01_data first"
        tables.read_table(mounted / "bert_gan_real.csv", BERT_GAN_REAL)
    back(tmp_path)


def test_a_mount_whose_process_has_died_is_lost(mounted, monkeypatch):
    def not_connected(self):
        raise OSError(107, "Transport endpoint is not connected")

    monkeypatch.setattr("pathlib.Path.is_dir", not_connected)
    with pytest.raises(BotlibError, match=LOST):
        drive.check(mounted)


def test_a_copy_that_differs_is_refused_and_the_old_model_stays(mounted, monkeypatch):
    monkeypatch.setattr(drive.shutil, "copyfile", lambda source, target: target.write_text("ne"))
    wanted = pytest.raises(BotlibError, match="on Google Drive is incomplete")
    with wanted, atomic_folder(mounted) as folder:
        (folder / "weights").write_text("new")
    assert (mounted / "weights").read_text() == "old"
    assert [path.name for path in mounted.parent.iterdir()] == ["m"]


def test_a_disk_that_is_not_drive_may_vanish_too(tmp_path):
    path = tmp_path / "disk" / "models" / "m"
    path.parent.mkdir(parents=True)
    wanted = pytest.raises(BotlibError, match="its folder is gone; mount its disk again")
    with wanted, atomic_folder(path) as folder:
        (tmp_path / "disk").rename(tmp_path / "away")
        (folder / "weights").write_text("new")


def test_elsewhere_nothing_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(drive, "deliver", None)
    with atomic_folder(tmp_path / "m") as folder:
        assert folder.parent == tmp_path
    with drive.local_first(tmp_path / "m") as folder:
        assert folder == tmp_path / "m"
