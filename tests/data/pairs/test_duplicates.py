"""Near-duplicates: all of them, as comparing every two would find."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botlib.data.pairs.duplicates import near_duplicates, repeated_frames

words = st.sampled_from(["a", "b", "c", "d", "e", "Zebra", "don't", "7"])
texts = st.lists(st.lists(words, max_size=12).map(" ".join), max_size=14)


def _set(text: str) -> frozenset:
    found = re.findall(r"[^\W_]+", text.lower()) or [text]
    return frozenset(tuple(found[at : at + 3]) for at in range(max(1, len(found) - 2)))


def _by_comparing_all(texts: list[str], threshold: float) -> list[bool]:
    sets, copies = [_set(text) for text in texts], []
    for later, one in enumerate(sets):
        copies.append(
            any(
                not copies[at] and len(one & other) >= threshold * len(one | other) - 1e-9
                for at, other in enumerate(sets[:later])
            )
        )
    return copies


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts, st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]))
def test_the_same_as_comparing_every_two(texts, threshold):
    assert near_duplicates(texts, threshold).tolist() == _by_comparing_all(texts, threshold)


def test_case_punctuation_and_one_changed_word():
    long = "there is no better way to learn this than to do it every day for a year"
    texts = [long, long.upper() + "!!", long.replace("year", "month"), "something else"]
    texts += ["👍", "👍", "🎉"]
    assert near_duplicates(texts, 0.7).tolist() == [False, True, True, False, False, True, False]


def test_versions_of_one_text_are_not_copies_of_each_other():
    texts = ["a b c d", "a b c d", "a b c d"]
    assert near_duplicates(texts, 0.7, np.array([1, 1, 2])).tolist() == [False, False, True]


def test_parts_are_joined_right(monkeypatch):
    texts = [f"word{n % 40} and some more words{n % 40} follow" for n in range(100)]
    whole = near_duplicates(texts, 0.7)
    monkeypatch.setattr("botlib.data.pairs.shingles._TEXTS", 7)
    monkeypatch.setattr("botlib.data.pairs.duplicates._PAIRS", 3)
    monkeypatch.setattr("botlib.data.pairs.duplicates._PART", 50)
    assert whole.sum() == 60
    assert near_duplicates(texts, 0.7).tolist() == whole.tolist()


@pytest.mark.parametrize("at_end", [False, True])
def test_repeated_frames(at_end):
    frame = "welcome to our subreddit please read all of the rules before you post or comment here"
    texts = [f"{n} {frame}" if at_end else f"{frame} {n}" for n in range(5)] + ["short text"] * 9
    assert repeated_frames(texts, 4).sum() == 0
    texts.append(f"more {frame.upper()}" if at_end else f"{frame.upper()} more")
    assert repeated_frames(texts, 4).tolist() == [True] * 5 + [False] * 9 + [True]
