"""The report of a run: one page with a summary, then each executed notebook, folded."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from botlib.runs import summary
from botlib.runs.pipeline import Result
from botlib.runs.summary import Section
from botlib.terminal import text_table
from botlib.workspace import Workspace, atomic_file


def build(workspace: Workspace, folder: Path, results: Sequence[Result]) -> Path:
    """Returns `report.html`, after writing it into a run's folder.

    Args:
      workspace: for the summary's figures.
      folder: the run's folder.
      results: one for each notebook, in order.

    Returns:
      The page: one file without external requests, readable on a phone and in dark mode.
    """
    sections = summary.collect(workspace)
    summary.save(sections, folder)
    parts = ["<h1>Results of this run</h1>", *map(_section, sections), _states(results)]
    parts += [_folded(result) for result in results if result.executed]
    return _write(folder / "report.html", "botlib report", parts)


def compare(first: Path, second: Path, page: Path) -> pd.DataFrame:
    """Returns two runs side by side, as a table, after writing them to a page.

    Args:
      first: a run's folder, `runs/{time}`.
      second: the folder of another run, in this or another workspace.
      page: the file to write.

    Returns:
      All figures of either run: section, figure, and a column for each run.

    Raises:
      BotlibError: a folder isn't a run's.
    """
    runs = [{s.title: s for s in summary.load(run)} for run in (first, second)]
    titles = list(dict.fromkeys(title for sections in runs for title in sections))
    names = f"first: {html.escape(str(first))}<br>second: {html.escape(str(second))}"
    parts = [f"<h1>Two runs</h1><p>{names}</p>"]
    flat = []
    for title in titles:
        sides = [sections.get(title) for sections in runs]
        # On a phone the two stand one below the other
        shown = "".join(
            f"<div>{_section(side) if side else f'<h2>{html.escape(title)}</h2>'}"
            f"<small>{name} run{'' if side else ': not in this run'}</small></div>"
            for name, side in zip(("first", "second"), sides, strict=True)
        )
        parts.append(f'<div class="pair">{shown}</div>')
        flat.append(_side_by_side(sides).assign(section=title))
    _write(page, "botlib: two runs", parts)
    return pd.concat(flat, ignore_index=True)[["section", "figure", "first", "second"]]


def _side_by_side(sides: list[Section | None]) -> pd.DataFrame:
    columns = {}
    for name, side in zip(("first", "second"), sides, strict=True):
        table = side.table if side else pd.DataFrame()
        # A row is named by its first cell: a figure's or a model's name
        columns[name] = pd.Series(
            {
                f"{row.iloc[0]} {column}".strip() if column != "value" else str(row.iloc[0]): value
                for _, row in table.iterrows()
                for column, value in row.iloc[1:].items()
            },
            dtype=object,
        )
    return pd.DataFrame(columns).rename_axis("figure").reset_index()


def _write(path: Path, title: str, parts: Sequence[str]) -> Path:
    page = _PAGE.replace("{title}", title).replace("{style}", _STYLE)
    with atomic_file(path) as file:
        file.write(page.replace("{body}", "\n".join(parts)))
    return path


def best_replies_text(workspace: Workspace, limit: int = 12, width: int = 44) -> str:
    """Returns the best replies as a table for the terminal, long texts cut."""
    best = summary.best_replies(workspace)
    if best.empty:
        return "there are no replies yet: run 05_generate and 06_discriminate_and_post"
    left = len(best) - limit
    return text_table(best.head(limit), width) + (f"\n… and {left} more" if left > 0 else "")


def _section(section: Section) -> str:
    sentence = f"<p>{html.escape(section.sentence)}</p>" if section.sentence else ""
    return f"<h2>{html.escape(section.title)}</h2>{sentence}" + _table(section.table)


def _states(results: Sequence[Result]) -> str:
    rows = [(r.notebook, r.state, f"{r.seconds:.0f} s", r.message) for r in results]
    frame = pd.DataFrame(rows, columns=["notebook", "state", "time", "message"])
    return "<h2>Notebooks</h2>" + _table(frame)


def _table(frame: pd.DataFrame) -> str:
    body = frame.to_html(index=False, border=0, float_format=lambda x: f"{x:.3f}", na_rep="–")
    return f'<div class="wide">{body}</div>'


def _folded(result: Result) -> str:
    import nbformat
    from nbconvert import HTMLExporter

    notebook = nbformat.read(result.executed, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # The badge's picture would be fetched from elsewhere
            cell.source = _BADGE.sub("", cell.source)
        # The widgets' own state needs scripts from elsewhere; their text fallback is shown instead
        for output in cell.get("outputs", []):
            if "data" in output:
                output["data"].pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.pop("widgets", None)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return f"<details><summary>{result.notebook}</summary>\n{body}\n</details>"


_BADGE = re.compile(r"\[!\[[^]]*\]\(http[^)]*\)\]\([^)]*\)")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; --line: #ccc; --soft: #f4f4f4; --text: #1a1a1a; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --line: #444; --soft: #222; --text: #e4e4e4; --page: #141414; }
  img { background: #fff; border-radius: 4px; }
}
body { margin: 0; background: var(--page); color: var(--text);
       font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
.wide, .output_subarea, .text_cell_render { overflow-x: auto; }
table { border: 0; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .6rem; border: 0; border-bottom: 1px solid var(--line); text-align: left;
         vertical-align: top; white-space: pre-line; overflow-wrap: break-word; min-width: 4rem;
         max-width: 24rem; }
thead th { text-align: left !important; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .6rem 0;
          padding: .4rem .8rem; }
summary { cursor: pointer; font-weight: 600; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
div.input, div.input_area, .jp-InputArea pre { background: var(--soft); border-radius: 4px;
                                              padding: 0 .5rem; }
.prompt, .jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
img, svg { max-width: 100%; height: auto; }
@media (max-width: 40rem) {
  main { padding: .6rem; } details { padding: .3rem .5rem; } th, td { padding: .3rem .4rem; }
}
"""
