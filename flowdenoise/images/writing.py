"""Writing a picture: in the kind that it came in, as a whole or not at all."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from flowdenoise.errors import ImageWriteError, UsageError
from flowdenoise.images.fitting import fit
from flowdenoise.images.formats import FORMATS, format_named, format_of
from flowdenoise.images.picture import Picture
from flowdenoise.images.pillow import to_pillow
from flowdenoise.images.png_writing import write_png_file
from flowdenoise.images.tiff_writing import write_tiff_file
from flowdenoise.system.atomic import replacing

QUALITY = 95
"""Of JPEG, and of WebP where it is lossy, unless the caller says otherwise; 1 to 100."""

Target: TypeAlias = "str | os.PathLike[str] | BinaryIO"

_EXIF_PREFIX = b"Exif\x00\x00"
_NO_SUBSAMPLING = 0  # 4:4:4: color as fine as brightness


def write(
    picture: Picture,
    target: Target,
    *,
    format: str | None = None,  # noqa: A002 (the word that users know)
    quality: int | None = None,
) -> tuple[str, ...]:
    """Encode a picture into a file, which appears when it is complete.

    Bit depth, gray or color, alpha, EXIF, color profile, XMP and resolution are kept where the
    format can hold them. JPEG is written without color subsampling. WebP is lossless where the
    picture's own file was, unless a quality is given. A symbolic link is written through, and an
    existing file's permissions are kept.

    Args:
        picture: What to write.
        target: A path whose folder exists, or a binary stream, which gets all bytes at once.
        format: "PNG", "JPEG", "TIFF", "WEBP" or "BMP". None: by the path's ending, or else that
            of the picture's own file; PNG for GIF, which is not written.
        quality: For JPEG and WebP, 1 to 100; None is `QUALITY`. Other formats ignore it.

    Returns:
        What could not be kept, a line each. What was lost on reading is in `picture.warnings`.

    Raises:
        ImageWriteError: It can't be written; an old file is untouched and nothing half-written
            is left.
        UsageError: No such format or quality.
    """
    if isinstance(target, str | os.PathLike):
        path = Path(target)
        chosen = _chosen_format(picture, format, path)
        with _write_errors(path), replacing(path) as file:
            return _encode_into(picture, file, chosen, quality)
    data, warnings = encode(picture, format, quality=quality)
    with _write_errors(getattr(target, "name", "output")):
        target.write(data)
        target.flush()
    return warnings


def encode(
    picture: Picture,
    format: str | None = None,  # noqa: A002 (the word that users know)
    *,
    quality: int | None = None,
) -> tuple[bytes, tuple[str, ...]]:
    """Encode a picture into bytes.

    Args:
        picture: What to encode.
        format: As for `write`; None is that of the picture's own file.
        quality: As for `write`.

    Returns:
        The bytes of the file, and what could not be kept.

    Raises:
        ImageWriteError: The format can't hold it.
        UsageError: No such format or quality.
    """
    chosen = _chosen_format(picture, format, None)
    file = io.BytesIO()
    with _write_errors(f"{FORMATS[chosen].name} output"):
        warnings = _encode_into(picture, file, chosen, quality)
    return file.getvalue(), warnings


def write_bytes(target: str | os.PathLike[str], data: bytes) -> None:
    """Write the bytes of a file as `write` does: as a whole or not at all.

    Raises:
        ImageWriteError: It can't be written.
    """
    path = Path(target)
    with _write_errors(path), replacing(path) as file:
        file.write(data)


def _chosen_format(picture: Picture, asked: str | None, path: Path | None) -> str:
    """The format asked for, or that of the name, or that of the picture's own file.

    Raises:
        ImageWriteError: The name asks for one that can't be written.
        UsageError: There is no such format.
    """
    own_is_written = bool(FORMATS[picture.format].dtypes)
    if asked is not None and (own_is_written or asked.upper() != picture.format):
        return format_named(asked)
    named = None if path is None else format_of(path)
    if named is None:
        return picture.format if own_is_written else "PNG"
    if not FORMATS[named].dtypes:
        raise ImageWriteError(f"{path}: {FORMATS[named].name} can't be written; name it .png")
    return named


@contextmanager
def _write_errors(label: object) -> Iterator[None]:
    """Turn what goes wrong on writing into an `ImageWriteError`."""
    name = str(label)
    name = name if name.isprintable() else ascii(name)
    try:
        yield
    except UsageError:
        raise
    except ImageWriteError as error:
        raise ImageWriteError(f"{name}: {error}") from error
    except MemoryError as error:
        raise ImageWriteError(f"{name}: there is not enough memory to encode it") from error
    except (OSError, ValueError, struct.error) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = str(error) if number is None else os.strerror(number).lower()
        raise ImageWriteError(f"{name}: can't be written: {reason}") from error


def _encode_into(
    picture: Picture, file: BinaryIO, name: str, quality: int | None
) -> tuple[str, ...]:
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality goes from 1 to 100, and is not {quality}")
    fitted, warnings = fit(picture, name)
    if picture.format == "GIF" and name == "PNG":
        warnings = (*warnings, "GIF is not written: it becomes PNG")
    if name == "PNG":
        write_png_file(fitted, file)
    elif name == "TIFF":
        write_tiff_file(fitted, file)
    else:
        file.write(_encoded_by_pillow(fitted, name, _options(fitted, name, quality)))
    return warnings


def _options(picture: Picture, name: str, quality: int | None) -> dict[str, Any]:
    """What Pillow is told, besides the pixels."""
    metadata = picture.metadata
    options: dict[str, Any] = {}
    if metadata.dpi is not None:
        options["dpi"] = metadata.dpi
    if name == "BMP":
        return options
    if metadata.exif is not None:
        options["exif"] = _EXIF_PREFIX + metadata.exif
    if metadata.icc_profile is not None:
        options["icc_profile"] = metadata.icc_profile
    if metadata.xmp is not None:
        options["xmp"] = metadata.xmp
    options["quality"] = QUALITY if quality is None else quality
    if name == "JPEG":
        return options | {"subsampling": _NO_SUBSAMPLING}
    if picture.lossless and quality is None:  # "quality" is then the effort; 4 takes long enough
        return options | {"lossless": True, "exact": True, "quality": 50, "method": 2}
    return options


def _encoded_by_pillow(picture: Picture, name: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    to_pillow(picture).save(file, name, **options)
    return file.getvalue()
