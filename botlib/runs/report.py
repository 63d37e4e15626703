"""The report of a run: one page that says within a minute whether the models are good."""

import html
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from botlib.evaluation.figures.style import DPI, WIDTH
from botlib.runs import executed, headlines, overview, page, summary, verdict
from botlib.runs.headlines import Headline
from botlib.runs.page import folded, text
from botlib.runs.pipeline import Result
from botlib.runs.summary import Section
from botlib.runs.verdict import Verdict
from botlib.terminal import text_table
from botlib.workspace import Workspace

WORDS = {"good": "good", "unsure": "not proven", "bad": "not good", "unknown": "not measured"}


def build(workspace: Workspace, folder: Path, results: Sequence[Result]) -> Path:
    """Returns `report.html`, after writing it into a run's folder.

    First the verdict, the headline values beside their baselines, replies and a few figures; then
    each stage: its figures with a sentence each, its tables and its notebook folded.

    Args:
      workspace: for the figures of its tables and models.
      folder: the run's folder.
      results: one for each notebook, in order.

    Returns:
      The page: one file without external requests, readable on a phone and in dark mode.
    """
    sections = summary.collect(workspace)
    headline_values = headlines.collect(workspace)
    summary.save(sections, headline_values, folder)
    parts = [
        f"<h1>botlib: results of {text(folder.name.replace('T', ', '))}</h1>",
        _verdict(verdict.judge(workspace, headline_values, results)),
        _cards(headline_values),
        _replies(workspace),
        _figures(overview.figures(workspace), "The run in figures"),
        *(_stage(result, sections, folder) for result in results),
        _rest(results, sections),
        _states(results),
    ]
    return page.write(folder / "report.html", "botlib report", parts)


def best_replies_text(workspace: Workspace, limit: int = 12, width: int = 44) -> str:
    """Returns the best replies as a table for the terminal, long texts cut."""
    best = summary.best_replies(workspace)
    if best.empty:
        return "there are no replies yet: run 05_generate and 06_discriminate_and_post"
    left = len(best) - limit
    return text_table(best.head(limit), width) + (f"\n… and {left} more" if left > 0 else "")


def verdict_text(workspace: Workspace, results: Sequence[Result]) -> str:
    """Returns the verdict for the terminal: its title, why, and the first thing to do."""
    judged = verdict.judge(workspace, headlines.collect(workspace), results)
    lines = [judged.title, *judged.lines, *(f"Next: {step}" for step in judged.steps[:1])]
    return "\n".join(textwrap.fill(line, 96, break_on_hyphens=False) for line in lines)


def _verdict(judged: Verdict) -> str:
    why = "".join(f"<p>{text(line)}</p>" for line in judged.lines)
    steps = "".join(f"<li>{_step(step)}</li>" for step in judged.steps)
    return (
        f'<section class="verdict {judged.state}"><h2>{text(judged.title)}</h2>{why}'
        f"<p><b>What to do next</b></p><ol>{steps}</ol></section>"
    )


def _step(step: str) -> str:
    """Returns a step with its command, if it has one, as code."""
    before, command, after = step.partition("python -m ")
    return text(before) + (f"<code>{text(command + after)}</code>" if command else "")


def _cards(headline_values: Sequence[Headline]) -> str:
    return (
        f'<section class="cards">{"".join(map(_card, headline_values))}</section>'
        if headline_values
        else ""
    )


def _card(headline: Headline) -> str:
    return (
        f'<div class="card {headline.state}"><div class="name">{text(headline.name)}</div>'
        f"<b>{text(headline.shown)}</b><small>{text(headline.interval)}</small>"
        f"<div><small>{text(headline.beside)}</small></div>"
        f'<div class="state">{WORDS[headline.state]}</div></div>'
    )


def _replies(workspace: Workspace) -> str:
    best, worst = summary.best_and_worst(workspace)
    if best.empty:
        return ""
    head = "The three best replies" if len(worst) else "The replies"
    columns = [(head, best)] + (
        [("The three worst that it would post", worst)] if len(worst) else []
    )
    shown = "".join(
        f"<div><h3>{title}</h3>{''.join(_talk(row) for _, row in frame.iterrows())}</div>"
        for title, frame in columns
    )
    note = "By the judges' own expected rating; no person has rated them."
    title = f"<h2>What it writes</h2><small>{note}</small>"
    return f'<section>{title}<div class="two">{shown}</div></section>'


def _talk(row: pd.Series) -> str:
    figures = f"realism {row['prob_real']:.2f} · expected rating {row['score']:.2f} of 3"
    return (
        f'<div class="talk"><small>r/{text(row["subreddit"])} · {text(row["title"])}</small>'
        f'<div class="comment" dir="auto">{text(row["comment"])}</div>'
        f'<div class="reply" dir="auto">{text(row["proposed_reply"])}</div>'
        f"<small>{figures}</small></div>"
    )


def _figures(drawn: Sequence[tuple[str, str]], title: str) -> str:
    if not drawn:
        return ""
    shown = "".join(
        f"<figure>{svg}<figcaption>{text(sentence)}</figcaption></figure>"
        for svg, sentence in drawn
    )
    return f'<section><h2>{title}</h2><div class="figures">{shown}</div></section>'


def _stage(result: Result, sections: Sequence[Section], folder: Path) -> str:
    """Returns a notebook's part of the page: sentences, figures, then what is folded."""
    own = [section for section in sections if section.notebook == result.notebook]
    copy = executed.read(result.executed) if result.executed else None
    title = copy.title if copy else result.notebook
    parts = [f"<h2>{text(title)}</h2>"]
    if result.state == "failed":
        parts.append(f'<p class="bad"><b>failed</b>: {text(result.message)}</p>')
    parts += [f"<p>{text(section.sentence)}</p>" for section in own if section.sentence]
    if copy and copy.figures:
        shown = "".join(
            f'<figure id="{figure.name}"><img src="data:image/png;base64,{figure.png}" '
            f'alt="{html.escape(figure.alt, quote=True)}" width="{figure.size[0]}" '
            f'height="{figure.size[1]}" style="width:{_width(figure):.0f}%" loading="lazy" '
            'decoding="async">'
            f"<figcaption>{text(figure.sentence)}</figcaption></figure>"
            for figure in copy.figures
        )
        parts.append(f'<div class="figures">{shown}</div>')
    parts += [folded(f"Numbers: {text(s.title)}", page.table(s.table)) for s in own]
    if copy:
        state = f"{result.state}, {result.seconds:.0f} s" if result.seconds else result.state
        name = f"Notebook {text(result.notebook)} ({state}): its text and tables"
        link = _link(result.executed, folder)
        parts.append(folded(name, link + copy.body, "notebook"))
    return f"<section>{''.join(parts)}</section>"


def _width(figure: executed.Shown) -> float:
    """Returns a figure's width in per cent: a notebook trims margins, and text shall not grow."""
    return min(100.0, 100 * figure.size[0] / (WIDTH * DPI))


def _link(path: Path, folder: Path) -> str:
    """Returns a link to the executed copy, whose code the page leaves out."""
    if path.parent.resolve() == folder.resolve():
        where = path.name
    else:
        where = f"../{path.parent.name}/{path.name}"
    return f'<p class="dim">With its code: <a href="{html.escape(where)}">{text(path.name)}</a></p>'


def _rest(results: Sequence[Result], sections: Sequence[Section]) -> str:
    """Returns the numbers of notebooks that this run left out."""
    names = {result.notebook for result in results}
    left = [section for section in sections if section.notebook not in names]
    if not left:
        return ""
    tables = "".join(folded(text(s.title), _sentence(s) + page.table(s.table)) for s in left)
    return f"<section><h2>From earlier runs</h2>{tables}</section>"


def _sentence(section: Section) -> str:
    return f"<p>{text(section.sentence)}</p>" if section.sentence else ""


def _states(results: Sequence[Result]) -> str:
    rows = [(r.notebook, r.state, f"{r.seconds:.0f} s", r.message) for r in results]
    frame = pd.DataFrame(rows, columns=["notebook", "state", "time", "message"])
    return "<h2>Notebooks</h2>" + page.table(frame) if rows else ""
