"""The processes that share a training run: one alone, or many under `torchrun`.

`torchrun` sets the environment from which each process learns its rank; the exchange of gradients
is torch's DistributedDataParallel, over NCCL on GPUs and gloo elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from flowdenoise.errors import DeviceError, UsageError


@dataclass(frozen=True)
class Workers:
    """This process among all that train together.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
        device: The device on which this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @classmethod
    def alone(cls, device: torch.device | str = "cpu") -> Self:
        """The one process of a run that is not shared."""
        return cls(0, 1, torch.device(device))

    @classmethod
    def from_environment(cls, device: torch.device) -> Self:
        """Join the processes that `torchrun` started, or be alone.

        Raises:
            DeviceError: The machine has fewer GPUs than there are processes.
            UsageError: The environment names many processes, but not which of them this is.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls.alone(device)
        missing = [name for name in ("RANK", "LOCAL_RANK") if name not in os.environ]
        if missing:
            raise UsageError(
                f"WORLD_SIZE is {size}, and {missing[0]} is not set: start the processes by "
                "torchrun, or unset WORLD_SIZE"
            )
        rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
        if device.type == "cuda":
            if local >= torch.cuda.device_count():
                raise DeviceError(f"no GPU for process {local}: {torch.cuda.device_count()} here")
            device = torch.device("cuda", local)
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(rank, size, device)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    def share(self, batch: int) -> tuple[int, int]:
        """First sample and number of samples of this process's share of a batch.

        Raises:
            UsageError: The batch can't be shared out evenly.
        """
        if batch % self.size:
            raise UsageError(f"a batch of {batch} can't be shared by {self.size} processes")
        count = batch // self.size
        return self.rank * count, count

    def wrap(self, model: nn.Module, *, compiled: bool) -> nn.Module:
        """The model as the loop calls it."""
        if self.size > 1:
            model = DistributedDataParallel(model)
        return torch.compile(model) if compiled else model  # type: ignore[return-value]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        shared = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return bool(shared)

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean of a number over all processes."""
        if self.size == 1:
            return value
        shared = value.detach().to(self.device, copy=True)
        dist.all_reduce(shared)
        return shared / self.size

    def barrier(self) -> None:
        """Wait for all."""
        if self.size > 1:
            dist.barrier()
