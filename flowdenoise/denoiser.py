"""The engine: a loaded denoiser that takes pictures and tensors of any size.

`Denoiser.denoise_picture` is the use case: find the noise level, cut, denoise, blend, put the
values back into the picture's own kind, without ever holding the whole picture as floats.
`Denoiser.forward` is the plain function `d(noisy, sigma)` on tensors, for plug-and-play solvers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from flowdenoise import images, noise, tiling, weights
from flowdenoise.device import choose_device, choose_precision
from flowdenoise.errors import DeviceError, UsageError
from flowdenoise.images import Picture
from flowdenoise.networks import TileNetwork, tile_network
from flowdenoise.noise_level import NoiseLevelNet, estimate_sigma
from flowdenoise.tiling import OnTile, TilingConfig

CLEAN_BELOW = 1.0 / 255
"""A picture whose estimated noise is below this is left alone."""

Sigma = float | Literal["auto"]

_CROP = 256  # the noise level is estimated from crops of this side
_MOST_CROPS = 24


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
        networks: By number of image channels, 1 or 3.
        estimators: Of the noise level, by number of image channels.
        device: Where to compute.
        precision: In what the network multiplies.
        tile, overlap, tile_batch: How to cut pictures, see `tiling.TilingConfig`; None is the
            network's own default.
    """

    def __init__(
        self,
        networks: Mapping[int, nn.Module],
        estimators: Mapping[int, NoiseLevelNet],
        *,
        device: torch.device,
        precision: torch.dtype = torch.float32,
        tile: int | None = None,
        overlap: int | None = None,
        tile_batch: int | None = None,
    ) -> None:
        self.device, self.precision = device, precision
        self.networks: dict[int, TileNetwork] = {
            channels: tile_network(network, device, precision)
            for channels, network in networks.items()
        }
        self.estimators = {
            channels: estimator.to(device).eval() for channels, estimator in estimators.items()
        }
        self._cut = (tile, overlap, tile_batch)

    @classmethod
    def load(
        cls,
        model: str = "auto",
        *,
        device: str = "auto",
        precision: str = "auto",
        tile: int | None = None,
        overlap: int | None = None,
        tile_batch: int | None = None,
        offline: bool = False,
    ) -> Self:
        """Load weights.

        Args:
            model: A name that `flowdenoise weights list` shows, a path, or an address on the
                Hub; `auto` takes the shipped color and gray denoisers.
            device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
            precision: `auto`, `float32`, `bfloat16`.
            tile, overlap, tile_batch: How to cut pictures; None is the network's own default.
            offline: Never ask the network.

        Raises:
            WeightsError: They can't be found or trusted.
            DeviceError: There is no such device.
        """
        where = choose_device(device)
        names = ("color", "gray") if model == "auto" else (model,)
        networks: dict[int, nn.Module] = {}
        for name in names:
            loaded = weights.load(name, offline=offline)
            networks[loaded.config.image_channels] = loaded.network
        estimators = {
            channels: weights.load(name).network
            for channels, name in ((3, "noise-level-color"), (1, "noise-level-gray"))
        }
        dtype = choose_precision(precision, where)
        return cls(
            networks,
            estimators,
            device=where,
            precision=dtype,
            tile=tile,
            overlap=overlap,
            tile_batch=tile_batch,
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

    def _run_tiles(self, network: TileNetwork, image: Tensor, sigma: float) -> Tensor:
        def run(config: TilingConfig) -> Tensor:
            return tiling.apply(
                image.float(),
                lambda tiles: network(tiles, sigma),
                config,
                multiple=network.stride,
                fixed=network.fixed,
            )

        return _with_less_memory(run, self._tiling(network))

    def estimate_sigma(self, picture: Picture) -> float:
        """The noise level of a picture on the [0, 1] scale."""
        channels = picture.samples.shape[2]
        crops = [crop.to(self.device) for crop in _crops(picture)]
        return estimate_sigma(self.estimators[channels], crops)

    def denoise_picture(
        self,
        picture: Picture,
        sigma: Sigma = "auto",
        *,
        strength: float = 1.0,
        on_tile: OnTile | None = None,
    ) -> Denoised:
        """Denoise a picture.

        Args:
            picture: Color or gray; transparency is carried through.
            sigma: Noise level on the [0, 1] scale, or `auto` to estimate it.
            strength: Factor of the noise level that is removed; 0 leaves the picture alone.
            on_tile: Told of each finished batch of tiles.

        Raises:
            SigmaError, UsageError: Values out of range.
            DeviceError: Not even a single tile fits the memory.
        """
        start = time.perf_counter()
        if not 0 <= strength < float("inf"):
            raise UsageError(f"strength must be a number of at least 0, not {strength}")
        estimated = sigma == "auto"
        level = self.estimate_sigma(picture) if sigma == "auto" else noise.check_sigma(sigma)
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

        def write(start: int, rows: Tensor) -> None:
            values = images.quantize(rows[0], samples.dtype)
            result[start : start + len(values)] = values

        def run(config: TilingConfig) -> None:
            tiling.stream(
                samples.shape[:2],
                lambda start, stop: picture.tensor(slice(start, stop)).to(self.device),
                lambda tiles: network(tiles, sigma),
                write,
                config,
                multiple=network.stride,
                fixed=network.fixed,
                on_tile=on_tile,
            )

        with torch.no_grad():
            _with_less_memory(run, self._tiling(network))
        return picture.with_samples(result)

    def _network(self, channels: int) -> TileNetwork:
        """The network for images of that many channels."""
        if channels in self.networks:
            return self.networks[channels]
        kinds = {1: "gray", 3: "color"}
        own = " and ".join(kinds[count] for count in self.networks)
        raise UsageError(
            f"this model is for {own} pictures, and the picture is "
            f"{kinds.get(channels, f'of {channels} channels')}: use --model auto"
        )

    def _tiling(self, network: TileNetwork) -> TilingConfig:
        tile, overlap, batch = self._cut
        return network.tiling.changed(tile, overlap, batch)


T = TypeVar("T")


def _with_less_memory(run: Callable[[TilingConfig], T], config: TilingConfig) -> T:
    """Run; when memory runs out, run it all again with a smaller batch, then smaller tiles."""
    while True:
        try:
            return run(config)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not _out_of_memory(error):
                raise
            config = _smaller(config)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _out_of_memory(error: RuntimeError) -> bool:
    """On the CPU torch tells only by the message."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in text


def _smaller(config: TilingConfig) -> TilingConfig:
    if config.batch > 1:
        return replace(config, batch=config.batch // 2)
    tile = config.tile // 2 // tiling.UNIT * tiling.UNIT if config.tile else 512
    if tile <= 2 * config.overlap + config.blend:
        raise DeviceError(f"not enough memory even for one tile of {config.tile} pixels")
    return replace(config, tile=tile)


def _crops(picture: Picture) -> list[Tensor]:
    """Crops spread evenly over a picture, all of it where it is small."""
    height, width = picture.samples.shape[:2]
    stride = NoiseLevelNet.stride
    rows, columns = ((side + _CROP - 1) // _CROP for side in (height, width))
    places = [(row * _CROP, column * _CROP) for row in range(rows) for column in range(columns)]
    chosen = places[:: -(-len(places) // _MOST_CROPS)]
    crops = []
    for top, left in chosen:
        band = picture.tensor(slice(top, min(top + _CROP, height)))
        crop = band[..., left : left + _CROP]
        padded = (-(-side // stride) * stride for side in crop.shape[-2:])
        down, across = (
            tiling.mirror(size, side) for size, side in zip(padded, crop.shape[-2:], strict=True)
        )
        crops.append(crop[:, :, down][..., across])
    return crops
