"""A person judges in a spreadsheet; what comes back is what they meant, all of it or nothing."""

import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.live import choose, review
from botlib.live import round as rounds
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import READY

from .conftest import TRICKY


@pytest.fixture
def path(tmp_path):
    return tmp_path / "review.csv"


def written(outbox, path) -> pd.DataFrame:
    review.write_csv(outbox, "sandbox", path)
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def read(outbox, path, frame, **options):
    frame.to_csv(path, index=False, **{"encoding": "utf-8-sig", **options})
    return review.read_csv(outbox, "sandbox", path, by="ann")


def test_a_round_trip(outbox, waiting, path, states):
    assert review.write_csv(outbox, "sandbox", path) == 3
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel takes it for Latin-1
    frame = written(outbox, path)
    # A spreadsheet must not take a reply for a formula
    assert not frame["reply"].str.startswith("=").any()
    frame.loc[frame["id"] == "1", "decision"] = "Approve "
    frame.loc[frame["id"] == "2", ["decision", "reply"]] = ["approve", "Better 😀"]
    frame.loc[frame["id"] == "3", "decision"] = "reject"
    # As a spreadsheet on Windows saves it
    frame.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    done = review.read_csv(outbox, "sandbox", path, by="ann")
    assert {what: number for what, number in done.items() if number} == {
        "approved": 1, "edited": 1, "rejected": 1
    }  # fmt: skip
    assert states() == {1: "approved", 2: "edited", 3: "rejected"}
    assert outbox.get(1).reply == TRICKY
    assert outbox.get(2).reply == "Better 😀"
    assert review.read_csv(outbox, "sandbox", path)["left"] == 3


@pytest.mark.parametrize(
    ("row", "column", "value", "named"),
    [
        (1, "decision", "maybe", "row 3.*maybe"),
        (2, "comment_id", "t1_other", "row 4.*t1_other"),
        (2, "outbox", "o-0123", "row 4.*another outbox"),
        (2, "seen", "v-0123", "row 4.*changed since"),
        (2, "id", "77", "row 4.*77"),
        (0, "reply", " ", "row 2.*empty"),
    ],
)
def test_a_mistake_changes_nothing(outbox, waiting, path, states, row, column, value, named):
    frame = written(outbox, path)
    frame["decision"] = "approve"
    frame.loc[row, column] = value
    frame.to_csv(path, index=False)
    with pytest.raises(BotlibError, match=named):
        review.read_csv(outbox, "sandbox", path)
    assert set(states().values()) == {"proposed"}


def test_a_file_that_cannot_be_read(outbox, tmp_path):
    with pytest.raises(BotlibError, match=r"none\.csv"):
        review.read_csv(outbox, "sandbox", tmp_path / "none.csv")
    (tmp_path / "some.csv").write_text("id,reply\n1,x\n")
    with pytest.raises(BotlibError, match="decision"):
        review.read_csv(outbox, "sandbox", tmp_path / "some.csv")


def test_excel_with_semicolons_tabs_or_utf16(outbox, waiting, path, states):
    for options in (
        {"sep": ";"},
        {"sep": "\t"},
        {"sep": "\t", "encoding": "utf-16"},
        {"encoding": "utf-8"},
    ):
        frame = written(outbox, path).assign(decision="approve")
        assert read(outbox, path, frame, **options)["approved"] == 3, options
        assert set(states().values()) == {"approved"}
        assert outbox.get(1).reply == TRICKY
        for number in states():
            outbox.undo(number, "ann")


def test_a_line_that_names_the_separator_is_skipped(outbox, waiting, path, states):
    frame = written(outbox, path).assign(decision="reject")
    path.write_text("sep=;\n" + frame.to_csv(index=False, sep=";"), encoding="utf-8-sig")
    assert review.read_csv(outbox, "sandbox", path)["rejected"] == 3


def test_another_encoding_is_refused_with_the_cure(outbox, waiting, path, states):
    frame = written(outbox, path).assign(decision="approve", reply="Schön")
    with pytest.raises(BotlibError, match="save it as CSV, UTF-8"):
        read(outbox, path, frame[["id", "decision", "reply"]], encoding="cp1252")
    assert set(states().values()) == {"proposed"}


def test_ids_that_look_like_numbers_survive_a_spreadsheet(outbox, path):
    given = {"subreddit": "s", "post_id": "p", "comment_id": "12e4567", "reply": "Yes."}
    outbox.propose("sandbox", [given])
    row = written(outbox, path).iloc[0]
    for name in ("comment_id", "outbox", "seen"):
        with pytest.raises(ValueError):
            float(row[name])


def test_a_file_of_an_older_outbox_attaches_nothing(outbox, waiting, path, tmp_path, states):
    with Outbox(tmp_path / "older.sqlite3") as older:
        older.propose("sandbox", [{"subreddit": "s", "post_id": "p", "comment_id": "c"}
                                  | {"reply": "Not meant for you."}])  # fmt: skip
        frame = written(older, path).assign(decision="approve")
    with pytest.raises(BotlibError, match="another outbox"):
        read(outbox, path, frame)
    assert set(states().values()) == {"proposed"}


def test_a_file_of_botlib_0_1_0_is_refused_with_the_cure(outbox, waiting, path):
    frame = written(outbox, path).assign(decision="approve")
    with pytest.raises(BotlibError, match=r"lacks the column 'comment_id'.*--csv-out"):
        read(outbox, path, frame.drop(columns=["comment_id", "outbox", "seen"]))


def test_contradicting_rows_are_refused_by_their_numbers(outbox, waiting, path, states):
    frame = written(outbox, path)
    both = pd.concat([frame.assign(decision="reject"), frame.assign(decision="approve")])
    with pytest.raises(BotlibError, match="rows 2 and 5 decide differently about reply 1"):
        read(outbox, path, both.sort_values("id", kind="stable").iloc[[0, 2, 4, 1]])
    texts = pd.concat([frame, frame.assign(reply="Another.")]).assign(decision="approve")
    with pytest.raises(BotlibError, match="rows 2 and 5"):
        read(outbox, path, texts)
    assert set(states().values()) == {"proposed"}


def test_the_same_decision_twice_counts_once(outbox, waiting, path):
    frame = written(outbox, path).assign(decision="approve")
    assert read(outbox, path, pd.concat([frame, frame]))["approved"] == 3


def test_all_or_none_even_where_the_last_act_fails(outbox, waiting, path, states, monkeypatch):
    frame = written(outbox, path)
    frame["decision"] = ["approve", "approve", "reject"]

    def fails(*_):
        raise BotlibError("the disk is full")

    monkeypatch.setattr(outbox, "reject", fails)
    with pytest.raises(BotlibError, match="disk is full"):
        read(outbox, path, frame)
    assert set(states().values()) == {"proposed"}
    assert set(outbox.history()["after"]) == {"proposed"}


def test_decisions_are_undone(outbox, waiting, path, states):
    frame = written(outbox, path)
    frame["decision"] = ["approve", "reject", "approve"]
    read(outbox, path, frame)
    done = read(outbox, path, frame.assign(decision=["undo", "undo", ""]))
    assert (done["undone"], done["left"]) == (2, 1)
    assert sorted(states().values()) == ["approved", "proposed", "proposed"]
    outbox.execute("UPDATE replies SET state = 'posted'")
    with pytest.raises(BotlibError, match="row 2: reply 1 is posted, which can't be undone"):
        read(outbox, path, frame.assign(decision="undo"))


def test_nobody_approves_words_that_changed_since_the_file_was_written(outbox, waiting, path):
    frame = written(outbox, path).assign(decision="approve")
    outbox.approve(1, "ann")
    outbox.take_back(1, "edited", comment="no bots please")
    with pytest.raises(BotlibError, match=r"row 2.*changed since the file was written"):
        read(outbox, path, frame)
    assert "edited" in written(outbox, path)["note"][0]


def test_what_people_wrote_is_harmless_and_readable(outbox, hostile, path):
    frame = written(outbox, path)
    text = path.read_text(encoding="utf-8-sig")
    assert not set(text) & set("\x1b\x07\x9b\r\x00\u202e\u202c\u2066")
    assert frame["comment"].str.startswith("5 > 3 & [31mred").all()
    # Approving what is shown is no edit
    done = read(outbox, path, frame.assign(decision="approve"))
    assert (done["approved"], done["edited"]) == (3, 0)


def test_fifty_replies_keep_their_order_of_worth(outbox, client, scored, path):
    rounds.queue(outbox, choose.choose(scored, threshold=0.0, per_post=False), client)
    scores = written(outbox, path)["score"].astype(float)
    assert len(scores) == scored["comment_id"].nunique()
    assert scores.is_monotonic_decreasing


LINK = "https://www.reddit.com/r/writing/comments/1b/title/9zzzz/"


@pytest.mark.parametrize(
    ("said", "counted", "state"), [(LINK, "posted", "posted"), ("Not posted", "not posted", READY)]
)
def test_whether_an_unclear_reply_is_there_can_be_said_in_the_file(
    outbox, waiting, path, unclear, said, counted, state
):
    frame = written(outbox, path)
    assert "was this reply posted?" in frame.set_index("id").loc["1", "note"]
    frame.loc[frame["id"] == "1", "decision"] = "approve"
    with pytest.raises(BotlibError, match="was this reply posted"):
        read(outbox, path, frame)
    frame.loc[frame["id"] == "1", "decision"] = said
    assert read(outbox, path, frame)[counted] == 1
    assert outbox.get(1).state in state
    assert read(outbox, path, frame)["left"] == 3
