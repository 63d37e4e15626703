"""Dump files of every kind, whole and damaged."""

import bz2
import gzip
import lzma
import os
import tracemalloc

import pytest
import zstandard

from botlib.data.dumps.files import BLOCK, DamagedFile, blocks, has_wide_window

LINES = b"".join(b'{"body":"line %d"}\n' % number for number in range(5000))


def _zst(data: bytes, window_log: int = 20) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(data) + compressor.flush()


def _pzstd(data: bytes) -> bytes:
    """As pzstd writes it: a frame to be skipped comes before each frame."""
    return b"\x50\x2a\x4d\x18\x04\0\0\0size" + _zst(data)


WAYS = {
    "x.ndjson": LINES,
    "x.zst": _zst(LINES),
    "window.zst": _zst(LINES, window_log=31),
    "frames.zst": _zst(LINES[:70]) + _zst(LINES[70:]),
    "skipped.zst": _pzstd(LINES[:70]) + _pzstd(LINES[70:]),
    "UPPER.ZST": _zst(LINES),
    "really_gzip.zst": gzip.compress(LINES),
    "really_plain.zst": LINES,
    "x.gz": gzip.compress(LINES),
    "members.gz": gzip.compress(LINES[:70]) + gzip.compress(LINES[70:]),
    "x.bz2": bz2.compress(LINES),
    "x.xz": lzma.compress(LINES),
}


@pytest.mark.parametrize("name", WAYS)
def test_every_kind_of_file_in_blocks_of_whole_lines(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WAYS[name])
    parts = list(blocks(path, 1000))
    assert b"".join(parts) == LINES
    assert all(part.endswith(b"\n") for part in parts)


@pytest.mark.parametrize(
    "name", [name for name in WAYS if "plain" not in name and name != "x.ndjson"]
)
def test_a_file_cut_short_gives_its_good_lines_then_an_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WAYS[name][:-20])
    parts = []
    with pytest.raises(DamagedFile, match=name):
        parts.extend(blocks(path, 1000))
    assert LINES.startswith(b"".join(parts))
    assert all(part.endswith(b"\n") for part in parts)


def test_garbage_inside_is_an_error_that_names_the_place(tmp_path):
    noise = os.urandom(3_000_000).hex().encode()
    data = bytearray(_zst(b"\n".join(noise[at : at + 90] for at in range(0, len(noise), 90))))
    data[len(data) // 2 : len(data) // 2 + 5000] = bytes(5000)
    path = tmp_path / "x.zst"
    path.write_bytes(data)
    with pytest.raises(DamagedFile, match="byte"):
        list(blocks(path))


def test_a_reader_that_stops_early_leaves_no_thread(tmp_path):
    import threading

    path = tmp_path / "x.ndjson"
    path.write_bytes(LINES * 100)
    before = threading.active_count()
    reading = blocks(path, 100_000)
    next(reading)
    reading.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("noisy", [False, True])
def test_a_file_is_never_held_whole(tmp_path, noisy):
    path, size = tmp_path / "x.zst", 0
    with zstandard.open(path, "wb") as file:
        while size < 160_000_000:
            lines = [b'{"body":"line %d"}' % (size + number) for number in range(20_000)]
            block = os.urandom(500_000).hex().encode() if noisy else b"\n".join(lines)
            size += len(block) + 1
            file.write(block + b"\n")
    tracemalloc.start()
    read = sum(len(block) for block in blocks(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two wait, one is read, one is made, one is in pieces.
    assert read == size and peak < 6 * BLOCK


def test_files_whose_window_takes_2_gib_are_told_from_others(tmp_path):
    wide = {}
    for name in WAYS:
        (tmp_path / name).write_bytes(WAYS[name])
        wide[name] = has_wide_window(tmp_path / name)
    assert [name for name in wide if wide[name]] == ["window.zst"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.zst", b"", "is empty"),
        ("x.jsonl", b"", "is empty"),
        ("x.zst", b"\n<!DOCTYPE html><html>Too many requests</html>", "web page"),
        ("x.jsonl", b"<html>", "web page"),
        ("x.zst", b"PK\x03\x04" + bytes(90), "not what its name says"),
        ("x.gz", b"no gzip", "not what its name says"),
    ],
)
def test_what_is_no_dump_at_all_is_said(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedFile, match=problem) as caught:
        list(blocks(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)
