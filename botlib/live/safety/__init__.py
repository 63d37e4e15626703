"""What a bot keeps out of: crisis, medical and legal advice, harassment, minors, personal data."""

import re
from collections.abc import Iterable
from functools import lru_cache

from botlib.live.safety.classifier import likely_kind
from botlib.live.safety.normalise import views
from botlib.live.safety.rules import KINDS, first_phrase

__all__ = ["KINDS", "concern", "conversation_concern", "unfit"]


@lru_cache(maxsize=4096)
def concern(text: str) -> str:
    """Returns why a bot should keep out of a text: a kind of KINDS, then the words; or "".

    Args:
      text: a title, a post, a comment or a reply.
    """
    if not isinstance(text, str) or not text.strip():
        return ""
    texts = views(text)
    kind, words = first_phrase(texts)
    if not kind:
        kind, words = likely_kind(texts[-1])
    if not kind:
        return ""
    return f"{kind} ({_short(words)})"


def conversation_concern(
    title: str = "", post: str = "", parents: Iterable[str] = (), comment: str = ""
) -> str:
    """Returns why a bot should keep out of a conversation, and in which text, or "".

    Args:
      title: of the post.
      post: its text.
      parents: the comments above the comment, the nearest first.
      comment: the comment that a reply would answer.
    """
    for where, text in [
        ("in the comment", comment),
        ("in the title", title),
        ("in the post", post),
        *(("in a comment above", text) for text in parents),
    ]:
        if reason := concern(text):
            return f"{reason} {where}"
    return ""


def unfit(reply: str) -> str:
    """Returns why a bot should not post a reply, whatever the thread, or "".

    A model makes up links, mentions strangers, and claims to be human as people in its data do.
    """
    texts = views(reply) if isinstance(reply, str) else [""]
    if not re.search(r"[a-z0-9]", texts[0]) or (_EMOJI.fullmatch(texts[0])):
        return "holds no words"
    for text in (reply, *texts):
        if _LINK.search(text):
            return "holds a link, which a model makes up"
        if mention := _MENTION.search(text):
            return f"calls {mention[0]}"
        if _DENIAL.search(text):
            return "denies that a bot wrote it"
    if reason := concern(reply):
        return f"off-topic for a bot: {reason}"
    return ""


_EMOJI = re.compile(r"(?:\s*:[\w+-]+:\s*)+")
_LINK = re.compile(r"https?://|\bwww\.|\]\(", re.I)
_MENTION = re.compile(r"(?<![\w/])/?u/[\w-]{3,20}")
_DENIAL = re.compile(r"\b(i'?m|i am) (not (a|some) (ro)?bot|(a )?(real )?(human|person))\b", re.I)


def _short(words: str, most: int = 60) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
