"""Larger patches near the end of a run, in batches that are smaller accordingly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from flowdenoise.errors import UsageError

T = TypeVar("T")


class PatchSizes(Protocol):
    """The settings of a stage whose patches may become larger; its docstring explains them."""

    @property
    def patch(self) -> int:
        """The side of the patches."""
        ...

    @property
    def late_patch(self) -> int:
        """The side near the end; 0 is no change."""
        ...

    @property
    def late_share(self) -> float:
        """The share of the steps that use `late_patch`."""
        ...


def check_late_patch(sizes: PatchSizes) -> None:
    """Refuse late patches that are no whole number of early ones wide.

    Raises:
        UsageError: The sizes do not fit.
    """
    if sizes.late_patch and sizes.late_patch % sizes.patch:
        raise UsageError("the late patch must be a multiple of the patch")


@dataclass(frozen=True)
class Phases(Generic[T]):
    """What the patches of a step are drawn by: one thing at first, another one near the end.

    Attributes:
        early: What draws patches at first.
        late: What draws patches near the end.
        turn: The step from which on `late` is used.
        shrink: The number of early patches that have as many pixels as a late one.
    """

    early: T
    late: T
    turn: int
    shrink: int

    @classmethod
    def of(cls, make: Callable[[int], T], sizes: PatchSizes, steps: int) -> Phases[T]:
        """The phases of a run.

        Args:
            make: Makes what draws patches of a side.
            sizes: The sizes of the patches.
            steps: The number of steps of the whole run.
        """
        early = make(sizes.patch)
        if not sizes.late_patch:
            return cls(early, early, steps, 1)
        shrink = (sizes.late_patch // sizes.patch) ** 2
        turn = round(steps * (1 - sizes.late_share))
        return cls(early, make(sizes.late_patch), turn, shrink)

    def at(self, step: int, first: int, count: int) -> tuple[T, int, int]:
        """What draws the patches of a step, and which samples make the share of a batch.

        Args:
            step: The number of the step.
            first: The first sample of the share, if patches were early ones.
            count: The number of samples, likewise; at least one is left.
        """
        if step < self.turn:
            return self.early, first, count
        return self.late, first // self.shrink, max(1, count // self.shrink)
