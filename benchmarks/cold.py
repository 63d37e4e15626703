"""The first proposal from cold: `botlib bot` against the sandbox, from its start to a candidate.

It needs a workspace whose models are trained, such as `benchmarks.laptop --workspace DIR` leaves.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import row, write

TARGET = 5.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--subreddits", default="College,AskAcademia", help="in the workspace")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    runs = [first_candidate(args.workspace, args.subreddits) for _ in range(args.runs)]
    print(", ".join(f"{seconds:.2f} s" for seconds in runs))
    seconds = statistics.median(runs)
    write("cold", [row("first proposal from cold", seconds, TARGET, "the target", unit="s",
                       target=1, runs=args.runs)])  # fmt: skip


def first_candidate(workspace: Path, subreddits: str) -> float:
    """Returns the seconds until a new bot logs its first candidate; its outbox is empty."""
    with tempfile.TemporaryDirectory() as folder:
        for path in workspace.resolve().iterdir():
            if path.name != "runs" and not path.name.startswith("outbox"):
                (Path(folder) / path.name).symlink_to(path)
        command = [sys.executable, "-m", "botlib", "bot", "--workspace", folder, "--log", "json"]
        command += ["-p", "subreddits", subreddits]
        started = time.perf_counter()
        bot = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
        )
        lines = []
        for line in bot.stdout:
            lines.append(line)
            if '"candidate"' in line:
                seconds = time.perf_counter() - started
                bot.kill()
                return seconds
        raise RuntimeError("the bot ended without a candidate:\n" + "".join(lines[-20:]))


if __name__ == "__main__":
    main()
