"""Notebooks run in order, not twice for nothing, and a failure names its cell."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from botlib.__main__ import main
from botlib.errors import BotlibError
from botlib.runs import pipeline

PARAMETERS = 'drive_root: str = ""\nprofile: str = "colab"\noptions: dict = {}'

WRITE_TABLES = """\
from pathlib import Path
for name in ("conversations", "gpt2_finetune", "gpt2_generate", "bert_gan_real"):
    (Path(drive_root) / f"{name}.csv").write_text(str(seed))
"""

WRITE_MODEL = """\
from pathlib import Path
(Path(drive_root) / "models/gpt2/run1").mkdir(parents=True, exist_ok=True)
assert options.get("steps") != 13, "thirteen"
"""


def write_notebook(path, code, extra=""):
    parameters = new_code_cell(PARAMETERS + extra, metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[parameters, new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """Two small notebooks in place of the first two."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder / "01_data.ipynb", WRITE_TABLES, "\nseed: int = 1")
    write_notebook(folder / "02_gpt2_finetune.ipynb", WRITE_MODEL, "\nseed: int = 1")
    monkeypatch.setattr(pipeline, "NOTEBOOK_FOLDER", folder)
    return folder


def states(workspace, **overrides):
    _, results = pipeline.run(
        workspace, profile="demo", first="01", last="02", overrides=overrides, say=lambda line: None
    )
    return [result.state for result in results]


def test_what_is_up_to_date_is_skipped_and_what_changed_is_not(notebooks, workspace):
    assert states(workspace) == ["done", "done"]
    assert states(workspace) == ["skipped", "skipped"]
    # a setting of 02 alone
    assert states(workspace, learning_rate="0.5") == ["skipped", "done"]
    # other tables: 02 must run again, although its settings are the same as the last time
    workspace.gpt2_finetune.write_text("changed")
    assert states(workspace, learning_rate="0.5") == ["skipped", "done"]
    # a lost output
    workspace.bert_gan_real.unlink()
    assert states(workspace, learning_rate="0.5")[0] == "done"


def test_a_failure_names_notebook_and_cell_keeps_the_copy_and_exits_with_1(
    notebooks, workspace, capsys
):
    arguments = ["run", "--workspace", str(workspace.root), "--profile", "demo", "--to", "02"]
    assert main([*arguments, "-p", "steps", "13"]) == 1
    output = capsys.readouterr().out
    assert "02_gpt2_finetune failed in cell " in output
    assert "AssertionError: thirteen" in output
    assert "02_gpt2_finetune failed in cell " in output.splitlines()[-1]
    (copy,) = workspace.runs.glob("*/02_gpt2_finetune.ipynb")
    assert "thirteen" in copy.read_text()
    # and it is not taken for done
    assert "02_gpt2_finetune" not in json.loads((workspace.runs / "state.json").read_text())


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({"stepz": "1"}, "no setting of .* is called 'stepz'"),
        ({"03.steps": "1"}, "no setting of 03_bert_realism is called 'steps'"),
        ({"steps": "many"}, "02_gpt2_finetune: steps must be whole number, not the text 'many'"),
        ({"07.seed": "1"}, "no notebook is called '07'"),
    ],
)
def test_a_wrong_override_is_refused_before_anything_runs(workspace, overrides, line):
    with pytest.raises(BotlibError, match=line):
        states(workspace, **overrides)
    assert not workspace.runs.exists()


@pytest.mark.parametrize("text", ["no", "False", "0", ""])
def test_run_and_bot_refuse_the_same_spellings(workspace, capsys, text):
    """`-p dry_run no` was False to `run` and an error to `bot`."""
    for command in ("run", "bot"):
        where = ["--workspace", str(workspace.root), "--profile", "demo"]
        assert main([command, *where, "-p", "dry_run", text]) == 1
        line = f"06_discriminate_and_post: dry_run must be true or false, not the text {text!r}"
        assert capsys.readouterr().err == f"botlib: {line}\n"
    assert not workspace.runs.exists()


def test_a_flag_and_p_that_disagree_are_an_error(workspace, capsys):
    arguments = ["run", "--workspace", str(workspace.root), "--subreddits", "scifi"]
    assert main([*arguments, "-p", "subreddits", "writing"]) == 1
    assert "subreddits is 'writing' by -p and 'scifi' by --subreddits" in capsys.readouterr().err
    assert main([*arguments, "-p", "drive_root", "/elsewhere"]) == 1
    assert "by --workspace and '/elsewhere' by -p" in capsys.readouterr().err
    assert not workspace.runs.exists()


@pytest.mark.parametrize("command", ["run", "bot"])
def test_empty_subreddits_are_an_error_not_the_defaults(workspace, capsys, command):
    arguments = [command, "--workspace", str(workspace.root), "--subreddits", ""]
    assert main(arguments) == 1
    assert "subreddits is empty: name at least one" in capsys.readouterr().err


def test_changed_code_of_the_library_is_run_again_and_says_so(
    notebooks, workspace, tmp_path, monkeypatch
):
    """After an update the old model stood as "up to date"."""
    package = tmp_path / "botlib"
    (package / "data").mkdir(parents=True)
    module = package / "data" / "cleaning.py"
    module.write_text("WORDS = 2\n")
    monkeypatch.setattr(pipeline, "PACKAGE_FOLDER", package)
    assert states(workspace) == ["done", "done"]
    assert states(workspace) == ["skipped", "skipped"]
    module.write_text("WORDS = 3\n")
    lines = []
    pipeline.run(workspace, profile="demo", last="01", say=lines.append)
    assert lines == ["[1/1] 01_data (code of botlib changed)"]
    module.rename(module.with_name("renamed.py"))
    assert states(workspace)[0] == "done"


def test_what_0_1_0_left_behind_is_run_again(notebooks, workspace):
    workspace.runs.mkdir()
    old = {"01_data": {"fingerprint": "0" * 64, "executed": "somewhere"}}
    (workspace.runs / "state.json").write_text(json.dumps(old))
    assert states(workspace)[0] == "done"


def test_run_tells_who_would_loosen_the_live_sites_limits(notebooks, workspace, monkeypatch):
    monkeypatch.setattr(pipeline, "execute", lambda name, *_: pipeline.Result(name, "done", None))
    lines = []
    pipeline.run(
        workspace, profile="demo", overrides={"reddit": "live"}, first="06", say=lines.append
    )
    assert any(
        line.startswith("06_discriminate_and_post: dry_run=False of profile demo does not")
        for line in lines
    )


def test_from_after_to_is_refused():
    with pytest.raises(BotlibError, match="--from 04 comes after --to 02"):
        pipeline._between("04", "02")


def test_status_prints_json(workspace, capsys):
    workspace.gpt2_finetune.write_text("text\n")
    assert main(["status", "--workspace", str(workspace.root), "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["artefacts"]
    assert record["path"] == "gpt2_finetune.csv"
    assert record["state"] == "no manifest"


def test_a_missing_workspace_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert main(["status", "--workspace", str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("botlib: there is no workspace at")
    assert error.count("\n") == 1


def test_a_damaged_dump_shows_in_the_exit_status(notebooks, workspace, capsys):
    arguments = ["run", "--workspace", str(workspace.root), "--profile", "demo", "--to", "01"]
    assert main(arguments) == 0
    workspace.raw_data.mkdir()
    workspace.damaged.write_text("RC_2019-01.zst ends after 3 of its lines\n")
    assert main(arguments) == 1
    assert "RC_2019-01.zst ends after 3 of its lines" in capsys.readouterr().out
