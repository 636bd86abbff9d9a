"""What a picture really holds: which of its channels form one picture, and which are empty.

A file of three channels may hold a gray picture three times, exactly or up to the rounding of its
compression, and it may hold channels that are constant. A color network has never seen noise that
is the same in all channels, and would tint it. So a gray picture is denoised as gray, whatever its
file says, and a constant channel stays constant. Where the noise of a color picture is the same in
all channels, as a camera leaves it that has smoothed color, its brightness is a plane of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from flowdenoise.images import Picture, Samples
from flowdenoise.metrics import LUMA

_ROUNDING = 2  # levels by which a lossy format may set apart channels that were equal
_BAND = 1 << 20  # samples that are looked at together


@dataclass(frozen=True)
class Plane:
    """A part of a picture that is denoised by itself.

    Attributes:
        picture: The part, with one channel or three.
        channels: The channels of the whole picture that get the result; a single channel may go
            to several.
    """

    picture: Picture
    channels: tuple[int, ...]

    def put(self, start: int, rows: Tensor, result: Samples) -> None:
        """Put finished rows, (1, C, rows, W), into a result, beginning at row `start`."""
        channels, step = list(self.channels), max(1, _BAND // rows[..., 0, :].numel())
        whole = result.shape[2] == len(channels)  # which needs no list, that NumPy follows slowly
        for part in torch.split(rows, step, -2):
            band = slice(start, start + part.shape[-2])
            start = band.stop
            values = self.picture.samples_of(part, band)
            if self.picture.channels > len(channels):
                values = values[..., channels]
            if whole:
                result[band] = values
            else:
                result[band, :, channels] = values

    def part(self, rows: slice, columns: slice) -> Plane:
        """Take the same part of the plane as of the whole picture."""
        return replace(self, picture=self.picture.part(rows, columns))


@dataclass(frozen=True)
class Brightness(Plane):
    """The brightness of a color picture, whose colors stay as they are.

    Attributes:
        whole: The color picture.
    """

    whole: Picture

    @classmethod
    def of(cls, picture: Picture) -> Brightness:
        """The luma of a color picture by Rec. 601, in samples of the same type."""
        samples = picture.samples
        luma = np.empty((*samples.shape[:2], 1), samples.dtype)
        step = max(1, _BAND // samples[0].size)
        for top in range(0, picture.height, step):
            values = samples[top : top + step] @ np.array(LUMA, np.float64)
            luma[top : top + step, :, 0] = values if samples.dtype.kind == "f" else values.round()
        channels = tuple(range(picture.channels))
        return cls(replace(picture, samples=luma), channels, picture)

    def put(self, start: int, rows: Tensor, result: Samples) -> None:
        """Add the change of brightness to all channels; `rows` are (1, 1, rows, W)."""
        step = max(1, _BAND // self.whole.samples[0].size)
        for part in torch.split(rows.cpu(), step, -2):
            band = slice(start, start + part.shape[-2])
            start = band.stop
            change = part - self.picture.tensor(band)
            result[band] = self.whole.samples_of(self.whole.tensor(band) + change, band)

    def part(self, rows: slice, columns: slice) -> Brightness:
        """Take the same part of the plane as of the whole picture."""
        picture, whole = self.picture.part(rows, columns), self.whole.part(rows, columns)
        return replace(self, picture=picture, whole=whole)


def planes_of(picture: Picture, kinds: tuple[int, ...]) -> tuple[Plane, ...]:
    """Take a picture apart into planes, each of which is denoised by itself.

    Args:
        picture: The picture, gray or color.
        kinds: The numbers of channels, 1 and 3, for which there is a network.

    Returns:
        The planes; a picture of a single color has none.
    """
    varying = tuple(channel for channel in range(picture.channels) if _varies(picture, channel))
    if not varying:
        return ()
    if picture.channels == 1 or 1 not in kinds:
        return (Plane(picture, varying),)
    if (gray := _as_gray(picture)) is not None:
        return (Plane(replace(picture, samples=gray), (0, 1, 2)),)
    if len(varying) == picture.channels:
        return (Plane(picture, varying),)
    alone = ((channel, picture.samples[..., channel, None]) for channel in varying)
    return tuple(Plane(replace(picture, samples=part), (channel,)) for channel, part in alone)


def room_for(picture: Picture, planes: Sequence[Plane]) -> Samples:
    """An array for the results of planes, which holds the picture where they leave it alone."""
    filled = {channel for plane in planes for channel in plane.channels}
    if len(filled) < picture.channels:
        return picture.samples.copy()
    return np.empty(picture.samples.shape, picture.samples.dtype)


def _varies(picture: Picture, channel: int) -> bool:
    first = next((band[0, 0, channel] for band in _bands(picture)), None)
    return _any(picture, lambda band: (band[..., channel] != first).any())


def _as_gray(picture: Picture) -> Samples | None:
    """The one channel that three hold, (H, W, 1), or None if they differ."""
    samples = picture.samples
    if not _any(picture, lambda band: (band != band[..., :1]).any()):
        return samples[..., :1]
    if picture.lossless or samples.dtype != np.uint8:
        return None
    if _any(picture, lambda band: (np.ptp(band, axis=2) > _ROUNDING).any()):
        return None
    gray = np.empty((*samples.shape[:2], 1), samples.dtype)
    gray[..., 0] = (samples.sum(axis=2, dtype=np.uint16) + 1) // 3
    return gray


def _any(picture: Picture, fault: Callable[[Samples], np.bool_]) -> bool:
    """Whether some band has a fault; the search ends at the first."""
    return any(bool(fault(band)) for band in _bands(picture))


def _bands(picture: Picture) -> Iterator[Samples]:
    """Bands of rows, (h, W, C); where data are missing, the pixels with data, (1, N, C)."""
    samples = picture.samples
    step = max(1, _BAND // samples[0].size)
    for top in range(0, picture.height, step):
        rows = slice(top, top + step)
        if picture.no_data is None:
            yield samples[rows]
        elif not picture.no_data[rows].all():
            yield samples[rows][~picture.no_data[rows]][None]
