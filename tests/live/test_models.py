"""Which judges a workspace has, and what a round does with the judge of fit."""

import logging

import numpy as np
import pandas as pd

from botlib.bert import fit_training
from botlib.live import judging
from botlib.live.models import Judges
from botlib.settings import PostSettings
from botlib.tables import PROPOSED

from . import small_models


def proposed(rows: pd.DataFrame) -> pd.DataFrame:
    fixed = {"title": "t", "post_score": 1, "comment_score": 5, "sample": 0, "log_prob": -1.0}
    return rows.assign(
        **fixed, post_id=rows["submission_id"], proposed_reply=rows["reply"]
    )[list(PROPOSED.columns)]  # fmt: skip


def test_an_older_workspace_has_no_judge_of_fit_and_the_log_says_so_once(
    workspace, caplog, topic_pairs
):
    small_models.fill(workspace)
    caplog.set_level(logging.INFO, logger="botlib.live")
    judges = Judges.load(workspace, threads=1)
    said = [r.message for r in caplog.records if "event=judges" in r.message]
    assert len(said) == 1
    assert 'missing=bert_fit cure="run 03_bert_realism again"' in said[0]
    chosen = judging.judge(proposed(topic_pairs(5)), judges, PostSettings(threshold=0.0))
    assert not chosen["reason"].str.contains("fit").any()


def test_a_reply_to_another_comment_gets_no_further_than_the_judge_of_fit(workspace, topic_pairs):
    small_models.fill(workspace)
    fit_training.train(
        topic_pairs(400), topic_pairs(100), encoder=None, out=workspace.bert_fit, progress=False
    )
    judges = Judges.load(workspace, threads=1)
    assert workspace.bert_fit in judges.folders
    own = topic_pairs(60)
    other = own.assign(reply=np.roll(own["reply"], 8))
    refused = [
        judging.judge(proposed(rows), judges, PostSettings(threshold=0.0))["reason"]
        .str.contains("it may answer another comment")
        .mean()
        for rows in (own, other)
    ]
    assert refused[0] < 0.25
    assert refused[1] > 0.5
