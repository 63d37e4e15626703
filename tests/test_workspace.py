"""Nothing half-written is ever found under its name, and a manifest tells what made it."""

import errno
import subprocess
import sys

import pytest

from botlib import parts
from botlib import workspace as workspace_module
from botlib.errors import BotlibError
from botlib.manifests import hash_path, read_manifest, write_manifest
from botlib.runs import status
from botlib.workspace import Workspace, atomic_file, atomic_folder


def test_a_missing_workspace_says_what_to_run(tmp_path):
    with pytest.raises(BotlibError, match="run 01_data first, or set drive_root"):
        Workspace.open(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_full_disk_is_one_line_with_the_cure(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workspace_module.os, "fsync", full)
    wanted = pytest.raises(BotlibError, match="no space left on device; free some space")
    with wanted, atomic_file(tmp_path / "table.csv") as file:
        file.write("x")
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_folder_replaces_the_old_one_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"
    with atomic_folder(target) as folder:
        (folder / "weights").write_text("1")
    with pytest.raises(RuntimeError), atomic_folder(target) as folder:
        (folder / "weights").write_text("2")
        raise RuntimeError
    assert (target / "weights").read_text() == "1"
    with atomic_folder(target) as folder:
        (folder / "other").write_text("3")
    assert [path.name for path in target.iterdir()] == ["other"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


_WRITER = """
import sys
from pathlib import Path
from botlib.workspace import atomic_file, atomic_folder
root = Path(sys.argv[1])
table, model = root / "bert_gan_real.csv", root / "models" / "x"
with atomic_file(table) as file, atomic_folder(model) as folder:
    (folder / "weights").write_text("half")
    file.write("half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_kill_9_left_half_written_goes_at_the_next_start_but_not_what_another_writes(
    workspace, repository
):
    def writer():
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(workspace.root)],
            cwd=repository,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"writing\n"
        return process

    (workspace.root / ".notes.part").write_text("somebody else's")
    with writer() as killed:
        killed.kill()
    assert len(list(workspace.root.rglob("*.part"))) == 3
    with writer() as running:
        Workspace.open(workspace.root)
        names = {path.name.split(".")[1] for path in workspace.root.rglob("*.part")}
        assert names == {"notes", "bert_gan_real", "x"}
        assert len(list(workspace.root.rglob("*.part"))) == 3
        running.stdin.close()
        assert running.wait() == 0
    assert (workspace.models / "x" / "weights").is_file() and workspace.bert_gan_real.is_file()
    assert [path.name for path in workspace.root.rglob("*.part")] == [".notes.part"]


def test_a_part_that_is_cleared_before_its_writer_locks_it_is_made_again(workspace, monkeypatch):
    made, make = [], parts.tempfile.mkstemp

    def made_then_cleared(**arguments):
        handle, name = make(**arguments)
        if not made:
            parts.clear_orphans(workspace.root)
        made.append(name)
        return handle, name

    monkeypatch.setattr(parts.tempfile, "mkstemp", made_then_cleared)
    with atomic_file(workspace.bert_gan_real) as file:
        file.write("whole")
    assert workspace.bert_gan_real.read_text() == "whole" and len(made) == 2


def test_a_hash_changes_with_a_name_or_a_byte_but_not_with_the_manifest(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = hash_path(folder)
    write_manifest(folder, parameters={}, seed=None)
    assert hash_path(folder) == before
    (folder / "a").rename(folder / "b")
    assert hash_path(folder) != before


def test_status_calls_stale_what_was_made_from_something_else(workspace):
    workspace.gpt2_finetune.write_text("text\nold [SEP] old\n")
    run = workspace.gpt2("run1")
    run.mkdir(parents=True)
    write_manifest(run, inputs=[workspace.gpt2_finetune], parameters={"steps": 1}, seed=3)
    assert read_manifest(run)["seed"] == 3

    by_path = {a.path: a for a in status.artefacts(workspace)}
    assert by_path["models/gpt2/run1"].state == "current"
    assert by_path["gpt2_finetune.csv"].state == "no manifest"

    workspace.gpt2_finetune.write_text("text\nnew [SEP] new\n")
    by_path = {a.path: a for a in status.artefacts(workspace)}
    assert by_path["models/gpt2/run1"].state == "stale: gpt2_finetune.csv"


def test_a_moved_workspace_stays_current(workspace, tmp_path):
    workspace.gpt2_finetune.write_text("text\n")
    run = workspace.gpt2("run1")
    run.mkdir(parents=True)
    write_manifest(run, inputs=[workspace.gpt2_finetune], parameters={}, seed=None)
    workspace.root.rename(tmp_path / "elsewhere")
    moved = Workspace.open(tmp_path / "elsewhere")
    assert {a.state for a in status.artefacts(moved)} == {"current", "no manifest"}
