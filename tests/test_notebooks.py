"""Six notebooks of one shape, stripped, short cells, the same set-up, honest parameters."""

import ast
import json
from pathlib import Path

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
def test_parameters_are_annotated_literals_with_the_settings_defaults(name):
    defaults = NOTEBOOKS[name]()
    tree = ast.parse(source(parameters_cell(name)))
    shown = {}
    for statement in tree.body:
        assert isinstance(statement, ast.AnnAssign)
        shown[statement.target.id] = ast.literal_eval(statement.value)
        assert statement.annotation.id == type(shown[statement.target.id]).__name__
    assert shown.pop("profile") == "colab"
    assert shown.pop("options") == {}
    assert {"drive_root", "seed"} <= set(shown)
    for setting, value in shown.items():
        assert getattr(defaults, setting) == value, setting


@pytest.mark.parametrize("name", NAMES)
def test_papermill_sees_what_stands_behind_each_parameter(name):
    found = papermill.inspect_notebook(str(FOLDER / f"{name}.ipynb"))
    assert {"drive_root", "profile", "options"} <= set(found)
    assert found["drive_root"]["inferred_type_name"] == "str"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_stays_small(name):
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 60_000
