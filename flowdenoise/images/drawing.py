"""Sheets on which pictures, boxes and words are laid out, for figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from flowdenoise.images.pillow_images import from_pillow
from flowdenoise.images.writing import write

Color = tuple[int, int, int]

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)


class Sheet:
    """A white sheet to draw on.

    Args:
        width: The width of the sheet, in pixels.
        height: The height of the sheet, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width, height), WHITE)
        self._draw = ImageDraw.Draw(self._image)

    @property
    def size(self) -> tuple[int, int]:
        """The width and the height, in pixels."""
        return self._image.size

    def paste(self, pixels: npt.NDArray[np.uint8], left: int, top: int) -> None:
        """Lay a picture on the sheet, (H, W, 1) or (H, W, 3), and cut it off at the border."""
        gray = pixels.shape[2] == 1
        picture = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if gray else pixels))
        self._image.paste(picture.convert("RGB"), (left, top))

    def frame(
        self, left: int, top: int, width: int, height: int, *, color: Color, thickness: int = 2
    ) -> None:
        """Draw an empty box around the pixels of a rectangle, from its border inwards."""
        corners = (left, top, left + width - 1, top + height - 1)
        self._draw.rectangle(corners, outline=color, width=thickness)

    def line(
        self, points: Sequence[tuple[float, float]], *, color: Color, thickness: int = 1
    ) -> None:
        """Draw a line through points, each a column and a row; a single point is a dot."""
        if len(points) == 1:
            points = [points[0], (points[0][0] + thickness, points[0][1])]
        self._draw.line([tuple(point) for point in points], fill=color, width=thickness)

    def text(self, text: str, left: int, top: int, width: int, *, size: int = 14) -> None:
        """Write a line in the middle of a column; it shrinks until it fits the width."""
        font = ImageFont.load_default(size)
        while size > 6 and self._draw.textlength(text, font=font) > width:
            size -= 1
            font = ImageFont.load_default(size)
        place = left + (width - self._draw.textlength(text, font=font)) / 2
        self._draw.text((place, top), text, fill=BLACK, font=font)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The pixels of the sheet, (H, W, 3)."""
        return np.array(self._image)

    def write(self, path: Path) -> None:
        """Write the sheet as a PNG file, whole or not at all.

        Raises:
            ImageWriteError: The file can't be written.
        """
        write(from_pillow(self._image), path, format="PNG")
