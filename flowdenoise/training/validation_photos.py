"""What a denoiser of photographs is measured on while it learns: pairs, real and simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from flowdenoise import images
from flowdenoise.data.corpus import Corpus, decode
from flowdenoise.data.pairs import find_pairs
from flowdenoise.data.sources import Sources
from flowdenoise.errors import DataError
from flowdenoise.images import as_floats
from flowdenoise.networks import NoiseMapNet
from flowdenoise.noise import camera
from flowdenoise.noise.shots import mean_of_shots

Pair: TypeAlias = tuple[Tensor, Tensor]
"""A photograph with noise and the truth, each (3, H, W) in [0, 1]."""

Photos: TypeAlias = Mapping[str, Sequence[Pair]]
"""Pairs by what they are: `pairs` are real ones, the others of simulated cameras."""

SIDE = 256
"""At most this side, the middle of each picture is measured in training."""

MOST = 32
"""The number of clean pictures that a run is validated on: more take long and tell little more."""


def validation_photos(
    sources: Sources,
    smallest: int,
    stride: int,
    most: int = MOST,
    side: int = SIDE,
    shots: int = 0,
    light: float = 1.0,
) -> Photos:
    """The pairs that the validation images hold or make.

    Two files are a real pair if their names say so (`data.pairs`). Every other picture is clean,
    and each kind of camera takes a photograph of it, always the same one.

    Args:
        sources: Names the validation images; there may be none.
        smallest: Clean pictures with a side below this are left out.
        stride: Sides are multiples of this, as a network needs it.
        most: The most clean pictures of which photographs are taken, the first ones.
        side: The largest side, in pixels; of a larger picture the middle is taken.
        shots: The number of noisy shots whose mean, in linear light, is the truth of a simulated
            photograph, as it is that of real pairs; 0 takes one without noise.
        light: The factor of the light of simulated scenes; what is too bright burns out.

    Raises:
        DataError: A folder does not exist, or holds no images, or a pair's sizes differ.
        ImageError: A picture of a pair can't be read.
    """
    files = sources.files("validation")
    real = find_pairs(file.path for file in files)
    paired = {*real, *real.values()}
    alone = [file for file in files if file.path not in paired]
    multiple = math.lcm(stride, NoiseMapNet.stride)
    found: dict[str, Sequence[Pair]] = {}
    if real:
        found["pairs"] = [_pair(noisy, clean, multiple, side) for clean, noisy in real.items()]
    if alone:
        corpus = decode(alone[:most], channels=3, smallest=smallest, on_skip=sources.on_skip)
        found |= _simulated(corpus, multiple, side, shots, light)
    return found


def _pair(noisy: Path, clean: Path, multiple: int, side: int) -> Pair:
    pixels = [images.read_uint8(file, 3) for file in (noisy, clean)]
    if pixels[0].shape != pixels[1].shape:
        raise DataError(f"{noisy} and {clean} are of different sizes")
    first, second = (as_floats(torch.tensor(shown).permute(2, 0, 1)) for shown in pixels)
    return _middle(first, multiple, side), _middle(second, multiple, side)


def _middle(picture: Tensor, multiple: int, most: int) -> Tensor:
    """The middle of (C, H, W), its sides multiples of a number."""
    for axis in (1, 2):
        side = min(picture.shape[axis], most) // multiple * multiple
        picture = picture.narrow(axis, (picture.shape[axis] - side) // 2, side)
    return picture


def _simulated(
    corpus: Corpus, multiple: int, side: int, shots: int, light: float
) -> dict[str, Sequence[Pair]]:
    """Photographs by each kind of camera, and the truths behind them."""
    found: dict[str, Sequence[Pair]] = {}
    bright = torch.tensor([light])
    for name, config in camera.CAMERAS.items():
        pairs = []
        for index in range(len(corpus)):
            clean = _middle(as_floats(corpus.image(index)), multiple, side)[None]
            key = corpus.keys[index : index + 1]
            noisy = camera.simulate(clean, key, config, light=bright).picture
            if shots:
                truth = mean_of_shots(clean, key, config, count=shots, light=bright)
            else:
                truth = camera.simulate(clean, key, config, noise=0.0, light=bright).picture
            pairs.append((noisy[0], truth[0]))
        found[name] = pairs
    return found
