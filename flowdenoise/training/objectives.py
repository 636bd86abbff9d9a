"""What a denoiser is asked to minimize, each data term by name.

`loss = data_term(d, y, sigma) + prior_weight(sigma) * nll(d(y)) / D`. Each data term is a function
of the denoiser and of a batch that holds noisy patches only. Four get more from the stage and are
kept apart: `supervised` sees clean targets, and exists as the labeled baseline; `teacher`, `relay`
and `descent` see what a teacher or the prior made of the noisy patch.

| name | loss | source |
| --- | --- | --- |
| blur | (B(y) - B(d(y)))^2, B a k x k mean | Kattakinda and Rajagopalan 2020, eq. 15 |
| mse | (y - d(y))^2 | the same, eq. 14 |
| r2r | (d(y + a z) - (y - z/a))^2, z ~ N(0, sigma^2) | Pang et al., CVPR 2021 |
| sure | (d(y) - y)^2 - sigma^2 + 2 sigma^2 div d(y) | Soltanayev and Chun, NeurIPS 2018 |
| n2v | (d(y with pixels replaced) - y)^2 at these pixels | Krull et al., CVPR 2019 |
| supervised | (d(y) - x)^2 | DnCNN and all its kin; baseline only |
| teacher | (d(y) - t(y))^2 | t is a prior's own denoiser, or any other |
| relay | (d(y + a z) - t(y))^2 | taught from a lower level; Zhang et al., "IDR", CVPR 2022 |
| descent | (d(y) - m(y))^2, m(y) beside a minimum of `mse` with its prior | `flow.descent` |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.data.patches import NoisyPatches
from flowdenoise.errors import UsageError
from flowdenoise.flow.glow import Glow as Prior

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(noisy (B, C, H, W), sigma (B,)) -> denoised (B, C, H, W)."""

# Streams of a sample's random numbers; the sampler uses those below 16.
_ALPHA, _RECORRUPTION, _PROBE, _MASK, _NEIGHBOR = range(16, 21)

_ABSURD = 5.0  # nats per value; uniform over [0, 1] has 0, pictures about -3.5


@dataclass(frozen=True)
class ObjectiveConfig:
    """What to minimize.

    Attributes:
        data_term: A name in `DATA_TERMS`.
        blur: Side of the mean filter of `blur`, odd.
        alpha: Range of the recorruption strength of `r2r`. The level of the denoiser's input,
            sigma * sqrt(1 + alpha^2), is drawn uniformly between the ends, up to `level_limit`.
        level_limit: Highest input level that `r2r` makes on purpose, [0, 1] scale.
        balance: Exponent p of the weight level^-p of a patch: 0 counts squared errors alike,
            about 1.3 counts decibels alike.
        anchor: Share of the target of `r2r` in that of `relay`.
        probe_step: Step of the finite difference of `sure`.
        masked: Share of pixels that `n2v` replaces.
        prior_weight: `fixed` multiplies the prior's nats per patch by `prior_scale`, as the
            paper does; `map` by `prior_scale` times 2 sigma^2 / D, the weight at which the
            minimum is the maximum a posteriori, D being the number of values in a patch.
        prior_scale: See `prior_weight`; 0 leaves the prior out.
        prior_level: The noise level at which the prior judges, as a share of the input's; 0 is
            the density of clean patches. See `prior_term`.
        descent_steps: How many steps `descent` makes from the prior's Tweedie step.
    """

    data_term: str = "r2r"
    blur: int = 3
    alpha: tuple[float, float] = (0.5, 0.5)
    level_limit: float = 55 / 255
    balance: float = 0.0
    anchor: float = 0.1
    probe_step: float = 1e-4
    masked: float = 0.02
    prior_weight: Literal["fixed", "map"] = "map"
    prior_scale: float = 0.0
    prior_level: float = 0.0
    descent_steps: int = 8


@dataclass(frozen=True)
class DataTerm:
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


def mse(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> DataTerm:
    """Stay close to the noisy image: the likelihood of equation 14, up to its scale."""
    denoised = denoise(batch.noisy, batch.sigma)
    return DataTerm(_mean((denoised - batch.noisy).square()), denoised, batch.sigma)


def blur(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> DataTerm:
    """Stay close to the noisy image in local means, equation 15."""
    denoised = denoise(batch.noisy, batch.sigma)
    difference = F.avg_pool2d(denoised - batch.noisy, config.blur, stride=1)
    return DataTerm(_mean(difference.square()), denoised, batch.sigma)


def r2r(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> DataTerm:
    """Recorrupted-to-recorrupted: two noisy images of independent noise, made from one.

    With y = x + sigma n and z ~ N(0, sigma^2), the noise of y + a z and of y - z/a is
    uncorrelated, so for Gaussian noise independent, and the best prediction of the second from
    the first is the best estimate of x. `a` is drawn so that the input levels cover the range:
    a large one makes a much noisier input and a target hardly noisier than y.
    """
    made = _recorrupt(batch, config)
    denoised = denoise(made.noisier, made.level)
    error = _mean((denoised - made.target).square())
    # Weight by the inverse variance of target noise plus expected error, in units of the level.
    weight = 1 / (made.alpha.square().reciprocal() + 0.08)
    return DataTerm(error * weight * _balance(made.level, config), denoised, made.level)


def relay(
    denoise: Denoise, batch: NoisyPatches, taught: Tensor, config: ObjectiveConfig
) -> DataTerm:
    """A noisier input, and the target is what an earlier denoiser makes of the noisy patch.

    x -> y -> y + a z is a Markov chain, so E[E[x | y] | y + a z] = E[x | y + a z]: an estimate
    made at the lower noise level is as good a target as x itself, and has less variance than x
    or than the target of `r2r`. Errors of the earlier denoiser remain; a share `anchor` of the
    target of `r2r`, which has the same expectation, holds them down.
    """
    made = _recorrupt(batch, config)
    denoised = denoise(made.noisier, made.level)
    target = taught + config.anchor * (made.target - taught)
    error = _mean((denoised - target).square())
    return DataTerm(error * _balance(made.level, config), denoised, made.level)


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
    level = low + (high - low) * batch.draws.uniform(_ALPHA)
    alpha = ((level / sigma).square() - 1).clamp(min=1e-8).sqrt()
    unit = batch.draws.normal(_RECORRUPTION, tuple(batch.noisy.shape[1:]))
    z, wide = sigma[:, None, None, None] * unit, alpha[:, None, None, None]
    return _Recorrupted(batch.noisy + wide * z, batch.noisy - z / wide, level, alpha)


def _balance(level: Tensor, config: ObjectiveConfig) -> Tensor:
    """Weight of a patch by its noise level, 1 at sigma 25."""
    return ((level + 2 / 255) / (27 / 255)) ** -config.balance


def sure(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> DataTerm:
    """Stein's unbiased risk estimate, the divergence by one probe and a finite difference.

    Always in float32: bfloat16 has no digits left for the difference.
    """
    probe = batch.draws.normal(_PROBE, tuple(batch.noisy.shape[1:]))
    with torch.autocast(batch.noisy.device.type, enabled=False):
        denoised = denoise(batch.noisy, batch.sigma)
        shifted = denoise(batch.noisy + config.probe_step * probe, batch.sigma)
    divergence = _mean(probe * (shifted - denoised)) / config.probe_step
    variance = batch.sigma.square()
    loss = _mean((denoised - batch.noisy).square()) - variance + 2 * variance * divergence
    return DataTerm(loss * _balance(batch.sigma, config), denoised, batch.sigma)


def n2v(denoise: Denoise, batch: NoisyPatches, config: ObjectiveConfig) -> DataTerm:
    """Noise2Void: predict a pixel from its neighbors, itself hidden."""
    shape = tuple(batch.noisy.shape[1:])
    spatial = (1, *shape[1:])
    threshold = torch.special.ndtri(torch.tensor(config.masked, dtype=torch.float64))
    mask = batch.draws.normal(_MASK, spatial) < threshold.to(batch.noisy)
    hidden = torch.where(mask, _random_neighbor(batch), batch.noisy)
    denoised = denoise(hidden, batch.sigma)
    squared = (denoised - batch.noisy).square() * mask
    count = mask.flatten(1).sum(1).clamp(min=1) * shape[0]
    return DataTerm(squared.flatten(1).sum(1) / count, denoised, batch.sigma)


def _random_neighbor(batch: NoisyPatches, radius: int = 2) -> Tensor:
    """Each pixel replaced by another, chosen at random in its (2r+1)^2 neighborhood."""
    _, channels, height, width = batch.noisy.shape
    side = 2 * radius + 1
    unit = batch.draws.normal(_NEIGHBOR, (1, height, width))
    chosen = (torch.special.ndtr(unit) * (side**2 - 1)).long().clamp(max=side**2 - 2)
    chosen = chosen + (chosen >= side**2 // 2)  # step over the center
    # Wrapped around, a neighbor is never the pixel itself; mirrored at the border it could be.
    padded = F.pad(batch.noisy, (radius,) * 4, mode="circular")
    windows = F.unfold(padded, side).view(len(unit), channels, side**2, height, width)
    index = chosen[:, None].expand(-1, channels, 1, height, width)
    return windows.gather(2, index).squeeze(2)


DATA_TERMS: dict[str, Callable[[Denoise, NoisyPatches, ObjectiveConfig], DataTerm]] = {
    "blur": blur,
    "mse": mse,
    "n2v": n2v,
    "r2r": r2r,
    "sure": sure,
}


def data_term(name: str) -> Callable[[Denoise, NoisyPatches, ObjectiveConfig], DataTerm]:
    """The data term of that name.

    Raises:
        UsageError: There is none; the message says which exist.
    """
    if name not in DATA_TERMS:
        raise UsageError(f"no data term {name!r}; there are {', '.join(sorted(DATA_TERMS))}")
    return DATA_TERMS[name]


def regression(
    denoise: Denoise, batch: NoisyPatches, target: Tensor, config: ObjectiveConfig
) -> DataTerm:
    """Come close to a given target: a teacher's estimate or, for the baseline, the clean patch."""
    denoised = denoise(batch.noisy, batch.sigma)
    error = _mean((denoised - target).square())
    return DataTerm(error * _balance(batch.sigma, config), denoised, batch.sigma)


def prior_term(prior: Prior, term: DataTerm, config: ObjectiveConfig) -> Tensor:
    """What the denoised patches cost under the prior, (B,).

    A patch larger than the prior's is judged in pieces, and the mean of their nats is taken. No
    fresh dequantization noise is added: it would only add variance to the gradient.

    A flow is exponentially sure about what it has never seen, such as the output of a denoiser
    that has learned nothing yet. So beyond a rate at which nothing is a picture any more the cost
    grows with the logarithm of the nats: the direction stays, the size does not explode.

    The density of clean patches is steepest where pictures are flat, so its maximum is smoother
    than any picture. Judged at a noise level t > 0 its gradient is (D_t(x) - x) / t^2 with D_t the
    prior's own denoiser: the patch is pulled to what remains when a noise of level t is removed.
    """
    side = prior.config.size
    batch, channels, height, width = term.denoised.shape
    rows, columns = height // side, width // side
    inside = term.denoised[:, :, : rows * side, : columns * side]
    pieces = inside.reshape(batch, channels, rows, side, columns, side)
    pieces = pieces.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, side, side)
    dimensions = channels * side * side
    level: Tensor | float = 0.0  # of the input, NaN may be all that is known
    if config.prior_level:
        level = (config.prior_level * term.level).repeat_interleave(rows * columns)
    rate = -prior(pieces, level) / dimensions
    rate = rate.clamp(max=_ABSURD) + torch.log1p((rate - _ABSURD).clamp(min=0))
    nats: Tensor = dimensions * rate.reshape(batch, -1).mean(1)
    return prior_weight(term.level, dimensions, config) * nats


def prior_weight(level: Tensor, dimensions: int, config: ObjectiveConfig) -> Tensor:
    """What a nat costs in squared error per value, at each noise level; like `level`."""
    if config.prior_weight == "fixed":
        return torch.full_like(level, config.prior_scale)
    return config.prior_scale * 2 * level.square() / dimensions
