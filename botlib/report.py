"""One self-contained page over a run: a summary first, then each executed notebook, folded."""

import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from botlib.evaluation import record
from botlib.pipeline import Result
from botlib.tables import PREDICTIONS, read_table
from botlib.workspace import Workspace, atomic_file, read_manifest


def build(workspace: Workspace, folder: Path, results: Sequence[Result]) -> Path:
    """Writes `report.html` into a run's folder.

    Args:
      workspace: for the summary's figures.
      folder: the run's folder.
      results: one a notebook, in order.

    Returns:
      The page: one file, no external request, readable on a phone and in the dark.
    """
    parts = [*_summary(workspace), _states(results)]
    parts += [_folded(result) for result in results if result.executed]
    page = _PAGE.replace("{style}", _STYLE).replace("{body}", "\n".join(parts))
    with atomic_file(folder / "report.html") as file:
        file.write(page)
    return folder / "report.html"


def best_replies(workspace: Workspace) -> pd.DataFrame:
    """Returns the best reply of each post of the newest round: comment, reply, scores, decision."""
    tables = sorted(workspace.root.glob(workspace.reply_score_predictions("*").name))
    columns = ["comment", "best reply", "realism", "expected rating", "decision"]
    if not tables:
        return pd.DataFrame(columns=columns)
    replies = read_table(tables[-1], PREDICTIONS)
    ranked = replies.sort_values(["score"], ascending=False, na_position="last")
    best = ranked.groupby("post_id", sort=False).head(1)
    return best.rename(
        columns={"proposed_reply": "best reply", "prob_real": "realism", "score": "expected rating"}
    )[columns].reset_index(drop=True)


def best_replies_text(workspace: Workspace, limit: int = 12, width: int = 44) -> str:
    """Returns the best replies as a table for the terminal, long texts cut."""
    best = best_replies(workspace)
    if best.empty:
        return "no replies yet: run 05_generate and 06_discriminate_and_post"
    short = best.head(limit).copy()
    for column in ("comment", "best reply", "decision"):
        short[column] = [_cut(text, width) for text in short[column]]
    table = short.to_string(index=False, justify="left", float_format=lambda x: f"{x:.2f}")
    left = len(best) - len(short)
    return table + (f"\n… and {left} more" if left else "")


def _cut(text: str, width: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _summary(workspace: Workspace) -> Iterator[str]:
    yield "<h1>botlib: what this run made</h1>"
    counts = read_manifest(workspace.bert_gan_real).get("extra", {})
    if plain := {k: v for k, v in counts.items() if isinstance(v, int | float | str)}:
        yield "<h2>Data</h2>" + _table(pd.DataFrame([plain]))
    for card in sorted((workspace.models / "gpt2").glob("*/model_card.json")):
        values = json.loads(card.read_text(encoding="utf-8"))
        plain = {k: v for k, v in values.items() if isinstance(v, int | float | str)}
        yield f"<h2>GPT-2: {html.escape(card.parent.name)}</h2>" + _table(
            pd.DataFrame(plain.items(), columns=["", "value"])
        )
    for model in (workspace.bert_realism, workspace.bert_upvotes, workspace.bert_rank):
        if evaluation := record.load(model):
            yield f"<h2>{html.escape(evaluation.title)}</h2>"
            yield f"<p>{html.escape(evaluation.sentence)}</p>" + _table(evaluation.scores)
    best = best_replies(workspace)
    if not best.empty:
        yield "<h2>Best replies</h2>" + _table(best.head(20))


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
        # The widgets' own state needs scripts from elsewhere; their text fallback is shown instead
        for output in cell.get("outputs", []):
            if "data" in output:
                output["data"].pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.pop("widgets", None)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return f"<details><summary>{result.notebook}</summary>\n{body}\n</details>"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>botlib report</title>
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
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
         vertical-align: top; white-space: pre-line; overflow-wrap: anywhere; min-width: 3.5rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .6rem 0;
          padding: .4rem .8rem; }
summary { cursor: pointer; font-weight: 600; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
div.input, div.input_area, .jp-InputArea pre { background: var(--soft); border-radius: 4px;
                                              padding: 0 .5rem; }
.prompt, .jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
img, svg { max-width: 100%; height: auto; }
"""
