"""On Colab's image: what it ships stays as it is, and its own package is there."""

import os
from importlib import metadata
from pathlib import Path

import pytest

IMAGE = Path(__file__).parent / "colab" / "image.txt"

pytestmark = pytest.mark.skipif(
    not os.environ.get("BOTLIB_COLAB"), reason="runs under make test-colab"
)


def pins() -> list[tuple[str, str]]:
    lines = IMAGE.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("==")) for line in lines if "==" in line]


@pytest.mark.parametrize(("package", "version"), pins())
def test_installing_botlib_leaves_colabs_packages_alone(package, version):
    assert metadata.version(package) == version


def test_the_stand_in_is_what_a_notebook_meets():
    from google.colab import drive

    with pytest.raises(ValueError, match="mount failed"):
        drive.mount("/content/drive")
