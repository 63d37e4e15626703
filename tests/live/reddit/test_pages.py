"""What a person sees of the sandbox in a browser."""

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from botlib.evaluation.figures import sortable
from botlib.live.policy import with_disclosure

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def page(sandbox, path: str) -> str:
    with urllib.request.urlopen(sandbox.url + path, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture
def answered(sandbox, client, threads):
    post, comments = threads[0]
    sandbox.state.change(comments[1]["name"], body="<script>document.title='hacked'</script> & so")
    sandbox.state.change(comments[2]["name"], body="שלום עולם 👩‍👩‍👧")
    client.comment(comments[0]["id"]).reply(with_disclosure("Write at night. 😀"))
    return post


def test_the_pages_lead_to_the_reply(sandbox, answered):
    assert '<a href="/r/writing/">r/writing</a>' in page(sandbox, "/")
    listing = page(sandbox, "/r/writing/")
    assert "1 by the bot" in listing
    assert answered["permalink"] in listing
    shown = page(sandbox, answered["permalink"])
    assert "Write at night. 😀" in shown
    assert "I&#39;m a bot: a language model" in shown
    assert 'class="own"' in shown
    assert "<script>document" not in shown


def test_unknown_pages_are_404(sandbox):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        page(sandbox, "/r/writing/comments/none/_/")


def browse(folder: Path, *arguments: str) -> bytes:
    """Runs a headless browser; the test is skipped where there is none."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
        *("--window-size=900,1200", f"--user-data-dir={folder / 'profile'}"),
    ]
    command = [browser, *options, *arguments]
    return subprocess.run(command, capture_output=True, timeout=90, check=True).stdout


def test_a_browser_shows_what_the_bot_wrote(sandbox, answered, tmp_path):
    address = sandbox.url + answered["permalink"]
    shown = browse(tmp_path, "--dump-dom", address).decode()
    assert "Write at night. 😀" in shown
    assert "שלום עולם 👩‍👩‍👧" in shown
    assert "hacked</title>" not in shown
    picture = tmp_path / "page.png"
    browse(tmp_path, f"--screenshot={picture}", address)
    assert picture.stat().st_size > 5_000


def test_a_table_that_a_click_sorts(tmp_path):
    frame = pd.DataFrame({"reply": ["b <i>", "a 😀", "c"], "score": [2.5, 10.0, None]})
    shown = sortable.table(frame).data
    assert "b &lt;i&gt;" in shown
    assert shown.count("<tr>") == 4
    assert "2 of 3 rows" in sortable.table(frame, ["reply"], rows=2).data
    click = "<script>document.querySelectorAll('th')[1].click()</script>"
    page = tmp_path / "table.html"
    page.write_text(f"<meta charset=utf-8>{shown}{click}", encoding="utf-8")
    dom = browse(tmp_path, "--dump-dom", page.as_uri()).decode()
    assert dom.index("b &lt;i") < dom.index("a 😀") < dom.index(">c<")
