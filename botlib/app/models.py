"""Models: measurements, the figures of the last run, and the effect of a threshold."""

import base64
import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from flask import Blueprint, Response, jsonify

from botlib.app.bench import Bench
from botlib.app.site import Site
from botlib.errors import BotlibError
from botlib.evaluation import calibration
from botlib.live.models import calibration_pairs
from botlib.runs import executed, headlines, summary
from botlib.terminal import one_line

NOTEBOOKS = ("02_gpt2_finetune", "03_bert_realism", "04_bert_upvotes")
PAIRS = 400  # scored for the explorer: seconds on two cores
_ROWS = 40  # of a table


def routes(site: Site, bench: Bench) -> Blueprint:
    """Returns the addresses of the tab Models."""
    blueprint = Blueprint("models", __name__, url_prefix="/api/models")

    @blueprint.get("")
    def cards() -> Any:
        values = headlines.collect(site.workspace)
        # Other tabs show replies; this tab shows only the models
        sections = [s for s in summary.collect(site.workspace) if s.notebook in NOTEBOOKS]
        return jsonify(
            {
                "headlines": [
                    {
                        "name": headline.name,
                        "value": headline.shown,
                        "interval": headline.interval,
                        "beside": headline.beside,
                        "state": headline.state,
                        "sentence": headline.sentence,
                    }
                    for headline in values
                ],
                "sections": [
                    {"title": s.title, "sentence": s.sentence, **_table(s.table)} for s in sections
                ],
                "notebooks": [name for name in NOTEBOOKS if _copy(site, name)],
            }
        )

    @blueprint.get("/figures/<notebook>")
    def figures(notebook: str) -> Any:
        run_figures = _figures(site, notebook)
        keys = ("name", "alt", "sentence", "size")
        return jsonify([{key: getattr(figure, key) for key in keys} for figure in run_figures])

    @blueprint.get("/figures/<notebook>/<name>")
    def picture(notebook: str, name: str) -> Any:
        for figure in _figures(site, notebook):
            if figure.name == name:
                return Response(base64.b64decode(figure.png), mimetype="image/png")
        raise BotlibError("this figure is gone: open the tab again")

    @functools.lru_cache(maxsize=1)
    def thresholds() -> dict[str, Any]:
        return explorer(site, bench)

    @blueprint.get("/thresholds")
    def explore() -> Any:
        return jsonify(thresholds())

    return blueprint


def explorer(site: Site, bench: Bench) -> dict[str, Any]:
    """Returns precision, recall and coverage at 101 thresholds, and the pairs beside each.

    Raises:
      BotlibError: the workspace has no realism model, or no validation pairs.
    """
    judges = bench.judges()
    pairs, scores = calibration_pairs(site.workspace, judges.realism, site.post.seed, most=PAIRS)
    if pairs.empty:
        raise BotlibError("no validation pairs in the workspace: run 03_bert_realism")
    table = calibration.by_threshold(pairs["real"].to_numpy(int), scores, np.linspace(0, 1, 101))
    order = np.argsort(-scores, kind="stable")
    replies, real = pairs["reply"].to_numpy(), pairs["real"].to_numpy(int)
    return {
        "threshold": bench.threshold,
        "pairs": len(pairs),
        "steps": [
            {name: _plain(row[name]) for name in ("threshold", "coverage", "precision", "recall")}
            for row in table.to_dict("records")
        ],
        # The highest first: the page shows the pairs around the threshold
        "replies": [
            {"p": float(scores[i]), "text": one_line(str(replies[i]))[:160], "real": int(real[i])}
            for i in order
        ],
    }


def _copy(site: Site, notebook: str) -> Path | None:
    """The newest executed copy of a notebook."""
    copies = sorted(site.workspace.runs.glob(f"*/{notebook}.ipynb"))
    return copies[-1] if copies else None


def _figures(site: Site, notebook: str) -> tuple[executed.Shown, ...]:
    path = _copy(site, notebook) if notebook in NOTEBOOKS else None
    if path is None:
        raise BotlibError(
            "no run of this notebook is in the workspace: start `python -m botlib run`"
        )
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=len(NOTEBOOKS))
def _read(path: Path, _: int) -> tuple[executed.Shown, ...]:
    try:
        return executed.read(path).figures
    except ImportError as error:
        raise BotlibError(f"figures need {error.name}: pip install nbconvert") from error


def _table(table: pd.DataFrame) -> dict[str, Any]:
    rows = table.head(_ROWS).astype(object).to_numpy().tolist()
    cells = [[_cell(value) for value in row] for row in rows]
    return {"columns": [one_line(str(name)) for name in table.columns], "rows": cells}


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else one_line(str(value))[:300]


def _plain(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
