"""What people ask to be forgotten goes from every table, and doesn't come back."""

import re
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from botlib.__main__ import main
from botlib.data.dumps import extract
from botlib.data.pairs import build
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.live.outbox.queue import Outbox
from botlib.manifests import write_manifest
from botlib.runs.forget import forget
from botlib.settings import DataSettings
from botlib.tables import BERT_GAN_REAL, GPT2_FINETUNE, RAW, read_table

NAMES = list(sample.SUBREDDITS)


def _make(workspace):
    extract.extract(workspace.dumps, subreddits=NAMES, out=workspace, progress=False)
    return build.write_pairs(workspace, DataSettings(subreddits=",".join(NAMES)))


@pytest.fixture
def filled(workspace):
    sample.write_sample(workspace.dumps, seed=3, threads=60)
    _make(workspace)
    return workspace


def _raw(workspace):
    return pd.concat(read_table(path, RAW) for path in workspace.raw_data.glob("myreddit_*.csv"))


def _text(workspace):
    return "\n".join(path.read_text() for path in sorted(workspace.root.rglob("*.csv")))


def test_an_author_goes_everywhere_and_does_not_come_back(filled, capsys):
    real = read_table(filled.bert_gan_real, BERT_GAN_REAL)
    raw = _raw(filled)
    learnt = real[real["split"] == "generator"]
    authors = raw.loc[raw["reply_id"].isin(learnt["reply_id"]), "reply_author"]
    author = authors[authors != "[deleted]"].mode()[0]
    theirs = set(raw.loc[raw["reply_author"] == author, "reply"])
    assert author in _text(filled)

    status = main(["forget", "--workspace", str(filled.root), "--author", f"u/{author.upper()}"])

    assert status == 0
    assert "gpt2_finetune.csv" in capsys.readouterr().out
    assert not re.search(rf"\b{author}\b", _text(filled))
    left = read_table(filled.gpt2_finetune, GPT2_FINETUNE)["text"]
    assert 0 < len(left) < len(learnt)
    kept = set(read_table(filled.bert_gan_real, BERT_GAN_REAL)["reply"])
    assert not (theirs & kept) - set(real.loc[~real["reply"].isin(theirs), "reply"])
    before = {path.name: path.read_bytes() for path in filled.root.glob("*.csv")}
    _make(filled)
    assert not re.search(rf"\b{author}\b", _text(filled))
    # What is made again is what removal left.
    assert read_table(filled.bert_gan_real, BERT_GAN_REAL).shape[0] > 0
    assert set(before) == {path.name for path in filled.root.glob("*.csv")}


def test_ids_of_replies_and_posts(filled, tmp_path):
    raw = _raw(filled)
    reply, post = raw["reply_id"].iloc[0], raw["submission_id"].iloc[-1]
    (tmp_path / "ids.txt").write_text(f"t1_{reply}\nt3_{post}\n")
    assert (
        main(["forget", "--workspace", str(filled.root), "--ids", str(tmp_path / "ids.txt")]) == 0
    )
    for _ in range(2):
        after = _raw(filled)
        assert reply not in set(after["reply_id"]) | set(after["comment_id"])
        of_post = after[after["submission_id"] == post]
        assert (
            len(of_post) and (of_post["submission"] == "").all() and (of_post["title"] == "").all()
        )
        _make(filled)


def test_models_that_learnt_from_it_are_named(filled):
    folder = filled.gpt2("run1")
    folder.mkdir(parents=True)
    write_manifest(folder, inputs=[filled.gpt2_finetune], parameters={}, seed=1)
    filled.bert_realism.mkdir()
    real = read_table(filled.bert_gan_real, BERT_GAN_REAL)
    write_manifest(filled.bert_realism, inputs=[filled.gpt2_generate], parameters={}, seed=1)
    in_test = real.loc[real["split"] == "test", "reply_id"].iloc[0]
    assert forget(filled, ids=[in_test]).models.empty
    in_generator = real.loc[real["split"] == "generator", "reply_id"].iloc[0]
    models = forget(filled, ids=[in_generator]).models
    assert dict(zip(models["model"], models["seen"], strict=True)) == {
        "models/gpt2/run1": "yes",
        "models/bert_realism": "perhaps",
    }


def test_what_waits_in_the_outbox_is_rejected_and_their_words_are_blanked(filled):
    row = _raw(filled).iloc[0]
    replies = {
        # comment → its author and post, the reply's state before and after
        "c1": (row["reply_author"].upper(), "p1", "proposed", "rejected"),
        f"t1_{row['reply_id']}": ("somebody", "p2", "approved", "rejected"),
        "c3": (row["reply_author"], "p3", "posted", "posted"),
        "c4": ("somebody", "p4", "approved", "approved"),
    }
    with closing(Outbox(filled.outbox)) as outbox:
        outbox.propose(
            "sandbox",
            [
                {"subreddit": "s", "post_id": post, "comment_id": comment, "author": author}
                | {"comment": "their words", "title": "their title", "reply": "ours"}
                for comment, (author, post, _, _) in replies.items()
            ],
        )
    with closing(sqlite3.connect(filled.outbox)) as connection, connection:
        for comment, (_, _, state, _) in replies.items():
            connection.execute(
                "UPDATE replies SET state = ? WHERE comment_id = ?", (state, comment)
            )
    removed = forget(filled, authors=[row["reply_author"]]).removed.set_index("table")["rows"]
    assert removed[filled.outbox.name] == 3
    with closing(Outbox(filled.outbox)) as outbox:
        after = {reply.comment_id: reply for reply in outbox.replies()}
    for comment, (_, _, _, state) in replies.items():
        left = "" if comment != "c4" else "their words"
        assert (after[comment].state, after[comment].comment) == (state, left)
    assert after["c4"].title == "their title" and after["c1"].author == after["c1"].title == ""


def test_samples_of_a_training_lose_the_comments_they_answer(filled):
    real = read_table(filled.bert_gan_real, BERT_GAN_REAL)
    gone, kept = real.iloc[0], real.iloc[-1]
    samples = filled.gpt2("run1") / "samples.csv"
    samples.parent.mkdir(parents=True)
    rows = [(10, gone["comment"], "a"), (10, kept["comment"], "b"), (20, gone["comment"], "c")]
    pd.DataFrame(rows, columns=["step", "comment", "reply"]).to_csv(samples, index=False)
    removed = forget(filled, ids=[gone["comment_id"]]).removed.set_index("table")["rows"]
    assert removed["models/gpt2/run1/samples.csv"] == 2
    assert pd.read_csv(samples)["reply"].tolist() == ["b"]


def test_nothing_to_forget_is_an_error(workspace):
    with pytest.raises(BotlibError, match="--author"):
        forget(workspace, authors=[" "])


def test_the_list_names_nobody(filled):
    forget(filled, authors=["somebody_there"])
    assert "somebody" not in filled.forgotten.read_text()
