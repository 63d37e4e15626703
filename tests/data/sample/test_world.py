"""The made-up Reddit follows its rule, and the rule needs both texts."""

import numpy as np
import orjson
import pandas as pd
import pytest
import zstandard
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge

from botlib.data.sample import grammar
from botlib.data.sample import world as sample
from botlib.gpt2.card import memorised_share
from botlib.live.safety import concern


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    rows = {}
    for path in sample.write_sample(tmp_path_factory.mktemp("sample"), seed=5, threads=500):
        for line in zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read().splitlines():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            rows[row["id"]] = row
    return rows


@pytest.fixture(scope="module")
def pairs(rows):
    """(comment, reply, score, early, popular) of replies to comments, dirty ones too."""
    found = []
    for row in rows.values():
        parent = rows.get(row.get("parent_id", "")[3:])
        if parent and "body" in parent and row["score"] is not None and parent["score"] is not None:
            early = int(row["created_utc"]) - int(parent["created_utc"]) < 3600
            found.append((parent["body"], row["body"], row["score"], early, parent["score"] >= 5))
    return found


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, two = (sample.write_sample(tmp_path / name, seed=1, threads=40) for name in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    other = sample.write_sample(tmp_path / "c", seed=2, threads=40)
    assert other[0].read_bytes() != one[0].read_bytes()


def test_a_term_belongs_to_one_topic_and_stands_nowhere_else():
    topics = [topic for topics in grammar.TOPICS.values() for topic in topics.values()]
    terms = [term for topic in topics for term in topic.terms]
    assert len(terms) == len(set(terms))
    others = [*grammar.FILLER, *grammar.HELP, *grammar.ON_WORK, *grammar.POLITE, *grammar.IMPOLITE]
    others += [text for topic in topics for text in (*topic.advice, *topic.remarks)]
    others += [text for kind in grammar.COMMENTS for text in (*kind.middles, *kind.answers)]
    others += [*grammar.WHO, *grammar.TO_REPLIES, *grammar.CLOSING]
    assert [text for text in others if sample._topic(text)] == []


def test_how_a_reply_opens_tells_which_kind_of_comment_it_answers():
    """Otherwise GPT-2 has little to gain from reading the comment, and doesn't learn to."""
    answers = [text for kind in grammar.COMMENTS for text in kind.answers] + [*grammar.TO_REPLIES]
    assert len(answers) == len(set(answers))


def test_people_of_the_made_up_reddit_seldom_repeat_twelve_words_of_others():
    """A GPT-2 that learned it well repeats as much as they do: no demo could call its words own."""
    threads = [sample.thread(number, seed=2020) for number in range(1000)]
    half = [pd.Series([row["body"] for rows in part for row in rows[1:]])
            for part in (threads[:700], threads[700:])]  # fmt: skip
    # A third of what it counts are automatic texts and copies, which cleaning drops
    assert memorised_share(half[1], half[0]) < 0.08


def test_scores_follow_the_rule(pairs):
    expected = [sample.rule_score(c, r, early=e, popular=p) for c, r, _, e, p in pairs]
    scores = [score for _, _, score, _, _ in pairs]
    # Texts soiled after scoring (deleted, copied, cut to a link) are among them.
    assert spearmanr(expected, scores).statistic > 0.75
    assert abs(np.mean(expected) - np.mean(scores)) < 0.3


def test_words_alone_tell_less_than_the_pair(pairs):
    """A bag of words of both texts, and length, leave much of what the rule knows unexplained."""
    texts = [f"{comment} {reply}" for comment, reply, *_ in pairs]
    scores = np.array([score for _, _, score, _, _ in pairs], dtype=float)
    features = [sample.rule_features(comment, reply) for comment, reply, *_ in pairs]
    rule = np.array([list(feature.values()) for feature in features], dtype=float)
    half = len(scores) // 2
    words = CountVectorizer(binary=True, min_df=3).fit_transform(texts)
    by_words = Ridge(10.0).fit(words[:half], scores[:half]).score(words[half:], scores[half:])
    boosted = HistGradientBoostingRegressor(max_iter=50, random_state=0)
    by_rule = boosted.fit(rule[:half], scores[:half]).score(rule[half:], scores[half:])
    assert by_rule > 0.5
    assert by_words < 0.6 * by_rule


def test_what_cleaning_should_find_is_there(rows):
    bodies = [row["body"] for row in rows.values() if "body" in row]
    signs = ("[deleted]", "[removed]", "https://", "&gt; ", "&amp;", "u/", "@example", "gifted")
    for sign in signs:
        assert any(sign in body for body in bodies), sign
    authors = {row["author"] for row in rows.values()}
    assert {"AutoModerator", "[deleted]"} <= authors
    assert any(isinstance(row["created_utc"], str) for row in rows.values())
    assert any(not row["is_self"] for row in rows.values() if "title" in row)


def test_nothing_in_it_silences_the_bot_but_its_addresses():
    """A demo whose comments the safety filter takes for a cry for help would answer few of them."""
    things = [thing for number in range(100) for thing in sample.thread(number, seed=2020)]
    texts = [thing.get("body") or f"{thing['title']}\n{thing['selftext']}" for thing in things]
    concerns = {reason for text in texts if (reason := concern(text))}
    assert concerns <= {"personal data (an email address)"}
