"""A file from a URL: resumed where it stopped, checked by its size and hash, or sent to a URL."""

import hashlib
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import requests
from tqdm import tqdm

from botlib.errors import BotlibError

TRIES = 3
TIMEOUT = (10, 60)
CHUNK = 1 << 20


class _Changed(Exception):
    """The file at the address changed after its first part was downloaded."""


def fetch(url: str, path: Path, *, alternative: str = "", sha256: str = "", progress: bool = True):
    """Downloads a file: resumes a partial one, and tries again after a lost connection.

    It is written to NAME.part and renamed when its size and hash are right, so a kill or a lost
    connection costs only the bytes not yet written.

    Args:
      url: its address; redirects are followed.
      path: the file to write.
      alternative: another thing the user can do, for the errors.
      sha256: its hash in hexadecimal; empty: not checked.
      progress: whether to show a bar.

    Raises:
      BotlibError: no connection, a file cut off again and again, a web page in place of a file,
        another hash, or no room on the disk.
    """
    part, address = path.with_name(f"{path.name}.part"), printable(url)
    alternative = f", or {alternative}" if alternative else ""
    reason = ""
    for attempt in range(TRIES):
        try:
            if _append_missing(url, part, path.name, progress):
                _check_hash(part, sha256, address)
                part.replace(path)
                _tag(part).unlink(missing_ok=True)
                return
            reason = "the connection ended before the file did"
        except (requests.ConnectionError, requests.Timeout) as error:
            reason = type(error).__name__
        except requests.exceptions.ChunkedEncodingError:
            reason = "the connection ended before the file did"
        except _Changed:
            reason = "the file changed on the server"
        except requests.HTTPError as error:
            raise BotlibError(
                f"{address} can't be downloaded: the server answers {error.response.status_code}; "
                f"try again later{alternative}"
            ) from error
        except requests.RequestException as error:
            raise BotlibError(f"{address} can't be downloaded ({type(error).__name__})") from error
        if attempt < TRIES - 1:
            tqdm.write(f"{path.name}: {reason}; resuming")
    received = part.stat().st_size if part.is_file() else 0
    raise BotlibError(
        f"the download of {address} was cut off after {received:,} bytes ({reason}): check the "
        f"connection and run this step again, which resumes the download{alternative}"
    )


def send(path: Path, url: str, progress: bool = True) -> None:
    """Uploads a file to a URL by PUT, as WebDAV and signed links of object stores take it.

    Raises:
      BotlibError: no connection, or the server refuses it.
    """
    address = printable(url)
    try:
        with (
            path.open("rb") as file,
            tqdm.wrapattr(
                file,
                "read",
                total=path.stat().st_size,
                desc=path.name,
                unit="B",
                unit_scale=True,
                disable=not progress,
            ) as body,
        ):
            answer = requests.put(url, data=_Sized(body, path.stat().st_size), timeout=TIMEOUT)
            answer.raise_for_status()
    except requests.HTTPError as error:
        raise BotlibError(
            f"{address} doesn't take the file: the server answers {error.response.status_code}; "
            "check the address and whether it allows PUT"
        ) from error
    except requests.RequestException as error:
        raise BotlibError(
            f"{address} can't be reached ({type(error).__name__}): check the network and run this "
            "again"
        ) from error


def printable(url: str) -> str:
    """Returns a URL as it may be printed: without a password, and without a signature."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


class _Sized:
    """A body with a length, so that it isn't sent in chunks, which object stores refuse."""

    def __init__(self, body, size: int) -> None:
        self._body, self._size = body, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        return self._body.read(size)


def _append_missing(url: str, part: Path, name: str, progress: bool) -> bool:
    """Appends the missing bytes to `part`; returns whether the file is whole now."""
    size_here = part.stat().st_size if part.is_file() else 0
    known_tag = _tag(part).read_text(encoding="utf-8") if size_here and _tag(part).is_file() else ""
    # A range of a compressed transfer would count other bytes
    headers = {"Accept-Encoding": "identity"} | (
        {"Range": f"bytes={size_here}-"} if size_here else {}
    )
    if known_tag:
        headers["If-Range"] = known_tag
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if answer.status_code == 416:
            # Nothing is missing if the size is right; else the download begins anew
            if total == str(size_here):
                return True
            part.unlink()
            return False
        answer.raise_for_status()
        if "html" in answer.headers.get("Content-Type", ""):
            raise BotlibError(
                f"{printable(url)} is a web page, not a file: use the link of the download itself"
            )
        tag = answer.headers.get("ETag", "")
        resumed = answer.status_code == 206
        if resumed and known_tag and tag and tag != known_tag:
            part.unlink()
            raise _Changed
        size_here = size_here if resumed else 0
        length = answer.headers.get("Content-Length")
        full_size = size_here + int(length) if length else None
        _check_room(part, (full_size or 0) - size_here, url)
        # A weak tag promises no equal bytes
        if tag and not tag.startswith("W/"):
            _tag(part).write_text(tag, encoding="utf-8")
        with (
            part.open("ab" if resumed else "wb") as out,
            tqdm(
                desc=name,
                total=full_size,
                initial=size_here,
                unit="B",
                unit_scale=True,
                disable=not progress,
            ) as bar,
        ):
            # Keep what arrived before the connection broke; the size is checked below
            answer.raw.enforce_content_length = False
            for chunk in answer.iter_content(CHUNK):
                out.write(chunk)
                bar.update(len(chunk))
    return full_size is None or part.stat().st_size == full_size


def _tag(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _check_room(part: Path, missing: int, url: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise BotlibError(
            f"{printable(url)} needs {missing / 1e9:.2f} GB more in {part.parent}, which has "
            f"{free / 1e9:.2f} GB left: free some space"
        )


def _check_hash(part: Path, sha256: str, address: str) -> None:
    if not sha256:
        return
    with part.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256.lower():
        # A resumed download would only complete the wrong file
        part.unlink()
        _tag(part).unlink(missing_ok=True)
        raise BotlibError(
            f"{address} is refused: its SHA-256 is {actual}, not {sha256}; get the address again "
            "from a source you trust"
        )
