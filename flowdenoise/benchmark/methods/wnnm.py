r"""WNNM: a matrix whose columns are similar patches has nearly a low rank.

Gu, Zhang, Zuo and Feng, "Weighted nuclear norm minimization with application to image denoising"
(CVPR 2014; IJCV 2017). Around each of a grid of patches the most similar ones are collected in a
matrix Y of n columns. Its singular values s are shrunk, the weak ones, which are mostly noise, the
most: where the weights w = c sqrt(n) / s(X) and X fit each other, the minimum of
|X - Y|^2 / (2 sigma^2) + sum w_i s_i(X) has the singular values

    (s + sqrt(s^2 - 4 C)) / 2 where s^2 > 4 C, else 0,    C = c sqrt(n) sigma^2.

The patches go back to their places, where they are averaged. A tenth of what was removed is added
again, and everything is repeated with the noise that is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise import noise
from flowdenoise.benchmark.methods.method import Method
from flowdenoise.system.rules import Factor, Range, Share, Size
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class WnnmConfig:
    """The sizes for a range of noise levels.

    Attributes:
        patch: The side of a patch, in pixels.
        alike: The number of patches in a group; each search, the first included, takes ten fewer.
        iterations: The number of iterations.
        left: The share of the noise that is assumed to be left after an iteration (lambda).
        search: The distance up to which similar patches are searched, in pixels.
        inner: The number of iterations after which similar patches are searched again.
        feedback: The share of the removed noise that is added again (delta).
        weight: The factor c of the weights.
    """

    patch: Annotated[int, Range(2, 64)]
    alike: Size
    iterations: Size
    left: Share
    search: Size = 30
    inner: Size = 2
    feedback: Share = 0.1
    weight: Factor = 2 * math.sqrt(2)

    def __post_init__(self) -> None:
        check(self)

    @property
    def step(self) -> int:
        """The distance from one patch of the grid to the next, in pixels."""
        return max(1, self.patch // 2 - 1)


PUBLISHED = {
    20.0: WnnmConfig(6, 70, 8, 0.54),
    40.0: WnnmConfig(7, 90, 12, 0.56),
    60.0: WnnmConfig(8, 120, 14, 0.58),
    math.inf: WnnmConfig(9, 140, 14, 0.58),
}
"""The authors' sizes, by the largest noise level that they are for, on the scale of 0 to 255."""

_BAND = 32  # rows of groups whose patches are sought together
_GROUPS = 512  # that are shrunk together


class Wnnm(Method):
    """WNNM, which takes minutes per image. Color images are denoised channel by channel.

    Args:
        label: The label in tables.
        sizes: The sizes, by the largest noise level that they are for, on the scale of 0 to 255.
    """

    note = "WNNM is for gray images; color channels are treated one by one"
    _device = torch.device("cpu")

    def __init__(self, label: str, sizes: Mapping[float, WnnmConfig] = PUBLISHED) -> None:
        super().__init__(label)
        self.sizes = sizes

    def prepare(self, channels: int, device: torch.device) -> None:
        """Remember the device."""
        self._device = device

    def settings(self) -> Mapping[str, object]:
        """The sizes, by noise level."""
        sizes = {f"{level:g}": asdict(config) for level, config in self.sizes.items()}
        return {"version": 1, "device": self._device.type, "sizes": sizes}

    @torch.no_grad()
    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Denoise each channel, with the true noise level."""
        level = noise.to_255(sigma or 0.0)
        config = next(sizes for most, sizes in self.sizes.items() if level <= most)
        planes = [wnnm(plane.to(self._device), sigma or 0.0, config) for plane in noisy[0]]
        return torch.stack(planes)[None].cpu()


def wnnm(noisy: Tensor, sigma: float, config: WnnmConfig) -> Tensor:
    """Denoise an image.

    Args:
        noisy: The noisy image, (H, W), about [0, 1], with sides of at least a patch.
        sigma: The noise level on the [0, 1] scale.
        config: The sizes.

    Returns:
        The denoised image, (H, W), not clamped.
    """
    estimate, groups = noisy, torch.empty(0)
    seen = _patches(noisy, config)
    for iteration in range(config.iterations):
        estimate = estimate + config.feedback * (noisy - estimate)
        patches = _patches(estimate, config)
        if iteration % config.inner == 0:
            count = max(2, config.alike - 10 * (1 + iteration // config.inner))
            groups = similar(estimate, count, config)
        removed = (seen - patches).square().mean(1)[groups[:, 0]]
        left = config.left * (sigma**2 - removed).abs().sqrt()
        levels = left if iteration else torch.full_like(left, sigma)
        estimate = _averaged(patches, groups, levels, noisy.shape, config)
    return estimate


def patch_grid(size: torch.Size, config: WnnmConfig) -> tuple[Tensor, Tensor]:
    """The rows and the columns of the patches of the grid, which together cover the image."""
    last = [side - config.patch for side in size]
    rows, columns = (sorted({*range(0, end + 1, config.step), end}) for end in last)
    return torch.tensor(rows), torch.tensor(columns)


def _patches(image: Tensor, config: WnnmConfig) -> Tensor:
    """All patches of an image, (patches, pixels of a patch), numbered row by row."""
    return F.unfold(image[None, None], config.patch)[0].T.contiguous()


def similar(image: Tensor, count: int, config: WnnmConfig) -> Tensor:
    """Find the patches that are most similar to those of the grid, in the square around each.

    The image is compared with itself, moved by each distance within the square: the squared
    differences, summed over patches, compare all patches with their neighbors at that distance.

    Args:
        image: The image, (H, W).
        count: The number of patches to find; a small image may have fewer.
        config: The sizes of patches and of the square.

    Returns:
        The numbers of the patches, (grid, count), of which the first is the patch itself.
    """
    side, reach = config.patch, config.search
    rows, columns = patch_grid(image.shape, config)
    wide = image.shape[1] - side + 1
    around = F.pad(image, [reach] * 4, value=math.inf)  # nothing is similar to what is outside
    moves = [(down, right) for down in _span(reach) for right in _span(reach)]
    steps = torch.tensor([down * wide + right for down, right in moves], device=image.device)
    numbers = []
    for band in torch.split(rows, _BAND):
        top, bottom = int(band[0]), int(band[-1]) + side
        own = image[top:bottom]
        distances = []
        for down, right in moves:
            moved = around[reach + top + down :, reach + right :][: len(own), : own.shape[1]]
            sums = F.avg_pool2d((own - moved).square()[None], (side, 1), 1)
            sums = F.avg_pool2d(sums, (1, side), 1)[0]
            distances.append(sums[band - top][:, columns].flatten())
        every = torch.stack(distances, 1)
        room = int(every.isfinite().sum(1).min())
        best = every.topk(min(count, room), 1, largest=False).indices
        places = (band[:, None] * wide + columns).flatten()[:, None]
        numbers.append(places.to(image.device) + steps[best])
    fewest = min(found.shape[1] for found in numbers)
    return torch.cat([found[:, :fewest] for found in numbers])


def _span(reach: int) -> range:
    return range(-reach, reach + 1)


def _averaged(
    patches: Tensor, groups: Tensor, levels: Tensor, size: torch.Size, config: WnnmConfig
) -> Tensor:
    """The image, (H, W), in which each pixel is the mean of its values in all groups."""
    sums, counts = torch.zeros_like(patches), torch.zeros_like(patches[:, :1])
    parts = torch.split(groups, _GROUPS), torch.split(levels, _GROUPS)
    for own, sigma in zip(*parts, strict=True):
        shrunk = shrink(patches[own], sigma, config)
        sums.index_add_(0, own.flatten(), shrunk.flatten(0, 1))
        counts.index_add_(0, own.flatten(), torch.ones_like(shrunk[..., :1]).flatten(0, 1))
    both = torch.stack([sums, counts.expand_as(sums)]).transpose(1, 2)
    total: Tensor = F.fold(both, size, config.patch)[:, 0]
    return total[0] / total[1]


def shrink(groups: Tensor, sigma: Tensor, config: WnnmConfig) -> Tensor:
    """Bring groups of patches nearer to low rank, around their means.

    The singular vectors are found as eigenvectors of the small matrix of Y times itself.

    Args:
        groups: The groups, (groups, patches, pixels).
        sigma: The noise levels on the [0, 1] scale, (groups,).
        config: The configuration, with the weight.

    Returns:
        The shrunk groups, like `groups`.
    """
    mean = groups.mean(1, keepdim=True)
    rest = groups - mean
    powers, vectors = torch.linalg.eigh(rest.transpose(1, 2) @ rest)
    strength = config.weight * math.sqrt(groups.shape[1]) * sigma.square()  # C
    values = powers.clamp(min=0).sqrt()
    kept = (powers - 4 * strength[:, None]).clamp(min=0)
    factors = torch.where(kept > 0, (values + kept.sqrt()) / (2 * values), 0.0)
    flattened: Tensor = rest @ (vectors * factors[:, None]) @ vectors.transpose(1, 2)
    return mean + flattened
