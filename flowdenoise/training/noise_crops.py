"""Crops with noise of all kinds, and how strong it is: lessons for the estimator of noise maps.

No picture is a target here, clean or noisy. A picture gets the same kind of noise twice; half the
difference of the two, times the square root of two, is noise of that kind alone, and its mean
squares are what the estimator learns to tell from one of the two.

The pictures of the corpus were taken by cameras, too, and many have a little noise of their own,
which would be taught as clean. Most crops are therefore reduced to half the size first, which
leaves little of it. What a camera made is not what people have: some crops are edited after their
noise, and reduced or enlarged, as pictures on the web are.

An estimator of gray pictures sees what becomes of color photographs when their colors are mixed to
one brightness, as editors and cameras do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.data.coloring import ColorConfig
from flowdenoise.errors import UsageError
from flowdenoise.images import as_floats
from flowdenoise.images.turns import turn_each
from flowdenoise.metrics import LUMA
from flowdenoise.networks import NoiseMapNet, measured
from flowdenoise.noise import Sigma, camera, compression, editing, grain, smoothing
from flowdenoise.noise.editing import EditConfig
from flowdenoise.system import random_streams
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Factor, Multiple, Range, Share, Steps
from flowdenoise.system.typed import check
from flowdenoise.training.kept import Arrays, Kept

_WHITE, _ROUNDED = 255, 1e-3
_STEPS, _MOST_STEPS = 64, 32767


@dataclass(frozen=True)
class NoiseMapTraining:
    """What this stage does, apart from the loop.

    Attributes:
        patch: The side of the crops.
        most: The highest level of white noise, [0, 1] scale.
        clean: The share of crops without noise.
        white: The share of crops with white noise.
        film: The share of crops with the grain of film; the rest is of cameras.
        widest: The largest deviation of the blur that makes grains, in pixels.
        reduced: The share of crops that are reduced to half the size before they get noise.
        soft: The share of these that are enlarged again before they get noise: their texture is as
            soft as that of photographs at their own pixels.
        softest: The largest factor of their sides; the least is 1.
        reduced_after: The share of crops of cameras that are reduced behind the camera.
        least_size: The least factor of their sides; the largest is 1.
        enlarged: The share of crops without noise, and of others of cameras and of film, that are
            enlarged.
        most_size: The largest factor of their sides; the least is 1.
        relit: The share of crops whose scene gets other light: night with lamps in it, or more
            than a picture can hold.
        light: The factor of that light, drawn log-uniformly.
        contrast: The exponent of that scene's values before, which sets bright beside dark.
        edited: The share of crops that are edited, of all but those with white noise.
        edits: How they are edited.
        white_stored: The share of crops with white noise that are compressed, at most 0.6.
        least_quality: The least quality of compression; the largest is 100.
        stored_after: The share of crops of cameras that are compressed once more at the end.
        kind_weight: The weight of the loss of the kind.
        clean_below: The level of noise, [0, 1] scale, below which a crop counts as clean.
        filtered: The share of crops, for an estimator of gray pictures, whose brightness is mixed
            of the colors in shares of their own, as behind a filter; others have those of BT.601.
        color: How the colors are varied.
        by_area: The exponent of the number of places of a picture in its chance to be cut from. At
            1 all places of all pictures have the same chance, at 0 all pictures.
        kept: The number of batches that are made once and kept on the disk, to be learned from in
            turn; 0 makes all of them anew.
    """

    patch: Annotated[int, Range(64, 2048), Multiple(NoiseMapNet.stride)] = 128
    most: Sigma = 80 / 255
    clean: Share = 0.2
    white: Share = 0.2
    film: Share = 0.08
    widest: Annotated[float, Range(0.0, 8.0)] = 1.3
    reduced: Share = 0.6
    soft: Share = 0.0
    softest: Annotated[float, Range(1.0, 8.0)] = 3.5
    reduced_after: Share = 0.25
    least_size: Annotated[float, Range(0.5, 1.0)] = 0.5
    enlarged: Share = 0.1
    most_size: Annotated[float, Range(1.0, 4.0)] = 1.6
    relit: Share = 0.5
    light: camera.Ends = (0.1, 8.0)
    contrast: camera.Ends = (1.0, 2.5)
    edited: Share = 0.4
    edits: EditConfig = field(default_factory=EditConfig)
    white_stored: Share = 0.2
    least_quality: Annotated[float, Range(1.0, 100.0)] = 60.0
    stored_after: Share = 0.3
    kind_weight: Factor = 0.5
    clean_below: Sigma = 0.5 / 255
    filtered: Share = 0.3
    color: ColorConfig = field(default_factory=lambda: ColorConfig(mix=0.2, permute=0.2))
    by_area: Share = 1.0
    kept: Steps = 0

    @property
    def side(self) -> int:
        """The least side of pictures: crops are cut twice as large, to be reduced."""
        return 2 * self.patch

    def __post_init__(self) -> None:
        check(self)
        if self.clean + self.white + self.film > 1:
            raise UsageError(
                "the shares of clean and white crops and of film are above 1 together"
            )


@dataclass(frozen=True)
class Crops:
    """Noisy crops and what is known of their noise.

    Attributes:
        noisy: (B, C, P, P).
        squares: (B, 4, P/8, P/8) from `measured`.
        kind: (B,) index of `KINDS`.
    """

    noisy: Tensor
    squares: Tensor
    kind: Tensor

    def turned(self, ways: Tensor) -> Self:
        """The same with each crop turned in its own way, (B,), see `images.turns`."""
        noisy, squares = (turn_each(one, ways) for one in (self.noisy, self.squares))
        return replace(self, noisy=noisy, squares=squares)


@dataclass(frozen=True)
class CropMaker:
    """What gives crops of pictures their noise.

    Attributes:
        training: What noise, and how often.
        gray: Whether crops are gray.
    """

    training: NoiseMapTraining
    gray: bool

    def crops(self, pictures: Tensor, draws: Draws) -> Crops:
        """Make crops of pictures.

        Args:
            pictures: Pictures of the side that the settings ask for, (B, 3, S, S) uint8.
            draws: Random numbers of each.
        """
        double = as_floats(pictures)
        settings = self.training
        share = draws.uniform(Stream.MAP_KIND)
        ends = torch.tensor([settings.clean, settings.white, settings.film]).cumsum(0)
        groups = torch.bucketize(share, ends.to(share))
        after = (groups == 3) & (draws.uniform(Stream.MAP_REDUCED_AFTER) < settings.reduced_after)
        groups = groups + after  # the last group is that of reduced photographs
        before = draws.uniform(Stream.MAP_REDUCED) < settings.reduced
        # The noise that the pictures themselves have must not be made stronger and called clean.
        changeable = (groups > 1) | before
        contrast, light = (torch.where(changeable, one, 1.0) for one in self._relit(draws))
        double = double.pow(contrast[:, None, None, None])
        reduced = self._soft(_softened(F.avg_pool2d(double, 2), draws), draws)
        margin = slice(settings.patch // 2, -(settings.patch // 2))
        scene = torch.where(before[:, None, None, None], reduced, double[..., margin, margin])
        clean = editing.exposed(scene, light)
        pair = clean.new_empty(2, *clean.shape)
        makers = (
            (self._clean, clean),
            (self._white, clean),
            (self._film, clean),
            (self._camera, scene),
            (self._reduced_camera, double),
        )
        edited = changeable & (draws.uniform(Stream.MAP_EDITED) < settings.edited)
        for group, (make, source) in enumerate(makers):
            chosen = (groups == group).nonzero()[:, 0]
            if len(chosen):
                own = Draws(draws.keys[chosen])
                pair[:, chosen] = make(source[chosen], own, edited[chosen])
        if self.gray:
            pair = torch.stack([self._mixed(one, draws) for one in pair])
        squares = measured((pair[0] - pair[1]) / 2**0.5)
        quiet = squares[:, ::2].mean((1, 2, 3)).sqrt() < settings.clean_below
        return Crops(pair[0], squares, torch.where(quiet, 0, groups.clamp(max=2)))

    def _clean(self, clean: Tensor, draws: Draws, edited: Tensor) -> Tensor:
        stored = self._enlarged(self._stored(clean, draws, jpeg=0.7), draws)
        again = Draws(random_streams.fold(draws.keys, Stream.MAP_STORED))
        changed = self._stored(self._edited(stored, draws, edited), again, jpeg=0.5)
        stored = torch.where(edited[:, None, None, None], changed, stored)
        return torch.stack([stored, stored])

    def _relit(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """The exponent of the values of scenes and the factor of their light, (B,) each."""
        relit = draws.uniform(Stream.MAP_RELIT) < self.training.relit
        contrast = camera.between(draws.uniform(Stream.MAP_CONTRAST), self.training.contrast)
        light = camera.draw_log(draws.keys, Stream.MAP_LIGHT, self.training.light)
        return torch.where(relit, contrast, 1.0), torch.where(relit, light, 1.0)

    def _edited(self, pictures: Tensor, draws: Draws, edited: Tensor) -> Tensor:
        keys = random_streams.fold(draws.keys, Stream.MAP_EDIT)
        changed = editing.edit(pictures, keys, self.training.edits)
        return torch.where(edited[:, None, None, None], changed, pictures)

    def _enlarged(self, pictures: Tensor, draws: Draws) -> Tensor:
        chosen = draws.uniform(Stream.MAP_ENLARGED) < self.training.enlarged
        factors = 1 + (self.training.most_size - 1) * draws.uniform(Stream.MAP_SIZE)
        return _resized(pictures, chosen, factors)

    def _soft(self, pictures: Tensor, draws: Draws) -> Tensor:
        chosen = draws.uniform(Stream.MAP_SOFT) < self.training.soft
        factors = 1 + (self.training.softest - 1) * draws.uniform(Stream.MAP_MAGNIFIED)
        return _resized(pictures, chosen, factors)

    def _stored(self, picture: Tensor, draws: Draws, jpeg: float) -> Tensor:
        """Rounded to 8 bits and, a share of them, compressed."""
        least = self.training.least_quality
        quality = least + (100 - least) * draws.uniform(Stream.MAP_QUALITY)
        quality = torch.where(draws.uniform(Stream.MAP_FATE) < jpeg, quality, 101.0)
        held = (len(compression.SUBSAMPLINGS) * draws.uniform(Stream.MAP_SUBSAMPLED)).long()
        return compression.compress(picture, quality, held)

    def _white(self, clean: Tensor, draws: Draws, _: Tensor) -> Tensor:
        level = self.training.most * draws.uniform(Stream.MAP_LEVEL).square()[:, None]
        apart = torch.stack(
            [draws.uniform(Stream.MAP_CHANNELS + 8 * i) for i in range(clean.shape[1])], 1
        )
        unequal = draws.uniform(Stream.MAP_UNEQUAL)[:, None] < 0.2
        level = torch.where(unequal, 2 * level * apart, level)[:, :, None, None]
        shape = tuple(clean.shape[1:])
        pair = [clean + level * draws.normal(Stream.MAP_NOISE + 8 * i, shape) for i in range(2)]
        floats = (draws.uniform(Stream.MAP_FATE) > 0.6)[:, None, None, None]
        stored = [self._stored(noisy, draws, jpeg=self.training.white_stored) for noisy in pair]
        return torch.where(floats, torch.stack(pair), torch.stack(stored))

    def _film(self, clean: Tensor, draws: Draws, edited: Tensor) -> Tensor:
        settings = self.training
        level = 0.5 * settings.most * draws.uniform(Stream.GRAIN_LEVEL).square()
        pair = []
        for version in range(2):
            noise = Stream.MAP_GRAIN + 16 * version
            noisy = grain.add_grain(clean, level, draws, noise, widest=settings.widest)
            pair.append(self._enlarged(noisy.clamp(0, 1), draws))
        return self._finished(torch.stack(pair), draws, edited)

    def _camera(self, clean: Tensor, draws: Draws, edited: Tensor) -> Tensor:
        photos = [self._enlarged(photo, draws) for photo in self._photographs(clean, draws)]
        return self._finished(torch.stack(photos), draws, edited)

    def _reduced_camera(self, double: Tensor, draws: Draws, edited: Tensor) -> Tensor:
        """Photographs of twice the size, reduced and stored once more."""
        least, patch = self.training.least_size, self.training.patch
        factors = least + (1 - least) * draws.uniform(Stream.MAP_SIZE)
        photos = [
            editing.resize(photo, factors, patch) for photo in self._photographs(double, draws)
        ]
        return self._finished(torch.stack(photos), draws, edited)

    def _finished(self, pair: Tensor, draws: Draws, edited: Tensor) -> Tensor:
        share = self.training.stored_after
        done = [self._edited(photo.clamp(0, 1), draws, edited) for photo in pair]
        return torch.stack([self._stored(photo, draws, jpeg=share) for photo in done])

    def _photographs(self, clean: Tensor, draws: Draws) -> Tensor:
        """Two photographs of each picture with the same camera, (2, B, 3, H, W)."""
        names, (_, light) = list(camera.CAMERAS), self._relit(draws)
        chosen = (draws.uniform(Stream.MAP_CAMERA) * len(names)).long()
        pair = clean.new_empty(2, *clean.shape)
        for index, name in enumerate(names):
            which = (chosen == index).nonzero()[:, 0]
            if not len(which):
                continue
            keys = draws.keys[which]
            for version in range(2):
                pair[version, which] = camera.simulate(
                    clean[which],
                    keys,
                    camera.CAMERAS[name],
                    noise_keys=random_streams.fold(keys, Stream.MAP_CAMERA + 1 + version),
                    light=light[which],
                ).picture
        return pair

    def _mixed(self, photos: Tensor, draws: Draws) -> Tensor:
        """Gray pictures (B, 1, P, P) of color ones; a share of them is compressed once more."""
        shares = photos.new_tensor(LUMA).expand(len(photos), 3)
        drawn = [draws.uniform(Stream.MAP_FILTER + 8 * i) for i in range(4)]
        own = -torch.stack(drawn[:3], 1).clamp(min=1e-6).log()
        filtered = (drawn[3] < self.training.filtered)[:, None]
        shares = torch.where(filtered, own / own.sum(1, keepdim=True), shares)
        gray = torch.einsum("bc,bchw->bhw", shares.to(photos), photos)[:, None]
        stored = self._stored(gray.expand(-1, 3, -1, -1), draws, jpeg=self.training.stored_after)
        floats = photos * _WHITE  # what was not rounded before is not rounded now
        whole = ((floats - floats.round()).abs() < _ROUNDED).all(3).all(2).all(1)
        return torch.where(whole[:, None, None, None], stored[:, :1], gray)


def kept_crops(folder: Path, batches: int, device: torch.device) -> Kept[Crops]:
    """The place where crops are kept.

    Values are rounded to 1/64 of a step of 8 bits, which are then still exact.

    Args:
        folder: A folder for all crops that are made in one way.
        batches: How many batches there are.
        device: Where crops are wanted.
    """

    def unpack(packed: Arrays) -> Crops:
        noisy = np.float32(packed["noisy"]) / (_WHITE * _STEPS)
        parts = {"noisy": noisy, "squares": packed["squares"], "kind": packed["kind"]}
        return Crops(**{name: torch.from_numpy(one).to(device) for name, one in parts.items()})

    return Kept(folder, batches, _packed, unpack)


def _packed(crops: Crops) -> Arrays:
    steps = (crops.noisy * (_WHITE * _STEPS)).round().clamp(-_MOST_STEPS, _MOST_STEPS)
    return {
        "noisy": steps.cpu().numpy().astype(np.int16),
        "squares": crops.squares.cpu().numpy(),
        "kind": crops.kind.cpu().numpy(),
    }


def _resized(pictures: Tensor, chosen: Tensor, factors: Tensor) -> Tensor:
    """Pictures (B, C, P, P), of which those chosen, (B,), become the middles of larger ones."""
    pictures = pictures.clone()
    pictures[chosen] = editing.resize(pictures[chosen], factors[chosen], pictures.shape[-1])
    return pictures


def _softened(clean: Tensor, draws: Draws) -> Tensor:
    """Blurred as a lens does it, each picture by a deviation of its own, at most 0.8 pixels."""
    return smoothing.blur_each(clean, 0.8 * draws.uniform(Stream.MAP_SOFTNESS))
