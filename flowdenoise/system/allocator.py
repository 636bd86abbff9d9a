"""The memory of freed tensors, kept for the next ones."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # parameters in glibc's malloc.h
_KEPT = 256 << 20
_LARGEST = 32 << 20  # glibc allows no more


def keep_freed_memory() -> None:
    """Let the allocator keep the memory that a process frees, up to 256 MiB.

    The allocator of glibc gives large blocks back to the system at once where several threads
    take and free them. The system then clears each page before it is used again, which takes a
    twelfth of the time of a denoiser whose tiles run in threads. Other allocators are left as
    they are.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in (
            (_ARENA_MAX, 1),
            (_MMAP_THRESHOLD, _LARGEST),
            (_TRIM_THRESHOLD, _KEPT),
        ):
            mallopt(parameter, value)
