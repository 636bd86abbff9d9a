"""The device that computes and its precision, chosen by the names that users give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch

from flowdenoise.errors import DeviceError, UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")
Precision = Literal["auto", "float32", "bfloat16"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def choose_device(name: str | None = None) -> torch.device:
    """Choose the device of that name; `auto` and None take a GPU where there is one.

    Args:
        name: A name in `DEVICES`, or a GPU by its number, as in `cuda:1`.

    Raises:
        UsageError: No device has this name.
        DeviceError: This machine has no such device.
    """
    name = name or "auto"
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise UsageError(f"no device {name!r}; there are {', '.join(DEVICES)}")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if kind == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    if kind == "cuda" and not cuda:
        raise DeviceError("there is no CUDA device here: cpu and auto are possible")
    if kind == "mps" and not mps:
        raise DeviceError("there is no MPS device here: cpu and auto are possible")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"no device {name!r}") from error
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if device.index is not None and device.index >= count:
        raise DeviceError(f"there is no {name} here: the last is {kind}:{count - 1}")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Choose the precision of that name; `auto` takes bfloat16 where the hardware is fast in it.

    Only the predicted noise is computed in bfloat16, so it costs less than 0.01 dB, but for the
    weakest noise of cameras: 0.03 dB on Nam25 (docs/experiments/speed.md, "Bfloat16").

    Raises:
        UsageError: No precision has this name.
    """
    if name not in PRECISIONS:
        raise UsageError(f"no precision {name!r}; there are {', '.join(PRECISIONS)}")
    if name == "auto":
        return torch.bfloat16 if fast_bfloat16(device) else torch.float32
    return torch.float32 if name == "float32" else torch.bfloat16


def fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Older releases of torch can't tell; float32 is right everywhere.
    return _multiplies_fast(getattr(torch.cpu, "get_capabilities", dict)())


def fast_integers(device: torch.device) -> bool:
    """Whether the device multiplies integers of 8 bits faster than anything else.

    Processors do that have vectors for it (VNNI). Where there are tiles for bfloat16 (AMX),
    multiplying takes so little time that nothing was to be gained.
    """
    if device.type != "cpu":
        return False
    has: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    vectors = bool(has.get("avx512_vnni") or has.get("avx_vnni"))
    return vectors and not has.get("amx_bf16")


def _multiplies_fast(capabilities: Mapping[str, object]) -> bool:
    """Whether a processor of these capabilities is fast in bfloat16, as torch uses it.

    Intel's processors are where they have tiles for it (AMX). Where they have not, or a virtual
    machine hides them, AVX-512 in bfloat16 takes 1.6 times as long as in float32; on AMD's it
    takes half as long (docs/experiments/speed.md, "Bfloat16: not wherever a processor has it").
    """
    if capabilities.get("amx_bf16"):
        return True
    return bool(capabilities.get("avx512_bf16")) and "Intel" not in str(
        capabilities.get("cpu_name")
    )
