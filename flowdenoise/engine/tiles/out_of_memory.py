"""When memory runs out, the work is repeated in smaller pieces; the picture is never wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch

from flowdenoise.engine.tiles.tiling import UNIT, TilingConfig
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
    """Run; when memory runs out, run everything again with a smaller batch, then smaller tiles.

    Smaller pieces are tried, too, if an error may be about memory but need not be. If the smallest
    pieces fail and no error was certainly about memory, the last error is raised as it is.

    Args:
        run: The function to run, with the size of the pieces.
        config: The size to begin with.

    Raises:
        DeviceError: Not even a single tile of the smallest size fits into the memory.
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
    """Whether an error of Python or torch certainly says that memory ran out."""
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
