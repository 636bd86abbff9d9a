"""The views of a picture on the page, as 8-bit PNG files in the picture's own color profile."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise import images
from flowdenoise.engine import Crop, Denoiser, Examined, RemovalConfig
from flowdenoise.errors import UsageError
from flowdenoise.estimation import NoiseMaps
from flowdenoise.images import Metadata, Picture, quantize, sheets
from flowdenoise.networks import MAPS

_LARGEST = 8_000_000  # pixels of a part
_THUMBNAIL = 320  # longest side
_SPREAD = 4  # samples of the picture for one of a thumbnail, along each side
_RAMP = ((0.05, 0.05, 0.08), (0.45, 0.12, 0.28), (0.93, 0.45, 0.18), (1.0, 0.93, 0.65))
"""Colors of a map of noise, from none to the strongest."""


def _inside(picture: Picture, part: Crop) -> tuple[slice, slice]:
    """The rows and the columns of a part that may be shown.

    Raises:
        UsageError: The part is too large, or it reaches beyond the picture.
    """
    if part.width * part.height > _LARGEST:
        raise UsageError(f"a part has at most {_LARGEST} pixels")
    return part.of(picture.width, picture.height)


def before(picture: Picture, part: Crop) -> bytes:
    """Show a part of a picture as it came."""
    return _png(picture, picture.part(*_inside(picture, part)).tensor())


def after(denoiser: Denoiser, examined: Examined, removal: RemovalConfig, part: Crop) -> bytes:
    """Show a part of a picture after denoising."""
    rows, columns = _inside(examined.picture, part)
    result = denoiser.remove_part(examined, removal, rows, columns)
    return _png(examined.picture, result.tensor())


def removed(denoiser: Denoiser, examined: Examined, removal: RemovalConfig, part: Crop) -> bytes:
    """Show the noise removed from a part of a picture, amplified around mid-gray."""
    rows, columns = _inside(examined.picture, part)
    result = denoiser.remove_part(examined, removal, rows, columns)
    noise = sheets.noise_picture(examined.picture.part(rows, columns), result)
    return _png(examined.picture, noise)


def thumbnail(picture: Picture) -> bytes:
    """Show the whole picture in a small size."""
    longest = max(picture.width, picture.height)
    step = max(1, longest // (_SPREAD * _THUMBNAIL))
    coarse = picture.part(slice(0, picture.height, step), slice(0, picture.width, step)).tensor()
    factor = min(1.0, _THUMBNAIL / max(coarse.shape[-2:]))
    size = [max(1, round(side * factor)) for side in coarse.shape[-2:]]
    return _png(picture, F.interpolate(coarse, size, mode="area"))


def noise_map(maps: NoiseMaps, of: str) -> bytes:
    """Show how strong the noise is at each place, with a pixel for each cell of the maps.

    Args:
        maps: The noise maps of the picture.
        of: The map to show, "brightness" or "color".

    Raises:
        UsageError: No map has this name.
    """
    name = f"{of}, coarse"
    if name not in MAPS:
        raise UsageError(f"there is no map of {of!r}")
    levels = maps.levels[MAPS.index(name)]
    levels = levels / levels.max().clamp(min=1e-6)
    ramp = torch.tensor(_RAMP)
    place = levels.clamp(0, 1) * (len(ramp) - 1)
    below = place.long().clamp(max=len(ramp) - 2)
    colors = torch.lerp(ramp[below], ramp[below + 1], (place - below)[..., None])
    data, _ = images.encode(Picture(quantize(colors.permute(2, 0, 1), np.uint8)), "PNG")
    return data


def _png(picture: Picture, tensor: Tensor) -> bytes:
    metadata = Metadata(icc_profile=picture.metadata.icc_profile)
    data, _ = images.encode(Picture(quantize(tensor, np.uint8), metadata=metadata), "PNG")
    return data
