"""Which workspace a command means, and what it shows where nobody watches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from botlib.__main__ import main

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv("BOTLIB_WORKSPACE", raising=False)


def test_the_environment_names_the_workspace(workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOTLIB_WORKSPACE", str(workspace.root))
    assert main(["stop", "lunch"]) == 0
    assert workspace.stop_switch.exists()


def test_the_command_line_wins_over_the_environment(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("BOTLIB_WORKSPACE", str(tmp_path / "nowhere"))
    assert main(["stop", "--workspace", str(workspace.root)]) == 0


def test_the_current_folder_counts_if_it_is_a_workspace(workspace, monkeypatch):
    workspace.models.mkdir()
    monkeypatch.chdir(workspace.root)
    assert main(["stop"]) == 0
    assert workspace.stop_switch.exists()


def test_no_command_writes_tables_into_a_folder_that_is_no_workspace(tmp_path, monkeypatch, capsys):
    (tmp_path / "thesis.doc").touch()
    monkeypatch.chdir(tmp_path)
    for command in (["stop"], ["status"], ["run"], ["import", "model.tar.gz"]):
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "pass --workspace DIR, set BOTLIB_WORKSPACE" in line
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_show_config_says_where_the_workspace_comes_from(workspace, monkeypatch, capsys):
    monkeypatch.setenv("BOTLIB_WORKSPACE", str(workspace.root))
    assert main(["bot", "--show-config"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["workspace", "BOTLIB_WORKSPACE"] in [[row[0], row[-1]] for row in rows if row]


BAR = (
    "import sys; from botlib import options; options.no_bars_in_files(sys.argv); "
    "from tqdm.auto import tqdm; list(tqdm(range(9), desc='steps'))"
)


def test_a_log_file_holds_no_progress_bars():
    done = subprocess.run(
        [sys.executable, "-c", BAR], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_person_at_a_terminal_sees_them():
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.Popen([sys.executable, "-c", BAR], cwd=ROOT, stderr=theirs)
    assert done.wait(60) == 0
    os.close(theirs)
    assert b"steps" in os.read(ours, 10_000)
    os.close(ours)
