"""The page's tab Try: seconds until the first candidate stands there judged, and until all do.

Against writing all, judging all and then showing them. It needs a workspace whose models are
trained, such as `benchmarks.laptop --workspace DIR` leaves: GPT-2 of 124M parameters, MiniLM.
"""

import argparse
import statistics
import time
from pathlib import Path

from benchmarks.report import row, write
from botlib.app.bench import Bench
from botlib.app.site import Site
from botlib.app.trying import typed
from botlib.gpt2.decoder import Decoder
from botlib.settings import GenerateSettings, PostSettings
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

CANDIDATES = 10
TARGET = 1.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--comments", type=int, default=15)
    args = parser.parse_args()
    workspace = Workspace.open(args.workspace)
    pairs = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    test = pairs.loc[pairs["split"] == "test", "comment"].drop_duplicates()
    comments = test.sample(args.comments, random_state=1).tolist()
    bench = Bench(Site(workspace, "sandbox", GenerateSettings(), PostSettings()))
    bench.load(bench.site.generate.gpt2_run)
    first, whole, at_once = [], [], []
    for comment in comments:
        seconds = as_written(bench, comment)
        first.append(seconds[0])
        whole.append(seconds[-1])
        at_once.append(all_at_once(bench, comment))
    print("first candidate: " + ", ".join(f"{seconds:.2f}" for seconds in sorted(first)))
    count = args.comments
    median = statistics.median
    write("page", [
        row("first of 10 candidates, judged", median(first), TARGET, "the target", unit="s",
            target=1, runs=count),
        row("the slowest first candidate of all comments", max(first), TARGET, "the target",
            unit="s", target=None, runs=count),
        row("first of 10 candidates, judged", median(first), median(at_once),
            "all written, then all judged", unit="s", target=None, runs=count),
        row("all 10 candidates, judged one by one", median(whole), median(at_once),
            "all written, then all judged", unit="s", target=None, runs=count),
    ])  # fmt: skip


def as_written(bench: Bench, comment: str) -> list[float]:
    """Returns the seconds after which each candidate was judged, as the page shows them."""
    trial, began, seconds = typed(comment, time.time()), time.perf_counter(), []
    decoder = Decoder.of(bench.site.generate)
    for _ in bench.write(trial, bench.site.generate.gpt2_run, decoder, CANDIDATES):
        bench.judge(trial, bench.threshold)
        seconds.append(time.perf_counter() - began)
    return seconds


def all_at_once(bench: Bench, comment: str) -> float:
    """Returns the seconds until all candidates are written, then judged."""
    generator, _ = bench.load(bench.site.generate.gpt2_run)
    trial, began = typed(comment, time.time()), time.perf_counter()
    decoder = Decoder.of(bench.site.generate)
    written = generator.generate([comment], CANDIDATES, decoder, seed=None)
    for reply, log_prob in written[["reply", "log_prob"]].itertuples(index=False):
        trial.add(reply, log_prob)
    bench.judge(trial, bench.threshold)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
