"""Google Drive on Colab: mounts it once, writes by verified copies, notices when it is gone."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from botlib.errors import BotlibError

DRIVE = Path("/content/drive")


def covers(path: Path) -> bool:
    """Returns whether a path lies on Google Drive."""
    return Path(path).is_relative_to(DRIVE)


def is_lost(path: Path) -> bool:
    """Returns whether a path lies on Drive (`MyDrive` or a shared drive) that isn't mounted."""
    if not covers(path):
        return False
    try:
        # Without the mount `mkdir` would quietly begin a second workspace on Colab's own disk
        return not DRIVE.joinpath(*Path(path).relative_to(DRIVE).parts[:1] or ["MyDrive"]).is_dir()
    except OSError:  # a mount whose process has died still has a name
        return True


def check(path: Path) -> None:
    """Raises `BotlibError` if a path's Drive is no longer mounted."""
    if is_lost(path):
        raise BotlibError(
            f"Google Drive is no longer mounted, so {path} can't be reached: run this notebook's "
            "set-up cells again, which mount it; training resumes from its last checkpoint"
        )


def mount(root: Path) -> None:
    """Mounts Drive if a workspace lies on it and it isn't mounted.

    Raises:
      BotlibError: this isn't Colab, or access was not allowed.
    """
    if not is_lost(root):
        # drive.mount would ask in the browser before it looks whether Drive is mounted
        return
    try:
        from google.colab import drive
    except ImportError:
        raise BotlibError(
            f"drive_root is {root}, but this isn't Colab: "
            "set drive_root to a folder on this machine"
        ) from None
    try:
        drive.mount(str(DRIVE), force_remount=True)
    except Exception as error:  # Colab raises types it does not export
        raise BotlibError(
            f"Google Drive can't be mounted ({error}): open the notebook in a browser and allow "
            "it, or set drive_root to a folder such as /content/botlib-workspace"
        ) from error


@contextlib.contextmanager
def local_first(folder: Path) -> Iterator[Path]:
    """Yields a folder to write to, whose files are in `folder` when the block ends.

    On Drive that is a folder on this machine's own disk: a file written piece by piece through
    the mount is slow, and half there if the mount goes. Each file is then copied and verified.
    Elsewhere it is `folder` itself.

    Raises:
      BotlibError: Drive is gone, or a copy differs.
    """
    folder = Path(folder)
    if not covers(folder):
        yield folder
        return
    check(folder)
    with tempfile.TemporaryDirectory(prefix="botlib.") as local:
        yield Path(local)
        for source in sorted(Path(local).rglob("*")):
            target = folder / source.relative_to(local)
            if source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                deliver(source, target)


def deliver(source: Path, target: Path) -> None:
    """Copies a file to Drive under a temporary name, compares size and SHA-256, then renames it.

    Raises:
      BotlibError: Drive is lost, or the copy differs.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with clear_disk_errors(target):
        check(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            if _fingerprint(part) != _fingerprint(source):
                raise BotlibError(
                    f"the copy of {target} on Google Drive is incomplete: check that Drive has "
                    "free space, then run this cell again; the earlier file is unchanged"
                )
            part.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def _fingerprint(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turns a full disk, a lost mount or a missing permission into one line with the cure."""
    try:
        yield
    except OSError as error:
        check(path)
        if error.errno == errno.ENOENT and not path.parent.is_dir():
            raise BotlibError(
                f"cannot write {path}: its folder is gone; mount its disk again, then run this "
                "step again, which resumes from the last checkpoint"
            ) from error
        if error.errno not in _DISK_ERRNOS:
            raise
        raise BotlibError(
            f"cannot write {path}: {os.strerror(error.errno).lower()}; "
            "free some space, check the folder's permissions or mount the drive again, then run "
            "this step again"
        ) from error


# A full or broken disk, a lost mount, a missing permission: not a bug, so not a traceback
_DISK_ERRNOS = frozenset(
    {
        errno.EIO,
        errno.ENOSPC,
        errno.EROFS,
        errno.ENOTCONN,
        errno.EDQUOT,
        errno.EACCES,
        errno.ENOTDIR,
    }
)
