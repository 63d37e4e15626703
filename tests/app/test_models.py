"""The tab Models: what was measured, the last run's figures, and what a threshold keeps."""

import base64

import nbformat
import pandas as pd
import pytest

from botlib import tables
from botlib.evaluation import record
from tests.live import small_models

PNG = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()


@pytest.fixture
def measured(site):
    """A workspace with models, their scores, validation pairs and an executed notebook."""
    workspace = site.workspace
    small_models.fill(workspace)
    scores = pd.DataFrame({"model": ["BERT", "<b>length</b>"], "auc": ["0.9 [0.8, 1.0]", "0.5"]})
    record.save(workspace.bert_realism, "Realism", "BERT is better.", scores)
    rows = [
        {"comment_id": f"c{n}", "reply_id": f"r{n}", "subreddit": "writing", "split": "validation",
         "comment": "Rivers?", "reply": text, "real": 1, "rating": 1, "reply_score": 2}
        for n, text in enumerate(small_models.TEXTS[:12])
    ]  # fmt: skip
    real = pd.DataFrame(rows).reindex(columns=list(tables.BERT_GAN_REAL.columns))
    tables.write_table(workspace.bert_gan_real, real, tables.BERT_GAN_REAL)
    fake = real.assign(real=0, reply=real["reply"].str[::-1], sample=0, temperature=1.0, top_k=0)
    fake = fake.reindex(columns=list(tables.BERT_GAN_FAKE.columns)).assign(top_p=1.0)
    tables.write_table(workspace.bert_gan_fake(0), fake, tables.BERT_GAN_FAKE)
    output = nbformat.v4.new_output("display_data", {"image/png": PNG, "text/plain": "A curve"})
    said = nbformat.v4.new_output("stream", text="It rises.\n")
    cell = nbformat.v4.new_code_cell("draw()", outputs=[output, said])
    folder = workspace.runs / "2026-11-25T00-00-00"
    folder.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "03_bert_realism.ipynb")
    return site


def test_each_model_shows_what_was_measured_beside_its_baselines(measured, browser):
    said = browser.get("/api/models").json
    (section,) = [one for one in said["sections"] if one["title"] == "Realism"]
    assert section["columns"] == ["model", "auc"]
    assert section["rows"][1][0] == "<b>length</b>"
    assert said["notebooks"] == ["03_bert_realism"]


def test_the_figures_of_the_last_run_are_shown_with_their_sentence(measured, browser):
    (figure,) = browser.get("/api/models/figures/03_bert_realism").json
    assert figure["sentence"] == "It rises."
    answer = browser.get(f"/api/models/figures/03_bert_realism/{figure['name']}")
    assert answer.mimetype == "image/png" and answer.data.startswith(b"\x89PNG")
    for notebook in ("02_gpt2_finetune", "..", "05_generate"):
        assert browser.get(f"/api/models/figures/{notebook}").status_code in (404, 409)


def test_a_threshold_keeps_less_the_higher_it_is(measured, browser):
    said = browser.get("/api/models/thresholds").json
    assert said["pairs"] == 24 and len(said["steps"]) == 101
    kept = [step["coverage"] for step in said["steps"]]
    assert kept[0] == 1.0 and kept == sorted(kept, reverse=True)
    shown = [reply["p"] for reply in said["replies"]]
    assert shown == sorted(shown, reverse=True)


def test_without_models_the_page_says_which_notebook_makes_them(browser):
    said = browser.get("/api/models").json
    assert said["sections"] == [] and said["notebooks"] == []
    assert browser.get("/api/models/thresholds").status_code == 409
