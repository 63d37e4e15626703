"""What a person sees in a browser: JupyterLab with its sliders, and the report on a phone."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from botlib.evaluation.figures import sortable
from botlib.runs import report
from botlib.runs.pipeline import Result

ROOT = Path(__file__).resolve().parents[1]
WAIT = 60_000  # milliseconds; a busy machine starts a kernel slowly

pytestmark = [pytest.mark.slow, pytest.mark.alone]

# What the notebooks' own cells find when they are reached, with made-up replies
BEFORE = """
import numpy as np, pandas as pd
from botlib import notebook
from botlib.evaluation.figures import sortable
notebook._show_whole_texts()
rng = np.random.default_rng(7)
p = rng.beta(2, 2, 400)
test = pd.DataFrame({"comment": [f"comment {i}" for i in range(400)],
                     "reply": [f"reply {i} <b>not bold</b>" for i in range(400)],
                     "real": (rng.random(400) < p).astype(int)})
threshold = cutoff = 0.9
scored = test.rename(columns={"reply": "proposed_reply"}).assign(prob_real=p, subreddit="writing")
chosen = scored.assign(score=rng.random(400) * 3, decision="no", reason="made up")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a folder of its own; yields its address and the folder."""
    pytest.importorskip("jupyterlab", reason="pip install -e '.[browser]'")
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "RUNTIME", "DATA")}
    own |= {"IPYTHONDIR": str(folder / "ipython"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "set")}
    environment = {k: v for k, v in os.environ.items() if k != "BOTLIB_BATCH"} | own
    options = [f"--port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    options += ["--expose-app-in-browser", f"--ServerApp.root_dir={folder}"]
    options += [
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
        try:
            _until_it_answers(f"http://127.0.0.1:{port}/api", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}", folder
        finally:
            server.terminate()
            server.wait(20)


def _until_it_answers(url, server, log):
    for _ in range(WAIT // 500):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def cells(name, *holding):
    """The sources of a notebook's own cells, each found by what it holds."""
    codes = [c.source for c in nbformat.read(ROOT / "notebooks" / name, 4).cells]
    return [next(code for code in codes if text in code) for text in holding]


def opened(chromium, lab, name, sources):
    """A page on which JupyterLab has run a notebook of these cells."""
    url, folder = lab
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["kernelspec"] = kernel
    nbformat.write(notebook, folder / name)
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    page.set_default_timeout(WAIT)
    page.goto(f"{url}/lab/tree/{name}?reset")  # nothing open from before
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady")
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    return page


def drag(page, share):
    """Drags the slider's handle to a share of its track, as a hand does."""
    handle, track = page.locator(".noUi-handle"), page.locator(".noUi-base")
    box = track.bounding_box()
    handle.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()


def seen(page):
    """The figure and the tables under the slider, and what it reads."""
    area = page.locator(".jupyter-widgets.widget-output")
    return (
        area.locator("img").first.get_attribute("src"),
        area.locator("table").all_inner_texts(),
        page.locator(".widget-readout").inner_text(),
    )


@pytest.mark.parametrize("notebook", ["03_bert_realism.ipynb", "06_discriminate_and_post.ipynb"])
def test_the_threshold_slider_moves_figure_and_tables(chromium, lab, tmp_path, notebook):
    page = opened(chromium, lab, notebook, [BEFORE, *cells(notebook, "ThresholdExplorer(")])
    page.wait_for_selector(".jupyter-widgets.widget-output table >> nth=1")
    figure, (numbers, beside), readout = seen(page)
    assert readout == "0.90"
    assert "0.900" in numbers
    assert "<b>not bold</b>" in beside  # texts are shown, never run
    drag(page, 0.3)
    page.wait_for_function("!document.querySelector('.widget-output').innerText.includes('0.900')")
    page.wait_for_selector(".jupyter-widgets.widget-output table >> nth=1")
    moved, (numbers_moved, beside_moved), readout = seen(page)
    assert 0.2 < float(readout) < 0.4
    assert moved != figure
    assert f"{float(readout):.3f}" in numbers_moved
    assert beside_moved != beside
    page.screenshot(path=tmp_path / "explorer.png")
    page.close()


def test_a_click_on_a_heads_cell_sorts_the_candidates(chromium, lab, tmp_path):
    sources = [BEFORE, *cells("06_discriminate_and_post.ipynb", "sortable.table(")]
    page = opened(chromium, lab, "browse.ipynb", sources)
    column = "[id^=table] tbody tr td:nth-child(4)"
    page.wait_for_selector(column)
    for order in (sorted, lambda values: sorted(values, reverse=True)):
        page.locator("[id^=table] th", has_text="prob_real").click()
        values = list(map(float, page.locator(column).all_inner_texts()))
        assert values == order(values)
    page.screenshot(path=tmp_path / "candidates.png")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_report_without_scrolling_aside(chromium, workspace, tmp_path, scheme):
    wide = pd.DataFrame([["a long text " * 20] * 8]).to_html(border=1)
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": wide}),
        nbformat.v4.new_output("stream", text="x" * 400),
    ]
    cell = nbformat.v4.new_code_cell("value = " + "1 + " * 80 + "1", outputs=outputs)
    text = nbformat.v4.new_markdown_cell(
        "| a | b |\n|-|-|\n| " + "`w` " * 60 + "|" + "w" * 90 + "|"
    )
    executed = tmp_path / "01_data.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[text, cell]), executed)
    address = report.build(workspace, tmp_path, [Result("01_data", "done", executed, 1.0, "")])
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address.as_uri())
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert requests == [address.as_uri()]
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.body).{name}")
        for name in ("color", "backgroundColor")
    )
    lightness = [sum(map(int, c[4:-1].split(","))) for c in (ink, paper)]
    assert (lightness[0] > lightness[1]) == (scheme == "dark")
    page.close()


def test_an_opened_notebook_of_950_candidates_is_no_endless_column(chromium, workspace, tmp_path):
    frame = pd.DataFrame({"comment": ["a comment of some length " * 8] * 950, "score": range(950)})
    output = nbformat.v4.new_output("display_data", {"text/html": sortable.table(frame).data})
    cell = nbformat.v4.new_code_cell("table", outputs=[output])
    executed = tmp_path / "06_discriminate_and_post.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), executed)
    results = [Result("06_discriminate_and_post", "done", executed, 1.0)]
    address = report.build(workspace, tmp_path, results)
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(address.as_uri())
    page.locator("summary").click()
    assert page.locator("details").bounding_box()["height"] < 2_000
    page.locator("th", has_text="score").click()
    page.locator("th", has_text="score").click()
    # The report keeps 100 of the rows that aren't drawn at first; all that it keeps sort
    assert page.locator("tbody tr td:nth-child(2)").first.inner_text() == "149"
    page.close()
