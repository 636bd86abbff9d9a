"""Pictures to and from Pillow's own images, for callers who hold one instead of a file."""

from __future__ import annotations

import numpy as np
from PIL import Image

from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images.decoding import Header, decode
from flowdenoise.images.formats import FORMATS
from flowdenoise.images.metadata import Metadata
from flowdenoise.images.picture import Picture
from flowdenoise.images.quiet import no_python_warnings


def from_pillow(image: Image.Image) -> Picture:
    """Take the pixels of a Pillow image as they lie, not turned by its orientation.

    Raises:
        ImageReadError: Its mode is not supported, or its file turns out to be damaged.
    """
    kind = image.format if image.format in FORMATS else "PNG"
    metadata = Metadata(icc_profile=image.info.get("icc_profile"))  # CMYK goes through it
    try:
        with no_python_warnings():
            return decode(image, Header(kind), metadata)
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageReadError(f"image: damaged or cut short ({error})") from error


def to_pillow(picture: Picture) -> Image.Image:
    """Make a Pillow image: L, LA, RGB, RGBA; without color and alpha also I;16 and F.

    Raises:
        UsageError: Pillow has no such images.
    """
    values = picture.samples
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[..., None]], axis=2)
    if values.dtype != np.uint8 and values.shape[2] > 1:
        raise UsageError("Pillow has no images of more than 8 bits with color or alpha")
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
