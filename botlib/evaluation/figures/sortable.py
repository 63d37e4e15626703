"""A table that a click on a column's head sorts: in Jupyter, in Colab, in the report."""

import html
import uuid
from collections.abc import Sequence
from typing import Any

import pandas as pd

_SCRIPT = """
<script>
(function () {
  const table = document.getElementById("ID");
  table.querySelectorAll("th").forEach((head, column) => head.onclick = () => {
    const up = head.dataset.up !== "1";
    table.querySelectorAll("th").forEach(other => { other.dataset.up = ""; });
    head.dataset.up = up ? "1" : "0";
    const body = table.tBodies[0], value = row => row.cells[column].dataset.sort;
    const order = (a, b) => {
      const x = value(a), y = value(b), numbers = x !== "" && y !== "" && !isNaN(x) && !isNaN(y);
      return (numbers ? x - y : x.localeCompare(y)) * (up ? 1 : -1);
    };
    [...body.rows].sort(order).forEach(row => body.appendChild(row));
  });
})();
</script>"""

_STYLE = (
    "<style>#ID {border-collapse:collapse} #ID th {cursor:pointer;text-align:left} "
    "#ID td,#ID th {padding:.2em .6em;border-bottom:1px solid #8886;vertical-align:top} "
    "#ID td {text-align:left;white-space:pre-wrap;max-width:24em} "
    "#ID td.long {min-width:14em}</style>"
)


def table(frame: pd.DataFrame, columns: Sequence[str] | None = None, rows: int = 200) -> Any:
    """Returns the frame as an HTML table to be shown by a notebook.

    Args:
      frame: any frame; texts are shown as they are, numbers with three digits.
      columns: which of its columns; all by default.
      rows: at most so many, and a line that says how many there are.
    """
    from IPython.display import HTML

    columns = list(frame.columns if columns is None else columns)
    name = f"table{uuid.uuid4().hex[:12]}"
    heads = "".join(f"<th title='sort'>{html.escape(str(c))} ↕</th>" for c in columns)
    lines = [
        "".join(_cell(value) for value in values)
        for values in frame[columns].head(rows).itertuples(index=False, name=None)
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    more = f"<p>{rows} of {len(frame)} rows</p>" if len(frame) > rows else ""
    style, script = _STYLE.replace("ID", name), _SCRIPT.replace("ID", name)
    head = f"<thead><tr>{heads}</tr></thead>"
    shown = f"<table id='{name}'>{head}<tbody>{body}</tbody></table>{more}"
    return HTML(style + shown + script)


def _cell(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "<td data-sort=''>–</td>"
    shown = f"{value:.3f}" if isinstance(value, float) else str(value)
    sort = repr(float(value)) if isinstance(value, float) else str(value)
    # Long texts share the width, where a browser would squeeze all but one
    long = " class='long'" if len(shown) > 60 else ""
    return f"<td{long} dir='auto' data-sort='{html.escape(sort)}'>{html.escape(shown)}</td>"
