"""Networks as methods: our denoiser, with the true noise level or its own estimate; DnCNN; N2V.

All run through `Denoiser`, the very engine of the command, so what is measured is what users get.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from flowdenoise import weights
from flowdenoise.benchmark.methods.base import Method, MethodOptions
from flowdenoise.engine.denoiser import Denoiser, Sigma
from flowdenoise.errors import UsageError
from flowdenoise.images import Picture
from flowdenoise.networks.dncnn import DnCNN, fold_batch_norm
from flowdenoise.system.device import choose_precision
from flowdenoise.weights import store

ESTIMATORS = {1: "noise-level-gray", 3: "noise-level-color"}
"""Shipped estimators of the noise level, by the images' channels."""


class NetworkMethod(Method):
    """A denoising network.

    Args:
        label: See `Method`.
        addresses: Of the weights, by number of channels.
        options: Precision and tiles.
        estimate: Use the estimated noise level, as the command does by default.
        ensemble: Average over the eight turned and mirrored versions of the image.
    """

    denoiser: Denoiser

    def __init__(
        self,
        label: str,
        addresses: Mapping[int, str],
        options: MethodOptions,
        *,
        estimate: bool = False,
        ensemble: bool = False,
    ) -> None:
        super().__init__(label)
        self.addresses, self.options = addresses, options
        self.blind = self.estimate = estimate
        self.ensemble = ensemble
        self._estimator_hash: str | None = None

    def prepare(self, channels: int, device: torch.device) -> None:
        """Load the weights, and the estimator if it is needed."""
        address, offline = self.addresses[channels], self.options.offline
        self.weights = store.verify(address, offline=offline).sha256
        loaded = weights.load(address, offline=offline)
        if loaded.config.image_channels != channels:
            kinds = {1: "gray", 3: "color"}
            own = kinds.get(loaded.config.image_channels, "other")
            raise UsageError(
                f"the weights {address} are for {own} images, and these are {kinds[channels]}"
            )
        network = _folded(loaded.network)
        cost = getattr(loaded.config, "multiply_adds_per_pixel", None)
        self.multiply_adds_per_pixel = 8 * cost if cost and self.ensemble else cost
        takes_no_level = loaded.kind == "dncnn" or not getattr(loaded.config, "noise_map", True)
        self.blind = self.estimate or takes_no_level
        if self.estimate and loaded.kind != "glow":  # a prior estimates by its own likelihood
            self._estimator_hash = store.verify(ESTIMATORS[channels], offline=offline).sha256
        self.denoiser = Denoiser(
            {channels: lambda: network},
            {channels: lambda: weights.load(ESTIMATORS[channels], offline=offline).network},
            device=device,
            precision=choose_precision(self.options.precision, device),
            tile=self.options.tile,
            overlap=self.options.overlap,
            thorough=self.ensemble,
        )
        self.denoise(torch.full((1, channels, 32, 32), 0.5), 0.1)  # loads what comes late

    def settings(self) -> Mapping[str, object]:
        """Precision, device, tiles, estimator and ensemble."""
        return {
            "version": 2,
            "estimator": self._estimator_hash,
            "ensemble": 8 if self.ensemble else 1,
            "device": self.denoiser.device.type,
            "precision": str(self.denoiser.precision).removeprefix("torch."),
            "tile": self.options.tile,
            "overlap": self.options.overlap,
        }

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Estimate the clean image, as the command would of a picture of float samples."""
        picture = Picture(noisy[0].permute(1, 2, 0).contiguous().numpy())
        # A network that takes no level must still be told that there is noise to remove.
        level: Sigma = "auto" if self.estimate else 1.0 if sigma is None else sigma
        return self.denoiser.denoise_picture(picture, level).picture.tensor()


def _folded(network: nn.Module) -> nn.Module:
    """A DnCNN without its normalization, any other network as it is."""
    if isinstance(network, DnCNN) and network.config.batch_norm:
        return fold_batch_norm(network)
    return network
