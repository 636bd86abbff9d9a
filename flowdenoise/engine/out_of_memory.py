"""When memory runs out, the work is repeated in smaller pieces; the picture is never wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch

from flowdenoise.engine.tiling import UNIT, TilingConfig
from flowdenoise.errors import DeviceError

T = TypeVar("T")

_SIGNS = (
    "can't allocate memory",  # the allocator of Linux and macOS
    "not enough memory",  # that of Windows
    "std::bad_alloc",  # what lies beneath
    "could not create a memory object",  # oneDNN
    "out of memory",  # MPS, and CUDA outside torch's own allocator
    "ALLOC_FAILED",  # cuDNN and cuBLAS
)
"""What the messages of errors say where memory ran out and torch has no class for it."""

_POSSIBLE_SIGNS = (
    "could not create a primitive",  # oneDNN, which also says so of what it can't compute
    "could not execute a primitive",
    "unable to find an engine to execute this computation",  # cuDNN, whose workspace did not fit
)
"""What they say where memory may have run out, or something else gone wrong."""


def with_less_memory(run: Callable[[TilingConfig], T], config: TilingConfig) -> T:
    """Run; when memory runs out, run it all again with a smaller batch, then smaller tiles.

    Where an error only may be about memory, smaller pieces are tried as well. If none was surely
    about memory when the smallest fail, the last error is raised as it is.

    Args:
        run: What to do, with pieces of that size.
        config: The size to begin with.

    Raises:
        DeviceError: Not even a single tile of the least size fits the memory.
    """
    certain = False
    while True:
        try:
            return run(config)
        except (MemoryError, RuntimeError) as error:  # not kept: its frames hold the tensors
            surely = is_out_of_memory(error)
            if not surely and not _may_be_out_of_memory(error):
                raise
            certain = certain or surely
            smaller = _smaller(config)
            if smaller is None and not certain:
                raise
        if smaller is None:
            raise DeviceError(f"not enough memory even for one tile of {config.tile} pixels")
        config = smaller
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Whether memory is, without doubt, what an error of Python or torch is about."""
    told = any(sign in str(error) for sign in _SIGNS)
    return told or isinstance(error, MemoryError | torch.OutOfMemoryError)


def _may_be_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    return any(sign in str(error) for sign in _POSSIBLE_SIGNS)


def _smaller(config: TilingConfig) -> TilingConfig | None:
    """The next smaller pieces; None if there are none."""
    if config.batch > 1:
        return replace(config, batch=config.batch // 2)
    tile = config.tile // 2 // UNIT * UNIT if config.tile else 512
    blend = min(config.blend, tile // 8)
    if tile <= 2 * config.overlap + blend:
        return None
    return replace(config, tile=tile, blend=blend)
