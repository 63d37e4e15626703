"""Personal data: addresses, telephone numbers, cards, accounts, and who lives or works where."""

import re
from functools import cache
from importlib import resources

_STREETS = (
    r"street|st|avenue|ave|road|rd|lane|ln|drive|dr|blvd|boulevard|court|ct|circle|cir|way|place|pl|"
    r"terrace|ter|parkway|pkwy|highway|hwy|square|sq|crescent|close|alley|row|trail|loop"
)
_WORDS = r"zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple"
_PEOPLE = (
    r"(?:he|she|they|him|her|you|u|this guy|that guy|this girl|my (?:ex|teacher|professor|boss|"
    r"neighbou?r|roommate|boyfriend|girlfriend|coworker|landlord|bully|stalker)|the (?:guy|girl|op|"
    r"mod|person|prof(?:essor)?))"
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.]?\d)")
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?!\w)")
# A pattern is tried only if a text holds one of these, which are fast to find
_NEEDS = {
    "an email address": ("@", " at ", "[at", "(at", "{at", "<at", "[ at", "( at", "mail"),
    "who lives or works where": (
        *("live", "living", "reside", "staying", "stays", "name", "address", "number", "dox"),
        *("snap", "insta", "discord", "telegram", "whatsapp", "kik", "plate", "drives", "signal"),
        *("facebook",),
        *("info", "linkedin", "location", "phone", "social", "nudes", "works at", "works for"),
        *("working at", "employed", "teaches at", "studies at", "attends", "goes to school"),
    ),
}  # fmt: skip
_LOOKS = {
    "a telephone number": re.compile(r"\d(?:[^\da-z]{0,4}\d){6}"),
    "a social security or identity number": re.compile(
        r"\d[\d /.-]{2}|\bss|password|login|number|born|dob"
    ),
    "an address": re.compile(r"\d|address"),
    "an IP address": re.compile(r"\d\.\d{1,3}\.\d|:[0-9a-f]{0,4}:|-[0-9a-f]{2}-"),
}
_URL = re.compile(r"https?://\S{1,500}")
_SPELLED = re.compile(rf"\b(?:(?:{_WORDS}|\d)[ ,.-]{{1,2}}){{6,12}}(?:{_WORDS})\b")


def personal(text: str) -> str:
    """Returns what personal data a text holds, or "".

    Args:
      text: in lower-case ASCII, as `normalise.plain` gives it.
    """
    # URLs are full of numbers
    text = _URL.sub(" ", text)
    for kind, pattern in _patterns().items():
        if needs := _NEEDS.get(kind):
            if not any(need in text for need in needs):
                continue
        elif not _LOOKS[kind].search(text):
            continue
        if pattern.search(text):
            return kind
    if _SPELLED.search(text):
        return "a telephone number"
    if any(_luhn(re.sub(r"\D", "", run)) for run in _DIGITS.findall(text)):
        return "a card number"
    if any(_iban(run.replace(" ", "")) for run in _IBAN.findall(text)):
        return "a bank account"
    return ""


@cache
def _patterns() -> dict[str, re.Pattern]:
    """The pattern of each kind of data."""
    path = resources.files(__package__) / "phrases" / "personal.txt"
    parts: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, pattern = line.split(": ", 1)
            pattern = pattern.replace("{street}", _STREETS).replace("{person}", _PEOPLE)
            parts.setdefault(kind, []).append(pattern)
    return {kind: re.compile("|".join(patterns)) for kind, patterns in parts.items()}


def _luhn(digits: str) -> bool:
    """Whether digits pass the check of ISO/IEC 7812, as nine of ten random ones don't."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    doubled = [int(d) * 2 if i % 2 else int(d) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _iban(account: str) -> bool:
    """Whether an IBAN passes the check of ISO 13616; a shorter start of a run of words may."""
    return any(
        int("".join(str(int(c, 36)) for c in account[4:end] + account[:4])) % 97 == 1
        for end in range(len(account), 14, -1)
    )
