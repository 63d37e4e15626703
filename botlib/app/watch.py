"""Watch: what the bot does now and why, its limits and rounds, what it earned; and STOP."""

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


def routes(site: Site) -> Blueprint:
    """Returns the addresses of the tab Watch."""
    part = Blueprint("watch", __name__, url_prefix="/api/watch")

    @part.get("")
    def everything() -> Any:
        return jsonify(state(site))

    @part.post("/stop")
    def stop() -> Any:
        why = one_line(str(request.get_json().get("reason", "")))[:200]
        bot_state.stop(site.workspace, f"by {g.by} on the page{f': {why}' if why else ''}")
        return jsonify(state(site))

    @part.post("/start")
    def start() -> Any:
        bot_state.start(site.workspace)
        return jsonify(state(site))

    @part.get("/outcomes")
    def earned() -> Any:
        with site.outbox() as outbox:
            return jsonify(fared(site, outbox))

    return part


def state(site: Site) -> dict[str, Any]:
    """Returns what is known of this site's bot, first in one sentence."""
    bot = bot_state.read(site.workspace) or Bot(False, "", 0, [])
    with site.outbox() as outbox:
        now = outbox.clock()
        beat = heartbeat.read(outbox, site.name)
        who = optouts.all_opted_out(outbox)
    here = next((one for one in bot.sites if one.site == site.name), None)
    mood, headline, why = _headline(site, bot, here, beat, now)
    return {
        "now": now,
        "mood": mood,
        "headline": headline,
        "why": one_line(why),
        "stopped": bot.stopped,
        "error": bot.error,
        "facts": _facts(here, beat),
        "shut": [] if here is None else [[name, one_line(why)] for name, why in here.shut.items()],
        "opted_out": len(who),
        "opt_outs": [one | {"reason": one_line(one["reason"])[:200]} for one in who[-10:][::-1]],
        "rounds": [] if beat is None else list(beat.rounds)[::-1],
    }


def _headline(
    site: Site, bot: Bot, here: bot_state.Site | None, beat: Beat | None, now: float
) -> tuple[str, str, str]:
    """The one thing to know: a mood (good, warn, bad or off), two or three words, and why."""
    alive = beat is not None and beat.alive(now)
    after = "; the bot itself still reads and proposes" if alive else ""
    if here is not None and here.shut_out:
        return "bad", "Shut out", f"Reddit refuses the account: {here.shut_out}"
    if bot.stopped:
        return "bad", "Stopped", f"nothing is posted: {bot.why or 'no reason given'}{after}"
    if here is not None and here.paused_until:
        until = here.paused_until.replace("+00:00", " UTC").replace("T", " ")
        return "warn", "Paused", f"until {until}: {here.paused_why}"
    if not alive:
        live = " --live --allow SUBREDDITS" if site.name == "live" else ""
        command = f"`python -m botlib bot --workspace {site.workspace.root.name}{live} --every 10m`"
        if beat is None:
            return "off", "Not running", f"no bot has run here yet. Start it with: {command}"
        when = datetime.fromtimestamp(beat.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        ended = "it ended" if beat.state == heartbeat.ENDED else "it was last heard of"
        return "off", "Not running", f"{ended} at {when}. Start it with: {command}"
    posts = " It only tries: nothing is posted (dry run)." if beat.dry_run else ""
    failed = beat.rounds[-1]["error"] if beat.rounds else ""
    if failed:
        return "warn", "Running, with errors", f"the last round failed: {failed}"
    if beat.state == heartbeat.ROUND:
        return "good", "Running", f"a round began {max(0, now - beat.since):.0f} s ago.{posts}"
    wait = max(0.0, beat.until - now)
    soon = f"{wait / 60:.0f} min" if wait >= 90 else f"{wait:.0f} s"
    return "good", "Running", f"the next round begins in {soon}.{posts}"


def _facts(here: bot_state.Site | None, beat: Beat | None) -> list[list[str]]:
    """(what, how many) in the order a person asks."""
    if here is None:
        return []
    limit = f" of {beat.per_day}" if beat is not None and beat.per_day else ""
    left = None if beat is None else beat.requests_left
    return [
        ["posted in 24 h", f"{here.posted_24h}{limit}"],
        ["wait for you", str(here.waiting)],
        ["approved", str(here.approved)],
        ["requests left", "–" if left is None else str(left)],
        *([["unclear", str(here.unclear)]] if here.unclear else []),
        *([["handed over", str(here.handed_over)]] if here.handed_over else []),
    ]


def fared(site: Site, outbox: Outbox) -> dict[str, Any]:
    """Returns how replies fared: the newest first, and predicted against earned."""
    table = outcomes.table(outbox, site.name)
    rated = outcomes.rated_pairs(site.workspace) if len(table) else None
    # The archive says more only after a day and a half, so one day is the age to compare
    bins = outcomes.calibration(table, rated=rated)
    fates = table["fate"].value_counts()
    newest = table.iloc[::-1].head(LAST)
    return {
        "replies": [_plain(row) for row in newest.to_dict("records")],
        "calibration": [_plain(row) for row in bins[bins["replies"] > 0].to_dict("records")],
        "points": [
            [float(row.predicted), int(row.score_24h)]
            for row in table.dropna(subset=["predicted", "score_24h"]).itertuples()
        ],
        "fates": {
            name: int(fates.get(name, 0)) for name in ("there", "removed", "deleted", "gone")
        },
        "sentence": outcomes.rank_sentence(table),
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON knows it; texts are one line."""
    return {
        name: None
        if pd.isna(value)
        else one_line(value)
        if isinstance(value, str)
        else float(value)
        for name, value in row.items()
    }
