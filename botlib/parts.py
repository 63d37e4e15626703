"""Unfinished files and folders: locked by their writer, removed if it was killed."""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from botlib import drive

try:
    import fcntl
except ImportError:  # Windows, where an open file can't be deleted anyway
    fcntl = None

_SUFFIX = ".part"
# Names that only `tempfile` and `drive.deliver` give
_OURS = re.compile(r"\..+\.([a-z0-9_]{8}|\d+)\.part")
# Google Drive has no locks; nothing written there takes this long (seconds).
_DRIVE_AGE = 86_400


@contextlib.contextmanager
def new_file(path: Path, folder: Path | None) -> Iterator[tuple[int, Path]]:
    """Yields the open descriptor and the path of a locked, unfinished file for `path`.

    Args:
      path: what the file will be called.
      folder: where the unfinished file lies; None for the system's temporary folder.
    """
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=folder)
        # The lock needs a descriptor of its own, since the writer closes `handle` before renaming.
        with _locked(name) as locked:
            if locked:
                yield handle, Path(name)
                return
        os.close(handle)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yields a locked, unfinished folder beside `path`."""
    while True:
        name = tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent)
        with _locked(name) as locked:
            if locked:
                yield Path(name)
                return


def clear_orphans(folder: Path, depth: int = 0) -> None:
    """Removes the unfinished files of killed processes; those of running ones stay.

    Args:
      folder: where to look; it may be absent.
      depth: how many levels of subfolders to look into.
    """
    for level in range(depth + 1):
        for part in folder.glob("*/" * level + f".*{_SUFFIX}"):
            if _OURS.fullmatch(part.name):
                with contextlib.suppress(OSError):
                    _remove_orphan(part)


def _remove_orphan(part: Path) -> None:
    if drive.covers(part):
        if time.time() - part.stat().st_mtime > _DRIVE_AGE:
            _remove(part)
        return
    if fcntl is None:
        part.unlink()
        return
    handle = os.open(part, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if its writer lives
        _remove(part)
    finally:
        os.close(handle)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink()


@contextlib.contextmanager
def _locked(name: str) -> Iterator[bool]:
    """Yields whether the part could be locked: another process may have removed it before."""
    if fcntl is None:
        yield True
        return
    try:
        handle = os.open(name, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield os.path.exists(name)  # noqa: PTH110 - a name, many times a second
    finally:
        os.close(handle)
