"""The plan of a training run: the settings, completed for the model and the machine."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from botlib.errors import BotlibError
from botlib.gpt2.convert import read_hparams
from botlib.settings import Gpt2Settings

# By parameters, smallest first: (up to millions, learning rate, windows in a batch). The rates
# are the usual ones for Adam, falling with size. Batches are for 1024-token windows in float32 on
# a 16 GB T4: weights, gradients and Adam take 16 bytes a parameter, and an example about 3 GB with
# 124M and 9 GB with 355M. These are estimates from the shapes. 774M takes 12 GB before
# its first example: 24 GB, or window=256 and optimizer="sgd".
DEFAULTS = (
    (60, 1e-3, 4),
    (200, 1e-4, 2),
    (500, 5e-5, 1),
    (math.inf, 2e-5, 1),
)
# A container's limit and use
_CGROUP = Path("/sys/fs/cgroup")
WARMUP = 0.05
LEAST_RATE = 0.1


@dataclasses.dataclass(frozen=True)
class Plan:
    """The settings of a run, none left open."""

    steps: int
    round_steps: int
    batch_size: int
    window: int
    accumulate_gradients: int
    learning_rate: float
    schedule: str
    optimizer: str
    only_train_transformer_layers: bool
    multi_gpu: bool
    xla: bool
    mixed_precision: bool
    keep_optimizer: bool
    threads: int
    seed: int

    def learning_rate_at(self, step: int, time_share: float = 0.0) -> float:
        """Returns the rate of a step (from 0): a short rise, then constant or half a cosine.

        Where max_minutes will end the run before its steps do, the cosine follows the time
        (`time_share`, from 0 to 1), because a model learns most while the rate falls.
        """
        warmup = max(1, round(WARMUP * self.steps))
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        if self.schedule == "constant":
            return self.learning_rate
        by_steps = (step - warmup) / max(1, self.steps - warmup)
        done = min(1.0, max(by_steps, time_share))
        share = LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
        return self.learning_rate * share

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.window * self.accumulate_gradients

    def identity(self) -> dict[str, Any]:
        """Returns what a resumed run must share with the one before; more steps are allowed."""
        varying = ("steps", "threads", "xla", "mixed_precision", "multi_gpu", "keep_optimizer")
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in varying}


def plan(settings: Gpt2Settings, base: Path) -> Plan:
    """Returns the settings, completed where they are left open.

    Raises:
      BotlibError: the window is longer than the model's.
    """
    hparams = read_hparams(base)
    from botlib.gpt2.download import parameters_of

    millions = parameters_of(hparams) / 1e6
    _, rate, batch = next(row for row in DEFAULTS if millions <= row[0])
    if settings.window > hparams["n_ctx"]:
        raise BotlibError(
            f"window={settings.window} is more than the model's {hparams['n_ctx']} tokens: lower it"
        )
    gpu = _gpu() if "auto" in (settings.xla, settings.mixed_precision) else False
    return Plan(
        steps=settings.steps,
        round_steps=settings.round_steps or max(1, math.ceil(settings.steps / 10)),
        batch_size=settings.batch_size or batch,
        window=settings.window,
        accumulate_gradients=settings.accumulate_gradients,
        learning_rate=settings.learning_rate or rate,
        schedule=settings.schedule,
        optimizer=settings.optimizer,
        only_train_transformer_layers=settings.only_train_transformer_layers,
        multi_gpu=settings.multi_gpu,
        xla=settings.xla == "on" or (settings.xla == "auto" and gpu),
        mixed_precision=settings.mixed_precision == "on"
        or (settings.mixed_precision == "auto" and gpu),
        keep_optimizer=settings.keep_optimizer,
        threads=settings.threads,
        seed=settings.seed,
    )


def check_memory(plan: Plan, hparams: dict[str, int]) -> None:
    """Refuses a plan that surely needs more memory than is left: the kernel would just die.

    A lower bound, by arithmetic: 124M with the profile `laptop` gives 3.0 GB, and 5.7 GB were
    measured. A GPU's memory is TensorFlow's to judge.

    Raises:
      BotlibError: names what is needed, what is left, and the settings to lower.
    """
    from botlib.gpt2.download import parameters_of

    left = None if _gpu() else memory_left()
    parameters = parameters_of(hparams)
    trained = parameters
    if plan.only_train_transformer_layers:
        trained -= (hparams["n_vocab"] + hparams["n_ctx"]) * hparams["n_embd"]
    state = {"adam": 3, "sgd": 1}[plan.optimizer] * trained
    # A logit and its gradient for each token of the vocabulary
    logits = 2 * plan.batch_size * plan.window * hparams["n_vocab"]
    # At a round's end the weights are read again, converted, and loaded for the validation
    needed = 4 * (parameters + state + max(logits, 3 * parameters))
    if left is not None and needed > left:
        raise BotlibError(
            f"training needs at least {needed / 1e9:.1f} GB of memory, and {left / 1e9:.1f} GB are "
            "left: lower batch_size or window, set only_train_transformer_layers or "
            "optimizer='sgd', or take a smaller base_model"
        )


def memory_left() -> int | None:
    """Returns the bytes of memory that can still be had, as Linux says; None elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    limits = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        # What files fill is given back when it is needed
        used = int((_CGROUP / "memory.current").read_text()) - int(stat["inactive_file"])
        limits.append(max(limit - used, 0))
    except (OSError, ValueError, KeyError):
        # No such group, or "max": no limit
        pass
    return min(limits, default=None)


def _gpu() -> bool:
    import ctranslate2

    return ctranslate2.get_cuda_device_count() > 0
