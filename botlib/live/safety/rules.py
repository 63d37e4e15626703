"""Phrases by kind: what a bot keeps out of, however it is spelled."""

import re
from functools import cache
from importlib import resources

from botlib.live.safety.needed import needed
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
    index, always = _index()
    rules = set(always) if _AGE.search(text) else set(always) - _aged()
    starts = {text[i : i + 5] for i in range(len(text) - 2)}
    starts |= {start[:3] for start in starts}
    for start in starts & index.keys():
        for rule, letters in index[start]:
            if rule not in rules and letters in text:
                rules.add(rule)
    return sorted(rules)


_AGE = re.compile(_PARTS["{age}"])


@cache
def _rules() -> list[tuple[str, str, re.Pattern]]:
    """Kind, line, pattern; the gravest kind first."""
    rules = []
    for kind in KINDS[:-1]:
        for line in _lines(f"{FILES.get(kind, kind)}.txt"):
            pattern = line
            for name, part in _PARTS.items():
                pattern = pattern.replace(name, part)
            rules.append((kind, line, re.compile(pattern)))
    return rules


def _lines(name: str) -> list[str]:
    text = (resources.files(__package__) / "phrases" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def _aged() -> frozenset[int]:
    """The rules that need an age."""
    return frozenset(n for n, (_, line, _) in enumerate(_rules()) if "{age}" in line)


@cache
def _index() -> tuple[dict[str, list[tuple[int, str]]], frozenset[int]]:
    """Rules by the first letters of the texts that each needs, and those that need none."""
    index: dict[str, list[tuple[int, str]]] = {}
    always = set(_aged())
    for rule, (_, _, pattern) in enumerate(_rules()):
        if rule in always:
            continue
        if not (letters := needed(pattern.pattern)):
            always.add(rule)
        for piece in letters:
            index.setdefault(piece[:5] if len(piece) >= 5 else piece[:3], []).append((rule, piece))
    return index, frozenset(always)
