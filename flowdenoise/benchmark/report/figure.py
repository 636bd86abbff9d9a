"""The figure: truth, noisy and each method side by side, a part enlarged, PSNR under each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from flowdenoise import images
from flowdenoise.benchmark.protocols import level_name, level_text
from flowdenoise.benchmark.report.panels import CLEAN, Panel, Scene, scenes
from flowdenoise.benchmark.results import Results
from flowdenoise.images import Samples
from flowdenoise.images.drawing import Sheet

_COLUMNS = 5
_WIDTH = 320  # pixels of a panel
_GAP = 12
_CAPTION = 40
_BOX, _INSET = (220, 40, 40), (255, 210, 60)


def write(results: Results, sigma_255: float, folder: Path) -> list[Path]:
    """Write the figure of one noise level as `figure-LEVEL.png`, if pictures were kept.

    Returns:
        The file, or nothing if there are no pictures.
    """
    blocks = [_draw(scene) for scene in scenes(results, sigma_255, folder)]
    if not blocks:
        return []
    width = max(block.shape[1] for block in blocks)
    sheet = Sheet(width, sum(block.shape[0] for block in blocks))
    top = 0
    for block in blocks:
        sheet.paste(block, 0, top)
        top += block.shape[0]
    path = folder / f"figure-{level_name(sigma_255).replace(' ', '-')}.png"
    sheet.write(path)
    return [path]


def _draw(scene: Scene) -> Samples:
    """Draw one image's panels, row by row, (H, W, 3)."""
    pictures = [images.read_uint8(panel.file, 3) for panel in scene.panels]
    height, width = pictures[0].shape[:2]
    side = max(4, min(height, width) // 5)
    corner = _where_they_differ(pictures[2:] or pictures, side)
    scale = _WIDTH / width
    tall = round(height * scale)
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Sheet(columns * (_WIDTH + _GAP) + _GAP, rows * (tall + _CAPTION + _GAP) + _GAP)
    for number, (panel, pixels) in enumerate(zip(scene.panels, pictures, strict=True)):
        left = _GAP + number % columns * (_WIDTH + _GAP)
        top = _GAP + number // columns * (tall + _CAPTION + _GAP)
        sheet.paste(_resized(pixels, tall, _WIDTH), left, top)
        _draw_inset(sheet, pixels, corner, side, scale, (left, top, tall))
        sheet.text(_caption(panel, scene), left, top + tall + 6, _WIDTH)
    return sheet.pixels()


def _caption(panel: Panel, scene: Scene) -> str:
    if panel.label == CLEAN:
        return f"{scene.image}, {level_text(scene.sigma_255)}"
    return panel.label if panel.psnr is None else f"{panel.label}: {panel.psnr:.2f} dB"


def _draw_inset(
    sheet: Sheet,
    pixels: Samples,
    corner: tuple[int, int],
    side: int,
    scale: float,
    place: tuple[int, int, int],
) -> None:
    """Mark a square of the picture, and show it enlarged in the opposite corner."""
    row, column = corner
    left, top, tall = place
    shown = max(2, round(side * scale))
    sheet.frame(left + round(column * scale), top + round(row * scale), shown, shown, color=_BOX)
    large = min(tall, _WIDTH) // 2
    crop = pixels[row : row + side, column : column + side]
    at_left = column + side / 2 > pixels.shape[1] / 2
    x = left if at_left else left + _WIDTH - large
    y = top + tall - large
    sheet.paste(_resized(crop, large, large, sharp=True), x, y)
    sheet.frame(x, y, large, large, color=_INSET)


def _where_they_differ(pictures: list[Samples], side: int) -> tuple[int, int]:
    """The row and the column of the square in which the pictures differ most."""
    stack = torch.from_numpy(np.stack(pictures)).float().permute(0, 3, 1, 2)
    spread = stack.var(0, correction=0) if len(pictures) > 1 else (stack[0] - stack.mean()) ** 2
    step = max(1, side // 2)
    sums = F.avg_pool2d(spread.mean(0)[None, None], side, step)[0, 0]
    row, column = divmod(int(sums.argmax()), sums.shape[1])
    return row * step, column * step


def _resized(pixels: Samples, height: int, width: int, *, sharp: bool = False) -> Samples:
    """Resize a picture; `sharp` keeps pixels as squares."""
    planes = images.as_floats(torch.from_numpy(pixels)).permute(2, 0, 1)[None]
    if sharp:
        planes = F.interpolate(planes, (height, width), mode="nearest")
    else:
        planes = F.interpolate(planes, (height, width), mode="bilinear", antialias=True)
    return images.quantize(planes, np.uint8)
