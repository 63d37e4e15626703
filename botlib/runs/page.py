"""The form of the report's pages: one file that fits a phone and a desk, light and dark."""

import html
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from botlib.terminal import readable
from botlib.workspace import atomic_file


def write(path: Path, title: str, parts: Sequence[str]) -> Path:
    """Returns the path of a page, after writing it from the HTML of its parts."""
    page = _PAGE.replace("{title}", html.escape(title)).replace("{style}", STYLE)
    with atomic_file(path) as file:
        file.write(page.replace("{body}", "\n".join(part for part in parts if part)))
    return path


def text(value: object) -> str:
    """Returns a text, of Reddit or not, as HTML shows it: entities as characters, escaped."""
    return html.escape(readable(str(value)))


def table(frame: pd.DataFrame) -> str:
    """Returns a frame as a table; columns without any value are left out."""
    missing = frame.isna() | frame.astype(str).isin(["nan", "NaN", "None", ""])
    frame = frame.loc[:, ~missing.all()]
    shown = frame.map(_cell)
    shown.columns = [text(name) for name in shown.columns]
    return f'<div class="wide">{shown.to_html(index=False, border=0, escape=False)}</div>'


def folded(summary: str, inside: str, kind: str = "") -> str:
    """Returns a block that opens on a click."""
    name = f' class="{kind}"' if kind else ""
    return f"<details{name}><summary>{summary}</summary>\n{inside}\n</details>"


def _cell(value: object) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)) or value == "nan":
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1 else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else text(value)


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

STYLE = """
:root { color-scheme: light dark; --line: #d4d4d4; --soft: #f5f5f4; --text: #1c1c1c; --page: #fff;
  --dim: #5c5c5c; --good: #1a7f4b; --unsure: #9a6700; --bad: #c0362c; --unknown: #767676; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3c3c3c; --soft: #202020; --text: #e6e6e6; --page: #141414; --dim: #a8a8a8;
    --good: #4cc38a; --unsure: #e2b340; --bad: #ff8a7a; --unknown: #9a9a9a; }
  /* The notebooks' figures are black on white: turned around, hues kept */
  img { filter: invert(.92) hue-rotate(180deg); }
  figure svg { filter: brightness(1.35); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: break-word; }
main { max-width: 74rem; margin: 0 auto; padding: 1rem 1.2rem 3rem; }
h1 { font-size: 1rem; font-weight: 600; color: var(--dim); margin: 0 0 .6rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .4rem; } h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
p { margin: .3rem 0; } small, .dim { color: var(--dim); font-size: .86rem; }
code { background: var(--soft); padding: 0 .2em; overflow-wrap: anywhere; }
.good { --state: var(--good); } .unsure { --state: var(--unsure); } .bad { --state: var(--bad); }
.unknown { --state: var(--unknown); }
.verdict { border-left: .5rem solid var(--state); background: var(--soft); border-radius: 6px;
           padding: .7rem 1rem; }
.verdict h2 { margin: 0 0 .3rem; font-size: 1.45rem; line-height: 1.25; }
.verdict ol, .verdict ul { margin: .2rem 0; padding-left: 1.3rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.6rem, 1fr)); gap: .7rem;
         margin: .8rem 0; }
.card { border: 1px solid var(--line); border-top: 4px solid var(--state); border-radius: 6px;
        padding: .5rem .7rem; }
.card b { display: block; font-size: 1.7rem; line-height: 1.2; }
.card .state { color: var(--state); font-weight: 600; font-size: .8rem; }
.card .name { font-size: .9rem; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
       gap: 0 1.4rem; }
.talk { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem; margin: .5rem 0; }
.talk .reply { border-left: 3px solid var(--line); padding-left: .7rem; margin: .3rem 0 .3rem .6rem;
               font-weight: 600; white-space: pre-line; }
.talk .comment { white-space: pre-line; }
.figures { display: grid; gap: 1rem;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
figure { margin: 0; min-width: 0; } figcaption { font-size: .9rem; max-width: 34rem; }
figure { max-width: 30rem; } figure svg { max-width: 100%; width: 30rem; }
figure svg, figure img { height: auto; display: block; }
svg text { font-family: inherit !important; }
.wide, .output_subarea, .text_cell_render, .jp-OutputArea-output { overflow: auto;
  max-height: 30rem; }
table { border: 0; border-collapse: collapse; font-size: .88rem; }
th, td { padding: .25rem .6rem; border: 0; border-bottom: 1px solid var(--line); text-align: left;
         vertical-align: top; white-space: pre-line; min-width: 4rem; max-width: 24rem; }
thead th { text-align: left !important; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0;
          padding: .35rem .8rem; }
summary { cursor: pointer; } .notebook { font-size: .92rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; margin: .3rem 0; }
.prompt, .jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
img { max-width: 100%; height: auto; }
@media (max-width: 40rem) {
  main { padding: .6rem .7rem 2rem; } .cards { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .card b { font-size: 1.35rem; } .verdict h2 { font-size: 1.2rem; }
  th, td { padding: .25rem .35rem; }
}
"""
