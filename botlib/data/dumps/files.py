"""Finds dump files and streams their lines, whatever they are compressed with."""

import bz2
import contextlib
import dataclasses
import functools
import glob
import hashlib
import lzma
import queue
import re
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard

from botlib.errors import BotlibError

# Public dumps are compressed with a window of 2 GiB; decoders refuse more than 128 MiB unless told.
_MAX_WINDOW, _USUAL_WINDOW = 2**31, 2**27
_READ = 1 << 20
# Large enough that calling the parser costs nothing, small enough that a few blocks fit anywhere.
BLOCK = 8 << 20
_SUFFIXES = ("", ".zst", ".gz", ".bz2", ".xz")
_PLAIN = (".ndjson", ".jsonl", ".json")


@dataclasses.dataclass(frozen=True)
class DumpFile:
    """One file of a dump: its path, what it holds ("comments" or "submissions"), its month."""

    path: Path
    kind: str
    month: str = ""  # "2019_05" if the name says so, as in RC_2019-05.zst

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of the size and of both ends: changes with the content, at no cost."""
        size = self.path.stat().st_size
        digest = hashlib.blake2b(f"{self.kind}/{size}".encode(), digest_size=16)
        with self.path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, size - (1 << 20)))
            digest.update(file.read())
        return digest.hexdigest()

    @property
    def has_wide_window(self) -> bool:
        """Whether decompressing takes a buffer of more than 128 MiB, as of public dumps."""
        if self.path.suffix != ".zst":
            return False
        with self.path.open("rb") as file:
            start = file.read(18)  # as long as a header can be
        with contextlib.suppress(zstandard.ZstdError):
            return zstandard.get_frame_parameters(start).window_size > _USUAL_WINDOW
        return False


class DamagedFile(BotlibError):
    """A dump file that ends too early or can't be decompressed."""


def find_files(paths: str | Path | Iterable[str | Path]) -> list[DumpFile]:
    """Return the dump files that paths, folders and glob patterns stand for, in order of name.

    The kind is read off the name (NAME_comments, NAME_submissions, RC_…, RS_…), else off the
    first line that is JSON (a title makes a submission, a body a comment).

    Raises:
      BotlibError: nothing is there, or no file looks like comments, or none like submissions.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    found: set[Path] = set()
    for name in map(str, given):
        path = Path(name).expanduser()
        if path.is_dir():
            found.update(entry for entry in path.iterdir() if _is_dump(entry))
        elif path.is_file():
            found.add(path)
        else:
            found.update(map(Path, glob.glob(str(path))))  # noqa: PTH207 - may be absolute
    if not found:
        raise BotlibError(
            f"no dump files at {', '.join(map(str, given)) or '(no path given)'}: give a folder, a "
            "file or a pattern such as dumps/RC_2019-*.zst"
        )
    files = [DumpFile(path, _kind(path), _month(path)) for path in sorted(found)]
    for kind in ("comments", "submissions"):
        if not any(file.kind == kind for file in files):
            raise BotlibError(
                f"no file of {kind} among {', '.join(file.path.name for file in files)}: pairs "
                "need both (NAME_comments.zst and NAME_submissions.zst, or RC_… and RS_…)"
            )
    return files


def blocks(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the file's content in blocks of about `size` bytes that end where a line ends.

    A thread decompresses ahead of the caller.

    Raises:
      DamagedFile: the file is cut short or corrupt; what was good has been yielded before.
    """
    ahead: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=2)
    stop = threading.Event()

    def put(item: bytes | Exception | None) -> bool:
        while not stop.is_set():
            try:
                ahead.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for block in _whole_lines(path, size):
                if not put(block):
                    return
            put(None)
        except Exception as error:  # noqa: BLE001 - handed over to the reader, raised there
            put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _whole_lines(path: Path, size: int) -> Iterator[bytes]:
    parts: list[bytes | memoryview] = []
    length = 0
    try:
        for part in _decompressed(path):
            parts.append(part)
            length += len(part)
            if length >= size and (cut := part.rfind(b"\n") + 1):
                parts[-1] = memoryview(part)[:cut]
                yield b"".join(parts)
                parts, length = [part[cut:]], len(part) - cut
    except DamagedFile:
        # The last line is the one that was cut: it can't be trusted even if it parses.
        whole = b"".join(parts)
        if cut := whole.rfind(b"\n") + 1:
            yield whole[:cut]
        raise
    if rest := b"".join(parts):
        yield rest


def _decompressed(path: Path) -> Iterator[bytes]:
    new = {
        ".zst": lambda: zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj(
            write_size=_READ
        ),
        ".gz": lambda: zlib.decompressobj(wbits=31),
        ".bz2": bz2.BZ2Decompressor,
        ".xz": lzma.LZMADecompressor,
    }.get(path.suffix)
    size = path.stat().st_size
    good = 0
    with path.open("rb") as file:
        if new is None:
            while data := file.read(1 << 20):
                yield data
            return
        decoder = new()
        step, made = _READ >> 6, 0
        data = file.read(step)
        while data:
            try:
                out = decoder.decompress(data)
            except (zstandard.ZstdError, zlib.error, lzma.LZMAError, OSError, EOFError) as error:
                raise DamagedFile(
                    f"{path} is corrupt ({error}): good up to byte {good:,} of {size:,}; "
                    "download it again"
                ) from error
            if out:
                yield out
            good, made = file.tell(), made + len(out)
            # As much at a time as makes a part of this size, however well the file is compressed.
            step = min(_READ, max(_READ >> 8, int(_READ * good / max(made, 1))))
            data = b""
            if decoder.eof:
                # One file may hold several frames, one after the other.
                data = decoder.unused_data or file.read(step)
                if data:
                    decoder = new()
            else:
                data = file.read(step)
        if not decoder.eof:
            raise DamagedFile(
                f"{path} is cut short: it ends inside a compressed frame at byte {size:,}; "
                "download it again"
            )


def _is_dump(path: Path) -> bool:
    stem, suffix = (path.stem, path.suffix) if path.suffix in _SUFFIXES[1:] else (path.name, "")
    return (
        path.is_file()
        and not path.name.startswith(".")
        and (bool(suffix) or Path(stem).suffix in _PLAIN or bool(_NAMED.search(stem)))
    )


_NAMED = re.compile(r"^R[CS]_(\d{4}-\d{2})|_(comments|submissions)\b")


def _kind(path: Path) -> str:
    name = path.name
    if re.match(r"RC_\d{4}-\d{2}", name) or "_comments" in name:
        return "comments"
    if re.match(r"RS_\d{4}-\d{2}", name) or "_submissions" in name:
        return "submissions"
    try:
        start = next(blocks(path, 1 << 16), b"")
    except DamagedFile:
        start = b""
    if re.search(rb'"title"\s*:', start):
        return "submissions"
    if re.search(rb'"body"\s*:', start):
        return "comments"
    raise BotlibError(
        f"{path}: neither comments nor submissions; name it NAME_comments or NAME_submissions "
        "if it is a dump, else leave it out"
    )


def _month(path: Path) -> str:
    found = re.match(r"R[CS]_(\d{4})-(\d{2})", path.name)
    return f"{found[1]}_{found[2]}" if found else ""
