"""Checkpoints: everything a run needs to go on, written so that a crash never leaves half of one.

A checkpoint is written beside its final name and renamed over it, so at any moment the folder
holds a whole one: the old or the new. Nothing random needs saving: the numbers of a step are a
function of the seed and the step (see `flowdenoise.system.random_streams`).

This is the only place that calls `torch.load`, and only with `weights_only=True`: a checkpoint
from a stranger can't run code.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from flowdenoise.errors import CheckpointError
from flowdenoise.system.atomic import replacing

CHECKPOINT = "checkpoint.pt"
"""Name of the newest checkpoint in a run folder."""

_FORMAT = 1


@dataclass
class Checkpoint:
    """The state of a run after `step` optimizer steps.

    Attributes:
        step: Steps done.
        model: State of the trained module.
        ema: Running average of the same tensors: what is shipped.
        optimizer: State of the optimizer.
        counters: Skipped steps and the like.
        settings: All settings of the run, as plain values, to compare when resuming.
        watch: What the watch over the gradient knows; empty in checkpoints of before it.
    """

    step: int
    model: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, Any]
    counters: dict[str, int]
    settings: dict[str, Any]
    watch: dict[str, Any] = field(default_factory=dict)

    def save(self, file: Path) -> None:
        """Write atomically.

        Raises:
            CheckpointError: It can't be written; an older checkpoint is still whole.
        """
        try:
            with replacing(file) as stream:
                torch.save({"format": _FORMAT, **vars(self)}, stream)
        except (OSError, RuntimeError) as error:
            kept = "; the one before it is whole" if file.exists() else ""
            raise CheckpointError(f"can't write checkpoint {file}: {error}{kept}") from error

    @classmethod
    def load(cls, file: Path) -> Checkpoint:
        """Read a checkpoint.

        Raises:
            CheckpointError: It is missing, cut short, or no checkpoint.
        """
        if not file.exists():
            raise CheckpointError(f"no checkpoint at {file}")
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as e:
            raise CheckpointError(f"{file} is cut short or is no checkpoint") from e
        fields = set(cls.__dataclass_fields__)
        if not isinstance(content, dict) or {*content, "watch"} != fields | {"format"}:
            raise CheckpointError(f"{file} is not a checkpoint of flowdenoise")
        if content.pop("format") != _FORMAT:
            raise CheckpointError(f"{file} was written by another version of flowdenoise")
        return cls(**content)


def changed_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what differs between two settings, one `name: old -> new` each."""
    names = sorted(set(old) | set(new))
    return [
        f"{name}: {old.get(name)} -> {new.get(name)}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def restore(module: torch.nn.Module, state: Mapping[str, Tensor], file: Path) -> None:
    """Load `state` into `module`, all of it and nothing else.

    Raises:
        CheckpointError: The checkpoint is of another architecture; names the first tensor.
    """
    own = module.state_dict()
    for name in sorted(set(own) | set(state)):
        if name not in state:
            raise CheckpointError(f"{file} is of another architecture: it lacks {name}")
        if name not in own:
            raise CheckpointError(f"{file} is of another architecture: it also has {name}")
        if own[name].shape != state[name].shape:
            shapes = f"{tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
            raise CheckpointError(f"{file} is of another architecture: {name} is {shapes}")
    module.load_state_dict(dict(state), strict=True)
