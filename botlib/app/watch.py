"""Watch: what the bot does now and why, its limits, rounds and outcomes; and STOP."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
from flask import Blueprint, g, jsonify, request

from botlib.app.site import Site
from botlib.live import heartbeat, outcomes
from botlib.live.heartbeat import Beat
from botlib.live.outbox import optouts
from botlib.live.outbox.queue import Outbox
from botlib.runs import bot_state
from botlib.runs.bot_state import Bot
from botlib.terminal import one_line

LAST = 40  # outcomes shown
# So many replies, those posted last, are counted, drawn and compared
MOST = 1000


def routes(site: Site) -> Blueprint:
    """Returns the addresses of the tab Watch."""
    blueprint = Blueprint("watch", __name__, url_prefix="/api/watch")

    @blueprint.get("")
    def everything() -> Any:
        return jsonify(state(site))

    @blueprint.post("/stop")
    def stop() -> Any:
        reason = one_line(str(request.get_json().get("reason", "")))[:200]
        bot_state.stop(site.workspace, f"by {g.by} on the page{f': {reason}' if reason else ''}")
        return jsonify(state(site))

    @blueprint.post("/start")
    def start() -> Any:
        bot_state.start(site.workspace)
        return jsonify(state(site))

    @blueprint.get("/outcomes")
    def outcomes_as_json() -> Any:
        with site.outbox() as outbox:
            return jsonify(outcome_summary(site, outbox))

    return blueprint


def state(site: Site) -> dict[str, Any]:
    """Returns the state of this site's bot as JSON, first in one sentence."""
    bot = bot_state.read(site.workspace) or Bot(False, "", 0, [])
    with site.outbox() as outbox:
        now = outbox.clock()
        beat = heartbeat.read(outbox, site.name)
        opted_out = optouts.count_opted_out(outbox)
        opt_outs = optouts.all_opted_out(outbox, newest=10)
    this_site = next((entry for entry in bot.sites if entry.site == site.name), None)
    mood, headline, why = _headline(site, bot, this_site, beat, now)
    return {
        "now": now,
        "mood": mood,
        "headline": headline,
        "why": one_line(why),
        "stopped": bot.stopped,
        "error": bot.error,
        "facts": _facts(this_site, beat),
        "shut": []
        if this_site is None
        else [[name, one_line(why)] for name, why in this_site.shut.items()],
        "opted_out": opted_out,
        "opt_outs": [
            entry | {"reason": one_line(entry["reason"])[:200]} for entry in opt_outs[::-1]
        ],
        "rounds": [] if beat is None else list(beat.rounds)[::-1],
    }


def _headline(
    site: Site, bot: Bot, this_site: bot_state.Site | None, beat: Beat | None, now: float
) -> tuple[str, str, str]:
    """The state in short: a mood (good, warn, bad or off), two or three words, and why."""
    alive = beat is not None and beat.alive(now)
    after = "; the bot itself still reads and proposes" if alive else ""
    if this_site is not None and this_site.shut_out:
        return "bad", "Shut out", f"Reddit refuses the account: {this_site.shut_out}"
    if bot.stopped:
        return "bad", "Stopped", f"nothing is posted: {bot.why or 'no reason given'}{after}"
    if this_site is not None and this_site.paused_until:
        until = this_site.paused_until.replace("+00:00", " UTC").replace("T", " ")
        return "warn", "Paused", f"until {until}: {this_site.paused_why}"
    if not alive:
        live = " --live --allow SUBREDDITS" if site.name == "live" else ""
        command = f"`python -m botlib bot --workspace {site.workspace.root.name}{live} --every 10m`"
        if beat is None:
            return "off", "Not running", f"no bot has run here yet. Start it with: {command}"
        when = datetime.fromtimestamp(beat.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        ended = "it ended" if beat.state == heartbeat.ENDED else "it was last heard of"
        return "off", "Not running", f"{ended} at {when}. Start it with: {command}"
    dry_run_note = " This is a dry run: nothing is posted." if beat.dry_run else ""
    failed = beat.rounds[-1]["error"] if beat.rounds else ""
    if failed:
        return "warn", "Running, with errors", f"the last round failed: {failed}"
    if beat.state == heartbeat.ROUND:
        return (
            "good",
            "Running",
            f"a round began {max(0, now - beat.since):.0f} s ago.{dry_run_note}",
        )
    wait = max(0.0, beat.until - now)
    wait_in_words = f"{wait / 60:.0f} min" if wait >= 90 else f"{wait:.0f} s"
    return "good", "Running", f"the next round begins in {wait_in_words}.{dry_run_note}"


def _facts(this_site: bot_state.Site | None, beat: Beat | None) -> list[list[str]]:
    """(name, number) pairs, the most important first."""
    if this_site is None:
        return []
    limit = f" of {beat.per_day}" if beat is not None and beat.per_day else ""
    requests_left = None if beat is None else beat.requests_left
    return [
        ["posted in 24 h", f"{this_site.posted_24h}{limit}"],
        ["wait for you", str(this_site.waiting)],
        ["approved", str(this_site.approved)],
        ["requests left", "–" if requests_left is None else str(requests_left)],
        *([["unclear", str(this_site.unclear)]] if this_site.unclear else []),
        *([["handed over", str(this_site.handed_over)]] if this_site.handed_over else []),
    ]


def outcome_summary(site: Site, outbox: Outbox) -> dict[str, Any]:
    """Returns the outcomes of replies: the newest first, and predicted against real scores."""
    table = outcomes.table(outbox, site.name, MOST)
    rated = outcomes.rated_pairs(site.workspace) if len(table) else None
    # The archive says more only after a day and a half, so one day is the age to compare
    bins = outcomes.calibration(table, rated=rated)
    fates = table["fate"].value_counts()
    newest_replies = table.iloc[::-1].head(LAST)
    return {
        "replies": [_plain(row) for row in newest_replies.to_dict("records")],
        "calibration": [_plain(row) for row in bins[bins["replies"] > 0].to_dict("records")],
        "points": [
            [float(row.predicted), int(row.score_24h)]
            for row in table.dropna(subset=["predicted", "score_24h"]).itertuples()
        ],
        "fates": {
            name: int(fates.get(name, 0)) for name in ("there", "removed", "deleted", "gone")
        },
        "sentence": outcomes.rank_sentence(table),
        # Otherwise these are all
        "latest": len(table) if len(table) == MOST else 0,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with values that JSON has; texts are one line."""
    return {
        name: None
        if pd.isna(value)
        else one_line(value)
        if isinstance(value, str)
        else float(value)
        for name, value in row.items()
    }
