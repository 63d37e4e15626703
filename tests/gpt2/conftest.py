"""What tests of GPT-2 share: made-up pairs, and one tiny model, trained once, apart."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib.data.pairs.text import training_text
from botlib.tables import BERT_GAN_REAL, GPT2_FINETUNE, write_table
from botlib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "base_model": "scratch",
    "context": "comment",
    "steps": 60,
    "round_steps": 20,
    "batch_size": 2,
    "window": 128,
    "learning_rate": 3e-3,
    "scratch_layers": 2,
    "scratch_width": 64,
    "scratch_heads": 2,
    "scratch_vocabulary": 400,
    "validation_pairs": 30,
    "quantization": "float32",
    "threads": 1,
}
ANIMALS = ("cat", "dog", "fox", "owl", "bee", "Wal🐳")
FOODS = ("rice", "soup", "Käse", "figs", "tea")


def pairs(count: int, seed: int) -> pd.DataFrame:
    """Comments that name an animal and a food; replies that take both up."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        animal, food = rng.choice(ANIMALS), rng.choice(FOODS)
        rows.append(
            {
                "comment_id": f"c{number}",
                "reply_id": f"r{number}",
                "submission_id": f"s{number // 4}",
                "subreddit": "writing",
                "comment": f"My {animal} eats {food} on day {number}. Is that fine?",
                "reply": f"A {animal} may eat {food}, every {animal} likes it.",
                "real": 1,
                "rating": 1,
                "reply_score": 1,
                "reply_created_utc": number,
                "reply_retrieved_utc": number,
                "comment_score": 1,
                "comment_created_utc": number,
                "split": ("generator", "generator", "generator", "validation")[number % 4],
            }
        )
    return pd.DataFrame(rows)


def fill(workspace: Workspace, count: int = 400) -> Workspace:
    """Writes the two tables that fine-tuning reads."""
    frame = pairs(count, seed=1)
    training = frame[frame["split"] == "generator"]
    texts = [
        training_text(c, r) for c, r in zip(training["comment"], training["reply"], strict=True)
    ]
    write_table(workspace.gpt2_finetune, training.assign(text=texts), GPT2_FINETUNE)
    write_table(workspace.bert_gan_real, frame[frame["split"] != "generator"], BERT_GAN_REAL)
    return workspace


def python(code: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess:
    """Runs code in a process of its own: gpt-2-simple changes TensorFlow for all who share one."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        pytest.fail(f"the process ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done


FINETUNE = """
import json, sys
from botlib.gpt2.train import finetune
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace
finetune(Workspace.open(sys.argv[1]), Gpt2Settings(**json.loads(sys.argv[2])), progress=False)
"""


def finetune_apart(workspace: Workspace, check: bool = True, code: str = FINETUNE, **changes):
    """Fine-tunes the tiny model in a process of its own."""
    return python(code, workspace.root, json.dumps(TINY | changes), check=check)


@pytest.fixture(scope="session")
def gpt2_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a trained tiny model, `run1`; not to be changed by a test."""
    workspace = fill(Workspace.open(tmp_path_factory.mktemp("gpt2"), create=True))
    finetune_apart(workspace)
    return workspace


@pytest.fixture(scope="session")
def gpt2_run(gpt2_workspace: Workspace) -> Path:
    return gpt2_workspace.gpt2("run1")
