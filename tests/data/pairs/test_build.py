"""Cleaning, ratings and the tables that training reads."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from botlib.data.dumps import extract
from botlib.data.pairs import build
from botlib.data.pairs.build import split_of, write_pairs
from botlib.data.pairs.cleaning import clean, clean_rows, without_quotes
from botlib.data.pairs.dropped import Dropped
from botlib.data.pairs.duplicates import near_duplicates
from botlib.data.pairs.ratings import rating_of
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.manifests import read_manifest
from botlib.settings import DataSettings
from botlib.tables import BERT_GAN_REAL, GPT2_FINETUNE, GPT2_GENERATE, RAW, read_table

NAMES = ",".join(sample.SUBREDDITS)
SETTINGS = DataSettings(subreddits=NAMES, skip_rules="")
GOOD = {
    "subreddit": "writing",
    "submission_id": "p",
    "submission_author": "poster",
    "comment_id": "c",
    "comment": "How do you end a story when every ending seems wrong to you?",
    "comment_author": "asker",
    "comment_score": 2,
    "comment_created_utc": 1_500_000_000,
    "reply_id": "r",
    "reply": "I write the last page first and then I look for the way that leads to it.",
    "reply_author": "helper",
    "reply_score": 3,
    "reply_created_utc": 1_500_000_500,
    "reply_retrieved_utc": 1_600_000_000,
}


def _raw(*changes: dict) -> pd.DataFrame:
    rows = [
        {**GOOD, "submission_id": f"p{n}", "comment_id": f"c{n}", "reply_id": f"r{n}", **change}
        for n, change in enumerate(changes)
    ]
    types = {name: kind for name, kind in RAW.columns.items() if name in GOOD}
    return pd.DataFrame(rows).astype(types)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("gone", {"reply": "[removed]"}),
        ("gone", {"comment": " [deleted] "}),
        ("empty", {"reply": " \n"}),
        ("deleted_account", {"reply_author": "[deleted]"}),
        ("bot", {"comment_author": "AutoModerator"}),
        ("bot", {"reply_author": "haiku_bot"}),
        ("bot", {"reply_author": "RemindMeBot"}),
        ("bot", {"reply_author": "autotldr"}),
        ("bot_text", {"reply": f"{GOOD['reply']}\n\n^^I'm ^^a ^^bot."}),
        ("self_reply", {"reply_author": "asker"}),
        ("by_poster", {"reply_author": "poster"}),
        ("no_score", {"reply_score": None}),
        ("young_score", {"reply_retrieved_utc": 1_500_000_600}),
        ("quote", {"reply": f"&gt; {GOOD['comment']}"}),
        ("url_only", {"reply": "https://example.org/a [](http://example.org) !"}),
        ("short", {"reply": "Thanks!"}),
        ("long", {"reply": "so it goes on and on " * 100}),
        ("foreign", {"reply": "Das habe ich auch schon oft gedacht, glaube mir bitte"}),
    ],
)
def test_each_rule_drops_what_it_names_and_counts_it(rule, change):
    frame, counts = clean(_raw(change), SETTINGS)
    assert frame.empty
    assert counts.set_index("rule")["dropped"].pipe(lambda d: d[d > 0]).to_dict() == {rule: 1}
    assert counts["left"].iloc[-1] == 0
    skipping = dataclasses.replace(SETTINGS, skip_rules=rule)
    assert clean(_raw(change), skipping)[1].set_index("rule").loc[rule, "dropped"] == 0


def test_up_to_five_dropped_pairs_of_each_rule_can_be_looked_at():
    changes = [{"reply": f"https://example.org/{n}"} for n in range(9)]
    changes += [{"reply": "Ask u/somebody: " + "so it goes on and on " * 100}]
    tables = []
    for _ in range(2):
        dropped = Dropped()
        clean_rows(_raw(*changes), SETTINGS, dropped)
        tables.append(dropped.table())
    assert tables[0].equals(tables[1])
    assert tables[0].groupby("rule").size().to_dict() == {"long": 1, "url_only": 5}
    by_rule = tables[0].set_index("rule")["reply"]
    assert by_rule["url_only"].tolist() == [f"https://example.org/{n}" for n in range(5)]
    assert by_rule["long"].startswith("Ask [user]") and len(by_rule["long"]) == 200


def test_a_good_pair_stays_and_is_cleaned():
    quote = "&gt; every ending seems wrong\n\n"
    change = {"reply": quote + "Ask u/friend &amp; me@example.org about it, that helps."}
    frame, counts = clean(_raw({}, change), SETTINGS)
    assert counts["dropped"].sum() == 1  # the comment stands in two threads
    assert frame["reply"].tolist() == [GOOD["reply"]]
    frame, _ = clean(_raw(change), SETTINGS)
    assert frame["reply"].tolist() == ["Ask [user] & [e-mail] about it, that helps."]
    loose = dataclasses.replace(SETTINGS, skip_rules="scrub,quote")
    assert "u/friend" in clean(_raw(change), loose)[0]["reply"].iloc[0]


def test_only_quotes_of_the_comment_are_cut():
    assert without_quotes("> is it far?\nNo.", "Is it far") == "No."
    assert without_quotes("> another says\nNo.", "Is it far") == "> another says\nNo."


def test_an_unknown_rule_is_an_error_that_lists_them():
    with pytest.raises(BotlibError, match=r"no rule 'quotes'.*near_duplicate"):
        clean(_raw({}), dataclasses.replace(SETTINGS, skip_rules="quotes"))


def test_ratings():
    scores = pd.Series([-5, 0, 1, 2, 4, 5, 99])
    assert rating_of(scores).tolist() == [0, 0, 1, 2, 2, 3, 3]
    groups = pd.Series(["a"] * 4 + ["b"] * 3)
    assert rating_of(scores, "quantiles", groups).tolist() == [0, 1, 2, 3, 0, 1, 3]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    from botlib.workspace import Workspace

    workspace = Workspace.open(tmp_path_factory.mktemp("pairs"), create=True)
    sample.write_sample(workspace.dumps, seed=11, threads=200)
    extract.extract(
        workspace.dumps, subreddits=sample.SUBREDDITS, out=workspace, depth=0, progress=False
    )
    settings = DataSettings(subreddits=NAMES, depth=0)
    return workspace, settings, write_pairs(workspace, settings)


def test_every_row_is_accounted_for(filled):
    workspace, _, report = filled
    counts = report.counts
    before, after = counts["left"].iloc[:-1].tolist(), counts["left"].iloc[1:].tolist()
    gone = [b - a for b, a in zip(before, after, strict=True)]
    assert gone == counts["dropped"].iloc[1:].tolist()
    assert counts.set_index("rule").loc["(raw)", "left"] == sum(
        len(read_table(path, RAW)) for path in workspace.raw_data.glob("myreddit_*.csv")
    )
    found = counts.set_index("rule")["dropped"]
    names = ["bot", "self_reply", "by_poster", "no_score", "young_score", "quote", "url_only"]
    assert (found[[*names, "short", "long", "foreign", "near_duplicate"]] > 0).all()
    assert report.splits["pairs"].sum() == counts["left"].iloc[-1]
    assert read_manifest(workspace.bert_gan_real)["extra"]["rules"] == counts.to_dict("records")


def test_no_thread_and_no_near_duplicate_stands_on_two_sides(filled):
    workspace, settings, _ = filled
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    assert (split_of(real["submission_id"]) == real["split"]).all()
    assert real.groupby("submission_id")["split"].nunique().max() == 1
    items = pd.concat(
        [
            real[["comment_id", "comment", "split"]].set_axis(["id", "text", "split"], axis=1),
            real[["reply_id", "reply", "split"]].set_axis(["id", "text", "split"], axis=1),
        ]
    ).drop_duplicates()
    for side in ("validation", "test"):
        train = items[items["split"].isin(["generator", "classifier"])]
        both = pd.concat([train, items[items["split"] == side]])
        copies = near_duplicates(
            both["text"].tolist(), settings.near_duplicate, pd.factorize(both["id"])[0]
        )
        assert not copies.any()


def test_gpt2_learns_from_its_split_and_answers_the_others(filled):
    workspace, _, _ = filled
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    texts = read_table(workspace.gpt2_finetune, GPT2_FINETUNE)["text"]
    mine = real[real["split"] == "generator"]
    assert texts.tolist() == [
        build.training_text(comment, reply)
        for comment, reply in zip(mine["comment"], mine["reply"], strict=True)
    ]
    asked = read_table(workspace.gpt2_generate, GPT2_GENERATE)
    assert set(asked["comment_id"]) == set(real.loc[real["split"] != "generator", "comment_id"])
    assert asked["comment_id"].is_unique and "generator" not in set(asked["split"])
    assert real["real"].eq(1).all()
    assert (rating_of(real["reply_score"]) == real["rating"]).all()


def test_the_same_person_on_both_sides_is_a_number(filled):
    _, _, report = filled
    assert report.shared_users > 0
    assert set(report.examples["split"]) <= set(build.SPLITS)


def test_cleaning_again_gives_the_same_bytes(filled):
    workspace, settings, _ = filled
    paths = (workspace.gpt2_finetune, workspace.gpt2_generate, workspace.bert_gan_real)
    before = [path.read_bytes() for path in paths]
    write_pairs(workspace, settings)
    assert [path.read_bytes() for path in paths] == before


def test_max_pairs_takes_whole_threads(filled):
    workspace, settings, _ = filled
    report = write_pairs(workspace, dataclasses.replace(settings, max_pairs=300))
    assert 200 < report.splits["pairs"].sum() <= 300
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    write_pairs(workspace, settings)
    whole = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    kept = whole[whole["submission_id"].isin(real["submission_id"])]
    assert kept["reply_id"].tolist() == real["reply_id"].tolist()


def test_months_and_subreddits_of_the_settings_are_respected(filled):
    workspace, settings, _ = filled
    narrow = dataclasses.replace(
        settings, subreddits="Scifi", first_month="2019-02", last_month="2019-03"
    )
    write_pairs(workspace, narrow)
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    assert set(real["subreddit"]) == {"scifi"}
    months = pd.to_datetime(real["comment_created_utc"].astype("int64"), unit="s").dt.month
    assert set(np.unique(months)) == {2, 3}
    write_pairs(workspace, settings)


def test_errors_name_what_to_do(workspace):
    with pytest.raises(BotlibError, match="no raw tables"):
        write_pairs(workspace, SETTINGS)
    sample.write_sample(workspace.dumps, seed=1, threads=20)
    extract.extract(workspace.dumps, subreddits=["scifi"], out=workspace, progress=False)
    strict = dataclasses.replace(SETTINGS, min_words=200)
    with pytest.raises(BotlibError, match="'short' dropped"):
        write_pairs(workspace, strict)
    assert not workspace.bert_gan_real.exists()
