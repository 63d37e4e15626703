"""Streams the lines of a dump file, whatever it is compressed with."""

import bz2
import contextlib
import lzma
import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zstandard

from botlib.errors import BotlibError

# Public dumps are compressed with a window of 2 GiB; decoders refuse more than 128 MiB unless told.
_MAX_WINDOW, _USUAL_WINDOW = 2**31, 2**27
_READ = 1 << 20
# Large enough that calling the parser costs nothing, small enough that a few blocks fit anywhere.
BLOCK = 8 << 20
_SUFFIXES = (".zst", ".gz", ".bz2", ".xz")
# A frame of data, and a frame to be skipped (after its first byte), which pzstd writes first
_ZSTD, _SKIPPED = b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"


def _new_zstd() -> Any:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    return decompressor.decompressobj(write_size=_READ)


# What a compressed file begins with; names are often wrong
_DECODERS: dict[bytes, Callable[[], Any]] = {
    _ZSTD: _new_zstd,
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lzma.LZMADecompressor,
}


class DamagedFile(BotlibError):
    """A dump file that ends too early or can't be read."""


def has_wide_window(path: Path) -> bool:
    """Return whether decompressing takes a buffer of more than 128 MiB, as of public dumps."""
    with path.open("rb") as file:
        start = file.read(18)  # as long as a header can be
    if start.startswith(_ZSTD):
        with contextlib.suppress(zstandard.ZstdError):
            return zstandard.get_frame_parameters(start).window_size > _USUAL_WINDOW
    return False


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


def _decoder_of(path: Path) -> Callable[[], Any] | None:
    """Return what makes a decoder for the file, None if it is plain; the content decides.

    Raises:
      DamagedFile: the file is empty, or a web page, or nothing that a dump can be.
    """
    with path.open("rb") as file:
        start = file.read(512)
    if start[1:4] == _SKIPPED:
        return _new_zstd
    for magic, new in _DECODERS.items():
        if start.startswith(magic):
            return new
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        problem = "is empty (0 bytes)"
    elif text.startswith(b"<"):
        problem = "is a web page, not a dump"
    elif path.suffix.lower() in _SUFFIXES and not text.startswith(b"{"):
        problem = f"is not what its name says: {path.suffix} files begin otherwise"
    else:
        return None
    raise DamagedFile(f"{path} {problem}; download it again")


def _decompressed(path: Path) -> Iterator[bytes]:
    new = _decoder_of(path)
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
