"""An engine in a process of its own, loaded once: what starts it, and what it runs.

Only the standard library: the peers' own environments have nothing of botlib.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Worker:
    """A process that does its engine's work once for each `run`.

    Attributes:
      units: how much a run does: tokens, pairs.
      load: seconds until the engine was ready.
      seconds: of each run.
      memory: the most it has held, in MB, after the latest run.
    """

    def __init__(self, script: str, engine: str, python: str = sys.executable, **job: Any):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name(script))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        about = self._ask(json.dumps({"engine": engine, **job}))
        self.units, self.load = about["units"], about["load"]
        self.seconds: list[float] = []
        self.memory = 0.0

    def run(self) -> float:
        """Returns the seconds it took, which are also kept."""
        answer = self._ask("run")
        self.seconds.append(answer["seconds"])
        self.memory = answer["memory"]
        return answer["seconds"]

    @property
    def speed(self) -> float:
        """Units a second, median of all runs."""
        return self.units / statistics.median(self.seconds)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, line: str) -> dict[str, Any]:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        for answer in self._process.stdout:
            if answer.startswith("@"):
                return json.loads(answer[1:])
        raise RuntimeError(f"a benchmark process ended with {self._process.wait()}: {line[:200]}")


def in_turn(workers: dict[str, Worker], runs: int) -> None:
    """Runs all of them once to warm up, then `runs` times in turn: a slow spell hits all alike."""
    for number in range(runs + 1):
        for name, worker in workers.items():
            print(f"{name}, run {number}: {worker.run():.2f} s", flush=True)
    for worker in workers.values():
        del worker.seconds[0]


def serve(load: Callable[[dict], tuple[int, Callable[[], object]]]) -> None:
    """The process's side: reads a job, loads its engine, then works at each line it is sent.

    Args:
      load: from the job to (units a run does, the function that does them).
    """
    job = json.loads(sys.stdin.readline())
    started = time.perf_counter()
    units, run = load(job)
    answer = {"units": units, "load": time.perf_counter() - started}
    print("\n@" + json.dumps(answer), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        run()
        answer = {"seconds": time.perf_counter() - started, "memory": peak_memory()}
        print("\n@" + json.dumps(answer), flush=True)


def peak_memory() -> float:
    """Returns the most memory this process has held, in MB (Linux).

    Not `resource.getrusage`: that counts what the process that started this one held.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000
