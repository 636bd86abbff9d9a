r"""What a camera does to light, and so what the noise of a photograph is.

    light --shot and read noise--> raw --mosaic--> demosaicking -> white balance and color matrix
      -> the camera's smoothing and sharpening -> tone curve -> 8 bits -> JPEG

Noise is independent from value to value only where light is measured. Everything behind it makes
it coarse, couples the channels, lets it depend on brightness and moves its mean. So a noisy
photograph for training is made of a clean picture by going back to the raw (`Scene.unprocess`),
adding noise there, and developing it again (`develop`). Two kinds of random numbers decide:

- a `Scene` is what belongs to one photograph: exposure, white balance, color matrix, tone curve.
- a `Development` is what a camera's program does with its raw: demosaicking, smoothing,
  sharpening, compression.

What happens to the signal up to sharpening is linear, with weights that depend on the input alone,
so that a second raw of the same light can be taken the same way (`follow`): this is what lets a
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

from flowdenoise.noise.compression import compress
from flowdenoise.noise.demosaicking import (
    DEMOSAICS,
    demosaic_each,
    demosaic_signal,
    mosaic,
)
from flowdenoise.noise.smoothing import (
    blur_each,
    gaussian,
    halve_color,
    sharpen,
    smooth,
    smoothing_weight,
)
from flowdenoise.noise.tone import tone, untone
from flowdenoise.system import random_streams
from flowdenoise.system.random_streams import Stream
from flowdenoise.system.rules import Ascending, Range, Share
from flowdenoise.system.typed import check

Camera = Literal["phone", "reflex", "camera-jpeg"]

Ends = Annotated[tuple[float, float], Ascending()]
"""From where to where something is drawn."""

_Gain = Annotated[float, Range(1e-9, 1.0)]
Gains = Annotated[tuple[_Gain, _Gain], Ascending()]
"""From where to where the gain of the noise's variance is drawn, with uniform logarithm."""


@dataclass(frozen=True)
class CameraConfig:
    """What cameras of one kind have in common: the range of everything that is drawn.

    Attributes:
        shot: The gain a of the noise's variance a x + b on the raw scale where white is 1; drawn
            with uniform logarithm.
        fine: Gains of the smoothing for detail finer than one pixel (brightness): 1 keeps all.
        middle: Gains for detail of one to two pixels (brightness).
        coarse: Gains for detail of two to four pixels (brightness).
        color_fine: Gains for fine detail of color.
        color_middle: Gains for detail of color of one to two pixels.
        color_coarse: Gains for detail of color of two to four pixels.
        sharpening: Strength of an unsharp mask.
        smoothed: Share of photographs that the camera smooths at all.
        quality: JPEG quality; above 100 means that the file is not compressed.
        subsampled: Share of JPEG files with color at half resolution.
        contrast: Share of an S-curve in the tone curve.
        softness: Deviation of the lens's blur in pixels; it is no noise, and is not undone.
    """

    shot: Gains
    fine: Ends = (1.0, 1.0)
    middle: Ends = (1.0, 1.0)
    coarse: Ends = (1.0, 1.0)
    color_fine: Ends = (1.0, 1.0)
    color_middle: Ends = (1.0, 1.0)
    color_coarse: Ends = (1.0, 1.0)
    sharpening: Ends = (0.0, 0.0)
    smoothed: Share = 0.0
    quality: Ends = (101.0, 101.0)
    subsampled: Share = 0.0
    contrast: Ends = (0.0, 0.6)
    softness: Ends = (0.5, 1.1)

    def __post_init__(self) -> None:
        check(self)


CAMERAS: dict[Camera, CameraConfig] = {
    "phone": CameraConfig(
        shot=(2e-4, 6e-2),
        fine=(0.0, 1.0),
        color_fine=(0.0, 0.5),
        color_middle=(0.1, 0.8),
        sharpening=(0.0, 0.3),
        smoothed=0.7,
    ),
    "reflex": CameraConfig(
        shot=(5e-6, 3e-3),
        fine=(-0.3, 0.3),
        middle=(0.3, 0.9),
        coarse=(0.7, 1.0),
        color_fine=(-0.05, 0.05),
        color_middle=(-0.1, 0.3),
        color_coarse=(0.2, 0.9),
        sharpening=(0.0, 0.5),
        smoothed=0.9,
        quality=(88.0, 108.0),
        subsampled=0.3,
    ),
    "camera-jpeg": CameraConfig(
        shot=(1e-5, 4e-3),
        fine=(-0.3, 0.3),
        middle=(0.2, 0.9),
        coarse=(0.5, 1.0),
        color_fine=(0.0, 0.1),
        color_middle=(0.0, 0.3),
        color_coarse=(0.1, 0.8),
        sharpening=(0.0, 0.9),
        smoothed=1.0,
        quality=(70.0, 99.0),
        subsampled=0.7,
    ),
}
"""The kinds of cameras; `training` draws from all of them."""

_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_FROM_XYZ = (
    ((1.0234, -0.2969, -0.2266), (-0.5625, 1.6328, -0.0469), (-0.0703, 0.2188, 0.6406)),
    ((0.4913, -0.0541, -0.0202), (-0.6130, 1.3513, 0.2906), (-0.1564, 0.2151, 0.7183)),
    ((0.8380, -0.2630, -0.0639), (-0.2887, 1.0725, 0.2496), (-0.0627, 0.1427, 0.5438)),
    ((0.6596, -0.2079, -0.0562), (-0.4782, 1.3016, 0.1933), (-0.0970, 0.1581, 0.5181)),
)
"""XYZ to the raw of four reflex cameras, as in Brooks et al. 2019, from their DNG files."""


def _between(unit: Tensor, ends: tuple[float, float]) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * unit


def _units(keys: Tensor, stream: int) -> Tensor:
    """One number in (0, 1) for each key."""
    folded = random_streams.fold(keys, stream)
    return random_streams.uniform(folded, torch.zeros_like(folded))


def draw_log(keys: Tensor, stream: int, ends: tuple[float, float]) -> Tensor:
    """One number for each key (B,), its logarithm uniform between those of the ends."""
    low, high = (torch.tensor(end, device=keys.device).log() for end in ends)
    return (low + (high - low) * _units(keys, stream)).exp()


def read_variance(shot: Tensor, deviation: Tensor | float = 0.0) -> Tensor:
    """The constant part b of the variance that goes with a gain, log b = 2.18 log a + 1.2."""
    return (2.18 * shot.log() + 1.2 + 0.3 * torch.as_tensor(deviation)).exp()


@dataclass(frozen=True)
class Scene:
    """What belongs to one photograph.

    Attributes:
        gains: (B, 3) from raw to white-balanced and exposed light.
        matrix: (B, 3, 3) from the camera's colors to linear sRGB.
        contrast: (B,) share of an S-curve in the tone curve.
        read: (B,) deviation of the read noise from its law, standard normal.
        softness: (B,) deviation of the lens's blur in pixels.
    """

    gains: Tensor
    matrix: Tensor
    contrast: Tensor
    read: Tensor
    softness: Tensor

    @classmethod
    def draw(cls, keys: Tensor, config: CameraConfig) -> Scene:
        """Scenes for keys (B,) int32; the same key gives the same scene."""
        exposure = _between(_units(keys, Stream.CAMERA_EXPOSURE), (1.0, 1.6))
        red = _between(_units(keys, Stream.CAMERA_RED), (1.5, 2.6))
        blue = _between(_units(keys, Stream.CAMERA_BLUE), (1.3, 2.2))
        gains = exposure[:, None] * torch.stack([red, torch.ones_like(red), blue], 1)
        share = _between(_units(keys, Stream.CAMERA_CONTRAST), config.contrast)
        normal = torch.special.ndtri(_units(keys, Stream.CAMERA_READ).double()).float()
        softness = _between(_units(keys, Stream.CAMERA_SOFTNESS), config.softness)
        return cls(gains, _camera_matrix(keys), share, normal, softness)

    def unprocess(self, picture: Tensor) -> Tensor:
        """The raw of a picture: (B, 3, H, W) sRGB in [0, 1] to light on the sensor."""
        light = untone(picture, self.contrast)
        light = torch.einsum("boc,bchw->bohw", torch.linalg.inv(self.matrix), light)
        light = (light / self.gains[:, :, None, None]).clamp_(min=0)
        return blur_each(light, self.softness)

    def develop(self, raw: Tensor) -> Tensor:
        """White balance and color matrix: raw (B, 3, H, W) to linear sRGB."""
        light = raw * self.gains[:, :, None, None]
        return torch.einsum("boc,bchw->bohw", self.matrix, light)


def _camera_matrix(keys: Tensor) -> Tensor:
    """A random mean of known color matrices, from the camera to linear sRGB, (B, 3, 3)."""
    shares = torch.stack(
        [_units(keys, Stream.CAMERA_MIX + 64 * i) for i in range(len(_FROM_XYZ))], 1
    )
    shares = -shares.log()
    shares = shares / shares.sum(1, keepdim=True)
    known = torch.tensor(_FROM_XYZ, device=keys.device) @ torch.tensor(_TO_XYZ, device=keys.device)
    mixed = torch.einsum("bn,nij->bij", shares, known)
    matrix: Tensor = torch.linalg.inv(mixed / mixed.sum(2, keepdim=True))
    return matrix


def variance(raw: Tensor, shot: Tensor, read: Tensor) -> Tensor:
    """Variance a x + b of the noise, (B, 3, H, W), of raw values with gains and floors (B,)."""
    return shot[:, None, None, None] * raw.clamp(min=0) + read[:, None, None, None]


def sensor_noise(raw: Tensor, shot: Tensor, scene: Scene, keys: Tensor) -> Tensor:
    """Photon and read noise of raw values (B, 3, H, W), Gaussian, independent from each other.

    Args:
        raw: Light on the sensor.
        shot: (B,) gain of the variance.
        scene: Whose read noise deviates from its law.
        keys: (B,) int32; the same key gives the same noise.
    """
    unit = random_streams.Draws(keys).normal(Stream.CAMERA_NOISE, tuple(raw.shape[1:]))
    return variance(raw, shot, read_variance(shot, scene.read)).sqrt() * unit


@dataclass(frozen=True)
class Development:
    """What a camera's program does with a raw.

    Attributes:
        demosaicking: (B,) int64, an index of `DEMOSAICS`.
        bands: (B, 2, 3) gains of brightness and color for fine, middle and coarse detail.
        edge: (B,) contrast, in deviations of the noise, above which the smoothing ends.
        sharpening: (B,) strength of the unsharp mask.
        quality: (B,) of JPEG; above 100 is not compressed.
        subsampled: (B,) whether JPEG holds color at half resolution.
        clipped: (B,) whether the raw is cut off at black before it is developed.
    """

    demosaicking: Tensor
    bands: Tensor
    edge: Tensor
    sharpening: Tensor
    quality: Tensor
    subsampled: Tensor
    clipped: Tensor

    @classmethod
    def draw(cls, keys: Tensor, config: CameraConfig) -> Development:
        """Developments for keys (B,) int32."""
        ranges = (
            (config.fine, config.middle, config.coarse),
            (config.color_fine, config.color_middle, config.color_coarse),
        )
        smoothed = _units(keys, Stream.CAMERA_SMOOTHED) < config.smoothed
        strength = _units(
            keys, Stream.CAMERA_BANDS
        )  # strong and weak smoothing go together in all bands
        rows = [
            [
                _between(
                    0.5 * strength
                    + 0.5 * _units(keys, Stream.CAMERA_BANDS + 64 * (3 * i + j + 1)),
                    ends,
                )
                for j, ends in enumerate(row)
            ]
            for i, row in enumerate(ranges)
        ]
        bands = torch.stack([torch.stack(row, 1) for row in rows], 1)
        return cls(
            demosaicking=(len(DEMOSAICS) * _units(keys, Stream.CAMERA_DEMOSAIC)).long(),
            bands=torch.where(smoothed[:, None, None], bands, 1.0),
            edge=draw_log(keys, Stream.CAMERA_EDGE, (3.0, 300.0)),
            sharpening=_between(_units(keys, Stream.CAMERA_SHARPENING), config.sharpening),
            quality=_between(_units(keys, Stream.CAMERA_QUALITY), config.quality).round(),
            subsampled=_units(keys, Stream.CAMERA_SUBSAMPLED) < config.subsampled,
            clipped=_units(keys, Stream.CAMERA_CLIP) < 0.3,
        )

    @classmethod
    def choose(cls, developments: Sequence[Development], which: Tensor) -> Development:
        """Of several developments, for each of (B,) the one that `which` (B,) names."""
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
        picture: (B, 3, H, W) sRGB in [0, 1], whole multiples of 1/255.
        light: (B, 3, H, W) linear sRGB behind `picture`, before clipping and tone curve.
        weight: (B, 1, H, W) where the camera smoothed.
    """

    picture: Tensor
    light: Tensor
    weight: Tensor


def photograph(
    raw: Tensor, scene: Scene, how: Development, shot: Tensor, read: Tensor
) -> Photograph:
    """Develop a noisy raw as a camera does.

    Args:
        raw: (B, 3, H, W) noisy light on the sensor; two of the three values of a pixel are lost.
        scene: What belongs to the photograph.
        how: What the camera's program does.
        shot: (B,) gain of the noise in `raw`, to which the smoothing is fitted.
        read: (B,) its constant part.
    """
    raw = torch.where(how.clipped[:, None, None, None], raw.clamp(min=0), raw).clamp(max=1)
    light = scene.develop(demosaic_each(mosaic(raw), how.demosaicking))
    level = variance(gaussian(raw[:, 1:2], 2.0), shot, read).sqrt()
    weight = smoothing_weight(light, how.edge, level * scene.gains.mean(1)[:, None, None, None])
    light = sharpen(smooth(light, how.bands, weight), how.sharpening)
    return Photograph(
        compress(tone(light, scene.contrast), how.quality, how.subsampled), light, weight
    )


def follow(raw: Tensor, scene: Scene, how: Development, weight: Tensor) -> Tensor:
    """What a camera does to the signal alone, with weights that are already known.

    Args:
        raw: (B, 3, H, W) light on the sensor with all colors of each pixel.
        scene: What belongs to the photograph.
        how: What the camera's program does.
        weight: (B, 1, H, W) where it smooths, see `Photograph`.

    Returns:
        Linear sRGB, neither clipped nor curved nor compressed, and linear in `raw`.
    """
    light = scene.develop(demosaic_signal(raw, how.demosaicking))
    light = sharpen(smooth(light, how.bands, weight), how.sharpening)
    return halve_color(light, how.subsampled & (how.quality <= 100))


def simulate(
    picture: Tensor,
    keys: Tensor,
    config: CameraConfig,
    shot: Tensor | None = None,
    *,
    noise: float = 1.0,
    noise_keys: Tensor | None = None,
) -> Photograph:
    """A noisy photograph of a clean picture, as such a camera would take it.

    Args:
        picture: (B, 3, H, W) sRGB in [0, 1], H and W even.
        keys: (B,) int32; the same key gives the same photograph.
        config: What kind of camera.
        shot: (B,) gain of the noise's variance; drawn from `config.shot` if not given.
        noise: Factor of the noise; 0 gives the photograph that a camera without noise would take.
        noise_keys: (B,) int32 keys of the noise alone; another noise under the same light.
    """
    scene = Scene.draw(keys, config)
    if shot is None:
        shot = draw_log(keys, Stream.CAMERA_SHOT, config.shot)
    read = read_variance(shot, scene.read)
    raw = scene.unprocess(picture)
    own = keys if noise_keys is None else noise_keys
    noisy = raw + noise * sensor_noise(raw, shot, scene, own)
    return photograph(noisy, scene, Development.draw(keys, config), shot, read)
