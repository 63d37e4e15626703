"""Fakes answer unseen threads, can't be told by their length, and are not written twice."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from botlib.data.pairs.conversations import Above
from botlib.data.pairs.splits import split_of
from botlib.errors import BotlibError
from botlib.gpt2 import fakes
from botlib.manifests import read_manifest
from botlib.settings import RealismSettings
from botlib.tables import BERT_GAN_REAL, CONVERSATIONS, GPT2_GENERATE, read_table, write_table


class Parrot:
    """Answers with as many words as it is told, at once; counts its calls."""

    def __init__(self):
        self.calls = 0

    reads_above = False

    def generate(self, comments, n, decoder, seed, progress=False, above=None):
        self.calls += 1
        rng = np.random.default_rng(seed)
        rows = [
            (i, k, " ".join(["word"] * rng.integers(0, 40)), k % 5 > 0, decoder[k % len(decoder)])
            for i in range(len(comments))
            for k in range(n)
        ]
        frame = pd.DataFrame(rows, columns=["comment_index", "sample", "reply", "finished", "d"])
        for name in ("temperature", "top_k", "top_p"):
            frame[name] = [getattr(d, name) for d in frame["d"]]
        return frame


@pytest.fixture
def settings(workspace):
    """300 threads of one comment and two replies, and a generator's folder."""
    rng = np.random.default_rng(0)
    threads = [f"t{i}" for i in range(300)]
    rows = pd.DataFrame(
        [
            {
                "comment_id": f"c_{thread}",
                "reply_id": f"r{k}_{thread}",
                "submission_id": thread,
                "subreddit": "scifi",
                "comment": f"comment of {thread}",
                "reply": " ".join([f"reply{thread}"] * int(rng.integers(2, 60))),
                "real": 1,
                "rating": 1,
                "reply_score": 1,
                "reply_created_utc": 1,
                "reply_retrieved_utc": 2,
                "comment_score": 1,
                "comment_created_utc": 1,
            }
            for thread in threads
            for k in range(2)
        ]
    )
    rows["split"] = split_of(rows["submission_id"])
    write_table(workspace.bert_gan_real, rows, BERT_GAN_REAL)
    write_table(workspace.gpt2_generate, rows.drop_duplicates("comment_id"), GPT2_GENERATE)
    workspace.gpt2("run1").mkdir(parents=True)
    return RealismSettings(fake_comments=80, fakes_per_comment=6, seed=3)


def test_fakes_answer_threads_the_generator_never_saw(workspace, settings):
    fakes.write_fakes(workspace, settings, Parrot())
    pairs, counts = fakes.realism_pairs(workspace, seed=0)
    assert set(pairs["split"]) == {"classifier", "validation", "test"}
    # a thread, and so a comment, stands on one side only
    assert (pairs.groupby("submission_id")["split"].nunique() == 1).all()
    assert (pairs["split"] == split_of(pairs["submission_id"])).all()
    assert counts["fakes kept"].sum() == (pairs["real"] == 0).sum()


class Reader(Parrot):
    """A generator that was trained with the conversation; remembers what stood above."""

    reads_above = True

    def __init__(self):
        super().__init__()
        self.seen = {}

    def generate(self, comments, n, decoder, seed, progress=False, above=None):
        self.seen |= dict(zip(comments, above, strict=True))
        return super().generate(comments, n, decoder, seed, progress)


def test_fakes_answer_a_conversation_if_the_model_was_trained_with_it(workspace, settings):
    asked = read_table(workspace.gpt2_generate, GPT2_GENERATE)
    posts = pd.DataFrame(
        {
            "kind": "post",
            "id": asked["comment_id"].str[2:],
            "title": "Title of " + asked["comment_id"],
        }
    )
    comments = pd.DataFrame(
        {"kind": "comment", "id": asked["comment_id"], "submission_id": asked["comment_id"].str[2:]}
    )
    rows = pd.concat([posts, comments]).reindex(columns=list(CONVERSATIONS.columns))
    write_table(workspace.conversations, rows, CONVERSATIONS)
    reader = Reader()
    paths = fakes.write_fakes(workspace, settings, reader)
    assert len(reader.seen) == 80
    for comment, above in reader.seen.items():
        assert above == Above(f"Title of c_{comment.removeprefix('comment of ')}")
    # What stood above belongs to what the fakes were made from
    assert len(read_manifest(paths[0])["inputs"]) == 3
    calls = reader.calls
    fakes.write_fakes(workspace, settings, reader)
    assert reader.calls == calls


def _answers(random, count: int, letters: float) -> list[str]:
    """Replies of 3 to 40 words, of so many letters a word on average."""
    return [
        " ".join("x" * max(1, n) for n in random.poisson(letters, random.integers(3, 40)))
        for _ in range(count)
    ]


class LongWords(Parrot):
    """Writes longer words than people do, as a model with favourite words does."""

    def generate(self, comments, n, decoder, seed, progress=False, above=None):
        frame = super().generate(comments, n, decoder, seed, progress)
        return frame.assign(reply=_answers(np.random.default_rng(seed), len(frame), 4.3))


def test_neither_length_nor_the_length_of_words_gives_a_fake_away(workspace, settings):
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    real = pd.concat([real.assign(reply_id=real["reply_id"] + str(k)) for k in range(4)])
    replies = _answers(np.random.default_rng(1), len(real), 4)
    write_table(workspace.bert_gan_real, real.assign(reply=replies), BERT_GAN_REAL)
    many = RealismSettings(fake_comments=100, fakes_per_comment=12, seed=3)
    fakes.write_fakes(workspace, many, LongWords())
    pairs, counts = fakes.realism_pairs(workspace, seed=0)
    assert pairs.attrs["matched"] == "characters and words"
    assert (pairs.groupby("split")["real"].mean() == 0.5).all()
    assert counts["fakes kept"].sum() > 0.3 * counts["fakes there"].sum()
    characters = pairs["reply"].str.len()
    words = pairs["reply"].str.split().str.len()
    for length in (characters, words, characters / words):
        assert abs(roc_auc_score(pairs["real"], length) - 0.5) < 0.03


def test_where_word_lengths_never_meet_words_alone_are_matched(workspace, settings):
    """Else a young model's fakes would leave no pair at all; the baselines tell what it costs."""
    fakes.write_fakes(workspace, settings, Parrot())
    pairs, _ = fakes.realism_pairs(workspace, seed=0)
    assert pairs.attrs["matched"] == "words"
    bands = pd.cut(pairs["reply"].str.split().str.len(), fakes.WORD_EDGES, right=False)
    shares = pairs.groupby([pairs["split"], bands], observed=True)["real"].mean()
    assert (shares == 0.5).all()


def test_a_second_run_writes_nothing_and_other_settings_write_again(workspace, settings):
    fakes.write_fakes(workspace, settings, Parrot())
    before = workspace.bert_gan_fake(0).read_bytes()
    idle = Parrot()
    fakes.write_fakes(workspace, settings, idle)
    assert idle.calls == 0
    other = RealismSettings(fake_comments=80, fakes_per_comment=6, seed=4)
    fakes.write_fakes(workspace, other, idle)
    assert idle.calls > 0
    assert workspace.bert_gan_fake(0).read_bytes() != before


def test_another_generator_writes_again(workspace, settings):
    fakes.write_fakes(workspace, settings, Parrot())
    (workspace.gpt2("run1") / "model.bin").write_text("trained again")
    parrot = Parrot()
    fakes.write_fakes(workspace, settings, parrot)
    assert parrot.calls > 0


def test_a_stopped_run_goes_on_and_a_shorter_one_leaves_no_old_files(
    workspace, settings, monkeypatch
):
    monkeypatch.setattr(fakes, "COMMENTS_PER_FILE", 30)
    paths = fakes.write_fakes(workspace, settings, Parrot())
    assert len(paths) == 3
    others = paths[0].read_bytes(), paths[2].read_bytes()
    lost = paths[1].read_bytes()
    paths[1].unlink()
    fakes.write_fakes(workspace, settings, Parrot())
    assert paths[1].read_bytes() == lost
    assert (paths[0].read_bytes(), paths[2].read_bytes()) == others
    shorter = RealismSettings(fake_comments=20, fakes_per_comment=6, seed=3)
    assert fakes.write_fakes(workspace, shorter, Parrot()) == workspace.bert_gan_fakes()


def test_every_decoder_gets_its_share_and_one_is_kept_for_the_test(workspace, settings):
    (path,) = fakes.write_fakes(workspace, settings, Parrot())
    table = read_table(path, fakes.BERT_GAN_FAKE)
    test = table["split"] == "test"
    assert set(table.loc[test, "temperature"]) == {0.7, 1.0, 0.9}
    shares = table[~test].groupby("temperature").size()
    assert set(shares.index) == {0.7, 1.0}
    assert shares.min() > 0.8 * shares.max()


def test_a_mistyped_decoder_is_named():
    with pytest.raises(BotlibError, match=r"'1\.0-0-0\.95' is not temperature:top_k:top_p"):
        fakes.decoders(RealismSettings(more_decoders="1.0-0-0.95"))


def test_no_comments_outside_the_generators_threads_is_a_clear_error(workspace, settings):
    comments = read_table(workspace.gpt2_generate, GPT2_GENERATE)
    write_table(workspace.gpt2_generate, comments.assign(split="generator"), GPT2_GENERATE)
    with pytest.raises(BotlibError, match="run 01_data with more threads"):
        fakes.write_fakes(workspace, settings, Parrot())


def test_the_head_is_fitted_on_other_threads_than_the_encoder(workspace, settings):
    real = read_table(workspace.bert_gan_real, BERT_GAN_REAL)
    first, second = fakes.two_parts(real, seed=1)
    assert not set(first["submission_id"]) & set(second["submission_id"])
    assert len(first) + len(second) == len(real)
