"""How much fit counts in the order of candidates: what validation says, kept with the rank."""

import json

import numpy as np
import pandas as pd
import pytest

from botlib.bert import fit_order, fit_training
from botlib.evaluation import sentences
from botlib.live.models import Judges
from tests.live import small_models


@pytest.fixture
def judged(workspace, topic_pairs):
    """A workspace whose rank knows nothing, and pairs with two replies to each comment."""
    small_models.fill(workspace)
    fit_training.train(
        topic_pairs(400), topic_pairs(100), encoder=None, out=workspace.bert_fit, progress=False
    )
    first = topic_pairs(120)
    second = first.assign(reply=[" ".join(text.split()[::-1]) for text in first["reply"]])
    scores = np.random.default_rng(0).permutation([1, 5] * len(first))
    rows = pd.concat([first, second], ignore_index=True)
    return workspace, rows.assign(reply_score=scores, reply_created_utc=1_500_000_000)


def test_fit_counts_where_it_puts_own_replies_before_strangers(judged):
    workspace, validation = judged
    found = fit_order.add(workspace.bert_rank, workspace.bert_fit, validation)
    assert found["weight"] > 0
    assert found["with"]["strangers"] > found["without"]["strangers"] + 0.05
    total = [sum(found[key].values()) for key in ("with", "without")]
    assert total[0] > total[1]
    assert Judges.load(workspace, threads=1).fit_weight == found["weight"]
    card = json.loads((workspace.bert_rank / "model_card.json").read_text())
    assert card["fit_weight"] == found
    assert "fit counts" in sentences.fit_order(found)


def test_without_a_judge_of_fit_or_pairs_the_rank_orders_alone(judged, tmp_path):
    workspace, validation = judged
    few = validation.head(4)
    for fit, rows in ((tmp_path, validation), (workspace.bert_fit, few)):
        found = fit_order.add(workspace.bert_rank, fit, rows)
        assert found["weight"] == 0
        assert "alone orders candidates" in sentences.fit_order(found)
        assert Judges.load(workspace, threads=1).fit_weight == 0
