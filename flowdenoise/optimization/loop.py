"""The training loop that all stages share, on one screen.

What is trained is a `Stage`: it owns the model, turns a step number into a loss and measures the
model on validation images. The loop knows nothing of images. The batch of a step is a function
of the seed and the step, so resuming is exact, and under `torchrun` each process takes its share
of the very batch that one process would have drawn.
"""

from __future__ import annotations

import copy
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Protocol

import torch
from torch import Tensor, nn

from flowdenoise.errors import CheckpointError, TrainingError
from flowdenoise.optimization.checkpoint import Checkpoint
from flowdenoise.optimization.divergence import GradientWatch
from flowdenoise.optimization.optimizers import Optimizer, build_optimizer
from flowdenoise.optimization.processes import Workers
from flowdenoise.optimization.progress import Meter, Report
from flowdenoise.optimization.run_folder import RunFolder
from flowdenoise.system.device import Precision, choose_precision
from flowdenoise.system.rules import Factor, Range, Seed, Share, Size, Steps
from flowdenoise.system.typed import check

_Memory = Annotated[float, Range(0, 1, below=True)]


@dataclass(frozen=True)
class LoopConfig:
    """How to train, whatever is trained.

    Attributes:
        steps: Optimizer steps in all.
        batch: Patches per step, over all processes together.
        learning_rate: Peak rate.
        warmup: Steps in which the rate climbs to its peak.
        decay: Share of the steps, at the end, in which the rate falls linearly to 1 % of it.
        optimizer: `adam`, or `muon` (orthogonalized momentum for the convolutions).
        betas: Adam's decay rates of its two running averages.
        clip: Largest norm of the gradient; 0 never clips.
        ema: Weight of the past in the running average of the parameters that is shipped.
        precision: `bfloat16` runs convolutions in it, `auto` where that is fast; the parameters
            stay in float32.
        compile: Compile the model with `torch.compile`.
        seed: Seed of everything random.
        log_every, validate_every, checkpoint_every: Steps between reports, validations and
            checkpoints; with 0 there is none before the end.
    """

    steps: Annotated[int, Range(1, 10**9)] = 100_000
    batch: Size = 16
    learning_rate: Annotated[float, Range(0, 10)] = 1e-3
    warmup: Steps = 100
    decay: Share = 0.5
    optimizer: Optimizer = "adam"
    betas: tuple[_Memory, _Memory] = (0.9, 0.999)
    clip: Factor = 1.0
    ema: _Memory = 0.999
    precision: Precision = "float32"
    compile: bool = False
    seed: Seed = 0
    log_every: Steps = 50
    validate_every: Steps = 2000
    checkpoint_every: Steps = 500

    def __post_init__(self) -> None:
        check(self)


class Stage(Protocol):
    """What is trained."""

    @property
    def model(self) -> nn.Module:
        """The module whose parameters are trained."""
        ...

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """Mean loss of samples `first` to `first + count - 1` of the batch of `step`."""
        ...

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Figures of merit on the validation images; empty where there are none."""
        ...

    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        """Pictures that show where the training stands, (C, H, W) in [0, 1] by name."""
        ...


_PATIENCE = 20  # steps without a finite gradient before the last checkpoint is taken back
_MOST_ROLLBACKS = 3
_SLOWER = 0.5  # factor of the rate each time the run goes back


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Rate of step `step`: climbs, stays, falls linearly to 1 %.

    >>> learning_rate_at(0, LoopConfig(steps=100, warmup=10, decay=0.5, learning_rate=1.0))
    0.1
    """
    climb = min(1.0, (step + 1) / max(1, config.warmup))
    falling = max(1.0, config.steps * config.decay)
    fall = min(1.0, (config.steps - step) / falling)
    return config.learning_rate * climb * max(fall, 0.01)


class Loop:
    """A run: the stage, its optimizer, the running average and the counters.

    Args:
        stage: The stage, which owns the model.
        config: The settings of the loop.
        folder: The run folder, for checkpoints, the log and pictures.
        settings: All settings of the run, kept in its checkpoints.
        workers: The processes that share the work.
        report: Called every `log_every` steps, in the first process only.
    """

    def __init__(
        self,
        stage: Stage,
        config: LoopConfig,
        folder: RunFolder,
        *,
        settings: dict[str, Any],
        workers: Workers,
        report: Report,
    ) -> None:
        self.stage, self.config, self.folder = stage, config, folder
        self.settings, self.workers, self.report = settings, workers, report
        self.step = 0
        self.counters = {"skipped": 0, "rollbacks": 0}
        self.model = stage.model
        self.average = copy.deepcopy(stage.model).requires_grad_(False)
        self.optimizer = build_optimizer(
            config.optimizer, self.model, config.learning_rate, config.betas
        )
        self.watch = GradientWatch()
        self._failing = 0

    def run(self) -> bool:
        """Train until `config.steps`; returns whether it got there or was interrupted."""
        config, device = self.config, self.workers.device
        model = self.workers.wrap(self.model, compiled=config.compile)
        half = choose_precision(config.precision, device) == torch.bfloat16
        first, count = self.workers.share(config.batch)
        meter = Meter(config.batch, config.steps)
        with _interruptible() as interrupted:
            while self.step < config.steps:
                rate = learning_rate_at(self.step, config) * _SLOWER ** self.counters["rollbacks"]
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                with torch.autocast(device.type, torch.bfloat16, half):
                    loss = self.stage.loss(model, self.step, first, count)
                self.optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip or math.inf)
                self._update(norm)
                self.step += 1
                meter.add(loss, norm)
                stopping = self.workers.any(bool(interrupted))
                self._after_step(meter, rate, stopping)
                if stopping:
                    return False
        return True

    def _update(self, norm: Tensor) -> None:
        """Take the step if its gradient is sound; otherwise skip it, and at last roll back."""
        size = float(norm)
        if not math.isfinite(size):
            self.counters["skipped"] += 1
            self._failing += 1
            if self._failing >= _PATIENCE:
                self._roll_back(f"{_PATIENCE} steps without a finite gradient")
            return
        self._failing = 0
        if self.watch.runs_away(size) and self.folder.checkpoint.exists():
            self.counters["skipped"] += 1
            self._roll_back("the gradient grew far above its usual norm")
            return
        self.optimizer.step()
        self._average()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the running average; it forgets faster in the beginning."""
        weight = 1 - min(self.config.ema, (self.step + 1) / (self.step + 10))
        pairs = zip(
            self.average.state_dict().values(), self.model.state_dict().values(), strict=True
        )
        for averaged, current in pairs:
            if averaged.dtype.is_floating_point:
                averaged.lerp_(current, weight)
            else:
                averaged.copy_(current)

    def _roll_back(self, reason: str) -> None:
        """Restore the last checkpoint; the count of steps goes on, at a lower rate."""
        self.counters["rollbacks"] += 1
        self._failing = 0
        self.watch.calm()
        if self.counters["rollbacks"] > _MOST_ROLLBACKS or not self.folder.checkpoint.exists():
            raise TrainingError(
                f"the training diverged at step {self.step}: {reason}, "
                f"{self.counters['rollbacks'] - 1} times rolled back; try a lower learning rate"
            )
        self._take(Checkpoint.load(self.folder.checkpoint))

    def _after_step(self, meter: Meter, rate: float, stopping: bool) -> None:
        """Save, validate, report: whatever is due.

        What was learned is saved before it is validated. Who is asked to stop may be killed soon,
        so nothing is validated then.
        """
        config = self.config
        due = _due(self.step, config.validate_every) or self.step == config.steps
        validating = due and not stopping
        if validating or stopping or _due(self.step, config.checkpoint_every):
            if self.workers.first:
                self.save()
            self.workers.barrier()
        if validating or stopping or _due(self.step, config.log_every):
            meter.gather(self.workers)
            if self.workers.first:
                metrics = self._validate() if validating else {}
                progress = meter.progress(self.step, rate, self.counters["skipped"], metrics)
                self.folder.log(progress)
                self.report(progress)
            meter.reset()

    def _validate(self) -> dict[str, float]:
        self.average.eval()
        with torch.no_grad():
            metrics = self.stage.validate(self.average)
            for name, picture in self.stage.pictures(self.average).items():
                self.folder.picture(name, self.step, picture)
        return metrics

    def save(self) -> None:
        """Write the checkpoint."""
        Checkpoint(
            step=self.step,
            model=self.model.state_dict(),
            ema=self.average.state_dict(),
            optimizer=self.optimizer.state_dict(),
            counters=dict(self.counters),
            settings=self.settings,
            watch=asdict(self.watch),
        ).save(self.folder.checkpoint)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: The checkpoint is of another architecture or another optimizer.
        """
        self._take(checkpoint)
        self.step = checkpoint.step
        self.counters = dict(checkpoint.counters)
        self.watch = GradientWatch(**checkpoint.watch)

    def _take(self, checkpoint: Checkpoint) -> None:
        self.folder.restore(self.model, checkpoint.model)
        self.folder.restore(self.average, checkpoint.ema)
        try:
            self.optimizer.load_state_dict(checkpoint.optimizer)
        except (KeyError, ValueError) as error:
            file = self.folder.checkpoint
            raise CheckpointError(f"{file} holds the state of another optimizer") from error


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect Ctrl-C and termination instead of dying in the middle of a step.

    A handler of the program's own is called afterwards. A signal that the program ignores, as one
    that a script started in the background ignores Ctrl-C, stays ignored.
    """
    caught: list[int] = []
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(number)) != signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, lambda got, _: caught.append(got))
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        own = before[signal.Signals(caught[0])] if caught else None
        if callable(own) and own is not signal.default_int_handler:
            own(caught[0], None)
