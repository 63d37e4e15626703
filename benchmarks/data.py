"""Times the way from dump files to pairs against what people write instead.

`python -m benchmarks.data [--dumps FOLDER] [--comments N] [--runs N]`: on a folder of real dumps,
if there is one, and on a made-up month of all of Reddit. All write the same rows, which is checked.
Ours does more, and is timed for it: rows in order, a synced file a month, and each dump file's
rows kept for a run that goes on.
"""

import argparse
import functools
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import zstandard

from benchmarks import data_peers, report
from benchmarks.synthetic import WANTED, write_dump
from benchmarks.worker import peak_memory
from botlib.data.dumps import extract
from botlib.data.dumps.files import blocks
from botlib.data.dumps.rows import RowReader
from botlib.data.pairs import build
from botlib.settings import DataSettings
from botlib.workspace import Workspace

_PEERS: tuple[tuple[str, Callable, float], ...] = (
    ("DuckDB, re-compressed files", data_peers.duckdb_direct, 1.0),
    ("Python json stream", data_peers.json_stream, 3.0),
    ("pandas read_json chunks and merge", data_peers.pandas_chunks, 8.0),
)
# A reply may come at any time here: the peers don't look at months.
_ANY_TIME = 9999
_BLOCKS = 12  # of 8 MiB, for the search of names


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dumps", type=Path, default=Path("../shared/data/reddit_college"))
    parser.add_argument("--comments", type=int, default=2_000_000, help="of the made-up month")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--whole", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.whole:
        return _whole(options.dumps, options.whole)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.dumps.is_dir():
            files = sorted(options.dumps.glob("*.zst"))
            names = {file.name.rsplit("_", 1)[0] for file in files}
            rows += _compare(options.dumps.name, files, names, folder / "real", options.runs)
            rows += _whole_rows(options.dumps, folder / "whole")
        else:
            print(f"{options.dumps} is not there: only the made-up month is timed")
        files = list(write_dump(folder / "synthetic", comments=options.comments))
        work = f"made-up month, {options.comments:,} comments"
        rows += _compare(work, files, set(WANTED), folder / "made_up", options.runs)
        rows += _filter_rows(files[0], options.runs)
    report.write("data", rows)
    return 0


def _compare(work: str, files: list[Path], names: set[str], folder: Path, runs: int) -> list[dict]:
    """Time ours against each peer, in turn, and check that the rows are the same."""
    folder.mkdir(parents=True)
    narrow = _recompressed(files, folder / "narrow")
    ours = functools.partial(_ours, files, names, folder / "workspace")
    rows = []
    for name, peer, target in _PEERS:
        out = folder / "peer.csv"
        peer_files = narrow if "DuckDB" in name else files
        mine, theirs = report.time_pair(
            ours, functools.partial(peer, peer_files, names, out), runs=runs
        )
        _check_equal(folder / "workspace", out)
        rows.append(
            report.row(
                f"pairs from {work}",
                mine,
                theirs,
                name,
                unit="s",
                target=target,
                runs=runs,
            )
        )
        print(rows[-1], flush=True)
    return rows


def _ours(files: list[Path], names: set[str], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    workspace = Workspace.open(folder, create=True)
    extract.extract(
        files, subreddits=names, depth=0, out=workspace, reach_months=_ANY_TIME, progress=False
    )


def _recompressed(files: list[Path], folder: Path) -> list[Path]:
    """Write the files again with a window that every reader takes; not timed."""
    folder.mkdir()
    for file in files:
        reader = zstandard.ZstdDecompressor(max_window_size=2**31)
        with file.open("rb") as source, (folder / file.name).open("wb") as sink:
            writer = zstandard.ZstdCompressor(level=3).stream_writer(sink)
            with writer:
                reader.copy_stream(source, writer)
    return [folder / file.name for file in files]


def _check_equal(workspace: Path, other: Path) -> None:
    ours = pd.concat(map(_rows_of, sorted((workspace / "raw_data").glob("*.csv"))))
    theirs = _rows_of(other)
    if not _ordered(ours).equals(_ordered(theirs)):
        raise SystemExit(f"rows differ: {len(ours):,} are ours, {len(theirs):,} the peer's")
    print(f"{len(ours):,} rows, all the same", flush=True)


def _rows_of(path: Path) -> pd.DataFrame:
    columns = list(data_peers.COLUMNS)
    # pandas writes a lone carriage return without quotes, but would take it for a line's end
    frame = pd.read_csv(
        path, usecols=columns, dtype=str, keep_default_na=False, lineterminator="\n"
    )[columns]
    # Peers leave line ends as people's browsers sent them
    return frame.apply(lambda text: text.str.replace("\r\n", "\n").str.replace("\r", "\n"))


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


def _filter_rows(comments: Path, runs: int) -> list[dict]:
    """Time how fast the lines of wanted subreddits are found, whose number must not matter."""
    parts = list(itertools.islice(blocks(comments), _BLOCKS))
    megabytes = sum(map(len, parts)) / 1e6
    rows = []
    for count in (2, 300, 3000):
        names = [*WANTED, *(f"elsewhere_{number}" for number in range(count - len(WANTED)))]
        listed = "|".join(map(re.escape, names)).encode()
        pattern = re.compile(rb'"subreddit"\s*:\s*"(?i:' + listed + rb')"')
        reader = RowReader("comments", names, 0, 2**62)
        mine, theirs = report.time_pair(
            functools.partial(_each, parts, reader.named_lines),
            functools.partial(_each, parts, pattern.findall),
            runs=runs,
        )
        rows.append(
            report.row(
                f"lines of {count:,} subreddits found in a month of all",
                megabytes / mine,
                megabytes / theirs,
                "a pattern of all names, which counts no lines",
                unit="MB/s",
                target=None,
                runs=runs,
                less_is_better=False,
            )
        )
        print(rows[-1], flush=True)
    return rows


def _each(parts: list[bytes], work: Callable[[bytes], object]) -> None:
    for part in parts:
        work(part)


def _whole_rows(folder: Path, workspace: Path) -> list[dict]:
    """Time dumps → clean tables in a process of its own, whose peak memory is then known."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.data", "--dumps", folder, "--whole", workspace],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    clean, peak = map(float, done.stdout.split()[-2:])
    work = f"{folder.name}: dumps to clean, split tables"
    limits = (
        ("clean pairs", clean, 200_000, "pairs", False),
        ("whole time", seconds, 90, "s", True),
        ("peak memory", peak, 1.5, "GB", True),
    )
    return [
        report.row(
            f"{work}: {what}",
            value,
            limit,
            "limit",
            unit=unit,
            target=1.0,
            runs=1,
            less_is_better=less,
        )
        for what, value, limit, unit, less in limits
    ]


def _whole(source: Path, root: Path) -> int:
    workspace = Workspace.open(root, create=True)
    names = sorted({file.name.rsplit("_", 1)[0] for file in source.glob("*.zst")})
    settings = DataSettings(
        subreddits=",".join(names), depth=0, skip_rules="deleted_account,by_poster"
    )
    extract.extract(source, subreddits=names, depth=0, out=workspace)
    result = build.write_pairs(workspace, settings)
    print(result.counts.to_string(index=False))
    print(int(result.counts["left"].iloc[-1]), peak_memory() / 1000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
