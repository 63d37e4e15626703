"""The bot as a program: models stay loaded, round follows round until it is told to stop."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from botlib import tables
from botlib.errors import BotlibError
from botlib.live import choose, outcomes
from botlib.live import round as bot
from botlib.live.client import Client
from botlib.live.copies import CopyIndex
from botlib.live.events import note
from botlib.live.outbox.queue import Outbox
from botlib.live.outbox.schema import POSTED, POSTING, PROPOSED, READY
from botlib.live.reddit import Reading, read
from botlib.live.round import GeneratorLike, ScorerLike
from botlib.probabilities import threshold_for_precision
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

# Pairs of the validation split that a threshold is calibrated on
CALIBRATION_PAIRS = 2000


@dataclasses.dataclass
class Models:
    """What a round needs, loaded once.

    Attributes:
      generator: writes candidates.
      realism: P(real).
      upvotes: probabilities of the four ratings.
      rank: orders the candidates of one comment; None: by expected rating.
      context: says which comment is worth an answer; None: the one with the best reply.
      training_replies: what the generator has seen; None: copies of it are not looked for.
    """

    generator: GeneratorLike
    realism: ScorerLike
    upvotes: ScorerLike
    rank: ScorerLike | None = None
    context: Any = None
    training_replies: CopyIndex | None = None

    @classmethod
    def load(cls, workspace: Workspace, gpt2_run: str = "run1", threads: int = 0) -> "Models":
        """Loads a workspace's models; those of 02, 03 and 04 are needed.

        Raises:
          BotlibError: one of them is missing.
        """
        from botlib.bert.scorer import Scorer
        from botlib.gpt2.generator import Generator
        from botlib.worth.model import ContextModel

        rank, context = workspace.bert_rank, workspace.context
        return cls(
            generator=Generator(workspace.gpt2(gpt2_run), threads=threads),
            realism=Scorer(workspace.bert_realism, threads=threads),
            upvotes=Scorer(workspace.bert_upvotes, threads=threads),
            rank=Scorer(rank, threads=threads) if (rank / "config.json").exists() else None,
            context=ContextModel(context) if (context / "config.json").exists() else None,
            training_replies=training_replies(workspace),
        )


def training_replies(workspace: Workspace) -> CopyIndex | None:
    """Returns the index of the replies the generator was trained on, if the workspace has them."""
    table = workspace.bert_gan_real
    if not table.exists():
        return None
    about = table.stat()
    cached = workspace.cache / f"training_replies_{about.st_size}_{about.st_mtime_ns}.npz"
    if (index := CopyIndex.load(cached)) is None:
        real = tables.read_table(table, tables.BERT_GAN_REAL, ["reply", "split"])
        index = CopyIndex(real.loc[real["split"] == "generator", "reply"])
        for old in workspace.cache.glob("training_replies_*.npz"):
            old.unlink(missing_ok=True)
        index.save(cached)
    return index


def realism_threshold(workspace: Workspace, realism: ScorerLike, settings: PostSettings) -> float:
    """Returns the setting `threshold`, or what reaches the setting `precision` on validation pairs.

    Raises:
      BotlibError: a precision is set, but no threshold reaches it or the pairs are missing.
    """
    if not settings.precision:
        return settings.threshold
    columns = ["comment", "reply", "real", "split"]
    paths = [(workspace.bert_gan_real, tables.BERT_GAN_REAL)]
    paths += [(path, tables.BERT_GAN_FAKE) for path in workspace.bert_gan_fakes()]
    pairs = pd.concat([tables.read_table(path, table, columns) for path, table in paths])
    pairs = pairs[pairs["split"] == "validation"]
    # As many fakes as real ones: a threshold's precision depends on the mix
    each = min(CALIBRATION_PAIRS // 2, pairs["real"].value_counts().reindex([0, 1]).fillna(0).min())
    if not each:
        raise BotlibError("precision: no validation pairs in the workspace; run 03 or set it to 0")
    pairs = pairs.groupby("real").sample(int(each), random_state=settings.seed)
    scores = np.asarray(realism.predict(pairs["comment"].tolist(), pairs["reply"].tolist()))
    scores = scores if scores.ndim == 1 else scores[:, -1]
    real = pairs["real"].to_numpy()
    return threshold_for_precision(real, scores, settings.precision)["threshold"]


def comment_worth(
    context: Any, reading: Reading, proposed: pd.DataFrame, now: float
) -> dict[str, float] | None:
    """Returns by comment_id the rating a reply written now may expect, whatever it says.

    Args:
      context: a `botlib.worth.model.ContextModel`, or None.
      reading: the threads, whose other replies count: a late one is seen by fewer.
      proposed: the candidates; the first of each comment stands for all.
      now: seconds since 1970, UTC.

    Returns:
      None without a model or without candidates.
    """
    if context is None or proposed.empty:
        return None
    first = proposed.drop_duplicates("comment_id").merge(
        reading.comments[["comment_id", "created_utc"]], on="comment_id"
    )
    live = pd.DataFrame(
        {
            "subreddit": first["subreddit"],
            "submission_id": first["post_id"],
            "comment_id": first["comment_id"],
            "comment": first["comment"],
            "comment_created_utc": first["created_utc"],
            "reply_id": "",
            "reply": first["proposed_reply"],
            "reply_created_utc": now,
        }
    )
    frame = live if reading.pairs.empty else pd.concat([reading.pairs, live], ignore_index=True)
    ratings = context.expected_rating(frame)[-len(live) :]
    return dict(zip(live["comment_id"], ratings.tolist(), strict=True))


@dataclasses.dataclass(frozen=True)
class Round:
    """What a round did: what it read, what it thought of each candidate, what it queued."""

    reading: Reading
    chosen: pd.DataFrame
    queued: pd.DataFrame
    seconds: float


def propose_round(
    workspace: Workspace,
    reddit: Client,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    *,
    decoder: Any = None,
    threshold: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.time,
) -> Round:
    """Reads, then generates, scores, chooses and queues post by post; sends nothing.

    Args:
      workspace: its outbox.
      reddit: from `connect`.
      models: loaded ones.
      generate: what 05 reads and how much it generates.
      post: what 06 demands of a reply.
      decoder: see `botlib.gpt2.decoder`.
      threshold: of realism; by default the setting.
      stop: asked between two posts.
      clock: seconds since 1970, UTC.
    """
    began = time.monotonic()
    with Outbox(workspace.outbox, clock=clock) as outbox:
        # A post whose reply still waits for approval needs no second one
        taken = [POSTED, POSTING, PROPOSED, *READY] if post.max_per_post == 1 else []
        busy = {reply.post_id for reply in outbox.replies(reddit.site, taken)}
        known = {r.comment_id for r in outbox.replies(reddit.site)}
        reading = read(reddit, generate, answered_posts=busy, clock=clock)
        for row in reading.skipped.to_dict("records"):
            note("skipped", **row)
        # What a person is judging, or has judged, need not be written again
        comments = reading.comments[~reading.comments["comment_id"].isin(known)]
        note(
            "read",
            comments=len(comments),
            known=len(reading.comments) - len(comments),
            skipped=len(reading.skipped),
            requests=reading.requests,
        )
        thresholds = post.threshold if threshold is None else threshold
        chosen, queued = [], []
        for _, of_post in comments.groupby("post_id", sort=False):
            if stop():
                break
            judged = _judge(of_post, reading, models, generate, post, decoder, thresholds, clock())
            best = judged.sort_values("rank", na_position="last").drop_duplicates("comment_id")
            for row in best.to_dict("records"):
                note("candidate", **{key: row[key] for key in _LOGGED}, comment=row["comment_id"])
            chosen.append(judged)
            queued.append(bot.queue(outbox, judged, reddit, fresh=reading.comments))
    return Round(reading, _together(chosen), _together(queued), time.monotonic() - began)


_LOGGED = ("subreddit", "decision", "reason", "score", "prob_real")


def _judge(
    comments: pd.DataFrame,
    reading: Reading,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    decoder: Any,
    threshold: float,
    now: float,
) -> pd.DataFrame:
    """Candidates for the comments of one post, scored and decided about."""
    # Without a seed the generator need not load again; a bot's replies need not be drawn twice
    proposed = bot.candidates(
        comments, models.generator, n=generate.candidates, decoder=decoder, seed=None
    )
    scored = bot.score(proposed, models.realism, models.upvotes)
    pairs = scored["comment"].tolist(), scored["proposed_reply"].tolist()
    return choose.choose(
        scored,
        threshold=threshold,
        max_chars=post.max_chars,
        rank_score=None if models.rank is None else models.rank.predict(*pairs),
        comment_worth=comment_worth(models.context, reading, proposed, now),
        thread_texts=reading.texts,
        training_replies=models.training_replies,
        per_post=post.max_per_post == 1,
    )


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if frames:
        return pd.concat(frames, ignore_index=True)
    return pd.DataFrame(columns=["comment_id", "decision", "reason"])


def run(
    workspace: Workspace,
    reddit: Client,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    *,
    every: float | None = None,
    decoder: Any = None,
    stop: Callable[[], bool] = lambda: False,
    wait: Callable[[float], Any] = time.sleep,
) -> int:
    """Runs one round, or one every so many seconds until `stop` says so.

    A round listens to the inbox, looks after own replies, proposes new ones and posts what was
    approved. What fails in one round is logged and tried again in the next.

    Args:
      workspace: where everything is.
      reddit: from `connect`.
      models: loaded ones.
      generate: settings of 05.
      post: settings of 06; unless `dry_run` is False nothing is written to Reddit.
      every: seconds from round to round; None: one round only, whose error is raised.
      decoder: see `botlib.gpt2.decoder`.
      stop: asked between steps; a reply in hand is finished first.
      wait: waits between rounds and between posts; may return early when stopped.

    Returns:
      How many rounds were run.

    Raises:
      BotlibError: in the only round.
    """
    threshold = realism_threshold(workspace, models.realism, post)
    rounds = 0
    while not stop():
        try:
            _round(workspace, reddit, models, generate, post, decoder, threshold, stop, wait)
        except BotlibError as error:
            if every is None:
                raise
            note("error", reason=str(error))
        rounds += 1
        if every is None or stop():
            break
        wait(every)
    return rounds


def _round(
    workspace: Workspace,
    reddit: Client,
    models: Models,
    generate: GenerateSettings,
    post: PostSettings,
    decoder: Any,
    threshold: float,
    stop: Callable[[], bool],
    wait: Callable[[float], Any],
) -> None:
    with Outbox(workspace.outbox) as outbox:
        if reddit.name is not None:
            outcomes.listen(outbox, reddit, dry_run=post.dry_run)
            outcomes.follow(outbox, reddit, delete_below=post.delete_below, dry_run=post.dry_run)
        if stop():
            return
        done = propose_round(
            workspace,
            reddit,
            models,
            generate,
            post,
            decoder=decoder,
            threshold=threshold,
            stop=stop,
        )
        bot.approve_in_sandbox(outbox, reddit, post)
    if stop():
        return
    decisions = bot.post_approved(workspace, reddit, post, stop=stop, sleep=wait)
    proposed, posted = done.queued["decision"], decisions["decision"]
    note(
        "round",
        seconds=done.seconds,
        proposed=int((proposed == "proposed").sum()),
        posted=int((posted == "posted").sum()),
        requests=reddit.requests_made,
    )
