"""Who asks bots to keep out, in a comment or a post: "no bots please", "humans only"."""

import html
import re
import unicodedata

_BOT = r"(?:bots?|chat ?bots?|ai|a\.i\.|ai[- ]generated|gpt\w*|chatgpt|llms?|robots?|automated)"
_DO_NOT = r"(?:do not|don't|dont|please don't|never|stop)"
_GO = r"(?:go away|stay (?:out|away)|keep (?:out|away|scrolling)|get lost|leave)"
_TO_ANSWER = (
    r"(?:repl(?:y|ies|ying)|answer(?:s|ing)?|comment(?:s|ing)?|respond(?:s|ing)?|responses?|posts?)"
)
_WISH = re.compile(
    # "No bots please"; "there are no bots in this game" is none
    r"(?:^|[.!?;,:()\[\]\n–—-]\s*)(?:(?:also|and|but|so|please|pls|edit|note)[ ,:]+){0,3}"
    rf"no (?:more )?{_BOT}\b"
    r"(?! (?:is|are|was|were|can|could|will|would|has|have|in|on|at|of|needed))"
    rf"|\bno {_BOT} (?:please|pls|allowed|welcome|here|{_TO_ANSWER})"
    rf"|\b{_BOT}(?: {_TO_ANSWER})? (?:are |is )?(?:not|un) ?(?:welcome|allowed|wanted)"
    rf"|\b{_BOT},? (?:please |pls )?(?:{_GO}|{_DO_NOT} {_TO_ANSWER})"
    r"|\b(?:don't|dont|do not) want (?:to (?:hear from|talk to) )?(?:any |a |your )?(?:ro)?bots?\b"
    rf"|\bif (?:you|u)(?:'re| are|r| r) (?:a |an )?{_BOT},? (?:please )?(?:{_DO_NOT}|{_GO})"
    rf"|(?:^|[.!?\n(]\s*)(?:real )?(?:humans?|people)(?: {_TO_ANSWER})? only(?: please)?\W*(?:$|\n)"
    rf"|\b(?:real )?humans?(?: {_TO_ANSWER})? only\b"
    rf"|\bonly (?:from )?(?:real )?(?:humans|people) (?:please|pls|{_TO_ANSWER})"
    rf"|\b{_DO_NOT} (?:use|post|paste|give me|send me) (?:an? |any )?{_BOT}"
)
_MARKS = re.compile(r"[*_~`#\\>^]|[\u200b-\u200f\u2060\ufeff]")


def wants_no_bot(text: str) -> bool:
    """Returns whether a text asks bots, or machines of any kind, to keep out.

    Args:
      text: Markdown as Reddit gives it.
    """
    plain = unicodedata.normalize("NFKC", html.unescape(text)).lower().replace("’", "'")
    return bool(_WISH.search(_MARKS.sub("", plain)))
