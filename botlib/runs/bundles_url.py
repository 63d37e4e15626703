"""Bundles at a URL: fetched with resume, then checked as any other; or sent there by PUT."""

import hashlib
import tempfile
import urllib.parse
from pathlib import Path

from botlib import http_file
from botlib.errors import BotlibError
from botlib.manifests import hash_path
from botlib.runs import bundles
from botlib.workspace import Workspace

SCHEMES = ("http://", "https://")
HASH = "sha256="


def is_url(text: str) -> bool:
    """Returns whether a text is the address of a bundle on a server."""
    return text.startswith(SCHEMES)


def write(kind: str, workspace: Workspace, url: str, run_name: str = "run1") -> str:
    """Returns the address of a bundle that was sent to a server by PUT, with its SHA-256.

    Raises:
      BotlibError: the model is missing or incomplete, or the server doesn't take it.
    """
    with tempfile.TemporaryDirectory(prefix="botlib-") as folder:
        path = bundles.write(kind, workspace, Path(folder) / _name(url), run_name)
        http_file.send(path, url)
        return f"{http_file.printable(url)}#{HASH}{hash_path(path)}"


def read(url: str, workspace: Workspace, run_name: str = "run1", replace: bool = False) -> Path:
    """Returns the model's folder, after fetching a bundle, checking and unpacking it.

    Args:
      url: where it is; with #sha256=HEX at its end, the whole bundle must have that hash.
      workspace: where the model goes; its cache keeps an unfinished download.
      run_name: under which run, for "gpt2".
      replace: whether to replace an existing model.

    Raises:
      BotlibError: it can't be fetched, or is not a bundle; see `http_file.fetch` and
        `bundles.read`.
    """
    address, _, fragment = url.partition("#")
    if fragment and not fragment.startswith(HASH):
        raise BotlibError(f"{http_file.printable(url)}: after # must stand {HASH} and the hash")
    folder = workspace.cache / "downloads" / hashlib.sha256(address.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _name(url)
    if not path.is_file():
        http_file.fetch(address, path, sha256=fragment.removeprefix(HASH))
    shown = http_file.printable(url)
    try:
        taken = bundles.read(path, workspace, run_name, replace, origin=shown)
    except BotlibError as error:
        # A bundle that is refused would be refused again; one that has no place yet is kept
        if "already exists" not in str(error):
            path.unlink(missing_ok=True)
        raise BotlibError(str(error).replace(str(path), shown)) from error
    path.unlink()
    folder.rmdir()
    return taken


def _name(url: str) -> str:
    return Path(urllib.parse.urlsplit(url).path).name or "bundle.tar.gz"
