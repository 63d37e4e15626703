"""Hears in a person's own words what they ask of the bot: to stop, or to delete its reply."""

import html
import re
import unicodedata

from botlib.bots import is_bot_text
from botlib.live.optout_grammar import (
    COMPLAINT,
    LEAD,
    PLAYFUL,
    REQUESTS,
    RUN_ON,
    SELF,
    TALK,
    TRAIL,
)

# So many characters are read at each end of a text: none may cost much time
_LONGEST = 1500


def asked_for(body: str, subject: str = "", *, private: bool = False) -> frozenset[str]:
    """Returns what a comment or a message asks of the bot: of {"stop", "delete"} none, one or both.

    A text is read clause by clause, without greetings, politeness and oaths. What can only be
    meant for a bot ("don't reply to me", "delete your comment") counts in any clause; what people
    also say to each other ("stop it", "delete this") only where the whole text says nothing else.

    Args:
      body: Markdown as Reddit gives it; quoted lines, and the bot's own words, don't count.
      subject: of a message; a request may stand there alone.
      private: a message, which is only read by the bot: laughter doesn't make it a joke.
    """
    subject = re.sub(r"^(?:(?:re|aw|fwd?)\s*:\s*)+", "", subject.strip(), flags=re.I)
    found = _heard(body, private)
    return frozenset(found | _heard(subject, private) if subject else found)


def _heard(text: str, private: bool) -> set[str]:
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]}\n{text[-_LONGEST:]}"
    text = _without_quotes(html.unescape(html.unescape(text)))
    if is_bot_text(text):
        return set()
    joking = not private and bool(_LAUGHTER.search(text))
    clauses = _clauses(text)
    short = sum(len(clause.split()) for _, clause in clauses) <= 20
    certain, likely, only = set(), set(), True
    for joint, clause in clauses:
        kind, sure = _read(clause)
        if kind is None:
            # "stop and think" is advice; "stop. why do you do this?" is none
            talk = short and joint not in ("and", "then") and TALK.match(clause)
            only = only and (_beside_the_point(clause) or (talk and not PLAYFUL.search(clause)))
        else:
            (certain if sure else likely).add(kind)
    # "stop and delete your reply": what is certain makes the rest so
    return certain | likely if certain or (only and not joking) else set()


def _read(clause: str) -> tuple[str | None, bool]:
    """What one clause asks for (None: nothing), and whether it can only be meant for a bot."""
    for part in _stripped(clause):
        for kind, certain, pattern in REQUESTS:
            if pattern.fullmatch(part) or (certain and RUN_ON.match(part[_end(pattern, part) :])):
                return (kind, certain) if certain or not SELF.search(clause) else (None, False)
    return None, False


def _end(pattern: re.Pattern, part: str) -> int:
    found = pattern.match(part)
    return found.end() if found else len(part)


def _stripped(clause: str) -> list[str]:
    """A clause, then ever less of what politeness, anger or a vocative put around it."""
    parts, left = [clause], clause
    while True:
        if (shorter := TRAIL.sub("", left).strip()) == left:
            shorter = LEAD.sub("", left, count=1).strip()
        if shorter == left:
            return parts
        parts.append(left := shorter)


def _beside_the_point(clause: str) -> bool:
    """Whether a clause only thanks, swears or complains, and so leaves "stop" a request."""
    return not re.search(r"[^\W\d]", _stripped(clause)[-1]) or bool(
        COMPLAINT.search(clause) and len(clause.split()) <= 9
    )


# Text to clauses
_LAUGHTER = re.compile(
    r"\b(?:lol|lmf?ao|rofl|(?:ha|he|ja){2,}h?|kidding|jk)\b|[😂🤣😹😆💀😍🥰☺😊🤭]", re.I
)
_QUOTED_LINE = re.compile(r"^\s*>.*$", re.M)
_QUOTED = re.compile(r"[“\"«„]([^“”\"«»„]{1,400})[”\"»“]")
# The bot's own line, whole or in pieces: how to opt out, said by someone who only repeats it
_OWN_LINE = re.compile(
    r"\bi'?m a bot: a language model.{0,200}?(?:remove this|$)"
    r"|\b(?:answer|answers|reply|respond|write|say|type|send|text|comment|use)(?:ing|s)?"
    r"(?: with)?[\s\"'“”‘’*`_]+(?:stop|delete|unsubscribe|opt[- ]?out)\b[\"'“”‘’*`_]*"
    r"(?:,? (?:and|to|for|if|so|when|or)\b[^.;\n]{0,120}|(?=[.?!,]* *$))"
    r"|[\"'“‘*`](?:stop|delete)[\"'”’*`]+ (?:to|and i|if you)\b[^.;\n]{0,120}",
    re.I | re.S,
)


def _without_quotes(text: str) -> str:
    text = text.replace("’", "'").replace("‘", "'").replace("´", "'").replace("ʼ", "'")
    text = _OWN_LINE.sub(" ", _QUOTED_LINE.sub("", text))

    def unquoted(found: re.Match) -> str:
        # “stop” is what the disclosure asks for; a quoted sentence is somebody else's
        rest = text[: found.start()] + text[found.end() :]
        alone = len(found[1].split()) <= 2 or not re.search(r"\w", rest)
        return f" {found[1]} " if alone else " "

    return _QUOTED.sub(unquoted, text)


_LINK = re.compile(r"\[[^\[\]]{0,200}\]\([^()\s]{0,300}\)|https?://\S+")
_STRUCK = re.compile(r"~~[^~]{1,300}~~(?=.*\w)", re.S)
_SPACED = re.compile(r"(?<![^\W_])(?:[a-z][ .\-_*]){3,12}[a-z](?![^\W_])")
_BETWEEN = re.compile(
    r"([.!?;,:()\[\]{}\n\r…–—/|+•·\"“”„«»。！？、，]+|\s-+\s|\b(?:and|but|then|or|because|cuz|since|"
    r"und|et|y)\b)"
)
_SHORT = {
    "u": "you", "ur": "your", "r": "are", "2": "to", "dnt": "dont", "donot": "dont",
    "im": "i am", "ive": "i have", "youre": "you are", "wanna": "want to",
    "its": "it is", "thats": "that is", "replys": "replies", "cannot": "cant", "thx": "thanks",
    "stp": "stop", "sotp": "stop", "stpo": "stop", "tsop": "stop", "stopp": "stop", "st0p": "stop",
    "stip": "stop", "srop": "stop", "stahp": "stop", "stawp": "stop", "sto": "stop", "5top": "stop",
    "stoppp": "stop", "stap": "stop", "stopit": "stop it", "stob": "stop", "sttop": "stop",
    "ill": "i will", "id": "i would", "deleat": "delete", "detele": "delete", "lemme": "let me",
    "leaveme": "leave me", "awya": "away", "awy": "away", "dontreply": "dont reply",
    "del": "delete", "rm": "remove", "unsub": "unsubscribe", "optout": "opt out",
    "takedown": "take down", "msg": "message", "msging": "messaging", "pmming": "messaging",
    "dming": "messaging", "pming": "messaging", "dm": "message", "pm": "message",
    "coment": "comment",
    "pls": "please", "plz": "please", "plss": "please", "pleas": "please", "pleez": "please",
    "plox": "please", "pwease": "please", "pliz": "please", "pl": "please", "pleease": "please",
}  # fmt: skip
_LONG_WORDS = (
    *("please", "delete", "remove", "unsubscribe", "reply", "replying", "replies", "respond"),
    *("responding", "comment", "commenting", "message", "messaging", "answering", "bothering"),
    *("contacting", "messages", "comments", "alone", "leave"),
)
# Words that are no slips of the pen
_REAL_WORDS = """
removed removes remover deleted deletes deleter replied rely relay repay relies pleased pleases
massage massages massaging responds commend commends along clone atone comet plies plying relying
relaying elate delate remote aloe lave leaves leaved leaven heave repel reps stow stoop stops step
slop shop swop strop stomp scop responda responde respondo commento comentario commente
"""
_REAL = frozenset(_REAL_WORDS.split())
# Cyrillic letters that look Latin, in a word that has Latin ones
_LOOKALIKES = str.maketrans("асеорѕхуіјһ", "aceopsxyijh")
_MIXED = re.compile(r"(?=[^\W\d_]*[a-z])(?=[^\W\d_]*[а-ѿ])[^\W\d_]+")


def _clauses(text: str) -> list[tuple[str, str]]:
    """A text as clauses, each behind what parts it from the last; words plain, slips mended."""
    # A link's text is no request, nor is what was struck out
    text = _STRUCK.sub(" ", _LINK.sub(" . ", text))
    # Superscript and full-width letters become plain; accents go; an emoji ends a clause
    text = "".join(
        letter if not unicodedata.category(letter).startswith("S") or letter in "+|`^~$<>=" else "."
        for letter in unicodedata.normalize("NFKD", text.lower())
        if unicodedata.category(letter) not in ("Mn", "Cf")
    )
    text = re.sub(r"[*~`^\\#<>=$]|(?<!\w)_+|_+(?!\w)", "", text).replace("ß", "ss")
    text = _MIXED.sub(lambda word: word[0].translate(_LOOKALIKES), text)
    text = re.sub(r"@ ?me\b", " tag me ", text)
    text = re.sub(r"@\w+|\b/?u/[\w-]+", " bot ", text.replace("&", " and ").replace("%", ""))
    text = _SPACED.sub(lambda run: re.sub(r"[^a-z]", "", run[0]), text)
    text = re.sub(r"(\w)\1{2,}", r"\1", text.replace("'", "").replace("_", " "))
    clauses, joint = [], ""
    for number, part in enumerate(_BETWEEN.split(text)):
        if number % 2:
            joint = part.strip()
            continue
        words = [_SHORT.get(word, word) for word in re.findall(r"\w+", part)]
        line = " ".join(word if word in _REAL else _mended(word) for word in words)
        line = re.sub(r"\b(?:do|did|will|would) not\b|\bdo nt\b", "dont", line)
        if line := line.replace("can not", "cant").replace("opt ot", "opt out"):
            clauses.append((joint, line))
    return clauses


def _mended(word: str) -> str:
    """A long word with one slip (a letter too many, missing, wrong, or two swapped) put right."""
    if word[0] == "s" and 3 < len(word) < 6 and _one_slip(word, "stop"):
        return "stop"
    if len(word) < 4 or word in _LONG_WORDS:
        return word
    return next((right for right in _LONG_WORDS if _one_slip(word, right)), word)


def _one_slip(word: str, right: str) -> bool:
    if abs(len(word) - len(right)) > 1 or word[0] != right[0]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, right, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = word[start:], right[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:] and len(b) > 1
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or swapped
