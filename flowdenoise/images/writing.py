"""Writing a picture in the kind that it came in, as a whole or not at all."""

from __future__ import annotations

import io
import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from flowdenoise.errors import ImageWriteError, UsageError
from flowdenoise.images.fitting import fit
from flowdenoise.images.formats import FORMATS, Format, format_named, format_of
from flowdenoise.images.picture import Picture, quantize
from flowdenoise.system.atomic import replacing

if TYPE_CHECKING:
    from torch import Tensor

Target: TypeAlias = "str | os.PathLike[str] | BinaryIO"

_COPY_BYTES = 2**20


def write(
    picture: Picture,
    target: Target,
    *,
    format: str | None = None,  # noqa: A002 (the word that users know)
    quality: int | None = None,
    further: Iterable[Picture] = (),
    like: os.stat_result | None = None,
    replace: bool = True,
) -> tuple[str, ...]:
    """Encode a picture into a file, which appears when it is complete.

    Bit depth, gray or color, alpha, EXIF, color profile, XMP and resolution are kept where the
    format can hold them. JPEG is written without color subsampling. WebP is lossless where the
    picture's own file was, unless a quality is given. A symbolic link is written through, and an
    existing file's permissions are kept.

    Args:
        picture: The picture.
        target: A path whose folder exists, or a binary stream, which gets all bytes at once.
        format: The format, such as "PNG", "JPEG" or "TIFF". None takes the one of the path's
            ending, or else that of the picture's own file, or PNG if that can't be written.
        quality: The quality, 1 to 100, of formats that compress with loss; None is `QUALITY`.
            Where the format has none, it changes nothing, with a warning.
        further: The pages behind the first. Each is taken when the one before is written; where
            the format has no pages, they are left out with a warning.
        like: The status of a file whose permissions and owner a new one gets, see `replacing`.
        replace: Whether an existing file may be replaced.

    Returns:
        The warnings about what could not be kept, a line each. Those of reading are in
        `picture.warnings`.

    Raises:
        ImageWriteError: The file can't be written. An old file is untouched and nothing
            half-written is left.
        UsageError: The format or the quality does not exist.
    """
    if isinstance(target, str | os.PathLike):
        path = Path(target)
        chosen = _chosen_format(picture, format, path)
        with _write_errors(path), replacing(path, like=like, replace=replace) as file:
            return _encode_into(picture, further, file, chosen, quality)
    data, warnings = encode(picture, format, quality=quality, further=further)
    with _write_errors(getattr(target, "name", "output")):
        target.write(data)
        target.flush()
    return warnings


def encode(
    picture: Picture,
    format: str | None = None,  # noqa: A002 (the word that users know)
    *,
    quality: int | None = None,
    further: Iterable[Picture] = (),
) -> tuple[bytes, tuple[str, ...]]:
    """Encode a picture into bytes.

    Args:
        picture: The picture.
        format: The format; None takes that of the picture's own file.
        quality: The quality, see `write`.
        further: The pages behind the first, see `write`.

    Returns:
        The bytes of the file, and the warnings about what could not be kept.

    Raises:
        ImageWriteError: The format can't hold the picture.
        UsageError: The format or the quality does not exist.
    """
    chosen = _chosen_format(picture, format, None)
    file = io.BytesIO()
    with _write_errors(f"{FORMATS[chosen].name} output"):
        warnings = _encode_into(picture, further, file, chosen, quality)
    return file.getvalue(), warnings


def write_bytes(
    target: str | os.PathLike[str],
    data: bytes | BinaryIO,
    *,
    like: os.stat_result | None = None,
    replace: bool = True,
) -> None:
    """Write the bytes of a file, as a whole or not at all.

    Args:
        target: A path whose folder exists.
        data: The bytes, or a stream that is read to its end.
        like: The status of a file whose permissions and owner a new one gets.
        replace: Whether an existing file may be replaced.

    Raises:
        ImageWriteError: The file can't be written.
    """
    path = Path(target)
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    with _write_errors(path), replacing(path, like=like, replace=replace) as file:
        shutil.copyfileobj(source, file, _COPY_BYTES)


def _chosen_format(picture: Picture, asked: str | None, path: Path | None) -> str:
    """The format that is asked for, or that of the name, or that of the picture's own file.

    Raises:
        ImageWriteError: The format of the name can't be written.
        UsageError: The format that is asked for does not exist.
    """
    own_is_written = picture.format in FORMATS and FORMATS[picture.format].write is not None
    if asked is not None and (own_is_written or asked.upper() != picture.format):
        return format_named(asked)
    named = None if path is None else format_of(path)
    if named is None:
        return picture.format if own_is_written else "PNG"
    if FORMATS[named].write is None:
        raise ImageWriteError(f"{path}: {FORMATS[named].name} can't be written; name it .png")
    return named


@contextmanager
def _write_errors(label: object) -> Iterator[None]:
    """Turn an error on writing into an `ImageWriteError`."""
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
    picture: Picture,
    further: Iterable[Picture],
    file: BinaryIO,
    name: str,
    quality: int | None,
) -> tuple[str, ...]:
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality goes from 1 to 100, and is not {quality}")
    kind = FORMATS[name]
    if kind.write is None:
        raise UsageError(f"{kind.name} is not written")
    fitted, warnings = fit(picture, kind)
    if picture.format != name and picture.format in FORMATS and not FORMATS[picture.format].write:
        warnings += (f"{FORMATS[picture.format].name} is not written: it becomes {kind.name}",)
    if kind.write_pages is not None:
        told = dict.fromkeys(warnings)
        kind.write_pages(chain([fitted], _fitted(further, kind, told)), file)
        warnings = tuple(told)
    else:
        kind.write(fitted, file, quality)
        if picture.pages > 1:
            warnings += (f"{kind.name} has no pages: of {picture.pages} the first is written",)
    if quality is not None and not kind.lossy:
        warnings += (f"`quality` changed nothing: {kind.name} is written without loss",)
    return warnings + _not_carried_over(fitted, file, kind)


def _fitted(
    pages: Iterable[Picture], kind: Format, warnings: dict[str, None]
) -> Iterator[Picture]:
    """Fit each page to the format, and add what it loses to `warnings`."""
    for page in pages:
        fitted, lost = fit(page, kind)
        warnings.update(dict.fromkeys(lost))
        yield fitted


def _not_carried_over(picture: Picture, file: BinaryIO, kind: Format) -> tuple[str, ...]:
    """Warn of what a picture carried and its new file does not."""
    file.seek(0)
    there = set(kind.contents(file))
    file.seek(0, io.SEEK_END)
    before = dict.fromkeys((*picture.contents, *picture.metadata.contents))
    lost = [item for item in before if item not in there]
    return (f"not carried over to {kind.name}: {', '.join(lost)}",) if lost else ()


def write_png(
    path: Path,
    tensor: Tensor,
    *,
    like: os.stat_result | None = None,
    replace: bool = True,
) -> None:
    """Write a diagnostic picture as 8-bit PNG, whole or not at all.

    Args:
        path: The file.
        tensor: The picture, (C, H, W) or (1, C, H, W), where C is 1 or 3; it is clamped to [0, 1].
        like: The status of a file whose permissions and owner a new one gets.
        replace: Whether an existing file may be replaced.

    Raises:
        ImageWriteError: The file can't be written.
        ImageError: A value is not a finite number.
    """
    picture = Picture(quantize(tensor, np.uint8))
    write(picture, path, format="PNG", like=like, replace=replace)
