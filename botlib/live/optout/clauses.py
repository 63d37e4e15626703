"""A text as plain clauses: no quotes, markup or accents; hidden and misspelt words laid open."""

import re
import unicodedata

from botlib.live.optout.grammar import DELETE, STOP

_QUOTED_LINE = re.compile(r"^\s*>(?!!).*$", re.M)
_QUOTED = re.compile(r"[“\"«„]([^“”\"«»„]{1,400})[”\"»“]")
# The bot's own line, whole or in pieces: how to opt out, said by someone who only repeats it
_OWN_LINE = re.compile(
    r"\bi'?m a bot: a language model.{0,200}?(?:remove this|$)"
    r"|\b(?:answer|answers|reply|respond|write|say|type|send|text|comment|use)(?:ing|s)?"
    r"(?: with)?[\s\"'“”‘’*`_]+(?:stop|delete|unsubscribe|opt[- ]?out)\b[\"'“”‘’*`_]*"
    r"(?:,? (?:and|to|for|if|so|when|or)\b[^.:;\n\"”]{0,120}|(?=[.?!,]* *$))"
    r"|[\"'“‘*`](?:stop|delete)[\"'”’*`]+ (?:to|and i|if you)\b[^.;\n]{0,120}",
    re.I | re.S,
)


def without_quotes(text: str) -> str:
    """Returns a text without quoted lines, quoted sentences and the bot's own line."""
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
    "urself": "yourself", "urs": "yours", "yr": "your", "tf": "the fuck", "dlt": "delete",
    "rmv": "remove", "d0nt": "dont",
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
    "agian": "again", "cna": "can", "rote": "wrote",
    "coment": "comment", "botz": "bots", "bott": "bot",
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


# Words that people write without a space between ("stopreplyingtome"), or with digits for letters
_GLUED = (
    *_LONG_WORDS,
    *("stop", "quit", "opt", "out", "me", "my", "to", "do", "not", "dont", "this", "that", "your"),
    *("it", "go", "away", "bot", "no", "more", "now", "pls", "plz", "answer", "contact", "posts"),
    *("never", "again", "back", "off", "take", "down", "the", "bots", "list", "fuck", "shut", "up"),
)
_GLUE = re.compile("(?:" + "|".join(sorted(_GLUED, key=len, reverse=True)) + "){2,8}")
_GLUE_WORD = re.compile("|".join(sorted(_GLUED, key=len, reverse=True)))
_DIGITS = str.maketrans("0134578", "oieastb")
# "STOP. REPLYING. TO. ME.": each word a sentence
_ONE_BY_ONE = re.compile(r"(?<!\S)(?:[a-z]+\.+[ \n]*){2,8}[a-z]+\.*(?=\s|$)")
_ALONE = {
    STOP: re.compile(r"[🛑⛔🚫🤖\ufe0f\s!]*[🛑⛔🚫][🛑⛔🚫🤖\ufe0f\s!]*"),
    DELETE: re.compile(r"[🗑🚮\ufe0f\s!]*[🗑🚮][🗑🚮\ufe0f\s!]*"),
}


def signs(text: str) -> set[str]:
    """Returns what a text asks for that is nothing but a stop sign or a waste bin."""
    return {kind for kind, sign in _ALONE.items() if sign.fullmatch(text)}


def clauses_of(text: str) -> list[tuple[str, str]]:
    """Returns (what parts it from the last, clause) for each clause; words plain, slips mended."""
    # A link's text is no request, nor is what was struck out
    text = _STRUCK.sub(" ", _LINK.sub(" . ", text))
    # "no 🤖", "bots 🚫", "stop n delete"
    text = text.replace("🤖", " bot ").replace("🚫", " no ")
    text = re.sub(r"(?<=\w) n (?=\w)", " and ", text)
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
    text = _ONE_BY_ONE.sub(lambda run: run[0].replace(".", " "), text)
    text = re.sub(r"(\w)\1{2,}", r"\1", text.replace("'", "").replace("_", " "))
    clauses, joint = [], ""
    for number, part in enumerate(_BETWEEN.split(text)):
        if number % 2:
            joint = part.strip()
            continue
        # In French "stp" is "please"; alone, or first, it is a slip
        part = re.sub(r"(?<=\w )stp\b", "svp", part)
        part = " ".join(_parted(word) for word in re.findall(r"\w+", part))
        words = [_SHORT.get(word, word) for word in part.split()]
        line = " ".join(word if word in _REAL else _mended(word) for word in words)
        line = re.sub(r"\b(?:do|did|will|would) not\b|\bdo nt\b", "dont", line)
        if line := line.replace("can not", "cant").replace("opt ot", "opt out"):
            clauses.append((joint, line))
    return clauses


def sentences_of(text: str) -> list[list[str]]:
    """Returns the clauses of each sentence of a text that has several."""
    sentences = [
        [clause for _, clause in clauses_of(part)]
        for part in re.split(r"[.!?;\n:]+(?=\s|$)", text)
        if re.search(r"\w", part)
    ]
    return sentences if len(sentences) > 1 else []


def _parted(word: str) -> str:
    """A word with its digits read as letters, then in its parts, where that gives known words."""
    if not word.isalpha() and (plain := word.translate(_DIGITS)).isalpha():
        word = plain if plain in _GLUED or _GLUE.fullmatch(plain) else word
    if len(word) > 5 and word not in _REAL and _GLUE.fullmatch(word):
        return " ".join(_GLUE_WORD.findall(word))
    return word


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
