"""A table that a click on a column's head sorts, all its rows: in Jupyter, Colab, the report."""

import html
import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

import pandas as pd

from botlib.terminal import readable

# Rows drawn at once; the others are kept as data, sorted with them, and drawn on demand
SHOWN = 50

_SCRIPT = """
<script>
(function () {
  const table = document.getElementById("ID"), body = table.tBodies[0];
  const more = document.getElementById("IDmore"), step = STEP;
  const kept = JSON.parse(document.getElementById("IDrows").textContent);
  const cell = ([shown, sort]) => {
    const td = document.createElement("td");
    td.textContent = shown; td.dataset.sort = sort; td.dir = "auto";
    if (shown.length > 60) td.className = "long";
    return td;
  };
  const drawn = row => {
    const tr = document.createElement("tr");
    tr.append(...row.map(value => cell(Array.isArray(value) ? value : [value, value])));
    return tr;
  };
  let rows = [...body.rows].concat(kept), left = kept.length;
  const node = row => row instanceof Node ? row : drawn(row);
  const value = (row, column) => {
    if (row instanceof Node) return row.cells[column].dataset.sort;
    return Array.isArray(row[column]) ? row[column][1] : row[column];
  };
  const show = count => {
    for (let i = 0; i < Math.min(count, rows.length); i++) rows[i] = node(rows[i]);
    body.replaceChildren(...rows.slice(0, count));
    more.hidden = count >= rows.length;
    more.textContent = `show more (${Math.min(count, rows.length)} of ${rows.length} rows)`;
    more.onclick = () => show(count + 4 * step);
  };
  table.querySelectorAll("th").forEach((head, column) => head.onclick = () => {
    const up = head.dataset.up !== "1";
    table.querySelectorAll("th").forEach(other => { other.dataset.up = ""; });
    head.dataset.up = up ? "1" : "0";
    const order = (a, b) => {
      const x = value(a, column), y = value(b, column);
      if (x === "" || y === "") return (x === "") - (y === "");
      return (isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y) * (up ? 1 : -1);
    };
    rows.sort(order);
    show(step);
  });
  more.onclick = () => show(5 * step);
})();
</script>"""

_STYLE = (
    "<style>#ID {border-collapse:collapse} #ID th {cursor:pointer;text-align:left} "
    "#ID td,#ID th {padding:.2em .6em;border-bottom:1px solid #8886;vertical-align:top} "
    "#ID td {text-align:left;white-space:pre-wrap;max-width:24em} "
    "#ID td.long {min-width:14em}</style>"
)
_KEPT = re.compile(r'(<script type="application/json"[^>]*>)(.*?)(</script>)', re.DOTALL)


def table(frame: pd.DataFrame, columns: Sequence[str] | None = None, rows: int = SHOWN) -> Any:
    """Returns the frame as an HTML table to be shown by a notebook; all its rows sort.

    Args:
      frame: any frame; texts are shown as Reddit shows them, numbers with three digits.
      columns: which of its columns; all by default.
      rows: so many are drawn at first; a button draws more.
    """
    from IPython.display import HTML

    columns = list(frame.columns if columns is None else columns)
    name = f"table{uuid.uuid4().hex[:12]}"
    heads = "".join(f"<th title='sort'>{html.escape(str(c))} ↕</th>" for c in columns)
    values = [
        [_cell(value) for value in row] for row in frame[columns].itertuples(index=False, name=None)
    ]
    body = "".join(f"<tr>{''.join(map(_html, row))}</tr>" for row in values[:rows])
    # One text where what is shown is what sorts: half the size
    hidden_rows = [
        [shown if shown == sort else [shown, sort] for shown, sort in r] for r in values[rows:]
    ]
    # "</script>" in a comment must not end the script
    data = json.dumps(hidden_rows, ensure_ascii=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    hidden = "" if hidden_rows else " hidden"
    more = f"show more ({min(rows, len(values)):,} of {len(values):,} rows)"
    style = _STYLE.replace("ID", name)
    script = _SCRIPT.replace("ID", name).replace("STEP", str(rows))
    return HTML(
        f"{style}<table id='{name}'><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        f"<button id='{name}more'{hidden}>{more}</button>"
        f'<script type="application/json" id="{name}rows">{data}</script>{script}'
    )


def shortened(text: str, rows: int) -> str:
    """Returns a page's HTML whose sortable tables keep at most so many rows that aren't drawn."""

    def cut(match: re.Match) -> str:
        try:
            hidden_rows = json.loads(match[2])
        except json.JSONDecodeError:
            return match[0]
        if not isinstance(hidden_rows, list) or len(hidden_rows) <= rows:
            return match[0]
        data = json.dumps(hidden_rows[:rows], ensure_ascii=False, separators=(",", ":"))
        note = f"<p>{len(hidden_rows) - rows:,} more rows are in the executed notebook.</p>"
        return match[1] + data.replace("<", "\\u003c") + match[3] + note

    return _KEPT.sub(cut, text)


def _cell(value: Any) -> tuple[str, str]:
    """Returns what is shown and what sorts; nothing sorts last."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ("–", "")
    shown = f"{value:.3f}" if isinstance(value, float) else readable(str(value))
    return (shown, repr(float(value)) if isinstance(value, float) else shown)


def _html(cell: tuple[str, str]) -> str:
    shown, sort = cell
    # Long texts share the width, where a browser would squeeze all but one
    long = " class='long'" if len(shown) > 60 else ""
    return f"<td{long} dir='auto' data-sort='{html.escape(sort)}'>{html.escape(shown)}</td>"
