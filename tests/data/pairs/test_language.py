"""The rule `foreign` drops other languages, and no English."""

import random
import re
from pathlib import Path

import numpy as np
import orjson
import pytest

from botlib.data.dumps.files import blocks
from botlib.data.pairs.language import is_foreign
from botlib.data.pairs.text import clean_text
from botlib.settings import DataSettings

TEXTS = [
    line.split("\t")
    for line in (Path(__file__).parent / "languages.txt").read_text("utf-8").splitlines()
]
LANGUAGES = sorted({language for language, _ in TEXTS} - {"en"})
LIMIT = DataSettings().foreign_probability


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_in_another_language_are_dropped(language):
    texts = [text for which, text in TEXTS if which == language]
    assert len(LANGUAGES) == 12 and len(texts) >= 20
    kept = [text for text, drop in zip(texts, is_foreign(texts, LIMIT), strict=True) if not drop]
    assert len(kept) <= 1


def test_english_lists_and_slang_stay():
    texts = [text for which, text in TEXTS if which == "en"]
    drop = is_foreign(texts, LIMIT)
    assert [text for text, gone in zip(texts, drop, strict=True) if gone] == []


def test_what_is_too_short_to_be_judged_stays():
    texts = ["Merci", "Danke dir!", "lol", "", "1 2 3 4 5 6 7 8 9 10 11", "\U0001f602" * 30]
    assert not is_foreign(texts, LIMIT).any()
    assert is_foreign(["\u4f60\u597d\uff0c\u8fd9\u672c\u4e66\u6211\u8bfb\u8fc7" * 4], LIMIT).all()


def test_at_most_one_real_english_comment_in_a_hundred_is_dropped(reddit_college):
    texts = []
    for path in sorted(reddit_college.glob("*_comments.zst")):
        for line in next(blocks(path)).splitlines():
            body = clean_text(re.sub(r"https?://\S+", "", orjson.loads(line).get("body") or ""))
            if body not in ("", "[deleted]", "[removed]"):
                texts.append(body)
    texts = random.Random(1).sample(texts, 2000)
    assert np.mean(is_foreign(texts, LIMIT)) <= 0.01
