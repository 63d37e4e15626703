"""The figures at the top of the report, drawn from what the run left, each with its sentence."""

import math
from collections.abc import Iterator

from matplotlib.axes import Axes

from botlib.evaluation import record
from botlib.evaluation.figures import overview as draw
from botlib.runs.headlines import number, own_rows, passing_at
from botlib.runs.summary import newest_predictions
from botlib.workspace import Workspace

Figure = tuple[str, str]


def figures(workspace: Workspace) -> list[Figure]:
    """Returns the figures that the workspace has data for: SVG and sentence of each."""
    return [
        *_passing(workspace),
        *_scores(workspace, "fit", "Does a reply fit its comment?"),
        *_scores(workspace, "ratings", "Foreseeing votes"),
        *_scores(workspace, "rank", "The better of two replies"),
        *_candidates(workspace),
    ]


def _svg(ax: Axes, sentence: str) -> Figure:
    return draw.as_svg(ax.figure, f"{ax.get_title()}. {sentence}"), sentence


def _passing(workspace: Workspace) -> Iterator[Figure]:
    passing = passing_at(workspace)
    if not passing:
        yield from _scores(workspace, "realism", "Real or generated?")
        return
    rows = [(n, r["per_100"], r["low"], r["high"]) for n, r in passing["models"].items()]
    if not math.isfinite(rows[0][1]):
        return
    ax = draw.beside_baselines(
        rows,
        own=own_rows([row[0] for row in rows]),
        title="Fakes that pass per 100 real ones",
        x="fewer is better; a guess: 100",
        chance=100,
        form="{:.0f}",
    )
    listed = ", ".join(f"{name} {value:.0f}" for name, value, *_ in rows if math.isfinite(value))
    yield _svg(ax, f"At {passing['kept']:.0%} of the real replies kept: {listed}.")


_FOLDERS = {
    "realism": "bert_realism",
    "fit": "bert_fit",
    "ratings": "bert_upvotes",
    "rank": "bert_rank",
}


def _scores(workspace: Workspace, key: str, title: str) -> Iterator[Figure]:
    evaluation = record.load(getattr(workspace, _FOLDERS[key]))
    if evaluation is None or evaluation.scores.empty:
        return
    table = evaluation.scores
    rows = [(str(row.iloc[0]), *number(row.iloc[1])) for _, row in table.iterrows()]
    measured = [row for row in rows if math.isfinite(row[1])]
    if not measured:
        return
    measure = _measure(table.columns[1])
    own = own_rows([row[0] for row in rows])
    ax = draw.beside_baselines(
        measured, own=own, title=title, x=f"{measure}; a guess: 0.5", chance=0.5
    )
    listed = ", ".join(f"{name} {value:.2f}" for name, value, *_ in measured)
    yield _svg(ax, f"{measure}: {listed}.")


def _measure(column: str) -> str:
    """Returns a column of scores as a reader knows it: "auc, same thread" is "AUC, same thread"."""
    name, comma, rest = column.partition(",")
    return {"auc": "AUC", "auc_macro": "Macro AUC", "pairwise": "Share right"}.get(name, name) + (
        f"{comma}{rest}"
    )


def _candidates(workspace: Workspace) -> Iterator[Figure]:
    rows = newest_predictions(workspace)
    if rows.empty:
        return
    refused = rows["decision"] == "refused"
    unreal = refused & rows["reason"].fillna("").str.startswith("realism")
    steps = {
        "comments": int(rows["comment_id"].nunique()),
        "candidates": len(rows),
        "real enough": int((~unreal).sum()),
        "pass all checks": int((~refused).sum()),
        "proposed": int((rows["decision"] == "reply").sum()),
    }
    ax = draw.counts(steps, title="From comments to proposed replies")
    sentence = (
        f"GPT-2 wrote {steps['candidates']:,} candidates for {steps['comments']:,} comments; "
        f"{steps['real enough']:,} look real enough, {steps['pass all checks']:,} pass the checks "
        f"for length, copies and safety too, and {steps['proposed']:,} were proposed, at most one "
        "for each post."
    )
    yield _svg(ax, sentence)
