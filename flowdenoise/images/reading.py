"""Reading an image file: any bytes become a `Picture` or raise an `ImageReadError`."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images.fitting import to_depth
from flowdenoise.images.formats import FORMATS, HEAD, sniff
from flowdenoise.images.limits import MAX_PIXELS, Limits
from flowdenoise.images.metadata import BEHIND
from flowdenoise.images.native_messages import no_python_warnings
from flowdenoise.images.picture import Picture
from flowdenoise.images.ranges import with_range

Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"

_LONGEST_REASON = 160
_NOT_SUPPORTED = re.compile(r"unsupported|not supported|cannot handle|unknown", re.IGNORECASE)
_LUMA = (299, 587, 114)  # thousandths of R, G and B
_BAND_ROWS = 256


def read(
    source: Source,
    *,
    black: float | None = None,
    white: float | None = None,
    max_pixels: int = MAX_PIXELS,
    max_memory: int | None = None,
) -> Picture:
    """Decode an image file.

    The content tells the format, never the name. The first of several frames or pages is read,
    with a warning. Pixels are turned upright, palettes and CMYK become RGB, and everything else
    stays as the file's header says.

    Args:
        source: A path, the bytes of a file, or a binary stream, which is read to its end.
        black: The value of black in the file's own units; None leaves it to be found.
        white: The value of white, likewise: 255 for 8 bits, 4095 for the 12 bits of a sensor in
            16, or the largest of a microscope's counts.
        max_pixels: The most pixels; larger pictures are refused before they are decoded.
        max_memory: The most bytes that decoding may take; None allows 2 GiB, or more for a large
            file.

    Raises:
        ImageReadError: The file can't be opened, is not an image, is damaged, cut short, too
            large, or of a kind that is not supported. The message is one line that begins with
            the file's name.
        UsageError: A limit is below 1, or white is not above black.
    """
    pages = read_pages(
        source, black=black, white=white, max_pixels=max_pixels, max_memory=max_memory
    )
    with contextlib.closing(pages):
        picture = next(pages)
    if picture.pages == 1:
        return picture
    warning = f"of {picture.pages} pages the first is read, the rest is left out"
    return replace(picture, warnings=(*picture.warnings, warning))


def read_pages(
    source: Source,
    *,
    black: float | None = None,
    white: float | None = None,
    max_pixels: int = MAX_PIXELS,
    max_memory: int | None = None,
) -> Generator[Picture]:
    """Decode an image file page by page; all formats but TIFF have a single page.

    Each page is decoded when it is asked for, and knows how many there are. The file stays open
    until the last one. Only the first page warns about the range that was found.

    Args:
        source: A path, the bytes of a file, or a binary stream: see `read` for this and the rest.
        black: The value of black on all pages.
        white: The value of white on all pages.
        max_pixels: The most pixels of a page.
        max_memory: The most bytes that decoding a page may take.

    Raises:
        ImageReadError: The page that is asked for can't be read.
        UsageError: A limit is below 1, or white is not above black.
    """
    label = _label(source)
    limits = Limits(max_pixels, max_memory)
    with contextlib.ExitStack() as stack:
        with _read_errors(label):
            file = stack.enter_context(_opened(source))
            kind = FORMATS[sniff(file.read(HEAD))]
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            decoded = kind.decode(file, replace(limits, file_size=size))
            first = next(decoded)
            file.seek(0)
            first = replace(first, contents=tuple(dict.fromkeys(kind.contents(file))))
        yield with_range(first, black, white)
        while True:
            with _read_errors(label):
                page = next(decoded, None)
            if page is None:
                return
            yield replace(with_range(page, black, white), warnings=page.warnings)


def is_followed(file: BinaryIO) -> bool:
    """Whether another picture lies behind the first in a file, as in a stream of several.

    Args:
        file: Seekable; its first picture was read.
    """
    file.seek(0)
    kind = FORMATS[sniff(file.read(HEAD))]
    file.seek(0)
    if kind.end is None:
        return BEHIND in kind.contents(file)
    try:
        end = kind.end(file)
    except ImageReadError:  # in what was not needed for the picture: its end is not known
        return False
    if not end:
        return False
    file.seek(end)
    head = file.read(HEAD)
    return any(other.begins(head) for other in FORMATS.values() if other.is_marked)


@contextlib.contextmanager
def _read_errors(label: str) -> Iterator[None]:
    """Turn any error on reading into an `ImageReadError`."""
    try:
        with no_python_warnings():
            yield
    except ImageReadError as error:
        raise ImageReadError(f"{label}: {error}") from error
    except MemoryError as error:
        raise ImageReadError(f"{label}: there is not enough memory to decode it") from error
    except OSError as error:
        raise ImageReadError(f"{label}: {_reason(error)}") from error
    except Exception as error:  # Pillow raises whatever its parsing of damaged bytes trips over
        raise ImageReadError(f"{label}: {_reason(error)}") from error


def _label(source: Source) -> str:
    """The name of the source in messages, one printable line."""
    name = str(source) if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    if not isinstance(name, str):
        return "image"
    return name if name.isprintable() else ascii(name)


def _reason(error: Exception) -> str:
    """The reason why decoding failed, one short line."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"can't be read: {os.strerror(error.errno).lower()}"
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    if _NOT_SUPPORTED.search(text):
        return f"not supported, or damaged ({text})"  # damage can look like another kind
    return f"damaged or cut short ({text or type(error).__name__})"


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    """Open the source as a seekable stream."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            yield file if file.seekable() else io.BytesIO(file.read())
    elif source.seekable() and source.tell() == 0:
        yield source
    else:
        yield io.BytesIO(source.read())


def read_uint8(path: Path, channels: int) -> npt.NDArray[np.uint8]:
    """Decode an image for a corpus: 8 bits, upright, without alpha.

    Color becomes gray by the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B rounded half up,
    as the gray BSD68 images were made.

    Args:
        path: The file.
        channels: The number of channels of the result, 3 for RGB, 1 for gray.

    Returns:
        The pixels, (H, W, channels).

    Raises:
        ImageReadError: The file can't be read.
        UsageError: The number of channels is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise UsageError(f"an image has 1 or 3 channels, not {channels}")
    picture = read(path)
    if picture.samples.dtype != np.uint8:
        picture = to_depth(picture, np.uint8)
    samples: npt.NDArray[np.uint8] = picture.samples
    if samples.shape[2] == channels:
        return samples
    if channels == 3:
        return np.repeat(samples, 3, axis=2)
    gray = np.empty((*samples.shape[:2], 1), np.uint8)
    for top in range(0, len(samples), _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        thousandfold = samples[rows].astype(np.uint32) @ np.array(_LUMA, np.uint32)
        gray[rows, :, 0] = (thousandfold + 500) // 1000
    return gray
