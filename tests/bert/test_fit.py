"""The judge of fit: what it learns, ships and refuses, and that it needs no encoder."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from botlib.__main__ import main
from botlib.bert import fit, fit_training
from botlib.bert.fit import Fit
from botlib.errors import BotlibError
from botlib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, topic_pairs) -> tuple[Workspace, dict]:
    workspace = Workspace.open(tmp_path_factory.mktemp("fit"), create=True)
    choice = fit_training.train(
        topic_pairs(700), topic_pairs(150), encoder=None, out=workspace.bert_fit, progress=False
    )
    return workspace, choice


def test_a_reply_to_another_comment_is_told_apart_though_no_word_is_shared(trained, topic_pairs):
    workspace, choice = trained
    assert choice["form"] == "trained"
    for place, rows in fit_training.held_out(topic_pairs(120), seed=1).items():
        scores = fit.predict_all_forms(
            workspace.bert_fit, rows["comment"].tolist(), rows["reply"].tolist()
        )
        auc = {name: roc_auc_score(rows["real"], p) for name, p in scores.items()}
        assert auc["fit"] > 0.85, place
        assert auc["fit"] > auc["TF-IDF cosine"] + 0.2, place


def test_its_threshold_lets_nine_in_ten_real_replies_pass_and_says_what_else_passes(
    trained, topic_pairs
):
    workspace, choice = trained
    rows = fit_training.held_out(topic_pairs(120), seed=1)["subreddit"]
    judge = Fit(workspace.bert_fit)
    scores = judge.predict(rows["comment"].tolist(), rows["reply"].tolist())
    passed = pd.Series(scores >= judge.threshold).groupby(rows["real"]).mean()
    assert passed[1] == pytest.approx(0.9, abs=0.06)
    assert passed[0] == pytest.approx(choice["passed"]["subreddit"], abs=0.12)


def test_a_trained_form_that_is_below_a_baseline_is_never_shipped(
    tmp_path, monkeypatch, topic_pairs
):
    aucs = iter([0.70, 0.60, 0.72])  # trained, vector cosine, TF-IDF cosine
    monkeypatch.setattr(
        fit_training, "_aucs", lambda *_: dict.fromkeys(("subreddit", "thread"), next(aucs))
    )
    out = tmp_path / "bert_fit"
    choice = fit_training.train(
        topic_pairs(60, True), topic_pairs(40, True), encoder=None, out=out, progress=False
    )
    assert choice["form"] == Fit(out).form == "TF-IDF cosine"
    assert json.loads((out / "model_card.json").read_text())["auc"]["trained"]["thread"] == 0.70
    comments = ["oven bread", "engine brake"]
    judge = Fit(out)
    own, other = judge.predict(comments, comments), judge.predict(comments, comments[::-1])
    assert (own > other).all()


def test_it_judges_the_same_after_export_and_import_and_scores_a_table(
    trained, tmp_path, topic_pairs
):
    workspace, _ = trained
    bundle, table = tmp_path / "fit.tar.gz", tmp_path / "pairs.csv"
    assert main(["export", "bert_fit", str(bundle), "--workspace", str(workspace.root)]) == 0
    other = Workspace.open(tmp_path / "other", create=True)
    assert main(["import", str(bundle), "--workspace", str(other.root)]) == 0
    rows = topic_pairs(5).assign(reply_id=lambda frame: frame["comment_id"])
    rows[["comment_id", "reply_id", "comment", "reply"]].to_csv(table, index=False)
    arguments = ["--pairs", str(table), "--out", str(tmp_path / "scores.csv")]
    arguments += ["--workspace", str(other.root), "--model", "bert_fit"]
    assert main(["score", *arguments]) == 0
    expected = Fit(workspace.bert_fit).predict(rows["comment"].tolist(), rows["reply"].tolist())
    found = pd.read_csv(tmp_path / "scores.csv")["prob_fit"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_missing_or_damaged_judge_names_its_notebook(trained, tmp_path):
    workspace, _ = trained
    with pytest.raises(BotlibError, match="run 03_bert_realism"):
        Fit(tmp_path)
    for name in ("config.json", "model.json", fit.VOCABULARY):
        (tmp_path / name).write_bytes((workspace.bert_fit / name).read_bytes())
    with pytest.raises(BotlibError, match=r"fit\.npz is missing.*run 03_bert_realism"):
        Fit(tmp_path)
    (tmp_path / fit.ARRAYS).write_bytes(b"PK\x03\x04")
    with pytest.raises(BotlibError, match="run 03_bert_realism"):
        Fit(tmp_path)


def test_no_threads_to_take_strangers_from_is_a_clear_error(tmp_path, topic_pairs):
    with pytest.raises(BotlibError, match="validation comments of several threads"):
        fit_training.train(
            topic_pairs(20), topic_pairs(1).head(1), encoder=None, out=tmp_path / "x"
        )
    assert not (tmp_path / "x").exists()


def test_the_vectors_of_an_encoder_are_its_mean_state(tmp_path):
    """A small real encoder, exported: int8 costs little, and equal texts have equal vectors."""
    from botlib.bert import embed, encoder
    from botlib.bert.features import PairFeatures

    workspace = Workspace.open(tmp_path / "w", create=True)
    texts = [f"{number} cats and dogs like to eat rice and soup" for number in range(9)]
    module = encoder.load("scratch:1x32", workspace, texts)
    embed.export(module, tmp_path)
    found = embed.Embedder(tmp_path, True).embed([texts[0], "rice", texts[0]])
    assert found.shape == (3, 32)
    np.testing.assert_array_equal(found[0], found[2])
    features = PairFeatures(module.vocab_file, True, embed.MAX_TOKENS)
    inputs = features.encode_texts([texts[0]]).pad(np.array([0]))
    mean = encoder.sequence_output(module, inputs)[0].mean(axis=0)
    assert found[0] @ (mean / np.linalg.norm(mean)) > 0.99


def test_judging_loads_neither_tensorflow_nor_scikit_learn(trained):
    workspace, _ = trained
    code = (
        "import sys; from botlib.bert.fit import Fit; "
        f"Fit({str(workspace.bert_fit)!r}).predict(['a'], ['b']); "
        "print([name for name in ('tensorflow', 'sklearn') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.strip() == "[]"
