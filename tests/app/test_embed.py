"""The page inside a notebook: shown in a frame, its link good for one browser, once."""

import http.server
import re
import threading

import pytest
import requests

from botlib.app import embed
from botlib.settings import PostSettings


def test_a_notebook_shows_the_page_and_a_saved_link_opens_nothing(site):
    post = PostSettings(reddit="sandbox")
    frame = embed.page(site.workspace, "sandbox", post)
    address, key = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/#key=(\S+)", frame.src).groups()
    policy = requests.get(address, timeout=20).headers["Content-Security-Policy"]
    assert "frame-ancestors http://localhost:* http://127.0.0.1:* vscode-webview:" in policy
    headers = {"X-Botlib": "page"}
    known = requests.post(f"{address}/api/enter", json={"key": key}, headers=headers, timeout=20)
    headers["Authorization"] = f"Bearer {known.json()['token']}"
    waiting = requests.get(f"{address}/api/review", headers=headers, timeout=20).json()
    assert len(waiting["waiting"]) == 3
    again = requests.post(f"{address}/api/enter", json={"key": key}, headers=headers, timeout=20)
    assert again.status_code == 401


class FrontEnd(http.server.BaseHTTPRequestHandler):
    """A page with a frame in it, as a notebook shows an output."""

    source = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<iframe src='{self.source}' width=390 height=800>".encode())

    def log_message(self, *_):
        pass


@pytest.mark.slow
@pytest.mark.alone
def test_only_a_notebooks_front_end_may_show_the_page_in_a_frame(site, chromium):
    FrontEnd.source = embed.page(site.workspace, "sandbox", PostSettings(reddit="sandbox")).src
    page = chromium.new_context().new_page()
    with http.server.ThreadingHTTPServer(("", 0), FrontEnd) as front_end:
        threading.Thread(target=front_end.serve_forever, daemon=True).start()
        # Another name of this machine stands for any other page
        page.goto(f"http://127.0.0.2:{front_end.server_port}/")
        page.wait_for_timeout(500)
        assert page.frames[1].url.startswith("chrome-error:")
        page.goto(f"http://localhost:{front_end.server_port}/")
        page.frame_locator("iframe").locator("#reply").wait_for()
        page.context.close()
        front_end.shutdown()
