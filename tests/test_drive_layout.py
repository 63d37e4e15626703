"""drive_layout.md tells the truth about workspace.py and tables.py."""

import inspect
import re
from pathlib import Path

from botlib.tables import TABLES
from botlib.workspace import Workspace


def layout_rows(repository: Path) -> dict[str, list[str]]:
    text = (repository / "drive_layout.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `").rstrip("/"): [cell.strip() for cell in row[1:]] for row in rows}


def workspace_paths() -> set[str]:
    workspace = Workspace(Path("/w"))
    placeholders = {
        "month": "{YYYY_MM}",
        "date": "{DATE}",
        "name": "{NAME}",
        "run_name": "{RUN}",
    }
    paths = set()
    for name, member in inspect.getmembers(Workspace):
        if isinstance(member, property):
            paths.add(getattr(workspace, name))
        elif inspect.isfunction(member) and inspect.signature(member).return_annotation is Path:
            (parameter,) = list(inspect.signature(member).parameters)[1:]
            if parameter == "number":
                path = member(workspace, 7)
                paths.add(path.with_name(path.name.replace("007", "{NNN}")))
            else:
                paths.add(member(workspace, placeholders[parameter]))
    return {path.relative_to("/w").as_posix() for path in paths}


def test_every_path_is_described_and_every_description_is_a_path(repository):
    described = set(layout_rows(repository))
    # folders whose contents the page describes one by one
    parents = {"models", "raw_data", "runs"}
    assert described - {"runs/{TIME}"} == workspace_paths() - parents


def test_every_table_lists_its_columns(repository):
    rows = layout_rows(repository)
    for table in TABLES:
        listed = re.sub(r"those columns, and ", "", rows[table.name][2]).split(", ")
        columns = list(table.columns)
        assert columns[-len(listed) :] == listed
        if "those columns" not in rows[table.name][2]:
            assert columns == listed
        assert rows[table.name][0] == table.writer
