"""Imports point one way, and a bot that only answers never waits for TensorFlow."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

# A module may import from its own level and from those below it.
LEVELS = {
    "data": 1,
    "evaluation": 2,
    "gpt2": 3,
    "bert": 3,
    "worth": 3,
    "sandbox": 4,
    "live": 5,
    "runs": 6,
    "app": 7,
    "commands": 8,
}
ABOVE_ALL = {"notebook": 6, "__main__": 9}

NEVER_TENSORFLOW = (
    "botlib.data",
    "botlib.live",
    "botlib.evaluation",
    "botlib.sandbox",
    "botlib.worth",
    "botlib.app",
)


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def level(name: str) -> int:
    parts = name.split(".")
    if len(parts) < 2:
        return 0
    return LEVELS.get(parts[1], ABOVE_ALL.get(parts[1], 0))


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every import of a file, and whether it stands at module level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", id(node) in top) for alias in node.names]
    return found


def test_imports_point_one_way(repository):
    wrong = [
        f"{name} imports {imported}"
        for path in (repository / "botlib").rglob("*.py")
        for name in [module_name(path, repository)]
        for imported, _ in imports(path)
        if imported.startswith("botlib.") and level(imported) > level(name)
    ]
    assert wrong == []


def test_what_runs_in_production_never_imports_what_only_evaluates(repository):
    wrong = [
        f"{name} imports {imported}"
        for path in (repository / "botlib").rglob("*.py")
        for name in [module_name(path, repository)]
        for imported, _ in imports(path)
        if imported.startswith("botlib.evaluation")
        and name.split(".")[1:2] in (["bert"], ["gpt2"], ["worth"], ["live"])
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle(repository):
    """Also not for types only, or inside functions: one of the two could not be read alone."""
    paths = {module_name(p, repository): p for p in (repository / "botlib").rglob("*.py")}
    graph = {
        name: {
            module
            for imported, _ in imports(path)
            for module in (imported, imported.rpartition(".")[0])
            if module in paths and module not in (name, "botlib")
        }
        for name, path in paths.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_tensorflow_is_imported_inside_functions_and_only_by_what_trains(repository):
    wrong = []
    for path in (repository / "botlib").rglob("*.py"):
        name = module_name(path, repository)
        for imported, at_top in imports(path):
            heavy = imported.split(".")[0] in {"tensorflow", "tf_keras", "gpt_2_simple", "bert"}
            heavy = heavy or imported.split(".")[0] in {"tensorflow_hub", "tf2onnx"}
            if heavy and (at_top or name.startswith(NEVER_TENSORFLOW)):
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize(
    "modules",
    [
        "botlib.live.loop, botlib.gpt2.generator, botlib.bert.scorer",
        "botlib.__main__",
    ],
)
def test_what_answers_loads_no_tensorflow(repository, modules):
    code = f"import sys, {modules}; print([m for m in sys.modules if m.startswith('tensorflow')])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
