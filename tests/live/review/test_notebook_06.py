"""Notebook 06's own cells, from the question to the last one; then a person clicks."""

import json

from botlib.live import choose
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox

from .test_cards import Card


def cells_from(repository, heading: str) -> list[str]:
    path = repository / "notebooks" / "06_discriminate_and_post.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    (first,) = [n for n, source in enumerate(sources) if source.startswith(heading)]
    return [s for s, c in zip(sources, cells, strict=True) if c["cell_type"] == "code"][
        sum(cell["cell_type"] == "code" for cell in cells[:first]) :
    ]


def test_after_run_all_a_person_approves_thinks_again_and_posts(
    repository, workspace, sandbox, client, scored, settings, monkeypatch
):
    monkeypatch.setattr("botlib.live.reddit.comments.connect", lambda *_, **__: client)
    names = {
        "workspace": workspace,
        "settings": settings(approve="person"),
        "chosen": choose.choose(scored, threshold=0.5),
        "rounds": rounds,
    }
    sources = cells_from(repository, "## Ask")
    shown = []
    for run in range(2):  # "Run all", and once more
        for source in sources:
            exec(source, names)
            if "approval_list(" in source:
                shown.append(eval(source, names))
        # The second run posts what was approved after the first, and nothing else
        assert sandbox.writes == run
        cards = [Card(box) for box in shown[-1].children[1:-1]]
        assert len(cards) == 3 - run
        cards[0].click("Approve")
        assert "✓ approved" in cards[0].said.value
    cards[1].click("Approve")
    cards[1].click("Undo")
    cards[1].click("Reject")
    with Outbox(workspace.outbox) as outbox:
        assert len(outbox.replies(states=["rejected"])) == 1
    # What the list says to run next: the cell under "Post"
    (post,) = [source for source in sources if "post_approved(" in source]
    exec(post, names)
    assert len(sandbox.replies()) == 2
