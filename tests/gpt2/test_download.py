"""Downloads against a local server: resumed by range, checked, and clear when cut off."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from botlib import http_file
from botlib.errors import BotlibError
from botlib.gpt2.download import FILES, WEIGHTS, download, parameters_of

HPARAMS = {"n_vocab": 300, "n_ctx": 1024, "n_embd": 8, "n_head": 2, "n_layer": 2}
SIZE = 4 * parameters_of(HPARAMS)


class Server(ThreadingHTTPServer):
    """Hands out one tiny model; `cut` is how many bytes of the weights come in one answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {name: name.encode() * 9 for name in FILES}
        self.content["hparams.json"] = json.dumps(HPARAMS).encode()
        self.content[WEIGHTS] = bytes(i % 251 for i in range(SIZE))
        self.cut: int | None = None
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        wanted = self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if name not in self.server.content:
            return self.send_error(404)
        data = self.server.content[name]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if wanted and self.server.ranges and start >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        start = start if self.server.ranges else 0
        self.send_response(206 if start else 200)
        rest = data[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        cut = self.server.cut if name == WEIGHTS else None
        self.wfile.write(rest[:cut])

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()


def test_all_files_come_once_and_are_checked(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = download("124M", tmp_path / "124M", server.url)
    assert (folder / WEIGHTS).read_bytes() == server.content[WEIGHTS]
    assert WEIGHTS in capsys.readouterr().err, "a bar names the file"
    known = json.loads((folder / "downloads.json").read_text())
    assert known[WEIGHTS]["bytes"] == SIZE and len(known[WEIGHTS]["sha256"]) == 64
    assert json.loads((folder / "manifest.json").read_text())["extra"] == known
    asked = len(server.asked)
    download("124M", folder, server.url)
    assert len(server.asked) == asked


def test_a_lost_connection_is_resumed_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.cut = SIZE // 2 + 10
    folder = download("124M", tmp_path / "124M", server.url, progress=False)
    assert (folder / WEIGHTS).read_bytes() == server.content[WEIGHTS]
    ranges = [wanted for name, wanted in server.asked if name == WEIGHTS]
    assert ranges == [None, f"bytes={server.cut}-"]


def test_a_download_cut_off_says_so_and_goes_on_later(server: Server, tmp_path: Path) -> None:
    server.cut = 100
    with pytest.raises(BotlibError, match=r"cut off after 300 bytes.*run this step again"):
        download("124M", tmp_path / "124M", server.url, progress=False)
    server.cut = None
    folder = download("124M", tmp_path / "124M", server.url, progress=False)
    assert (folder / WEIGHTS).read_bytes() == server.content[WEIGHTS]
    assert server.asked[-1] == (WEIGHTS, "bytes=300-")


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "124M"
    folder.mkdir()
    (folder / f"{WEIGHTS}.part").write_bytes(b"old")
    server.ranges = False
    download("124M", folder, server.url, progress=False)
    assert (folder / WEIGHTS).read_bytes() == server.content[WEIGHTS]


def test_a_part_that_was_whole_needs_no_more_bytes(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "124M"
    folder.mkdir()
    (folder / f"{WEIGHTS}.part").write_bytes(server.content[WEIGHTS])
    download("124M", folder, server.url, progress=False)
    assert (folder / WEIGHTS).read_bytes() == server.content[WEIGHTS]


def test_weights_too_small_for_their_sizes_are_refused(server: Server, tmp_path: Path) -> None:
    server.content[WEIGHTS] = b"short"
    with pytest.raises(BotlibError, match="5 bytes"):
        download("124M", tmp_path / "124M", server.url, progress=False)


def test_no_server_and_no_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del server.content["vocab.bpe"]
    with pytest.raises(BotlibError, match="the server answers 404"):
        download("124M", tmp_path / "124M", server.url, progress=False)
    monkeypatch.setattr(http_file, "TIMEOUT", (1, 1))
    with pytest.raises(BotlibError, match="cut off after 0 bytes"):
        download("124M", tmp_path / "none", "http://127.0.0.1:9", progress=False)


def test_openais_sizes() -> None:
    sizes = {"n_vocab": 50257, "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12}
    assert 4 * parameters_of(sizes) == 497_759_232
