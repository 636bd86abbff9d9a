"""The engine: a loaded denoiser that takes pictures and tensors of any size.

`Denoiser.denoise_picture` is the use case: find the noise level, cut, denoise, blend, put the
values back into the picture's own kind, without ever holding the whole picture as floats.
`Denoiser.forward` is the plain function `d(noisy, sigma)` on tensors, for plug-and-play solvers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Self

import torch
from torch import Tensor

from flowdenoise.engine.choices import (
    EFFORTS,
    Crop,
    EngineConfig,
    Grain,
    RemovalConfig,
    SigmaOrAuto,
    address_of,
)
from flowdenoise.engine.denoised import Denoised
from flowdenoise.engine.denoisers import Denoisers, Source, model_of, takes_integers
from flowdenoise.engine.examined import Examined
from flowdenoise.engine.examiner import Examiner
from flowdenoise.engine.passes import Pass
from flowdenoise.engine.planes import Plane, room_for
from flowdenoise.engine.risk import is_weak, with_least_risk, with_probe
from flowdenoise.engine.solver_input import check_images, levels_of
from flowdenoise.engine.tiles import tiling
from flowdenoise.engine.tiles.out_of_memory import with_less_memory
from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser
from flowdenoise.engine.tiles.tiling import OnTile, TilingConfig
from flowdenoise.errors import UsageError
from flowdenoise.estimation import Estimate, Estimators
from flowdenoise.images import Picture, Samples
from flowdenoise.noise import NoiseKind
from flowdenoise.system.device import choose_device, choose_precision


class Denoiser:
    """A denoiser, ready to use.

    Args:
        networks: Functions that load the network, by the number of channels of a picture, 1 or 3.
            Each is called once, when the first such picture comes.
        estimators: Functions that load the estimator of the noise level, likewise.
        camera: Functions that load the estimator of noise maps, likewise, for pictures whose noise
            may be that of a camera; where there is none, all noise counts as white.
        photos: Functions that load networks for such pictures, by the grain of their noise.
        quick: Functions that load the quickest networks, by channels and by grain.
        device: The device that computes.
        precision: The type in which the network multiplies.
        config: The settings for cutting pictures, and the effort.
        eight_bits: Whether inner blocks of networks multiply integers of 8 bits instead, where
            noise is not weak.
    """

    def __init__(
        self,
        networks: Mapping[int, Source],
        estimators: Mapping[int, Source],
        *,
        device: torch.device,
        precision: torch.dtype = torch.float32,
        config: EngineConfig | None = None,
        camera: Mapping[int, Source] | None = None,
        photos: Mapping[Grain, Source] | None = None,
        quick: Mapping[int | Grain, Source] | None = None,
        eight_bits: bool = False,
    ) -> None:
        self.device, self.precision = device, precision
        self.config = config or EngineConfig()
        self._threads = torch.get_num_threads() if device.type == "cpu" else 1
        self._networks = Denoisers(
            networks,
            photos or {},
            quick or {},
            device,
            precision,
            self.config,
            eight_bits=eight_bits,
        )
        share = EFFORTS[self.config.effort].looked_at
        known = Estimators(estimators, camera or {}, device, self._threads, looked_at=share)
        self._examiner = Examiner(known, self._networks, device, self._threads)
        self._cut(TilingConfig())  # a mistake is told now, not with the first picture

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] = EngineConfig.model,
        *,
        device: str = EngineConfig.device,
        precision: str = EngineConfig.precision,
        tile: int | None = EngineConfig.tile,
        overlap: int | None = EngineConfig.overlap,
        tile_batch: int | None = EngineConfig.tile_batch,
        effort: str = EngineConfig.effort,
        offline: bool = EngineConfig.offline,
        report: Callable[[str], None] | None = None,
    ) -> Self:
        """Load weights; the arguments are those of `EngineConfig`, and `report`.

        Args:
            model: The weights, as `EngineConfig` names them, or their path.
            device: The device that computes.
            precision: The numbers in which the network multiplies.
            tile: The side of a tile.
            overlap: The context of a tile.
            tile_batch: The number of tiles that are run together.
            effort: The time that a picture may take.
            offline: Whether nothing may be fetched.
            report: Called with a line of text for what is fetched.

        Raises:
            UsageError: An argument has a value that it must not have.
            WeightsError: The weights can't be found or trusted.
            DeviceError: The machine has no such device.
        """
        address = address_of(model)
        config = EngineConfig(
            address, device, precision, tile, overlap, tile_batch, effort, offline
        )
        where = choose_device(device)
        multiplied = choose_precision(precision, where)
        chosen = model_of(config, report)
        return cls(
            chosen.networks,
            chosen.estimators,
            device=where,
            precision=multiplied,
            config=config,
            camera=chosen.camera,
            photos=chosen.photos,
            quick=chosen.quick,
            eight_bits=takes_integers(config, multiplied, where),
        )

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean images.

        Args:
            noisy: (B, C, H, W), floats, about [0, 1], any size; gradients flow through.
            sigma: The noise level on the [0, 1] scale: a number, (B,) or (B, 1, 1, 1).

        Returns:
            (B, C, H, W) like `noisy`, not clamped; an empty batch for an empty one.

        Raises:
            SigmaError: A level is negative, above 1, or not a number; or there are neither one
                nor B levels.
            UsageError: `noisy` is not such a tensor, or the model has no network for C channels.
        """
        check_images(noisy)
        network = self._networks.white(noisy.shape[1])
        levels = levels_of(sigma, len(noisy))
        results = [
            self._run_tiles(network, image[None].to(self.device), level)
            for image, level in zip(noisy, levels, strict=True)
        ]
        if not results:
            return noisy.clone()
        return torch.cat(results).to(noisy.device, noisy.dtype)

    __call__ = forward

    def _run_tiles(self, network: TileDenoiser, image: Tensor, sigma: float) -> Tensor:
        weak, rows = is_weak(sigma), image.float()
        if weak:
            network, rows = network.precise, with_probe(rows, 0)

        def clean(pixels: Tensor) -> Tensor:
            return network(pixels, sigma)

        def denoise(tiles: Tensor) -> Tensor:
            return with_least_risk(clean, tiles, (sigma,)) if weak else clean(tiles)

        def run(config: TilingConfig) -> Tensor:
            return tiling.apply(
                rows,
                denoise,
                config,
                multiple=network.config.stride,
                fixed=network.config.tile is not None,
            )

        return with_less_memory(run, self._tiling(network))

    def estimate(self, picture: Picture, kind: NoiseKind = RemovalConfig.noise) -> Estimate:
        """Estimate the noise of a picture.

        A prior that is conditioned on the level is asked at which one the picture is likeliest;
        beside any other network a small estimator tells.

        Args:
            picture: The picture, color or gray.
            kind: The kind of noise that the picture is assumed to have.
        """
        return self._examiner.estimate(picture, kind)

    def estimate_sigma(self, picture: Picture) -> float:
        """The noise level of a picture on the [0, 1] scale: see `estimate`."""
        return self.estimate(picture).sigma

    def denoise_picture(
        self,
        picture: Picture,
        sigma: SigmaOrAuto = RemovalConfig.sigma,
        *,
        strength: float = RemovalConfig.strength,
        noise: NoiseKind = RemovalConfig.noise,
        luma: float = RemovalConfig.luma,
        chroma: float = RemovalConfig.chroma,
        detail: float = RemovalConfig.detail,
        crop: Crop | None = None,
        on_tile: OnTile | None = None,
    ) -> Denoised:
        """Denoise a picture.

        Args:
            picture: The picture, color or gray; transparency is carried through.
            sigma: The noise level, or `auto`. `RemovalConfig` explains this and the next five.
            strength: The factor by which more or less noise is removed.
            noise: The kind of noise.
            luma: The factor for the noise of brightness.
            chroma: The factor for the noise of color.
            detail: The share of fine texture that comes back.
            crop: The part that is denoised, as it would be in the whole; None is all.
            on_tile: Called after each batch of tiles.

        Raises:
            SigmaError: A noise level is out of range.
            UsageError: Another value is out of range, or the model can't treat such a picture.
            DeviceError: Not even a single tile fits into the memory.
        """
        start = time.perf_counter()
        removal = RemovalConfig(sigma, strength, noise, luma, chroma, detail)
        part = None if crop is None else Crop.checked(crop).of(picture.width, picture.height)
        examined = self.examine(picture, sigma, noise)
        untouched = not examined.noisy or not strength
        if part is None:
            result = self.remove(examined, removal, on_tile=on_tile)
        else:
            result = self.remove_part(examined, removal, *part, on_tile=on_tile)
        seconds = time.perf_counter() - start
        names = () if untouched else self.weights_for(examined)
        return Denoised(result, examined.sigma, examined.estimate, untouched, seconds, names)

    def examine(
        self,
        picture: Picture,
        sigma: SigmaOrAuto = RemovalConfig.sigma,
        noise: NoiseKind = RemovalConfig.noise,
    ) -> Examined:
        """Find out everything that denoising a picture needs; it can then be denoised many times.

        Args:
            picture: The picture, color or gray.
            sigma: The noise level, or `auto`, see `RemovalConfig`.
            noise: The kind of noise, see `RemovalConfig`.
        """
        RemovalConfig(sigma, noise=noise)  # a mistake is told before anything is looked at
        return self._examiner.examine(picture, sigma, noise)

    def remove(
        self, examined: Examined, removal: RemovalConfig, *, on_tile: OnTile | None = None
    ) -> Picture:
        """Remove noise that is known.

        Args:
            examined: The picture, from `examine`.
            removal: The settings of the removal; its level and its kind of noise are ignored, as
                `examine` has used them.
            on_tile: Called after each batch of tiles.

        Returns:
            The result; `examined.picture` itself if there is nothing to remove.
        """
        picture, noisy = examined.picture, examined.noisy
        if not noisy or not removal.strength:
            return picture
        result = room_for(picture, [one.plane for one in noisy])
        for index, one in enumerate(noisy):
            report = on_tile and _share_of(on_tile, index, len(noisy))
            self._stream(one.plane, self._networks.way(one, removal), result, report)
        if picture.alpha is not None:
            transparent = picture.alpha == 0
            result[transparent] = picture.samples[transparent]
        return picture.with_samples(result)

    def remove_part(
        self,
        examined: Examined,
        removal: RemovalConfig,
        rows: slice,
        columns: slice,
        *,
        on_tile: OnTile | None = None,
    ) -> Picture:
        """Remove noise from a part of a picture, which becomes what it is in the whole result.

        Args:
            examined: The whole picture, from `examine`.
            removal: The settings of the removal.
            rows: The rows of the part, within the picture.
            columns: The columns of the part, likewise.
            on_tile: Called after each batch of tiles.
        """
        around, inner = examined.around(rows, columns)
        return self.remove(around, removal, on_tile=on_tile).part(*inner)

    def weights_for(self, examined: Examined) -> tuple[str, ...]:
        """The names of the weights that remove the noise of a picture.

        There are none if there is no noise, or if the network did not come by name.

        Args:
            examined: The picture, from `examine`.
        """
        ways = [self._networks.way(plane, RemovalConfig()) for plane in examined.noisy]
        names = [network.name for way in ways for network in way.networks if network.name]
        return tuple(dict.fromkeys(names))

    def _stream(self, plane: Plane, way: Pass, result: Samples, report: OnTile | None) -> None:
        """Denoise a plane tile by tile into its channels of the result."""
        picture = plane.picture

        def run(config: TilingConfig) -> None:
            tiling.stream(
                (picture.height, picture.width),
                way.read,
                way.denoise,
                lambda start, rows: plane.put(start, rows, result),
                config,
                multiple=way.stride,
                fixed=way.is_fixed,
                threads=1 if way.is_fixed else self._threads,  # a prior takes much memory
                on_tile=report,
            )

        with torch.no_grad():
            with_less_memory(run, self._tiling(way.networks[0]))

    def _tiling(self, network: TileDenoiser) -> TilingConfig:
        config = self._cut(network.tiling)
        if network.config.tile and config.tile != network.tiling.tile:
            raise UsageError(f"a prior takes tiles of {network.tiling.tile}, not {config.tile}")
        return config

    def _cut(self, tiling: TilingConfig) -> TilingConfig:
        """How to cut pictures: the network's default, changed as the user says."""
        return tiling.changed(self.config.tile, self.config.overlap, self.config.tile_batch)


def _share_of(on_tile: OnTile, index: int, count: int) -> OnTile:
    """Report the progress of one of several planes as progress of the whole."""
    return lambda done, total: on_tile(index * total + done, count * total)
