"""Sliders in a notebook with a person before it; the same, still, in a batch run."""

import html
import os
from collections.abc import Mapping
from typing import Any

import pandas as pd

# papermill and this project's pipeline run kernels that nobody watches
BATCH_VARIABLE = "BOTLIB_BATCH"


def is_interactive() -> bool:
    """Whether a person can move a slider here.

    Under papermill and nbconvert the kernel looks like any other, except that its shell may not
    ask for input (`allow_stdin` is False in each request).
    """
    if os.environ.get(BATCH_VARIABLE):
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(kernel is not None and getattr(kernel, "_allow_stdin", False))


def slider(explorer: Any) -> Any:
    """Returns an ipywidgets box: a slider over the threshold, figure and tables that follow it."""
    import ipywidgets
    import matplotlib.pyplot as plt
    from IPython.display import HTML, display

    handle = ipywidgets.FloatSlider(
        value=explorer.threshold,
        min=0.0,
        max=1.0,
        step=0.01,
        description="threshold",
        readout_format=".2f",
        # Each step redraws a figure: wait until the hand rests
        continuous_update=False,
        layout=ipywidgets.Layout(width="95%", max_width="36em"),
    )
    output = ipywidgets.Output()

    def redraw(change: Mapping | None = None) -> None:
        at = handle.value
        with output:
            output.clear_output(wait=True)
            figure = explorer.figure(at)
            display(figure)
            plt.close(figure)
            display(HTML(as_html(explorer.numbers(at))))
            display(HTML(as_html(explorer.beside(at))))

    handle.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([handle, output])


def still(explorer: Any) -> None:
    """Displays the figure at the chosen threshold, a table of several, and the replies beside."""
    import matplotlib.pyplot as plt
    from IPython.display import HTML, display

    figure = explorer.figure()
    display(figure)
    plt.close(figure)
    rows = pd.concat([explorer.numbers(at) for at in explorer.steps()], ignore_index=True)
    display(HTML(as_html(rows)))
    display(HTML(as_html(explorer.beside())))


def as_html(frame: pd.DataFrame, characters: int = 160) -> str:
    """Returns a table in which texts are escaped and cut, the whole text shown on hover."""
    shown = frame.copy()
    for column in shown.columns:
        if pd.api.types.is_float_dtype(shown[column]):
            shown[column] = shown[column].map("{:.3f}".format)
        else:
            shown[column] = [_cell(str(value), characters) for value in shown[column]]
    # JupyterLab sets cells to the right, which suits numbers, not sentences
    left = "<style>.botlib td, .botlib th {text-align: left !important}</style>"
    return left + shown.to_html(index=False, escape=False, border=0, classes="botlib")


def _cell(text: str, characters: int) -> str:
    if len(text) <= characters:
        return html.escape(text)
    short = html.escape(text[:characters].rstrip())
    return f'<span title="{html.escape(text, quote=True)}">{short} …</span>'
