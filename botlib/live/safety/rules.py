"""Phrases of each kind that a bot keeps out of, in any spelling."""

import re
from functools import cache
from importlib import resources

from botlib.live.safety.personal import personal

KINDS = ("crisis", "medical advice", "legal advice", "harassment", "minors", "personal data")
FILES = {"medical advice": "medical", "legal advice": "legal", "personal data": "personal"}

_NUMBERS = (
    *("eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen"),
)
_PARTS = {
    "{me}": r"\b(?:i|i'm|im|i'd|i'll|i've|me|my|myself|mine)\b",
    "{age}": rf"(?:[89]|1[0-7]|{'|'.join(_NUMBERS)})",
    "{num}": r"(?:[89]|1[0-7])",
    "{ord}": (
        r"(?:[6-9]th|1[0-7]th|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|"
        r"fourteenth|fifteenth|sixteenth|seventeenth)"
    ),
    "{grade}": (
        r"(?:1st|2nd|3rd|[4-9]th|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|[1-9])"
    ),
}


def first_phrase(texts: list[str]) -> tuple[str, str]:
    """Returns the kind and the words of the first phrase found, or two empty texts.

    Args:
      texts: a text's readings, from `normalise.views`.
    """
    best = len(_rules()), ""
    for text in texts:
        for rule, (_, pattern) in enumerate(_rules()[: best[0]]):
            if match := pattern.search(text):
                best = rule, match[0]
                break
    if best[1]:
        return _rules()[best[0]][0], " ".join(best[1].split())
    # Only the plain text: the other readings would make numbers out of lists
    if words := personal(texts[0]):
        return "personal data", words
    return "", ""


@cache
def _rules() -> list[tuple[str, re.Pattern]]:
    """(kind, pattern), the gravest kind first."""
    rules = []
    for kind in KINDS[:-1]:
        for line in _lines(f"{FILES.get(kind, kind)}.txt"):
            pattern = line
            for name, part in _PARTS.items():
                pattern = pattern.replace(name, part)
            rules.append((kind, re.compile(pattern)))
    return rules


def _lines(name: str) -> list[str]:
    text = (resources.files(__package__) / "phrases" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
