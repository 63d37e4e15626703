"""Cleaned pairs on disk while 01 works on them: written in blocks, read back by column or block."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from botlib import drive, parts
from botlib.data.pairs.measures import keys_of
from botlib.workspace import Workspace

# Names of which a hash is kept too: eight bytes that can be counted and compared in memory
_KEYS = ("submission_id", "comment_id", "reply_id", "comment_author", "reply_author")


@contextlib.contextmanager
def scratch(workspace: Workspace) -> Iterator[Path]:
    """Yields a folder for unfinished work, on this machine's own disk, removed afterwards."""
    if drive.covers(workspace.root):
        with tempfile.TemporaryDirectory(prefix="botlib.") as name:
            yield Path(name)
        return
    place = workspace.cache / "pairs"
    with drive.clear_disk_errors(place):
        workspace.cache.mkdir(parents=True, exist_ok=True)
        with parts.new_folder(place) as folder:
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)


class Pairs:
    """Pairs in a Parquet file, in the order in which they came.

    A name's hash is the column `{name}_key`, for the ids and authors of `_KEYS`.

    Args:
      folder: where the file is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "pairs.parquet"
        self._writer: pq.ParquetWriter | None = None
        self._sizes: list[int] = []

    def __len__(self) -> int:
        return sum(self._sizes)

    def append(self, frame: pd.DataFrame) -> None:
        """Write a block; all have the same columns."""
        if frame.empty:
            return
        names = {name: frame[name].to_numpy(object) for name in _KEYS if name in frame}
        frame = frame.assign(**{f"{name}_key": keys_of(texts) for name, texts in names.items()})
        schema = self._writer.schema if self._writer else None
        table = pa.Table.from_pandas(frame, schema, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path, table.schema, compression="lz4", use_dictionary=False
            )
        self._writer.write_table(table, row_group_size=len(table))
        self._sizes.append(len(table))

    def finish(self) -> None:
        """No more comes: from now on it can be read."""
        if self._writer:
            self._writer.close()

    def column(self, name: str) -> np.ndarray:
        """Return a column of whole numbers; 0 where there is none."""
        return pq.read_table(self._path, columns=[name])[name].fill_null(0).to_numpy()

    def texts(self, name: str, keep: np.ndarray) -> pa.ChunkedArray:
        """Return a column of short texts, whole, of the rows to keep."""
        chunks = [
            table[name].filter(pa.array(keep[at : at + len(table)])).cast(pa.string())
            for at, table in self._tables([name], keep)
        ]
        return pa.chunked_array([part for chunk in chunks for part in chunk.chunks], pa.string())

    def blocks(
        self, columns: Sequence[str], keep: np.ndarray
    ) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
        """Yield the rows to keep, block by block: their numbers, and a frame with the columns."""
        for at, table in self._tables(list(columns), keep):
            rows = np.flatnonzero(keep[at : at + len(table)])
            table = table if len(rows) == len(table) else table.take(rows)
            yield at + rows, table.to_pandas()[list(columns)]

    def take(self, rows: np.ndarray, columns: Sequence[str]) -> pd.DataFrame:
        """Return a few rows, in the order of their numbers."""
        keep = np.zeros(len(self), dtype=bool)
        keep[rows] = True
        frames = [frame for _, frame in self.blocks(columns, keep)]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def _tables(self, columns: list[str], keep: np.ndarray) -> Iterator[tuple[int, pa.Table]]:
        if not self._sizes:
            return
        with pq.ParquetFile(self._path) as file:
            at = 0
            for group, size in enumerate(self._sizes):
                if keep[at : at + size].any():
                    yield at, file.read_row_group(group, columns=columns)
                at += size
