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
)
"""Parts of error messages that tell of memory on a processor; torch has no class for these."""


def with_less_memory(run: Callable[[TilingConfig], T], config: TilingConfig) -> T:
    """Run; when memory runs out, run everything again with a smaller batch, then smaller tiles.

    Raises:
        DeviceError: Not even the smallest tile fits into the memory.
    """
    while True:
        try:
            return run(config)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            config = _smaller(config)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Whether an error of Python or torch says that memory ran out."""
    told = any(sign in str(error) for sign in _SIGNS)
    return told or isinstance(error, MemoryError | torch.OutOfMemoryError)


def _smaller(config: TilingConfig) -> TilingConfig:
    if config.batch > 1:
        return replace(config, batch=config.batch // 2)
    tile = config.tile // 2 // UNIT * UNIT if config.tile else 512
    blend = min(config.blend, tile // 8)
    if tile <= 2 * config.overlap + blend:
        raise DeviceError(f"not enough memory even for one tile of {config.tile} pixels")
    return replace(config, tile=tile, blend=blend)
