"""Many shots of one scene, whose mean is what the truth of real pairs mostly is.

Noise that a shot cuts off at black lifts its mean, and that of all shots likewise, above what a
camera without noise would take. So there are two truths of a simulated photograph, and where noise
is strong they differ by some levels in dark tones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from flowdenoise.noise import camera
from flowdenoise.noise.tone import tone, untone
from flowdenoise.system.random_streams import Stream, fold


def mean_of_shots(
    picture: Tensor,
    keys: Tensor,
    config: camera.CameraConfig,
    shot: Tensor | None = None,
    *,
    count: int,
    light: Tensor | None = None,
) -> Tensor:
    """The mean, in linear light, of shots of one scene, as truths of real pairs are made.

    What was cut off at black in each shot lifts it above what a camera without noise would take.

    Args:
        picture: The clean pictures, (B, 3, H, W) sRGB in [0, 1], H and W even.
        keys: The keys, (B,) int32, as `camera.simulate` takes them, of the same scenes.
        config: The kind of camera.
        shot: The gain of the noise's variance, (B,); None draws it from `config.shot`.
        count: The number of shots, at least 1.
        light: The factor of the light of the scene, (B,), as `camera.simulate` takes it.

    Returns:
        Pictures (B, 3, H, W), sRGB in [0, 1], whole multiples of 1/255.
    """
    contrast = camera.Scene.draw(keys, config).contrast
    total = torch.zeros_like(picture)
    for index in range(count):
        noise_keys = fold(keys, Stream.CAMERA_SHOTS + 64 * index)
        one = camera.simulate(picture, keys, config, shot, noise_keys=noise_keys, light=light)
        total += untone(one.picture, contrast)
    return (255 * tone(total / count, contrast)).round() / 255
