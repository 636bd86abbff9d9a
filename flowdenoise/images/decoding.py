"""From an image that Pillow has opened to a `Picture`: band by band, upright, color made plain.

Pillow keeps RGB in four bytes per pixel. Converting or turning such an image as a whole would
hold three or four copies at once; here it is taken band by band, straight to where each pixel
belongs in the upright picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from flowdenoise.errors import ImageReadError
from flowdenoise.images.metadata import Metadata, orientation_of, upright
from flowdenoise.images.picture import Picture, Samples

BAND_PIXELS = 2**19
"""Pixels that are converted at a time."""

Convert = Callable[[Image.Image], Image.Image]

_TURNS = {  # orientation: how the stored picture becomes upright (transpose, then flip)
    1: (False, False, False),
    2: (False, False, True),  # columns
    3: (False, True, True),
    4: (False, True, False),  # rows
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}

_CONVERSIONS = {  # mode of Pillow: (what the file holds, mode that it is brought to)
    "1": ("bilevel", "L"),
    "L": ("gray", "L"),
    "LA": ("gray with alpha", "LA"),
    "La": ("gray with alpha", "LA"),
    "I;16": ("gray", "I;16"),
    "P": ("palette", "RGB"),
    "PA": ("palette", "RGBA"),
    "RGB": ("RGB", "RGB"),
    "RGBX": ("RGB", "RGB"),
    "RGBA": ("RGB with alpha", "RGBA"),
    "RGBa": ("RGB with alpha", "RGBA"),
    "CMYK": ("CMYK", "RGB"),
    "YCbCr": ("RGB", "RGB"),
}


@dataclass(frozen=True)
class Header:
    """What a file's header says, for those who decode its pixels.

    Attributes:
        format: A key of `formats.FORMATS`.
        bits: Per sample.
        lossless: Whether the compression is.
        warnings: What will be lost.
    """

    format: str
    bits: int = 8
    lossless: bool = True
    warnings: tuple[str, ...] = ()

    def warn(self, warning: str) -> Header:
        """The same with one more warning."""
        return replace(self, warnings=(*self.warnings, warning))

    def count_frames(self, image: Image.Image) -> Header:
        """The same, warning where the image is one of several."""
        frames = getattr(image, "n_frames", 1)
        if frames == 1:
            return self
        return self.warn(f"animated: the first of {frames} frames is read, the rest is left out")


class Canvas:
    """An upright picture in the making, filled as the file stores its pixels.

    Args:
        height, width: As stored.
        channels: 1 or 3.
        dtype: Of the samples.
        alpha: Whether there is an alpha channel.
        orientation: How the stored pixels are to be turned, 1 to 8.
    """

    def __init__(
        self,
        height: int,
        width: int,
        channels: int,
        dtype: npt.DTypeLike,
        *,
        alpha: bool = False,
        orientation: int = 1,
    ) -> None:
        turn = _TURNS[orientation]
        size = (width, height) if turn[0] else (height, width)
        self.samples: Samples = np.empty((*size, channels), dtype)
        self.alpha: Samples | None = np.empty(size, dtype) if alpha else None
        self.stored = _stored(self.samples, turn)
        self.stored_alpha = None if self.alpha is None else _stored(self.alpha, turn)

    def fill(self, rows: slice, columns: slice, values: Samples) -> None:
        """Put stored pixels in place: (h, w), or (h, w, C), or (h, w, C + 1) with alpha last."""
        channels = self.stored.shape[2]
        values = values.reshape(*values.shape[:2], -1)
        self.stored[rows, columns] = values[..., :channels]
        if self.stored_alpha is not None:
            self.stored_alpha[rows, columns] = values[..., channels]

    def add_low_bytes(self, rows: slice, values: Samples) -> None:
        """Complete 16-bit samples of which `fill` put the high bytes."""
        channels = self.stored.shape[2]
        self.stored[rows] |= values[..., :channels]
        if self.stored_alpha is not None:
            self.stored_alpha[rows] |= values[..., channels]


def _stored(upright: Samples, turn: tuple[bool, bool, bool]) -> Samples:
    """A view of upright pixels in the order in which the file stores them."""
    transposed, rows_flipped, columns_flipped = turn
    view = upright[::-1] if rows_flipped else upright
    view = view[:, ::-1] if columns_flipped else view
    return view.swapaxes(0, 1) if transposed else view


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse more pixels than asked for, before any is decoded.

    Raises:
        ImageReadError: There are more than `max_pixels`.
    """
    if width * height > max_pixels:
        raise ImageReadError(
            f"{width}x{height} pixels are more than the limit of {max_pixels:,}; "
            "if you trust the file, raise max_pixels (--max-pixels)"
        )


def bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Cut an image into bands of rows, about `BAND_PIXELS` each."""
    width, height = image.size
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        yield slice(top, bottom), image.crop((0, top, width, bottom))


def carried(image: Image.Image) -> tuple[Metadata, int, tuple[str, ...]]:
    """The metadata of a loaded image, how its pixels are to be turned, and what is lost."""
    exif, xmp = image.info.get("exif"), image.info.get("xmp")
    orientation = orientation_of(exif, xmp)
    profile, dpi = image.info.get("icc_profile"), image.info.get("dpi")
    metadata, lost = upright(exif, profile, xmp, dpi, turned=orientation)
    return metadata, orientation, lost


def decode(image: Image.Image, header: Header, metadata: Metadata | None = None) -> Picture:
    """Decode an opened image into a picture.

    Args:
        image: Its size is checked already.
        header: Of the same file.
        metadata: Of an image that Pillow turns upright itself; None takes it from Pillow, and
            turns the pixels.

    Raises:
        ImageReadError: It holds colors of a kind that is not supported.
        Exception: Whatever Pillow raises for damaged data.
    """
    image.load()
    orientation = 1
    if metadata is None:
        metadata, orientation, lost = carried(image)
        header = replace(header, warnings=header.warnings + lost)
    if image.mode not in _CONVERSIONS:
        raise ImageReadError(f"colors of the kind {image.mode} are not supported")
    kind, mode = _CONVERSIONS[image.mode]
    if image.mode == "P" and "transparency" in image.info:
        mode = "RGBA"
    convert, warnings = _conversion(image, mode, header.bits, metadata.icc_profile)
    if kind == "CMYK":
        metadata = replace(metadata, icc_profile=None)
    canvas = Canvas(
        image.height,
        image.width,
        3 if mode.startswith("RGB") else 1,
        np.uint16 if mode == "I;16" else np.uint8,
        alpha=mode.endswith("A"),
        orientation=orientation,
    )
    for rows, band in bands(image):
        canvas.fill(rows, slice(None), np.asarray(convert(band)))
    return Picture(
        canvas.samples,
        canvas.alpha,
        metadata,
        format=header.format,
        source_mode=kind,
        source_bits=header.bits,
        lossless=header.lossless,
        warnings=header.warnings + warnings,
    )


def _conversion(
    image: Image.Image, mode: str, bits: int, profile: bytes | None
) -> tuple[Convert, tuple[str, ...]]:
    """How a band is brought to `mode`, and what that loses."""
    if image.mode == "CMYK":
        return _cmyk_conversion(profile)
    warnings: tuple[str, ...] = ()
    if image.mode == "1":
        warnings = ("1-bit black and white becomes 8-bit gray",)
    elif image.mode in ("P", "PA"):
        warnings = ("the palette becomes full color (RGB)",)
    elif image.mode == "L" and bits < 8:
        warnings = (f"{bits}-bit gray becomes 8-bit gray",)

    def convert(band: Image.Image) -> Image.Image:
        return band if band.mode == mode else band.convert(mode)

    return convert, warnings


def _cmyk_conversion(profile: bytes | None) -> tuple[Convert, tuple[str, ...]]:
    """From ink to light: through the profile to sRGB, or else (1 - C) (1 - K) and so on."""
    if profile is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            transform = ImageCms.buildTransform(
                source,
                ImageCms.createProfile("sRGB"),
                "CMYK",
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError):
            lost = "CMYK becomes RGB by the plain formula: its profile is damaged, and left out"
            return _plain_rgb, (lost,)
        lost = "CMYK becomes RGB (sRGB) through its profile, which is left out"
        return lambda band: _through(transform, band), (lost,)
    return _plain_rgb, ("CMYK becomes RGB by the plain formula, for want of a profile",)


def _plain_rgb(band: Image.Image) -> Image.Image:
    return band.convert("RGB")


def _through(transform: ImageCms.ImageCmsTransform, band: Image.Image) -> Image.Image:
    result = ImageCms.applyTransform(band, transform)
    if result is None:  # only with inPlace=True
        raise ImageReadError("the color profile could not be applied")
    return result
