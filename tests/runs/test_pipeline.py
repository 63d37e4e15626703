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
for name in ("gpt2_finetune", "gpt2_generate", "bert_gan_real"):
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


def test_the_text_false_given_to_papermill_stays_what_the_person_meant(workspace):
    values = pipeline._values_for("06_discriminate_and_post", {"dry_run": "false"})
    assert values == {"dry_run": False}


def test_from_after_to_is_refused():
    with pytest.raises(BotlibError, match="--from 04 comes after --to 02"):
        pipeline._between("04", "02")


def test_status_prints_json(workspace, capsys):
    workspace.gpt2_finetune.write_text("text\n")
    assert main(["status", "--workspace", str(workspace.root), "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["path"] == "gpt2_finetune.csv"
    assert record["state"] == "no manifest"


def test_a_missing_workspace_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert main(["status", "--workspace", str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("botlib: no workspace at")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("profile", "overrides", "allowed"),
    [
        ("laptop", {"subreddits": "College"}, "College"),
        ("laptop", {"subreddits": "College", "allowed_subreddits": "scifi"}, None),
        ("laptop", {"subreddits": "College", "reddit": "live"}, None),
        ("colab", {"subreddits": "College"}, None),
    ],
)
def test_only_in_the_sandbox_may_the_bot_answer_wherever_it_reads(profile, overrides, allowed):
    from botlib.commands.runs import _allow_in_the_sandbox

    _allow_in_the_sandbox(profile, overrides)
    assert overrides.get("06_discriminate_and_post.allowed_subreddits") == allowed


def test_a_damaged_dump_shows_in_the_exit_status(notebooks, workspace, capsys):
    arguments = ["run", "--workspace", str(workspace.root), "--profile", "demo", "--to", "01"]
    assert main(arguments) == 0
    workspace.raw_data.mkdir()
    workspace.damaged.write_text("RC_2019-01.zst ends after 3 of its lines\n")
    assert main(arguments) == 1
    assert "RC_2019-01.zst ends after 3 of its lines" in capsys.readouterr().out
