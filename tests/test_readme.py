"""What the documents tell a reader to type or click exists."""

import re
import shlex
from pathlib import Path

import papermill
import pytest

from botlib.__main__ import parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(ROOT.glob("*.md"))


def commands(page: Path) -> list[str]:
    """The commands of a page's shell blocks, continued lines joined, comments dropped."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    inline = re.findall(r"`((?:python -m botlib|make) [^`]+)`", text)
    return [line.split("  #")[0].strip() for line in [*lines, *inline] if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_text_exist(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:botlib|tests|notebooks|benchmarks)/[\w/.]+)`", text):
        assert (ROOT / name).exists() or "NAME" in name, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(page):
        if command.startswith("make "):
            target = command.split()[1]
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_botlib_commands_are_understood(page):
    for command in commands(page):
        if command.startswith("python -m botlib") and "|" not in command and "…" not in command:
            # Usage errors end the process, which would fail this test with the usage shown
            parser().parse_args(shlex.split(command)[3:])


def test_papermill_commands_name_real_parameters():
    for command in commands(ROOT / "README.md"):
        words = shlex.split(command)
        if words[0] == "papermill":
            known = papermill.inspect_notebook(str(ROOT / words[1]))
            given = {words[i + 1] for i, word in enumerate(words) if word == "-p"}
            assert given <= set(known), command
