"""Dump files of every kind, whole and damaged."""

import bz2
import gzip
import lzma
import os
import tracemalloc

import pytest
import zstandard

from botlib.data.dumps.files import BLOCK, DamagedFile, DumpFile, blocks, find_files
from botlib.errors import BotlibError

LINES = b"".join(b'{"body":"line %d"}\n' % number for number in range(5000))


def _zst(data: bytes, window_log: int = 20) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(data) + compressor.flush()


WAYS = {
    "x.ndjson": LINES,
    "x.zst": _zst(LINES),
    "window.zst": _zst(LINES, window_log=31),
    "frames.zst": _zst(LINES[:70]) + _zst(LINES[70:]),
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


@pytest.mark.parametrize("name", [name for name in WAYS if not name.endswith("ndjson")])
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


def test_finding_files(tmp_path):
    for name in ("A_comments.zst", "A_submissions.zst", "RC_2019-05.zst", "RS_2019-05.zst"):
        (tmp_path / name).write_bytes(_zst(b""))
    (tmp_path / "notes.txt").write_text("no dump")
    (tmp_path / "some.ndjson").write_bytes(b'{"body":"x"}\n')
    (tmp_path / "posts.jsonl.gz").write_bytes(gzip.compress(b'{"title":"x"}\n'))
    found = {(file.path.name, file.kind, file.month) for file in find_files(tmp_path)}
    assert found == {
        ("A_comments.zst", "comments", ""),
        ("A_submissions.zst", "submissions", ""),
        ("RC_2019-05.zst", "comments", "2019_05"),
        ("RS_2019-05.zst", "submissions", "2019_05"),
        ("some.ndjson", "comments", ""),
        ("posts.jsonl.gz", "submissions", ""),
    }
    assert len(find_files([tmp_path / "R*.zst"])) == 2
    assert len(find_files(str(tmp_path / "A_*"))) == 2


def test_nothing_to_find_is_one_clear_line(tmp_path):
    with pytest.raises(BotlibError, match="no dump files"):
        find_files(tmp_path)
    (tmp_path / "A_comments.zst").write_bytes(_zst(LINES))
    with pytest.raises(BotlibError, match="no file of submissions"):
        find_files(tmp_path)
    (tmp_path / "other.ndjson").write_bytes(b'{"name":"x"}\n')
    with pytest.raises(BotlibError, match=r"other\.ndjson: neither"):
        find_files(tmp_path)


def test_the_fingerprint_follows_the_content_not_the_place(tmp_path):
    one, two = tmp_path / "A_comments.zst", tmp_path / "b" / "A_comments.zst"
    two.parent.mkdir()
    for path in (one, two):
        path.write_bytes(_zst(LINES))
        (path.parent / "A_submissions.zst").write_bytes(_zst(b""))
    first = find_files(tmp_path)[0].fingerprint
    assert first == find_files(two.parent)[0].fingerprint
    two.write_bytes(_zst(LINES + b"{}\n"))
    assert first != find_files(two.parent)[0].fingerprint


def test_files_whose_window_takes_2_gib_are_told_from_others(tmp_path):
    wide = {}
    for name in WAYS:
        (tmp_path / name).write_bytes(WAYS[name])
        wide[name] = DumpFile(tmp_path / name, "comments").has_wide_window
    assert [name for name in wide if wide[name]] == ["window.zst"]
