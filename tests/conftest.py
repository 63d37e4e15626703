"""What every test shares: the repository's root, real threads, a workspace of its own."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botlib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]

# Two threads a library leave the second core to whatever else runs
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Enough to run every line, too little to learn much
SMALL = {
    "sample_threads": "400",
    "steps": "20",
    "scratch_layers": "2",
    "scratch_width": "64",
    "scratch_heads": "2",
    "validation_pairs": "20",
    "fake_comments": "80",
    "fakes_per_comment": "3",
    "03.max_pairs": "256",
    "04.max_pairs": "256",
    "candidates": "3",
    "posts_per_subreddit": "2",
    "max_tokens": "40",
}


@pytest.fixture
def repository() -> Path:
    return ROOT


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the whole chain: one process runs it, once, and needs every core."""
    for item in items:
        if "chain" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.alone)


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


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    """A workspace after the whole chain, the run's folder, its results and its page."""
    workspace = Workspace.open(tmp_path_factory.mktemp("chain") / "workspace", create=True)
    overrides = {k: v for k, v in SMALL.items() if k != "max_tokens"} | {
        "03.max_tokens": SMALL["max_tokens"],
        "05.max_tokens": SMALL["max_tokens"],
        "threshold": "0.0",  # a model that has learned nothing would refuse everything
    }
    # Here, so that a run of other tests doesn't wait for the notebooks' packages
    from botlib.runs import pipeline, report

    folder, results = pipeline.run(workspace, profile="demo", overrides=overrides)
    page = report.build(workspace, folder, results)
    return workspace, results, page, overrides


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A workspace with the demo's models, trained as `make demo` trains them."""
    from botlib.runs import pipeline

    made = Workspace.open(tmp_path_factory.mktemp("demo") / "workspace", create=True)
    _, results = pipeline.run(made, profile="demo", last="04")
    assert [result.state for result in results] == ["done"] * 4, results[-1].message
    return made


# A question and what answers it: no word in common, so that words alone can't tell
TOPICS = {
    "oven bread flour yeast": "dough rises knead crust",
    "engine brake wheel gear": "mechanic oil garage torque",
    "violin chord melody tempo": "concert orchestra rehearse bow",
    "soil seed garden compost": "watering plant harvest bloom",
    "court judge statute appeal": "lawyer verdict plead sentence",
    "goal pitch referee league": "striker kick penalty coach",
}
FILLER = ["I", "would", "say", "that", "the", "is", "really", "good", "here", "and", "so"]


@pytest.fixture(scope="session")
def topic_pairs():
    """Returns a function of a number of threads to real pairs whose replies fit their comments.

    Each comment is about two topics, its replies about the same; `shared`: in the same words.
    """
    return _topic_pairs


def _topic_pairs(threads: int, shared: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(threads)
    topics = list(TOPICS.items())
    rows = []
    for thread in range(threads):
        for comment in range(4):
            two = rng.choice(len(topics), 2, replace=False)
            ask = " ".join(topics[k][0] for k in two).split()
            say = ask if shared else " ".join(topics[k][1] for k in two).split()
            texts = [" ".join(rng.permutation([*words, *rng.choice(FILLER, 4)])) for words in
                     (rng.choice(ask, 5), rng.choice(say, 4))]  # fmt: skip
            rows.append((f"{thread}-{comment}", f"t{thread}", f"r{thread % 2}", *texts))
    columns = ["comment_id", "submission_id", "subreddit", "comment", "reply"]
    return pd.DataFrame(rows, columns=columns)


# Of one module: Playwright keeps an event loop running, which papermill does not bear
@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium that is on this machine already; nothing is downloaded."""
    api = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[browser]'")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = os.environ.get("BOTLIB_BROWSER") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium found: install one, or name it in BOTLIB_BROWSER")
    with api.sync_playwright() as playwright:
        # Without its sandbox: Chromium's own doesn't start for root, as in most containers
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()
