"""How much a reply's fit counts beside its rank, when the candidates of a comment are ordered."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from botlib.bert.fit import Fit
from botlib.bert.fit_training import MOST_JUDGED, drawn
from botlib.bert.scorer import Scorer
from botlib.data.pairs.siblings import sibling_pairs
from botlib.data.pairs.strangers import PLACES, strangers
from botlib.probabilities import at_least, log_odds
from botlib.workspace import atomic_file

# In standard deviations of the rank's scores for one of the fit's log-odds
STEPS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
# A difference of fewer pairs than this is chance
LEAST_PAIRS = 30


def add(
    rank: Path, fit: Path, validation: pd.DataFrame, *, seed: int = 2020, progress: bool = False
) -> dict[str, Any]:
    """Returns the weight of the fit's log-odds beside the rank's score; it is kept with the rank.

    Two questions count alike. Of two replies to one comment, does the better one go first? Of a
    comment's own reply and a stranger's that the threshold lets pass, does the own one? The weight
    answers most of both, among those that answer the first as well as any does, up to one standard
    error; in a tie the smaller one is taken.

    Args:
      rank: the folder of the rank model; its config.json and model_card.json get the result.
      fit: the folder of the judge of fit; without one the weight is 0.
      validation: real pairs of threads that neither was trained on, with reply_score.
      seed: of the draws.
      progress: show bars.

    Returns:
      weight, siblings and strangers (how many pairs), and by "without" and "with" the share of
      either in the right order; only the weight where there is no judge of fit or too few pairs.
    """
    measured: dict[str, Any] = {"weight": 0.0}
    if (Path(fit) / "config.json").is_file():
        measured = _measured(Scorer(rank), Fit(fit), drawn(validation, 2 * MOST_JUDGED, seed), seed,
                          progress)  # fmt: skip
    for name, kept in (("config.json", measured["weight"]), ("model_card.json", measured)):
        path = Path(rank) / name
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        with atomic_file(path) as file:
            json.dump(content | {"fit_weight": kept}, file, indent=1)
            file.write("\n")
    return measured


def _measured(rank: Scorer, fit: Fit, rows: pd.DataFrame, seed: int, progress: bool) -> dict:
    others = [strangers(rows, place, seed) for place in PLACES]
    other = pd.concat([frame.head(MOST_JUDGED) for frame in others], ignore_index=True)
    comments = [*rows["comment"], *other["comment"]]
    replies = [*rows["reply"], *other["reply"]]
    ranks = rank.predict(comments, replies, progress)
    fits = fit.predict(comments, replies, progress)
    odds = log_odds(fits)
    own, strange = np.arange(len(rows)), len(rows) + np.arange(len(other))
    # The comment's own reply, against the stranger's under it
    first = rows.reset_index().drop_duplicates("comment_id").set_index("comment_id")
    mine = first.index.get_indexer(other["comment_id"])
    mine = first["index"].to_numpy()[mine] if len(other) else np.zeros(0, int)
    pass_both = at_least(fits[mine], fit.threshold) & at_least(fits[strange], fit.threshold)
    siblings = sibling_pairs(rows, max_hours=24)
    pairs = {
        "siblings": (own[siblings["better"]], own[siblings["worse"]]),
        "strangers": (mine[pass_both], strange[pass_both]),
    }
    counts = {name: len(ahead) for name, (ahead, _) in pairs.items()}
    if min(counts.values()) < LEAST_PAIRS:
        return {"weight": 0.0, **counts}
    scale = float(ranks.std()) or 1.0

    def shares(step: float) -> dict[str, float]:
        score = ranks + step * scale * odds
        return {
            name: float(np.mean((1 + np.sign(score[ahead] - score[behind])) / 2))
            for name, (ahead, behind) in pairs.items()
        }

    tried = {step: shares(step) for step in STEPS}
    top = max(shares["siblings"] for shares in tried.values())
    error = np.sqrt(top * (1 - top) / counts["siblings"])
    good_steps = [step for step in STEPS if tried[step]["siblings"] >= top - error]
    best = max(good_steps, key=lambda step: (round(sum(tried[step].values()), 4), -step))
    return {"weight": best * scale, **counts, "without": tried[0.0], "with": tried[best]}
