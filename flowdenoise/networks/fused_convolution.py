"""Convolutions that rectify their result, or add features to it, before they store it.

Where a processor multiplies bfloat16 in matrices (AMX), a convolution of 64 channels takes hardly
more time than storing its result, so that a ReLU and an addition, which read and store it again,
take a third of a network's time. oneDNN does both in passing ("post-ops" in its documentation).
torch has that for what its compiler makes, not as public functions: it is used where it is there
and does what is expected of it. In float32 multiplying takes so long that nothing is gained.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rectified(convolution: nn.Conv2d, features: Tensor) -> Tensor:
    """What a convolution makes of features, (B, C, H, W), and 0 where that is negative.

    It pads with zeros, as that of `added` does.
    """
    if _in_passing(convolution, features):
        return _rectify(features, *_arguments(convolution))
    return F.relu(convolution(features), inplace=True)


def added(convolution: nn.Conv2d, features: Tensor, to: Tensor) -> Tensor:
    """What a convolution makes of features, (B, C, H, W), added to others of its result's shape.

    The others stay as they are.
    """
    if _in_passing(convolution, features, to):
        return _add(features, to, *_arguments(convolution))
    inner: Tensor = convolution(features)
    return inner.add_(to)


def _rectify(features: Tensor, *arguments: object) -> Tensor:
    """The operator, whose arguments are those of `_arguments`."""
    fused = torch.ops.mkldnn._convolution_pointwise
    result: Tensor = fused(features, *arguments, "relu", [], None)
    return result


def _add(features: Tensor, to: Tensor, *arguments: object) -> Tensor:
    """Likewise, with what its result is added to."""
    fused = torch.ops.mkldnn._convolution_pointwise.binary
    result: Tensor = fused(features, to, *arguments, "add", 1.0, None, [], None)
    return result


def _in_passing(convolution: nn.Conv2d, *features: Tensor) -> bool:
    """Whether a convolution can do it: in bfloat16, on a processor, without gradients."""
    weight = convolution.weight
    learned = torch.is_grad_enabled() and any(
        one.requires_grad for one in (weight, convolution.bias, *features) if one is not None
    )
    return (
        all(one.dtype == torch.bfloat16 and one.device.type == "cpu" for one in features)
        and (weight.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu"))
        and not learned
        and not torch.compiler.is_compiling()
        and is_there()
    )


def _arguments(convolution: nn.Conv2d) -> tuple[object, ...]:
    """Weight, bias, padding, stride, dilation and groups, in the order of the operators."""
    weight, bias = convolution.weight.bfloat16(), convolution.bias
    return (
        *(weight, None if bias is None else bias.bfloat16(), convolution.padding),
        *(convolution.stride, convolution.dilation, convolution.groups),
    )


@cache
def is_there() -> bool:
    """Whether this torch, on this processor, has such convolutions, which is tried once."""
    generator = torch.Generator().manual_seed(0)
    features, weight, other = (
        torch.randn(shape, generator=generator).bfloat16()
        for shape in ((1, 16, 8, 8), (16, 16, 3, 3), (1, 16, 8, 8))
    )
    arguments = (weight, None, (1, 1), (1, 1), (1, 1), 1)
    with torch.no_grad():
        plain = F.conv2d(features, weight, padding=1)
        # An operator may be missing, take other arguments, or not run on this processor.
        try:
            positive, both = _rectify(features, *arguments), _add(features, other, *arguments)
        except (AttributeError, RuntimeError):
            return False
        return _alike(positive, F.relu(plain)) and _alike(both, plain + other)


def _alike(first: Tensor, second: Tensor) -> bool:
    """Whether results of order 10 differ by no more than their rounding."""
    return first.shape == second.shape and bool(torch.allclose(first, second, 1 / 64, 1 / 8))
