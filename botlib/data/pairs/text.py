"""One cleaning of a text and one prompt, for training, fakes and live replies alike."""

import html
import re
import unicodedata

SEPARATOR = "[SEP]"
USER = "[user]"
EMAIL = "[e-mail]"
PHONE = "[phone]"

# These marks mean something to the models, so a text may not hold them.
_MARKS = re.compile(r"\[(?:SEP|CLS|PAD|UNK|MASK)\]|<\|(?:endoftext|startoftext)\|>", re.IGNORECASE)
_BREAKS = re.compile(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
# Control and invisible characters; the joiner U+200D stays, since emoji are made with it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffc\ufffe\uffff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_ODD = re.compile(r"[^\n -~]")
_DIGITS = re.compile(r"\d[\d .()/-]{5,}\d")
_SPACES = re.compile(r"[^\S\n]+")
_SPACE_AT_BREAK = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")
# A name may have its underscores escaped, as Reddit's editor writes them.
_NAME = r"(?:[A-Za-z0-9_-]|\\[_-]){2,}"
_MENTION = re.compile(rf"(?<![\w/])(?:/?u/|/user/){_NAME}", re.IGNORECASE)
_LINK = rf"(?:https?://)?(?:[a-z-]+\.)?reddit\.com/u(?:ser)?/{_NAME}(?:[/?#](?:[^\s)\]]*[^\s)\].,;:!?])?)?"
_PROFILE = re.compile(rf"\[[^\]\n]*\]\({_LINK}\)|(?<![\w.-]){_LINK}", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# +49 30 1234567, 0049 30 1234567, (555) 123-4567, 555-123-4567, 020 7946 0958, 01 23 45 67 89
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}(?:[ .()/-]{0,2}\d){6,12}"
    r"|\(0?\d{2,4}\)[ .-]?\d{3,4}[ .-]?\d{4}"
    r"|\d{3}([ .-])\d{3}\1\d{4}"
    r"|1[ .-]\d{3}[ .-]\d{3}[ .-]\d{4}"
    r"|0\d(?:[ .-]\d\d){4}"
    r"|0\d{2,4} \d{3,4} ?\d{3,4}"
    r"|0\d{2,4}[/-]\d{6,8}"
    r")(?![\w/-])(?!\.\d)"
)


def clean_text(text: str | None, *, scrub: bool = True) -> str:
    """Return the text as every model here sees it; cleaning twice changes nothing more.

    HTML entities are unescaped, line ends made "\\n", invisible characters and the models' own
    marks removed, runs of blanks and of blank lines shortened. With `scrub`, names of users
    (and links to their profiles), e-mail addresses and telephone numbers become "[user]",
    "[e-mail]" and "[phone]", so that no model learns, and no bot calls, a person by name.
    Anything that is not a string (None, NaN) becomes "".
    """
    if not isinstance(text, str):
        return ""
    cleaned = _clean_once(text, scrub)
    # Removing one thing can uncover another ("&amp;gt;"), so go on until nothing changes.
    while "&" in text and cleaned != text:
        text, cleaned = cleaned, _clean_once(cleaned, scrub)
    return cleaned


def prompt(comment: str) -> str:
    """Return what GPT-2 is given to answer `comment`: "comment [SEP]", with no trailing blank."""
    return f"{clean_text(comment)} {SEPARATOR}".lstrip()


def training_text(comment: str, reply: str) -> str:
    """Return one training example, which begins with exactly `prompt(comment)`."""
    return f"{prompt(comment)} {clean_text(reply)}"


def _clean_once(text: str, scrub: bool) -> str:
    # Most texts need little of this, and looking is many times cheaper than substituting.
    if "&" in text:
        text = html.unescape(text)
    if _ODD.search(text):
        text = unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))
        text = _SPACES.sub(" ", _INVISIBLE.sub("", _BREAKS.sub("\n", text)))
    if "[" in text or "<|" in text:
        text = _MARKS.sub(" ", text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if " \n" in text or "\n " in text:
        text = _SPACE_AT_BREAK.sub("\n", text)
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    text = text.strip()
    return _scrubbed(text) if scrub else text


def _scrubbed(text: str) -> str:
    while True:
        before = text
        if "@" in text:
            text = _EMAIL.sub(EMAIL, text)
        if "/" in text:
            plain = text.lower()
            if "reddit.com/u" in plain:
                text = _PROFILE.sub(USER, text)
            if "u/" in plain or "/user/" in plain:
                text = _MENTION.sub(USER, text)
        if any(map(text.__contains__, "0123456789")) and _DIGITS.search(text):
            text = _PHONE.sub(PHONE, text)
        # A replacement can set free what stood against it.
        if text == before:
            return text
