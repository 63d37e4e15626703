"""What goes with generation: encoding, training steps, and what int8 costs a trained model."""

import argparse
import contextlib
import importlib.util
import io
import json
import math
import os
import re
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.random_gpt2 import CACHE, ROOT, random_base, random_model
from benchmarks.report import row, time_pair

STEPS, LARGE_STEPS = 24, 8
VARIANTS: dict[str, dict] = {
    "as it comes": {"xla": "off", "mixed_precision": "off"},
    "XLA": {"xla": "on", "mixed_precision": "off"},
    "mixed precision": {"xla": "off", "mixed_precision": "on"},
    "windows of 256": {"xla": "off", "mixed_precision": "off", "window": 256, "batch_size": 4},
    "windows of 256, mixed precision": {
        "xla": "off", "mixed_precision": "on", "window": 256, "batch_size": 4,
    },
}  # fmt: skip
WORDS = 6000


def measure(args: argparse.Namespace) -> list[dict]:
    """Returns the rows of this part."""
    from botlib.workspace import Workspace

    workspace = Workspace.open(args.workspace) if args.workspace else _trained()
    rows = [encoding(workspace, args.run_name, args.runs), int8_cost(workspace, args.run_name)]
    return rows if args.without_training else rows + training(args.runs)


def encoding(workspace, run_name: str, runs: int) -> dict:
    """Texts to token ids, against gpt-2-simple's own encoder."""
    from botlib.gpt2.vocabulary import Vocabulary
    from botlib.tables import GPT2_FINETUNE, read_table

    folder = workspace.gpt2(run_name) / "ctranslate2"
    texts = list(read_table(workspace.gpt2_finetune, GPT2_FINETUNE)["text"][:WORDS])
    package = Path(importlib.util.find_spec("gpt_2_simple").submodule_search_locations[0])
    encoder = runpy.run_path(str(package / "src" / "encoder.py"))["get_encoder"]
    vocabulary = Vocabulary(folder)
    theirs = encoder(str(folder))
    assert vocabulary.encode(texts[:200]) == [theirs.encode(text) for text in texts[:200]]

    def peer() -> None:
        fresh = encoder(str(folder))
        for text in texts:
            fresh.encode(text)

    ours, other = time_pair(lambda: vocabulary.encode(texts), peer, runs)
    work = f"encode {len(texts):,} texts"
    return row(work, ours, other, "gpt-2-simple", unit="s", target=None, runs=runs)


def int8_cost(workspace, run_name: str) -> dict:
    """Perplexity of held-out replies by int8, against float32; the target allows 1 % more."""
    from botlib.gpt2.generator import Generator
    from botlib.gpt2.validation import HeldOut, perplexity_loss

    held_out = HeldOut(workspace, 2000, seed=0)
    folder = workspace.gpt2(run_name)
    found = {
        kind: math.exp(perplexity_loss(held_out.scores(Generator(folder, compute_type=kind))))
        for kind in ("int8", "float32")
    }
    return row(
        f"perplexity of {len(held_out):,} held-out replies (int8)", found["int8"],
        found["float32"], "float32", unit="", target=0.99, runs=1,
    )  # fmt: skip


def training(runs: int) -> list[dict]:
    """Training speed against plain gpt-2-simple, whose windows have 1024 tokens."""
    rows = _training("4 × 256", random_base(), VARIANTS, min(3, runs), STEPS)
    laptop = {"windows of 256, mixed precision": VARIANTS["windows of 256, mixed precision"]}
    return rows + _training("124M", random_model()[0], laptop, 1, LARGE_STEPS)


def _training(shape: str, base: Path, variants: dict, runs: int, steps: int) -> list[dict]:
    speeds: dict[str, list[float]] = {name: [] for name in ("plain", *variants)}
    for _ in range(runs):
        for name, all_speeds in speeds.items():
            changes = variants.get(name, {}) | {"steps": steps}
            all_speeds.append(tokens_a_second(base, name == "plain", changes))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    plain = medians.pop("plain")
    return [
        row(
            f"train {shape} ({name})", speed, plain, "plain gpt-2-simple", unit="tokens/s",
            target=2 if shape == "124M" else None, runs=runs, less_is_better=False,
        )
        for name, speed in medians.items()
    ]  # fmt: skip


def tokens_a_second(base: Path, plain: bool, changes: dict) -> float:
    """Returns the speed of training `base` with changed settings, or by gpt-2-simple alone.

    It trains in a process of its own; the first steps, which build and compile, don't
    count.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.generation_training", str(base), json.dumps(changes)]
        + (["plain"] if plain else []),
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("@"))
    return float(line[1:])


def _train_apart(base: Path, changes: dict, plain: bool) -> float:
    from botlib.gpt2 import dataset, session
    from botlib.gpt2.convert import read_hparams
    from botlib.gpt2.plan import plan
    from botlib.settings import Gpt2Settings

    end = read_hparams(base)["n_vocab"] - 1
    tokens = np.random.default_rng(0).integers(0, end + 1, 40_000).astype(np.int32)
    tokens[::50] = tokens[-1] = end
    starts = np.flatnonzero(tokens == end)[:-1]
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        data = dataset.save(tokens, Path(folder) / "tokens.npz")
        run = Path(folder) / "run"
        if plain:
            import gpt_2_simple

            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                gpt_2_simple.finetune(
                    gpt_2_simple.start_tf_sess(), str(data), steps=changes["steps"], batch_size=1,
                    model_name=base.name, model_dir=str(base.parent), accumulate_gradients=1,
                    checkpoint_dir=str(run), sample_every=10**9, save_every=10**9,
                )  # fmt: skip
            times = [float(t) for t in re.findall(r"\[\d+ \| ([\d.]+)\]", printed.getvalue())]
            return 1024 / statistics.median(np.diff(times)[2:])
        settings = {"base_model": str(base), "batch_size": 1, "steps": STEPS} | changes
        made = plan(Gpt2Settings(**settings), base)
        windows = dataset.Windows(tokens, starts, end, made.window, 0)
        if made.xla:
            session.allow_xla_on_cpu()

        def after(hooks, loss: float) -> None:
            times.append(time.perf_counter())
            if hooks.step >= made.steps:
                raise session.Finished

        hooks = session.Hooks(
            made, lambda n: windows.batch(n, made.batch_size), after, step=0, optimizer_state=None
        )
        session.train(hooks, data, base, run)
        return made.tokens_per_step / statistics.median(np.diff(times)[2:])


def _trained():
    """Returns a workspace with a small GPT-2 trained on the made-up Reddit, made when needed."""
    from botlib.workspace import Workspace

    workspace = Workspace.open(CACHE / "workspace", create=True)
    if not (workspace.gpt2("run1") / "manifest.json").is_file():
        code = """
import sys
from botlib import parameters
from botlib.data import sources
from botlib.data.pairs import build
from botlib.gpt2.train import finetune
from botlib.settings import DataSettings, Gpt2Settings
from botlib.workspace import Workspace
workspace = Workspace.open(sys.argv[1])
data = parameters.of_profile(DataSettings, "demo")
sources.collect(workspace, data)
build.write_pairs(workspace, data)
gpt2 = parameters.of_profile(Gpt2Settings, "demo")
finetune(workspace, gpt2)
"""
        command = [sys.executable, "-c", code, str(workspace.root)]
        subprocess.run(command, check=True, cwd=ROOT)
    return workspace


if __name__ == "__main__":
    _base, _changes, *_plain = sys.argv[1:]
    print(f"\n@{_train_apart(Path(_base), json.loads(_changes), bool(_plain))}")
