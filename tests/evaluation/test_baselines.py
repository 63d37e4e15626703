import numpy as np
import pytest

from botlib.errors import BotlibError
from botlib.evaluation import baselines, metrics


@pytest.fixture
def labelled(siblings):
    """ "real" depends on a word, "rating" on the length."""
    rng = np.random.default_rng(4)
    siblings["real"] = rng.integers(0, 2, len(siblings))
    siblings["reply"] += np.where(siblings.real == 1, "thanks", "indeed")
    siblings["rating"] = np.digitize(siblings.reply.str.len(), [75, 150, 225])
    return siblings


def test_each_baseline_finds_what_it_can_see(labelled):
    models = baselines.fit_all(labelled, "real")
    p = baselines.predict_all(models, labelled)
    auc = {name: metrics.binary(labelled.real, q, resamples=0)["auc"] for name, q in p.items()}
    assert auc[baselines.CLASS_FREQUENCIES] == 0.5
    assert auc[baselines.TFIDF] > 0.99 > auc[baselines.LENGTH]


def test_length_only_knows_no_words(labelled):
    """The same length in longer words is another matter, and has a name of its own."""
    words = labelled.reply.str.split().str.len()
    same = [("aaaa " * n)[:-1] for n in words]
    labelled["reply"] = np.where(labelled.real == 1, [t.replace(" ", "") for t in same], same)
    labelled["reply"] = labelled.reply.str.ljust(labelled.reply.str.len().max(), "b")
    p = baselines.predict_all(baselines.fit_all(labelled, "real"), labelled)
    auc = {name: metrics.binary(labelled.real, q, resamples=0)["auc"] for name, q in p.items()}
    assert auc[baselines.LENGTH] == 0.5
    assert auc[baselines.WORD_LENGTH] > 0.9


def test_four_ratings_from_length(labelled):
    model = baselines.fit(baselines.LENGTH, labelled, "rating")
    p = model.predict_proba(labelled)
    assert p.shape == (len(labelled), 4) and model.classes.tolist() == [0, 1, 2, 3]
    assert metrics.multiclass(labelled.rating, p, resamples=0)["auc_macro"] > 0.95


def test_sampling_down_and_same_seed_same_result(labelled):
    one, two = (
        baselines.fit(baselines.TFIDF, labelled, "real", max_rows=100, seed=1).predict_proba(
            labelled
        )
        for _ in range(2)
    )
    assert np.array_equal(one, two)


def test_rankers_beat_chance_on_length(siblings):
    rankers = baselines.fit_rankers(siblings)
    assert set(rankers) == {baselines.LENGTH, baselines.TFIDF}
    for ranker in rankers.values():
        assert metrics.pairwise(siblings, ranker(siblings), resamples=0)["pairwise"] > 0.7


def test_errors_name_the_cure(labelled):
    with pytest.raises(BotlibError, match="no baseline 'BERT'"):
        baselines.fit("BERT", labelled, "real")
    with pytest.raises(BotlibError, match="column 'mood'"):
        baselines.fit(baselines.LENGTH, labelled, "mood")
    with pytest.raises(BotlibError, match="two classes"):
        baselines.fit(baselines.LENGTH, labelled.assign(real=1), "real")
    with pytest.raises(BotlibError, match="nothing to learn"):
        baselines.fit_rankers(labelled.drop_duplicates("comment_id"))


def test_shuffled_labels_come_out_at_chance(labelled):
    rng = np.random.default_rng(8)
    labelled["real"] = rng.permutation(labelled.real)
    first, second = labelled[::2], labelled[1::2]
    model = baselines.fit(baselines.TFIDF, first, "real")
    result = metrics.binary(second.real, model.predict_proba(second)[:, 1], second.submission_id)
    low, high = result["intervals"]["auc"]
    assert low < 0.5 < high
