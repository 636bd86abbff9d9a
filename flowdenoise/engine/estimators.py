"""The networks that estimate noise, loaded when a picture first needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from flowdenoise.engine.noise_maps import NoiseMaps, noise_maps
from flowdenoise.errors import UsageError
from flowdenoise.images import Picture
from flowdenoise.networks import NoiseLevelNet, NoiseMapNet


class Estimators:
    """The estimators of the level of white noise and of maps of a camera's noise.

    Args:
        sources: Functions that load the estimator of white noise, by the number of channels.
        camera: The function that loads the estimator of maps for color pictures; without it
            no picture has maps.
        device: The device that computes.
        threads: The number of threads that compute.
    """

    def __init__(
        self,
        sources: Mapping[int, Callable[[], nn.Module]],
        camera: Callable[[], nn.Module] | None,
        device: torch.device,
        threads: int = 1,
    ) -> None:
        self.sources, self.device, self.threads = sources, device, threads
        self._camera_source = camera
        self._white: dict[int, NoiseLevelNet] = {}
        self._camera: NoiseMapNet | None = None

    def white(self, channels: int) -> NoiseLevelNet:
        """The estimator for pictures of that many channels.

        Raises:
            UsageError: The loaded network is no estimator of noise levels.
        """
        if channels not in self._white:
            net = self.sources[channels]()
            if not isinstance(net, NoiseLevelNet):
                raise UsageError(f"{type(net).__name__} does not estimate noise levels")
            self._white[channels] = net.to(self.device).eval().requires_grad_(False)
        return self._white[channels]

    def maps(self, picture: Picture, *, told: bool = False) -> NoiseMaps | None:
        """The noise maps of a picture that a camera may have taken; None for any other.

        Args:
            picture: A picture, color or gray.
            told: Whether the user says that it has the noise of a camera.

        Raises:
            UsageError: The loaded network is no estimator of noise maps.
        """
        measured = picture.samples.dtype.kind == "f"  # no camera writes those
        if self._camera_source is None or measured:
            return None
        if picture.channels == 1:
            return noise_maps(picture, None, self.device, told=told, threads=self.threads)
        if self._camera is None:
            net = self._camera_source()
            if not isinstance(net, NoiseMapNet):
                raise UsageError(f"{type(net).__name__} does not estimate noise maps")
            self._camera = net.to(self.device).eval().requires_grad_(False)
        return noise_maps(picture, self._camera, self.device, told=told, threads=self.threads)
