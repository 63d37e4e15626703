"""What every test shares: the repository's root, real threads, a workspace of its own."""

import os
from pathlib import Path

import pytest

from botlib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]

# Two threads a library leave the second core to whatever else runs
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture
def repository() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def reddit_college() -> Path:
    """The folder of real threads; its tests are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data" / "reddit_college"
    if not folder.is_dir():
        pytest.skip("the folder of real threads is not beside the project")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace", create=True)
