"""All six notebooks, one after the other, on a made-up Reddit: what `make demo` does, smaller."""

import json
import re

import pandas as pd

from botlib.evaluation import record
from botlib.live.outbox.queue import Outbox
from botlib.runs import pipeline, status
from botlib.tables import BERT_GAN_REAL, PREDICTIONS, PROPOSED, read_table


def test_every_notebook_ends_well(chain):
    _, results, _, _ = chain
    assert [(r.notebook, r.state, r.message) for r in results] == [
        (name, "done", "") for name in pipeline.STEPS
    ]


def test_executed_notebooks_show_no_log_lines_and_label_each_bar(chain):
    workspace, *_ = chain
    for name in ("01_data", "02_gpt2_finetune", "03_bert_realism", "04_bert_upvotes"):
        (path,) = workspace.root.glob(f"runs/*/{name}.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        streams = [o for c in cells for o in c.get("outputs", ()) if o["output_type"] == "stream"]
        lines = [line for o in streams for line in re.split(r"[\r\n]+", "".join(o["text"]))]
        assert not [line for line in lines if "tensorflow" in line.lower()], name
        assert not [line for line in lines if line.strip() in ("True", "False", "None")], name
        assert not [line for line in lines if re.match(r"\s*\d+%\|", line)], name


def test_no_thread_stands_on_two_sides(chain):
    workspace, *_ = chain
    pairs = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    assert set(pairs["split"]) == {"generator", "classifier", "validation", "test"}
    assert (pairs.groupby("submission_id")["split"].nunique() == 1).all()


def test_candidates_and_their_judgement_are_whole(chain):
    workspace, *_ = chain
    (proposed,) = workspace.root.glob("proposed_replies_*.csv")
    (judged,) = workspace.root.glob("reply_score_predictions_*.csv")
    proposed, judged = read_table(proposed, PROPOSED), read_table(judged, PREDICTIONS)
    assert len(judged) == len(proposed) > 0
    assert (proposed.groupby("comment_id")["sample"].nunique() == 3).all()
    assert judged["prob_real"].between(0, 1).all()
    ratings = judged[[f"prob_rating_{rating}" for rating in range(4)]]
    assert (ratings.sum(axis=1) - 1).abs().max() < 1e-4
    assert judged["reason"].str.len().min() > 0


def test_the_best_of_each_post_was_posted_once_and_disclosed(chain):
    workspace, *_ = chain
    with Outbox(workspace.outbox) as outbox:
        replies = outbox.table("sandbox")
    posted = replies[replies["state"] == "posted"]
    assert len(posted) > 0
    assert posted["post_id"].is_unique
    assert posted["comment_id"].is_unique


def test_every_artefact_is_current_and_says_what_it_was_made_from(chain):
    workspace, *_ = chain
    found = {a.path: a for a in status.artefacts(workspace)}
    for path in ("gpt2_finetune.csv", "bert_gan_real.csv", "models/gpt2/run1"):
        assert found[path].state == "current", path
    for path in ("models/bert_realism", "models/bert_upvotes"):
        assert found[path].state == "current", path
        assert "bert_gan_real.csv" in found[path].inputs


def test_baselines_stand_beside_the_classifiers(chain):
    workspace, *_ = chain
    for model in (workspace.bert_realism, workspace.bert_upvotes):
        scores = record.load(model).scores
        assert isinstance(scores, pd.DataFrame)
        assert {"length only", "TF-IDF", "class frequencies"} <= set(scores["model"])


def test_the_page_is_self_contained_and_shows_the_replies(chain):
    _, _, page, _ = chain
    text = page.read_text(encoding="utf-8")
    assert "The three best replies" in text
    assert "These numbers say nothing about real replies" in text
    for name in pipeline.STEPS:
        assert f"<summary>Notebook {name} (done" in text
    for outside in ('src="http', 'href="http://', "<script src", "@import", "url(http"):
        assert outside not in text


def test_a_second_run_skips_what_is_done_and_posts_nothing_twice(chain):
    workspace, _, _, overrides = chain
    with Outbox(workspace.outbox) as outbox:
        before = outbox.table("sandbox")
    _, results = pipeline.run(workspace, profile="demo", overrides=overrides)
    assert [r.state for r in results] == ["skipped"] * 4 + ["done"] * 2
    with Outbox(workspace.outbox) as outbox:
        after = outbox.table("sandbox")
    posted = after[after["state"] == "posted"]
    assert posted["comment_id"].is_unique
    assert posted["post_id"].is_unique
    assert len(posted) >= (before["state"] == "posted").sum()
