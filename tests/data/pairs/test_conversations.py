"""What stands above a comment is kept by 01, as far up as it is at hand."""

import dataclasses

import orjson
import pytest
import zstandard

from botlib.data.dumps import extract
from botlib.data.pairs import build
from botlib.data.pairs.conversations import NOTHING, Above, Conversations
from botlib.runs.forget import forget
from botlib.settings import DataSettings
from botlib.tables import ABOVE, CONVERSATIONS, GPT2_FINETUNE, read_table

MARCH, APRIL = 1551398400, 1554076800
RULES = ",".join(build.RULES)
SETTINGS = DataSettings(subreddits="writing", depth=0, skip_rules=RULES)


def _comment(name: str, parent: str, **changes) -> dict:
    row = {"id": name, "subreddit": "writing", "body": f"text of {name}", "author": f"by_{name}"}
    row |= {"score": 2, "parent_id": parent, "link_id": "t3_p", "created_utc": MARCH + 10}
    return row | {"retrieved_on": MARCH + 99_999} | changes


def _write(path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(b"".join(orjson.dumps(row) + b"\n" for row in rows)))


@pytest.fixture
def folder(tmp_path):
    """One chain over a month's end, a deleted turn, and a parent that no file has."""
    folder = tmp_path / "dumps"
    post = {"id": "p", "subreddit": "writing", "title": "Which &amp; why?", "selftext": "My post."}
    post |= {"author": "poster", "score": 9, "created_utc": MARCH, "is_self": True}
    _write(folder / "submissions.zst", [post | {"retrieved_on": MARCH + 99_999}])
    _write(
        folder / "comments.zst",
        [
            _comment("c1", "t3_p"),
            _comment("c2", "t1_c1", body='two,\r\n"quoted"'),
            _comment("c3", "t1_c2", created_utc=APRIL + 1),
            _comment("c4", "t1_c3", created_utc=APRIL + 2),
            _comment("gone", "t1_c1", body="[deleted]"),
            _comment("under_gone", "t1_gone"),
            _comment("answer", "t1_under_gone"),
            _comment("orphan", "t1_nowhere"),
            _comment("below", "t1_orphan"),
        ],
    )
    return folder


def _make(folder, workspace, **changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    report = extract.extract(
        folder, subreddits=["writing"], depth=settings.depth, out=workspace, progress=False
    )
    return report, build.write_pairs(workspace, settings)


def test_a_comment_is_found_with_its_whole_conversation(folder, workspace):
    extracted, report = _make(folder, workspace)
    known = Conversations.load(workspace)
    title, post = "Which & why?", "My post."
    c3, c2, c1 = known.above(["c3", "c2", "c1"])
    # c2 and c1 stand in March, c3 and its answer in April
    assert c3 == Above(title, post, ('two,\n"quoted"', "text of c1"))
    assert c2 == Above(title, post, ("text of c1",))
    assert c1 == Above(title, post, ())
    assert report.conversations["rows"].tolist() == [1, 5, 0]
    assert extracted.counts["above"] == 2
    texts = read_table(workspace.gpt2_finetune, GPT2_FINETUNE)
    assert len(texts) == 0 or set(texts["comment_id"]) <= {"c1", "c2", "c3", "under_gone", "orphan"}


def test_what_is_not_at_hand_is_counted_and_ends_the_conversation(folder, workspace):
    extracted, _ = _make(folder, workspace)
    known = Conversations.load(workspace)
    # A deleted turn, and a parent that no file holds
    assert extracted.counts["missing_above"] == 2
    assert [above.turns for above in known.above(["under_gone", "orphan"])] == [(), ()]
    assert known.above(["nobody"]) == [NOTHING]


def test_with_comments_on_posts_only_there_are_no_turns_but_title_and_post(folder, workspace):
    _make(folder, workspace)
    assert workspace.above_month("2019_03").exists()
    _make(folder, workspace, depth=1)
    assert not workspace.above_month("2019_03").exists()
    assert Conversations.load(workspace).above(["c1"]) == [Above("Which & why?", "My post.", ())]


def test_a_workspace_of_0_1_0_has_nothing_above_its_comments(workspace):
    assert Conversations.load(workspace).above(["c1"]) == [NOTHING]
    workspace.gpt2_finetune.write_text("text\nold [SEP] old\n")
    frame = read_table(workspace.gpt2_finetune, GPT2_FINETUNE)
    assert frame.to_dict("records") == [{"comment_id": "", "text": "old [SEP] old"}]


@pytest.mark.parametrize("name", ["by_c2", "poster"])
def test_forgotten_people_are_gone_from_what_stands_above_and_stay_so(folder, workspace, name):
    _make(folder, workspace)
    forget(workspace, authors=[name])
    for _ in range(2):
        text = "\n".join(path.read_text() for path in workspace.root.rglob("*.csv"))
        assert name not in text
        assert ('"quoted' not in text) if name == "by_c2" else ("My post" not in text)
        (above,) = Conversations.load(workspace).above(["c3"])
        if name == "by_c2":
            assert above.turns == ()
        else:
            assert above == Above("", "", ('two,\n"quoted"', "text of c1"))
        _make(folder, workspace)


def test_a_forgotten_turn_names_the_gpt2_that_saw_it(folder, workspace, monkeypatch):
    from botlib.manifests import write_manifest
    from botlib.runs import forget as module

    _make(folder, workspace)
    run = workspace.gpt2("run1")
    run.mkdir(parents=True)
    write_manifest(run, inputs=[workspace.gpt2_finetune], parameters={}, seed=1)
    monkeypatch.setattr(module, "split_of", lambda ids: ["generator"] * len(ids))
    assert forget(workspace, authors=["poster"]).models["model"].tolist() == ["models/gpt2/run1"]


def test_the_tables_have_each_text_once(folder, workspace):
    _make(folder, workspace)
    frame = read_table(workspace.conversations, CONVERSATIONS)
    assert not frame.duplicated(["kind", "id"]).any()
    april = read_table(workspace.above_month("2019_04"), ABOVE)
    # c3 was written in April, and all that stands above it is in April's table
    assert april["comment_id"].tolist() == ["c2", "c3"]
