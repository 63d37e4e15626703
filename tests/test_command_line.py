"""The command line as a whole: exit statuses, pipes, packages that are not there, completion."""

import io
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from botlib import options
from botlib.__main__ import main
from botlib.bert.scorer import PRECISIONS
from botlib.commands import score
from tests.live import small_models

ROOT = Path(__file__).resolve().parents[1]

# Stands before the program, as if a package had not been installed
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from botlib.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
ABSENT = {*options.BOT_PACKAGES, "papermill", "nbformat", "nbconvert", "tensorflow", "matplotlib",
          "sklearn", "duckdb", "pyarrow", "IPython", "ipywidgets", "bs4"}  # fmt: skip


def run(*words: str, absent: set[str] = frozenset(), **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=set(absent)), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=120, **more,
    )  # fmt: skip


def test_help_needs_only_what_every_install_brings():
    done = run("--help", absent=ABSENT)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("bot", "review", "run", "score", "app"))


@pytest.mark.parametrize(
    ("words", "how"),
    [
        (["bot"], 'pip install ".[bot]"'),
        (["review"], 'pip install ".[bot]"'),
        (["app"], 'pip install ".[bot]"'),
        (["score", "--model", "rank", "--pairs", "-", "--out", "-"], 'pip install ".[bot]"'),
        (["run"], "pip install -r requirements.txt"),
    ],
)
def test_a_missing_package_is_answered_by_the_install_line(workspace, words, how):
    small_models.fill(workspace)
    done = run(*words, "--workspace", str(workspace.root), absent=ABSENT,
               input="comment_id,reply_id,comment,reply\nc,r,a,b\n")  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("botlib: this command needs the package") and how in line


def test_the_bot_runs_without_what_only_training_and_data_need(workspace):
    """An import of duckdb, and before it one of scikit-learn, kept a bot's own install from it."""
    small_models.fill(workspace)
    absent = ABSENT - options.BOT_PACKAGES | {"py3langid", "scipy", "onnx", "h5py"}
    done = run("bot", "--workspace", str(workspace.root), "--profile", "demo", absent=absent)
    assert done.returncode == 0, done.stderr


def test_the_packages_of_the_extra_are_those_the_answer_knows():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        re.split(r"[<>=]", line)[0].replace("-", "_").lower()
        for line in extras["optional-dependencies"]["bot"]
    }
    # These come with praw, requests and flask
    assert named | {"prawcore", "urllib3", "werkzeug"} == options.BOT_PACKAGES


def test_a_fault_of_our_own_is_not_called_a_missing_package():
    assert options.install_hint(ModuleNotFoundError("x", name="botlib.nowhere")) == ""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--version"], 0),
        (["status", "--workspace", "/nowhere"], 1),
        (["bot", "--every", "soon", "--workspace", "/nowhere"], 1),
        (["bot", "--no-such-option"], 2),
        ([], 2),
    ],
)
def test_exit_statuses_are_as_the_documentation_says(words, status):
    try:
        ended = main(words)
    except SystemExit as error:
        ended = error.code
    assert ended == status
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    assert f"\n| {status} | " in page and "\n| 130 | " in page


def test_ctrl_c_ends_with_130_and_one_line(monkeypatch, capsys):
    def interrupted(_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("botlib.commands.runs.compare_runs", interrupted)
    assert main(["compare", "a", "b"]) == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_score_reads_and_writes_pipes(workspace, monkeypatch, capsys, tmp_path):
    small_models.fill(workspace)
    text = 'comment_id,reply_id,comment,reply\nc1,r1,Why?,Because.\nc2,r2,Ünïcode 😀,"a, b\nc"\n'
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(text, encoding="utf-8")
    out = tmp_path / "scores.csv"
    where = ["score", "--workspace", str(workspace.root), "--model", "bert_realism"]
    assert main([*where, "--pairs", str(pairs), "--out", str(out)]) == 0
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main([*where, "--pairs", "-", "--out", "-"]) == 0
    said = capsys.readouterr()
    assert said.out == out.read_text(encoding="utf-8")
    assert "2 pairs scored" in said.err
    assert list(pd.read_csv(io.StringIO(said.out))["reply_id"]) == ["r1", "r2"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert main([*where, "--pairs", "-", "--out", "-"]) == 1
    assert "standard input has no column 'comment_id'" in capsys.readouterr().err


def test_score_offers_the_precisions_that_the_scorer_knows():
    assert score.PRECISIONS == PRECISIONS


def test_what_goes_into_a_file_holds_no_colours_and_no_carriage_returns(workspace):
    small_models.fill(workspace)
    words = ["score", "--workspace", str(workspace.root), "--model", "rank", "--pairs", "-"]
    rows = "".join(f"c{n},r{n},Why?,Because.\n" for n in range(300))
    done = subprocess.run(
        [sys.executable, "-m", "botlib", *words, "--out", "-"], cwd=ROOT, capture_output=True,
        input=f"comment_id,reply_id,comment,reply\n{rows}".encode(), timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"\r" not in done.stderr + done.stdout and b"\x1b" not in done.stderr + done.stdout
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_commands_and_options(tmp_path, shell):
    pytest.importorskip("shtab")
    program = tmp_path / "botlib"
    program.write_text("import sys\nfrom botlib.__main__ import main\nsys.exit(main())\n")
    done = subprocess.run(
        [sys.executable, program, "--print-completion", shell],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("hand-over", "--show-config", "bert_realism"))
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=done.stdout, text=True).returncode == 0
