"""The set-up cell on Colab: it fetches the repository, installs, or says in a line why not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FREEZE = """\
requests==2.32.4
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
torch @ https://download.pytorch.org/whl/torch-2.11.0.whl
-e git+https://example.org/x#egg=x
# Editable install with no version control (y==1.0)
protobuf==5.29.6
"""


def setup_cell() -> str:
    notebook = json.loads((ROOT / "notebooks" / "01_data.ipynb").read_text(encoding="utf-8"))
    (cell, *_) = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    return "".join(cell["source"])


@pytest.fixture
def colab_setup(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "notebooks"))
    import colab_setup

    yield colab_setup
    del sys.modules["colab_setup"]


def test_every_package_of_the_image_with_a_version_is_a_constraint(colab_setup):
    assert colab_setup.constraints(FREEZE) == "requests==2.32.4\nprotobuf==5.29.6\n"


def test_praw_is_installed_as_the_requirements_say_though_the_image_pins_requests(colab_setup):
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    (asked,) = [line.split()[0] for line in text.splitlines() if line.startswith("praw")]
    assert asked in colab_setup.ALONE
    left = colab_setup.resolvable(text)
    assert asked not in left and "pandas>=" in left


def test_what_pip_cannot_do_is_one_line(colab_setup, monkeypatch):
    said = subprocess.CompletedProcess([], 1, "a==1\n", "WARNING: old\nERROR: no room\nERROR: more")
    monkeypatch.setattr(colab_setup.subprocess, "run", lambda *args, **options: said)
    assert colab_setup.install() == "ERROR: no room"


def run_cell(folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """Runs the cell where no botlib is, as Colab does; its home lies in `folder`."""
    code = setup_cell().replace("/content/botlib", str(folder / "botlib"))
    after = "\nimport botlib; print(botlib.__file__)"
    return subprocess.run(
        [sys.executable, "-S", "-c", code + after],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def as_github(folder: Path) -> dict[str, str]:
    """Lets git find "github.com" in a folder of this machine."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


@pytest.fixture
def published(tmp_path) -> Path:
    """A repository of that name and version, whose installer only says that it ran."""
    made = tmp_path / "github" / "ann" / "botlib"
    (made / "notebooks").mkdir(parents=True)
    (made / "botlib").mkdir()
    (made / "botlib" / "__init__.py").write_text("")
    installer = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
    (made / "notebooks" / "colab_setup.py").write_text(installer)
    git = ["git", "-C", str(made), "-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v0.1.0"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path / "github"


def test_a_notebook_that_was_opened_alone_fetches_the_rest(tmp_path, published):
    done = run_cell(tmp_path, BOTLIB_REPOSITORY="ann/botlib", **as_github(published))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "botlib" / "notebooks" / "ran").exists()
    assert done.stdout.strip() == str(tmp_path / "botlib" / "botlib" / "__init__.py")


def test_a_repository_that_is_not_there_is_said_with_the_cure(tmp_path, published):
    done = run_cell(tmp_path, **as_github(published))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "YOUR-NAME/botlib" in done.stderr and "BOTLIB_REPOSITORY" in done.stderr
