"""What simulated photographs teach: recorruption where light is measured, see `camera_stage`.

A share of photographs is reduced, as most are that people send and show. That sets fine texture
beside weak noise, which photographs at their own pixels hardly have. The photograph is taken with
up to twice the sides and made smaller in linear light, and so is the target; so the best
prediction of the target is the mean of the clean light in the smaller photograph, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import PatchSampler, by_area
from flowdenoise.images import as_floats
from flowdenoise.noise import camera, compression, sensor, smoothing, tone
from flowdenoise.noise.editing import resize
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.training.lessons import CameraPatches

if TYPE_CHECKING:
    from flowdenoise.training.camera_stage import CameraTraining

MARGIN = 8
"""Pixels around a patch that are simulated, but not learned from."""

WIDER = 2
"""Times the side of a patch is that of the photograph of which a reduced one is made."""

_STEEPEST = 8.0  # slope of the tone curve beyond which dark parts do not count more
_LEAST_QUALITY, _STORED = 70.0, 0.5  # of the compression of reduced photographs, and its share


@dataclass(frozen=True)
class PhotoSource:
    """Where the photographs of a step come from.

    Attributes:
        sampler: What cuts the pictures of photographs that keep their size.
        wider: What cuts those of photographs that are reduced; None if none is.
        training: The settings.
    """

    sampler: PatchSampler
    wider: PatchSampler | None
    training: CameraTraining

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        patch: int,
        training: CameraTraining,
        seed: int,
        device: torch.device | None = None,
    ) -> Self:
        """The source for patches of a side, without their margin.

        Args:
            corpus: The pictures; those that are too small for it are never reduced.
            patch: The side.
            training: The settings.
            seed: The seed of places.
            device: Where patches are wanted; None is where the pictures are.
        """

        def sampler(pictures: Corpus, side: int) -> PatchSampler:
            weights = by_area(pictures, side, training.by_area)
            color = training.color
            return PatchSampler(
                pictures, side, seed=seed, device=device, weights=weights, color=color
            )

        side = patch + 2 * MARGIN
        wider = None
        if training.reduced:
            wider = sampler(corpus.at_least(WIDER * side), WIDER * side)
        return cls(sampler(corpus, side), wider, training)

    def draws(self, step: int, count: int, first: int) -> Draws:
        """The random numbers of samples `first` to `first + count - 1` of a step."""
        return self.sampler.draws(step, count, first)

    def patches(self, draws: Draws) -> CameraPatches:
        """The photographs of these samples, some of them reduced."""
        chosen = draws.uniform(Stream.CAMERA_REDUCED) < self.training.reduced
        if self.wider is None or not chosen.any():
            return photographs(self.sampler, draws, self.training)
        reduced = _smaller(
            photographs(self.wider, Draws(draws.keys[chosen]), self.training),
            Draws(draws.keys[chosen].to(self.sampler.device)),
            self.sampler.patch,
        )
        if chosen.all():
            return reduced
        own = photographs(self.sampler, Draws(draws.keys[~chosen]), self.training)
        return own.joined(reduced, chosen.to(self.sampler.device))


def _smaller(patches: CameraPatches, draws: Draws, side: int) -> CameraPatches:
    """Photographs made smaller in linear light, and stored once more.

    Args:
        patches: The photographs, of `WIDER` times the side.
        draws: Random numbers of each.
        side: The side of the results.
    """
    factors = 1 - (1 - 1 / WIDER) * draws.uniform(Stream.CAMERA_SIZE)
    light = tone.untone(patches.noisy, patches.contrast)
    light, target, weight = (
        resize(one, factors, side, bounded=False)
        for one in (light, patches.target, patches.weight)
    )
    quality = camera.between(draws.uniform(Stream.CAMERA_STORED), (_LEAST_QUALITY, 100.0))
    stored = draws.uniform(Stream.CAMERA_STORED + 64) < _STORED
    quality = torch.where(stored, quality.round(), 101.0)
    ways = len(compression.SUBSAMPLINGS)
    held = (ways * draws.uniform(Stream.CAMERA_STORED + 128)).long()
    noisy = compression.compress(tone.tone(light, patches.contrast), quality, held)
    target = smoothing.halve_color(target, torch.where(stored, held, 0))
    return CameraPatches(noisy, target, weight.clamp(min=0), patches.contrast)


def photographs(sampler: PatchSampler, draws: Draws, training: CameraTraining) -> CameraPatches:
    """Simulated photographs, and what is to be learned from them."""
    clean, unit, keys = sampler.photographs(draws)
    scene = camera.Scene.draw(keys, camera.CameraConfig(shot=training.shot))
    ways = training.demosaicking
    kinds = [replace(kind, demosaicking=ways) for kind in camera.CAMERAS.values()]
    which = _kinds(draws.uniform(Stream.KIND), training.phones).to(keys.device)
    developments = [camera.Development.draw(draws.keys.to(keys.device), kind) for kind in kinds]
    how = camera.Development.choose(developments, which)

    dim = camera.draw_log(keys, Stream.CAMERA_LIGHT, training.light)
    light = dim[:, None, None, None] * scene.unprocess(as_floats(clean))
    own = camera.draw_log(keys, Stream.REFERENCE, training.shot)
    own_read = sensor.read_variance(own, scene.read)
    noisy = light + sensor.noise(unit, light, own, own_read)

    shot = _input_shot(draws, kinds, which, training.least * own)
    read = sensor.read_variance(shot, scene.read)
    smooth = smoothing.gaussian(noisy, 1.0)
    has = sensor.variance(smooth, own, own_read)
    lacks = sensor.variance(smooth, shot, read) - has
    third = sensor.third_moment(smooth, shot) - sensor.third_moment(smooth, own)
    added = draws.normal(Stream.SENSOR_RECORRUPTION, tuple(light.shape[1:])).to(light)
    added = sensor.skewed(added, lacks, third)
    photo = camera.photograph(noisy + added, scene, how, shot, read)
    target = light if training.target == "clean" else noisy - has / lacks * added
    target = camera.follow(target, scene, how, photo)
    slope = tone.tone_slope(smoothing.gaussian(photo.light, 2.0), scene.contrast)
    weight = slope.clamp(max=_STEEPEST).square()
    return CameraPatches(photo.picture, target, weight, scene.contrast)


def _kinds(unit: Tensor, phones: float) -> Tensor:
    """The kinds of cameras by numbers of (0, 1), (B,): indices in `camera.CAMERAS`."""
    first, others = list(camera.CAMERAS).index("phone"), len(camera.CAMERAS) - 1
    other = ((unit - phones) / max(1 - phones, 1e-9) * others).long().clamp(0, others - 1)
    return torch.where(unit < phones, first, other + (other >= first))


def _input_shot(
    draws: Draws, kinds: list[camera.CameraConfig], which: Tensor, least: Tensor
) -> Tensor:
    """The gain of the input's noise, (B,): as its kind of camera has it, at least `least` (B,)."""
    ends = torch.tensor([kind.shot for kind in kinds], device=which.device)[which]
    low = torch.maximum(ends[:, 0], least)
    return camera.draw_log(
        draws.keys.to(which.device), Stream.MULTIPLE, (low, torch.maximum(ends[:, 1], 2 * low))
    )
