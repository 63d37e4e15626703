"""Writes the pages that are made from the code: `docs/settings.md` and CONTRIBUTING's map.

`make docs` runs it; `tests/test_docs.py` fails when a page is older than the code.
"""

import ast
import dataclasses
import io
import json
import tokenize
from pathlib import Path
from typing import Any

from botlib import parameters
from botlib.settings import NOTEBOOKS, Settings

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- map: begin -->", "<!-- map: end -->"


def settings_page() -> str:
    """Returns `docs/settings.md`: every setting, its default, its limits, its reason."""
    reasons = _reasons(ROOT / "botlib" / "settings.py")
    profiles = parameters.profiles()
    parts = [
        "# Settings\n",
        "Generated from `botlib/settings.py` by `make docs`; don't edit it by hand.\n",
        "Set one in a notebook's parameters cell (those marked *cell*), in its `options`, or with "
        "`-p NAME VALUE` on the command line (`-p 04.NAME VALUE` for one notebook). An empty "
        "field means: from the profile.\n",
    ]
    for notebook, cls in NOTEBOOKS.items():
        values = {name: parameters.profile_source(name, notebook).values for name in profiles}
        cell = _in_cell(ROOT / "notebooks" / f"{notebook}.ipynb")
        parts += [f"## {notebook}\n", "| setting | default | limits | profiles | what it does |"]
        parts += ["| --- | --- | --- | --- | --- |"]
        for field in dataclasses.fields(cls):
            set_by = [f"{p} {_code(values[p][field.name])}" for p in profiles
                      if field.name in values[p]]  # fmt: skip
            name = f"`{field.name}`" + (" *cell*" if field.name in cell else "")
            row = (name, _code(field.default), _limits(field), ", ".join(set_by),
                   _reason(cls, field.name, reasons))  # fmt: skip
            parts.append("| " + " | ".join(_cell(text) for text in row) + " |")
        parts.append("")
    return "\n".join(parts)


def module_map() -> str:
    """Returns the map of the library: each module with its first sentence, room by room."""
    library = ROOT / "botlib"
    folders = sorted({path.parent for path in library.rglob("*.py")})
    lines = []
    for folder in folders:
        about = _first_sentence(folder / "__init__.py")
        lines += ["", f"**`{folder.relative_to(ROOT).as_posix()}/`** {about}", ""]
        modules = sorted(p for p in folder.glob("*.py") if p.name != "__init__.py")
        lines += [f"- `{path.name}`: {_first_sentence(path)}" for path in modules]
    return "\n".join(lines).strip() + "\n"


def contributing_page() -> str:
    """Returns CONTRIBUTING.md with the map as the code is now."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{module_map()}\n{END}{rest.split(END, 1)[1]}"


def pages() -> dict[Path, str]:
    """Returns every generated page and its text."""
    return {
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / "CONTRIBUTING.md": contributing_page(),
    }


def _reasons(path: Path) -> dict[tuple[str, str], str]:
    """(class, field) → the comment beside or above the field."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and "fmt:" not in token.string
    }
    reasons = {}
    for cls in ast.parse(source).body:
        if not isinstance(cls, ast.ClassDef):
            continue
        for field in cls.body:
            if not isinstance(field, ast.AnnAssign):
                continue
            rows = range(field.lineno, field.end_lineno + 1)
            beside = [comments[row] for row in rows if row in comments]
            above, row = [], field.lineno - 1
            while row in comments and lines[row - 1].lstrip().startswith("#"):
                above.insert(0, comments[row])
                row -= 1
            reasons[cls.name, field.target.id] = " ".join(above + beside)
    return reasons


def _reason(cls: type[Settings], name: str, reasons: dict[tuple[str, str], str]) -> str:
    return next((reasons[k.__name__, name] for k in cls.__mro__ if (k.__name__, name) in reasons),
                "")  # fmt: skip


def _limits(field: dataclasses.Field) -> str:
    known = field.metadata
    texts = [", ".join(_code(c) for c in known["choices"])] if "choices" in known else []
    words = {"minimum": "at least", "above": "above", "maximum": "at most"}
    texts += [f"{words[key]} {known[key]:g}" for key in words if known.get(key) is not None]
    return "; ".join(texts)


def _in_cell(path: Path) -> set[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (source,) = [
        "".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", ())
    ]
    return {n.target.id for n in ast.parse(source).body if isinstance(n, ast.AnnAssign)}


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def _code(value: Any) -> str:
    return "empty" if value == "" else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
