"""The bot by itself: installed into an empty environment it needs no TensorFlow and little room."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from botlib import tables
from botlib.workspace import Workspace

from . import small_models
from .test_round import _raw

ROOT = Path(__file__).resolve().parents[2]
MOST_MEGABYTES = 600


@pytest.mark.slow
def test_a_bot_without_tensorflow_or_notebooks(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "botlib", source / "botlib", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", f"{source}[bot]"], capture_output=True, text=True
    )
    if installed.returncode:
        pytest.skip(f"nothing can be installed here: {installed.stderr[-300:]}")
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout.lower()
    for absent in ("tensorflow", "keras", "torch", "scikit-learn", "jupyter", "ipykernel"):
        assert absent not in listed
    size = sum(f.stat().st_size for f in home.rglob("*") if f.is_file() and not f.is_symlink())
    workspace = Workspace.open(tmp_path / "workspace", create=True)
    small_models.fill(workspace)
    tables.write_table(workspace.raw_month("2019_05"), _raw("writing"), tables.RAW)
    command = [python, "-m", "botlib", "bot", "--workspace", str(workspace.root)]
    options = ["--subreddits", "writing", "--profile", "demo", "-p", "threshold", "0.0"]
    options += ["--log", "debug", "-p", "approve", "sandbox"]  # nobody sits here
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    first, lines = None, []
    for line in process.stderr:
        lines.append(line)
        if first is None and "event=queue" in line:
            first = time.monotonic() - began
    assert process.wait() == 0, "".join(lines)
    posted = re.search(r"event=round .*posted=(\d+)", "".join(lines))
    print(f"installed: {size / 1e6:.0f} MB; start to first proposal: {first:.1f} s")
    assert int(posted[1]) >= 1
    assert size / 1e6 < MOST_MEGABYTES
