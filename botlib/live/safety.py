"""What a bot keeps out of: crisis, medical and legal advice, personal data, harassment, minors."""

import re
from functools import cache

# Phrases with word boundaries; a false alarm costs one reply, a miss may cost more
_PHRASES = {
    "crisis": (
        r"suicid\w*|kill(ing)? my ?self|kms|end(ing)? my life|self[- ]?harm\w*|cutting myself|"
        r"want(ed)? to die|don'?t want to (live|be alive)|overdos\w*|domestic violence|"
        r"rap(e|ed|ist)|sexual(ly)? assault(ed)?|abus(ed|ive) (me|parent|partner|relationship)|"
        r"988 lifeline|crisis (hot)?line"
    ),
    "medical advice": (
        r"diagnos\w+ (me|with)|my (doctor|psychiatrist|therapist|symptoms|medication|meds)|"
        r"dosage|prescri\w+|side effects|antidepressants?|ssris?|chemo\w*|miscarriage|"
        r"should i (see a doctor|take \w+ mg)|\d+ ?mg\b|eating disorder|anorexi\w+|bulimi\w+"
    ),
    "legal advice": (
        r"legal advice|my (lawyer|attorney)|su(e|ed|ing) (me|my|the|them|him|her)|lawsuit|"
        r"restraining order|custody|deport\w+|press(ing)? charges|court date|subpoena\w*"
    ),
    "harassment": (
        r"kys|kill your ?self|go die|retard(ed|s)?|f[a4]gg?[o0]ts?|n[i1]gg\w+|tr[a4]nn(y|ies)|"
        r"whores?|sluts?|cunts?|hope you die|piece of shit"
    ),
    "minors": (
        r"(i'?m|i am) (8|9|1[0-5])(?=\s*($|[.,;!)](?!\d)|and\b|but\b|so\b))|"
        r"(8|9|1[0-5])[ -]?(years?[ -]old|y/?o)|"
        r"middle[- ]school(er)?|underage|my (kid|daughter|son)'?s? name"
    ),
}  # fmt: skip
_CONCERNS = {kind: re.compile(rf"\b(?:{phrases})\b", re.I) for kind, phrases in _PHRASES.items()}
_PERSONAL = re.compile(
    # Mail; bounded and anchored, since a bare [\w.+-]+@ takes minutes on 40,000 letters
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2,}"
    r"|(?<![\w/.-])(?:\+?\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w/-])"  # telephone
    r"|\b\d{3}-\d{2}-\d{4}\b"  # social security
    r"|\b\d{1,5} (?:[A-Z]\w+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|Blvd)\b"
)
# Share of its score above which Detoxify's verdict counts
_TOXIC = 0.8


def concern(text: str, *, detoxify: bool = True) -> str:
    """Returns why a bot should keep out of a text, or "".

    Args:
      text: a comment or a reply.
      detoxify: asks the package of that name too, where it is installed.
    """
    for kind, pattern in _CONCERNS.items():
        if found := pattern.search(text):
            return f"{kind} ({found[0].lower()})"
    if _PERSONAL.search(text):
        return "personal data"
    if detoxify and (model := _detoxify()):
        scores = model.predict(text)
        worst = max(scores, key=scores.get)
        if scores[worst] >= _TOXIC:
            return f"harassment ({worst} {scores[worst]:.2f})"
    return ""


def unfit(reply: str) -> str:
    """Returns why a bot should not say that, whatever the thread, or "".

    A model makes up addresses, calls people it never met, and has read many who say they are human.
    """
    if _LINK.search(reply):
        return "holds a link, which a model makes up"
    if found := _MENTION.search(reply):
        return f"calls {found[0]}"
    if _DENIAL.search(reply):
        return "denies that a bot wrote it"
    return ""


_LINK = re.compile(r"https?://|\bwww\.|\]\(", re.I)
_MENTION = re.compile(r"(?<![\w/])/?u/[\w-]{3,20}")
_DENIAL = re.compile(r"\b(i'?m|i am) (not (a|some) (ro)?bot|(a )?(real )?(human|person))\b", re.I)


@cache
def _detoxify():
    """The classifier of https://github.com/unitaryai/detoxify, or None."""
    try:
        from detoxify import Detoxify
    except ImportError:
        return None
    return Detoxify("original")
