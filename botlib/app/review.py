"""Review: the replies that wait, one at a time; the outbox records every decision."""

import dataclasses
import hashlib
from typing import Any

from flask import Blueprint, g, jsonify, request

from botlib.app.site import Site
from botlib.errors import BotlibError
from botlib.live.outbox import candidates
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import ASK, HANDED_OVER, READY, Reply
from botlib.live.policy import DISCLOSURE, with_disclosure
from botlib.live.posting import by_hand, recheck, settle
from botlib.live.reddit import subreddit_rules
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.review.display import reply_note, thread_turns, waiting
from botlib.terminal import harmless, one_line, readable

# Longer texts are cut in the list; the link "open" shows the whole
LONGEST = 20_000


def routes(site: Site) -> Blueprint:
    """Returns the addresses of the tab Review."""
    blueprint = Blueprint("review", __name__, url_prefix="/api/review")

    @blueprint.get("")
    def everything() -> Any:
        with site.outbox() as outbox:
            return jsonify(listing(site, outbox))

    @blueprint.get("/<int:reply_id>")
    def conversation(reply_id: int) -> Any:
        with site.outbox() as outbox:
            reply = _get_reply(site, outbox, reply_id)
        with site.reddit() as reddit:
            turns = thread_turns(reddit, reply)
            changed = _objection_now(site, reddit, reply)
        turns_as_json = [{"who": one_line(who), "text": text[:LONGEST]} for who, text in turns]
        return jsonify({"turns": turns_as_json, "changed": changed})

    @blueprint.post("/<int:reply_id>/<decision>")
    def decide(reply_id: int, decision: str) -> Any:
        body = request.get_json()
        with site.outbox() as outbox:
            seen = _as_seen(site, outbox, reply_id, str(body.get("version", "")))
            if decision == "approve":
                outbox.approve(reply_id, g.by, saw=seen)
            elif decision == "edit":
                outbox.edit(
                    reply_id, _without_disclosure(str(body.get("text", ""))), g.by, saw=seen
                )
            elif decision == "reject":
                outbox.reject(reply_id, g.by, one_line(str(body.get("reason", "")))[:500], saw=seen)
            elif decision == "hand-over":
                _hand_over(site, outbox, seen)
            else:
                raise BotlibError(f"no such decision: {one_line(decision)}")
            return jsonify({"state": outbox.get(reply_id).state} | listing(site, outbox))

    @blueprint.post("/undo")
    def undo() -> Any:
        with site.outbox() as outbox:
            reply_id = request.get_json().get("id")
            last = (
                _get_reply(site, outbox, int(reply_id))
                if reply_id
                else outbox.last_judged(site.name)
            )
            if last is None:
                raise BotlibError("there is nothing to undo")
            outbox.undo(last.id, g.by)
            return jsonify({"undone": last.id, "was": last.state} | listing(site, outbox))

    @blueprint.post("/<int:reply_id>/settle")
    def how_it_went(reply_id: int) -> Any:
        answer = str(request.get_json().get("answer", "")).strip()
        with site.outbox() as outbox:
            reply = _get_reply(site, outbox, reply_id)
            if reply.asks and answer.lower() == by_hand.NOT_POSTED_WORD:
                settle.say_not_posted(outbox, reply_id, g.by)
            elif reply.asks:
                settle.say_posted(outbox, reply_id, answer, g.by)
            else:
                by_hand.settle(outbox, reply, answer)
            return jsonify({"state": outbox.get(reply_id).state} | listing(site, outbox))

    return blueprint


def listing(site: Site, outbox: Outbox) -> dict[str, Any]:
    """Returns the replies that wait on this site, with counts and questions, as JSON."""
    other = "sandbox" if site.name == "live" else "live"
    handed_over = outbox.replies(site.name, [HANDED_OVER])
    replies = waiting(outbox, site.name)
    others = candidates.for_replies(outbox, [reply.id for reply in replies])
    return {
        "waiting": [card(site, reply, others.get(reply.id, [])) for reply in replies],
        "approved": len(outbox.replies(site.name, READY)),
        "elsewhere": len(waiting(outbox, other)),
        "handed": [_for_hand_over(reply) for reply in handed_over],
        "asks": [
            _for_hand_over(reply) | {"why": readable(reply.reason.partition(ASK)[0])}
            for reply in settle.open_questions(outbox, site.name)
        ],
        "disclosure": DISCLOSURE.strip("*"),
        "now": outbox.clock(),
    }


def card(site: Site, reply: Reply, others: list[candidates.Candidate]) -> dict[str, Any]:
    """Returns a reply as JSON for the person who judges; Reddit's texts are made harmless."""
    live = site.name == "live"
    return {
        "id": reply.id,
        "version": version(reply),
        "subreddit": one_line(reply.subreddit),
        "title": one_line(reply.title),
        "author": one_line(reply.author),
        "comment": readable(reply.comment)[:LONGEST],
        "reply": harmless(reply.reply),
        "realism": reply.prob_real,
        # Only in workspaces with a judge of fit
        "fit": getattr(reply, "prob_fit", None),
        "rating": reply.score,
        "why": reply_note(reply),
        "since": reply.changed,
        "link": by_hand.link(reply) if live else "",
        "rules": subreddit_rules.lines(site.workspace, reply.subreddit) if live else [],
        "others": [dataclasses.asdict(other) for other in others],
    }


def version(reply: Reply) -> str:
    """Returns a hash of a reply's state, comment and text, as a person sees them."""
    content = "\0".join((reply.state, reply.comment, reply.reply))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _as_seen(site: Site, outbox: Outbox, reply_id: int, seen_version: str) -> Reply:
    """The reply, if it is still as the person saw it; the outbox checks again when it writes."""
    reply = _get_reply(site, outbox, reply_id)
    if version(reply) != seen_version:
        reason = f" ({one_line(reply.reason)})" if reply.reason else ""
        raise BotlibError(
            f"this reply is {reply.state} by now{reason}: it changed since you saw it, so your "
            "decision does not count"
        )
    return reply


def _get_reply(site: Site, outbox: Outbox, reply_id: int) -> Reply:
    reply = outbox.get(reply_id)
    if reply.site != site.name:
        raise BotlibError(f"reply {reply_id} belongs to the other site")
    return reply


def _without_disclosure(text: str) -> str:
    # Posting adds the disclosure; a copied one must not be posted twice
    return text.removesuffix(with_disclosure("").lstrip()).rstrip()


def _hand_over(site: Site, outbox: Outbox, seen: Reply) -> None:
    if site.name != "live":
        raise BotlibError("in the sandbox the bot posts by itself: approve the reply instead")
    outbox.approve(seen.id, g.by, saw=seen)
    policy = by_hand.policy_for(site.workspace, outbox, site.post)
    with site.reddit() as reddit:
        by_hand.give(outbox, policy, outbox.get(seen.id), g.by, reddit)


def _for_hand_over(reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "subreddit": one_line(reply.subreddit),
        "title": one_line(reply.title),
        "text": harmless(by_hand.text(reply)),
        "link": by_hand.link(reply) if reply.site == "live" else "",
        "advice": by_hand.ADVICE,
    }


def _objection_now(site: Site, reddit: Any, reply: Reply) -> str:
    """Why the bot would not post the reply now, or ""."""
    try:
        objection, own_reply = recheck.look(reddit, reply, reddit.name)
    except UNREADABLE as error:
        raise BotlibError(f"the thread can't be read now: {readable(str(error))}") from error
    if own_reply is not None:
        return "a reply of ours stands under this comment already"
    return "" if objection is None else readable(objection.reason)
