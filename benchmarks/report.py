"""Times ours and a peer in turn; keeps the table as JSON, with versions and machine."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from botlib.manifests import package_versions
from botlib.workspace import atomic_file

RESULTS = Path(__file__).parent / "results"
REGRESSION = 0.1


def time_pair(
    ours: Callable[[], object], peer: Callable[[], object], runs: int = 5
) -> tuple[float, float]:
    """Returns the median seconds of both, run in turn so that a slow spell hits both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for work, spent in zip((ours, peer), times, strict=True):
            started = time.perf_counter()
            work()
            spent.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def row(
    work: str,
    ours: float,
    peer: float,
    peer_name: str,
    *,
    unit: str,
    target: float | None,
    runs: int,
    less_is_better: bool = True,
) -> dict:
    """Returns one line of a benchmark; `ratio` says how many times better ours is."""
    ratio = peer / ours if less_is_better else ours / peer
    return {
        "work": work,
        "ours": ours,
        "peer": peer,
        "peer_name": peer_name,
        "unit": unit,
        "ratio": ratio,
        "target": target,
        "runs": runs,
    }


def write(name: str, rows: list[dict]) -> Path:
    """Prints the rows as a table and writes them to `benchmarks/results/NAME.json`.

    What got worse by more than a tenth since the stored result is named.
    """
    for entry in rows:
        target = "" if entry["target"] is None else f"  (target {entry['target']:g})"
        print(
            f"{entry['work']}: {entry['ours']:.4g} against {entry['peer']:.4g} {entry['unit']} "
            f"of {entry['peer_name']}: {entry['ratio']:.2f} ×{target}"
        )
    for line in regressions(stored(name), rows):
        print(line)
    return save(name, rows)


def stored(name: str) -> list[dict]:
    """Returns the rows that `benchmarks/results/NAME.json` holds; none without such a file."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))[:-1] if path.is_file() else []


def regressions(before: list[dict], now: list[dict]) -> list[str]:
    """Returns a line for each ratio that is more than a tenth worse than it was."""
    earlier = {(row["work"], row["peer_name"]): row["ratio"] for row in before if "ratio" in row}
    lines = []
    for entry in now:
        ratio = earlier.get((entry["work"], entry["peer_name"]))
        if ratio and entry["ratio"] < (1 - REGRESSION) * ratio:
            lines.append(
                f"WORSE: {entry['work']} against {entry['peer_name']}: {entry['ratio']:.2f} ×, "
                f"{ratio:.2f} × in the stored result"
            )
    return lines


def save(name: str, rows: list[dict]) -> Path:
    """Returns `benchmarks/results/NAME.json`, written: the rows, then machine, versions, date."""
    about = {
        "command": f"python -m benchmarks.{name}",
        "machine": {"system": platform.system(), "cpu": _cpu(), "cores": os.cpu_count()},
        "versions": package_versions(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    path = RESULTS / f"{name}.json"
    with atomic_file(path) as file:
        json.dump([*rows, about], file, indent=1)
        file.write("\n")
    return path


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")
