"""Names of bots on Reddit and texts that bots write, for training data and live replies alike."""

import re
import unicodedata

# Well-known bots whose names the patterns below don't give away, in lower case
_KNOWN = """
auto-xkcd37 automoderator autotldr bitcointip boobcmb boocmb botbust botdefense botterminator
botwatchman changetip commonmisspelling contentforager convertstometric decronym downloadvideo
duplicatedestroyer flair_helper floodassistant gfy_mirror gfycat_details_fixer gifendore
imagesofnetwork imgurtranscriber lapis_mirror livetwitchclips marketron-i mentioned_videos
metric_units mtgcardfetcher musicmirror nice-scores profanitycounter qkme_transcriber
redditstreamable repostsleuth roboragi savethevideo savevideo sodogetip subreddit_stats
subredditsimulator tabledresser the-paranoid-android thegentlemetre tippr totesmessenger
transcribersofreddit ttumblrbots tweetposter user_simulator uwutranslator visualmod
vredditdownloader vredditshare writingpromptsrobot xkcd_transcriber
"""
KNOWN_BOTS = frozenset(_KNOWN.split())

# A name in words: capitals, camel case, separators and digits divide it
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# "v2", "beta" and the like behind the last word
_VERSION = re.compile(r"\d+|v|vi+|beta|alpha|dev|test|official|reddit|ib|ai|io|app|net|x", re.I)
# Words and surnames that end in "bot" by chance, as the whole name or behind a first name ...
_PEOPLE = re.compile(
    r"(talbot|abbot|chabot|robot|guibot|philbot)$"
    r"|^.?(cabot|sabot|jabot|turbot|barbot|marbot|ribot|corbot|lambot|thibot|debot|labot)$"
)
# ... unless the letters before "bot" are a word of their own: "metal bot", "hero bot"
_WORD_BEFORE_BOT = re.compile(
    r"(metal|digital|capital|portal|total|crystal|hospital|mental|rental|postal|orbital"
    r"|hero|zero|retro|metro|macro|euro|micro|nitro|electro|hydro|intro|pro|grab|crab|tab)bot$"
)
# People call themselves "not_a_bot" or "bot_hater"
_DENIES = frozenset({"not", "isnt", "aint", "nota", "never", "arent", "hate", "hates"})
_HUMAN_WORDS = frozenset(
    {"lane", "laner", "fan", "hater", "lover", "hunter", "enjoyer", "slayer", "killer", "main"}
)
_PATTERNS = re.compile(
    r"gpt[-_]?[234](o|\.5)?(?=[-_]|bot|interactive|$)|^auto[-_]?(mod|tldr|wiki)|moderator$"
    r"|transcriber$|card[-_]?fetcher$|remind[-_]?me[-_]?bot|(?-i:_SS$)",
    re.I,
)


def is_bot_name(name: str) -> bool:
    """Returns whether a name is a bot's: that of a well-known bot, or one formed like it.

    Args:
      name: a Reddit user's, with or without "u/"; capitals count, since they divide words.
    """
    name = name.strip().removeprefix("/").removeprefix("u/")
    if name.lower() in KNOWN_BOTS or _PATTERNS.search(name):
        return True
    words = _NAME_WORD.findall(
        re.sub("b0t", "bot", re.sub("B0t", "Bot", name)).replace("B0T", "BOT")
    )
    while len(words) > 1 and _VERSION.fullmatch(words[-1]):
        words.pop()
    words = [word.lower() for word in words]
    if not words or _DENIES & set(words) or any("notabot" in word for word in words):
        return False
    if "bot" in words:
        return not _HUMAN_WORDS & set(words)
    last = words[-1]
    if not last.endswith("bot"):
        return False
    return bool(_WORD_BEFORE_BOT.search(last)) or not _PEOPLE.search(last)


# Marks that Reddit's bots put around their signatures, and invisible characters
_MARKS = re.compile(r"[\^*_~`\\>]|&#x200b;|#(?!\d)|[\u200b-\u200f\u2060\ufeff]", re.I)
_QUOTE = re.compile(r"^\s*(?:>|&gt;).*$", re.M)
# Characters that may hide letters: invisible ones, superscripts, full-width ones
_DISGUISE = re.compile("[\u02b0-\u02ff\u1d2c-\u1dbf\u200b-\u200f\u2060\ufeff\uff00-\uffef]")
# No rule below can match a text without one of these, and looking for them is fast
_HINTS = (
    *("beep", "bleep", "automatic", "automated", "language model", "gpt", "markov"),
    *("sneak peek", "tl;dr", "tldr", "messaging you", "also be reminded", "can delete this"),
    *("replying to this so late", "detect haiku", "non-mobile", "linked to this thread"),
    *("contact the moderators",),
)
_BOT = re.compile(r"(?<![a-z])bot(?![a-z])|\S+bot\b")
_ARTICLE = r"(?:just |only |merely |also |simply )?an? (?:[\w-]+ ){0,2}?"
_BOT_TEXT = re.compile(
    # Signatures; "do you think I'm a bot" and "I'm a bot lane main" are people's
    rf"(?<!think )(?<!if )(?<!thinks )(?<!thought )(?<!like )(?<!says )(?<!saying )(?<!think that )"
    rf"(?<!assume )(?<!swear )(?<!because )(?<!prove )(?<!calls me )(?<!means )"
    rf"\b(?:i am|i'm|im) {_ARTICLE}bot\b(?! (?:lane|main|player|support|laner|fan|owner|dev|maker))"
    rf"(?!\?|\w| then\?| now\?| or | too\?)"
    r"|\b(?:hi|hello|hey)[,!.]? this is an? (?:[\w-]+ )?bot\b"
    r"|\bthis is an? (?:automated|automatic|reply|friendly) (?:bot|message|reply|response|comment)"
    r"|\bthis (?:action|comment|reply|message|post|response) (?:was|is|has been) "
    r"(?:performed |posted |made |generated |written |sent |created )?"
    r"(?:automatic(?:ally)?|automated|by an? (?:[\w-]+ )?(?:bot|gpt\S*|language model))"
    r"|\ba language model wrote this\b|\b(?:text|comment|reply) generated (?:by|with|using) gpt"
    r"|\b(?:i am|i'm) an? (?:gpt-?[234]|markov|language model)"
    r"|\bbe?ep,? bo+p\b|\bble+p,? blo+p\b"
    # Templates of well-known bots
    r"|\bhere's a sneak peek of /?r/|\bthis is the best tl;?dr i could make\b"
    r"|\bi will be messaging you (?:in|on)\b|\bto send a pm to also be reminded\b"
    r"|\bparent commenter can delete this message\b|\breally sorry about replying to this so late"
    r"|\bi detect haikus\b|\bhaikubot\b.{0,40}\bdetect|\bfor voting on [\w-]+bot\b"
    r"|\bsomeone has linked to this thread from another place on reddit\b"
    r"|\bnon-mobile link:|\bhelperbot v\d"
    r"|\bcontact the moderators of this subreddit\b.{0,200}\bif you have any questions or concerns"
)
# A last line of links: info | source | feedback
_FOOTER_WORD = (
    r"[\[(]{0,2}(?:info|source|feedback|github|faqs?|contact|creator|dev|author|opt[- ]?out|delete"
    r"|report|stats|about|help|donate|usage|custom|your reminders|summon|mute|ignore)\b"
)
_FOOTER = re.compile(rf"{_FOOTER_WORD} ?[\])]{{0,2}} ?(?:\([^)\s]*\))? ?[|•·] ?{_FOOTER_WORD}")


def is_bot_text(text: str) -> bool:
    """Returns whether a comment is of the kind that bots write: a signature, or a known template.

    Args:
      text: Markdown as Reddit gives it; superscript marks and HTML entities don't hide anything.
    """
    if ">" in text or "&gt;" in text:
        # People quote bots when they answer them
        text = _QUOTE.sub("", text)
    plain = text.lower()
    if not text.isascii() and _DISGUISE.search(text):
        plain = unicodedata.normalize("NFKC", text).lower()
    elif not (
        any(hint in plain for hint in _HINTS)
        or ("bot" in plain and _BOT.search(plain))
        or any(mark in plain for mark in "|•·")
    ):
        return False
    plain = plain.replace("’", "'").replace("&#32;", " ").replace("&nbsp;", " ")
    plain = " ".join(_MARKS.sub("", plain).split())
    return bool(_BOT_TEXT.search(plain) or _FOOTER.search(plain))


def looks_like_bot(author: str, body: str = "") -> bool:
    """Returns whether a name or a text looks like a machine's."""
    return is_bot_name(author) or is_bot_text(body)
