"""Random numbers as a pure function of a key and a counter.

A generator with a state gives numbers in the order of asking, so that a resumed run, a second
device or a patch cut elsewhere would see others. Here a number belongs to its place instead: the
same (key, counter) gives the same number in any order, on any number of devices. Three things
rest on it: each noisy photograph always has the *same* noise, which is not stored; training
resumes bit for bit without saving a generator; and N processes draw what one would have drawn.

The idea is that of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The
mixing function is a 32-bit integer hash of the multiply-and-shift kind with constants found by
search (C. Wellons, "Prospecting for hash functions", 2018). It is no cipher: use it for noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique

import torch
from torch import Tensor

_MULTIPLIERS = (0x7FEB352D, 0x846CA68B - (1 << 32))  # as signed 32-bit
_GOLDEN = 0x9E3779B9 - (1 << 32)  # 2**32 / golden ratio: separates the words of a key


def _mix(bits: Tensor) -> Tensor:
    """Scramble int32 `bits`: if one bit of the input changes, about half of the output's do."""
    first, second = _MULTIPLIERS
    bits = (bits ^ ((bits >> 16) & 0xFFFF)) * first
    bits = (bits ^ ((bits >> 15) & 0x1FFFF)) * second
    return bits ^ ((bits >> 16) & 0xFFFF)


def _wrap(value: int) -> int:
    """Bring any integer into the range of a signed 32-bit word."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def fold(key: Tensor | int, *words: Tensor | int) -> Tensor:
    """Derive a new key from a key and further words (a seed, a step, an image, a stream).

    Args:
        key: A tensor of integers of any shape, or a number.
        words: Numbers or tensors that broadcast with `key`, taken modulo 2**32.

    Returns:
        The new key, int32, of the broadcast shape.
    """
    folded = _as_word(key)
    for word in words:
        folded = _mix(_mix(folded + _GOLDEN) ^ _mix(_as_word(word) - _GOLDEN))
    return folded


def _as_word(value: Tensor | int) -> Tensor:
    if isinstance(value, int):
        return torch.tensor(_wrap(value), dtype=torch.int32)
    return value.to(torch.int32)


def uniform(key: Tensor, counter: Tensor) -> Tensor:
    """Draw numbers in the open interval (0, 1), one for each (key, counter).

    Args:
        key: The keys, int32, which broadcast with `counter`.
        counter: The counters, integers of which the low 32 bits count.

    Returns:
        The numbers, float32, of the broadcast shape. They are multiples of 2**-24, shifted by half
        a step so that neither 0 nor 1 occurs.
    """
    bits = _mix(_mix(counter.to(torch.int32) + _GOLDEN) ^ key) & 0xFFFFFF
    return (bits.to(torch.float32) + 0.5) * 2.0**-24


def normal(key: Tensor, counter: Tensor) -> Tensor:
    """Draw standard normal numbers, one for each (key, counter), by inverting the distribution.

    Args:
        key: The keys, as for `uniform`.
        counter: The counters, as for `uniform`.

    Returns:
        The numbers, float32, of the broadcast shape, between -5.3 and 5.3.
    """
    centered = uniform(key, counter).mul_(2).sub_(1)  # exact: odd multiples of 2**-24
    limit = 1 - 2.0**-23
    return torch.erfinv(centered.clamp_(-limit, limit)).mul_(2**0.5)


@unique
class Stream(IntEnum):
    """The uses of a sample's random numbers; the streams of two uses are independent.

    The numbers decide what a run draws, so they stay what they are. Where a use needs several
    streams, it adds multiples of 8 or 64 to its own.
    """

    PLACE, ROW, COLUMN, TURN, SIGMA, NOISE, SECOND_NOISE = range(7)
    PERMUTATION, MIX, SATURATION, HUE, RED_GAIN, GREEN_GAIN, BLUE_GAIN = range(8, 15)
    ALPHA, RECORRUPTION, PROBE, MASK, NEIGHBOR, TEACHER_TURN = range(16, 22)
    PRIOR_SIGMA, PRIOR_NOISE, BIN = range(32, 35)
    LEVEL_SIGMA, LEVEL_NOISE, LEVEL_FATE, LEVEL_QUALITY = range(48, 52)
    MAP_KIND, MAP_LEVEL, MAP_FATE, MAP_QUALITY, MAP_SUBSAMPLED, MAP_UNEQUAL = range(64, 70)
    MAP_CHANNELS, MAP_NOISE, MAP_CAMERA = 70, 71, 96
    MAP_REDUCED, MAP_REDUCED_AFTER, MAP_SOFTNESS, MAP_FILTER = range(100, 104)
    MAP_EDITED, MAP_EDIT, MAP_SIZE, MAP_ENLARGED, MAP_STORED = range(104, 109)
    MAP_SOFT, MAP_MAGNIFIED, MAP_RELIT, MAP_LIGHT, MAP_CONTRAST, MAP_TURN = range(109, 115)
    MAP_GRAIN = 256
    REFERENCE, MULTIPLE, KIND = range(80, 83)
    BRIGHTNESS_ERROR, COLOR_ERROR, SENSOR_RECORRUPTION = range(83, 86)
    CAMERA_EXPOSURE, CAMERA_RED, CAMERA_BLUE, CAMERA_CONTRAST, CAMERA_MIX = range(128, 133)
    CAMERA_READ, CAMERA_SHOT, CAMERA_NOISE, CAMERA_SOFTNESS = range(133, 137)
    CAMERA_DEMOSAIC, CAMERA_BANDS, CAMERA_SHARPENING, CAMERA_SMOOTHED = range(144, 148)
    CAMERA_QUALITY, CAMERA_SUBSAMPLED, CAMERA_EDGE, CAMERA_CLIP = range(148, 152)
    CAMERA_REPEATED, CAMERA_LIGHT, CAMERA_MATRIX, CAMERA_BLUE_FIRST = 152, 153, 154, 155
    CAMERA_REDUCED, CAMERA_SIZE, CAMERA_STORED = range(156, 159)
    EDIT_EXPOSURE, EDIT_GAMMA, EDIT_CONTRAST, EDIT_CURVE = range(288, 292)
    EDIT_SATURATION, EDIT_SHARPENING = range(292, 294)
    GRAIN_WIDTH, GRAIN_COLOR, GRAIN_TONE, GRAIN_LEVEL = range(296, 300)
    CAMERA_SHOTS = 4096


@unique
class ImageStream(IntEnum):
    """The uses of the random numbers that an image keeps in all samples."""

    SIGMA, NOISE, COLOR, SECOND_NOISE = range(1, 5)


@dataclass(frozen=True)
class Draws:
    """The random numbers of one training step, each sample of the batch with its own.

    Sample `i` of step `n` sees the same numbers whether the batch is drawn by one process or
    shared among many.

    Args:
        keys: The key of each sample, (B,) int32; see `for_step`.
    """

    keys: Tensor

    @classmethod
    def for_step(
        cls,
        seed: int,
        step: int,
        batch: int,
        *,
        first: int = 0,
        device: torch.device | str = "cpu",
    ) -> Draws:
        """Make the draws for samples `first` to `first + batch - 1` of step `step`."""
        samples = torch.arange(first, first + batch)
        return cls(fold(_wrap(seed), step, samples).to(device))

    def __len__(self) -> int:
        return len(self.keys)

    def uniform(self, stream: int) -> Tensor:
        """Draw one number in (0, 1) per sample, (B,). Different streams are independent."""
        keys = fold(self.keys, stream)
        return uniform(keys, torch.zeros_like(keys))

    def normal(self, stream: int, shape: tuple[int, ...]) -> Tensor:
        """Draw standard normal numbers of `shape` per sample, (B, *shape)."""
        keys = fold(self.keys, stream)
        count = 1
        for size in shape:
            count *= size
        counter = torch.arange(count, device=keys.device, dtype=torch.int32)
        return normal(keys[:, None], counter[None]).reshape(len(keys), *shape)
