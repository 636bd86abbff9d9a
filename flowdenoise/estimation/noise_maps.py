"""The noise of a photograph: maps of its level over a picture, and what they say in words.

The estimator looks at the picture in tiles of the size that it was trained with. So only its maps
grow with the picture, by a cell of four numbers for 8x8 pixels.

Of a large picture the estimator looks at some tiles, evenly spread: they tell what the noise is at
each brightness, and the brightness of a place is known without it.

A place full of texture tells little about its noise. But a camera's noise hardly differs between
places of one brightness, so the level of a place is taken from all places that are as bright. It
is set higher than most levels found there, because noise is taken for texture more often than
texture for noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.estimation.noise_evidence import CELL, TILES, Evidence, look
from flowdenoise.estimation.noise_floor import noise_floor, quantiles, raised
from flowdenoise.images import Picture, Samples
from flowdenoise.networks import FLOOR, KINDS, MAPS, NoiseMapNet, around

MAP_ESTIMATORS = {3: "noise-map-color", 1: "noise-map-gray"}
"""The shipped estimators of noise maps, by the number of channels of pictures."""

_BANDS = 12  # of brightness
_SHARE = 0.7  # of the levels found at a brightness that lie below the one taken
_FEW = 60  # cells of a brightness, about, below which those of all count as much
_LOUD = 0.8  # share of tiles that are quieter than the level by which a picture is judged
_FULL, _ENOUGH = 0.98, 0.1  # a tile tells if so many of its cells do; so many tiles must,
_PARTLY = 0.3  # or else those of which so many cells do and the others are burnt out
_FINE = 1.9  # grain, up to which no camera has smoothed the noise
_STRONG = 12 / 255  # level, from which no camera has smoothed the noise
_SURE, _MUCH = 0.25, 5 / 255  # the share of tiles that are surely noisy, and how much they are
_LEAST, _DOUBT = 0.11 / 255, 8  # a level below `_LEAST exp(_DOUBT p)`, p that of clean, is clean
_CERTAIN, _TRUSTED = 0.88, 0.4  # of clean: above, no floor tells noise, and below, the maps count
_HIGH_ISO, _NOISY_SHARE = 400, 0.97  # of the photographs at full size from that ISO have noise
_SURELY_WHITE = 0.98  # the confidence that no picture without noise and none with weak noise gives
_NOISY_PLACE, _CLEAN_PLACE = 10 / 255, 1 / 255  # the levels of tiles; clean ones do not reach 10
_PLACES = 0.1  # of the tiles: so many are noisy, and so many clean, where noise is in places
_GRASS, _COLORED = 28 / 255, 0.4  # so strong a noise has as much color, beside its brightness,
_COARSE = 2.5  # unless its grain is so coarse: a camera or a film may have taken the color out
_FULL_SIZE = 12e6  # pixels: a smaller photograph may have been reduced, which averages noise


@dataclass(frozen=True)
class NoiseMaps:
    """What noise a picture has, and where.

    Attributes:
        levels: The maps that `networks.MAPS` names, [0, 1] scale, (4, h, w): 8x8 pixels a cell.
        brightness: The mean of the picture in each cell, (h, w), [0, 1].
        kind: The kind of the noise, a name of `networks.KINDS`.
        confidence: The probability of that kind, according to the estimator.
        clean: The probability that the picture is clean, according to the estimator alone.
        in_places: Whether some places surely have white noise, and others have none.
        whole: The maps of the whole picture, if these are those of a part.
    """

    levels: Tensor
    brightness: Tensor
    kind: str
    confidence: float
    clean: float = 0.0
    in_places: bool = False
    whole: NoiseMaps | None = None

    def level(self, name: str) -> float:
        """The root mean square over the picture of the map of that name in `networks.MAPS`."""
        return float(self.levels[MAPS.index(name)].square().mean().sqrt())

    @property
    def sigma(self) -> float:
        """The level, [0, 1] scale, at which a denoiser of white noise does best here."""
        return (self.level("brightness, coarse") + self.level("color, coarse")) / 2

    @property
    def grain(self) -> float:
        """The width of the grains of brightness in pixels, about: 1 for white noise, at most 4.

        It is the ratio of the coarse level to the fine one. The coarse map averages 4x4 pixels.
        """
        return max(1.0, self.level("brightness, coarse") / max(self.level("brightness"), 1e-6))

    @property
    def is_fine(self) -> bool:
        """Whether the grain is as fine as demosaicking leaves it, before a camera smooths it.

        A part has the answer of the whole picture, so that it goes to the same network.
        """
        return (self.whole or self).grain < _FINE

    @property
    def is_strong(self) -> bool:
        """Whether the noise is stronger than a camera that smooths it leaves any.

        A part has the answer of the whole picture here, too.
        """
        return (self.whole or self).sigma >= _STRONG

    @property
    def is_surely_white(self) -> bool:
        """Whether the estimator is as good as certain of white noise."""
        return self.kind == "white" and self.confidence >= _SURELY_WHITE

    @property
    def is_grass(self) -> bool:
        """Whether it would be strong, fine and hardly colored, as only grass and fur are."""
        brightness, color = (self.level(f"{name}, coarse") for name in ("brightness", "color"))
        strong = brightness > _GRASS and self.grain < _COARSE
        return strong and color < _COLORED * brightness

    def by_brightness(self) -> list[tuple[float, float, float]]:
        """Each band of brightness that occurs, with its levels of brightness and of color."""
        bands = _bands(self.brightness)
        rows = []
        for band in range(_BANDS):
            here = bands == band
            if int(here.sum()) * 200 >= here.numel():
                fine = self.levels[::2, here].square().mean(1).sqrt().tolist()
                rows.append(((band + 0.5) / _BANDS, fine[0], fine[1]))
        return rows

    def scaled(self, share: float) -> NoiseMaps:
        """The maps with a share of their levels."""
        return replace(self, levels=share * self.levels)

    def without_color(self) -> NoiseMaps:
        """The maps with no noise of color, which gray pictures have like that of brightness."""
        in_brightness = torch.tensor([float("color" not in name) for name in MAPS])
        return replace(self, levels=self.levels * in_brightness[:, None, None])

    def part(self, rows: slice, columns: slice) -> NoiseMaps:
        """The maps of a part of the picture, which begins with a cell; slices are in pixels."""
        cells = tuple(slice(s.start // CELL, -(-s.stop // CELL)) for s in (rows, columns))
        if rows.start % CELL or columns.start % CELL:
            raise UsageError(f"a part with noise maps begins at a multiple of {CELL} pixels")
        levels, brightness = self.levels[:, *cells], self.brightness[cells]
        return replace(self, levels=levels, brightness=brightness, whole=self.whole or self)

    def rows(self, start: int, stop: int, width: int) -> Tensor:
        """The coarse maps for rows of pixels, (1, 2, stop - start, width), as denoisers take them.

        Between cells the maps are interpolated.

        Args:
            start: The first row.
            stop: The row behind the last.
            width: The width of the picture, in pixels.
        """
        return _rows(self.levels[1::2], start, stop, width)

    def fine_rows(self, start: int, stop: int, width: int) -> Tensor:
        """The level of the fine part of the noise of brightness, (1, 1, stop - start, width).

        Args:
            start: The first row.
            stop: The row behind the last.
            width: The width of the picture, in pixels.
        """
        fine, coarse = self.levels[:1], self.levels[1:2]
        return _rows(fine.square() / torch.maximum(fine, coarse), start, stop, width)


def _rows(cells: Tensor, start: int, stop: int, width: int) -> Tensor:
    """Interpolate maps (N, h, w) between their cells, for rows of pixels."""
    first, last = max(0, start // CELL - 1), min(cells.shape[1], -(-stop // CELL) + 1)
    size = ((last - first) * CELL, cells.shape[2] * CELL)
    finer = F.interpolate(cells[None, :, first:last], size=size, mode="bilinear")
    return finer[:, :, start - first * CELL : stop - first * CELL, :width]


@torch.no_grad()
def noise_maps(
    picture: Picture,
    net: NoiseMapNet,
    device: torch.device,
    *,
    told: bool = False,
    threads: int = 1,
    tiles: int = TILES,
) -> NoiseMaps:
    """Estimate the noise maps of a whole picture.

    The maps of color of a gray picture are those of brightness.

    Bars of one color around a picture are left out, since tiles that are partly constant look
    clean; they get the maps of what is beside them.

    Args:
        picture: A picture, color or gray.
        net: The estimator for pictures of as many channels, on the device.
        device: The device that computes.
        told: Whether the user says that there is such noise.
        threads: The number of threads that compute.
        tiles: The number of tiles of a large picture that the estimator looks at, about.
    """
    rows, columns = without_bars(picture.samples)
    shown = look(picture.part(rows, columns), net, device, threads, tiles)
    inner = _judged(shown, picture.channels, math.inf if told else _doubted(picture))
    before = rows.start // CELL, columns.start // CELL
    down, across = (-(-side // CELL) for side in (picture.height, picture.width))
    high, wide = inner.brightness.shape
    pad = (before[1], across - before[1] - wide, before[0], down - before[0] - high)
    maps = torch.cat([inner.levels, inner.brightness[None]])
    maps = F.pad(maps[None], pad, mode="replicate")[0]
    return replace(inner, levels=maps[:-1], brightness=maps[-1])


def without_bars(samples: Samples) -> tuple[slice, slice]:
    """The rows and columns of a picture (H, W, C) without bars of one color around it.

    Both begin with a cell. A picture of one color is all that there is.
    """
    box = [slice(0, samples.shape[0]), slice(0, samples.shape[1])]
    for axis in (0, 1):
        start, stop = box[axis].start, box[axis].stop
        inside = samples[:, box[1]] if axis == 0 else samples[box[0]].swapaxes(0, 1)
        while stop > start + CELL and _is_bar(inside[start : start + CELL]):
            start += CELL
        while stop > start + CELL and _is_bar(inside[CELL * ((stop - 1) // CELL) : stop]):
            stop = CELL * ((stop - 1) // CELL)
        box[axis] = slice(start, stop)
    return box[0], box[1]


def _is_bar(strip: Samples) -> bool:
    return bool((strip == strip[0, 0]).all())


def _doubted(picture: Picture) -> float:
    """The probability of a clean picture below which it is not believed, by the picture's ISO."""
    return _NOISY_SHARE if is_sensitive(picture) else 0.0


def is_sensitive(picture: Picture) -> bool:
    """Whether a picture was taken at a high ISO, according to its file.

    The mean of n pixels has the noise of an n-th of the ISO. How far a photograph was reduced is
    not known, so one with fewer pixels than cameras have counts as reduced from full size.
    """
    share = min(1.0, picture.width * picture.height / _FULL_SIZE)
    return (picture.metadata.iso or 0) * share >= _HIGH_ISO


def _judged(shown: Evidence, channels: int, doubted: float) -> NoiseMaps:
    """The maps of a picture without bars, from what its tiles show.

    Where the estimator finds it clean with a lower probability than `doubted`, it is noisy, and
    its quietest places are all noise, even if they do not look like it.
    """
    kind, confidence, clean = _kind(shown)
    cells = tuple(slice(side) for side in shown.brightness.shape)
    levels, brightness = shown.levels[:, *cells], shown.brightness
    if not shown.telling.any():
        return NoiseMaps(torch.full_like(levels, FLOOR), brightness, "clean", 1.0, clean)
    if (sure := _in_places(shown)) is not None:
        return NoiseMaps(levels, brightness, "white", sure, 1 - sure, in_places=True)
    bands = _bands(brightness)
    squares, inside = shown.squares[:, *cells], shown.inside[cells]
    looked = float(shown.seen.float().mean())
    floor = noise_floor(squares, bands, inside, _BANDS, looked, channels=channels)
    found_clean, covered, disbelieved = kind == "clean", False, False
    if floor is not None:
        disbelieved = found_clean and clean < doubted
        shows = floor.is_noise if found_clean else floor.agrees
        covered = disbelieved or (shows and clean <= _CERTAIN) or (found_clean and floor.is_grain)
    if found_clean and covered:
        kind, confidence = "camera", _noisy(clean, doubted) if disbelieved else 1 - clean
    if kind != "clean" or not shown.seen.all():
        levels = _by_brightness(levels, bands, shown.telling[cells])
    if floor is not None and covered:
        levels = raised(levels, floor, bands, min(1.0, clean / _TRUSTED))
    return NoiseMaps(levels, brightness, kind, confidence, clean)


def _in_places(shown: Evidence) -> float | None:
    """How sure it is that some places have white noise where others have none; else None.

    A photograph in a screenshot or in a collage is so. What is found at other places of the same
    brightness says nothing then.
    """
    full = F.avg_pool2d(shown.telling[None].float(), shown.tile).flatten() > _FULL
    coarse = F.avg_pool2d(shown.levels[None, 1], shown.tile).flatten()[full]
    white = torch.softmax(shown.kinds[full], 1)[:, KINDS.index("white")]
    noisy = (white >= _SURELY_WHITE) & (coarse >= _NOISY_PLACE)
    least = max(1.0, _PLACES * float(shown.seen.sum()))
    clean = (coarse < _CLEAN_PLACE) & shown.seen[full]
    if int(noisy.sum()) < least or int(clean.sum()) < least:
        return None
    return float(white[noisy].mean())


def _noisy(clean: float, doubted: float) -> float:
    """The probability of noise where that of a clean picture is below `doubted`, by Bayes' rule.

    To doubt below a probability t is to hold t of all such pictures for noisy before one looks.
    """
    if doubted >= 1:
        return 1.0
    noisy = (1 - clean) * doubted
    return noisy / (noisy + clean * (1 - doubted))


def _kind(shown: Evidence) -> tuple[str, float, float]:
    """The kind of the noise, its probability, and that of a clean picture.

    Half of a noisy picture is noisy. The estimator's level of a place is a compromise between what
    it would be with noise and without, so the more probable a clean picture is, the more must be
    found. Where it is sure about some tiles and finds much there, these are enough: noise shows
    best in flat and bright places. Of what kind the noise is, the noisiest tiles say.
    """
    cells = torch.stack([shown.telling, shown.burnt]).float()
    telling, burnt = F.avg_pool2d(cells, shown.tile).flatten(1)
    full = telling > _FULL
    if full[shown.seen].float().mean() < _ENOUGH:
        full = (telling > _PARTLY) & (telling + burnt > _FULL)
    if full[shown.seen].float().mean() < _ENOUGH:
        return "clean", 0.0, 1.0
    coarse = F.avg_pool2d(shown.levels[None, 1], shown.tile).flatten()[full]
    logits = shown.kinds[full]
    clean = float(torch.softmax(logits.mean(0), 0)[0])
    share = float((torch.softmax(logits, 1)[:, 0] < 0.5).float().mean())
    surely = share >= _SURE and float(coarse.quantile(_LOUD)) >= _MUCH
    least = _LEAST * math.exp(_DOUBT * clean)
    if not surely and float(shown.levels[1, shown.telling].median()) < least:
        return "clean", clean, clean
    loud = coarse >= coarse.quantile(_LOUD) / 2
    chances = torch.softmax(logits[loud][:, 1:].mean(0), 0)
    best = int(chances.argmax())
    return KINDS[1 + best], (1 - clean) * float(chances[best]), clean


def _bands(brightness: Tensor) -> Tensor:
    return (brightness * _BANDS).long().clamp(0, _BANDS - 1)


def _by_brightness(levels: Tensor, bands: Tensor, tells: Tensor) -> Tensor:
    """For each cell, the level that is usual where the picture is as bright, (4, h, w)."""
    logs, own = levels[:, tells].log(), bands[tells]
    usual = _usual(logs)
    rows = usual.repeat(_BANDS, 1)
    for band in torch.unique(own):
        here = logs[:, own == band]
        count = here.shape[1]
        rows[band] = (count * _usual(here) + _FEW * usual) / (count + _FEW)
    return around(rows.exp()[bands].permute(2, 0, 1)[None])[0]


def _usual(logs: Tensor) -> Tensor:
    """The quantile `_SHARE` of logarithms (4, N), as (4,); of very many, only some are used."""
    step = max(1, logs.shape[1] >> 20)
    return quantiles(logs[:, ::step], _SHARE)
