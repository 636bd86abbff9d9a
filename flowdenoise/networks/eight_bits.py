r"""The inner blocks of a denoiser in integers of 8 bits, where processors multiply these faster.

With VNNI a processor multiplies integers of 8 bits twice as fast as bfloat16 and four times as
fast as float32. What a network reads of a picture and what it writes of its noise must be finer
than that; what lies between need not be: at several scales the coarsest one, at a single scale
all blocks but two at each end (docs/experiments/speed.md, "Integers of 8 bits").

    features --------------------------------------------------- + --> features
       \--round--> convolution, ReLU --round--> convolution ----/

Features stay as they are, only what is multiplied is rounded: weights by the largest of each
channel that they make, features by how large they become in a picture that is made for that. A
network without biases does the same to a picture of less contrast, so one with more noise than
that is shown so. Weak noise is left to the network as it is, as rounding would show beside it.
oneDNN does it; torch has it for what its compiler makes, not as public functions: it is used where
it is there and does what is expected of it.
"""

from __future__ import annotations

import copy
import threading
from functools import cache
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.networks import DenoisingNetwork
from flowdenoise.networks.resnet import ResNet

_SIDE = 96  # of the picture by which features are scaled, in pixels
_LEVELS = (0.0, 0.02, 0.08, 0.2)  # of its noise
_BRIGHTEST = 1.6  # what of it, with its noise, is not exceeded by much
_WEAK = 8 / 255  # a level of noise below which results would lose more than 0.01 dB
_ENDS = 2  # blocks at each end of a single scale that are left as they are
_MIDDLE, _MOST = 128, 127  # what stands for 0, and how far it goes to both sides
_PLACE = ((1, 1), (1, 1), (1, 1), 1)  # stride, padding, dilation and groups

_ROUNDING = threading.Lock()  # of no network's own, so that a network can be pickled


class EightBitNet(DenoisingNetwork):
    """A denoiser whose inner blocks multiply integers of 8 bits.

    Args:
        network: The denoiser, in the type in which the rest multiplies, on a processor.
        exact: The same in float32.
    """

    def __init__(self, network: ResNet, exact: ResNet) -> None:
        super().__init__()
        self.config = network.config
        self.plain, self.exact = network, exact
        self._rounded: ResNet | None = None

    @property
    def rounded(self) -> ResNet:
        """The network with rounded blocks, made when it is first asked for.

        To see how large its features become takes a while, and weak noise never needs it.
        """
        with _ROUNDING:  # other threads wait for what one of them makes
            if self._rounded is None:
                with torch.inference_mode(False), torch.no_grad():
                    self._rounded = _rounded(self.plain, self.exact)
            return self._rounded

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean images: see `DenoisingNetwork`.

        Rounding has no gradients, so where these are asked for, nothing is rounded.
        """
        levels = torch.as_tensor(sigma)
        learns = torch.is_grad_enabled() and noisy.requires_grad
        if learns or float(levels.min()) < _WEAK:
            return self._by(self.plain, noisy, sigma)
        brightest, level = float(noisy.abs().max()), float(levels.max())
        share = min(1.0, _BRIGHTEST / max(brightest, _WEAK), _LEVELS[-1] / level)
        if share == 1:
            return self._by(self.rounded, noisy, sigma)
        return self._by(self.rounded, noisy * share, sigma * share) / share

    @staticmethod
    def _by(network: nn.Module, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        result: Tensor = network(noisy, sigma)
        return result


def _rounded(network: ResNet, exact: ResNet) -> ResNet:
    """A copy of a network whose inner blocks multiply integers."""
    rounded = copy.deepcopy(network)
    for name, (outer, inner) in _ranges(exact).items():
        first, second = (one.weight for one in _convolutions(exact, name))
        rounded.set_submodule(name, _EightBitBlock(first, second, outer, inner))
    return rounded


def with_integers(network: DenoisingNetwork, exact: DenoisingNetwork) -> DenoisingNetwork:
    """A denoiser whose inner blocks multiply integers of 8 bits; itself where there is no such.

    Args:
        network: The denoiser, in the type in which the rest multiplies, on a processor.
        exact: The same in float32.
    """
    if not isinstance(network, ResNet) or not isinstance(exact, ResNet):
        return network
    if network.config.bottleneck or not _inner(network) or not is_there():
        return network
    return EightBitNet(network, exact)


def without_integers(network: DenoisingNetwork) -> DenoisingNetwork:
    """The denoiser of which `with_integers` was made."""
    return network.plain if isinstance(network, EightBitNet) else network


def _inner(network: ResNet) -> list[str]:
    """The names of the blocks of the coarsest scale that are far enough from the picture."""
    ends = 0 if len(network.encoders) else _ENDS
    return [f"middle.{index}" for index in range(ends, len(network.middle) - ends)]


class _EightBitBlock(nn.Module):
    """The block `x + conv(relu(conv(x)))` of a network, 3x3, without bias.

    Args:
        first: The weight of the first convolution, (C, C, 3, 3) float32.
        second: That of the second one.
        outer: How large its features become.
        inner: How large they become between the convolutions.
    """

    def __init__(self, first: Tensor, second: Tensor, outer: float, inner: float) -> None:
        super().__init__()
        self._scale = _MOST / outer
        step = inner / (2 * _MOST)  # no sign is needed there
        self._first, self._second = _Weight(first / (self._scale * step)), _Weight(second * step)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape; the result takes the place of `x`."""
        x = x.contiguous(memory_format=torch.channels_last)
        middle = torch.tensor(_MIDDLE, dtype=x.dtype)
        whole = torch.add(middle, x, alpha=self._scale).round_().clamp_(0, 2 * _MIDDLE - 1)
        whole = whole.to(torch.int32).to(torch.uint8)  # quicker than at once
        inner = _rectified(whole, self._first)
        return _added(inner, self._second, x)


class _Weight:
    """A weight (O, I, 3, 3) in integers of 8 bits, for features in such integers.

    Attributes:
        packed: The integers, as oneDNN wants them.
        scale: What each is multiplied by, (O,).
        zero: What stands for 0, (O,).
    """

    def __init__(self, weight: Tensor) -> None:
        self._exact = weight
        self.scale = weight.abs().amax((1, 2, 3)).clamp(min=1e-12) / _MOST
        whole = (weight / self.scale[:, None, None, None]).round().to(torch.int8)
        self.zero = torch.zeros(len(weight), dtype=torch.int32)
        self.packed: Tensor = torch.ops.onednn.qconv_prepack(
            whole.contiguous(), self.scale, 1.0, 0, *_PLACE
        )

    def __reduce__(self) -> tuple[type[Self], tuple[Tensor]]:
        return type(self), (self._exact,)  # what is packed can't be copied


def _rectified(whole: Tensor, weight: _Weight) -> Tensor:
    """What a convolution makes of integers around `_MIDDLE`, 0 where negative, in integers."""
    result: Tensor = torch.ops.onednn.qconv2d_pointwise(
        *(whole, 1.0, _MIDDLE, weight.packed, weight.scale, weight.zero, None, *_PLACE),
        *(1.0, 0, torch.uint8, "relu", [], ""),
    )
    return result


def _added(whole: Tensor, weight: _Weight, to: Tensor) -> Tensor:
    """What a convolution makes of integers, added to features, which are overwritten."""
    result: Tensor = torch.ops.onednn.qconv2d_pointwise.binary(
        *(whole, 1.0, 0, weight.packed, weight.scale, weight.zero, to, None, *_PLACE),
        *(1.0, 0, to.dtype, 1.0, 0, "sum", 1.0, "none", [], ""),
    )
    return result


def _convolutions(network: ResNet, name: str) -> list[nn.Conv2d]:
    """Both convolutions of a block."""
    block = network.get_submodule(name)
    return [one for one in block.children() if isinstance(one, nn.Conv2d)]


def _ranges(network: ResNet) -> dict[str, tuple[float, float]]:
    """How large the features before both convolutions of each inner block become."""
    largest: dict[nn.Module, float] = {}

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        largest[module] = max(largest.get(module, _WEAK), float(inputs[0].abs().max()))

    found = {name: _convolutions(network, name) for name in _inner(network)}
    watched = [one for both in found.values() for one in both]
    hooks = [convolution.register_forward_pre_hook(look) for convolution in watched]
    try:
        with torch.no_grad():
            _see_noise(network)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: (largest[first], largest[second]) for name, (first, second) in found.items()}


def _see_noise(network: ResNet) -> None:
    """Let a network denoise a picture of tones, colors and edges with noise of all levels."""
    config = network.config
    generator = torch.Generator().manual_seed(0)
    frequencies = torch.fft.fftfreq(_SIDE)
    radius = (frequencies[:, None].square() + frequencies.square()).sqrt().clamp(min=1 / _SIDE)
    white = torch.randn(config.image_channels, _SIDE, _SIDE, generator=generator)
    tones = torch.fft.ifft2(torch.fft.fft2(white) / radius**1.2).real
    tones = (tones - tones.mean((1, 2), True)) / tones.std((1, 2), keepdim=True)
    tones = 0.5 + 0.35 * (tones.mean(0, True) + 0.4 * tones)
    edges = torch.where(tones[:1].roll((31, 17), (1, 2)) > 0.6, 1 - tones.flip(2), tones)
    picture = edges.clamp(0, 1)[None]
    for level in _LEVELS:
        noisy = picture + level * torch.randn(picture.shape, generator=generator)
        maps = torch.full((1, max(1, config.sigma_channels), _SIDE, _SIDE), level)
        network(noisy, maps if config.sigma_channels > 1 else level)


@cache
def is_there() -> bool:
    """Whether this torch, on this processor, has such convolutions, which is tried once."""
    generator = torch.Generator().manual_seed(0)
    features, kernel = (
        torch.randn(shape, generator=generator) for shape in ((1, 16, 9, 9), (16, 16, 3, 3))
    )
    whole = (features * 32).round().clamp(-_MOST, _MOST)
    shown = (whole + _MIDDLE).to(torch.uint8).contiguous(memory_format=torch.channels_last)
    # An operator may be missing, take other arguments, or not run on this processor.
    try:
        weight = _Weight(kernel / 64)
        exact = (kernel / 64 / weight.scale[:, None, None, None]).round()
        exact = exact * weight.scale[:, None, None, None]
        positive = _rectified(shown, weight)
        both = _added(positive, weight, features.contiguous(memory_format=torch.channels_last))
    except (AttributeError, RuntimeError):
        return False
    plain = F.conv2d(whole, exact, padding=1).clamp(0, 255).round()
    added = features + F.conv2d(positive.float(), exact, padding=1)
    return bool((positive.float() - plain).abs().max() <= 1) and torch.allclose(
        both, added, 1e-3, 1e-2
    )
