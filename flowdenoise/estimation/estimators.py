"""The networks that estimate noise, and what they find out about a picture.

They are loaded when a picture first needs them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from flowdenoise.errors import UsageError
from flowdenoise.estimation.estimate import WEAKEST, Estimate, camera_or_white
from flowdenoise.estimation.noise_evidence import TILES
from flowdenoise.estimation.noise_maps import NoiseMaps, noise_maps
from flowdenoise.estimation.white_noise import CROPS, dithered_below, estimate_white_noise
from flowdenoise.flow import Glow
from flowdenoise.images import Picture, Samples
from flowdenoise.networks import NoiseLevelNet, NoiseMapNet
from flowdenoise.noise import NoiseKind
from flowdenoise.system.side_by_side import both

Net = TypeVar("Net", bound=nn.Module)

_ROWS = 16  # whose values are looked at together

_LOADING = threading.Lock()  # of no denoiser's own, so that a denoiser can be pickled


@dataclass(frozen=True)
class Finding:
    """What was found out about a picture's noise.

    Attributes:
        estimate: The noise, estimated or given.
        seen: The maps of noise of any kind that were found, whatever became of them; None if
            nothing was looked for.
        otherwise: The finding without the maps of a camera's noise, if the estimate has them.
        beside_detail: Whether a denoiser told noise by leaving detail that is stronger than it.
    """

    estimate: Estimate
    seen: NoiseMaps | None = None
    otherwise: Finding | None = None
    beside_detail: bool = False

    @property
    def doubted(self) -> NoiseMaps | None:
        """The maps of a camera's noise that the estimate speaks against, if there are any.

        Those that show grass are none.
        """
        seen = self.seen
        if seen is None or self.estimate.maps is not None:
            return None
        return seen if seen.kind == "camera" and not seen.is_grass else None

    def part(self, rows: slice, columns: slice) -> Finding:
        """The finding for a part of the picture, which begins with a cell of noise maps."""
        maps = self.estimate.maps
        if maps is not None:
            maps = maps.part(rows, columns)
        estimate = replace(self.estimate, maps=maps)
        return replace(self, estimate=estimate, seen=None, otherwise=None)


class Estimators:
    """The estimators of the level of white noise and of maps of a camera's noise.

    Args:
        sources: Functions that load the estimator of white noise, by the number of channels.
        camera: Functions that load the estimator of maps of a camera's noise, likewise; pictures
            of other channels have no maps.
        device: The device that computes.
        threads: The number of threads that compute.
        looked_at: How much of a large picture tells its noise, a share of the usual.
    """

    def __init__(
        self,
        sources: Mapping[int, Callable[[], nn.Module]],
        camera: Mapping[int, Callable[[], nn.Module]],
        device: torch.device,
        threads: int = 1,
        *,
        looked_at: float = 1.0,
    ) -> None:
        self.sources, self.device, self.threads = sources, device, threads
        self.looked_at = looked_at
        self._camera_sources = camera
        self._white: dict[int, NoiseLevelNet] = {}
        self._camera: dict[int, NoiseMapNet] = {}

    def find(
        self, picture: Picture, kind: NoiseKind, *, prior: Glow | None = None, apart: bool = False
    ) -> Finding:
        """Find out the noise of a picture.

        Args:
            picture: The picture, color or gray.
            kind: The kind of noise that it is assumed to have.
            prior: A prior to ask for the level of white noise in place of an estimator.
            apart: Whether the channels may get levels of their own.

        Raises:
            UsageError: The noise is to be that of a camera, and nothing finds its maps.
        """
        if kind != "camera" and _has_two_values(picture.samples):
            return Finding(Estimate(0.0, "clean"))
        maps = partial(self.maps, picture)
        white = partial(self._find_white, picture, prior, apart)
        if kind == "white":
            return white()
        if kind == "camera":
            if (found := maps(told=True)) is None:
                raise UsageError("this model knows no noise of cameras in such a picture")
            return Finding(Estimate.of_camera(found))
        found, finding = both(maps, white, self.threads)
        dithered = dithered_below(picture)
        if found is None or (found.sigma < dithered and dithered > WEAKEST):
            return finding  # of few values, so what its brightness shows would be dither, too
        finding = replace(finding, seen=found)
        if found.sigma < dithered:
            return finding
        estimate = camera_or_white(finding.estimate, found, picture.channels)
        if estimate.maps is not None:
            return Finding(estimate, seen=found, otherwise=finding)
        return replace(finding, estimate=estimate)

    def _find_white(self, picture: Picture, prior: Glow | None, apart: bool) -> Finding:
        if prior is not None:
            estimate = estimate_white_noise(picture, prior, self.device)
        else:
            several = picture.channels > 1 and 1 in self.sources
            alone = self.white(1) if apart and several else None
            judge = self.white(picture.channels)
            most = round(self.looked_at * CROPS)
            estimate = estimate_white_noise(
                picture, judge, self.device, channel_judge=alone, most=most
            )
        return Finding(estimate)

    def white(self, channels: int) -> NoiseLevelNet:
        """The estimator for pictures of that many channels.

        Raises:
            UsageError: The loaded network is no estimator of noise levels.
        """
        what = "does not estimate noise levels"
        return self._ready(self._white, self.sources, channels, NoiseLevelNet, what)

    def know_cameras_in(self, channels: int) -> bool:
        """Whether pictures of that many channels have noise maps."""
        return channels in self._camera_sources

    def maps(self, picture: Picture, *, told: bool = False) -> NoiseMaps | None:
        """The noise maps of a picture that a camera may have taken; None for any other.

        Args:
            picture: A picture, color or gray.
            told: Whether the user says that it has the noise of a camera.

        Raises:
            UsageError: The loaded network is no estimator of noise maps.
        """
        if not self.know_cameras_in(picture.channels) or _was_measured(picture):
            return None
        estimator = self.camera(picture.channels)
        return noise_maps(
            picture,
            estimator,
            self.device,
            told=told,
            threads=self.threads,
            tiles=round(self.looked_at * TILES),
        )

    def camera(self, channels: int) -> NoiseMapNet:
        """The estimator of noise maps for pictures of that many channels.

        Raises:
            UsageError: The loaded network is no estimator of noise maps.
        """
        what = "does not estimate noise maps"
        return self._ready(self._camera, self._camera_sources, channels, NoiseMapNet, what)

    def _ready(
        self,
        loaded: dict[int, Net],
        sources: Mapping[int, Callable[[], nn.Module]],
        channels: int,
        kind: type[Net],
        what: str,
    ) -> Net:
        with _LOADING:  # other threads wait for what one of them loads
            if channels not in loaded:
                net = sources[channels]()
                if not isinstance(net, kind):
                    raise UsageError(f"{type(net).__name__} {what}")
                loaded[channels] = net.to(self.device).eval().requires_grad_(False)
            return loaded[channels]


def _was_measured(picture: Picture) -> bool:
    """Whether samples are floats beyond black and white, which no camera and no program writes."""
    samples = picture.samples
    if samples.dtype.kind != "f":
        return False
    return picture.span != (0, 1) or bool(samples.min() < 0 or samples.max() > 1)


def _has_two_values(samples: Samples) -> bool:
    """Whether a mask, a drawing in black and white or a dithered picture holds no third value.

    Noise that is added to a picture has many values, so the first rows tell of most pictures.
    """
    values: set[float] = set()
    for top in range(0, len(samples), _ROWS):
        values.update(np.unique(samples[top : top + _ROWS]).tolist())
        if len(values) > 2:
            return False
    return len(values) == 2
