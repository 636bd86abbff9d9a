r"""What a camera does to light, and so what the noise of a photograph is.

    light --shot and read noise--> raw --white balance, mosaic--> demosaicking -> color matrix
      -> the camera's smoothing and sharpening -> tone curve -> 8 bits -> JPEG

Noise is independent from value to value only where light is measured. Everything behind it makes
it coarse, couples the channels, lets it depend on brightness and moves its mean. So a noisy
photograph for training is made of a clean picture by going back to the raw (`Scene.unprocess`),
adding noise there, and developing it again (`photograph`). Two kinds of random numbers decide:

- a `Scene` is what belongs to one photograph: exposure, white balance, color matrix, tone curve.
- a `Development` is what a camera's program does with its raw: demosaicking, smoothing,
  sharpening, compression.

What happens to the signal up to sharpening is linear, with weights that depend on the input alone,
so a second raw of the same light can be developed in the same way (`follow`). This is what lets a
network learn from noisy photographs alone (`training.camera_stage`).

T. Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019, is the source of the
way back and of the color matrices; A. Foi et al., "Practical Poissonian-Gaussian noise modeling
and fitting for single-image raw-data", IEEE TIP 2008, of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import torch
from torch import Tensor

from flowdenoise.noise import sensor
from flowdenoise.noise.color_matrix import KNOWN, color_matrix
from flowdenoise.noise.compression import compress
from flowdenoise.noise.demosaicking import (
    Demosaickings,
    demosaic_again,
    demosaic_each,
    indices_of,
    mosaic,
)
from flowdenoise.noise.sensor import Sensor, read_variance, unit_noise, variance
from flowdenoise.noise.smoothing import (
    blur_each,
    gaussian,
    halve_color,
    sharpen,
    smooth,
    smoothing_weight,
)
from flowdenoise.noise.tone import tone, untone
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Ascending, Range, Share
from flowdenoise.system.typed import check

Camera = Literal["phone", "reflex", "camera-jpeg"]

Ends = Annotated[tuple[float, float], Ascending()]
"""The two ends between which a number is drawn."""

_Gain = Annotated[float, Range(1e-9, 1.0)]
Gains = Annotated[tuple[_Gain, _Gain], Ascending()]
"""The two ends between which the gain of the noise's variance is drawn, log-uniformly."""


@dataclass(frozen=True)
class CameraConfig:
    """What cameras of one kind have in common: the range of each number that is drawn.

    Attributes:
        shot: The gain a of the noise's variance a x + b on the raw scale where white is 1; it
            is drawn log-uniformly.
        sensor: The size of the sensor, which decides the gain at a sensitivity.
        fine: The smoothing's gain for brightness detail finer than one pixel; 1 keeps all of it.
        middle: The gain for brightness detail of one to two pixels.
        coarse: The gain for brightness detail of two to four pixels.
        color_fine: The gain for color detail finer than one pixel.
        color_middle: The gain for color detail of one to two pixels.
        color_coarse: The gain for color detail of two to four pixels.
        color_wide: The gain for color detail of four to eight pixels.
        sharpening: The strength of an unsharp mask.
        smoothed: The share of photographs that the camera smooths at all.
        quality: The JPEG quality; above 100 means that the file is not compressed.
        subsampled: The share of JPEG files that hold color at half resolution, both ways or, in
            half of them, across.
        repeated: The share of these files that are read by a program that repeats color.
        contrast: The share of an S-curve in the tone curve.
        red: The gain of red over green that white balance needs: low by lamps, high by daylight.
        blue: The gain of blue over green.
        matrix: The share of the color matrix that is applied. Matrices of phones are as different
            as their sensors, and programs use less of them where noise is strong.
        softness: The deviation of the lens's blur in pixels, which is no noise and not undone.
        demosaicking: The ways to demosaick, of which each photograph has one, all equally likely.
    """

    shot: Gains
    sensor: Sensor = "large"
    fine: Ends = (1.0, 1.0)
    middle: Ends = (1.0, 1.0)
    coarse: Ends = (1.0, 1.0)
    color_fine: Ends = (1.0, 1.0)
    color_middle: Ends = (1.0, 1.0)
    color_coarse: Ends = (1.0, 1.0)
    color_wide: Ends = (1.0, 1.0)
    sharpening: Ends = (0.0, 0.0)
    smoothed: Share = 0.0
    quality: Ends = (101.0, 101.0)
    subsampled: Share = 0.0
    repeated: Share = 0.4
    contrast: Ends = (0.0, 0.6)
    red: Ends = (0.8, 2.0)
    blue: Ends = (0.8, 2.0)
    matrix: Ends = (0.7, 1.3)
    softness: Ends = (0.8, 1.4)
    demosaicking: Demosaickings = ("linear", "edges")

    def __post_init__(self) -> None:
        check(self)


CAMERAS: dict[Camera, CameraConfig] = {
    "phone": CameraConfig(
        shot=(2e-4, 6e-2),
        sensor="small",
        fine=(0.0, 1.0),
        color_fine=(0.0, 0.5),
        color_middle=(0.1, 0.8),
        sharpening=(0.0, 0.3),
        smoothed=0.7,
    ),
    "reflex": CameraConfig(
        shot=(5e-6, 3e-3),
        fine=(-0.15, 0.2),
        middle=(0.2, 0.8),
        coarse=(0.8, 1.0),
        color_fine=(-0.05, 0.05),
        color_middle=(-0.05, 0.05),
        color_coarse=(0.05, 0.5),
        color_wide=(0.15, 1.0),
        sharpening=(0.0, 0.4),
        smoothed=0.95,
        quality=(88.0, 108.0),
        subsampled=0.3,
    ),
    "camera-jpeg": CameraConfig(
        shot=(1e-5, 4e-3),
        fine=(-0.3, 0.2),
        middle=(0.1, 0.8),
        coarse=(0.6, 1.0),
        color_fine=(0.0, 0.1),
        color_middle=(0.0, 0.3),
        color_coarse=(0.0, 0.5),
        color_wide=(0.2, 1.0),
        sharpening=(0.0, 0.9),
        smoothed=1.0,
        quality=(70.0, 99.0),
        subsampled=0.7,
    ),
}
"""The kinds of cameras; `training` draws from all of them."""


def between(unit: Tensor, ends: tuple[float, float]) -> Tensor:
    """What lies at numbers of [0, 1] between two ends."""
    return ends[0] + (ends[1] - ends[0]) * unit


def _units(keys: Tensor, stream: int) -> Tensor:
    """One number in (0, 1) for each key."""
    return Draws(keys).uniform(stream)


def draw_log(
    keys: Tensor, stream: int, ends: tuple[float, float] | tuple[Tensor, Tensor]
) -> Tensor:
    """Draw one number for each key (B,), log-uniformly between the ends."""
    low, high = (torch.as_tensor(end, device=keys.device).log() for end in ends)
    return (low + (high - low) * _units(keys, stream)).exp()


@dataclass(frozen=True)
class Scene:
    """The light and the lens of one photograph, and how it is brought to sRGB.

    Attributes:
        gains: The factors from raw to white-balanced and exposed light, (B, 3). The least is that
            of the exposure, so what burns out in one color is white in all.
        matrix: The matrix from the camera's colors to linear sRGB, (B, 3, 3).
        contrast: The share of an S-curve in the tone curve, (B,).
        read: The deviation of the read noise from its law, (B,), standard normal.
        softness: The deviation of the lens's blur in pixels, (B,).
    """

    gains: Tensor
    matrix: Tensor
    contrast: Tensor
    read: Tensor
    softness: Tensor

    @classmethod
    def draw(cls, keys: Tensor, config: CameraConfig) -> Scene:
        """Draw scenes for keys (B,) int32; the same key gives the same scene."""
        exposure = between(_units(keys, Stream.CAMERA_EXPOSURE), (1.0, 1.6))
        red = between(_units(keys, Stream.CAMERA_RED), config.red)
        blue = between(_units(keys, Stream.CAMERA_BLUE), config.blue)
        gains = torch.stack([red, torch.ones_like(red), blue], 1)
        gains = exposure[:, None] * gains / gains.amin(1, keepdim=True)
        share = between(_units(keys, Stream.CAMERA_CONTRAST), config.contrast)
        normal = torch.special.ndtri(_units(keys, Stream.CAMERA_READ).double()).float()
        softness = between(_units(keys, Stream.CAMERA_SOFTNESS), config.softness)
        mix = [_units(keys, Stream.CAMERA_MIX + 64 * i) for i in range(KNOWN)]
        applied = between(_units(keys, Stream.CAMERA_MATRIX), config.matrix)
        matrix = color_matrix(torch.stack(mix, 1), applied)
        return cls(gains, matrix, share, normal, softness)

    def unprocess(self, picture: Tensor) -> Tensor:
        """Take pictures (B, 3, H, W), sRGB in [0, 1], back to the light on the sensor."""
        light = untone(picture, self.contrast)
        light = torch.einsum("boc,bchw->bohw", torch.linalg.inv(self.matrix), light)
        light = (light / self.gains[:, :, None, None]).clamp_(min=0)
        return blur_each(light, self.softness)

    def balance(self, raw: Tensor) -> Tensor:
        """Apply white balance and exposure to raw (B, 3, H, W), which demosaicking needs."""
        return raw * self.gains[:, :, None, None]

    def develop(self, light: Tensor) -> Tensor:
        """Apply the color matrix: balanced light (B, 3, H, W) to linear sRGB."""
        return torch.einsum("boc,bchw->bohw", self.matrix, light)


@dataclass(frozen=True)
class Development:
    """What a camera's program does with a raw.

    Attributes:
        demosaicking: The index in `demosaicking.METHODS`, (B,) int64.
        bands: The gains of brightness and color for fine, middle, coarse and wide detail,
            (B, 2, 4).
        edge: The contrast, in deviations of the noise, above which the smoothing ends, (B,).
        sharpening: The strength of the unsharp mask, (B,).
        quality: The JPEG quality, (B,); above 100 means that the file is not compressed.
        subsampling: How JPEG holds color, (B,) int64, indices of `compression.SUBSAMPLINGS`.
        clipped: Whether the raw is cut off at black before it is developed, (B,).
    """

    demosaicking: Tensor
    bands: Tensor
    edge: Tensor
    sharpening: Tensor
    quality: Tensor
    subsampling: Tensor
    clipped: Tensor

    @classmethod
    def draw(cls, keys: Tensor, config: CameraConfig) -> Development:
        """Draw developments for keys (B,) int32; the same key gives the same one."""
        ranges = (
            (config.fine, config.middle, config.coarse, (1.0, 1.0)),
            (config.color_fine, config.color_middle, config.color_coarse, config.color_wide),
        )
        ways = indices_of(config.demosaicking).to(keys.device)
        smoothed = _units(keys, Stream.CAMERA_SMOOTHED) < config.smoothed
        # Strong and weak smoothing go together in all bands.
        strength = _units(keys, Stream.CAMERA_BANDS)
        halved = _units(keys, Stream.CAMERA_SUBSAMPLED) / max(config.subsampled, 1e-9)
        repeated = (halved < 1) & (_units(keys, Stream.CAMERA_REPEATED) < config.repeated)
        rows = [
            [
                between(
                    0.5 * strength
                    + 0.5 * _units(keys, Stream.CAMERA_BANDS + 64 * (4 * i + j + 1)),
                    ends,
                )
                for j, ends in enumerate(row)
            ]
            for i, row in enumerate(ranges)
        ]
        bands = torch.stack([torch.stack(row, 1) for row in rows], 1)
        return cls(
            demosaicking=ways[(len(ways) * _units(keys, Stream.CAMERA_DEMOSAIC)).long()],
            bands=torch.where(smoothed[:, None, None], bands, 1.0),
            edge=draw_log(keys, Stream.CAMERA_EDGE, (50.0, 2000.0)),
            sharpening=between(_units(keys, Stream.CAMERA_SHARPENING), config.sharpening),
            quality=between(_units(keys, Stream.CAMERA_QUALITY), config.quality).round(),
            subsampling=(halved < 1).long() + (halved < 0.5).long() + 2 * repeated.long(),
            clipped=_units(keys, Stream.CAMERA_CLIP) < 0.2,
        )

    @classmethod
    def choose(cls, developments: Sequence[Development], which: Tensor) -> Development:
        """Take, for each sample of the batch, the development whose index `which` (B,) holds."""
        rows = torch.arange(len(which), device=which.device)
        parts = {
            field.name: torch.stack([getattr(one, field.name) for one in developments])[
                which, rows
            ]
            for field in fields(cls)
        }
        return cls(**parts)


@dataclass(frozen=True)
class Photograph:
    """A simulated photograph and what a second raw needs to be developed alike.

    Attributes:
        picture: The picture, (B, 3, H, W) sRGB in [0, 1], whole multiples of 1/255.
        light: The linear sRGB behind `picture`, before clipping and tone curve, (B, 3, H, W).
        weight: How much the camera smoothed at each place, (B, 1, H, W).
        mosaic: The balanced raw of one color a pixel, (B, 1, H, W).
    """

    picture: Tensor
    light: Tensor
    weight: Tensor
    mosaic: Tensor


def photograph(
    raw: Tensor, scene: Scene, how: Development, shot: Tensor, read: Tensor
) -> Photograph:
    """Develop a noisy raw as a camera does.

    Args:
        raw: The noisy light on the sensor, (B, 3, H, W); two of a pixel's three values are lost.
        scene: The scenes of the photographs.
        how: What the camera's program does.
        shot: The gain of the noise in `raw`, (B,), to which the smoothing is fitted.
        read: The constant part of that noise's variance, (B,).
    """
    raw = torch.where(how.clipped[:, None, None, None], raw.clamp(min=0), raw).clamp(max=1)
    white = scene.gains.amin(1)[:, None, None, None]  # what all colors reach
    values = mosaic(scene.balance(raw).clamp(max=white))
    light = scene.develop(demosaic_each(values, how.demosaicking))
    level = variance(gaussian(raw[:, 1:2], 2.0), shot, read).sqrt()
    weight = smoothing_weight(light, how.edge, level * scene.gains.mean(1)[:, None, None, None])
    light = sharpen(smooth(light, how.bands, weight), how.sharpening)
    picture = compress(tone(light, scene.contrast), how.quality, how.subsampling)
    return Photograph(picture, light, weight, values)


def follow(raw: Tensor, scene: Scene, how: Development, photo: Photograph) -> Tensor:
    """Do to a second raw of the same light what a camera did to a photograph.

    Args:
        raw: The light on the sensor, (B, 3, H, W); two of a pixel's three values are lost.
        scene: The scenes of the photographs.
        how: What the camera's program does.
        photo: The photographs, whose edges are followed and whose smoothing is done again.

    Returns:
        Linear sRGB, neither clipped nor curved nor compressed, and linear in `raw`.
    """
    light = scene.develop(
        demosaic_again(mosaic(scene.balance(raw)), photo.mosaic, how.demosaicking)
    )
    light = sharpen(smooth(light, how.bands, photo.weight), how.sharpening)
    return halve_color(light, torch.where(how.quality <= 100, how.subsampling, 0))


def simulate(
    picture: Tensor,
    keys: Tensor,
    config: CameraConfig,
    shot: Tensor | None = None,
    *,
    noise: float = 1.0,
    noise_keys: Tensor | None = None,
    unit: Tensor | None = None,
    light: Tensor | None = None,
) -> Photograph:
    """Simulate the noisy photograph that a camera would take of a clean picture.

    Args:
        picture: The clean pictures, (B, 3, H, W) sRGB in [0, 1], H and W even.
        keys: The keys, (B,) int32; the same key gives the same photograph.
        config: The kind of camera.
        shot: The gain of the noise's variance, (B,); None draws it from `config.shot`.
        noise: The factor of the noise; 0 gives the photograph of a camera without noise.
        noise_keys: The keys of the noise alone, (B,) int32, for another noise in the same light.
        unit: The numbers of `unit_noise`, (B, 3, H, W), if the picture is part of a photograph.
        light: The factor of the light of the scene, (B,); None is 1. What is too bright burns out.
    """
    scene = Scene.draw(keys, config)
    if shot is None:
        shot = draw_log(keys, Stream.CAMERA_SHOT, config.shot)
    read = read_variance(shot, scene.read)
    raw = scene.unprocess(picture)
    if light is not None:
        raw = light[:, None, None, None] * raw
    if unit is None:
        size = (raw.shape[2], raw.shape[3])
        unit = unit_noise(keys if noise_keys is None else noise_keys, size)
    noisy = raw + noise * sensor.noise(unit, raw, shot, read)
    return photograph(noisy, scene, Development.draw(keys, config), shot, read)
