"""The verdict says what the numbers say, the bad ones too, and never praises a made-up Reddit."""

import json

import pandas as pd
import pytest

from botlib.evaluation import record
from botlib.manifests import write_manifest
from botlib.runs import headlines, verdict
from botlib.runs.pipeline import Result

ROW = ("per_100", "low", "high")


def card(workspace, own=2.916, other=2.944, share=0.372, replies=156):
    folder = workspace.gpt2("run1")
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "perplexity": {"own_comment": own, "shuffled_comment": other},
        "memorisation": {"share": share, "words": 12, "replies": replies},
    }
    (folder / "model_card.json").write_text(json.dumps(values))


def realism(workspace, per_100, gain=(0.05, 0.1), kept=0.8):
    workspace.bert_realism.mkdir(parents=True, exist_ok=True)
    scores = pd.DataFrame({"model": ["BERT", "TF-IDF"], "auc": ["0.94 [0.92, 0.95]", "0.80"]})
    rows = {name: {"per_100": n, "low": n, "high": n} for name, n in per_100.items()}
    record.save(
        workspace.bert_realism,
        *("Realism", "BERT is better.", scores),
        gain={"gain": sum(gain) / 2, "intervals": {"gain": gain}},
        passing=[
            {"threshold": 0.5, "kept": 1.0, "models": dict.fromkeys(rows, dict.fromkeys(ROW, 77))},
            {"threshold": 0.9, "kept": kept, "models": rows},
        ],
    )


def data(workspace, source, rows=8000):
    workspace.bert_gan_real.write_text("")
    write_manifest(
        workspace.bert_gan_real,
        inputs=[],
        parameters={"source": source},
        seed=1,
        extra={"rows": rows},
    )


def judged(workspace, results=()):
    return verdict.judge(workspace, headlines.collect(workspace), results)


def test_a_generator_that_ignores_the_comment_is_called_bad(workspace):
    data(workspace, "archive")
    card(workspace, share=0.0)
    found = judged(workspace)
    assert found.state == "bad"
    assert "reading the comment" in found.title
    assert any("no better with its own comment (2.916)" in line for line in found.lines)
    assert any("dialogpt-small" in step for step in found.steps)


def test_memorised_replies_are_called_bad_with_their_number(workspace):
    data(workspace, "archive")
    card(workspace, own=20.0, other=30.0)
    found = judged(workspace)
    assert "writing its own words" in found.title
    assert any("37% of 156 generated replies" in line for line in found.lines)


def test_no_memorised_reply_of_few_is_not_proof_of_none(workspace):
    card(workspace, own=20.0, other=30.0, share=0.0, replies=9)
    memorised = headlines.collect(workspace)[-1]
    assert (memorised.low, memorised.state) == (0.0, "unsure")
    assert memorised.high > 0.2


def test_a_made_up_reddit_is_never_called_good(workspace):
    data(workspace, "sample")
    card(workspace, own=20.0, other=30.0, share=0.0, replies=10_000)
    realism(workspace, {"BERT": 2.0, "TF-IDF": 40.0})
    found = judged(workspace)
    assert found.state == "unsure"
    assert "nothing about real replies" in found.title
    assert "8,000 pairs of a small made-up Reddit" in found.lines[0]
    assert "--subreddits" in found.steps[0]


def test_good_models_on_real_data_are_called_good(workspace):
    data(workspace, "archive", 100_000)
    card(workspace, own=20.0, other=30.0, share=0.0, replies=10_000)
    realism(workspace, {"BERT": 2.0, "TF-IDF": 40.0})
    assert judged(workspace).state == "good"


def test_a_judge_that_loses_to_counting_words_is_bad_however_few_fakes_pass(workspace):
    realism(workspace, {"BERT": 4.0, "TF-IDF": 1.0}, gain=(-0.1, -0.02))
    found = headlines.collect(workspace)[0]
    assert found.state == "bad"
    assert "TF-IDF judges better" in found.sentence
    assert found.beside == "TF-IDF: 1"


def test_fakes_that_pass_are_told_for_the_threshold_that_the_bot_was_run_with(workspace):
    realism(workspace, {"BERT": 2.0, "TF-IDF": 40.0})
    used = workspace.reply_score_predictions("2026-11-23")
    used.write_text("")
    write_manifest(used, inputs=[], parameters={"threshold": 0.55}, seed=1)
    assert headlines.collect(workspace)[0].value == 77


def test_a_threshold_that_keeps_nothing_is_said_and_not_shown_as_nan(workspace):
    realism(workspace, {"BERT": float("nan"), "TF-IDF": float("nan")}, kept=0.0)
    found = headlines.collect(workspace)[0]
    assert found.shown == "not known"
    assert "keeps no real reply" in found.sentence


def test_a_failed_run_says_first_where(workspace):
    failed = Result("01_data", "failed", None, 1.0, "01_data failed in cell 3: no dumps")
    found = judged(workspace, [failed])
    assert found.title == "The run failed in 01_data."
    assert "no dumps" in found.lines[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.723 [0.701, 0.745]", (0.723, 0.701, 0.745)), ("-0.1 [-0.2, +0.1]", (-0.1, -0.2, 0.1))],
)
def test_scores_are_read_back_with_their_intervals(text, value):
    assert headlines.number(text) == value


def test_what_is_no_number_has_none():
    assert all(part != part for part in headlines.number("nan"))
