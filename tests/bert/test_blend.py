import json

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from botlib import model_files
from botlib.bert import blend, blend_training, head_choice
from botlib.bert.blend import SURFACE_NAMES, surface
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
    head = blend_training.fit(first, second, two["second"], task="realism")
    blended = head.logits(two["test"], test.comment.tolist(), test.reply.tolist())
    auc = {}
    for name, logits in {"encoder": two["test"], "blend": blended}.items():
        p = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        auc[name] = metrics.binary(test.real, p, resamples=0)["auc"]
    assert blended.shape == (len(test), 2)
    assert auc["blend"] > auc["encoder"] + 0.05


def test_the_blend_of_ratings_beats_each_part_and_survives_saving(replies, tmp_path):
    first, second, test = parts(replies)
    head = blend_training.fit(first, second, opinion(second), task="upvotes")
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
    head = blend_training.fit(first, second, opinions[0], task="rank")
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


class Encoder:
    """Stands in for the encoder's session: knows what the test lets it know of each reply."""

    temperature = 1.0

    def __init__(self, task, known):
        self.task, self.known = task, known

    def __call__(self, folder, judge=None):
        assert judge == "encoder"  # the head is fitted on what the encoder says alone
        return self

    def logits(self, comments, texts, progress=False):
        return np.array([self.known[text] for text in texts])


def added(folder, monkeypatch, task, parts, known):
    """Adds a head to a folder with an empty config and card; returns the choice."""
    folder.mkdir()
    model_files.declare(folder, f"bert_{task}", ["config.json"])
    for name in ("config.json", "model_card.json"):
        (folder / name).write_text(json.dumps({"task": task}))
    monkeypatch.setattr(blend_training, "Scorer", Encoder(task, known))
    choice = blend_training.add(folder, *parts)
    for name in ("config.json", "model_card.json"):
        assert json.loads((folder / name).read_text()) == {"task": task, "head": choice}
    return choice


def test_a_head_that_helps_is_used_and_recorded(replies, tmp_path, monkeypatch):
    monkeypatch.setattr(blend_training, "MAX_HEAD_ROWS", 900)
    first, second = replies[:1200], replies[1200:]
    known = dict(zip(replies.reply, opinion(replies), strict=True))
    choice = added(tmp_path / "helps", monkeypatch, "upvotes", (first, second), known)
    assert choice["used"] and choice["measure"] == "macro AUC"
    assert choice["with_head"] - choice["encoder"] == pytest.approx(choice["gain"])
    assert 0 < choice["low"] < choice["gain"] < choice["high"]
    assert choice["replies"] <= 900 and choice["threads"] < 120
    parts = model_files.needed(tmp_path / "helps", "bert_upvotes")
    assert parts == [blend.ARRAYS, blend.WORDS, "config.json"]


def test_a_head_that_only_adds_noise_is_not_used(replies, tmp_path, monkeypatch):
    """The encoder knows all there is to know: words and form can't help."""
    real = replies.assign(real=(replies.rating > 1) * 1)
    sure = np.where(real.real == 1, 3.0, -3.0) + np.random.default_rng(1).normal(size=len(real))
    known = {t: (-x, x) for t, x in zip(real.reply, sure, strict=True)}
    parts = real[:1200], real[1200:]
    choice = added(tmp_path / "noise", monkeypatch, "realism", parts, known)
    assert not choice["used"] and choice["measure"] == "AUC"
    assert choice["gain"] <= choice["high"]
    assert model_files.needed(tmp_path / "noise", "bert_realism") == ["config.json"]
    few = added(tmp_path / "few", monkeypatch, "realism", (real[:1200], real[1200:1240]), known)
    assert not few["used"] and "needs 500 replies" in few["reason"]
    assert not (tmp_path / "few" / blend.ARRAYS).exists()


def test_a_rank_head_is_judged_by_pairs_in_order(replies, tmp_path, monkeypatch):
    known = {t: (h,) for t, h in zip(replies.reply, replies.hidden, strict=True)}
    parts = replies[:1200], replies[1200:]
    choice = added(tmp_path / "rank", monkeypatch, "rank", parts, known)
    assert choice["used"] and choice["measure"] == "pairwise accuracy"


def test_the_measure_of_realism_is_the_operating_point():
    """A head that orders better on the whole, but lets fakes reach the top, is a loss."""
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], 3000)
    rows = pd.DataFrame({"real": y, "submission_id": np.arange(6000) // 4})
    alone = rng.normal(size=6000) + 2 * y
    both = rng.normal(size=6000) + 2.6 * y
    both[:90] = 9.0
    logits = [np.column_stack([np.zeros(6000), x]) for x in (alone, both)]
    choice = head_choice.choose("realism", rows, *logits)
    assert choice["measure"] == head_choice.RECALL
    assert not choice["used"] and choice["gain"] < -0.1
    assert (
        metrics.binary(y, head_choice.softmax(logits[1])[:, 1], resamples=0)["auc"]
        > (metrics.binary(y, head_choice.softmax(logits[0])[:, 1], resamples=0)["auc"])
    )
    fakes = np.sort(alone[y == 0])
    assert choice["encoder"] == pytest.approx((alone[y == 1] > fakes[-31]).mean())


def test_in_a_tie_the_encoder_judges_alone():
    rows = pd.DataFrame({"real": [0, 1] * 50, "submission_id": np.arange(100)})
    logits = np.random.default_rng(4).normal(size=(100, 2))
    choice = head_choice.choose("realism", rows, logits, logits)
    assert not choice["used"] and choice["gain"] == 0
    lone = rows.assign(comment_id=rows.submission_id, reply_score=1, reply_created_utc=0)
    nothing = head_choice.choose("rank", lone, logits[:, :1], logits[:, :1])
    assert not nothing["used"] and nothing["gain"] is None


def test_a_head_judges_no_thread_that_it_was_fitted_on(replies, monkeypatch):
    first, second, _ = parts(replies)
    head = blend_training.fit(first, second, opinion(second), task="upvotes")
    seen = []
    fitted = blend_training._head
    monkeypatch.setattr(
        blend_training, "_head", lambda t, f, rows, k: seen.append(rows) or fitted(t, f, rows, k)
    )
    logits = blend_training.cross_fitted(head, second, opinion(second))
    assert logits.shape == (len(second), 4) and len(seen) == blend_training.FOLDS
    for rows in seen:
        held = second[~second.index.isin(rows.index)]
        assert len(held) and not set(held.submission_id) & set(rows.submission_id)


def test_too_few_rows_make_no_head(replies):
    first, second, _ = parts(replies)
    few = second[:40]
    assert blend_training.fit(first, few, opinion(few), task="upvotes") is None
    assert blend_training.fit(first, few, few[["hidden"]].to_numpy(), task="rank") is None
    one = second.assign(rating=1)
    assert blend_training.fit(first, one, opinion(one), task="upvotes") is None


def test_no_head_and_a_damaged_head(replies, tmp_path):
    assert blend.load(tmp_path) is None
    first, second, _ = parts(replies)
    blend_training.fit(first, second, opinion(second), task="upvotes").save(tmp_path)
    described = json.loads((tmp_path / blend.WORDS).read_text(encoding="utf-8"))
    del described["words"]["reply"]["pattern"]
    (tmp_path / blend.WORDS).write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(BotlibError, match="train it again"):
        blend.load(tmp_path)


def test_surface_counts_what_its_names_say():
    texts = ["Thanks! Should I try?\n> no", "", "wrong 😀 (lol) https://a.b"]
    features = pd.DataFrame(surface(texts), columns=SURFACE_NAMES)
    assert np.isfinite(features.to_numpy()).all()
    assert (features.loc[0, ["thanks", "question", "exclamation", "advice", "quotation"]] > 0).all()
    assert (features.loc[1].drop("log_sentence") == 0).all()
    assert (features.loc[2, ["disagreement", "emoji", "bracket", "laughter", "link"]] > 0).all()
