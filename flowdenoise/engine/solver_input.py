"""What `Denoiser.forward` takes from a plug-and-play solver: images, and their noise levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from flowdenoise import noise
from flowdenoise.errors import SigmaError, UsageError
from flowdenoise.system.rules import shown


def check_images(noisy: Any) -> None:
    """Refuse what is no batch of images.

    Args:
        noisy: What should be dense floats, (B, C, H, W), where only B may be 0.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(noisy, Tensor):
        raise UsageError(f"images are a tensor (B, C, H, W), not {type(noisy).__name__}")
    if noisy.ndim != 4 or 0 in noisy.shape[1:]:
        raise UsageError(f"images are (B, C, H, W) and have pixels, not {tuple(noisy.shape)}")
    if not noisy.is_floating_point():
        kind = str(noisy.dtype).removeprefix("torch.")
        raise UsageError(f"images are floats whose white is 1.0, not {kind}")
    if noisy.layout != torch.strided or noisy.is_meta:
        kind = "meta" if noisy.is_meta else "sparse"
        raise UsageError(f"images are dense tensors that hold their values, and these are {kind}")


def levels_of(sigma: Any, count: int) -> list[float]:
    """The noise level of each of so many images.

    Args:
        sigma: A number for all, or numbers for each: (B,), or (B, 1, 1, 1) as solvers broadcast.
        count: The number of images B.

    Raises:
        SigmaError: These are no numbers, or not so many, or one is negative or above 1.
    """
    try:
        told = sigma.detach() if isinstance(sigma, Tensor) else torch.as_tensor(np.array(sigma))
        if told.dtype == torch.bool or told.is_complex():
            raise TypeError("no real number")
        values = told.double().flatten().tolist()
    except (TypeError, ValueError, RuntimeError) as error:
        raise SigmaError(f"sigma must be a number or (B,), not {shown(sigma)}") from error
    if told.shape[1:].numel() != 1 or len(values) not in (1, count):
        raise SigmaError(
            f"sigma must be a number or ({count},), one for each image, not {tuple(told.shape)}"
        )
    levels = [noise.check_sigma(value) for value in values]
    return levels * count if len(levels) == 1 else levels
