"""The verdict on a run, in plain words computed from its headline values, and what to do next."""

import dataclasses
from collections.abc import Sequence

from botlib.manifests import read_manifest
from botlib.runs.headlines import BAD, GOOD, UNSURE, Headline
from botlib.runs.pipeline import Result
from botlib.workspace import Workspace

# With fewer pairs than this, more data helps more than any setting
FEW_PAIRS = 20_000


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a reader should know first.

    Attributes:
      title: the answer in one line.
      state: good, unsure or bad: its colour.
      lines: why, a sentence each.
      steps: what to do next, the most useful first.
    """

    title: str
    state: str
    lines: tuple[str, ...]
    steps: tuple[str, ...]


def judge(
    workspace: Workspace, headlines: Sequence[Headline], results: Sequence[Result] = ()
) -> Verdict:
    """Returns the verdict on the workspace's models."""
    failed = [result for result in results if result.state == "failed"]
    data = read_manifest(workspace.bert_gan_real)
    made_up = data.get("parameters", {}).get("source") == "sample"
    pairs = data.get("extra", {}).get("rows", 0)
    if failed:
        title, state = f"The run failed in {failed[0].notebook}.", BAD
        lines = [failed[0].message]
    elif not headlines:
        title, state, lines = "There is no model to judge yet.", UNSURE, []
    else:
        title, state = _title(headlines)
        lines = []
    if made_up and not failed:
        title = "The machinery works. These numbers say nothing about real replies."
        lines = [
            f"This run learned from {pairs:,} pairs of a small made-up Reddit, whose sentences are "
            "put together by a program. It shows that every step runs, not how well the bot writes."
        ]
        if headlines:
            lines.append(f"On the made-up pairs: {_lower(_title(headlines)[0])}")
        state = UNSURE
    lines += _reasons(headlines)
    steps = _steps(headlines, made_up, pairs, bool(failed))
    return Verdict(title, state, tuple(lines), tuple(steps))


def _title(headlines: Sequence[Headline]) -> tuple[str, str]:
    bad = [_TOPICS[h.key] for h in headlines if h.state == BAD]
    unsure = [_TOPICS[h.key] for h in headlines if h.state not in (GOOD, BAD)]
    if bad:
        return f"Not good enough to post with: {_and(bad)}.", BAD
    if unsure:
        return f"Usable with care; not proven: {_and(unsure)}.", UNSURE
    return "Good: every model beats its baseline by more than chance.", GOOD


_TOPICS = {
    "realism": "telling fakes from real replies",
    "fit": "whether a reply fits its comment",
    "ratings": "foreseeing votes",
    "rank": "picking the better reply",
    "perplexity": "reading the comment",
    "memorised": "writing its own words",
}


def _reasons(headlines: Sequence[Headline]) -> list[str]:
    """Only what is bad gets a sentence here; each stage says the rest."""
    return [h.sentence for h in headlines if h.state == BAD]


def _steps(headlines: Sequence[Headline], made_up: bool, pairs: int, failed: bool) -> list[str]:
    if failed:
        return [
            "Mend what the message names, and run the same command again: finished notebooks are "
            "skipped."
        ]
    if made_up:
        return [
            "Run it on your own subreddit: python -m botlib run --workspace my-bot "
            "--profile laptop --subreddits NAME"
        ]
    if not headlines:
        return ["Run the notebooks 02 to 04."]
    state = {headline.key: headline.state for headline in headlines}
    steps = []
    if pairs and pairs < FEW_PAIRS:
        steps.append(
            f"Take more data first: {pairs:,} pairs are few. More months or more subreddits "
            "(first_month, subreddits) help every model."
        )
    if state.get("memorised") in (BAD, UNSURE):
        steps.append(
            "GPT-2 repeats its training data: take more pairs, or train fewer steps (steps in 02). "
            "The copy check of 06 refuses what repeats the thread or the training data."
        )
    if state.get("perplexity") in (BAD, UNSURE):
        steps.append(
            "GPT-2 hardly reads the comment: train longer (steps, max_minutes in 02), and if it "
            "began elsewhere, from a model that has read Reddit (base_model dialogpt-small)."
        )
    if state.get("realism") == BAD:
        steps.append(
            "Realism lets too much pass: make more fakes (fake_comments in 03), train longer "
            "(epochs), or raise the threshold in 06."
        )
    for key, notebook in (("fit", "03"), ("ratings", "04"), ("rank", "04")):
        if state.get(key) == BAD:
            steps.append(
                f"{_TOPICS[key].capitalize()} is worse than its baseline: train on more pairs "
                f"(max_pairs, max_minutes in {notebook})."
            )
        elif state.get(key) == UNSURE:
            steps.append(
                f"{_TOPICS[key].capitalize()} may be chance: more test threads would tell "
                "(more months in 01)."
            )
    steps.append("Read the replies below yourself before you approve any.")
    return steps


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
