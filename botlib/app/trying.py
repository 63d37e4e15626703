"""Try: type a comment or paste a link, and see the bot's replies and why it chose one."""

import dataclasses
import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
from flask import Blueprint, Response, jsonify, request

from botlib.app.bench import MAX_CANDIDATES, Bench, Trial
from botlib.app.site import Site
from botlib.data.pairs.conversations import NOTHING
from botlib.errors import BotlibError
from botlib.gpt2.decoder import Decoder
from botlib.live import round as rounds
from botlib.live.choose import CHOSEN, OUTRANKED
from botlib.live.reddit.checks import UNREADABLE
from botlib.live.reddit.comments import COMMENTS, read_comment
from botlib.live.threads import Threads, row_of
from botlib.terminal import harmless, one_line, readable

_LINK = re.compile(r"/comments/(\w{1,12})/[^/\s]*/(\w{1,12})/?(?:[?#]\S*)?$", re.I)
_LONGEST = 10_000  # characters of a comment, as on Reddit
SLIDERS = ("temperature", "top_k", "top_p")


def routes(site: Site, bench: Bench) -> Blueprint:
    """Returns the addresses of the tab Try."""
    blueprint = Blueprint("try", __name__, url_prefix="/api/try")

    @blueprint.get("")
    def about() -> Any:
        generate = site.generate
        defaults = {name: getattr(generate, name) for name in SLIDERS}
        return jsonify(
            {
                "runs": bench.runs(),
                "run": generate.gpt2_run,
                "defaults": defaults | {"n": min(generate.candidates, MAX_CANDIDATES)},
                "most": MAX_CANDIDATES,
                "threshold": bench.threshold,
            }
        )

    @blueprint.post("/load")
    def load() -> Any:
        began = time.monotonic()
        bench.load(str(request.get_json().get("run") or site.generate.gpt2_run))
        return jsonify({"seconds": time.monotonic() - began, "threshold": bench.threshold})

    @blueprint.post("")
    def write() -> Any:
        body = request.get_json()
        run = str(body.get("run") or site.generate.gpt2_run)
        decoder, n = _decoder(site, body), _clamped_int(body.get("n"), 1, MAX_CANDIDATES)
        threshold = _clamped_share(body.get("threshold"), bench.threshold)
        trial = _trial(site, str(body.get("text", ""))[: 2 * _LONGEST])
        number = bench.store(trial)
        lines = _json_lines(bench, trial, number, run, decoder, n, threshold)
        return Response(lines, mimetype="application/x-ndjson")

    @blueprint.post("/<int:number>/judge")
    def judge(number: int) -> Any:
        body = request.get_json()
        threshold = _clamped_share(body.get("threshold"), bench.threshold)
        n = _clamped_int(body.get("n"), 1, MAX_CANDIDATES)
        judged = bench.judge(bench.trial(number), threshold, n)
        return jsonify({"candidates": candidates_as_json(judged)})

    @blueprint.post("/<int:number>/propose")
    def propose(number: int) -> Any:
        body = request.get_json()
        trial = bench.trial(number)
        threshold = _clamped_share(body.get("threshold"), bench.threshold)
        judged = bench.judge(trial, threshold, _clamped_int(body.get("n"), 1, MAX_CANDIDATES))
        return jsonify(
            _propose(site, trial, judged, _clamped_int(body.get("sample"), 0, MAX_CANDIDATES))
        )

    return blueprint


def _json_lines(
    bench: Bench, trial: Trial, number: int, run: str, decoder: Decoder, n: int, threshold: float
) -> Iterator[str]:
    """One JSON object a line, sent as soon as it is known."""
    began = time.monotonic()
    comment = trial.comment
    yield _json_line(
        trial=number,
        linked=trial.linked,
        refusal=readable(trial.refusal),
        comment={
            "subreddit": one_line(comment["subreddit"] or ""),
            "title": one_line(comment["title"] or ""),
            "author": one_line(comment.get("author") or ""),
            "text": readable(comment["comment"]),
            "context": readable(comment["above"].text()),
        },
    )
    try:
        bench.load(run)
        loaded = time.monotonic()
        for _ in bench.write(trial, run, decoder, n):
            yield _json_line(candidates=candidates_as_json(bench.judge(trial, threshold)))
        yield _json_line(done=True, seconds=time.monotonic() - loaded, loading=loaded - began)
    except BotlibError as error:
        yield _json_line(error=one_line(str(error)))


def _json_line(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def candidates_as_json(judged: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns the candidates as JSON for the page, in the order in which they were written."""
    return [
        {
            "sample": int(row["sample"]),
            "text": harmless(str(row["proposed_reply"])),
            "realism": _number(row["prob_real"]),
            # Only in workspaces with a judge of fit
            "fit": _number(row.get("prob_fit")),
            "rating": _number(row["score"]),
            "rank": None if pd.isna(row["rank"]) else int(row["rank"]),
            "decision": row["decision"],
            "reason": readable(str(row["reason"])),
        }
        for row in judged.to_dict("records")
    ]


def _trial(site: Site, text: str) -> Trial:
    text = harmless(text).strip()
    if not text:
        raise BotlibError("there is nothing to answer: type a comment, or paste a link to one")
    if "\n" not in text and (match := _LINK.search(text)):
        with site.reddit() as reddit:
            try:
                ids = match[1].lower(), match[2].lower()
                row, refusal, threads = read_comment(reddit, *ids, site.generate)
            except UNREADABLE as error:
                raise BotlibError(f"the link can't be read now: {error}") from error
        return Trial(row, threads, refusal, linked=not refusal)
    if re.match(r"https?://\S+$", text):
        raise BotlibError(
            "this isn't a link to a comment: copy a comment's own permalink, "
            "…/comments/POST/title/COMMENT"
        )
    if len(text) > _LONGEST:
        raise BotlibError(f"a comment has at most {_LONGEST:,} characters on Reddit")
    return typed(text, site.clock())


def typed(text: str, now: float) -> Trial:
    """Returns a comment as a person types it into the page: of no post, by nobody."""
    row = dict.fromkeys(COMMENTS) | {
        "subreddit": "",
        "post_id": "typed",
        "comment_id": "typed",
        "title": "",
        "comment": text,
        "above": NOTHING,
    }
    typed_comment = {"id": "typed", "created_utc": now}
    return Trial(row, Threads.of([row_of("", "typed", typed_comment, "", text)]))


def _propose(site: Site, trial: Trial, judged: pd.DataFrame, sample: int) -> dict[str, Any]:
    """Puts a candidate that wasn't refused into the outbox, where a person judges it."""
    if not trial.linked:
        raise BotlibError(
            "only a reply to a comment on this page's site can be proposed: paste its link"
        )
    selected = judged.loc[judged["sample"] == sample]
    if selected.empty:
        raise BotlibError("this candidate is gone: write new ones")
    if selected["decision"].iloc[0] not in (CHOSEN, OUTRANKED):
        raise BotlibError(f"it was refused: {selected['reason'].iloc[0]}")
    is_selected = judged["sample"] == sample
    judged.loc[judged["decision"] == CHOSEN, ["decision", "reason"]] = [OUTRANKED, "not chosen"]
    judged.loc[is_selected, ["decision", "reason"]] = [
        CHOSEN,
        "best of a trial, chosen by a person",
    ]
    with site.reddit() as reddit, site.outbox() as outbox:
        # Asks Reddit again: minutes may have passed
        result = rounds.queue(outbox, judged, reddit).iloc[0]
    if result["decision"] != "proposed":
        raise BotlibError(f"it can't be proposed: {result['reason']}")
    return {"proposed": True}


def _decoder(site: Site, body: dict[str, Any]) -> Decoder:
    values: dict[str, Any] = {}
    for name in SLIDERS:
        if isinstance(value := body.get(name), int | float) and math.isfinite(value):
            values[name] = int(value) if name == "top_k" else float(value)
    return dataclasses.replace(Decoder.of(site.generate), **values)


def _clamped_int(value: Any, least: int, most: int) -> int:
    usable = isinstance(value, int | float) and math.isfinite(value)
    return min(most, max(least, int(value))) if usable else most


def _clamped_share(value: Any, default: float) -> float:
    usable = isinstance(value, int | float) and math.isfinite(value)
    return min(1.0, max(0.0, float(value))) if usable else default


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
