"""Phrases by kind: what a bot keeps out of, however it is spelled."""

import re
from functools import cache
from importlib import resources

from botlib.live.safety.personal import personal

KINDS = ("crisis", "medical advice", "legal advice", "harassment", "minors", "personal data")
_FILES = {"medical advice": "medical", "legal advice": "legal"}

_NUMBERS = (
    *("five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen"),
)
_PARTS = {
    "{age}": rf"(?:[5-9]|1[0-7]|{'|'.join(_NUMBERS[3:])})",
    "{num}": r"(?:[89]|1[0-7])",
    "{ord}": (
        r"(?:[6-9]th|1[0-7]th|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|"
        r"fourteenth|fifteenth|sixteenth|seventeenth)"
    ),
    "{grade}": (
        r"(?:1st|2nd|3rd|[4-9]th|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|[1-9])"
    ),
}


def found(texts: list[str]) -> tuple[str, str]:
    """Returns the kind and the words of the first phrase found, or two empty texts.

    Args:
      texts: a text's readings, from `normalise.views`.
    """
    best = len(_rules()), ""
    for text in texts:
        for rule in _candidates(text):
            if rule < best[0] and (match := _rules()[rule][2].search(text)):
                best = rule, match[0]
                break
    if best[1]:
        return _rules()[best[0]][0], " ".join(best[1].split())
    # Only as it stands: joining marks would make numbers out of lists
    if words := personal(texts[0]):
        return "personal data", words
    return "", ""


def _candidates(text: str) -> list[int]:
    """The rules worth a try: some letters that each needs stand in the text."""
    padded = f" {text} "
    index, always = _index()
    rules = set(always)
    for start in {padded[i : i + 3] for i in range(len(padded) - 2)} & index.keys():
        for rule, needle in index[start]:
            if rule not in rules and needle in padded:
                rules.add(rule)
    if not _AGE.search(text):
        rules -= _aged()
    return sorted(rules)


_AGE = re.compile(_PARTS["{age}"])


@cache
def _rules() -> list[tuple[str, tuple[str, ...], re.Pattern]]:
    """Kind, letters of which a text must hold some, pattern; the gravest kind first."""
    rules = []
    for kind in KINDS[:-1]:
        path = resources.files(__package__) / "phrases" / f"{_FILES.get(kind, kind)}.txt"
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            needles, pattern = line.split(": ", 1)
            for name, part in _PARTS.items():
                pattern = pattern.replace(name, part)
            wanted = tuple(needle.replace("_", " ") for needle in needles.split(", "))
            rules.append((kind, wanted, re.compile(pattern)))
    return rules


@cache
def _aged() -> frozenset[int]:
    return frozenset(n for n, (_, needles, _) in enumerate(_rules()) if needles == ("{age}",))


@cache
def _index() -> tuple[dict[str, list[tuple[int, str]]], frozenset[int]]:
    """Rules by the first three letters of their needles, and those that need none."""
    index: dict[str, list[tuple[int, str]]] = {}
    for rule, (_, needles, _) in enumerate(_rules()):
        if rule in _aged():
            continue
        for needle in needles:
            if len(needle) < 3:
                raise ValueError(f"{needle!r} is too short to look for")
            index.setdefault(needle[:3], []).append((rule, needle))
    return index, _aged()
