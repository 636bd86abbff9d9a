r"""Cut an image of any size into tiles, run them in batches, and blend the results.

Along each axis neighboring tiles share a zone. In it the result passes from one tile to the
next over `blend` pixels, and each tile only counts where it has at least `overlap` pixels of
context on every side that is not a border of the image:

    tile k      |<-- overlap -->|########## full weight #########|\ blend |<-- overlap -->|
    tile k + 1                          |<-- overlap -->| blend /|####### full weight ####...

The weights sum to one at each pixel. So if `overlap` is at least the network's receptive radius,
tiled and untiled output are equal up to rounding, for any `blend`; and with `overlap = 0` and
`blend = tile / 2` this is the usual half-overlapping Hann window.

Rows of tiles are finished from top to bottom, so the memory needed is that of one row of tiles,
not of the image.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.images.borders import mirror
from flowdenoise.system.rules import Multiple, Range, Size
from flowdenoise.system.side_by_side import in_order
from flowdenoise.system.typed import check

UNIT = 32
"""Tiles are a multiple of this, the side of the paper's patches."""

Network = Callable[[Tensor], Tensor]
"""(B, C, h, w) -> (B, C', h, w)."""

ReadRows = Callable[[int, int], Tensor]
"""Rows `start` to `stop - 1` of the image as (1, C, rows, W) float32."""

WriteRows = Callable[[int, Tensor], None]
"""Takes the number of a row and the finished rows that begin there, (1, C', rows, W).

They are only there until it returns: the next rows take their place."""

OnTile = Callable[[int, int], None]
"""Called with the number of finished tiles and the number of all tiles."""


@dataclass(frozen=True)
class TilingConfig:
    """How to cut an image.

    Attributes:
        tile: The largest side of a tile, a multiple of 32; 0 takes the whole image at once. Tiles
            are made smaller where as many of them still cover the image.
        overlap: The context on each side of what a tile contributes, in pixels.
        blend: The width of the passage from one tile to the next, in pixels.
        batch: The number of tiles that are run together.
    """

    tile: Annotated[int, Range(0), Multiple(UNIT)] = 640
    overlap: Annotated[int, Range(0)] = 8
    blend: Annotated[int, Range(0)] = 8
    batch: Size = 1

    def __post_init__(self) -> None:
        check(self)
        if self.tile and self.tile <= 2 * self.overlap + self.blend:
            raise UsageError(
                f"a tile of {self.tile} has nothing left inside an overlap of {self.overlap} "
                f"on each side and a blend of {self.blend}"
            )

    def changed(
        self, tile: int | None = None, overlap: int | None = None, batch: int | None = None
    ) -> TilingConfig:
        """A copy with other values where they are not None.

        A tile smaller than before gets at most an eighth of its side as overlap, unless an overlap
        is given, and a quarter as blend.
        """
        small = tile is not None and tile < self.tile
        side = self.tile if tile is None else tile
        fitting = min(self.overlap, side // 8) if small else self.overlap
        return TilingConfig(
            tile=side,
            overlap=fitting if overlap is None else overlap,
            blend=min(self.blend, side // 4) if small else self.blend,
            batch=self.batch if batch is None else batch,
        )


@dataclass(frozen=True)
class Axis:
    """Tiles along one axis.

    Attributes:
        length: The number of pixels of the image.
        padded: The number of pixels after padding; the tiles cover them all.
        tile: The side of the tiles.
        starts: The first pixel of each tile.
        weights: The share of each tile in each of its pixels, (tiles, tile); at each pixel of the
            image the shares sum to one.
    """

    length: int
    padded: int
    tile: int
    starts: tuple[int, ...]
    weights: Tensor


def cut(length: int, config: TilingConfig, *, multiple: int = 1, fixed: bool = False) -> Axis:
    """Place tiles along an axis of `length` pixels.

    Args:
        length: The number of pixels, at least 1.
        config: The settings for tile, overlap and blend.
        multiple: The network's total stride; starts and sizes of tiles are multiples of it.
        fixed: Whether tiles are never smaller, so that a short axis is padded to a whole tile.

    Raises:
        UsageError: The tile leaves no step that is a multiple of the stride.
    """
    padded = math.ceil(length / multiple) * multiple
    tile = config.tile or padded
    if padded <= tile:
        tile = tile if fixed else padded
        return Axis(length, tile, tile, (0,), torch.ones(1, tile))
    step = (tile - 2 * config.overlap - config.blend) // multiple * multiple
    if step < 1:
        raise UsageError(f"a tile of {tile} leaves no step that is a multiple of {multiple}")
    count = 1 + math.ceil((padded - tile) / step)
    if not fixed:
        tile = min(tile, _fitting(padded, count, config, multiple))
    places = ((padded - tile) / multiple * k / (count - 1) for k in range(count))
    starts = tuple(round(place) * multiple for place in places)
    return Axis(length, padded, tile, starts, _weights(starts, tile, config.blend))


def _fitting(padded: int, count: int, config: TilingConfig, multiple: int) -> int:
    """The smallest side, a multiple of the stride, with which that many tiles cover an axis."""
    shared = math.ceil((2 * config.overlap + config.blend) / multiple)
    return math.ceil((padded // multiple + (count - 1) * shared) / count) * multiple


def _weights(starts: tuple[int, ...], tile: int, blend: int) -> Tensor:
    """Each tile's share: it rises at the tile's left passage and falls at its right one.

    A passage rises from 0 to 1 as a raised cosine in the middle of a shared zone. The shares are
    differences of neighboring passages, so they sum to one whatever the passages are.
    """
    first = torch.tensor(starts, dtype=torch.float64)
    middles = (first[:-1] + tile + first[1:]) / 2
    pixel = first[:, None] + torch.arange(tile, dtype=torch.float64) + 0.5
    rise = (pixel[1:] - middles[:, None]) / max(blend, 1e-6) + 0.5
    fall = (pixel[:-1] - middles[:, None]) / max(blend, 1e-6) + 0.5
    full = torch.ones(1, tile, dtype=torch.float64)
    left = torch.cat([full, _raised_cosine(rise)])
    right = torch.cat([_raised_cosine(fall), 0 * full])
    return (left - right).float()


def _raised_cosine(ramp: Tensor) -> Tensor:
    return torch.sin(ramp.clamp(0, 1) * math.pi / 2).square()


def apply(
    image: Tensor,
    network: Network,
    config: TilingConfig,
    *,
    multiple: int = 1,
    fixed: bool = False,
    on_tile: OnTile | None = None,
) -> Tensor:
    """Run a network over an image, tile by tile.

    Args:
        image: The image, (1, C, H, W), of any size from 1x1.
        network: A function that keeps height and width.
        config: The settings for cutting.
        multiple: The network's total stride.
        fixed: Whether the network takes tiles of exactly `config.tile`.
        on_tile: Called after each batch of tiles.

    Returns:
        (1, C', H, W), as if the network had seen the whole image.
    """
    finished: list[Tensor] = []
    stream(
        tuple(image.shape[-2:]),  # type: ignore[arg-type]
        lambda start, stop: image[:, :, start:stop],
        network,
        lambda _, rows: finished.append(rows.clone()),
        config,
        multiple=multiple,
        fixed=fixed,
        on_tile=on_tile,
    )
    return torch.cat(finished, dim=2)


def stream(
    size: tuple[int, int],
    read_rows: ReadRows,
    network: Network,
    write_rows: WriteRows,
    config: TilingConfig,
    *,
    multiple: int = 1,
    fixed: bool = False,
    threads: int = 1,
    on_tile: OnTile | None = None,
) -> None:
    """Run a network over an image that is read and written by rows: see `apply`.

    Args:
        size: The height and the width of the image.
        read_rows: A function that reads rows, called from top to bottom; its ranges overlap.
        network: A function that keeps height and width.
        write_rows: A function that takes finished rows from top to bottom, each row once.
        config: The settings for cutting.
        multiple: The network's total stride.
        fixed: Whether the network takes tiles of exactly `config.tile`.
        threads: The number of threads among which batches are divided, without gradients; with 1,
            the caller's thread runs all of them.
        on_tile: Called after each batch of tiles.
    """
    rows = cut(size[0], config, multiple=multiple, fixed=fixed)
    columns = cut(size[1], config, multiple=multiple, fixed=fixed)
    total = len(rows.starts) * len(columns.starts)
    batches = math.ceil(len(columns.starts) / config.batch)
    tiles = _batches(read_rows, rows, columns, config.batch)
    band: Tensor | None = None  # one for all rows of tiles, as the system must clear a new one
    pending: Tensor | None = None  # sums of the rows that a later row of tiles still adds to
    with closing(in_order(network, tiles, len(rows.starts) * batches, threads)) as results:
        for index, start in enumerate(rows.starts):
            band = _blended(itertools.islice(results, batches), columns, band)
            band *= rows.weights[index].to(band)[:, None]
            if pending is not None:
                band[:, :, : pending.shape[2]] += pending
            last = index + 1 == len(rows.starts)
            done = rows.tile if last else rows.starts[index + 1] - start
            pending = band[:, :, done:].clone()
            visible = min(done, rows.length - start)
            if visible > 0:
                write_rows(start, band[:, :, :visible, : columns.length])
            if on_tile:
                on_tile((index + 1) * len(columns.starts), total)


def _batches(read_rows: ReadRows, rows: Axis, columns: Axis, batch: int) -> Iterator[Tensor]:
    """Cut the tiles of all rows of tiles, from top to bottom."""
    for top in rows.starts:
        strip = _read_padded(read_rows, rows, top)
        for begin in range(0, len(columns.starts), batch):
            lefts = columns.starts[begin : begin + batch]
            yield torch.cat([_part(strip, columns, left) for left in lefts])
        del strip  # before the next one is read


def _read_padded(read_rows: ReadRows, rows: Axis, start: int) -> Tensor:
    """A strip of tile height over the whole width; beyond the image it is mirrored."""
    if start + rows.tile <= rows.length:
        return read_rows(start, start + rows.tile)
    wanted = mirror(rows.padded, rows.length)[start : start + rows.tile]
    first = int(wanted.min())
    strip = read_rows(first, int(wanted.max()) + 1)
    return strip[:, :, (wanted - first).to(strip.device)]


def _part(strip: Tensor, columns: Axis, left: int) -> Tensor:
    """The columns of a strip that a tile covers; beyond the image they are mirrored."""
    if left + columns.tile <= columns.length:
        return strip[..., left : left + columns.tile]
    places = mirror(columns.padded, columns.length)[left : left + columns.tile]
    return strip[..., places.to(strip.device)]


def _blended(results: Iterator[Tensor], columns: Axis, band: Tensor | None) -> Tensor:
    """Blend the results of one row of tiles along the columns, (1, C, tile, padded width).

    They replace what a band of this shape holds, if there is one.
    """
    done = 0  # columns that hold a sum
    tiles = itertools.chain.from_iterable(results)
    for start, tile, weights in zip(columns.starts, tiles, columns.weights, strict=True):
        if band is None:
            band = tile.new_empty((1, *tile.shape[:2], columns.padded))
        shares, shared, end = weights.to(band), done - start, start + columns.tile
        band[0, :, :, start:done] += tile[..., :shared] * shares[:shared]
        band[0, :, :, done:end] = tile[..., shared:] * shares[shared:]
        done = end
    if band is None:
        raise UsageError("an image has at least one pixel")
    return band
