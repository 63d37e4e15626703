"""The training loop: AdamW, early stopping, best weights, and resume after a kill."""

import contextlib
import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd

from botlib import drive
from botlib.bert import model as bert_model
from botlib.bert.batches import epoch_batches, sorted_batches
from botlib.bert.encoder import INPUTS
from botlib.bert.examples import TARGETS, Examples
from botlib.bert.legacy_keras import keras, tensorflow
from botlib.errors import BotlibError
from botlib.settings import ClassifierSettings
from botlib.workspace import atomic_file

# Scoring keeps no activations, so its batches may be larger than training's
SCORING_TOKENS = 8192
# Loss and speed are written down about so often an epoch
HISTORY_ROWS = 40
CHECKPOINT_SECONDS = 120
# As BERT was fine-tuned: the share of a run in which the learning rate rises, and AdamW's decay
WARMUP = 0.1
WEIGHT_DECAY = 0.01
# How often a run scores the validation pairs
VALIDATIONS = 4


class Loop:
    """One training run over a Keras model; `run` returns the history, the best weights are set."""

    def __init__(
        self,
        model,
        task: str,
        settings: ClassifierSettings,
        train: Examples,
        validation: Examples,
        strategy,
        scaled: bool,
    ) -> None:
        tf = tensorflow()
        self.scaled = scaled
        self.model, self.task, self.settings = model, task, settings
        self.strategy = strategy
        self.train, self.validation = train, validation
        self.variables = bert_model.trained_variables(model, settings.trained_layers)
        with strategy.scope():
            self.optimizer = _adamw()
            if scaled:  # float16's range is small: gradients would vanish
                self.optimizer = keras().mixed_precision.LossScaleOptimizer(self.optimizer)
        self.step = 0
        self.seconds = 0.0
        self.best_loss, self.best_step, self.bad = math.inf, 0, 0
        self.best_weights: list[np.ndarray] | None = None
        self.history: list[dict] = []
        self._train_step, self._score_step = _steps(tf, self)

    def run(self, folder: Path, progress: bool = True) -> pd.DataFrame:
        """Trains, keeping what a resumed run needs in `folder` until the end.

        Returns:
          The history: step, epoch, seconds, learning_rate, loss, pairs_per_second, and at each
          validation validation_loss and validation_metric (NaN in between).
        """
        from tqdm.auto import tqdm

        settings = self.settings
        batches = len(epoch_batches(self.train, settings.batch_size, settings.seed, 0))
        total = batches * settings.epochs
        self._restore(folder)
        started = time.monotonic() - self.seconds
        saved = time.monotonic()
        bar = tqdm(
            total=total,
            initial=self.step,
            desc=f"training {self.task}",
            unit="step",
            disable=not progress,
        )
        recent, marks = [], [(self.step, self.seconds)]
        validated = self._progress(total)
        for epoch in range(self.step // batches, settings.epochs):
            order = epoch_batches(self.train, settings.batch_size, settings.seed, epoch)
            for rows in order[self.step - epoch * batches :]:
                rate = settings.learning_rate * _schedule(self._progress(total), WARMUP)
                recent.append((self._train_on(rows, rate), len(rows)))
                self.step += 1
                self.seconds = time.monotonic() - started
                reached = self._progress(total)
                due = int(reached * VALIDATIONS + 1e-9) > int(validated * VALIDATIONS + 1e-9)
                if due or self.step % max(1, batches // HISTORY_ROWS) == 0 or reached >= 1:
                    row = self._note(recent, epoch, rate, marks)
                    recent = []
                    if due or reached >= 1:
                        validated = reached
                        self._validate(row)
                        self._save(folder)
                    bar.set_postfix_str(_describe(row))
                elif time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save(folder)
                    saved = time.monotonic()
                # With a limit on time the bar's end is where that falls
                bar.total = max(self.step, min(total, round(self.step / max(reached, 1e-9))))
                bar.update()
                if reached >= 1 or self.bad > settings.patience:
                    break
            if self._progress(total) >= 1 or self.bad > settings.patience:
                break
        bar.close()
        for variable, value in zip(self.variables, self.best_weights or (), strict=False):
            variable.assign(value)
        shutil.rmtree(folder, ignore_errors=True)
        return pd.DataFrame(self.history, columns=HISTORY_COLUMNS)

    def predict(self, examples: Examples) -> np.ndarray:
        """Returns the logits of examples, float32 of shape (pairs, outputs)."""
        logits = np.empty((len(examples), self.model.output_shape[-1]), np.float32)
        for rows in sorted_batches(examples.pairs, SCORING_TOKENS):
            inputs = examples.pairs.pad(rows, multiple=8)
            logits[rows] = self._score_step({name: inputs[name] for name in INPUTS}).numpy()
        return logits

    def _progress(self, total: int) -> float:
        """How much of the run is over: by steps, or by time where that is limited and sooner."""
        limit = self.settings.max_minutes * 60
        return max(self.step / total, self.seconds / limit if limit else 0.0)

    def _train_on(self, rows: np.ndarray, rate: float) -> float:
        tf = tensorflow()
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        optimizer.learning_rate.assign(rate)
        replicas = self.strategy.num_replicas_in_sync
        batch = self.train.batch(rows)
        if replicas == 1:
            return self._train_step({name: tf.constant(value) for name, value in batch.items()})
        # Each replica gets every n-th pair; siblings are kept together by their group
        if self.task == "rank":
            _, order = np.unique(batch["groups"], return_inverse=True)
        else:
            order = np.arange(len(rows))
        shards = [{k: v[order % replicas == r] for k, v in batch.items()} for r in range(replicas)]
        values = {
            name: self.strategy.experimental_distribute_values_from_function(
                lambda context, name=name: tf.constant(
                    shards[context.replica_id_in_sync_group][name]
                )
            )
            for name in batch
        }
        return self._train_step(values)

    def _note(self, recent, epoch, rate, marks) -> dict:
        losses = [float(loss) for loss, _ in recent]
        if not np.all(np.isfinite(losses)):
            raise BotlibError(
                f"the loss is no longer a number at step {self.step}: lower learning_rate "
                f"({self.settings.learning_rate:g})"
            )
        passed = self.seconds - marks[-1][1]
        marks.append((self.step, self.seconds))
        row = dict.fromkeys(HISTORY_COLUMNS, math.nan) | {
            "step": self.step,
            "epoch": epoch,
            "seconds": round(self.seconds, 2),
            "learning_rate": rate,
            "loss": float(np.mean(losses)),
            "pairs_per_second": round(sum(size for _, size in recent) / max(passed, 1e-6), 1),
        }
        self.history.append(row)
        return row

    def _validate(self, row: dict) -> None:
        """Keeps the weights if they are the best so far."""
        started = time.monotonic()
        judged = self._validation_loss(row)
        row["validation_seconds"] = round(time.monotonic() - started, 2)
        if self.task != "rank" and not math.isnan(row["validation_metric"]):
            # The loss also moves with the classes' shares, which the AUC rightly doesn't see
            judged = -row["validation_metric"]
        if judged < self.best_loss:
            self.best_loss, self.best_step, self.bad = judged, self.step, 0
            self.best_weights = [variable.numpy() for variable in self.variables]
        else:
            self.bad += 1

    def _validation_loss(self, row: dict) -> float:
        tf = tensorflow()
        logits = self.predict(self.validation)
        batch = {
            name: tf.constant(getattr(self.validation, name).astype(np.float32)) for name in TARGETS
        }
        batch["groups"] = tf.constant(self.validation.groups.astype(np.int32))
        loss, weight = bert_model.loss_sums(self.task, tf.constant(logits), batch)
        row["validation_loss"] = float(loss) / max(float(weight), 1e-9)
        row["validation_metric"] = bert_model.metric(self.task, self.validation, logits)
        return row["validation_loss"]

    def _checkpoint(self):
        tf = tensorflow()
        weights = {str(i): tf.Variable(w) for i, w in enumerate(self.best_weights or ())}
        return tf.train.Checkpoint(
            model=self.model,
            optimizer=self.optimizer,
            **{f"best_{name}": variable for name, variable in weights.items()},
        )

    def _save(self, folder: Path) -> None:
        """Two turns kept in two folders; the small state file names the whole one, written last."""
        drive.check(folder)
        folder.mkdir(parents=True, exist_ok=True)
        turn = "b" if _read_state(folder).get("turn") == "a" else "a"
        shutil.rmtree(folder / turn, ignore_errors=True)
        with drive.local_first(folder / turn) as near:
            self._checkpoint().write(str(near / "checkpoint"))
        state = {
            "turn": turn,
            "step": self.step,
            "seconds": self.seconds,
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "has_best": self.best_weights is not None,
            "bad": self.bad,
            "history": self.history,
        }
        with atomic_file(folder / "state.json") as file:
            json.dump(state, file)

    def _restore(self, folder: Path) -> None:
        state = _read_state(folder)
        if not state:
            return
        with self.strategy.scope():
            self.optimizer.build(self.variables)
        if state["has_best"]:
            self.best_weights = [variable.numpy() for variable in self.variables]
        checkpoint = self._checkpoint()
        with contextlib.suppress(AssertionError):
            checkpoint.read(
                str(folder / state["turn"] / "checkpoint")
            ).assert_existing_objects_matched()
        if state["has_best"]:
            self.best_weights = [
                getattr(checkpoint, f"best_{i}").numpy() for i in range(len(self.variables))
            ]
        self.step, self.seconds, self.bad = state["step"], state["seconds"], state["bad"]
        self.best_loss, self.best_step = state["best_loss"], state["best_step"]
        self.history = state["history"]


HISTORY_COLUMNS = [
    *("step", "epoch", "seconds", "learning_rate", "loss", "pairs_per_second"),
    *("validation_loss", "validation_metric", "validation_seconds"),
]


def _read_state(folder: Path) -> dict:
    path = folder / "state.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _adamw():
    """AdamW as google-research/bert tunes: no decay on LayerNorm and bias, gradients clipped."""
    optimizer = keras().optimizers.AdamW(
        learning_rate=0.0,  # set before each step
        weight_decay=WEIGHT_DECAY,
        epsilon=1e-6,
        global_clipnorm=1.0,
        jit_compile=False,
    )
    optimizer.exclude_from_weight_decay(var_names=["LayerNorm", "layer_norm", "bias"])
    return optimizer


def _schedule(progress: float, warmup: float) -> float:
    """Linear warm-up over the first part, then linear decay to zero, as a share of the rate."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    return max(0.0, (1 - progress) / (1 - warmup))


def _steps(tf, loop: Loop):
    """The two compiled functions; any batch size and length goes through one trace."""
    task, model, variables = loop.task, loop.model, loop.variables

    def replica_step(batch):
        inputs = {name: batch[name] for name in INPUTS}
        with tf.GradientTape() as tape:
            total, weight = bert_model.loss_sums(task, model(inputs, training=True), batch)
            context = tf.distribute.get_replica_context()
            weight = context.all_reduce("sum", weight)
            loss = total / tf.maximum(weight, 1e-6)
            scaled = loop.optimizer.get_scaled_loss(loss) if loop.scaled else loss
        gradients = tape.gradient(scaled, variables)
        if loop.scaled:
            gradients = loop.optimizer.get_unscaled_gradients(gradients)
        loop.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    inputs_signature = {name: tf.TensorSpec([None, None], tf.int32) for name in INPUTS}
    targets = {n: tf.TensorSpec([None], tf.float32) for n in TARGETS}
    targets["groups"] = tf.TensorSpec([None], tf.int32)
    alone = loop.strategy.num_replicas_in_sync == 1

    # One trace for all shapes; values that are spread over replicas can't have a signature
    @tf.function(
        input_signature=[inputs_signature | targets] if alone else None,
        reduce_retracing=not alone,
        autograph=False,
    )
    def train_step(batch):
        losses = loop.strategy.run(replica_step, args=(batch,))
        return loop.strategy.reduce("sum", losses, axis=None)

    @tf.function(input_signature=[inputs_signature], autograph=False)
    def score_step(inputs):
        return model(inputs, training=False)

    return train_step, score_step


def _describe(row: dict) -> str:
    text = f"loss {row['loss']:.3f}, {row['pairs_per_second']:.0f} pairs/s"
    if not math.isnan(row["validation_loss"]):
        text += f", validation {row['validation_loss']:.3f}, {row['validation_metric']:.3f}"
    return text
