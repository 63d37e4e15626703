"""Hears in a person's own words what they ask of the bot: to stop, or to delete its reply."""

import html
import re

from botlib.bots import is_bot_text
from botlib.live.optout import classifier
from botlib.live.optout.clauses import clauses_of, sentences_of, signs, without_quotes
from botlib.live.optout.grammar import (
    COMPLAINT,
    DELETE,
    LEAD,
    PLAYFUL,
    REQUESTS,
    RUN_ON,
    SELF,
    STOP,
    TALK,
    TRAIL,
)
from botlib.live.optout.wishes import wants_no_bot

__all__ = ["DELETE", "STOP", "asked_for"]

# So many characters are read at each end of a text: none may cost much time
_LONGEST = 1500


def asked_for(
    body: str, subject: str = "", *, private: bool = False, to_bot: bool = False
) -> frozenset[str]:
    """Returns what a comment or a message asks of the bot: of {"stop", "delete"} none, one or both.

    A text is read clause by clause, without greetings, politeness and oaths. What can only be
    meant for a bot ("don't reply to me", "delete your comment") counts in any clause; what people
    also say to each other ("stop it", "delete this") only where the whole text says nothing else.
    A short text that no pattern knows is put to a small classifier, trained on such requests.

    Args:
      body: Markdown as Reddit gives it; quoted lines, and the bot's own words, don't count.
      subject: of a message; a request may stand there alone.
      private: a message, which is only read by the bot: laughter doesn't make it a joke.
      to_bot: a comment right below one of the bot's own; as in a message, less certainty suffices.
    """
    subject = re.sub(r"^(?:(?:re|aw|fwd?)\s*:\s*)+", "", subject.strip(), flags=re.I)
    if not re.search(r"\w", body) and subject:
        # All was said in the subject
        body, subject = subject, ""
    found = _heard(body, private, to_bot)
    # A subject names a matter: "your comment" there asks for nothing
    return frozenset(found | _heard(subject, private, subject=True) if subject else found)


def _heard(text: str, private: bool, to_bot: bool = False, *, subject: bool = False) -> set[str]:
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]}\n{text[-_LONGEST:]}"
    text = without_quotes(html.unescape(html.unescape(text)))
    if is_bot_text(text):
        return set()
    if sign := signs(text):
        return sign
    joking = not private and bool(_LAUGHTER.search(text))
    clauses = clauses_of(text)
    short = sum(len(clause.split()) for _, clause in clauses) <= 20
    certain, likely, only = set(), set(), True
    rest = []
    for joint, clause in clauses:
        kind, sure = _read(clause)
        if kind is None:
            rest.append(clause)
            # "stop and think" is advice; "stop. why do you do this?" is none
            talk = short and joint not in ("and", "then") and TALK.match(clause)
            only = only and (_beside_the_point(clause) or (talk and not PLAYFUL.search(clause)))
        else:
            (certain if sure else likely).add(kind)
    # "stop and delete your reply": what is certain makes the rest so
    heard = certain | likely if certain or (only and not joking) else set()
    texts = [clause for _, clause in clauses]
    if (private or to_bot) and short and not joking and clauses and not heard:
        # "You offered, I accept: STOP" ends with the word itself
        joint, last = clauses[-1]
        if joint not in ("and", "then", "or", "but") and len(last.split()) <= 2:
            heard |= {_read(last)[0]} - {None}
    if heard and not (private or to_bot):
        heard -= classifier.unlikely(texts)
    named = classifier.names_a_bot(text)
    meant = private or to_bot or named
    if heard and (short or meant):
        # Who asks for one thing may ask for the other in words that no pattern knows
        for clause in rest:
            if len(clause.split()) > 3:
                heard |= classifier.likely([clause], named=meant)
    if (private or to_bot) and wants_no_bot(text):
        heard.add(STOP)
    if heard or joking or subject:
        return heard
    heard = classifier.likely(texts, to_bot=private or to_bot, named=named)
    if meant and not heard and len(classifier.words_of(texts)) <= classifier.MOST_WORDS:
        # A request may stand beside its reason, which would outweigh it
        for sentence in sentences_of(text):
            heard |= classifier.surely(sentence)
    return heard


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


_LAUGHTER = re.compile(
    r"\b(?:lol|lmf?ao|rofl|(?:ha|he|ja){2,}h?|kidding|jk)\b|[😂🤣😹😆💀😍🥰☺😊🤭]", re.I
)
