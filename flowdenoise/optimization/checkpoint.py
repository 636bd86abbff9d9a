"""Checkpoints: everything a run needs to go on, written so that a crash never leaves half of one.

A checkpoint is written beside its final name and renamed over it, so at any moment the folder
holds a whole one: the old or the new. Nothing random needs saving: the numbers of a step are a
function of the seed and the step (see `flowdenoise.system.random_streams`).

The file is what `torch.save` writes, a zip archive, whose comment is the sha256 of all bytes
before it: no altered byte goes unnoticed. Files written before there was a digest are checked by
the archive's own checksums, which cover the content though not the frame around it.

This is the only place that calls `torch.load`, and only with `weights_only=True`: a checkpoint
from a stranger can't run code.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from flowdenoise.errors import CheckpointError
from flowdenoise.system.atomic import replacing
from flowdenoise.system.paths import exists, is_file

CHECKPOINT = "checkpoint.pt"
"""Name of the newest checkpoint in a run folder."""

_FORMAT = 1
_DIGEST = b"sha256:"
_COMMENT = len(_DIGEST) + 64  # bytes of the archive's comment
_END = 22  # bytes of the archive's last record, without the comment


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
        watch: State of the `GradientWatch`; empty in checkpoints that are older than it.
    """

    step: int
    model: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, Any]
    counters: dict[str, int]
    settings: dict[str, Any]
    watch: dict[str, Any] = field(default_factory=dict)

    def save(self, file: Path) -> None:
        """Write the checkpoint atomically.

        Raises:
            CheckpointError: The file can't be written. An older checkpoint is still whole.
        """
        content = io.BytesIO()
        try:
            torch.save({"format": _FORMAT, **vars(self)}, content)
            with replacing(file) as stream:
                stream.write(_sealed(content.getvalue()))
        except (OSError, RuntimeError) as error:
            kept = "; the one before it is whole" if file.exists() else ""
            raise CheckpointError(f"can't write checkpoint {file}: {error}{kept}") from error

    @classmethod
    def load(cls, file: Path) -> Checkpoint:
        """Read a checkpoint.

        Raises:
            CheckpointError: The file is missing, damaged, or no checkpoint.
        """
        if exists(file) and not is_file(file):  # a pipe would be waited for
            raise CheckpointError(f"checkpoint {file} is no regular file")
        try:
            data = file.read_bytes()
        except FileNotFoundError as error:
            raise CheckpointError(f"no checkpoint at {file}") from error
        except OSError as error:
            raise CheckpointError(f"can't read checkpoint {file}: {error.strerror}") from error
        if not _is_whole(data):
            raise CheckpointError(f"{file} is damaged, cut short or no checkpoint")
        try:
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as error:  # whatever torch makes of a file that is no checkpoint
            raise CheckpointError(f"{file} is not a checkpoint of flowdenoise") from error
        fields = set(cls.__dataclass_fields__)
        if not isinstance(content, dict) or {*content, "watch"} != fields | {"format"}:
            raise CheckpointError(f"{file} is not a checkpoint of flowdenoise")
        if content.pop("format") != _FORMAT:
            raise CheckpointError(f"{file} was written by another version of flowdenoise")
        return cls(**content)


def _sealed(data: bytes) -> bytes:
    """The archive with its digest as its comment."""
    body = data[:-2] + _COMMENT.to_bytes(2, "little")  # the length of the comment comes last
    return body + _digest(body)


def _digest(body: bytes) -> bytes:
    return _DIGEST + hashlib.sha256(body).hexdigest().encode()


def _is_whole(data: bytes) -> bool:
    """Whether an archive is as it was written."""
    body, comment = data[:-_COMMENT], data[-_COMMENT:]
    if comment.startswith(_DIGEST):
        return comment == _digest(body)
    end = data[-_END:]
    if not end.startswith(b"PK\x05\x06") or not end.endswith(b"\0\0"):  # no comment
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip() is None
    except Exception:  # whatever the reader makes of a damaged archive
        return False


def restore(module: torch.nn.Module, state: Mapping[str, Tensor], file: Path) -> None:
    """Load `state` into `module`, all of it and nothing else.

    Raises:
        CheckpointError: The checkpoint is of another architecture. The message names the first
            tensor that differs.
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
