"""One sentence under each figure: what its numbers mean in this run, and no more than they say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from botlib.evaluation.metrics import with_interval

Results = Mapping[str, Mapping[str, Any]]


def against_baselines(
    results: Results, figure: str, model: str = "BERT", gain: Mapping[str, Any] | None = None
) -> str:
    """Returns whether a model beats the best of the others, or whether noise can explain it.

    Args:
      results: model name → result of `metrics.binary`, `multiclass`, `pairwise` or `lift`.
      figure: one of their figures, of which more is better.
      model: the model it is about.
      gain: over that best one, from `metrics.gain` or `pairwise_gain`, which decide more sharply
        than two intervals do.
    """
    own = f"{model} reaches {_NAMES.get(figure, figure)} {with_interval(results[model], figure)}"
    others = _baselines(results, model)
    if not others:
        return f"{own} (95 % interval). There is no baseline to compare it with."
    best = best_baseline(results, figure, model)
    rival = f"{best}, the best baseline, with {with_interval(others[best], figure)}"
    low, high = _interval(results[model], figure)
    other_low, other_high = _interval(others[best], figure)
    if gain is not None:
        rival = f"{best}, the best baseline, {with_interval(others[best], figure)}"
        return f"{own}; {rival}. {gained(gain)}"
    if low > other_high:
        verdict = f"clearly above {rival}"
    elif high < other_low:
        verdict = f"clearly below {rival}: the baseline is better"
    elif _number(results[model][figure]) > _number(others[best][figure]):
        verdict = f"above {rival}, but the intervals overlap, so chance may explain it"
    else:
        verdict = f"not above {rival}: fine-tuning did not help"
    return f"{own}, {verdict}."


def gained(gain: Mapping[str, Any]) -> str:
    """Returns whether a `metrics.gain` (or `pairwise_gain`) is more than chance."""
    if np.isnan(gain["gain"]):
        return "There are too few replies to tell whether the difference is more than chance."
    low, high = _interval(gain, "gain")
    text = f"The difference, {with_interval(gain, 'gain')}, "
    if low > 0:
        return text + "is more than chance."
    if high < 0:
        return text + "is a real loss: prefer the baseline."
    return text + "may be chance."


def best_baseline(results: Results, figure: str, model: str = "BERT") -> str:
    """Returns the name of the best of the other models, for `metrics.gain`."""
    others = _baselines(results, model)
    return max(others, key=lambda name: _number(others[name].get(figure)))


def _baselines(results: Results, model: str) -> Results:
    """The encoder without or with its head is part of the model, not its rival."""
    own = (model, f"{model} alone", f"{model} with head")
    return {name: result for name, result in results.items() if name not in own}


def shared_people(shared: int, tested: int) -> str:
    """Returns a sentence on `PairsReport.shared_users`, with what it is a share of."""
    if not tested:
        return "Nobody wrote in test threads."
    return (
        f"{shared:,} of the {tested:,} people who wrote in test threads ({shared / tested:.0%}) "
        "wrote in training threads too."
    )


def length(results: Results) -> str:
    """Returns a sentence on `metrics.binary` of the baselines that know only lengths."""
    parts = []
    for name, what in (
        ("length only", "the number of characters"),
        ("length and characters per word", "characters and characters per word together"),
    ):
        low, high = _interval(results[name], "auc")
        verdict = (
            "which may be chance"
            if low <= 0.5 <= high
            else f"which {'is more' if low > 0.5 else 'is less'} than chance"
        )
        parts.append(f"{what} {with_interval(results[name], 'auc')}, {verdict}")
    return f"AUC of length without any text: {'; '.join(parts)}."


def head(choice: Mapping[str, Any]) -> str:
    """Returns a sentence on what `blend_training.add` chose, and by how much."""
    if choice.get("gain") is None:
        reason = choice.get("reason", "there are too few replies to tell whether a head helps")
        return f"The encoder judges alone: {reason}."
    difference = f"{choice['gain']:+.3f} [{choice['low']:+.3f}, {choice['high']:+.3f}]"
    figures = (
        f"{choice['measure']} {choice['with_head']:.3f} with the head, {choice['encoder']:.3f} "
        f"without; difference {difference} on {choice['replies']:,} replies of "
        f"{choice['threads']:,} threads that the head was not fitted on"
    )
    rivals = "; ".join(f"{n} {value:.3f}" for n, value in choice.get("baselines", {}).items())
    figures += f". Without the encoder: {rivals}" if rivals else ""
    judge = choice.get("judge", "head" if choice["used"] else "encoder")
    if judge == "head":
        return f"The head judges together with the encoder: {figures}."
    if judge == "encoder":
        return f"The encoder judges alone, since the head does not clearly help: {figures}."
    return f"{judge} judges, since fine-tuning does not beat it: {figures}."


def realism(results: Results, model: str = "BERT", gain: Mapping[str, Any] | None = None) -> str:
    """Returns a sentence on `metrics.binary` of all models: AUC, and what accuracy hides."""
    result = results[model]
    share = max(result["prevalence"], 1 - result["prevalence"])
    text = against_baselines(results, "auc", model, gain)
    if share > 0.6:
        text += (
            f" {share:.0%} of the replies are of one class, so a model that always predicts that "
            f"class is right {share:.0%} of the time. Balanced accuracy "
            f"({result['balanced_accuracy']:.3f}) counts both classes alike."
        )
    if result["auc"] > 0.98:
        text += " An AUC this high also means that the fakes are easy to recognise."
    return text


def ratings(results: Results, model: str = "BERT", gain: Mapping[str, Any] | None = None) -> str:
    """Returns a sentence on `metrics.multiclass` of all models."""
    result = results[model]
    classes = {k: v for k, v in result.items() if k.startswith("auc_") and k[4:].isdigit()}
    aucs = {name: value for name, value in classes.items() if np.isfinite(value)}
    easiest, hardest = max(aucs, key=aucs.get), min(aucs, key=aucs.get)
    return (
        f"{against_baselines(results, 'auc_macro', model, gain)} Rating {easiest[4:]} is "
        f"easiest to predict (AUC {aucs[easiest]:.2f}), rating {hardest[4:]} hardest "
        f"({aucs[hardest]:.2f}). The micro AUC of {result['auc_micro']:.2f} mostly shows how "
        "common the ratings are."
    )


def rank(results: Results, model: str = "BERT rank", gain: Mapping[str, Any] | None = None) -> str:
    """Returns a sentence on `metrics.pairwise` of all models."""
    result = results[model]
    if not result["pairs"]:
        return (
            f"No two replies to one comment lie {result['min_gap']} points apart in the test "
            "threads: take more data."
        )
    text = against_baselines(results, "pairwise", model, gain)
    low, high = _interval(result, "pairwise")
    if high - low > 0.1:
        text += (
            f" With only {result['pairs']:,} pairs, differences under {high - low:.2f} are noise."
        )
    return text


def fit(choice: Mapping[str, Any], results: Mapping[str, Results], gain: Mapping[str, Any]) -> str:
    """Returns what a judge of fit says, and what its threshold lets pass.

    Args:
      choice: what `fit_training.train` returned.
      results: place → model → result of `metrics.binary`; the first model is the judge.
      gain: over the best baseline at the same subreddit, from `metrics.gain`.
    """
    judged = {place: by[next(iter(by))] for place, by in results.items()}
    aucs = " and ".join(
        f"{with_interval(result, 'auc')} for the same {place}" for place, result in judged.items()
    )
    passed = " and ".join(f"{p:.0%} from the same {place}" for place, p in choice["passed"].items())
    chosen = "" if choice["form"] == "trained" else f" No trained form beat the {choice['form']}."
    return (
        f"A real reply and a real reply to another comment are told apart with an AUC of {aucs}. "
        f"{gained(gain)}{chosen} The threshold {choice['threshold']:.2f} lets "
        f"{1 - choice['refused']:.0%} of the real replies pass; of replies to other comments "
        f"{passed} (validation threads)."
    )


def fit_order(measured: Mapping[str, Any]) -> str:
    """Returns what `fit_order.add` found: how much fit counts beside the rank."""
    if "with" not in measured:
        return "The rank alone orders candidates: there is no judge of fit, or too few pairs."
    (before, own_before), (after, own_after) = (
        (measured[key]["siblings"], measured[key]["strangers"]) for key in ("without", "with")
    )
    return (
        f"In the order of candidates, fit counts {measured['weight']:.2f} times its log-odds: on "
        f"validation threads the better of two siblings goes first in {after:.1%} of "
        f"{measured['siblings']:,} pairs ({before:.1%} without), the comment's own reply before a "
        f"stranger's in {own_after:.1%} of {measured['strangers']:,} ({own_before:.1%})."
    )


def lift(results: Results, model: str = "BERT rank") -> str:
    """Returns a sentence on `metrics.lift` of one or all models."""
    result = results[model]
    low, high = _interval(result, "lift")
    gained = (
        f"Over {result['comments']:,} comments the reply that {model} puts first has "
        f"{result['chosen']:.1f} points on average, a random one {result['random']:.1f}, the best "
        f"{result['best']:.1f}"
    )
    if low > 0:
        possible = f"{result['of_possible']:.0%} of what is possible"
        return f"{gained}: a gain of {with_interval(result, 'lift', 1)}, {possible}."
    if high < 0:
        return f"{gained}: a loss of {with_interval(result, 'lift', 1)}; a random reply is better."
    return f"{gained}; the difference, {with_interval(result, 'lift', 1)}, may be chance."


def calibration(rows: pd.DataFrame, model: str = "BERT", what: str = "are real") -> str:
    """Returns a sentence on `metrics.calibration`: whether 0.9 means nine in ten.

    `what` says of replies of class 1 what they do.
    """
    error = float(np.average((rows["predicted"] - rows["observed"]).abs(), weights=rows["n"]))
    bias = float(np.average(rows["predicted"] - rows["observed"], weights=rows["n"]))
    worst = rows.loc[(rows["predicted"] - rows["observed"]).abs().idxmax()]
    quality = (
        "can be read as they are"
        if error < 0.03
        else ("are roughly right" if error < 0.08 else "must not be read as shares")
    )
    lean = "" if abs(bias) < 0.02 else f", and are mostly too {'high' if bias > 0 else 'low'}"
    return (
        f"{model}'s probabilities {quality}: they differ from the observed share by {error:.3f} on "
        f"average{lean}. The worst bin predicts {worst['predicted']:.2f}, but "
        f"{worst['observed']:.2f} of its replies {what}."
    )


def threshold(rows: pd.DataFrame) -> str:
    """Returns a sentence on each row of `metrics.by_threshold`."""
    parts = []
    for row in rows.itertuples():
        if not row.kept:
            parts.append(f"a threshold of {row.threshold:g} keeps nothing")
            continue
        parts.append(
            f"a threshold of {row.threshold:g} keeps {row.coverage:.0%} of the replies; "
            f"{row.precision:.1%} of these are real"
        )
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts)


def slices(rows: pd.DataFrame, what: str, model: str = "BERT") -> str:
    """Returns a sentence on `slices.auc_by_decoder` or `auc_by_length`; `what` says which."""
    rated = rows[rows["auc"].notna()]
    if rated.empty:
        return f"No {what} has both real and generated replies, so none can be judged."
    if len(rated) == 1:
        return f"There is only one {what}, {rated.index[0]}: AUC {rated['auc'].iloc[0]:.3f}."
    best, worst = rated["auc"].idxmax(), rated["auc"].idxmin()
    apart = rated.loc[best, "low"] > rated.loc[worst, "high"]
    return (
        f"{model} is best at {what} {best} (AUC {rated.loc[best, 'auc']:.3f}) and worst at "
        f"{worst} ({rated.loc[worst, 'auc']:.3f})"
        + ("." if apart else "; the intervals overlap, so the order may be chance.")
    )


def context(known: Mapping[str, Any], later: Mapping[str, Any]) -> str:
    """Returns a sentence on the context model, without and with values known only later."""
    gap = later["auc_macro"] - known["auc_macro"]
    return (
        f"With what is known when the bot answers, the context model reaches a macro AUC of "
        f"{with_interval(known, 'auc_macro')}. With the comment's final score and its final number "
        f"of replies, it reaches {with_interval(later, 'auc_macro')}. The difference of {gap:+.3f} "
        "is hindsight: those values grew together with the score that they predict, and the bot "
        "doesn't have them when it answers."
    )


def diversity(rows: pd.DataFrame) -> str:
    """Returns a sentence on `replies.diversity`: human replies beside generated ones."""
    human, others = rows.loc["human"], rows.drop(index="human")
    name = others["distinct-2"].idxmin()
    least = others.loc[name]
    share = least["distinct-2"] / human["distinct-2"]
    verdict = (
        "as varied as human replies"
        if share > 0.95
        else f"{'a little' if share > 0.8 else 'far'} less varied than human replies"
    )
    worst = others["self-repetition"].idxmax()
    loop = others.loc[worst]
    kept = "no more" if loop["low"] <= human["high"] else "more"
    text = (
        f"The least varied decoder ({name}) is {verdict}: {least['distinct-2']:.0%} of its word "
        f"pairs are distinct, {human['distinct-2']:.0%} of human ones in as much text. "
    )
    if not loop["self-repetition"]:
        return f"{text}No generated reply repeats four of its own words."
    return (
        f"{text}Replies of {worst} repeat themselves most: {loop['self-repetition']:.1%} of their "
        f"runs of four words are repeats, {human['self-repetition']:.1%} in human replies. That "
        f"is {kept} than in human replies."
    )


def perplexity_by_length(rows: pd.DataFrame) -> str:
    """Returns a sentence on `replies.perplexity_by_length`."""
    if rows.empty:
        return "No replies were held out (validation_pairs is 0), so there is no perplexity."
    if len(rows) == 1:
        return (
            f"All replies have {rows.index[0]} tokens: perplexity {rows.perplexity.iloc[0]:,.1f}."
        )
    best, worst = rows["perplexity"].idxmin(), rows["perplexity"].idxmax()
    apart = rows.loc[best, "high"] < rows.loc[worst, "low"]
    return (
        f"Perplexity is lowest on replies of {best} tokens ({rows.loc[best, 'perplexity']:,.1f}) "
        f"and highest on those of {worst} ({rows.loc[worst, 'perplexity']:,.1f})"
        + ("." if apart else "; the intervals overlap, so the order may be chance.")
    )


_NAMES = {
    "auc": "an AUC of",
    "auc_macro": "a macro AUC of",
    "auc_micro": "a micro AUC of",
    "kappa": "a quadratic kappa of",
    "balanced_accuracy": "a balanced accuracy of",
    "average_precision": "an average precision of",
    "pairwise": "a pairwise accuracy of",
    "lift": "a lift of",
    "won": "a share of replies beaten of",
}


def _interval(result: Mapping[str, Any], figure: str) -> tuple[float, float]:
    """The interval; where there is none the value itself, so that equal values overlap."""
    value = _number(result.get(figure))
    low, high = result.get("intervals", {}).get(figure, (value, value))
    return (value, value) if np.isnan(low) else (low, high)


def _number(value: float | None) -> float:
    return float("-inf") if value is None or np.isnan(value) else float(value)
