import numpy as np
import pandas as pd
import pytest

from botlib.errors import BotlibError
from botlib.worth import model as context
from botlib.worth.forest import Forest


@pytest.fixture(scope="module")
def replies() -> pd.DataFrame:
    """1,200 replies in 100 threads: early replies and replies to well-liked comments score high."""
    rng = np.random.default_rng(11)
    n = 1200
    comment = np.repeat(np.arange(300), 4)
    created = 1_500_000_000 + 86_400 * (comment // 3)
    delay = rng.exponential(7200, n)
    liked = np.repeat(rng.integers(1, 100, 300), 4)
    value = np.log(liked) - np.log1p(delay / 600) + rng.normal(scale=0.5, size=n)
    return pd.DataFrame(
        {
            "submission_id": [f"t{c // 3}" for c in comment],
            "subreddit": np.where(comment % 2, "College", "GradSchool"),
            "comment_id": [f"c{c}" for c in comment],
            "reply_id": [f"r{i}" for i in range(n)],
            "comment": "what now?",
            "reply": "try this",
            "rating": np.digitize(value, np.quantile(value, [0.1, 0.4, 0.7])),
            "comment_score": liked,
            "comment_created_utc": created,
            "reply_created_utc": created + delay.astype(int),
            "reply_retrieved_utc": created + 10_000_000,
        }
    )


@pytest.fixture(scope="module")
def trained(replies, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "context"
    report = context.train(replies[:900], out=out, trees=40)
    assert report.index.tolist() == ["known", "later"]
    assert report.loc["later", "features"] == report.loc["known", "features"] + 4
    return out


def expected(folder, frame, variant):
    return context.ContextModel(folder, variant).expected_rating(frame)


def test_it_learns_time_and_later_knows_the_parents_score(replies, trained):
    test = replies[900:]
    known, later = (expected(trained, test, variant) for variant in context.VARIANTS)
    correlation = np.corrcoef(known, test.rating)[0, 1]
    assert correlation > 0.3
    assert np.corrcoef(later, test.rating)[0, 1] > correlation + 0.1


def test_known_never_looks_at_what_time_touches(replies, trained):
    test = replies[900:]
    changed = test.assign(comment_score=-5, reply_retrieved_utc=0)
    assert np.array_equal(
        context.ContextModel(trained).predict(test), context.ContextModel(trained).predict(changed)
    )
    model = context.ContextModel(trained, "later")
    assert not np.array_equal(model.predict(test), model.predict(changed))


def test_rows_sum_to_one_and_unknown_columns_may_be_missing(replies, trained):
    live = pd.DataFrame({"comment": ["hello"], "reply": ["hi"], "subreddit": ["Elsewhere"]})
    p = context.ContextModel(trained).predict(live)
    assert p.shape == (1, 4) and p.sum() == pytest.approx(1)


def test_a_text_models_output_is_used_and_its_width_checked(replies, tmp_path):
    text = np.eye(4)[replies.rating]
    text[:300] = np.nan
    context.train(replies[:900], out=tmp_path / "c", text=text[:900], trees=30)
    model = context.ContextModel(tmp_path / "c")
    assert np.mean(model.predict(replies[900:], text[900:]).argmax(1) == replies.rating[900:]) > 0.8
    assert model.predict(replies[900:]).shape == (300, 4)
    with pytest.raises(BotlibError, match="4 columns"):
        model.predict(replies[900:], text[900:, :2])


def test_features_count_depth_and_position():
    frame = pd.DataFrame(
        {
            "submission_id": "t",
            "comment_id": ["a", "r1", "r2", "a"],
            "reply_id": ["r1", "r2", "r3", "r4"],
            "comment": "c",
            "reply": "r",
            "reply_created_utc": [10, 20, 30, 5],
            "comment_created_utc": 0,
        }
    )
    columns, later = context.features(frame, ["x"])
    assert columns["depth"].tolist() == [0, 1, 2, 0]
    assert columns["earlier_replies"].tolist() == [1, 0, 0, 0]
    assert columns["earlier_in_thread"].tolist() == [1, 2, 3, 0]
    assert set(later) == {"comment_score", "hours_until_read", "replies_in_all", "thread_in_all"}
    assert columns["comment_score"].isna().all()


def test_columns_that_are_unknown_everywhere_do_no_harm(replies, tmp_path):
    bare = replies[["comment", "reply", "rating", "subreddit"]].assign(
        comment_score=pd.array([pd.NA] * len(replies), dtype="Int64")
    )
    context.train(bare, out=tmp_path / "c", trees=3)
    assert context.ContextModel(tmp_path / "c", "later").predict(replies).shape == (1200, 4)


def test_a_rating_nobody_gave_gets_no_probability(replies, tmp_path):
    context.train(replies[replies.rating != 2], out=tmp_path / "c", trees=5)
    p = context.ContextModel(tmp_path / "c").predict(replies)
    assert (p[:, 2] == 0).all() and np.allclose(p.sum(axis=1), 1)


def test_same_seed_same_model(replies, tmp_path):
    for name in ("one", "two"):
        context.train(replies, out=tmp_path / name, seed=3, trees=5)
    one, two = (context.ContextModel(tmp_path / n).predict(replies) for n in ("one", "two"))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_stored_forest_says_what_scikit_learn_says(classes, tmp_path):
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(5)
    x = rng.normal(size=(600, 5))
    x[rng.uniform(size=x.shape) < 0.2] = np.nan
    # The bot may lack what was always known in training
    x[:, 4] = np.nan_to_num(x[:, 4])
    y = np.digitize(np.nan_to_num(x[:, 0]) + x[:, 4] + rng.normal(size=600), [0, 1, 2]) % classes
    model = RandomForestClassifier(12, min_samples_leaf=3, random_state=1).fit(x, y)
    Forest.from_model(model).save(tmp_path / "forest.npz")
    stored = Forest.load(tmp_path / "forest.npz")
    fresh = rng.normal(size=(300, 5))
    fresh[::9, 2] = fresh[::7, 4] = np.nan
    assert np.allclose(stored.predict_proba(fresh), model.predict_proba(fresh), atol=1e-6)
    assert stored.predict_proba(fresh[:0]).shape == (0, classes)


def test_a_model_of_botlib_0_1_0_is_refused_with_the_cure(trained, tmp_path):
    old = tmp_path / "context"
    old.mkdir()
    (old / "config.json").write_bytes((trained / "config.json").read_bytes())
    # Boosted trees, as 0.1.0 stored them, and no declaration of files
    nodes = ("feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf")
    arrays = dict.fromkeys((*nodes, "value", "starts", "baseline", "outputs"), np.zeros(4))
    for variant in context.VARIANTS:
        np.savez_compressed(old / f"{variant}.npz", **arrays)
    with pytest.raises(BotlibError, match=r"0\.1\.0.*run 04_bert_upvotes again"):
        context.ContextModel(old)


def test_errors_name_the_cure(replies, trained, tmp_path):
    with pytest.raises(BotlibError, match="run 04_bert_upvotes"):
        context.ContextModel(tmp_path)
    with pytest.raises(BotlibError, match="known, later"):
        context.ContextModel(trained, "never")
    with pytest.raises(BotlibError, match="'rating'"):
        context.train(replies.drop(columns="rating"), out=tmp_path / "c")
    with pytest.raises(BotlibError, match="the same rating"):
        context.train(replies.assign(rating=1), out=tmp_path / "c")
    assert not (tmp_path / "c").exists()
    (tmp_path / "bad.npz").write_bytes(b"not an archive")
    with pytest.raises(BotlibError, match="run 04_bert_upvotes again"):
        Forest.load(tmp_path / "bad.npz")
