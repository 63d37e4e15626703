"""Fine-tunes GPT-2 with gpt-2-simple, in rounds, each with a validation by held-out replies."""

import dataclasses
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from botlib import model_files
from botlib.errors import BotlibError
from botlib.gpt2 import card as gpt2_card
from botlib.gpt2 import checkpoints, conversation, dataset, session
from botlib.gpt2.base import base_model
from botlib.gpt2.convert import convert, read_hparams
from botlib.gpt2.plan import Plan, check_memory, plan
from botlib.gpt2.validation import SCORES, HeldOut
from botlib.gpt2.vocabulary import FILES, Vocabulary
from botlib.manifests import hash_path, write_manifest
from botlib.settings import Gpt2Settings
from botlib.workspace import Workspace, atomic_file, atomic_folder

LOSSES = ("step", "seconds", "loss", "avg", "tokens_per_s", "validation_loss", "perplexity")
_INPUTS = ("conversations", "gpt2_finetune", "bert_gan_real")
# As gpt-2-simple smooths the loss it prints
SMOOTHING = 0.99


def finetune(
    workspace: Workspace,
    settings: Gpt2Settings,
    on_round: Callable[[pd.DataFrame, pd.DataFrame], None] | None = None,
    progress: bool = True,
) -> Path:
    """Fine-tunes a GPT-2 on `gpt2_finetune.csv` until steps, patience or max_minutes end it.

    Killed at any moment, the same call goes on from the last whole round. A call whose data or
    settings differ starts again and keeps the earlier run beside it as `NAME.previous`.

    Args:
      workspace: has gpt2_finetune.csv, and bert_gan_real.csv for the held-out replies.
      settings: see `Gpt2Settings`.
      on_round: called after each round with losses (all steps so far) and samples.
      progress: whether to show a bar with loss, tokens/s and time left.

    Returns:
      The run's folder: `ctranslate2` (best model, for generation), `best` and `checkpoint` (for
      gpt-2-simple), losses.csv, samples.csv, model_card.json, manifest.json.

    Raises:
      BotlibError: data too small for a window, no end of text in the vocabulary, checkpoint and
        vocabulary of different sizes, out of memory, or a process that BERT training has claimed.
    """
    data = dataset.read(workspace, settings)
    if settings.xla == "on":
        session.allow_xla_on_cpu()
    base = base_model(settings.base_model, workspace, settings)
    run = Run(workspace, settings, base, plan(settings, base), data.context, on_round, progress)
    if settings.steps == 0:
        run.use_base()
    elif not run.stopped:
        run.train(data)
    if not (run.folder / "manifest.json").is_file():
        run.finish(data.texts)
    return run.folder


class Run:
    """One run: its state on disk, and what happens at each step and round."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Gpt2Settings,
        base: Path,
        plan: Plan,
        context: conversation.Context,
        on_round: Callable | None,
        progress: bool,
    ):
        self.workspace, self.settings, self.base, self.plan = workspace, settings, base, plan
        self.context = context
        self.folder = workspace.gpt2(settings.run_name)
        self.checkpoint = self.folder / "checkpoint"
        self.on_round, self.progress = on_round, progress
        self.held_out = HeldOut(workspace, settings.validation_pairs, settings.seed)
        self.state = self._resume()
        self.losses = self._read("losses.csv", LOSSES)
        self.samples = self._read("samples.csv", ("step", "comment", "reply"))
        self._new: list[dict[str, Any]] = []
        self._average = (0.0, 0.0)

    @property
    def stopped(self) -> bool:
        """Returns whether training is over: all steps done, or no patience left."""
        patience = self.settings.patience if len(self.held_out) else 0
        return self.state["step"] >= self.plan.steps or 0 < patience <= self.state["bad_rounds"]

    def train(self, texts: dataset.Texts) -> None:
        check_memory(self.plan, read_hparams(self.base))
        (self.folder / "manifest.json").unlink(missing_ok=True)
        words, window = Vocabulary(self.base), self.plan.window
        form = conversation.Conversation(words, conversation.read(self.base), self.context)
        tokens, starts = dataset.encode(list(texts.texts), form, texts.above, window)
        windows = dataset.Windows(tokens, starts, words.end, window, self.settings.seed)
        archive = dataset.save(tokens, self.workspace.cache / f"{self.folder.name}.npz")
        step = self.state["step"]
        optimizer = self.checkpoint / f"optimizer-{step}"
        hooks = session.Hooks(
            self.plan,
            lambda number: windows.batch(number, self.plan.batch_size),
            self._after_step,
            step=step,
            optimizer_state=optimizer if optimizer.with_suffix(".index").is_file() else None,
        )
        self._seconds = self.state["seconds"]
        self._bar = tqdm(
            total=self.plan.steps,
            initial=step,
            desc="training GPT-2",
            unit="step",
            disable=not self.progress,
        )
        with self._bar:
            self._validate_base()
            self._started = self._last = time.monotonic()
            try:
                session.train(hooks, archive, self.base, self.folder)
            finally:
                archive.unlink(missing_ok=True)

    def _validate_base(self) -> None:
        """Validates the base model as it is, as step 0: training has to beat it."""
        untrained = self.settings.base_model == "scratch"  # predicts nothing
        if untrained or not len(self.held_out) or self.state["best_loss"] is not None:
            return
        with tempfile.TemporaryDirectory(prefix="botlib-") as folder:
            model = Path(folder) / "ctranslate2"
            self._convert(self.base, model, "float32")
            result = self.held_out.evaluate(model, self.settings.seed)
            self._keep_best(0, model)
        self.samples = result.samples.assign(step=0)[["step", "comment", "reply"]]
        self._write_tables()
        self.state |= {"best_step": 0, "best_loss": result.loss, "base_loss": result.loss}
        self._write_state()
        self._bar.write(
            f"the base model as it is: validation loss {result.loss:.3f}, "
            f"perplexity {result.perplexity:.1f}"
        )

    def use_base(self) -> None:
        """Uses the base model as it is (steps=0): evaluated, but not trained."""
        model = self.folder / "ctranslate2"
        if model.is_dir():
            return
        self._convert(self.base, model, self.settings.quantization)
        result = self.held_out.evaluate(model, self.settings.seed)
        self.state |= {"best_loss": result.loss, "base_loss": result.loss}
        self.samples = result.samples.assign(step=0)[["step", "comment", "reply"]]
        self._write_tables()
        self._write_state()

    def finish(self, texts: pd.Series) -> None:
        """Writes the declaration, the model card and the manifest of a run that has ended."""
        parts = (self.folder / "ctranslate2").iterdir()
        model_files.declare(self.folder, "gpt2", [f"ctranslate2/{path.name}" for path in parts])
        scores = pd.DataFrame()
        if len(self.held_out):
            scores = self.held_out.scored(self.folder / "ctranslate2", self.settings.seed)
            self._write(SCORES, scores)
        card = gpt2_card.make(
            self.folder,
            texts,
            self.held_out,
            settings=self.settings,
            base=self.base,
            state=self.state,
            losses=self.losses,
            scores=scores,
            source=self.workspace.gpt2_finetune,
            tokens_seen=self.state["step"] * self.plan.tokens_per_step,
        )
        with atomic_file(self.folder / "model_card.json") as file:
            json.dump(card, file, indent=1, ensure_ascii=False)
        write_manifest(
            self.folder,
            inputs=[getattr(self.workspace, name) for name in _INPUTS],
            parameters=self.settings.as_dict(),
            seed=self.settings.seed,
            extra={"base": str(self.base.name), **self.state},
        )

    def _after_step(self, hooks: session.Hooks, loss: float) -> None:
        now = time.monotonic()
        self._seconds += now - self._last
        self._average = tuple(
            SMOOTHING * old + new for old, new in zip(self._average, (loss, 1.0), strict=True)
        )
        average = self._average[0] / self._average[1]
        speed = self.plan.tokens_per_step / max(now - self._last, 1e-9)
        self._new.append(
            {
                "step": hooks.step,
                "seconds": round(self._seconds, 3),
                "loss": loss,
                "avg": average,
                "tokens_per_s": round(speed, 1),
            }
        )
        self._last = now
        self._bar.set_postfix_str(f"loss={loss:.2f} avg={average:.2f} {speed:,.0f} tokens/s", False)
        self._bar.update()
        limit = self.settings.max_minutes * 60
        hooks.time_share = (now - self._started) / limit if limit else 0.0
        late = hooks.time_share > 1
        if late or hooks.step >= self.plan.steps or hooks.step % self.plan.round_steps == 0:
            self._end_round(hooks)
            if late or self.stopped:
                raise session.Finished

    def _end_round(self, hooks: session.Hooks) -> None:
        """Saves, validates, keeps the best; writes the state last, so a kill loses one round."""
        step = hooks.step
        hooks.save(self.checkpoint)
        best = self.state["best_loss"]
        # Not in the workspace, which may be a slow drive
        with tempfile.TemporaryDirectory(prefix="botlib-") as folder:
            model = Path(folder) / "ctranslate2"
            self._convert(self.checkpoint, model, "float32", step)
            result = self.held_out.evaluate(model, self.settings.seed)
            better = best is None or result.loss is None or result.loss < best
            if better:
                self._keep_best(step, model)
        self._new[-1] |= {"validation_loss": result.loss, "perplexity": result.perplexity}
        self.losses = pd.concat([self.losses, pd.DataFrame(self._new, columns=LOSSES)])
        fresh = result.samples.assign(step=step)[["step", "comment", "reply"]]
        self.samples = pd.concat([self.samples, fresh], ignore_index=True)
        self._write_tables()
        self.state |= {
            "step": step,
            "seconds": self._seconds,
            "bad_rounds": 0 if better else self.state["bad_rounds"] + 1,
        }
        if better:
            self.state |= {"best_step": step, "best_loss": result.loss}
        self._write_state()
        self._after_state(step)
        if result.loss is not None:
            note = f"step {step}: validation loss {result.loss:.3f}, perplexity "
            self._bar.write(f"{note}{result.perplexity:.1f}{' (best)' if better else ''}")
        if self.on_round:
            self.on_round(self.losses, self.samples)

    def _after_state(self, step: int) -> None:
        self._new = []
        # The time of a validation counts for no step's speed
        self._last = time.monotonic()
        checkpoints.delete_all_but(self.checkpoint, step)

    def _keep_best(self, step: int, model: Path) -> None:
        if self.settings.quantization == "float32":
            with atomic_folder(self.folder / "ctranslate2") as part:
                shutil.copytree(model, part, dirs_exist_ok=True)
        with atomic_folder(self.folder / "best") as part:
            checkpoints.copy(self.checkpoint if step else self.base, part, step)
            for name in ("hparams.json", *FILES):
                shutil.copyfile(self.base / name, part / name)
            conversation.write(part, conversation.read(self.base), self.context)
        if self.settings.quantization != "float32":
            model = self.folder / "ctranslate2"
            self._convert(self.folder / "best", model, self.settings.quantization)

    def _convert(self, source: Path, model: Path, stored: str, step: int | None = None) -> None:
        # A pretrained model has seen all positions, one from scratch only its window's
        window = self.plan.window if self.settings.base_model == "scratch" else 0
        convert(source, self.base, model, stored, window=window, step=step, context=self.context)

    def _identity(self) -> dict[str, Any]:
        # Nothing is added where the comment stands alone, so that runs of 0.1.0 go on
        seen = {"context": dataclasses.asdict(self.context)} if self.context.seen else {}
        return {
            **self.plan.identity(),
            **seen,
            "base": hash_path(self.base / "model.ckpt.index") + hash_path(self.base / FILES[1]),
            "data": hash_path(self.workspace.gpt2_finetune),
            "held_out": self.held_out.digest,
        }

    def _resume(self) -> dict[str, Any]:
        """Returns the state to resume from; deletes what is newer."""
        identity = self._identity()
        state = checkpoints.read_state(self.folder / "state.json")
        imported = (self.folder / "ctranslate2").is_dir() and not self.checkpoint.is_dir()
        if state is None and imported:
            raise BotlibError(
                f"{self.folder} holds an imported model, which can't be trained further: "
                "choose another run_name"
            )
        if state is not None and state["identity"] != identity:
            previous = self.folder.with_name(f"{self.folder.name}.previous")
            shutil.rmtree(previous, ignore_errors=True)
            self.folder.replace(previous)
            changed = [k for k, v in identity.items() if state["identity"].get(k) != v]
            tqdm.write(
                f"{self.folder.name} starts again, because {', '.join(changed)} changed; "
                f"the earlier run is in {previous}"
            )
            state = None
        if state is None:
            shutil.rmtree(self.checkpoint, ignore_errors=True)
            state = {"step": 0, "best_step": 0, "best_loss": None, "bad_rounds": 0, "seconds": 0.0}
            state["identity"] = identity
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        if state["step"]:
            if not (self.checkpoint / f"model-{state['step']}.index").is_file():
                raise BotlibError(
                    f"{self.checkpoint} has no checkpoint of step {state['step']}: copy it "
                    f"again, or delete {self.folder} to start again"
                )
            checkpoints.point_to(self.checkpoint, state["step"])
            checkpoints.delete_all_but(self.checkpoint, state["step"])
        return state

    def _write_tables(self) -> None:
        self._write("losses.csv", self.losses)
        self._write("samples.csv", self.samples)

    def _write(self, name: str, frame: pd.DataFrame) -> None:
        with atomic_file(self.folder / name) as file:
            frame.to_csv(file, index=False, lineterminator="\n")

    def _write_state(self) -> None:
        with atomic_file(self.folder / "state.json") as file:
            json.dump(self.state, file, indent=1)

    def _read(self, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """Returns a log's rows up to the state's step; later rows belong to an unfinished round."""
        path = self.folder / name
        if not path.is_file():
            return pd.DataFrame(columns=list(columns))
        frame = pd.read_csv(path, keep_default_na=name == "losses.csv")
        return frame[frame["step"] <= self.state["step"]]
