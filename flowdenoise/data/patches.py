"""Random patches from a corpus, cut, turned and noised on the device where they are used.

The batch of a step is a pure function of (seed, step): nothing to save for a resumed run, and
many processes share out exactly the batch that one process would draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from flowdenoise import noise
from flowdenoise.data.coloring import ColorConfig, mix, permute
from flowdenoise.data.corpus import Corpus
from flowdenoise.errors import DataError, UsageError
from flowdenoise.images import turns
from flowdenoise.noise import TRAINED_SIGMAS, SigmaRange
from flowdenoise.noise.compression import truncated
from flowdenoise.system import random_streams
from flowdenoise.system.random_streams import Draws, ImageStream, Stream
from flowdenoise.system.rules import Range
from flowdenoise.system.typed import check

NoiseMode = Literal["fixed", "fresh", "none"]


@dataclass(frozen=True)
class NoiseConfig:
    """The noise of a noisy corpus.

    Attributes:
        mode: `fixed` gives each image one level and each of its pixels one noise, once and for
            all, as a photograph has; `fresh` draws a new level and new noise for each patch;
            `none` takes the images as they are, really noisy.
        sigma_range: Range from which levels are drawn uniformly, on the [0, 1] scale.
        eight_bit: Noisy images are clipped to [0, 1] and cut off to 8 bits, as in the paper's
            code.
        prefer_quiet: With fixed noise, how strongly patches are drawn from the less noisy
            images, which teach more per patch: an image counts (1 + 51 sigma)^-prefer_quiet
            times its places, so at 1 one of sigma 5/255 counts half, one of 25/255 a sixth.
    """

    mode: NoiseMode = "fixed"
    sigma_range: SigmaRange = TRAINED_SIGMAS
    eight_bit: bool = False
    prefer_quiet: Annotated[float, Range(0, 10)] = 0.0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class NoisyPatches:
    """What a denoiser sees in training: noisy patches, their noise level, and its target.

    Attributes:
        noisy: (B, C, P, P) float32, about [0, 1], not clipped.
        sigma: (B,) standard deviation of the noise in each patch.
        draws: Random numbers of each sample, for the objective.
        target: (B, C, P, P), where the objective has a target that others made.
    """

    noisy: Tensor
    sigma: Tensor
    draws: Draws
    target: Tensor | None = None


class PatchSampler:
    """Draws square patches uniformly over all positions in all images, turned eight ways.

    Args:
        corpus: The images; patches are cut where they are.
        patch: Side of a patch in pixels.
        seed: The seed; the same seed and step give the same batch.
        device: The device on which patches are wanted; None is where the images are.
        levels: The noise level of each image, (I,), for really noisy images whose level is known.
        weights: Factor of the chance of each image, (I,); None gives all the same.
        color: How the colors are varied.

    Raises:
        DataError: An image is smaller than a patch.
        UsageError: The configuration varies colors, and the images are gray.
    """

    def __init__(
        self,
        corpus: Corpus,
        patch: int,
        *,
        seed: int,
        device: torch.device | None = None,
        levels: Tensor | None = None,
        weights: Tensor | None = None,
        color: ColorConfig = ColorConfig(),  # noqa: B008 - frozen
    ) -> None:
        small = torch.minimum(corpus.heights, corpus.widths) < patch
        if small.any():
            name = corpus.names[int(small.nonzero()[0])]
            raise DataError(f"{name} is smaller than a patch of {patch} pixels")
        if color.varies and corpus.channels != 3:
            raise UsageError("only color images have colors to vary")
        self.corpus = corpus
        self.patch = patch
        self.color = color
        self.seed = seed
        self.device = corpus.pixels.device if device is None else device
        self.levels = levels
        places = _places(corpus, patch)
        chances = places.double() if weights is None else places.double() * weights.double()
        self._bounds = chances.cumsum(0) / chances.sum()

    def draws(self, step: int, batch: int, first: int = 0) -> Draws:
        """The random numbers of samples `first` to `first + batch - 1` of step `step`."""
        device = self.corpus.pixels.device
        return Draws.for_step(self.seed, step, batch, first=first, device=device)

    def clean(self, draws: Draws) -> Tensor:
        """Clean patches, (B, C, P, P) uint8, or patches of whatever else the corpus holds."""
        image, position = self._places(draws)
        patches = self._recolored(draws, image, self._gather(image, position))
        return self._arranged(patches, draws)

    def noisy(self, draws: Draws, config: NoiseConfig, version: Literal[0, 1] = 0) -> NoisyPatches:
        """Patches of noisy images.

        Args:
            draws: Random numbers from `draws`.
            config: The corpus's noise. With mode `none` sigma is NaN if nobody knows it.
            version: 1 has other noise of the same level. The strict rule knows version 0 only.
        """
        image, position = self._places(draws)
        patches = self._recolored(draws, image, self._gather(image, position)).float().div_(255)
        sigma = self._sigma(draws, image, config)
        if config.mode != "none":
            if config.mode == "fixed":
                unit = self._fixed(image, position, version)
            else:
                shape = (self.corpus.channels, self.patch, self.patch)
                unit = draws.normal((Stream.NOISE, Stream.SECOND_NOISE)[version], shape)
            patches = patches + sigma[:, None, None, None] * unit
        if config.eight_bit:
            patches = truncated(patches)
        arranged = self._arranged(patches, draws)
        return NoisyPatches(arranged, sigma.to(self.device), Draws(draws.keys.to(self.device)))

    def photographs(self, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
        """What simulated photographs are made of, each with the one noise that it has.

        Returns:
            Clean patches, (B, C, P, P) uint8; standard normal noise of their places, (B, C, P, P)
            float32; and the keys of their images, (B,) int32.
        """
        image, position = self._places(draws)
        patches = self._recolored(draws, image, self._gather(image, position))
        key = random_streams.fold(self.seed, ImageStream.NOISE, self.corpus.keys[image])
        unit = noise.fixed_gaussian(key, position, self.corpus.channels)
        return self._arranged(patches, draws), self._arranged(unit, draws), key.to(self.device)

    def _recolored(self, draws: Draws, image: Tensor, patches: Tensor) -> Tensor:
        """Clean patches in the colors of this visit, or of their image."""
        if self.color.by_image:
            draws = _color_draws(self.corpus, image, self.seed)
        return mix(patches, draws, self.color)

    def _arranged(self, patches: Tensor, draws: Draws) -> Tensor:
        """Patches turned, their channels reordered, on the device where they are wanted."""
        turned = turns.turn_each(patches, (8 * draws.uniform(Stream.TURN)).long())
        return permute(turned, draws, self.color).to(self.device)

    def _sigma(self, draws: Draws, image: Tensor, config: NoiseConfig) -> Tensor:
        low, high = config.sigma_range
        if config.mode == "none":
            unknown = torch.full((len(self.corpus),), torch.nan, device=image.device)
            return (unknown if self.levels is None else self.levels.to(image.device))[image]
        if config.mode == "fixed":
            return image_sigma(self.corpus, image, config.sigma_range, self.seed)
        return low + (high - low) * draws.uniform(Stream.SIGMA)

    def _fixed(self, image: Tensor, position: Tensor, version: int) -> Tensor:
        """The standard normal noise that belongs to these pixels, (B, C, P, P)."""
        stream = (ImageStream.NOISE, ImageStream.SECOND_NOISE)[version]
        key = random_streams.fold(self.seed, stream, self.corpus.keys[image])
        return noise.fixed_gaussian(key, position, self.corpus.channels)

    def _places(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Image of each sample, (B,), and the index of each patch pixel in it, (B, P, P)."""
        corpus = self.corpus
        place = draws.uniform(Stream.PLACE).double()
        image = torch.searchsorted(self._bounds, place).clamp_(max=len(corpus) - 1)
        rows = corpus.heights[image] - self.patch + 1
        columns = corpus.widths[image] - self.patch + 1
        top = (draws.uniform(Stream.ROW).double() * rows).long()
        left = (draws.uniform(Stream.COLUMN).double() * columns).long()
        span = torch.arange(self.patch, device=top.device)
        row = (top[:, None] + span) * corpus.widths[image][:, None]
        return image, row[:, :, None] + (left[:, None] + span)[:, None, :]

    def _gather(self, image: Tensor, position: Tensor) -> Tensor:
        """(B, C, P, P) uint8 in channels-last memory."""
        flat = self.corpus.pixels[self.corpus.offsets[image][:, None, None] + position]
        return flat.permute(0, 3, 1, 2)


def image_sigma(
    corpus: Corpus, image: Tensor, sigma_range: tuple[float, float], seed: int
) -> Tensor:
    """The one noise level of each image in a corpus with fixed noise, like `image`."""
    low, high = sigma_range
    key = random_streams.fold(seed, ImageStream.SIGMA, corpus.keys[image])
    return low + (high - low) * random_streams.uniform(key, torch.zeros_like(key))


def _color_draws(corpus: Corpus, image: Tensor, seed: int) -> Draws:
    """The random numbers that decide the one mix of colors of each image."""
    return Draws(random_streams.fold(seed, ImageStream.COLOR, corpus.keys[image]))


def noisy_image(
    corpus: Corpus,
    index: int,
    config: NoiseConfig,
    *,
    seed: int,
    levels: Tensor | None = None,
    color: ColorConfig = ColorConfig(),  # noqa: B008 - frozen
) -> tuple[Tensor, float]:
    """A whole image of a corpus whose noise is fixed or real, and its noise level.

    Args:
        corpus: The images.
        index: Number of the image.
        config: The corpus's noise, which must not be `fresh`.
        seed: The seed of the `PatchSampler`.
        levels: The levels of the `PatchSampler`, which mode `none` needs.
        color: The colors of the `PatchSampler`, whose mixes are by image.

    Returns:
        The image that `PatchSampler.noisy` cuts patches of, (C, H, W) float32, about [0, 1]; and
        sigma.
    """
    which = torch.tensor([index], device=corpus.pixels.device)
    mixed = mix(corpus.image(index)[None], _color_draws(corpus, which, seed), color)[0]
    image = mixed.float().div(255)
    if config.mode == "none":
        sigma = float("nan") if levels is None else float(levels[index])
    else:
        sigma = float(image_sigma(corpus, which, config.sigma_range, seed))
        key = random_streams.fold(seed, ImageStream.NOISE, corpus.keys[which])
        height, width = image.shape[-2:]
        position = torch.arange(height * width, device=image.device).view(1, height, width)
        image = image + sigma * noise.fixed_gaussian(key, position, corpus.channels)[0]
    return truncated(image) if config.eight_bit else image, sigma


def by_area(corpus: Corpus, patch: int, exponent: float) -> Tensor | None:
    """Factor of the chance of each place of an image, (I,); None gives all the same.

    With all the same, a picture of many pixels is cut from far more often than a small one.

    Args:
        corpus: The images.
        patch: The side of the patches.
        exponent: Of the number of places of an image in its chance: 1 gives all places the same
            chance, 0 all images.
    """
    if exponent == 1:
        return None
    return _places(corpus, patch).clamp(min=1).double() ** (exponent - 1)


def _places(corpus: Corpus, patch: int) -> Tensor:
    """How many places a patch can have in each image, (I,)."""
    return (corpus.heights - patch + 1) * (corpus.widths - patch + 1)


def quiet_weights(corpus: Corpus, config: NoiseConfig, seed: int) -> Tensor | None:
    """Factor of each image's chance, (I,), by its fixed noise level; None gives all the same."""
    if config.mode != "fixed" or config.prefer_quiet == 0:
        return None
    images = torch.arange(len(corpus), device=corpus.keys.device)
    sigma = image_sigma(corpus, images, config.sigma_range, seed)
    return (1 + 51 * sigma) ** -config.prefer_quiet
