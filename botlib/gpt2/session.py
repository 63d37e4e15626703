"""The TensorFlow session that gpt-2-simple trains in: it hands over windows and takes the loss.

gpt-2-simple's `finetune` owns graph, optimiser and loop, and all it does goes through
`session.run`. What its users miss (rounds, epochs, schedules, exact resume) is added here, around
it, without a change inside.
"""

import contextlib
import io
import math
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from botlib import drive, frameworks
from botlib.errors import BotlibError
from botlib.gpt2.plan import Plan

# Gradients are this much larger on their way back, or float16 would lose the small ones; a power of
# two, so that float32 doesn't notice. Adam's steps don't depend on it, sgd's rate is divided by it.
# Always, on whatever device: a resumed run may change its precision, but not Adam's memory.
LOSS_SCALE = 1024.0


class Finished(Exception):
    """Leaves gpt-2-simple's endless loop."""


class Interrupted(Exception):
    """A KeyboardInterrupt that gpt-2-simple must not see: it would save a checkpoint of its own."""


class Hooks:
    """What a run does at each training step; `session` is TensorFlow's own."""

    def __init__(
        self,
        plan: Plan,
        batch: Callable[[int], np.ndarray],
        after_step: Callable[["Hooks", float], None],
        *,
        step: int,
        optimizer_state: Path | None,
    ):
        self.plan = plan
        self.step = step
        self._batch, self._after_step = batch, after_step
        self._optimizer_state = optimizer_state
        self._micro_batches = 0
        self._started = False
        self._savers: dict[str, Any] = {}
        self._stdout = sys.stdout
        self.session: Any = None
        self.learning_rate: Any = None
        # The share of max_minutes that has passed
        self.time_share = 0.0

    def feeds(self, session: Any, batch: dict | None, applies: bool) -> dict:
        """Returns the feeds that replace those of gpt-2-simple's own call."""
        import tensorflow as tf

        self.session = session
        if not self._started:
            self._started = True
            if self._optimizer_state:
                saver = tf.compat.v1.train.Saver(_optimizer_variables())
                saver.restore(session, str(self._optimizer_state))
        feeds = {}
        for key in batch or {}:
            number = self.step * self.plan.accumulate_gradients + self._micro_batches
            feeds[key] = self._batch(number)
            self._micro_batches += 1
        if applies:
            rate = self.plan.learning_rate_at(self.step, self.time_share)
            feeds[self.learning_rate] = rate / (LOSS_SCALE if self.plan.optimizer == "sgd" else 1)
        return feeds

    def applied(self, loss: float) -> None:
        self.step += 1
        self._micro_batches = 0
        if not math.isfinite(loss):
            raise BotlibError(
                f"the loss became {loss} at step {self.step}: lower learning_rate, or "
                "switch mixed_precision off"
            )
        with contextlib.redirect_stdout(self._stdout):
            self._after_step(self, loss)

    def save(self, folder: Path) -> None:
        """Writes `model-STEP` and, if kept, `optimizer-STEP` into a folder."""
        import tensorflow as tf

        weights = [v for v in tf.compat.v1.trainable_variables() if v.name.startswith("model/")]
        groups = {"model": weights}
        if self.plan.keep_optimizer and self.plan.optimizer == "adam":
            groups["optimizer"] = _optimizer_variables()
        for name, variables in groups.items():
            if name not in self._savers:
                # Nothing is deleted before the new state is written down: see `Run`
                self._savers[name] = tf.compat.v1.train.Saver(
                    variables, save_relative_paths=True, max_to_keep=None
                )
            with drive.local_first(folder) as near:
                self._savers[name].save(
                    self.session,
                    str(near / name),
                    global_step=self.step,
                    latest_filename="checkpoint" if name == "model" else "checkpoint_optimizer",
                    write_meta_graph=False,
                )


def train(hooks: Hooks, data: Path, base: Path, run: Path) -> None:
    """Runs gpt-2-simple's `finetune` until a hook raises `Finished`.

    Args:
      hooks: see `Hooks`.
      data: `.npz` of tokens.
      base: the base model's folder.
      run: the run's folder; training's files are in its subfolder `checkpoint`.

    Raises:
      BotlibError: out of memory, or a checkpoint can't be read.
      KeyboardInterrupt: the user stopped it.
    """
    frameworks.claim("gpt-2-simple")
    import gpt_2_simple
    import tensorflow as tf

    plan = hooks.plan
    log = io.StringIO()
    tf.compat.v1.reset_default_graph()
    tf.compat.v1.set_random_seed(plan.seed)
    hooks.learning_rate = tf.compat.v1.placeholder_with_default(
        np.float32(plan.learning_rate), (), name="learning_rate"
    )
    session = _session_class()(hooks, config=_config(plan))
    try:
        with session, _quiet(log), _scaled_gradients():
            gpt_2_simple.finetune(
                session,
                str(data),
                steps=-1,
                model_name=base.name,
                model_dir=str(base.parent),
                batch_size=plan.batch_size,
                learning_rate=hooks.learning_rate,
                accumulate_gradients=plan.accumulate_gradients,
                restore_from="latest",
                run_name="checkpoint",
                checkpoint_dir=str(run),
                # Samples and checkpoints come from the rounds
                sample_every=sys.maxsize,
                sample_length=1,
                save_every=sys.maxsize,
                print_every=sys.maxsize,
                multi_gpu=plan.multi_gpu,
                only_train_transformer_layers=plan.only_train_transformer_layers,
                optimizer=plan.optimizer,
            )
        # It returns by itself only when it has swallowed a KeyboardInterrupt
        raise KeyboardInterrupt
    except Interrupted:
        raise KeyboardInterrupt from None
    except Finished:
        return
    except tf.errors.ResourceExhaustedError as error:
        raise BotlibError(
            "out of memory while training: lower window or batch_size, set "
            "only_train_transformer_layers or mixed_precision='on', or take a smaller base_model"
        ) from error
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError, tf.errors.NotFoundError) as error:
        reason = str(error).splitlines()[0]
        raise BotlibError(
            f"a checkpoint of {run} or {base} was cut short or is damaged ({reason}): "
            "delete that folder and run this step again"
        ) from error
    except tf.errors.InvalidArgumentError as error:
        if "Assign requires shapes" not in str(error) and "checkpoint" not in str(error):
            raise
        raise BotlibError(
            f"checkpoint and hparams.json of {run} or {base} differ in size: "
            "use the files it was trained with"
        ) from error
    finally:
        for path in (run / "checkpoint").glob("events.out.tfevents.*"):
            path.unlink(missing_ok=True)


def _session_class() -> type:
    import tensorflow as tf

    class TrainingSession(tf.compat.v1.Session):
        """Passes everything on, but training's own calls through the hooks."""

        def __init__(self, hooks: Hooks, config: Any):
            super().__init__(config=config)
            self._hooks = hooks

        def run(self, fetches: Any, feed_dict: dict | None = None, **options: Any) -> Any:
            # gpt-2-simple fetches a tuple only where the optimiser moves, and feeds token ids,
            # of two dimensions, only where it trains
            applies = isinstance(fetches, tuple)
            trains = feed_dict and all(
                isinstance(key, tf.Tensor) and key.shape.rank == 2 for key in feed_dict
            )
            if not (applies or trains):
                return super().run(fetches, feed_dict, **options)
            try:
                feeds = self._hooks.feeds(self, feed_dict, applies)
                result = super().run(fetches, feeds, **options)
                if applies:
                    # (apply, loss, summary), or (apply = mean loss, summary) when it accumulates
                    self._hooks.applied(float(result[-2]))
            except KeyboardInterrupt as error:
                raise Interrupted from error
            return result

    return TrainingSession


def _optimizer_variables() -> list:
    import tensorflow as tf

    names = ("/Adam", "beta1_power", "beta2_power")
    variables = tf.compat.v1.global_variables()
    return [v for v in variables if any(name in v.op.name for name in names)]


def _config(plan: Plan) -> Any:
    import tensorflow as tf
    from tensorflow.core.protobuf import rewriter_config_pb2

    config = tf.compat.v1.ConfigProto()
    config.gpu_options.allow_growth = True
    if plan.threads:
        config.intra_op_parallelism_threads = plan.threads
        config.inter_op_parallelism_threads = 1
    if plan.xla:
        level = tf.compat.v1.OptimizerOptions.ON_1
        config.graph_options.optimizer_options.global_jit_level = level
    if plan.mixed_precision:
        rewrites, on = config.graph_options.rewrite_options, rewriter_config_pb2.RewriterConfig.ON
        if tf.config.list_physical_devices("GPU"):
            rewrites.auto_mixed_precision = on
        else:
            rewrites.auto_mixed_precision_onednn_bfloat16 = on
    return config


def allow_xla_on_cpu() -> None:
    """Lets XLA compile for CPUs too, which TensorFlow reads from the environment at its start."""
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if "tensorflow" not in sys.modules and "cpu_global_jit" not in flags:
        os.environ["TF_XLA_FLAGS"] = f"{flags} --tf_xla_cpu_global_jit".strip()


@contextlib.contextmanager
def _scaled_gradients():
    """Multiplies the gradient of gpt-2-simple's loss, not the loss itself, by `LOSS_SCALE`."""
    import tensorflow as tf

    plain = tf.nn.sparse_softmax_cross_entropy_with_logits

    def scaled(labels, logits):
        loss = plain(labels=labels, logits=logits)
        return loss + (LOSS_SCALE - 1) * (loss - tf.stop_gradient(loss))

    tf.nn.sparse_softmax_cross_entropy_with_logits = scaled
    try:
        yield
    finally:
        tf.nn.sparse_softmax_cross_entropy_with_logits = plain


@contextlib.contextmanager
def _quiet(log: io.StringIO):
    """Keeps gpt-2-simple's prints, and its bar for one file, from ours."""
    import gpt_2_simple.src.load_dataset as loader

    bars = loader.tqdm
    loader.tqdm = types.SimpleNamespace(tqdm=lambda items: items)
    try:
        with contextlib.redirect_stdout(log):
            yield
    finally:
        loader.tqdm = bars
