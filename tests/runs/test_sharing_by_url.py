"""Bundles by URL: redirects, broken connections, web pages, full disks, and a PUT."""

import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from botlib.runs import status
from botlib.workspace import Workspace
from tests.runs.shared_models import assert_same, export, fill, take


@pytest.fixture
def ours(tmp_path: Path) -> Workspace:
    return fill(Workspace.open(tmp_path / "ours", create=True))


@pytest.fixture
def theirs(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "theirs")


class Files(http.server.ThreadingHTTPServer):
    """A plain file server with a CDN behind a redirect, and its faults."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _File)
        self.content: dict[str, bytes] = {}
        self.cut: list[int] = []
        self.asked: list[tuple[str, str, str | None]] = []
        self.stored: dict[str, bytes] = {}
        self.kind = "application/gzip"
        self.takes = 201

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _File(http.server.BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        path = self.path.split("?")[0]
        self.server.asked.append((path, self.headers.get("Authorization", ""), wanted))
        if path.startswith("/latest/"):
            self.send_response(302)
            where = (
                f"http://localhost:{self.server.server_port}/cdn/{path.split('/')[-1]}?sig=s3cret"
            )
            self.send_header("Location", where)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        content = self.server.content.get(path.split("/")[-1])
        if content is None:
            return self.send_error(404)
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if self.headers.get("If-Range", tag) != tag:
            first = 0
        self.send_response(206 if first else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        cut = self.server.cut.pop(0) if self.server.cut else None
        self.wfile.write(content[first:][:cut])

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.stored[self.path] = body
        self.send_response(self.server.takes)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def files() -> Iterator[Files]:
    with Files() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def bundle(files: Files, ours, tmp_path, capsys) -> str:
    """The bundle's SHA-256, as `export` says it; the file server has the bundle."""
    path = tmp_path / "gpt2.tar.gz"
    assert export(ours, "gpt2", str(path)) == 0
    files.content["gpt2.tar.gz"] = path.read_bytes()
    return capsys.readouterr().out.split()[-1]


def test_a_bundle_comes_from_a_url_through_a_redirect(files, bundle, ours, theirs, capsys):
    address = files.url.replace("http://", "http://me:s3cret@")
    assert take(theirs, f"{address}/latest/gpt2.tar.gz?key=s3cret#sha256={bundle}") == 0
    assert_same(ours, theirs, ["gpt2"])
    assert files.asked[-1][:2] == ("/cdn/gpt2.tar.gz", ""), "no password for another host"
    (only,) = [a for a in status.artefacts(theirs) if a.imported]
    assert only.imported == f"{files.url}/latest/gpt2.tar.gz"
    assert not list((theirs.cache / "downloads").rglob("*"))
    output = capsys.readouterr()
    assert "s3cret" not in output.out + output.err + only.imported


def test_a_download_cut_off_goes_on_also_in_a_later_call(files, bundle, ours, theirs, capsys):
    files.cut = [100, 100, 100]
    assert take(theirs, f"{files.url}/gpt2.tar.gz") == 1
    assert "cut off after 300 bytes" in capsys.readouterr().err
    assert take(theirs, f"{files.url}/gpt2.tar.gz") == 0
    assert [wanted for _, _, wanted in files.asked] == [
        None,
        "bytes=100-",
        "bytes=200-",
        "bytes=300-",
    ]
    assert_same(ours, theirs, ["gpt2"])


def test_a_file_that_changed_meanwhile_is_not_glued_to_its_first_half(
    files, bundle, ours, theirs, tmp_path
):
    newer = files.content["gpt2.tar.gz"]
    files.content["gpt2.tar.gz"] = b"older" * 1000
    files.cut = [100, 100, 100]
    assert take(theirs, f"{files.url}/gpt2.tar.gz") == 1
    files.content["gpt2.tar.gz"] = newer
    assert take(theirs, f"{files.url}/gpt2.tar.gz") == 0
    assert_same(ours, theirs, ["gpt2"])


def test_another_hash_a_web_page_or_a_missing_file_is_said(files, bundle, theirs, capsys):
    def said(url: str) -> str:
        assert take(theirs, url) == 1
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert not theirs.gpt2("run1").exists()
        return error

    assert f"its SHA-256 is {bundle}, not 00ff" in said(f"{files.url}/gpt2.tar.gz#sha256=00ff")
    assert "after # must stand sha256=" in said(f"{files.url}/gpt2.tar.gz#md5=1")
    assert "the server answers 404" in said(f"{files.url}/other.tar.gz")
    files.content["page"] = b"<html>Download starts soon</html>"
    assert "damaged or is not a bundle" in said(f"{files.url}/page")
    files.kind = "text/html; charset=utf-8"
    assert "is a web page, not a file: use the link of the download itself" in said(
        f"{files.url}/page"
    )


def test_a_bundle_too_large_for_the_disk_is_not_begun(files, bundle, theirs, capsys, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert take(theirs, f"{files.url}/gpt2.tar.gz") == 1
    assert "GB left: free some space" in capsys.readouterr().err
    assert not list((theirs.cache / "downloads").rglob("*.part"))


def test_a_bundle_goes_to_a_url_by_put_and_back(files, ours, theirs, capsys):
    url = f"{files.url}/upload/gpt2.tar.gz"
    assert export(ours, "gpt2", f"{url}?signature=s3cret") == 0
    said = capsys.readouterr().out.strip()
    assert said.startswith(f"{url}#sha256=") and "s3cret" not in said
    files.content["gpt2.tar.gz"] = files.stored["/upload/gpt2.tar.gz?signature=s3cret"]
    assert take(theirs, said) == 0
    assert_same(ours, theirs, ["gpt2"])
    files.takes = 405
    assert export(ours, "gpt2", url) == 1
    assert "the server answers 405; check the address and whether it allows PUT" in (
        capsys.readouterr().err
    )
