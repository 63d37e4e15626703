"""Text as the filter reads it: without look-alikes, leet, gaps and markup that hide a word."""

import html
import re
import unicodedata
from functools import cache

# Longer texts are cut: a comment has at most 10,000 characters, a post 40,000
LONGEST = 40_000

# Look-alikes that Unicode's list of confusables leaves out
_MORE_LOOKALIKES = {"к": "k", "қ": "k", "ҟ": "k", "ғ": "f", "ƙ": "k", "ĸ": "k", "τ": "t", "т": "t"}
_LEET = str.maketrans("013457@$!|€£", "oieastasiiel")
_LEET_L = str.maketrans("013457@$!|€£", "oleastasllel")

_MARKUP = re.compile(r"(?<![a-z0-9*])[*_~^`\\>]+|[*_~^`\\]+(?![a-z0-9*])")
_LINK = re.compile(r"\[([^\[\]]{0,300})\]\([^()\s]{0,300}\)")
_DRAWN = re.compile(r"([a-z])\1{2,}")
_SPACED = re.compile(r"(?<![a-z0-9'])(?:[a-z0-9@$!][ .,\-_*/|]{1,3}){2,60}[a-z0-9@$!](?![a-z0-9])")
# A space or mark between spaced letters; of two spaces, which part words, one stays
_GAP = re.compile(r"[ .,\-_*/|](?! )|[.,\-_*/|]")
_INSIDE = re.compile(r"(?<=[a-z])[.\-_*|~^`\\/](?=[a-z])")
_LEETED = re.compile(r"[a-z013457@$!|€£]{2,30}")
_LEET_WORD = re.compile(r"[a-z][013457@$!|€£]|[013457@$!|€£][a-z]")
_NOT_LEET = re.compile(r"[0-9]+[a-z]{1,2}|[a-z][0-9]+|[a-z]+!+|\$[0-9]+\w?|[0-9|!@$]+|[a-z]+")


def plain(text: str) -> str:
    """Returns a text in lower-case ASCII, without markup and invisible characters.

    Accents, full-width and mathematical letters become plain ones, Cyrillic and Greek look-alikes
    the Latin letter that they imitate, an emoji its name (`:knife:`).
    """
    text = text[:LONGEST]
    if "&" in text:
        # Reddit's own form of a zero-width space is &#x200B;, at times escaped twice
        text = html.unescape(html.unescape(text))
    if not text.isascii():
        text = _ascii(text)
    return _MARKUP.sub("", _LINK.sub(r"\1", text.lower()))


def views(text: str) -> list[str]:
    """Returns a text as `plain` and, where they differ, its readings with hidden words laid open.

    These join spaced letters ("k y s"), drop marks inside words ("sui.cide"), read leet both ways
    (1 as i, 1 as l) and take drawn-out letters as one ("diiie").
    """
    plain_text = plain(text)
    joined = _SPACED.sub(lambda run: _GAP.sub("", run[0]), plain_text)
    joined = _INSIDE.sub("", joined)
    readings = [plain_text, joined]
    if _LEET_WORD.search(joined):
        readings += [
            _LEETED.sub(lambda word, letters=letters: _unleet(word[0], letters), joined)
            for letters in (_LEET, _LEET_L)
        ]
    single_letters = [_DRAWN.sub(r"\1", joined)] if _DRAWN.search(joined) else []
    double_letters = [_DRAWN.sub(r"\1\1", reading) for reading in readings]
    return list(
        dict.fromkeys(" ".join(reading.split()) for reading in double_letters + single_letters)
    )


def _unleet(word: str, table: dict[int, int]) -> str:
    if _NOT_LEET.fullmatch(word):
        return word
    return word.rstrip("!").translate(table)


def _ascii(text: str) -> str:
    from anyascii import anyascii

    table = _lookalikes()
    ascii_letters = []
    for letter in unicodedata.normalize("NFKD", text):
        if letter < "\x80":
            ascii_letters.append(letter)
            continue
        category = unicodedata.category(letter)
        # Combining marks, and format characters such as zero-width spaces and bidi controls
        if category in ("Mn", "Me", "Cf", "Cs", "Co", "Cn"):
            continue
        if category[0] == "Z":
            ascii_letters.append(" ")
        elif letter in table:
            ascii_letters.append(table[letter])
        else:
            letters = anyascii(letter)
            # An emoji's name is a word of its own
            ascii_letters.append(f" {letters} " if letters.startswith(":") else letters)
    return "".join(ascii_letters)


@cache
def _lookalikes() -> dict[str, str]:
    """Letters of other scripts and the Latin letter each looks like, by Unicode's UTS 39."""
    from confusable_homoglyphs import confusables

    table = {}
    for letter, others in confusables.confusables_data.items():
        if len(letter) != 1 or letter < "\x80" or not letter.isalpha():
            continue
        latin = [o["c"] for o in others if len(o["c"]) == 1 and "a" <= o["c"].lower() <= "z"]
        if latin:
            table[letter] = latin[0]
    return table | _MORE_LOOKALIKES
