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
    """What lies at the address is no longer what the first part came from."""


def fetch(url: str, path: Path, *, instead: str = "", sha256: str = "", progress: bool = True):
    """Downloads a file; goes on after what is there, and tries again after a lost connection.

    It arrives as NAME.part and gets its name when its size and hash are right, so a kill or a lost
    connection costs only what was not yet written.

    Args:
      url: where it is; redirects are followed.
      path: the file to write.
      instead: what else the user can do, for the errors.
      sha256: its hash in hexadecimal; empty: not checked.
      progress: whether to show a bar.

    Raises:
      BotlibError: no connection, a file cut off again and again, a web page in place of a file,
        another hash, or no room on the disk.
    """
    part, place = path.with_name(f"{path.name}.part"), shown(url)
    instead = f", or {instead}" if instead else ""
    reason = ""
    for attempt in range(TRIES):
        try:
            if _rest(url, part, path.name, progress):
                _check_hash(part, sha256, place)
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
                f"{place} can't be downloaded: the server answers {error.response.status_code}; "
                f"try again later{instead}"
            ) from error
        except requests.RequestException as error:
            raise BotlibError(f"{place} can't be downloaded ({type(error).__name__})") from error
        if attempt < TRIES - 1:
            tqdm.write(f"{path.name}: {reason}; resuming")
    got = part.stat().st_size if part.is_file() else 0
    raise BotlibError(
        f"the download of {place} was cut off after {got:,} bytes ({reason}): check the connection "
        f"and run this step again, which resumes the download{instead}"
    )


def send(path: Path, url: str, progress: bool = True) -> None:
    """Uploads a file to a URL by PUT, as WebDAV and signed links of object stores take it.

    Raises:
      BotlibError: no connection, or the server refuses it.
    """
    place = shown(url)
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
            f"{place} doesn't take the file: the server answers {error.response.status_code}; "
            "check the address and whether it allows PUT"
        ) from error
    except requests.RequestException as error:
        raise BotlibError(
            f"{place} can't be reached ({type(error).__name__}): check the network and run this "
            "again"
        ) from error


def shown(url: str) -> str:
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


def _rest(url: str, part: Path, name: str, progress: bool) -> bool:
    """Appends what is missing to `part`; returns whether the file is whole now."""
    have = part.stat().st_size if part.is_file() else 0
    known = _tag(part).read_text(encoding="utf-8") if have and _tag(part).is_file() else ""
    # Compressed on the way, a range would be of other bytes
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    if known:
        headers["If-Range"] = known
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if answer.status_code == 416:
            # Nothing behind what is here: whole if the size is right, else begin anew
            if total == str(have):
                return True
            part.unlink()
            return False
        answer.raise_for_status()
        if "html" in answer.headers.get("Content-Type", ""):
            raise BotlibError(
                f"{shown(url)} is a web page, not a file: use the link of the download itself"
            )
        tag = answer.headers.get("ETag", "")
        resumed = answer.status_code == 206
        if resumed and known and tag and tag != known:
            part.unlink()
            raise _Changed
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        size = have + int(length) if length else None
        _check_room(part, (size or 0) - have, url)
        # A weak tag promises no equal bytes
        if tag and not tag.startswith("W/"):
            _tag(part).write_text(tag, encoding="utf-8")
        with (
            part.open("ab" if resumed else "wb") as out,
            tqdm(
                desc=name,
                total=size,
                initial=have,
                unit="B",
                unit_scale=True,
                disable=not progress,
            ) as bar,
        ):
            # What came before the connection broke counts; the size is checked below
            answer.raw.enforce_content_length = False
            for chunk in answer.iter_content(CHUNK):
                out.write(chunk)
                bar.update(len(chunk))
    return size is None or part.stat().st_size == size


def _tag(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _check_room(part: Path, missing: int, url: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise BotlibError(
            f"{shown(url)} needs {missing / 1e9:.2f} GB more in {part.parent}, which has "
            f"{free / 1e9:.2f} GB left: free some space"
        )


def _check_hash(part: Path, sha256: str, place: str) -> None:
    if not sha256:
        return
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        # What is wrong as a whole is of no use to a resumed download
        part.unlink()
        _tag(part).unlink(missing_ok=True)
        raise BotlibError(
            f"{place} is refused: its SHA-256 is {found}, not {sha256}; get the address again "
            "from a source you trust"
        )
