"""The models of the tab Try: loaded once, they write and judge a few candidates at a time."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from botlib.app.site import Site
from botlib.errors import BotlibError
from botlib.gpt2.decoder import Decoder
from botlib.live import judging
from botlib.live.models import Judges, realism_threshold
from botlib.live.threads import Threads
from botlib.tables import PROPOSED

MAX_CANDIDATES = 20  # of a trial
_MAX_TRIALS = 30  # kept for the sliders
_MAX_SCORES = 5000  # kept
_GENERATORS = 2  # for two runs side by side
_AT_ONCE = 3  # candidates that a copy of the model writes together


class CachedScorer:
    """A scorer that remembers its scores, so that moving a slider runs no model.

    Args:
      scorer: see `models.ScorerLike`.
    """

    def __init__(self, scorer: Any) -> None:
        self.scorer = scorer
        self._scores: dict[tuple[str, str], np.ndarray] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scorer, name)

    def predict(self, comments: Sequence[str], replies: Sequence[str], **_: Any) -> np.ndarray:
        """Returns the scorer's scores, one row a pair."""
        pairs = list(zip(comments, replies, strict=True))
        if len(self._scores) > _MAX_SCORES:
            self._scores.clear()
        unscored = [pair for pair in dict.fromkeys(pairs) if pair not in self._scores]
        if unscored:
            scores = np.asarray(self.scorer.predict(*map(list, zip(*unscored, strict=True))))
            self._scores.update(zip(unscored, scores, strict=True))
        return np.array([self._scores[pair] for pair in pairs])


@dataclasses.dataclass
class Trial:
    """A comment with its candidates and thread, for judging it again.

    Attributes:
      comment: a row of `Reading.comments`.
      threads: its thread.
      refusal: why the bot would not answer the comment, or "".
      linked: whether the comment is on this page's site, so that replies can be proposed.
      rows: the candidates so far.
    """

    comment: dict[str, Any]
    threads: Threads
    refusal: str = ""
    linked: bool = False
    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def add(self, reply: str, log_prob: float) -> None:
        """Adds a candidate, with the comment's own fields."""
        fields = {name: self.comment.get(name) for name in PROPOSED.columns}
        fields |= {"sample": len(self.rows), "proposed_reply": reply, "log_prob": log_prob}
        self.rows.append(fields)


class Bench:
    """The workspace's models, loaded at the first question.

    Args:
      site: the workspace and its settings.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._loading, self._judging = threading.Lock(), threading.Lock()
        self._writing = threading.Lock()
        self._judges: Judges | None = None
        self._generators: OrderedDict[str, Any] = OrderedDict()
        self._trials: OrderedDict[int, Trial] = OrderedDict()
        self._number = 0
        self.threshold = site.post.threshold

    def runs(self) -> list[str]:
        """Returns the names of the fine-tuned GPT-2s that can write."""
        folder = self.site.workspace.models / "gpt2"
        return sorted(path.parent.name for path in folder.glob("*/ctranslate2"))

    def load(self, run: str) -> tuple[Any, Judges]:
        """Returns a generator and the judges.

        Raises:
          BotlibError: one of them is missing; the error names the notebook that makes it.
        """
        from botlib.gpt2.generator import Generator

        with self._loading:
            judges = self._load_judges()
            if run not in self._generators:
                if run not in self.runs():
                    # The generator's own error says what to run
                    run = self.site.generate.gpt2_run
                generator = Generator(self.site.workspace.gpt2(run))
                # From now on it draws at random, and has allocated its memory
                generator.generate(["Hello."], n=1, seed=None, decoder=Decoder(max_tokens=2))
                self._generators[run] = generator
                while len(self._generators) > _GENERATORS:
                    self._generators.popitem(last=False)
            return self._generators[run], judges

    def _load_judges(self) -> Judges:
        if self._judges is None:
            judges = Judges.load(self.site.workspace)
            self.threshold = realism_threshold(self.site.workspace, judges.realism, self.site.post)
            scorers = {
                field.name: CachedScorer(scorer)
                for field in dataclasses.fields(judges)
                if hasattr(scorer := getattr(judges, field.name), "predict")
            }
            self._judges = dataclasses.replace(judges, **scorers)
        return self._judges

    def judges(self) -> Judges:
        """Returns the judges alone.

        Raises:
          BotlibError: one of them is missing.
        """
        with self._loading:
            return self._load_judges()

    def store(self, trial: Trial) -> int:
        """Stores a trial; returns its number."""
        self._number += 1
        self._trials[self._number] = trial
        while len(self._trials) > _MAX_TRIALS:
            self._trials.popitem(last=False)
        return self._number

    def trial(self, number: int) -> Trial:
        """Returns a stored trial.

        Raises:
          BotlibError: it was dropped for newer trials.
        """
        if number not in self._trials:
            raise BotlibError("these candidates are gone: write new ones")
        return self._trials[number]

    def write(self, trial: Trial, run: str, decoder: Decoder, n: int) -> Iterator[int]:
        """Writes candidates; each comes as soon as it ends, whatever the others still write.

        Yields:
          The number of candidates so far.
        """
        generator, _ = self.load(run)
        # A few at a time: where two settings are compared, they take turns
        at_once = _AT_ONCE * getattr(generator.engine, "replicas", 1)
        comment = trial.comment
        while (written := len(trial.rows)) < n:
            texts = comment["comment"], min(at_once, n - written)
            with self._writing:
                for ended in generator.as_they_end(*texts, decoder, above=comment["above"]):
                    for row in ended:
                        trial.add(row["reply"], row["log_prob"])
                    yield len(trial.rows)

    def judge(self, trial: Trial, threshold: float, n: int = MAX_CANDIDATES) -> pd.DataFrame:
        """Returns the first n candidates, judged by the bot's own function."""
        if self._judges is None:
            raise BotlibError("the models aren't loaded: write candidates first")
        rows = pd.DataFrame(trial.rows[:n], columns=list(PROPOSED.columns))
        with self._judging:
            judged = judging.judge(
                rows, self._judges, self.site.post, trial.threads, threshold=threshold
            )
            if (fit := getattr(self._judges, "fit", None)) is not None and len(rows):
                texts = rows["comment"].tolist(), rows["proposed_reply"].tolist()
                judged["prob_fit"] = np.asarray(fit.predict(*texts)).reshape(len(rows), -1)[:, -1]
        return judged
