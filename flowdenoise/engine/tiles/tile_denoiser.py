"""A network as the engine calls it: tiles in, tiles out, and how pictures are cut for it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from flowdenoise.engine.tiles.discrepancy import keep_structure
from flowdenoise.engine.tiles.in_phase import in_phase, self_ensemble_in_phase
from flowdenoise.engine.tiles.self_ensemble import self_ensemble
from flowdenoise.engine.tiles.tiling import TilingConfig
from flowdenoise.estimation import LEARNED, Phase
from flowdenoise.flow import as_denoiser
from flowdenoise.networks import (
    DenoisingNetwork,
    NetworkConfig,
    with_integers,
    without_integers,
)

_GPU_TILE = 1024  # fewer and larger launches; a CPU's cache holds the layers of a smaller tile
_SMALL, _TILE_OF_SMALL = 100_000, 768  # multiply-adds per pixel: layers half as wide need less
_OVERLAP_FOR_WHITE = 4  # for networks that learned white noise; coarser noise needs more
_TOLD = 1.3  # times the coarse level of a camera's noise: what a denoiser of white noise is told
_GRAY_LUMA, _GRAY_CHROMA = 2.2, 1.7  # times the level of gray noise: what one is told that sees it
# in three equal channels, in which noise of brightness is the square root of three times as strong
_BOUND = 1.3  # times the coarse level bounds a removal: the noise varies more than the map says
_BOUND_IF_STRONG = 2.6  # likewise, as strong noise has outliers, which would stay as specks
_WEAK, _STRONG = 8 / 255, 24 / 255  # levels between which the one bound becomes the other
_FIXED_BATCH = 64  # tiles of a network that takes small ones only


@dataclass(frozen=True)
class TileDenoiser:
    """A network and how pictures are cut for it.

    Attributes:
        network: The network, ready to run.
        tiling: The settings for cutting pictures, unless the user says otherwise.
        exact: The same network in float32.
        thorough: Whether to take the mean over the eight ways to turn and mirror a tile.
        name: The name of the weights; empty if the network did not come by name.
    """

    network: DenoisingNetwork
    tiling: TilingConfig
    exact: DenoisingNetwork
    thorough: bool = False
    name: str = ""

    @classmethod
    def of(
        cls,
        network: nn.Module,
        device: torch.device,
        precision: torch.dtype,
        *,
        thorough: bool = False,
        eight_bits: bool = False,
    ) -> Self:
        """Bring a loaded network to a device and a precision.

        Args:
            network: The network.
            device: The device that computes.
            precision: The type in which the network multiplies.
            thorough: Whether to take the mean over the eight ways to turn and mirror a tile.
            eight_bits: Whether inner blocks multiply integers of 8 bits, if they can.

        Raises:
            UsageError: The network is no denoiser.
        """
        ready = as_denoiser(network).eval().requires_grad_(False)
        side = ready.config.tile
        tile = TilingConfig.tile if device.type == "cpu" else _GPU_TILE
        if device.type == "cpu" and ready.config.multiply_adds_per_pixel < _SMALL:
            tile = _TILE_OF_SMALL
        white = ready.config.sigma_channels == 1
        tiling = TilingConfig(tile, _OVERLAP_FOR_WHITE if white else TilingConfig.overlap)
        if side:
            tiling = TilingConfig(tile=side, overlap=0, blend=side // 2, batch=_FIXED_BATCH)
        exact = ready.to(device, torch.float32)
        exact = exact.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        chosen = exact
        if precision != torch.float32 and not ready.config.full_precision:
            chosen = copy.deepcopy(exact).to(precision)
        if eight_bits:
            chosen = with_integers(chosen, exact)
        return cls(chosen, tiling, exact, thorough)

    @property
    def precise(self) -> Self:
        """The same denoiser in float32."""
        return replace(self, network=self.exact)

    @property
    def unrounded(self) -> Self:
        """The same denoiser without integers of 8 bits."""
        return replace(self, network=without_integers(self.network))

    @property
    def config(self) -> NetworkConfig:
        """What the network promises."""
        return self.network.config

    def __call__(self, tiles: Tensor, sigma: Tensor | float) -> Tensor:
        """Denoise tiles.

        Args:
            tiles: The noisy tiles, (B, C, h, w) float32.
            sigma: The noise level on the [0, 1] scale, as a network takes it.

        Returns:
            (B, C, h, w).
        """
        if isinstance(sigma, Tensor) and sigma.ndim == 4:
            denoised = self._with_maps(tiles, sigma)
        elif self.thorough:
            denoised = self_ensemble(lambda turned: self._once(turned, sigma), tiles)
        else:
            denoised = self._once(tiles, sigma)
        return keep_structure(tiles, denoised, sigma)

    def told(
        self, tiles: Tensor, maps: Tensor, luma: float, chroma: float, phase: Phase = LEARNED
    ) -> Tensor:
        """Denoise tiles that have the noise of a camera.

        A network that takes both levels is told them. One that takes a single level is told more
        than their mean: it was trained on white noise, and leaves some of a coarser one (tuned on
        Nam25). The removed brightness and the removed color are then scaled separately: a factor
        below 1 leaves a part of the noise as it is, and one above 1 tells of more noise.

        A network for color pictures sees gray tiles in three equal channels. It is told some color
        noise beside that of brightness, since it has learned none without.

        Args:
            tiles: The noisy tiles, (B, C, h, w) float32.
            maps: The coarse levels of brightness and color, (B, 2, h, w).
            luma: The factor for the noise of brightness.
            chroma: The factor for the noise of color.
            phase: Where the red of the photograph's mosaic is, from the tiles' first pixel on.
        """
        if tiles.shape[1] == 1 and self.config.image_channels == 3:
            of_gray = torch.cat([_GRAY_LUMA * maps[:, :1], _GRAY_CHROMA * maps[:, 1:]], 1)
            shown = self.told(tiles.expand(-1, 3, -1, -1), of_gray, luma, luma)
            return shown.mean(1, keepdim=True)
        level = maps
        if self.config.sigma_channels < 2:
            maps = maps.mean(1, keepdim=True)
            level = _TOLD * maps
        most = max(1.0, luma, chroma)
        denoised = self._with_maps(tiles, most * level, phase)
        denoised = keep_structure(tiles, denoised, most * _bound(maps))
        if luma == chroma == most:
            return denoised
        removed = tiles - denoised
        gray = removed.mean(1, keepdim=True)
        return tiles - (luma * gray + chroma * (removed - gray)) / most

    def _with_maps(self, tiles: Tensor, maps: Tensor, phase: Phase = LEARNED) -> Tensor:
        """Denoise tiles; a network that learned behind a mosaic sees it where it was."""
        white = self.config.sigma_channels < 2
        if not self.thorough and (white or phase == LEARNED):
            return self._once(tiles, maps)
        count, stride = tiles.shape[1], self.config.stride
        both = torch.cat([tiles, maps.expand(-1, -1, *tiles.shape[2:])], 1)

        def once(shown: Tensor) -> Tensor:
            return self._once(shown[:, :count], shown[:, count:])

        if not self.thorough:
            return in_phase(once, both, phase, stride)
        if white:
            return self_ensemble(once, both)
        return self_ensemble_in_phase(once, both, phase, stride)

    def _once(self, tiles: Tensor, sigma: Tensor | float) -> Tensor:
        denoised: Tensor = self.network(tiles.contiguous(memory_format=torch.channels_last), sigma)
        return denoised


def _bound(maps: Tensor) -> Tensor:
    """The level that bounds what is removed of a camera's noise."""
    strong = ((maps - _WEAK) / (_STRONG - _WEAK)).clamp(0, 1)
    return (_BOUND + (_BOUND_IF_STRONG - _BOUND) * strong) * maps


def denoise_unequal(
    color: TileDenoiser,
    gray: TileDenoiser,
    tiles: Tensor,
    levels: Sequence[float],
) -> Tensor:
    """Denoise tiles whose channels have noise of different levels.

    The color network takes one level. If it is told the root mean square of the channels' levels,
    it cleans the noisiest channel well, because the others help, but a cleaner channel worse than
    the gray network, which is told that channel's own level. So the smaller a channel's share of
    the noise is, the more its result is that of the gray network.

    Args:
        color: The network for all channels.
        gray: The network for a single channel.
        tiles: The noisy tiles, (B, C, h, w) float32.
        levels: The noise level of each channel.

    Returns:
        (B, C, h, w).
    """
    variances = torch.tensor(levels, device=tiles.device).square().reshape(1, -1, 1, 1)
    mean = variances.mean()
    planes = zip(torch.chunk(tiles, len(levels), 1), levels, strict=True)
    alone = torch.cat([gray(plane, level) for plane, level in planes], 1)
    together = color(tiles, float(mean.sqrt()))
    return torch.lerp(alone, together, (variances / mean).clamp(max=1))
