"""The whole demo, as `make demo` runs it: the classifiers must beat what reads no meaning."""

import re

import pytest

from botlib.evaluation import record

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def figures(folder, column):
    """Model → (value, low, high), from cells such as "0.95 [0.94, 0.96]"."""
    scores = record.load(folder).scores.set_index("model")[column]
    return {name: tuple(map(float, re.findall(r"[\d.]+", cell))) for name, cell in scores.items()}


@pytest.mark.timeout(1800)
def test_realism_beats_length_and_words(demo):
    auc = figures(demo.bert_realism, "auc")
    for baseline in ("length only", "TF-IDF"):
        assert auc["BERT"][1] > auc[baseline][2], auc


@pytest.mark.timeout(1800)
def test_ratings_beat_length_and_words(demo):
    auc = figures(demo.bert_upvotes, "auc_macro")
    for baseline in ("length only", "TF-IDF"):
        assert auc["BERT"][1] > auc[baseline][2], auc
