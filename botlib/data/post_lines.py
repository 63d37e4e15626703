"""What each post adds to a line of the raw table: kept on disk, found by a hash of its id."""

import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa


class PostLines:
    """Lines of posts in a file without a name; a post takes 20 bytes of memory.

    Args:
      batches: record batches with the columns `post` (UBIGINT, a hash of the id) and `line`
        (text, never NULL), each post once.
      folder: where the file is.
    """

    def __init__(self, batches: Iterable[pa.RecordBatch], folder: Path) -> None:
        self._file = _nameless_file(folder)
        self._lock = threading.Lock()
        keys, lengths = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
        for batch in batches:
            data, ends = _texts(batch["line"])
            _write(self._file, data)
            keys.append(batch["post"].to_numpy())
            lengths.append(np.diff(ends))
        lengths = np.concatenate(lengths)
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        keys = np.concatenate(keys)
        order = np.argsort(keys)
        self._keys, self._starts, self._lengths = keys[order], starts[order], lengths[order]

    def find(self, keys: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """Returns the lines of some posts, each once, and for each key the place of its line.

        Args:
          keys: (n,) uint64; each must be there.
        """
        keys, places = np.unique(keys, return_inverse=True)
        at = np.searchsorted(self._keys, keys)
        starts, lengths = self._starts[at].tolist(), self._lengths[at]
        parts = []
        with self._lock:
            for start, length in zip(starts, lengths.tolist(), strict=True):
                self._file.seek(start)
                parts.append(self._file.read(length))
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        lines = pa.StringArray.from_buffers(
            len(keys), pa.py_buffer(ends), pa.py_buffer(b"".join(parts))
        )
        return lines, pa.array(places.astype(np.int32))

    def close(self) -> None:
        """Gives the disk space back."""
        self._file.close()


def _nameless_file(folder: Path) -> IO[bytes]:
    # Unbuffered: a line is read at once, and what follows it is seldom wanted
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def _texts(column: pa.Array) -> tuple[memoryview, np.ndarray]:
    """Returns the bytes of a column of texts, and where each begins and the last one ends."""
    column = column.cast(pa.string())
    _, ends, data = column.buffers()
    ends = np.frombuffer(ends, np.int32)[column.offset : column.offset + len(column) + 1]
    return memoryview(data or b"")[ends[0] : ends[-1]], ends


def _write(file: IO[bytes], data: memoryview) -> None:
    # An unbuffered file may take a part only
    while len(data):
        data = data[file.write(data) :]
