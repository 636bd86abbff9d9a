"""What a run reports as it goes, and the meter that sums it up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from flowdenoise.optimization.processes import Workers


@dataclass(frozen=True)
class Progress:
    """What the loop reports as it goes.

    Attributes:
        step: The number of steps done.
        steps: The number of steps of the whole run.
        loss: The mean loss since the last report.
        learning_rate: The rate of the last step.
        grad_norm: The mean norm of the gradient since then, before it is clipped.
        patches_per_second: The patches of all processes together.
        seconds_left: The time left, in seconds, at this speed.
        skipped: The number of steps since the run began whose gradient was not used.
        metrics: The figures of merit of a validation, by name; empty without one.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    grad_norm: float
    patches_per_second: float
    seconds_left: float
    skipped: int
    metrics: dict[str, float] = field(default_factory=dict)


Report = Callable[[Progress], None]


class Meter:
    """Means since the last report; nothing waits for the device until then.

    Args:
        batch: Patches per step, over all processes.
        steps: Number of steps of the whole run.
    """

    def __init__(self, batch: int, steps: int) -> None:
        self.batch, self.all_steps = batch, steps
        self.reset()

    def reset(self) -> None:
        """Start again from zero."""
        self.loss, self.norm = torch.zeros(()), torch.zeros(())
        self.steps, self.start = 0, time.perf_counter()
        self.seconds = 0.0

    def add(self, loss: Tensor, norm: Tensor) -> None:
        """Count one step."""
        self.loss = self.loss.to(loss.device) + loss.detach().float()
        self.norm = self.norm.to(norm.device) + norm.detach().float()
        self.steps += 1

    def gather(self, workers: Workers) -> None:
        """Stop the clock, and take the mean over all processes."""
        self.loss = workers.mean(self.loss)
        self.seconds = time.perf_counter() - self.start

    def progress(
        self, step: int, rate: float, skipped: int, metrics: dict[str, float]
    ) -> Progress:
        """The means since the last reset."""
        seconds = self.seconds / self.steps
        return Progress(
            step=step,
            steps=self.all_steps,
            loss=float(self.loss) / self.steps,
            learning_rate=rate,
            grad_norm=float(self.norm) / self.steps,
            patches_per_second=self.batch / seconds,
            seconds_left=seconds * (self.all_steps - step),
            skipped=skipped,
            metrics=metrics,
        )
