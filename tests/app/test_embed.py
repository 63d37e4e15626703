"""The page inside a notebook: shown in a frame, its link good for one browser, once."""

import re

import requests

from botlib.app import embed
from botlib.settings import PostSettings


def test_a_notebook_shows_the_page_and_a_saved_link_opens_nothing(site):
    post = PostSettings(reddit="sandbox")
    frame = embed.page(site.workspace, "sandbox", post)
    address, key = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/#key=(\S+)", frame.src).groups()
    policy = requests.get(address, timeout=20).headers["Content-Security-Policy"]
    assert "frame-ancestors http://localhost:* http://127.0.0.1:*" in policy
    headers = {"X-Botlib": "page"}
    known = requests.post(f"{address}/api/enter", json={"key": key}, headers=headers, timeout=20)
    headers["Authorization"] = f"Bearer {known.json()['token']}"
    waiting = requests.get(f"{address}/api/review", headers=headers, timeout=20).json()
    assert len(waiting["waiting"]) == 3
    again = requests.post(f"{address}/api/enter", json={"key": key}, headers=headers, timeout=20)
    assert again.status_code == 401
