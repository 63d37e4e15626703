"""How time and memory of 01, of a baseline and of the bootstrap grow with the number of pairs.

`python -m benchmarks.growth [--dumps FOLDER] [--sizes N ...]`: real threads, repeated with new ids
and changed words where they end (made-up ones if there is no such folder). Each size runs in a
process of its own, every stage as the notebooks run it; the exponent is the slope of a line
through the logarithms. It draws docs/growth.svg.
"""

import argparse
import contextlib
import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.repeated import write_repeated
from benchmarks.worker import ROOT, peak_memory

SIZES = (12_500, 25_000, 50_000, 100_000, 200_000, 400_000)
# Clean pairs that the folder of real threads gives
_OF_SOURCE = 156_000
_LIMIT = 1.1
_FIGURE = ROOT / "docs" / "growth.svg"
# Slopes are taken from here on: below, starting takes the time
_SLOPE_FROM = 50_000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dumps", type=Path, default=Path("../shared/data/reddit_college"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path, help="keep dumps and tables here")
    parser.add_argument("--measure", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print("@" + json.dumps(_measure(*options.measure)))
        return 0
    measured = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for size in options.sizes:
            dumps = Path(name) / f"dumps_{size}"
            names = write_repeated(options.dumps, dumps, size / _OF_SOURCE)
            (dumps / "names.txt").write_text("\n".join(names), encoding="utf-8")
            measured += _in_a_process(dumps, Path(name) / f"tables_{size}")
    rows = _exponents(measured)
    for line in report.regressions(report.stored("growth"), rows):
        print(line)
    report.save("growth", [*rows, *measured])
    draw(measured, _FIGURE)
    return 0


def _in_a_process(dumps: Path, workspace: Path) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", "--measure", dumps, workspace],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    stages = json.loads(done.stdout.rsplit("@", 1)[1])
    for stage in stages:
        print(
            f"{stage['pairs']:>9,} pairs  {stage['stage']:16} {stage['seconds']:8.2f} s  "
            f"{stage['cpu']:8.2f} s of processors  {stage['memory']:7.0f} MB",
            flush=True,
        )
    return stages


def _measure(dumps: Path, root: Path) -> list[dict]:
    """Returns what each stage took, of one number of pairs."""
    from botlib.data import raw
    from botlib.data.dumps import extract
    from botlib.data.pairs import build
    from botlib.evaluation import baselines, metrics
    from botlib.settings import DataSettings
    from botlib.tables import BERT_GAN_REAL, read_table
    from botlib.workspace import Workspace

    clock = Clock()
    clock.wrap(extract, "read_files", "reading")
    for place, name in (
        (raw, "join"),
        (extract, "find_above"),
        (extract, "count_above"),
        (extract, "write_months"),
    ):
        clock.wrap(place, name, "pairing")
    clock.wrap(build, "_cleaned", "cleaning")
    clock.wrap(build, "compare_rows", "near-duplicates")
    for name in ("splits_table", "subreddits_table", "users", "examples"):
        clock.wrap(build, name, "splits")
    clock.wrap(build.Kept, "of", "splits")
    clock.wrap(build, "write_conversations", "conversations")
    clock.wrap(build, "_write", "writing")
    workspace = Workspace.open(root, create=True)
    names = (dumps / "names.txt").read_text(encoding="utf-8").split()
    extract.extract(dumps, subreddits=names, depth=0, out=workspace, progress=False)
    settings = DataSettings(subreddits=",".join(names), depth=0)
    counts = build.write_pairs(workspace, settings).counts
    with clock.stage("TF-IDF"):
        columns = ["submission_id", "comment", "reply", "rating", "split"]
        frame = read_table(workspace.bert_gan_real, BERT_GAN_REAL, columns)
        train = frame[frame["split"].isin(["generator", "classifier"])]
        test = frame[frame["split"] == "test"]
        model = baselines.fit(baselines.TFIDF, train, "rating")
        p = model.predict_proba(test)[:, -1]
    with clock.stage("bootstrap"):
        metrics.binary(test["rating"] == 3, p, test["submission_id"])
    pairs = int(counts["left"].iloc[-1])
    return [{"pairs": pairs, "stage": name, **spent} for name, spent in clock.stages.items()]


class Clock:
    """Time and peak memory of stages, also of functions that are called inside others.

    Attributes:
      stages: name → seconds, cpu (seconds of all processors), memory (MB at most).
    """

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        began, cpu = time.perf_counter(), time.process_time()
        yield
        spent = self.stages.setdefault(name, {"seconds": 0.0, "cpu": 0.0, "memory": 0.0})
        spent["seconds"] += time.perf_counter() - began
        spent["cpu"] += time.process_time() - cpu
        spent["memory"] = max(spent["memory"], peak_memory())

    def wrap(self, place: object, name: str, stage: str) -> None:
        """Counts what a function of a module or class takes from now on as a stage."""
        function: Callable = getattr(place, name)

        @functools.wraps(function)
        def timed(*args, **kwargs):
            with self.stage(stage):
                return function(*args, **kwargs)

        setattr(place, name, timed)


def _exponents(measured: list[dict]) -> list[dict]:
    """Returns a row a stage: the exponent of its time, and what a pair more holds in memory."""
    rows = []
    for stage in dict.fromkeys(one["stage"] for one in measured):
        points = [one for one in measured if one["stage"] == stage]
        points = [one for one in points if one["pairs"] >= 0.8 * _SLOPE_FROM] or points
        if len(points) < 2:
            continue
        pairs = np.array([one["pairs"] for one in points], dtype=float)
        cpu = np.array([one["cpu"] for one in points])
        memory = np.array([one["memory"] for one in points])
        slope = float(np.polyfit(np.log(pairs), np.log(cpu), 1)[0])
        row = report.row(
            f"{stage}: exponent of its processor time, by pairs",
            slope,
            _LIMIT,
            "limit",
            unit="",
            target=1.0,
            runs=1,
        )
        a_pair = 1e6 * float(np.polyfit(pairs, memory, 1)[0])
        rows.append(row | {"stage": stage, "bytes_a_pair": a_pair})
        print(f"{stage:16} n^{slope:.2f}, {a_pair:7.0f} bytes a pair more", flush=True)
    return rows


def draw(measured: list[dict], path: Path) -> None:
    """Draws seconds and memory of each stage, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator

    mpl.rcParams["svg.hashsalt"] = "growth"
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), constrained_layout=True)
    for number, stage in enumerate(dict.fromkeys(one["stage"] for one in measured)):
        points = [one for one in measured if one["stage"] == stage]
        pairs = [one["pairs"] for one in points]
        looks = {"color": f"C{number}", "marker": "os^vDPX*h"[number % 9], "ms": 4}
        for ax, what in zip(axes, ("cpu", "memory"), strict=True):
            ax.loglog(pairs, [one[what] for one in points], label=stage, **looks)
    pairs = np.array(sorted({one["pairs"] for one in measured}), dtype=float)
    least = min(one["cpu"] for one in measured)
    axes[0].loglog(pairs, least * pairs / pairs[0], "k:", lw=1, label="twice the pairs, twice")
    for ax, what in zip(axes, ("processor seconds", "memory at most, MB"), strict=True):
        ax.set_xlabel("clean pairs")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_locator(FixedLocator(pairs))
        ax.set_xticklabels([f"{round(n / 1000):,}k" for n in pairs])
        ax.set_ylabel(what)
        ax.grid(alpha=0.3, which="both")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
