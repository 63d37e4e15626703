"""A notebook starts anywhere: Colab without a browser, a laptop, a folder that isn't there."""

import sys
from pathlib import Path

import pytest

from botlib import credentials, drive, notebook
from botlib.errors import BotlibError
from botlib.settings import DataSettings, Gpt2Settings

STAND_IN = Path(__file__).parent / "colab" / "google"


@pytest.fixture
def colab(monkeypatch):
    """`google.colab` as it is in a Colab kernel that no browser is connected to."""
    import google

    monkeypatch.setattr(google, "__path__", [*google.__path__, str(STAND_IN)])
    yield
    for name in [name for name in sys.modules if name.startswith("google.colab")]:
        del sys.modules[name]


def test_only_the_first_notebook_makes_a_workspace(tmp_path):
    root = tmp_path / "new"
    with pytest.raises(BotlibError, match="run 01_data first"):
        notebook.start(Gpt2Settings, {"drive_root": str(root), "profile": "demo"})
    settings, workspace = notebook.start(DataSettings, {"drive_root": str(root), "profile": "demo"})
    assert workspace.root.is_dir()
    assert settings.source == "sample"


def test_drive_on_a_laptop_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", None)
    with pytest.raises(
        BotlibError, match="this isn't Colab: set drive_root to a folder on this machine"
    ):
        notebook.start(DataSettings, {"profile": "demo"})


def test_a_mount_nobody_can_allow_says_what_to_do(colab):
    with pytest.raises(BotlibError, match=r"can't be mounted \(mount failed\): open the notebook"):
        notebook.start(DataSettings, {"profile": "demo"})


def test_a_mounted_drive_is_not_mounted_again(colab, tmp_path, monkeypatch):
    # drive.mount would fail here, and ask in a browser elsewhere
    monkeypatch.setattr(drive, "DRIVE", tmp_path)
    (tmp_path / "MyDrive").mkdir()
    values = {"drive_root": str(tmp_path / "MyDrive" / "bot"), "profile": "demo"}
    _, workspace = notebook.start(DataSettings, values)
    assert workspace.root.is_dir()


def test_the_environment_comes_before_colabs_secrets(colab, monkeypatch):
    monkeypatch.setenv("REDDIT_CLIENT_ID", "from-environment")
    assert credentials.get("REDDIT_CLIENT_ID", "argument") == "argument"
    assert credentials.get("REDDIT_CLIENT_ID") == "from-environment"


def test_a_secret_that_never_arrives_is_absent_not_a_crash(colab, monkeypatch):
    monkeypatch.delenv("REDDIT_CLIENT_ID", raising=False)
    assert credentials.get("REDDIT_CLIENT_ID") is None
