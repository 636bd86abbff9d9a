"""The losses of the data terms: how far a denoiser's output is from what it is asked for.

In the formulas d is the denoiser, y = x + n a noisy patch with noise n of level sigma, and x its
clean patch, which only baselines see. Each loss is a function of the denoiser and of a batch; a
batch holds noisy patches and, where the data term has one, a target for them (`targets`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.data.patches import NoisyPatches
from flowdenoise.noise import TRAINED_SIGMAS, Sigma
from flowdenoise.system.random_streams import Stream
from flowdenoise.system.rules import Ascending, Factor, Multiple, Range, Share, Steps
from flowdenoise.system.typed import check

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(noisy (B, C, H, W), sigma (B,)) -> denoised (B, C, H, W)."""

Blur = Annotated[int, Range(1, 63), Multiple(2, plus=1)]
"""Side of a mean filter, in pixels."""

_Alpha = Annotated[float, Range(1e-3, 1e3)]

_MIDDLE = 25 / 255  # the level of noise at which `seen` is told


@dataclass(frozen=True)
class ObjectiveConfig:
    """What to minimize.

    Attributes:
        data_term: A name in `objectives.DATA_TERMS`.
        blur: Side of the mean filter of `blur`, odd.
        alpha: Range of the recorruption strength of `r2r`. The level of the denoiser's input,
            sigma * sqrt(1 + alpha^2), is drawn uniformly between the ends, up to `level_limit`.
        level_limit: Highest input level that `r2r` makes on purpose, [0, 1] scale.
        balance: Exponent p of the weight level^-p of a patch: 0 counts squared errors alike,
            about 1.3 counts decibels alike.
        anchor: Share of the target of `r2r` in that of `relay`.
        probe_step: Step of the finite difference of `sure`.
        masked: Share of pixels that `n2v` judges.
        seen: Share of these that `n2v` leaves as they are at sigma 25: see there.
        prior_weight: `fixed` multiplies the prior's nats per patch by `prior_scale`, as the
            paper does; `map` by `prior_scale` times 2 sigma^2 / D, the weight at which the
            minimum is the maximum a posteriori, D being the number of values in a patch.
        prior_scale: Factor of the prior's nats: see `prior_weight`; 0 leaves the prior out.
        prior_level: The noise level at which the prior judges, as a share of the input's; 0 is
            the density of clean patches. See `prior_term`.
        descent_steps: How many steps `descent` makes from the prior's Tweedie step.
    """

    data_term: str = "r2r"
    blur: Blur = 3
    alpha: Annotated[tuple[_Alpha, _Alpha], Ascending()] = (0.5, 0.5)
    level_limit: Sigma = TRAINED_SIGMAS[1]
    balance: Annotated[float, Range(-10, 10)] = 0.0
    anchor: Share = 0.1
    probe_step: Annotated[float, Range(1e-6, 1)] = 1e-4
    masked: Annotated[float, Range(1e-4, 0.9)] = 0.02
    seen: Share = 0.0
    prior_weight: Literal["fixed", "map"] = "map"
    prior_scale: Factor = 0.0
    prior_level: Factor = 0.0
    descent_steps: Steps = 8

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class LossValue:
    """The value of a data term.

    Attributes:
        loss: (B,) per patch.
        denoised: (B, C, H, W), the output that the loss was taken of, for a prior to judge.
        level: (B,) noise level of the input that `denoised` came from.
    """

    loss: Tensor
    denoised: Tensor
    level: Tensor


def _mean(values: Tensor) -> Tensor:
    return values.flatten(1).mean(1)


def mse(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(d(y) - y)^2: stay close to the noisy image. Kattakinda and Rajagopalan 2020, eq. 14."""
    denoised = denoise(batch.noisy, batch.sigma)
    return LossValue(_mean((denoised - batch.noisy).square()), denoised, batch.sigma)


def blur(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(B(d(y)) - B(y))^2, B a k x k mean. Kattakinda and Rajagopalan 2020, eq. 15."""
    denoised = denoise(batch.noisy, batch.sigma)
    difference = F.avg_pool2d(denoised - batch.noisy, config.blur, stride=1)
    return LossValue(_mean(difference.square()), denoised, batch.sigma)


def r2r(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(d(y + a z) - (y - z/a))^2, z ~ N(0, sigma^2). Pang et al., "R2R", CVPR 2021.

    Two noisy images of independent noise are made from one: the noise of y + a z and of y - z/a
    is uncorrelated, so for Gaussian noise independent, and the best prediction of the second from
    the first is the best estimate of x. `a` is drawn so that the input levels cover the range: a
    large one makes a much noisier input and a target hardly noisier than y.
    """
    made = _recorrupt(batch, config)
    denoised = denoise(made.noisier, made.level)
    error = _mean((denoised - made.target).square())
    # Weight by the inverse variance of target noise plus expected error, in units of the level.
    weight = 1 / (made.alpha.square().reciprocal() + 0.08)
    return LossValue(error * weight * _balance(made.level, config), denoised, made.level)


def relay(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(d(y + a z) - t(y))^2, t(y) a teacher's estimate. Zhang et al., "IDR", CVPR 2022.

    A noisier input, and the target is what an earlier denoiser makes of the noisy patch.

    x -> y -> y + a z is a Markov chain, so E[E[x | y] | y + a z] = E[x | y + a z]: an estimate
    made at the lower noise level is as good a target as x itself, and has less variance than x
    or than the target of `r2r`. Errors of the earlier denoiser remain; a share `anchor` of the
    target of `r2r`, which has the same expectation, holds them down.
    """
    made = _recorrupt(batch, config)
    denoised = denoise(made.noisier, made.level)
    taught = _target(batch)
    target = taught + config.anchor * (made.target - taught)
    error = _mean((denoised - target).square())
    return LossValue(error * _balance(made.level, config), denoised, made.level)


@dataclass(frozen=True)
class _Recorrupted:
    """Two images made of a noisy one y, with z ~ N(0, sigma^2).

    Attributes:
        noisier: y + alpha z.
        target: y - z / alpha.
        level: (B,) noise level of `noisier`.
        alpha: (B,).
    """

    noisier: Tensor
    target: Tensor
    level: Tensor
    alpha: Tensor


def _recorrupt(batch: NoisyPatches, config: ObjectiveConfig) -> _Recorrupted:
    sigma = batch.sigma.clamp(min=1e-6)
    low, high = (sigma * (1 + alpha**2) ** 0.5 for alpha in config.alpha)
    high = torch.maximum(low, high.clamp(max=config.level_limit))
    level = low + (high - low) * batch.draws.uniform(Stream.ALPHA)
    alpha = ((level / sigma).square() - 1).clamp(min=1e-8).sqrt()
    unit = batch.draws.normal(Stream.RECORRUPTION, tuple(batch.noisy.shape[1:]))
    z, wide = sigma[:, None, None, None] * unit, alpha[:, None, None, None]
    return _Recorrupted(batch.noisy + wide * z, batch.noisy - z / wide, level, alpha)


def _balance(level: Tensor, config: ObjectiveConfig) -> Tensor:
    """Weight of a patch by its noise level, 1 at sigma 25."""
    return ((level + 2 / 255) / (27 / 255)) ** -config.balance


def sure(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(d(y) - y)^2 - sigma^2 + 2 sigma^2 div d(y). Soltanayev and Chun, NeurIPS 2018.

    Stein's unbiased risk estimate, the divergence by one probe and a finite difference. It is
    computed in float32 always: bfloat16 has no digits left for the difference.
    """
    probe = batch.draws.normal(Stream.PROBE, tuple(batch.noisy.shape[1:]))
    with torch.autocast(batch.noisy.device.type, enabled=False):
        denoised = denoise(batch.noisy, batch.sigma)
        shifted = denoise(batch.noisy + config.probe_step * probe, batch.sigma)
    divergence = _mean(probe * (shifted - denoised)) / config.probe_step
    variance = batch.sigma.square()
    loss = _mean((denoised - batch.noisy).square()) - variance + 2 * variance * divergence
    return LossValue(loss * _balance(batch.sigma, config), denoised, batch.sigma)


def n2v(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(d(y with some pixels replaced) - y)^2 at these pixels. Krull et al., CVPR 2019.

    Noise2Void: the network predicts a pixel from its neighbors and can't see the pixel itself. It
    must not see, either, which pixels were replaced: it would learn nothing about the others.

    A share of the judged pixels may be left as they are. The published program does so, where it
    draws a value from a window that holds the pixel itself, too, 1 of 121 by default. As nothing
    tells these pixels from the others, the network learns to give each pixel, whose value it does
    see when it denoises, about that share of it back, which a blind spot can't have. The less
    noise, the more a pixel's value is worth beside what its neighbors tell: the share is in
    inverse proportion to sigma. Where nobody knows sigma, it is that of 25.
    """
    shape = tuple(batch.noisy.shape[1:])
    chosen = torch.special.ndtr(batch.draws.normal(Stream.MASK, (1, *shape[1:])))
    sigma = batch.sigma.nan_to_num(nan=_MIDDLE).clamp(min=1e-6)
    share = (config.seen * _MIDDLE / sigma).clamp(max=1)
    judged = chosen < config.masked
    seen = chosen < config.masked * share[:, None, None, None]
    hidden = torch.where(judged & ~seen, _replacements(batch), batch.noisy)
    denoised = denoise(hidden, batch.sigma)
    squared = (denoised - batch.noisy).square() * judged
    count = judged.flatten(1).sum(1).clamp(min=1) * shape[0]
    return LossValue(squared.flatten(1).sum(1) / count, denoised, batch.sigma)


def _replacements(batch: NoisyPatches, radius: int = 2) -> Tensor:
    """For each pixel one that could stand in its place, made of its (2r+1)^2 neighborhood.

    The published method copies a pixel of the neighborhood, which a network finds out in the long
    run, as its value occurs twice. Two pixels a and b and the mean m of the neighborhood make
    m + (a - m + b - m) / sqrt(2), which has the same mean and covariance, and occurs nowhere.
    """
    _, channels, height, width = batch.noisy.shape
    side = 2 * radius + 1
    # Wrapped around, a neighbor is never the pixel itself; mirrored at the border it could be.
    padded = F.pad(batch.noisy, (radius,) * 4, mode="circular")
    windows = F.unfold(padded, side).view(len(padded), channels, side**2, height, width)
    center = side**2 // 2
    mean = (windows.sum(2) - windows[:, :, center]) / (side**2 - 1)
    unit = batch.draws.normal(Stream.NEIGHBOR, (2, height, width))
    chosen = (torch.special.ndtr(unit) * (side**2 - 1)).long().clamp(max=side**2 - 2)
    chosen = chosen + (chosen >= center)  # step over the center
    index = chosen[:, None].expand(-1, channels, 2, height, width)
    apart = windows.gather(2, index).sum(2) - 2 * mean
    return mean + apart / 2**0.5


def regression(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> LossValue:
    """(d(y) - target)^2: come close to the batch's target, whatever it is."""
    denoised = denoise(batch.noisy, batch.sigma)
    error = _mean((denoised - _target(batch)).square())
    return LossValue(error * _balance(batch.sigma, config), denoised, batch.sigma)


def _target(batch: NoisyPatches) -> Tensor:
    if batch.target is None:
        raise ValueError("this loss needs a batch with a target")
    return batch.target
