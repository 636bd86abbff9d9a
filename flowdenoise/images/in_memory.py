"""Pictures as programs hold them: as bytes, Pillow images, NumPy arrays or tensors.

A result is of the same kind as the input, with the same type, shape and device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.images.picture import Picture
from flowdenoise.images.pillow_images import from_pillow, to_pillow
from flowdenoise.images.reading import read_pages
from flowdenoise.images.writing import encode

Held: TypeAlias = "bytes | Image.Image | np.ndarray[Any, Any] | Tensor"
"""A picture in memory."""

Restore: TypeAlias = Callable[[list[Picture]], tuple[Any, tuple[str, ...]]]
"""Turns pictures back into the kind of object that they were made from, and gives beside it the
warnings about what could not be kept, as `encode` does. Those of reading lie in the pictures."""

_LARGEST = 1e12  # the squares of larger floats may have a sum that overflows
_LARGEST_MEAN = 4.0  # of floats: no picture is so bright whose white is 1


def unpack(image: Held) -> tuple[list[Picture], Restore]:
    """Take the pictures out of whatever holds them.

    Args:
        image: The bytes of a file; a Pillow image; an array (H, W) or (H, W, C) of uint8, uint16
            or floats, where C is 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGB and
            alpha, in any order of bytes; a tensor (H, W), (C, H, W) or (B, C, H, W) of uint8 or
            floats, where C is 1 or 3. White is the largest number of an integer type, and 1.0
            for floats.

    Returns:
        The pictures, one unless the input is a batch or a file of several pages, and the function
        that puts other pictures in their place.

    Raises:
        UsageError: The object is none of these, its shape or its type is another, it holds no
            pixels, it has a mask, or its floats are far from those of any picture.
        ImageReadError: The bytes are no picture.
    """
    if isinstance(image, bytes):
        pages = list(read_pages(image))
        return pages, lambda results: encode(results[0], further=results[1:])
    if isinstance(image, Image.Image):
        return [from_pillow(image)], lambda pictures: (_to_pillow(pictures[0], image), ())
    if isinstance(image, np.ndarray):
        return [_from_array(image)], lambda pictures: (_to_array(pictures[0], image), ())
    if isinstance(image, Tensor):
        return _from_tensor(image)
    raise UsageError(
        f"a picture is a path, bytes, a Pillow image, an array or a tensor, "
        f"not {type(image).__name__}"
    )


def _to_pillow(picture: Picture, like: Image.Image) -> Image.Image:
    result = to_pillow(picture)
    # What described the old pixels must not describe the new ones.
    stale = {"icc_profile"} if like.mode == "CMYK" else set()
    stale |= {"transparency"} if like.mode != result.mode else set()
    result.info.update({key: value for key, value in like.info.items() if key not in stale})
    return result


def _from_array(array: np.ndarray[Any, Any]) -> Picture:
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if channels not in (1, 2, 3, 4) or not array.size:
        raise UsageError(
            f"an array of a picture is (H, W) or (H, W, C) with 1 to 4 channels, not {array.shape}"
        )
    if isinstance(array, np.ma.MaskedArray):
        raise UsageError("an array of a picture has no mask: fill what is masked, by `filled`")
    array = np.asarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "f":
        array = _checked_floats(array).astype(np.float32)
    elif array.dtype not in (np.uint8, np.uint16):
        raise UsageError(
            f"an array of a picture is of uint8, uint16 or floats, not {array.dtype.name}"
        )
    values = array.reshape(*array.shape[:2], channels)
    colors = channels - (channels in (2, 4))
    alpha = np.ascontiguousarray(values[..., colors]) if colors < channels else None
    return Picture(np.ascontiguousarray(values[..., :colors]), alpha)


def _checked_floats(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not np.isfinite(array).all():
        raise UsageError("the array has values that are not finite numbers")
    largest = float(max(array.max(), -array.min()))
    if largest > _LARGEST or float(np.abs(array).mean(dtype=np.float64)) > _LARGEST_MEAN:
        raise UsageError(
            f"the array has values as large as {largest:g}, while white is 1.0: "
            f"divide them by the value of their white, such as 255"
        )
    return array


def _to_array(picture: Picture, like: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values = picture.samples
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[..., None]], axis=2)
    return values.reshape(*values.shape[:2], *like.shape[2:]).astype(like.dtype, copy=False)


def _from_tensor(tensor: Tensor) -> tuple[list[Picture], Restore]:
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        kind = "meta" if tensor.is_meta else "quantized" if tensor.is_quantized else "sparse"
        raise UsageError(f"a tensor of pictures is dense and holds its values, and this is {kind}")
    if not 2 <= tensor.ndim <= 4 or (tensor.ndim > 2 and tensor.shape[-3] not in (1, 3)):
        raise UsageError(
            f"a tensor of pictures is (H, W), (C, H, W) or (B, C, H, W) with 1 or 3 channels, "
            f"not {tuple(tensor.shape)}"
        )
    if not tensor.numel():
        raise UsageError(f"a tensor of pictures is not empty, and this is {tuple(tensor.shape)}")
    channels = 1 if tensor.ndim == 2 else tensor.shape[-3]
    planes = tensor.detach().cpu().reshape(-1, channels, *tensor.shape[-2:])
    if planes.is_floating_point():
        planes = planes.float()
    pictures = [_from_array(image.permute(1, 2, 0).numpy()) for image in planes]

    def restore(results: list[Picture]) -> tuple[Tensor, tuple[str, ...]]:
        images = [
            torch.from_numpy(np.ascontiguousarray(result.samples)).permute(2, 0, 1)
            for result in results
        ]
        size = images[0].shape[-2:]
        return torch.stack(images).reshape(*tensor.shape[:-2], *size).to(tensor), ()

    return pictures, restore
