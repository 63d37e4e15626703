"""Six notebooks of one shape, stripped, short cells, the same set-up, honest parameters."""

import ast
import dataclasses
import json
import re
from pathlib import Path
from typing import get_type_hints

import papermill
import pytest

from botlib.settings import NOTEBOOKS

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NAMES = list(NOTEBOOKS)


def cells(name: str, kind: str = "code") -> list[dict]:
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def parameters_cell(name: str) -> dict:
    (cell,) = [c for c in cells(name) if "parameters" in c["metadata"].get("tags", [])]
    return cell


def test_there_are_six():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_code_cells_are_short_and_hold_no_output_and_no_definitions(name):
    for cell in cells(name):
        text = source(cell)
        assert len(text.splitlines()) <= 10, text
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        nodes = ast.walk(ast.parse(text))
        assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda) for n in nodes)


@pytest.mark.parametrize("name", NAMES)
def test_code_fits_the_width_of_a_cell(name):
    for cell in cells(name):
        if "parameters" not in cell["metadata"].get("tags", []):
            assert max(map(len, source(cell).splitlines())) < 100, source(cell)


@pytest.mark.parametrize("name", NAMES)
def test_one_shape(name):
    first, *rest = cells(name, "markdown")
    text = source(first)
    assert text.startswith("# ")
    assert f"notebooks/{name}.ipynb" in text  # the badge opens this very file
    for heading in ("**Reads**", "**Writes**", "**Accelerator**", "**GPU memory**", "**Time**"):
        assert heading in text
    (time,) = [line for line in text.splitlines() if "**Time**" in line]
    assert "measured" in time and ("T4: not measured" in time or "GPU" in time)
    headings = [source(cell).splitlines()[0] for cell in rest]
    assert headings[:2] == ["## Set-up", "## Parameters"]
    assert headings[-1] == "## Next"


def test_the_set_up_cell_is_the_same_everywhere():
    assert len({source(cells(name)[0]) for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_annotated_literals_that_leave_all_to_the_profile(name):
    """A value shown but not run would lie; so the cell shows none, or the one that runs."""
    hints = get_type_hints(NOTEBOOKS[name])
    tree = ast.parse(source(parameters_cell(name)))
    shown = {}
    for statement in tree.body:
        assert isinstance(statement, ast.AnnAssign)
        shown[statement.target.id] = ast.literal_eval(statement.value)
        kind = hints.get(statement.target.id, type(shown[statement.target.id]))
        assert statement.annotation.id == kind.__name__
    assert shown.pop("profile") == "colab"
    assert shown.pop("options") == {}
    assert shown.pop("drive_root") == NOTEBOOKS[name]().drive_root
    assert "seed" in shown
    for setting, value in shown.items():
        assert value == ("" if hints[setting] is str else None), setting


@pytest.mark.parametrize("name", NAMES)
def test_no_later_cell_gives_a_settings_name_another_value(name):
    """Run once more without the parameters cell, such a value would pass for the reader's."""
    taken = {*NOTEBOOKS[name].names(), "profile", "options"}
    for cell in cells(name):
        if "parameters" not in cell["metadata"].get("tags", []):
            nodes = ast.walk(ast.parse(source(cell)))
            assigned = {
                n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            assert assigned.isdisjoint(taken), source(cell)


@pytest.mark.parametrize("name", NAMES)
def test_a_form_offers_each_choice_and_the_empty_one(name):
    """A dropdown without the empty choice could never give a setting back to the profile."""
    fields = {field.name: field for field in dataclasses.fields(NOTEBOOKS[name])}
    for line in source(parameters_cell(name)).splitlines():
        setting = line.split(":")[0]
        kind = get_type_hints(NOTEBOOKS[name]).get(setting)
        offered = re.search(r"# @param (\[.*?\])", line)
        if setting in fields and "choices" in fields[setting].metadata:
            assert set(json.loads(offered[1])) == {"", *fields[setting].metadata["choices"]}
        if kind is bool:  # Colab's check box knows no third state
            assert json.loads(offered[1]) == ["None", "True", "False"]
            assert line.endswith('{type:"raw"}')


@pytest.mark.parametrize("name", NAMES)
def test_papermill_sees_what_stands_behind_each_parameter(name):
    found = papermill.inspect_notebook(str(FOLDER / f"{name}.ipynb"))
    assert {"drive_root", "profile", "options"} <= set(found)
    assert found["drive_root"]["inferred_type_name"] == "str"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_stays_small(name):
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 60_000
