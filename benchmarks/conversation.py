"""What a GPT-2 gains from what stands above a comment: perplexity of replies it has not seen.

Three small models from scratch, alike but for the context that they are trained with, read the
same number of tokens. Each is asked for replies of test threads after their own conversation and
after a stranger's (a comment of another thread, with what stands above that). GPT-2's own weights
were not at hand, so the numbers say what helps a beginner, not what DialoGPT would gain. One run a
context: where two differ by less than a hundredth of a nat, another seed may turn them round.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import row, write
from botlib.data import sources
from botlib.data.pairs import build
from botlib.gpt2.conversation import CONTEXTS
from botlib.gpt2.generator import Generator
from botlib.gpt2.validation import HeldOut
from botlib.intervals import bootstrap
from botlib.settings import DataSettings
from botlib.workspace import Workspace

DUMPS = Path(__file__).parents[2] / "shared" / "data" / "reddit_college"
SUBREDDITS = (
    "ApplyingToCollege,AskAcademia,CollegeAdvice,CollegeMajors,CollegeRant,College,Emory,GradSchool"
)
DATA = {"source": "dumps", "depth": 0, "self_posts_only": False, "subreddits": SUBREDDITS}
SHAPE = {
    "base_model": "scratch",
    "scratch_layers": 3,
    "scratch_width": 192,
    "scratch_heads": 4,
    "scratch_vocabulary": 4000,
    "window": 256,
    "batch_size": 8,
    "learning_rate": 2e-3,
    "patience": 0,
    "validation_pairs": 100,
    "quantization": "float32",
    "threads": 1,
    "keep_optimizer": False,
}
REPLIES = 2000
TRAIN = """
import json, sys
from botlib.gpt2.train import finetune
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace
finetune(Workspace.open(sys.argv[1]), Gpt2Settings(**json.loads(sys.argv[2])))
"""


def pairs(workspace: Workspace, dumps: Path) -> None:
    """Makes the tables of pairs and conversations, unless they are there."""
    if not workspace.conversations.is_file():
        settings = DataSettings(dumps=str(dumps), **DATA)
        sources.collect(workspace, settings)
        build.write_pairs(workspace, settings)


def train(workspace: Workspace, context: str, steps: int) -> Path:
    """Returns the run of a context; trained in a process of its own, as gpt-2-simple asks."""
    settings = SHAPE | {"context": context, "run_name": context, "steps": steps}
    settings["round_steps"] = max(1, steps // 2)
    arguments = [sys.executable, "-c", TRAIN, str(workspace.root), json.dumps(settings)]
    subprocess.run(arguments, check=True)
    return workspace.gpt2(context)


def scores(workspace: Workspace, replies: int) -> pd.DataFrame:
    """Returns log probabilities of each test reply, by context, own and stranger's."""
    held_out = HeldOut(workspace, replies, seed=0, split="test")
    strangers = held_out.strangers(seed=0)
    turns = [len(above.turns) for above in held_out.above]
    table = held_out.frame[["submission_id"]].assign(turns=turns)
    for context in CONTEXTS:
        generator = Generator(workspace.gpt2(context), compute_type="float32", threads=1)
        own = held_out.scores(generator)
        table["tokens"] = own["tokens"]
        table[context] = own["log_prob"]
        table[f"stranger {context}"] = held_out.scores(generator, strangers)["log_prob"]
    return table


def figures(table: pd.DataFrame) -> dict[str, tuple[float, tuple[float, float]]]:
    """Returns each perplexity, and each gain in nats a token, with its interval by thread."""
    names = [f"{who}{context}" for context in CONTEXTS for who in ("", "stranger ")]
    arrays = [table[name].to_numpy() for name in ["tokens", *names]]

    def statistic(tokens, *rest):
        *log_probs, weight = rest
        sums = dict(zip(names, (-(lp * weight).sum() for lp in log_probs), strict=True))
        loss = {name: total / (tokens * weight).sum() for name, total in sums.items()}
        found = {f"perplexity {name}": float(np.exp(value)) for name, value in loss.items()}
        for context in CONTEXTS:
            found[f"own against stranger's, {context}"] = (
                loss[f"stranger {context}"] - loss[context]
            )
            found[f"against comment alone, {context}"] = loss["comment"] - loss[context]
        return found

    whole = statistic(*arrays, np.ones(len(table)))
    intervals = bootstrap(statistic, arrays, table["submission_id"].to_numpy(), resamples=500)
    return {name: (value, intervals[name]) for name, value in whole.items()}


def rows(table: pd.DataFrame, about: str) -> list[dict]:
    """Returns the lines of the benchmark for some replies."""
    found = figures(table)
    lines = []
    for context in CONTEXTS:
        own, other = found[f"perplexity {context}"], found[f"perplexity stranger {context}"]
        line = row(
            f"{about}: perplexity, trained with {context}", own[0], other[0],
            "the same with a stranger's", unit="", target=None, runs=1,
        )  # fmt: skip
        line |= {"interval": own[1], "peer_interval": other[1], "replies": len(table)}
        for kind in ("own against stranger's", "against comment alone"):
            value, interval = found[f"{kind}, {context}"]
            line[f"nats a token, {kind}"] = {"value": value, "interval": interval}
        lines.append(line)
    return lines


def main() -> None:
    """Trains, measures, and writes `benchmarks/results/conversation.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dumps", type=Path, default=DUMPS)
    parser.add_argument("--workspace", type=Path, help="keeps tables and models for another run")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--replies", type=int, default=REPLIES)
    given = parser.parse_args()
    if not given.dumps.is_dir():
        print(f"{given.dumps} is missing: name a folder of dump files with --dumps")
        return
    with tempfile.TemporaryDirectory(prefix="botlib-") as folder:
        workspace = Workspace.open(given.workspace or folder, create=True)
        pairs(workspace, given.dumps)
        for context in CONTEXTS:
            train(workspace, context, given.steps)
        table = scores(workspace, given.replies)
    lines = rows(table, "all replies")
    lines += rows(table[table["turns"] > 0], "replies to a comment that answers another")
    lines[0] |= {"steps": given.steps, "model": SHAPE}
    write("conversation", lines)


if __name__ == "__main__":
    main()
