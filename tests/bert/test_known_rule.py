"""On the made-up Reddit the rule behind the scores is known: how near do the models come to it?"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from botlib.bert import blend_training, train
from botlib.bert import encoder as encoders
from botlib.bert.scorer import Scorer
from botlib.data.dumps import extract
from botlib.data.pairs import build
from botlib.data.sample import world as sample
from botlib.evaluation import metrics
from botlib.settings import DataSettings, UpvotesSettings
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(1800)]
SETTINGS = UpvotesSettings(epochs=3, learning_rate=1e-3, classifier_max_tokens=64)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> tuple[Workspace, pd.DataFrame]:
    workspace = Workspace.open(tmp_path_factory.mktemp("rule"), create=True)
    sample.write_sample(workspace.dumps, seed=2020)
    extract.extract([workspace.dumps], subreddits=list(sample.SUBREDDITS), out=workspace)
    settings = DataSettings(source="sample", subreddits=",".join(sample.SUBREDDITS))
    build.write_pairs(workspace, settings)
    return workspace, read_table(workspace.bert_gan_real, BERT_GAN_REAL)


@pytest.fixture(scope="module")
def encoder(made_up):
    workspace, frame = made_up
    return encoders.load("scratch:2x128", workspace, frame["comment"] + " " + frame["reply"])


def side(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame["split"] == name].reset_index(drop=True)


def trained(encoder, frame: pd.DataFrame, out) -> np.ndarray:
    """Probabilities of the test replies' ratings, from a model trained as notebook 04 does."""
    first, second = side(frame, "generator"), side(frame, "classifier")
    place = {"task": "upvotes", "encoder": encoder, "out": out, "progress": False}
    train.train(first, side(frame, "validation"), settings=SETTINGS, **place)
    blend_training.add(out, first, second)
    test = side(frame, "test")
    return Scorer(out).predict(test["comment"].tolist(), test["reply"].tolist())


def rule_probabilities(frame: pd.DataFrame) -> np.ndarray:
    """What somebody who knew the rule could say of each rating from the two texts alone."""
    expected = np.array(
        [sample.rule_score(c, r) for c, r in zip(frame["comment"], frame["reply"], strict=True)]
    )
    early = (frame["reply_created_utc"] - frame["comment_created_utc"] < 3600).mean()
    popular = (frame["comment_score"] >= 5).mean()
    below = np.zeros((len(frame), 3))
    for points, chance in (
        (0, (1 - early) * (1 - popular)),
        (1, early * (1 - popular) + popular * (1 - early)),
        (2, early * popular),
    ):
        # A rating ends at 0, 1 and 4 points, and scores were rounded
        below += chance * norm.cdf(np.array([0.5, 1.5, 4.5]) - expected[:, None] - points)
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def test_ratings_come_near_to_what_the_rule_allows(made_up, encoder, tmp_path):
    _, frame = made_up
    test = side(frame, "test")
    found = metrics.multiclass(test["rating"], trained(encoder, frame, tmp_path / "model"))
    possible = metrics.multiclass(test["rating"], rule_probabilities(test))
    print(f"macro AUC {found['auc_macro']:.3f} of {possible['auc_macro']:.3f}")
    assert possible["auc_macro"] > 0.8  # a rule that allowed nothing would be no test
    assert found["auc_macro"] >= 0.9 * possible["auc_macro"]
    # Chance is worth 0.5 without any learning: most of what lies above it was learned, too
    assert found["auc_macro"] - 0.5 >= 0.8 * (possible["auc_macro"] - 0.5)


def test_shuffled_labels_teach_nothing(made_up, encoder, tmp_path):
    _, frame = made_up
    shuffled = frame.assign(
        rating=frame.groupby("split")["rating"].transform(
            lambda ratings: np.random.default_rng(7).permutation(ratings.to_numpy())
        )
    )
    probabilities = trained(encoder, shuffled, tmp_path / "model")
    test = side(shuffled, "test")
    found = metrics.multiclass(test["rating"], probabilities, test["submission_id"])
    low, high = found["intervals"]["auc_macro"]
    print(f"macro AUC {found['auc_macro']:.3f} [{low:.3f}, {high:.3f}]")
    # One interval in twenty misses by itself
    assert low - 0.02 <= 0.5 <= high + 0.02
    assert high - low < 0.1  # an interval that holds everything would be no test
