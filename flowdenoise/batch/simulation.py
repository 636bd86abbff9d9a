"""Simulated noisy photographs of clean pictures, for trials.

A picture is taken in strips of whole rows, each with some rows around it, so that memory does not
grow with the picture. The noise of a place is the same whichever strip it is in, and strips begin
where blocks of JPEG do, so the photograph is what it would be in one piece.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor

from flowdenoise.batch.one import BatchConfig, Outcome, Work
from flowdenoise.batch.plan import Job
from flowdenoise.engine import Denoised
from flowdenoise.images import Picture
from flowdenoise.images.borders import mirror
from flowdenoise.metrics import luma
from flowdenoise.noise import camera, sensor
from flowdenoise.noise.camera import CameraConfig
from flowdenoise.noise.demosaicking import Demosaicking
from flowdenoise.system import random_streams
from flowdenoise.system.rules import Range, Seed
from flowdenoise.system.typed import check

NOISY = "{stem}_noisy.png"
"""The template of a simulated photograph's name: PNG, since JPEG would change the noise."""

_BLOCK = 16  # side in pixels of what JPEG takes together
_STRIP = 1 << 20  # pixels of a strip, about
_AROUND = 2 * _BLOCK  # rows that a simulated camera looks at around a place, and more


@dataclass(frozen=True)
class SimulationConfig:
    """The camera that takes the photograph.

    Attributes:
        camera: The kind of camera.
        iso: The sensitivity, which decides how strong the noise is.
        demosaicking: The way to demosaick; None draws one of those that such cameras have.
        seed: The seed of all that is drawn: light, color, what the camera does, and noise.
    """

    camera: camera.Camera = "phone"
    iso: Annotated[float, Range(25, 409_600)] = 3200.0
    demosaicking: Demosaicking | None = None
    seed: Seed = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def kind(self) -> CameraConfig:
        """The kind of camera, with all that is drawn."""
        kind = camera.CAMERAS[self.camera]
        if self.demosaicking is None:
            return kind
        return replace(kind, demosaicking=(self.demosaicking,))

    @property
    def gain(self) -> float:
        """The gain of the noise's variance that such a camera usually has."""
        return sensor.gain_at(self.kind.sensor, self.iso)


def simulate(
    jobs: Sequence[Job], config: SimulationConfig, treatment: BatchConfig
) -> Iterator[Outcome]:
    """Take photographs of pictures, one after the other, and yield the outcome of each.

    Args:
        jobs: The jobs, from `plan_jobs`.
        config: The camera.
        treatment: The way files are read and written.
    """

    def photograph(picture: Picture) -> Denoised:
        start = time.perf_counter()
        noisy = simulate_picture(picture, config)
        return Denoised(noisy, 0.0, None, False, time.perf_counter() - start)

    for job in jobs:
        with closing(Work(job, treatment)) as work:
            work.attempt(work.read)
            work.attempt(lambda work=work: work.treat(photograph))  # type: ignore[misc]
            work.attempt(work.write)
            yield work.outcome()


def simulate_picture(picture: Picture, config: SimulationConfig) -> Picture:
    """A noisy photograph of a clean picture, of the same kind: size, depth, gray or color.

    Args:
        picture: The clean picture; what is transparent or without data stays as it is.
        config: The camera.
    """
    height, width = (max(_BLOCK, side + side % 2) for side in (picture.height, picture.width))
    places, columns = mirror(height, picture.height), mirror(width, picture.width)
    keys = random_streams.fold(torch.tensor([0]), config.seed)
    shot = torch.tensor([config.gain])
    step = max(1, _STRIP // width // _BLOCK) * _BLOCK
    result = picture.samples.copy()
    for start in range(0, picture.height, step):
        stop = min(start + step, picture.height)
        first, last = max(0, start - _AROUND), min(height, stop + stop % 2 + _AROUND)
        part = camera.simulate(
            _rows(picture, places[first:last], columns),
            keys,
            config.kind,
            shot,
            unit=sensor.unit_noise(keys, (height, width), slice(first, last)),
        ).picture[..., start - first : stop - first, : picture.width]
        rows = slice(start, stop)
        result[rows] = picture.samples_of(_in_channels(part, picture.channels), rows)
    if picture.alpha is not None:
        result[picture.alpha == 0] = picture.samples[picture.alpha == 0]
    return picture.with_samples(result)


def _rows(picture: Picture, places: Tensor, columns: Tensor) -> Tensor:
    """Take rows of a picture by their numbers, in color, (1, 3, h, w) in [0, 1]."""
    first = int(places.min())
    band = picture.tensor(slice(first, int(places.max()) + 1))
    return band[:, :, places - first][..., columns].clamp(0, 1).expand(-1, 3, -1, -1)


def _in_channels(part: Tensor, channels: int) -> Tensor:
    """Reduce a photograph (1, 3, h, w) to as many channels as its picture has."""
    if channels > 1:
        return part
    return luma(part[0])[None, None]
