"""Pictures to and from Pillow's images, turned upright and converted to gray or RGB.

Pillow keeps RGB in four bytes per pixel. Converting an image as a whole would hold three or four
copies of it at once, so it is converted band by band.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images.canvas import Canvas, bands
from flowdenoise.images.metadata import EXIF_PREFIX, Metadata, orientation_of, upright
from flowdenoise.images.native_messages import no_python_warnings
from flowdenoise.images.picture import Picture

QUALITY = 95
"""The quality, 1 to 100, of files that are compressed with loss, unless another is asked for."""

_LOSSY = ("JPEG", "MPO", "AVIF", "HEIF", "JPEG2000")
"""What Pillow calls formats of files whose compression alters pixels, always or nearly so."""

Convert = Callable[[Image.Image], Image.Image]

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
    """What a file's header says, as far as decoding needs it.

    Attributes:
        format: The format, a key of `formats.FORMATS`.
        bits: The bits per sample.
        lossless: Whether the compression loses nothing.
        warnings: What decoding will lose, a line each.
    """

    format: str
    bits: int = 8
    lossless: bool = True
    warnings: tuple[str, ...] = ()

    def warn(self, warning: str) -> Header:
        """Make a header with one more warning."""
        return replace(self, warnings=(*self.warnings, warning))

    def count_frames(self, image: Image.Image) -> Header:
        """Make a header with a warning if the image is one of several frames."""
        frames = getattr(image, "n_frames", 1)
        if frames == 1:
            return self
        return self.warn(f"animated: the first of {frames} frames is read, the rest is left out")


def metadata_of(image: Image.Image) -> tuple[Metadata, int, tuple[str, ...]]:
    """The metadata of a loaded image, its orientation, and what is lost."""
    info = image.info
    comment = info.get("comment")
    metadata = Metadata(
        exif=info.get("exif"),
        icc_profile=info.get("icc_profile"),
        xmp=info.get("xmp"),
        dpi=info.get("dpi"),
        comment=comment if isinstance(comment, bytes) else None,
    )
    orientation = orientation_of(metadata.exif, metadata.xmp)
    upright_metadata, lost = upright(metadata, turned=orientation)
    return upright_metadata, orientation, lost


def decode(image: Image.Image, header: Header, metadata: Metadata | None = None) -> Picture:
    """Decode an opened image into a picture.

    Args:
        image: The image, whose size is checked already.
        header: The header of the same file.
        metadata: The metadata of an image that is not to be turned; None takes the metadata from
            Pillow and turns the pixels upright.

    Raises:
        ImageReadError: The colors are of a kind that is not supported.
        Exception: The data are damaged, and Pillow raises whatever it raises.
    """
    image.load()
    orientation = 1
    if metadata is None:
        metadata, orientation, lost = metadata_of(image)
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
    for rows in bands(image.height, image.width):
        band = image.crop((0, rows.start, image.width, rows.stop))
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
    """The conversion of a band to `mode`, and what it loses."""
    if image.mode == "CMYK":
        return cmyk_conversion(profile)
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


def cmyk_conversion(profile: bytes | None) -> tuple[Convert, tuple[str, ...]]:
    """The conversion from CMYK to RGB: by the profile, or else R = (1 - C) (1 - K) and so on."""
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


def from_pillow(image: Image.Image) -> Picture:
    """Make a picture of a Pillow image, without turning it by its orientation.

    Raises:
        UsageError: The image has no pixels.
        ImageReadError: The image's mode is not supported, or its file is damaged.
    """
    if not image.width or not image.height:
        raise UsageError(f"an image has pixels, and this is {image.width}x{image.height}")
    metadata = Metadata(icc_profile=image.info.get("icc_profile"))  # CMYK goes through it
    try:
        with no_python_warnings():
            lossless = image.format not in _LOSSY
            header = Header(image.format or "PNG", lossless=lossless)
            frames = getattr(image, "n_frames", 1)
            if frames > 1:
                header = header.warn(f"the image is one of {frames} frames, the rest is left out")
            return decode(image, header, metadata)
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageReadError(f"image: damaged or cut short ({error})") from error


def to_pillow(picture: Picture) -> Image.Image:
    """Make a Pillow image of mode L, LA, RGB or RGBA, or of a single channel I;16 or F.

    Raises:
        UsageError: Pillow has no images for samples of this type.
    """
    values = picture.samples
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[..., None]], axis=2)
    if values.dtype != np.uint8 and values.shape[2] > 1:
        raise UsageError("Pillow has no images of more than 8 bits with color or alpha")
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)


def described(metadata: Metadata) -> dict[str, Any]:
    """The options that tell Pillow, on writing, what a picture carries."""
    options: dict[str, Any] = {}
    if metadata.exif is not None:
        options["exif"] = EXIF_PREFIX + metadata.exif
    if metadata.icc_profile is not None:
        options["icc_profile"] = metadata.icc_profile
    if metadata.xmp is not None:
        options["xmp"] = metadata.xmp
    return options
