"""What a run reports as it goes, and the meter that sums it up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """What the loop reports as it goes."""

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
    """Means since the last report; nothing waits for the device until then."""

    def __init__(self, batch: int, steps: int) -> None:
        self.batch, self.all_steps = batch, steps
        self._reset()

    def _reset(self) -> None:
        self.loss, self.norm = torch.zeros(()), torch.zeros(())
        self.steps, self.start = 0, time.perf_counter()

    def add(self, loss: Tensor, norm: Tensor) -> None:
        """Count one step."""
        self.loss = self.loss.to(loss.device) + loss.detach().float()
        self.norm = self.norm.to(norm.device) + norm.detach().float()
        self.steps += 1

    def progress(
        self, step: int, rate: float, skipped: int, metrics: dict[str, float]
    ) -> Progress:
        """Sum up and begin anew."""
        loss, norm = float(self.loss) / self.steps, float(self.norm) / self.steps
        seconds = (time.perf_counter() - self.start) / self.steps
        self._reset()
        return Progress(
            step=step,
            steps=self.all_steps,
            loss=loss,
            learning_rate=rate,
            grad_norm=norm,
            patches_per_second=self.batch / seconds,
            seconds_left=seconds * (self.all_steps - step),
            skipped=skipped,
            metrics=metrics,
        )
