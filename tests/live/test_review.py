"""A person judges: in a notebook, in a terminal, in a CSV file."""

import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.live import choose, review
from botlib.live import round as rounds

TRICKY = '=1+1 😀 שלום\n\nsecond paragraph, "quoted"'


@pytest.fixture
def waiting(outbox, client, scored):
    rounds.queue(outbox, choose.choose(scored, threshold=0.5), client)
    outbox.execute("UPDATE replies SET reply = ?, proposed_reply = ? WHERE id = 1", TRICKY, TRICKY)
    return outbox.replies()


def states(outbox) -> dict[int, str]:
    return {reply.id: reply.state for reply in outbox.replies()}


class Person:
    """Types prepared answers, and remembers what was shown."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.shown: list[str] = []

    def ask(self, question: str) -> str:
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


def judge(outbox, client, *answers: str) -> tuple[dict[str, int], str]:
    person = Person(*answers)
    done = review.review_in_terminal(
        outbox, "sandbox", reddit=client, by="ann", ask=person.ask, show=person.shown.append
    )
    return done, "\n".join(person.shown)


def test_terminal(outbox, client, waiting):
    done, shown = judge(outbox, client, "t", "what", "a", "e", "", "e", r"New\ntext", "r", "no")
    assert done == {"approved": 1, "edited": 1, "rejected": 1, "left": 0}
    assert "Rivers?" in shown  # the post, from the thread
    assert sorted(states(outbox).values()) == ["approved", "edited", "rejected"]
    edited = outbox.replies(states=["edited"])[0]
    assert edited.reply == "New\ntext"
    assert edited.approved_by == "ann"
    assert outbox.replies(states=["rejected"])[0].reason == "no"


def test_terminal_leaves_what_is_skipped_or_cut_short(outbox, client, waiting):
    assert judge(outbox, client, "s", "q")[0]["left"] == 3
    assert judge(outbox, client)[0]["left"] == 3
    assert set(states(outbox).values()) == {"proposed"}


def test_csv_round_trip(outbox, waiting, tmp_path):
    path = tmp_path / "review.csv"
    assert review.write_csv(outbox, "sandbox", path) == 3
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    # A spreadsheet must not take a reply for a formula
    assert not frame["reply"].str.startswith("=").any()
    frame.loc[frame["id"] == "1", "decision"] = "Approve "
    frame.loc[frame["id"] == "2", ["decision", "reply"]] = ["approve", "Better 😀"]
    frame.loc[frame["id"] == "3", "decision"] = "reject"
    # As a spreadsheet on Windows saves it
    frame.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    done = review.read_csv(outbox, "sandbox", path, by="ann")
    assert done == {"approved": 1, "edited": 1, "rejected": 1, "left": 0}
    assert states(outbox) == {1: "approved", 2: "edited", 3: "rejected"}
    assert outbox.get(1).reply == TRICKY
    assert outbox.get(2).reply == "Better 😀"
    assert review.read_csv(outbox, "sandbox", path)["left"] == 3


@pytest.mark.parametrize(
    ("row", "column", "value", "named"),
    [
        (1, "decision", "maybe", "row 3.*maybe"),
        (2, "id", "77", "row 4.*77"),
        (0, "reply", " ", "row 2.*empty"),
    ],
)
def test_csv_with_a_mistake_changes_nothing(outbox, waiting, tmp_path, row, column, value, named):
    path = tmp_path / "review.csv"
    review.write_csv(outbox, "sandbox", path)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame["decision"] = "approve"
    frame.loc[row, column] = value
    frame.to_csv(path, index=False)
    with pytest.raises(BotlibError, match=named):
        review.read_csv(outbox, "sandbox", path)
    assert set(states(outbox).values()) == {"proposed"}


def test_csv_that_cannot_be_read(outbox, tmp_path):
    with pytest.raises(BotlibError, match=r"none\.csv"):
        review.read_csv(outbox, "sandbox", tmp_path / "none.csv")
    (tmp_path / "some.csv").write_text("id,reply\n1,x\n")
    with pytest.raises(BotlibError, match="decision"):
        review.read_csv(outbox, "sandbox", tmp_path / "some.csv")


def test_notebook_list(outbox, client, waiting):
    widget = review.approval_list(outbox, client, by="ann")
    heading, *cards = widget.children
    assert "3 replies" in heading.value
    best = max(waiting, key=lambda reply: reply.score)
    by_text = {card.children[1].value: card for card in cards}
    assert cards[0].children[1].value == best.reply
    for card, reply in ((by_text[r.reply], r) for r in waiting):
        assert f"u/{reply.author}" in card.children[0].value
    first, second, third = (by_text[reply.reply] for reply in waiting)
    said = first.children[3]
    approve, _, read = first.children[2].children
    read.click()
    assert "Rivers?" in said.value
    approve.click()
    assert approve.disabled
    second.children[1].value = "My own words."
    second.children[2].children[0].click()
    third.children[2].children[1].click()
    assert states(outbox) == {1: "approved", 2: "edited", 3: "rejected"}
    assert outbox.get(2).reply == "My own words."
    empty = review.approval_list(outbox, client)
    assert "No reply waits" in empty.value


def test_notebook_list_escapes_what_people_wrote(outbox, client, waiting):
    outbox.execute("UPDATE replies SET comment = '<script>alert(1)</script>', title = '<b>'")
    card = review.approval_list(outbox, client).children[1]
    assert "<script>" not in card.children[0].value
    assert "&lt;script&gt;" in card.children[0].value


def test_notebook_list_shows_what_went_wrong(outbox, client, waiting):
    card = review.approval_list(outbox, client).children[1]
    for reply in waiting:
        outbox.reject(reply.id, "bob")
    outbox.execute("UPDATE replies SET state = 'posted'")
    card.children[2].children[0].click()
    assert "is posted" in card.children[3].value
