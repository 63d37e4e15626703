"""How well the judges do on real threads, and how many pairs they need: against words alone.

Fit (does a reply answer its comment?) against TF-IDF cosine and frozen MiniLM cosine; ratings and
rank without any fine-tuning (words, form, frozen MiniLM) against TF-IDF on the same pairs. All on
test threads of the folder of real threads beside the project; intervals by thread.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import report
from benchmarks.bert import REAL
from benchmarks.random_gpt2 import CACHE
from botlib import model_files
from botlib.bert import blend, blend_training, embed, fit, fit_order, fit_training, place
from botlib.data.pairs.conversations import Conversations
from botlib.evaluation import baselines, metrics
from botlib.live import choose
from botlib.probabilities import softmax
from botlib.tables import BERT_GAN_REAL, read_table
from botlib.workspace import Workspace

SIZES = (2_000, 8_000, 32_000, 128_000)
RESULTS = Path(__file__).parent / "results" / "judges.json"
MOST_TEST_COMMENTS = 10_000
CONVERSATIONS = 200


def main() -> None:
    """Measures what is asked for, prints it, and adds it to benchmarks/results/judges.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--tasks", nargs="+", default=("fit", "upvotes", "rank", "choice"))
    args = parser.parse_args()
    workspace = Workspace.open(CACHE / "judges", create=True)
    pairs = real_pairs(workspace)
    minilm = exported(workspace)
    for task in args.tasks:
        for size in args.sizes:
            began = time.monotonic()
            measure = {"fit": fit_at, "choice": choice_at}.get(task, rated_at)
            rows = measure(task, size, pairs, minilm, workspace)
            seconds = round(time.monotonic() - began)
            keep([{"task": task, "pairs": size, "seconds": seconds, **row} for row in rows])


def real_pairs(workspace: Workspace) -> pd.DataFrame:
    """Returns all replies of the real threads, at any depth."""
    from botlib.data.dumps import extract
    from botlib.data.pairs import build
    from botlib.settings import DataSettings

    if not workspace.bert_gan_real.is_file():
        names = sorted(path.name.removesuffix("_comments.zst") for path in REAL.glob("*_comments*"))
        extract.extract([REAL], subreddits=names, out=workspace, depth=0)
        listed = ",".join(names)
        build.write_pairs(workspace, DataSettings(source="dumps", subreddits=listed, depth=0))
    return read_table(workspace.bert_gan_real, BERT_GAN_REAL)


def exported(workspace: Workspace) -> embed.Embedder:
    """Returns frozen MiniLM, exported once for all runs, which remembers what it read."""
    from botlib.bert import encoder

    folder = workspace.root / "minilm_embed"
    if not (folder / embed.PARTS[0]).is_file():
        folder.mkdir(exist_ok=True)
        embed.export(encoder.load("minilm", workspace), folder)
    embed.export = lambda _, out: [shutil.copy(folder / name, out) for name in embed.PARTS]
    return embed.Embedder(folder, True, cache=workspace.cache / "vectors.npz")


def fit_at(task, size, pairs, minilm, workspace) -> list[dict]:
    """Trains a judge of fit on so many pairs: its AUC and those of both baselines."""

    class Frozen:
        handle, do_lower_case = "minilm", True

    out = workspace.bert_fit
    learned = pairs[pairs["split"].isin(["generator", "classifier"])]
    cache = workspace.cache / "vectors.npz"
    choice = fit_training.train(
        learned, pairs[pairs["split"] == "validation"], encoder=Frozen, out=out, max_pairs=size,
        cache=cache, progress=False,
    )  # fmt: skip
    rows = []
    test = pairs[pairs["split"] == "test"]
    judge = fit.Fit(out, form=fit.TRAINED)
    judge.read_with(minilm)
    for found_in, judged in fit_training.held_out(test, 1, MOST_TEST_COMMENTS).items():
        features = judge.features(judged["comment"].tolist(), judged["reply"].tolist())
        for form in fit.FEATURES:
            p = fit.judge(judge.arrays, form, features)
            passed = p[judged["real"].to_numpy() == 0] >= choice["threshold"]
            row = figure(metrics.binary(judged["real"], p, judged["submission_id"]), "auc")
            shipped = {"passed": round(float(passed.mean()), 3)} if form == choice["form"] else {}
            rows.append({"place": found_in, "judge": form, **row, **shipped})
    return rows


def rated_at(task, size, pairs, minilm, workspace) -> list[dict]:
    """Words, form and frozen vectors on so many pairs, against TF-IDF on the same.

    Ratings read the place of a comment, too; so does one TF-IDF of two.
    """
    alone = {name: rows.reset_index(drop=True) for name, rows in pairs.groupby("split")}
    if task == "upvotes":
        pairs = place.in_place(pairs, Conversations.load(workspace))
    of = {name: rows.reset_index(drop=True) for name, rows in pairs.groupby("split")}
    first = fit_training.drawn(of["generator"], int(0.75 * size), 1)
    second = fit_training.drawn(of["classifier"], size - len(first), 1)
    test = of["test"]
    outputs = 1 if task == "rank" else 4
    texts = test["comment"].tolist(), test["reply"].tolist()
    nothing = np.zeros((len(second), outputs))
    head_rows = second.head(blend_training.MAX_HEAD_ROWS)
    head = blend_training.fit(
        first, head_rows, nothing[: len(head_rows)], task=task, embedder=minilm
    )
    if head is None:
        return []
    every = pd.concat([first, second], ignore_index=True)
    head = blend_training.with_all_words(head, every, seed=1)
    judges = [blend.PLAIN, blend.TFIDF] + ([blend.LENGTH] if task == "rank" else [])
    none = np.zeros((len(test), outputs))
    logits = {judge: head.logits(none, *texts, judge) for judge in judges}
    rows = []
    if task == "rank":
        for gap in (5, 20):
            found = {j: metrics.pairwise(test, x[:, 0], min_gap=gap) for j, x in logits.items()}
            best = max(judges[1:], key=lambda judge: found[judge]["pairwise"])
            gain = metrics.pairwise_gain(
                test, logits[blend.PLAIN][:, 0], logits[best][:, 0], min_gap=gap
            )
            rows += [{"gap": gap, "judge": j, **figure(r, "pairwise")} for j, r in found.items()]
            rows.append({"gap": gap, "judge": f"gain over {best}", **figure(gain, "gain")})
        return rows
    p = {judge: softmax(x) for judge, x in logits.items()}
    threads = test["submission_id"]
    for judge, chances in p.items():
        found = metrics.multiclass(test["rating"], chances, threads)
        rows.append(
            {"judge": judge, **figure(found, "auc_macro"), "kappa": round(found["kappa"], 3)}
        )
    words = pd.concat([fit_training.drawn(alone["generator"], int(0.75 * size), 1),
                       fit_training.drawn(alone["classifier"], size - len(first), 1)])  # fmt: skip
    baseline = baselines.fit(baselines.TFIDF, words, "rating", max_rows=len(words))
    p["comment and reply alone"] = baseline.predict_proba(alone["test"])
    found = metrics.multiclass(test["rating"], p["comment and reply alone"], threads)
    row = {"judge": "TF-IDF of comment and reply alone", **figure(found, "auc_macro")}
    rows.append({**row, "kappa": round(found["kappa"], 3)})
    for rival in (blend.TFIDF, "comment and reply alone"):
        gain = metrics.gain(test["rating"], p[blend.PLAIN], p[rival], threads)
        rows.append({"judge": f"gain over {rival}", **figure(gain, "gain")})
    return rows


def choice_at(task, size, pairs, minilm, workspace) -> list[dict]:
    """What fit does to the choice: the best of ten real replies, of which one answers the comment.

    The others answer other comments: half of the same thread, half of the same subreddit. The rank
    is words, form and frozen vectors, trained on so many pairs; the weight of the fit is found on
    validation threads, as in 04. Candidates count as real enough, for people wrote them.
    """
    of = {name: rows.reset_index(drop=True) for name, rows in pairs.groupby("split")}
    first = fit_training.drawn(of["generator"], int(0.75 * size), 1)
    second = fit_training.drawn(of["classifier"], size // 4, 1)
    nothing = np.zeros((len(second), 1))
    head = blend_training.fit(first, second, nothing, task="rank", embedder=minilm)
    head.save(workspace.bert_rank)
    for source, name in zip(minilm.paths, blend.VECTORS, strict=True):
        shutil.copy(source, workspace.bert_rank / name)
    config = {"task": "rank", "classes": [], "precision": "fp32", "temperature": 1.0}
    config["head"] = {"judge": blend.PLAIN, "used": False}
    (workspace.bert_rank / "config.json").write_text(json.dumps(config))
    model_files.declare(workspace.bert_rank, "bert_rank", [blend.ARRAYS, blend.WORDS])
    order = fit_order.add(workspace.bert_rank, workspace.bert_fit, of["validation"], seed=1)
    proposed = _candidates(of["test"], CONVERSATIONS)
    texts = proposed["comment"].tolist(), proposed["proposed_reply"].tolist()
    judge = fit.Fit(workspace.bert_fit)
    options = {"rank_score": head.logits(np.zeros((len(proposed), 1)), *texts, blend.PLAIN)[:, 0]}
    before = choose.choose(proposed, threshold=0.5, **options)
    options |= {"fit": judge.predict(*texts), "fit_threshold": judge.threshold}
    refusing = choose.choose(proposed, threshold=0.5, **options)
    after = choose.choose(proposed, threshold=0.5, fit_weight=order["weight"], **options)
    rows = []
    steps = {"rank alone": before, "with the threshold": refusing, "and the weight": after}
    for name, chosen in steps.items():
        best = chosen[chosen["decision"] == choose.CHOSEN]
        kind = best["kind"].value_counts()
        shares = {f"best is {k}": int(kind.get(k, 0)) for k in ("own", "thread", "subreddit")}
        refused = chosen["reason"].str.startswith("fit ").groupby(chosen["kind"]).mean()
        shares |= {f"refused {k}": round(float(refused[k]), 3) for k in refused.index}
        rows.append({"judge": name, "conversations": len(best), **shares})
    rows.append({"judge": "weight", **{k: v for k, v in order.items() if k != "weight"},
                 "auc": round(order["weight"], 3)})  # fmt: skip
    shown = before[before["decision"] == choose.CHOSEN][["comment", "proposed_reply", "kind"]]
    now = after[after["decision"] == choose.CHOSEN].set_index("comment")[["proposed_reply", "kind"]]
    # Other people's texts: kept out of the repository
    shown.join(now, on="comment", rsuffix="_after").to_csv(workspace.root / "choice.csv")
    return rows


def _candidates(test: pd.DataFrame, conversations: int) -> pd.DataFrame:
    """Returns ten real replies under each of so many comments, one of them its own."""
    first = test.drop_duplicates("comment_id").sample(frac=1, random_state=1)
    rng = np.random.default_rng(1)
    rows = []
    for own in first.itertuples():
        thread = test[(test["submission_id"] == own.submission_id)
                      & (test["comment_id"] != own.comment_id)]  # fmt: skip
        elsewhere = test[(test["subreddit"] == own.subreddit)
                         & (test["submission_id"] != own.submission_id)]  # fmt: skip
        if len(thread) < 4 or len(elsewhere) < 5:
            continue
        replies = [(own.reply, "own")]
        replies += [(r, "thread") for r in thread["reply"].sample(4, random_state=rng)]
        replies += [(r, "subreddit") for r in elsewhere["reply"].sample(5, random_state=rng)]
        fixed = {"post_id": own.comment_id, "comment_id": own.comment_id, "comment": own.comment}
        rows += [
            {**fixed, "proposed_reply": reply, "kind": kind, "sample": n}
            for n, (reply, kind) in enumerate(rng.permutation(np.array(replies, object)))
        ]
        if len(rows) >= 10 * conversations:
            break
    ratings = dict.fromkeys(choose.RATINGS, 0.25)
    return pd.DataFrame(rows).assign(prob_real=1.0, **ratings)


def figure(result: dict, name: str) -> dict:
    """Returns a figure with its interval, rounded."""
    low, high = result["intervals"][name]
    return {name: round(result[name], 4), "low": round(low, 4), "high": round(high, 4)}


def keep(rows: list[dict]) -> None:
    """Prints the rows, and puts them in the place of earlier ones of the same task and size."""
    old = json.loads(RESULTS.read_text())[:-1] if RESULTS.is_file() else []
    of = {(row["task"], row["pairs"]) for row in rows}
    rows = [row for row in old if (row["task"], row["pairs"]) not in of] + rows
    print(pd.DataFrame(rows).tail(len(rows)).to_string(), flush=True)
    report.save("judges", rows)


if __name__ == "__main__":
    main()
