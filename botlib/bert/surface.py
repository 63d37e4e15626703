"""What a text's form says about it: length, punctuation, a few kinds of words; no model needed."""

import re
from collections.abc import Sequence

import numpy as np

# Shares of a text's tokens, so that a long text doesn't count twice
_SHARES = {
    "question": r"\?",
    "exclamation": r"!",
    "quotation": r"(?m)^>",
    "link": r"https?://|\]\(",
    "digit": r"\d",
    "line": r"\n",
    "capitals": r"\b[A-Z]{2,}\b",
    "capital": r"[A-Z]",
    "comma": r",",
    "full_stop": r"\.",
    "ellipsis": r"\.\.\.|…",
    "bracket": r"\(",
    "emphasis": r"\*",
    "emoji": r"[\U0001F300-\U0001FAFF\u2600-\u27BF]",
    "i": r"\b[Ii](?:'m|'ve|'d|'ll)?\b",
    "you": r"(?i)\byou(?:r|'re|'ll|'ve)?\b",
    "we": r"(?i)\b(?:we|our|us)\b",
    "they": r"(?i)\b(?:they|their|them|he|she|his|her)\b",
    "negation": r"(?i)\b(?:not|no|never|none|nothing)\b|n't\b",
    "thanks": r"(?i)\bthank(?:s| you)\b",
    "sorry": r"(?i)\bsorry\b",
    "laughter": r"(?i)\b(?:lol|lmao|haha+|rofl)\b",
    "swearing": r"(?i)\b(?:fuck\w*|shit\w*|damn|hell|crap)\b",
    "contrast": r"(?i)\b(?:but|however|though|although)\b",
    "hedge": r"(?i)\b(?:maybe|perhaps|probably|might|seems?|guess|think)\b",
    "agreement": r"(?i)\b(?:agree|exactly|this|same|true|yes|yeah|yep)\b",
    "disagreement": r"(?i)\b(?:disagree|wrong|actually|incorrect|nope)\b",
    "advice": r"(?i)\b(?:should|try|recommend|suggest|advice|make sure)\b",
}
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SENTENCE = re.compile(r"[.!?\n]+")
_FORMS = ("log_chars", "log_words", "word_length", "distinct", "begins_capital", "ends_sentence")
_PATTERNS = [re.compile(pattern) for pattern in _SHARES.values()]
NAMES = (*_FORMS, "log_sentence", *_SHARES)


def surface(texts: Sequence[str]) -> np.ndarray:
    """Returns float32 features of each text, (n, len(NAMES))."""
    features = np.zeros((len(texts), len(NAMES)), dtype=np.float32)
    for row, text in enumerate(texts):
        tokens = _TOKEN.findall(text)
        words = [token.lower() for token in tokens if token.isalnum()]
        count = max(1, len(words))
        form = (
            np.log1p(len(text)),
            np.log1p(len(words)),
            sum(map(len, words)) / count,
            len(set(words)) / count,
            text[:1].isupper(),
            text[-1:] in (".", "!", "?"),
            np.log1p(count / max(1, len(_SENTENCE.findall(text)))),
        )
        shares = [len(pattern.findall(text)) / max(1, len(tokens)) for pattern in _PATTERNS]
        features[row] = (*form, *shares)
    return features
