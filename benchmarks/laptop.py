"""The laptop's half hour: all six notebooks from a subreddit's name to replies, with their times.

The archive and the Hub are stand-ins on this machine, served from the dumps in
`../shared/data/reddit_college`; the base model has DialoGPT small's shape and random weights. So
this measures time and memory, not how good the replies are. The archive's own pace, two requests a
second, is added to notebook 01: the stand-in needs no waiting.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from benchmarks.report import row, write
from botlib.data.archive.client import PACE
from botlib.data.dumps.files import blocks
from botlib.gpt2.vocabulary import learn
from tests.data.archive.server import ArchiveServer
from tests.gpt2.hub_files import gpt2_files
from tests.hub_server import serve

DUMPS = Path(__file__).parents[2] / "shared" / "data" / "reddit_college"
SMALL = {"layers": 12, "width": 768, "n_head": 12}  # DialoGPT small is GPT-2 of 124M parameters
VOCABULARY = 50257
TARGET = 20.0  # minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subreddits", default="College,AskAcademia")
    parser.add_argument("--workspace", help="kept and continued; by default a temporary one")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(args.workspace or Path(folder) / "workspace")
        seconds, requests = chain(workspace, args.subreddits.split(","), args.p, Path(folder))
    seconds["01_data"] += requests * PACE
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{requests} requests to the archive; the largest process held {memory:.1f} GB")
    minutes = {name: value / 60 for name, value in seconds.items()}
    rows = [_row(name, value, None) for name, value in minutes.items()]
    rows += [_row("the whole chain", sum(minutes.values()), TARGET)]
    rows += [row("most memory", memory, 6, "the limit", unit="GB", target=1, runs=1)]
    if not args.p:
        write("laptop", rows)
    for line in rows:
        print(f"{line['work']}: {line['ours']:.1f} {line['unit']}")


def _row(name: str, minutes: float, target: float | None) -> dict:
    # The peer of 0.1.0: its `laptop` profile trained a small model from scratch
    return row(name, minutes, TARGET, "the target", unit="min", target=target and 1, runs=1)


def chain(
    workspace: Path, names: list[str], options: list[tuple[str, str]], folder: Path
) -> tuple[dict[str, float], int]:
    """Runs the profile `laptop` in a workspace.

    Returns:
      Seconds by notebook, and how many requests the archive was sent.
    """
    command = [sys.executable, "-m", "botlib", "run", "--workspace", str(workspace)]
    command += ["--profile", "laptop", "--subreddits", ",".join(names)]
    command += [word for option in options for word in ("-p", *option)]
    newest = int(time.time()) - 60
    with ArchiveServer.of_dumps(DUMPS, names, newest=newest) as archive:
        for hub in serve():
            hub.add("microsoft/DialoGPT-small", _stand_in(folder / "DialoGPT-small", names))
            variables = {"BOTLIB_ARCHIVE_URL": archive.address, "HF_ENDPOINT": hub.url}
            variables |= {"HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_DISABLE_XET": "1"}
            subprocess.run(command, check=True, env=os.environ | variables)
        requests = len(archive.requests)
    return _seconds(workspace), requests


def _stand_in(folder: Path, names: list[str]) -> Path:
    """Returns a folder as the Hub's: a vocabulary of GPT-2's size, and random weights."""
    folder.mkdir(parents=True)
    weights = gpt2_files(folder, texts=["a"], **SMALL, vocab_size=VOCABULARY)
    learn(_texts(names), VOCABULARY, folder)
    (folder / "encoder.json").rename(folder / "vocab.json")
    (folder / "vocab.bpe").rename(folder / "merges.txt")
    tokens = len(json.loads((folder / "vocab.json").read_text(encoding="utf-8")))
    random = np.random.default_rng(0)
    weights["wte.weight"] = random.normal(0, 0.2, (tokens, SMALL["width"])).astype(np.float32)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": tokens}))
    # As GPT-2 is initialised: a tenth of what the tests' small models have
    small = {n: a * np.float32(0.1) if a.ndim == 2 else a for n, a in weights.items()}
    # A reply ends after some twenty tokens, as Reddit's do: random weights would never end one
    direction = random.normal(0, SMALL["width"] ** -0.5, SMALL["width"]).astype(np.float32)
    small["wte.weight"][-1] += direction / 2
    small["ln_f.bias"] += 5 * direction
    save_file(
        {f"transformer.{n}": array for n, array in small.items()}, folder / "model.safetensors"
    )
    return folder


def _texts(names: list[str]) -> list[str]:
    texts: list[str] = []
    for name in names:
        for block in blocks(DUMPS / f"{name}_comments.zst"):
            texts += [json.loads(line)["body"] for line in block.splitlines() if line]
    return texts


def _seconds(workspace: Path) -> dict[str, float]:
    """Returns how long each notebook took, as papermill recorded it in the executed copy."""
    copies = sorted((workspace / "runs").glob("*/*.ipynb"))
    about = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in copies}
    return {name: copy["metadata"]["papermill"]["duration"] for name, copy in about.items()}


if __name__ == "__main__":
    main()
