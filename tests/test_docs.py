"""The generated pages are as new as the code, so that a newcomer isn't sent to a file of old."""

import re

import pytest

from docs.generate import pages


@pytest.mark.parametrize("path", list(pages()), ids=lambda path: path.name)
def test_generated_pages_are_current(path):
    assert path.read_text(encoding="utf-8") == pages()[path], f"{path.name} is old: run `make docs`"


def test_every_setting_says_what_it_does():
    page = next(text for path, text in pages().items() if path.name == "settings.md")
    bare = [line.split(" | ")[0] for line in page.splitlines() if line.endswith("|  |")]
    assert bare == []


def test_the_ten_tasks_name_files_that_are_there(repository):
    page = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tasks = page.split("## Ten tasks", 1)[1].split("\n## ", 1)[0]
    names = re.findall(r"`((?:botlib|tests|notebooks|docs)/[\w./]+)`", tasks)
    assert len(names) >= 20
    assert [name for name in names if not (repository / name).exists()] == []
