"""The engine: a loaded denoiser that takes pictures and tensors of any size.

`Denoiser.denoise_picture` is the use case: find the noise level, cut, denoise, blend, put the
values back into the picture's own kind, without ever holding the whole picture as floats.
`Denoiser.forward` is the plain function `d(noisy, sigma)` on tensors, for plug-and-play solvers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from flowdenoise import noise, weights
from flowdenoise.engine import tiling
from flowdenoise.engine.choices import EngineConfig, RemovalConfig, SigmaOrAuto
from flowdenoise.engine.clipping import Unclip, clipped_ends
from flowdenoise.engine.estimate import ESTIMATORS, estimate_sigma
from flowdenoise.engine.out_of_memory import with_less_memory
from flowdenoise.engine.tile_denoiser import TileDenoiser
from flowdenoise.engine.tiling import OnTile, TilingConfig
from flowdenoise.errors import UsageError
from flowdenoise.flow import TweedieDenoiser
from flowdenoise.images import Picture
from flowdenoise.networks import NoiseLevelNet
from flowdenoise.system.device import choose_device, choose_precision
from flowdenoise.system.rules import COLORS

CLEAN_BELOW = 1.0 / 255
"""A picture whose estimated noise is below this is left alone."""

AUTOMATIC = {
    "auto": {3: "color", 1: "gray"},
    "auto-prior": {3: "prior-color", 1: "prior-gray"},
}
"""Models that are chosen by the picture: shipped names, by number of channels."""


@dataclass(frozen=True)
class Denoised:
    """A denoised picture and what was done to it.

    Attributes:
        picture: The result, of the same kind as the input.
        sigma: Noise level of the input, estimated or given, on the [0, 1] scale.
        estimated: Whether `sigma` was estimated.
        untouched: The picture was found clean (or asked to be left alone) and is the input.
        seconds: Time for estimating and denoising.
    """

    picture: Picture
    sigma: float
    estimated: bool
    untouched: bool
    seconds: float


class Denoiser:
    """A denoiser, ready to use.

    Args:
        networks: What gives the network for pictures of that many channels, 1 or 3; asked once,
            when the first such picture comes.
        estimators: The same for the estimator of the noise level.
        device: Where to compute.
        precision: In what the network multiplies.
        config: How pictures are cut, and whether to be thorough.
    """

    def __init__(
        self,
        networks: Mapping[int, Callable[[], nn.Module]],
        estimators: Mapping[int, Callable[[], nn.Module]],
        *,
        device: torch.device,
        precision: torch.dtype = torch.float32,
        config: EngineConfig | None = None,
    ) -> None:
        self.device, self.precision = device, precision
        self.config = config or EngineConfig()
        self._sources, self._estimator_sources = networks, estimators
        self._networks: dict[int, TileDenoiser] = {}
        self._estimators: dict[int, NoiseLevelNet] = {}
        self._cut(TilingConfig())  # a mistake is told now, not with the first picture

    @classmethod
    def load(
        cls,
        model: str = EngineConfig.model,
        *,
        device: str = EngineConfig.device,
        precision: str = EngineConfig.precision,
        tile: int | None = EngineConfig.tile,
        overlap: int | None = EngineConfig.overlap,
        tile_batch: int | None = EngineConfig.tile_batch,
        thorough: bool = EngineConfig.thorough,
        offline: bool = EngineConfig.offline,
        report: Callable[[str], None] | None = None,
    ) -> Self:
        """Load weights; the arguments are those of `EngineConfig`, and `report`.

        Args:
            model: Which weights.
            device: Where to compute.
            precision: In what the network multiplies.
            tile: How to cut pictures.
            overlap: The context of tiles.
            tile_batch: How many tiles are run together.
            thorough: Better and slower.
            offline: Never ask the network.
            report: Told what is fetched.

        Raises:
            UsageError: An argument is not what it must be.
            WeightsError: The weights can't be found or trusted.
            DeviceError: There is no such device.
        """
        config = EngineConfig(
            model, device, precision, tile, overlap, tile_batch, thorough, offline
        )
        where = choose_device(device)

        def source(name: str) -> Callable[[], nn.Module]:
            return lambda: weights.load(name, offline=offline, report=report).network

        if model in AUTOMATIC:
            networks = {channels: source(name) for channels, name in AUTOMATIC[model].items()}
        else:
            loaded = weights.load(model, offline=offline, report=report)
            networks = {loaded.config.image_channels: lambda: loaded.network}
        return cls(
            networks,
            {channels: source(name) for channels, name in ESTIMATORS.items()},
            device=where,
            precision=choose_precision(precision, where),
            config=config,
        )

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean images.

        Args:
            noisy: (B, C, H, W), about [0, 1], any size; gradients flow through.
            sigma: Noise level on the [0, 1] scale, a number or (B,).

        Returns:
            (B, C, H, W) like `noisy`, not clamped.
        """
        if isinstance(sigma, (int, float)):
            noise.check_sigma(sigma)
        network = self._network(noisy.shape[1])
        levels = torch.as_tensor(sigma, dtype=torch.float32).expand(len(noisy))
        results = [
            self._run_tiles(network, image[None].to(self.device), float(level))
            for image, level in zip(noisy, levels, strict=True)
        ]
        return torch.cat(results).to(noisy.device, noisy.dtype)

    __call__ = forward

    def _run_tiles(self, network: TileDenoiser, image: Tensor, sigma: float) -> Tensor:
        def run(config: TilingConfig) -> Tensor:
            return tiling.apply(
                image.float(),
                lambda tiles: network(tiles, sigma),
                config,
                multiple=network.config.stride,
                fixed=network.config.tile is not None,
            )

        return with_less_memory(run, self._tiling(network))

    def estimate_sigma(self, picture: Picture) -> float:
        """The noise level of a picture on the [0, 1] scale.

        A prior that knows of noise is asked at which level the picture is likeliest; for other
        networks a small estimator is.
        """
        channels = picture.samples.shape[2]
        network = self._network(channels).network
        if isinstance(network, TweedieDenoiser):
            return estimate_sigma(picture, network.flow, self.device)
        if channels not in self._estimators:
            net = self._estimator_sources[channels]()
            if not isinstance(net, NoiseLevelNet):
                raise UsageError(f"{type(net).__name__} does not estimate noise levels")
            self._estimators[channels] = net.to(self.device).eval().requires_grad_(False)
        return estimate_sigma(picture, self._estimators[channels], self.device)

    def denoise_picture(
        self,
        picture: Picture,
        sigma: SigmaOrAuto = RemovalConfig.sigma,
        *,
        strength: float = RemovalConfig.strength,
        on_tile: OnTile | None = None,
    ) -> Denoised:
        """Denoise a picture.

        Args:
            picture: Color or gray; transparency is carried through.
            sigma: As in `RemovalConfig`.
            strength: As there.
            on_tile: Told of each finished batch of tiles.

        Raises:
            SigmaError, UsageError: Values out of range.
            DeviceError: Not even a single tile fits the memory.
        """
        start = time.perf_counter()
        RemovalConfig(sigma, strength)
        estimated = sigma == "auto"
        level = self.estimate_sigma(picture) if sigma == "auto" else float(sigma)
        wanted = level * strength
        untouched = wanted == 0 or (estimated and level < CLEAN_BELOW)
        result = picture if untouched else self._denoise(picture, wanted, on_tile)
        seconds = time.perf_counter() - start
        return Denoised(result, level, estimated, untouched, seconds)

    def _denoise(self, picture: Picture, sigma: float, on_tile: OnTile | None) -> Picture:
        samples = picture.samples
        channels = samples.shape[2]
        network = self._network(channels)
        result = np.empty_like(samples)
        ends = clipped_ends(picture, sigma)
        unclip = Unclip(sigma, ends, self.device) if ends else None

        def write(start: int, rows: Tensor) -> None:
            band = slice(start, start + rows.shape[-2])
            result[band] = picture.samples_of(unclip(rows) if unclip else rows, band)

        def run(config: TilingConfig) -> None:
            tiling.stream(
                samples.shape[:2],
                lambda start, stop: picture.tensor(slice(start, stop)).to(self.device),
                lambda tiles: network(tiles, sigma),
                write,
                config,
                multiple=network.config.stride,
                fixed=network.config.tile is not None,
                on_tile=on_tile,
            )

        with torch.no_grad():
            with_less_memory(run, self._tiling(network))
        return picture.with_samples(result)

    def _network(self, channels: int) -> TileDenoiser:
        """The network for images of that many channels."""
        if channels not in self._sources:
            own = " and ".join(COLORS[count] for count in self._sources)
            raise UsageError(
                f"this model is for {own} pictures, and the picture is "
                f"{COLORS.get(channels, f'of {channels} channels')}: the model auto takes either"
            )
        if channels not in self._networks:
            network, thorough = self._sources[channels](), self.config.thorough
            self._networks[channels] = TileDenoiser.of(
                network, self.device, self.precision, thorough=thorough
            )
        return self._networks[channels]

    def _tiling(self, network: TileDenoiser) -> TilingConfig:
        config = self._cut(network.tiling)
        if network.config.tile and config.tile != network.tiling.tile:
            raise UsageError(f"a prior takes tiles of {network.tiling.tile}, not {config.tile}")
        return config

    def _cut(self, tiling: TilingConfig) -> TilingConfig:
        """How to cut pictures, from how a network has it by default."""
        return tiling.changed(self.config.tile, self.config.overlap, self.config.tile_batch)
