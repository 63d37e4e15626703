import json

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from botlib import model_files
from botlib.bert import blend
from botlib.bert.surface import NAMES, surface
from botlib.errors import BotlibError
from botlib.evaluation import metrics

TOPICS = ("thesis", "exam", "rent", "dorm", "visa")
MOODS = ("gladly", "sadly", "maybe", "never")


@pytest.fixture(scope="module")
def replies() -> pd.DataFrame:
    """2,400 replies, four a comment; scores come from a word, the length and something unseen."""
    rng = np.random.default_rng(12)
    n = 2400
    mood, words, hidden = rng.integers(0, 4, n), rng.integers(2, 40, n), rng.normal(size=n)
    value = 2.0 * (mood == 0) - 1.5 * (mood == 3) + words / 15 + hidden + rng.normal(size=n) * 0.7
    return pd.DataFrame(
        {
            "submission_id": np.repeat([f"t{i}" for i in range(300)], 8),
            "comment_id": np.repeat([f"c{i}" for i in range(600)], 4),
            "comment": np.repeat([f"about my {TOPICS[i % 5]}?" for i in range(600)], 4),
            "reply": [
                f"{MOODS[m]} " + " ".join(rng.choice(TOPICS, w)) + "."
                for m, w in zip(mood, words, strict=True)
            ],
            "reply_score": np.round(4 * value).astype(int),
            "rating": np.digitize(value, np.quantile(value, [0.25, 0.5, 0.75])),
            "reply_created_utc": 1_500_000_000 + rng.integers(0, 3000, n),
            "comment_created_utc": 1_500_000_000,
            "hidden": hidden,
        }
    )


def parts(replies):
    return replies[:1200], replies[1200:1800], replies[1800:]


def opinion(frame) -> np.ndarray:
    """An encoder that knows the hidden part only, as logits of four classes."""
    return frame["hidden"].to_numpy()[:, None] * np.array([-1.5, -0.5, 0.5, 1.5])


def test_words_equal_scikit_learn(replies):
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True, max_features=60
    )
    matrix = vectorizer.fit_transform(replies.reply[:500])
    weights = np.random.default_rng(0).normal(size=(matrix.shape[1], 3))
    texts = [*replies.reply[500:700], "", "Nothing known HERE", "Gladly, gladly! thesis"]
    ours = blend.Words.of(vectorizer, weights).logits(texts)
    assert np.allclose(ours, vectorizer.transform(texts) @ weights, atol=1e-9)


def test_the_blend_of_two_classes_beats_each_part(replies):
    first, second, test = (part.assign(real=(part.rating > 1) * 1) for part in parts(replies))
    two = {name: opinion(part)[:, [1, 2]] for name, part in (("second", second), ("test", test))}
    head = blend.fit(first, second, two["second"], task="realism")
    blended = head.logits(two["test"], test.comment.tolist(), test.reply.tolist())
    auc = {}
    for name, logits in {"encoder": two["test"], "blend": blended}.items():
        p = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        auc[name] = metrics.binary(test.real, p, resamples=0)["auc"]
    assert blended.shape == (len(test), 2)
    assert auc["blend"] > auc["encoder"] + 0.05


def test_the_blend_of_ratings_beats_each_part_and_survives_saving(replies, tmp_path):
    first, second, test = parts(replies)
    head = blend.fit(first, second, opinion(second), task="upvotes")
    texts = test.comment.tolist(), test.reply.tolist()
    blended = head.logits(opinion(test), *texts)
    macro = {}
    for name, logits in {"encoder": opinion(test), "blend": blended}.items():
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        macro[name] = metrics.multiclass(test.rating, p, resamples=0)["auc_macro"]
    assert macro["blend"] > macro["encoder"] + 0.05
    head.save(tmp_path)
    again = blend.load(tmp_path).logits(opinion(test), *texts)
    assert np.allclose(again, blended, atol=1e-4)


def test_the_blend_of_ranks_beats_each_part(replies, tmp_path):
    first, second, test = parts(replies)
    opinions = [frame[["hidden"]].to_numpy() for frame in (second, test)]
    head = blend.fit(first, second, opinions[0], task="rank")
    head.save(tmp_path)
    texts = test.comment.tolist(), test.reply.tolist()
    score = blend.load(tmp_path).logits(opinions[1], *texts)
    assert score.shape == (len(test), 1)
    shares = {
        name: metrics.pairwise(test, s, resamples=0)["pairwise"]
        for name, s in (
            ("blend", score[:, 0]),
            ("encoder", opinions[1][:, 0]),
            ("length", test.reply.str.len()),
        )
    }
    assert shares["blend"] > max(shares["encoder"], shares["length"]) + 0.03


def test_add_puts_a_head_where_the_scorer_finds_it(replies, tmp_path, monkeypatch):
    class Encoder:
        """Stands in for the encoder's session: knows the hidden part of each reply."""

        task = "rank"

        def __init__(self, folder, blended=True):
            assert not blended  # the head is fitted on what the encoder says alone

        def logits(self, comments, texts, progress=False):
            known = dict(zip(replies.reply, replies.hidden, strict=True))
            return np.array([[known[text]] for text in texts])

    monkeypatch.setattr("botlib.bert.scorer.Scorer", Encoder)
    monkeypatch.setattr(blend, "MAX_HEAD_ROWS", 500)
    first, second, _ = parts(replies)
    model_files.declare(tmp_path, "bert_rank", [])
    assert blend.add(tmp_path, first, second)
    assert model_files.needed(tmp_path, "bert_rank") == [blend.ARRAYS, blend.WORDS]
    assert blend.load(tmp_path).task == "rank"
    assert not blend.add(tmp_path / "few", first, second[:40])
    assert not (tmp_path / "few").exists()


def test_too_few_rows_make_no_head(replies):
    first, second, _ = parts(replies)
    few = second[:40]
    assert blend.fit(first, few, opinion(few), task="upvotes") is None
    assert blend.fit(first, few, few[["hidden"]].to_numpy(), task="rank") is None
    one = second.assign(rating=1)
    assert blend.fit(first, one, opinion(one), task="upvotes") is None


def test_no_head_and_a_damaged_head(replies, tmp_path):
    assert blend.load(tmp_path) is None
    first, second, _ = parts(replies)
    blend.fit(first, second, opinion(second), task="upvotes").save(tmp_path)
    described = json.loads((tmp_path / blend.WORDS).read_text(encoding="utf-8"))
    del described["words"]["reply"]["pattern"]
    (tmp_path / blend.WORDS).write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(BotlibError, match="train it again"):
        blend.load(tmp_path)


def test_surface_counts_what_its_names_say():
    texts = ["Thanks! Should I try?\n> no", "", "wrong 😀 (lol) https://a.b"]
    features = pd.DataFrame(surface(texts), columns=NAMES)
    assert np.isfinite(features.to_numpy()).all()
    assert (features.loc[0, ["thanks", "question", "exclamation", "advice", "quotation"]] > 0).all()
    assert (features.loc[1].drop("log_sentence") == 0).all()
    assert (features.loc[2, ["disagreement", "emoji", "bracket", "laughter", "link"]] > 0).all()
