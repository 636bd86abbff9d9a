"""Our networks as methods: told the true noise level, or with their own estimate; Noise2Void.

All of them run through `Denoiser`, the engine of the command, so users get what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from flowdenoise import weights
from flowdenoise.benchmark.methods.method import Method, MethodOptions
from flowdenoise.engine import AUTOMATIC, Denoiser, SigmaOrAuto, weights_for_cameras
from flowdenoise.errors import UsageError
from flowdenoise.estimation import ESTIMATORS
from flowdenoise.flow import as_denoiser
from flowdenoise.images import Picture, quantize
from flowdenoise.system.rules import COLORS
from flowdenoise.weights import store

_CAMERA_RULES = 12
"""Raised where the engine comes to decide otherwise what is a camera's noise, and how much."""


class NetworkMethod(Method):
    """A denoising network.

    Args:
        label: The label in tables.
        models: The weights, by the number of channels.
        options: The options for precision, tiles, and the samples of pictures.
        estimate: Whether to use the estimated noise level, as the command does by default.
        ensemble: Whether to average over the eight turned and mirrored versions of the image.
    """

    denoiser: Denoiser

    def __init__(
        self,
        label: str,
        models: Mapping[int, str],
        options: MethodOptions,
        *,
        estimate: bool = False,
        ensemble: bool = False,
    ) -> None:
        super().__init__(label)
        self.models, self.options = models, options
        self.blind = self.estimate = estimate
        self.ensemble = ensemble
        self._estimator_hash: str | None = None
        self._cameras: list[str | int | None] = []

    def prepare(self, channels: int, device: torch.device) -> None:
        """Load the weights, and the estimator if it is needed."""
        model, offline = self.models[channels], self.options.offline
        found = store.verify(model, offline=offline)
        self.weights, loaded = found.sha256, weights.load(found)
        if loaded.config.image_channels != channels:
            own = COLORS[loaded.config.image_channels]
            raise UsageError(
                f"the weights {model} are for {own} images, and these are {COLORS[channels]}"
            )
        promised, passes = as_denoiser(loaded.network).config, 8 if self.ensemble else 1
        self.multiply_adds_per_pixel = passes * promised.multiply_adds_per_pixel
        self.blind = self.estimate or not promised.sigma_channels
        if self.estimate and loaded.kind != "glow":  # a prior estimates by its own likelihood
            self._estimator_hash = store.verify(ESTIMATORS[channels], offline=offline).sha256
        if self.estimate or self.options.eight_bit:
            names = weights_for_cameras(channels)
            hashes = [store.verify(name, offline=offline).sha256 for name in names]
            self._cameras = [*hashes, _CAMERA_RULES]
        self.denoiser = Denoiser.load(
            "auto" if self.models == AUTOMATIC["auto"] else model,
            device=str(device),
            precision=self.options.precision,
            tile=self.options.tile,
            overlap=self.options.overlap,
            effort="best" if self.ensemble else "normal",
            offline=offline,
        )
        self.denoise(torch.full((1, channels, 32, 32), 0.5), 0.1)  # loads what comes late

    def settings(self) -> Mapping[str, object]:
        """The precision, the device, the tiles, the ensemble, and what else had its say."""
        return {
            "version": 3,
            "estimator": self._estimator_hash,
            "cameras": self._cameras,
            "ensemble": 8 if self.ensemble else 1,
            "device": self.denoiser.device.type,
            "precision": str(self.denoiser.precision).removeprefix("torch."),
            "tile": self.options.tile,
            "overlap": self.options.overlap,
            "eight_bit": self.options.eight_bit,
        }

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Denoise the image as the command would denoise a picture with such samples."""
        samples = noisy[0].permute(1, 2, 0).contiguous().numpy()
        if self.options.eight_bit:
            samples = quantize(noisy, np.uint8)
        done = self.denoiser.denoise_picture(Picture(samples), self._level(sigma))
        self.found = done.sigma if self.estimate else None
        return done.picture.tensor()

    def _level(self, sigma: float | None) -> SigmaOrAuto:
        """The level that the engine is told.

        For a picture from a file, the engine estimates the level if it is not known. Otherwise a
        network that takes no level must still be told that there is noise to remove.
        """
        if self.estimate or (self.options.eight_bit and sigma is None):
            return "auto"
        return 1.0 if sigma is None else sigma
