"""What the numbers in a TIFF page mean as colors: gray, RGB, a palette's index, or ink.

Source: TIFF Revision 6.0 (Adobe, 1992), sections 3 to 6 and 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from flowdenoise.errors import ImageReadError
from flowdenoise.images.picture import Samples
from flowdenoise.images.pillow_images import cmyk_conversion
from flowdenoise.images.tiff.pixels import Layout

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK = 0, 1, 2, 3, 5
STORED_CHANNELS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4}
"""The channels that are stored, by photometric interpretation; Pillow decodes the others."""


@dataclass(frozen=True)
class Colors:
    """How stored samples become gray or RGB.

    Attributes:
        name: The kind of colors in the file, in words.
        channels: The number of channels of the picture, 1 or 3.
        dtype: The type of the picture's samples.
        convert: The function from stored samples (h, w, n), all or one of a pixel's channels, to
            the picture's samples; a further channel stays the last.
        warnings: What the conversion loses, a line each.
        through_profile: Whether the conversion applies the color profile.
    """

    name: str
    channels: int
    dtype: str
    convert: Callable[[Samples], Samples]
    warnings: tuple[str, ...] = ()
    through_profile: bool = False


def colors_of(
    photometric: int, layout: Layout, color_map: tuple[int, ...], profile: bytes | None
) -> Colors:
    """How the samples of a page become a picture.

    Args:
        photometric: A key of `STORED_CHANNELS`.
        layout: The layout of the page.
        color_map: The palette: all red values, then the green ones, then the blue ones.
        profile: The color profile, by which CMYK becomes RGB.

    Raises:
        ImageReadError: The palette is damaged.
    """
    if photometric == PALETTE:
        return _of_palette(layout, color_map)
    if photometric == CMYK:
        return _of_ink(layout, profile)
    dtype = layout.dtype.newbyteorder("=")
    scale = 1
    warnings: tuple[str, ...] = ()
    if layout.bits < 8:
        name = "1-bit black and white" if layout.bits == 1 else f"{layout.bits}-bit gray"
        scale = 255 // (2**layout.bits - 1)
        warnings = (f"{name} becomes 8-bit gray",)
    top = 1 if dtype.kind == "f" else 2 ** max(8, layout.bits) - 1

    def convert(values: Samples) -> Samples:
        if scale > 1:
            values = values * dtype.type(scale)
        if photometric == WHITE_IS_ZERO:
            values[..., 0] = dtype.type(top) - values[..., 0]
        return values

    name = "RGB" if photometric == RGB else "bilevel" if layout.bits == 1 else "gray"
    channels = STORED_CHANNELS[photometric]
    return Colors(name, channels, dtype.name, convert, warnings)


def _of_palette(layout: Layout, color_map: tuple[int, ...]) -> Colors:
    count = 2**layout.bits
    if len(color_map) != 3 * count:
        raise ImageReadError("damaged: the palette has the wrong length")
    table = np.array(color_map).reshape(3, count).T
    if table.max() > 255:  # some programs store bytes
        table = table >> 8
    colors = table.astype(np.uint8)
    warning = "the palette becomes full color (RGB)"
    return Colors("palette", 3, "uint8", lambda values: colors[values[..., 0]], (warning,))


def _of_ink(layout: Layout, profile: bytes | None) -> Colors:
    through, warnings = cmyk_conversion(profile)
    if layout.bits == 16:
        warnings = ("16-bit CMYK becomes 8 bits", *warnings)

    def convert(values: Samples) -> Samples:
        inks = values[..., :4] >> (layout.bits - 8)
        image = Image.fromarray(np.ascontiguousarray(inks, dtype=np.uint8), "CMYK")
        return np.asarray(through(image))

    return Colors("CMYK", 3, "uint8", convert, warnings, through_profile=True)
