"""What the documents tell a reader to type or click exists, and does what they say."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pandas as pd
import papermill
import pytest

from botlib.__main__ import main, parser
from botlib.data.sample import grammar
from botlib.live.outbox.queue import Outbox
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace
from tests.data.archive.server import ArchiveServer

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
# Whose commands are run: the README, and the pages that took over parts of it
BOOK = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{n}.md" for n in ("data", "batch", "bot", "models")),
]


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
        assert (ROOT / name).exists() or "NAME" in name or "KIND" in name, name


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
    for command in commands(ROOT / "docs" / "batch.md"):
        words = shlex.split(command)
        if words[0] == "papermill":
            known = papermill.inspect_notebook(str(ROOT / words[1]))
            given = {words[i + 1] for i, word in enumerate(words) if word == "-p"}
            assert given <= set(known), command


# Commands that aren't run here, and where else they are
ELSEWHERE = {
    "source .venv": "a shell's own",
    "python -m botlib app": "tests/app",
    "make demo": "tests/test_chain.py, smaller",
    "make test": "this very run",
    "make test-all": "this run and more",
    "make lint": "before each commit",
    "make bench": "by hand, for an hour",
    "pip install": "tests/live/test_installed.py",
    "papermill": "tests/runs/test_pipeline.py",
}


def test_a_new_command_in_the_readme_is_run_by_a_test():
    run_here = ("python -m botlib", "make publish")
    for command in [command for page in BOOK for command in commands(page)]:
        assert command.startswith((*run_here, *ELSEWHERE)), f"{command}: say who runs it"


def test_the_readmes_commands_do_what_it_says(chain, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(chain[0].root, "my-bot")
    workspace = Workspace.open(tmp_path / "my-bot")
    Workspace.open(tmp_path / "their-bot", create=True)
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    real[["comment_id", "reply_id", "comment", "reply"]].head(20).to_csv("pairs.csv", index=False)
    raw = pd.read_csv(next(workspace.raw_data.glob("myreddit_*.csv")))
    author = raw["reply_author"].dropna().iloc[0]
    a_run = next(workspace.runs.glob("*/summary.json")).parent
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody answers
    shutil.copytree(workspace.dumps, tmp_path / "reddit")
    # The public archive, as if the made-up Reddit ended three days ago
    newest = int(time.time()) - 3 * 86400
    archive = ArchiveServer.of_dumps(workspace.dumps, ["writing", "scifi"], newest=newest)
    monkeypatch.setenv("BOTLIB_ARCHIVE_URL", archive.start())
    said = {}
    for command in [command for page in BOOK for command in commands(page)]:
        if not command.startswith("python -m botlib") or " app " in command:
            continue
        command = re.sub(r"my-bot/runs/[\w-]+", str(a_run), command)
        command = command.replace("DIR", "my-bot").replace("NAME", author)
        words = shlex.split(command)[3:]
        if words[0] == "run":
            # The other notebooks have been run: this one reads a user's own dumps
            places = ["--subreddits", "writing,scifi", "--workspace", "their-bot"]
            words = [*map(os.path.expanduser, words), *places, "--to", "01"]
        before = replies_in(workspace, "posted", "approved")
        assert main(words) == 0, command
        said[words[0]] = said.get(words[0], "") + capsys.readouterr().out
        assert replies_in(workspace, "posted") <= before, f"{command}: posted without approval"
    archive.stop()
    assert any(path.endswith("comments/search") for path, _ in archive.requests)
    assert (Workspace.open("their-bot").gpt2("run1") / "ctranslate2").is_dir()
    assert list(Workspace.open("their-bot").raw_data.glob("myreddit_*.csv"))
    assert "bert_gan_real.csv" in said["status"]
    assert "left" in said["review"]
    assert workspace.stop_switch.is_file() and "nothing is posted" in said["stop"]
    assert pd.read_csv("scores.csv")["prob_real"].between(0, 1).all()
    assert "nothing differs" in said["compare"] and Path("compare.html").is_file()
    for table in workspace.raw_data.glob("myreddit_*.csv"):
        assert author not in pd.read_csv(table)["reply_author"].tolist()


def test_the_library_example_runs_as_it_stands(chain, tmp_path, monkeypatch, capsys):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    Path("my-bot").symlink_to(chain[0].root)
    exec(compile(example, "README.md", "exec"), {})
    assert "prob_real" in capsys.readouterr().out


def replies_in(workspace, *states):
    with Outbox(workspace.outbox) as outbox:
        table = outbox.table("sandbox")
    return set(table.loc[table["state"].isin(states), "id"])


def test_the_replies_the_readme_shows_are_such_as_the_demo_writes():
    """A polished reply, in words that the demo's GPT-2 can't know, would be a promise."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```\n([^`]*\n  → .*?)```", text, flags=re.DOTALL)
    judged = re.findall(r"realism (\S+), expected rating (\S+)", shown)
    assert len(judged) == shown.count("→") >= 6
    assert all(0 <= float(realism) <= 1 and 0 <= float(rating) <= 3 for realism, rating in judged)
    words = set(re.findall(r"[a-z]+", re.sub(r"realism .*", "", shown).lower()))
    world = Path(grammar.__file__).read_text(encoding="utf-8").lower()
    assert words <= set(re.findall(r"[a-z]+", world))


def first(text: str) -> str:
    return re.match(r"[\w-]+", text)[0]


def test_the_speeds_the_readme_names_were_measured():
    """A figure that stands in no result would be one that somebody wishes for."""
    measured = {
        (first(result["peer_name"]), f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.1f}")
        for path in (ROOT / "benchmarks" / "results").glob("*.json")
        for result in json.loads(path.read_text())
        if (ratio := result.get("ratio"))
    }
    section = (ROOT / "docs" / "benchmarks.md").read_text().split("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")]
    named = [(first(row[-2].strip()), row[-1].strip()) for row in rows[2:]]
    assert len(named) >= 9
    assert set(named) <= measured


def test_the_badges_get_your_repositorys_name(tmp_path):
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copy(ROOT / "Makefile", tmp_path)
    client = Path("botlib/data/archive/client.py")
    (tmp_path / client).parent.mkdir(parents=True)
    shutil.copy(ROOT / client, tmp_path / client)
    command = next(c for c in commands(ROOT / "README.md") if c.startswith("make publish"))
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)
    texts = [
        path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("notebooks/*.ipynb"))
    ]
    assert len(texts) == 6
    texts.append((tmp_path / client).read_text(encoding="utf-8"))  # whom the archive may write to
    assert all("your-name/botlib" in text and "YOUR-NAME" not in text for text in texts)


def test_the_cron_lines_are_understood():
    text = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\d+ \d+ \* \* \S+  (.*)$", text, flags=re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        command = line.partition("&& ")[2].partition(" >>")[0]
        parser().parse_args(shlex.split(command)[3:])
