"""How a plane is denoised tile by tile: how it is read, and what is done with its tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from flowdenoise.engine.choices import RemovalConfig
from flowdenoise.engine.examined import ExaminedPlane
from flowdenoise.engine.remains import REDUCED, without_remains
from flowdenoise.engine.risk import is_weak, with_least_risk, with_probe
from flowdenoise.engine.texture import give_back
from flowdenoise.engine.tiles.discrepancy import keep_constant
from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser, denoise_unequal
from flowdenoise.engine.tiles.tiling import ReadRows
from flowdenoise.estimation import NoiseMaps, Unclip

_SOME_NOISE = 4.0  # from a quarter of a picture's usual level on, a place has its noise


@dataclass(frozen=True)
class Pass:
    """How a plane is denoised tile by tile.

    Attributes:
        read: The function that reads rows of the plane, and of its maps, on the device.
        denoise: The function that denoises tiles of these rows.
        networks: The networks that it uses; the first decides how the plane is cut.
        reduced: How many times smaller tiles are made for those behind the first.
    """

    read: ReadRows
    denoise: Callable[[Tensor], Tensor]
    networks: tuple[TileDenoiser, ...]
    reduced: int = 1

    @property
    def stride(self) -> int:
        """The number of pixels of which sides and places of tiles must be multiples."""
        first, *others = (network.config.stride for network in self.networks)
        return math.lcm(first, *(self.reduced * stride for stride in others))

    @property
    def is_fixed(self) -> bool:
        """Whether tiles must have exactly the size that the network takes."""
        return self.networks[0].config.tile is not None


def pass_of(
    plane: ExaminedPlane,
    removal: RemovalConfig,
    network: Callable[[int], TileDenoiser],
    device: torch.device,
    coarse: TileDenoiser | None = None,
) -> Pass:
    """Decide how a plane is denoised by the kind of its noise.

    Args:
        plane: The plane and its noise.
        removal: The settings of the removal.
        network: The function that gives the network for a number of channels.
        device: The device that computes.
        coarse: The network of white noise that removes what is left of coarse noise of a camera.
    """
    maps = plane.estimate.maps
    if maps is not None:
        return _of_photograph(
            plane, maps, removal, network(plane.picture.channels), coarse, device
        )
    return _of_white(plane, removal.strength, network, device)


def _of_photograph(
    plane: ExaminedPlane,
    maps: NoiseMaps,
    removal: RemovalConfig,
    network: TileDenoiser,
    coarse: TileDenoiser | None,
    device: torch.device,
) -> Pass:
    """The pass for the noise of a camera, whose maps are cut into tiles with the picture."""
    picture, detail = plane.picture, removal.detail
    channels = picture.channels
    luma, chroma = (removal.strength * share for share in (removal.luma, removal.chroma))

    def read(start: int, stop: int) -> Tensor:
        place = (start, stop, picture.width)
        planes = [picture.tensor(slice(start, stop)), maps.rows(*place)]
        if detail:
            planes.append(maps.fine_rows(*place))
        return torch.cat(planes, 1).to(device)

    def denoise(tiles: Tensor) -> Tensor:
        pixels, levels = tiles[:, :channels], tiles[:, channels : channels + 2]
        denoised = network.told(pixels, levels, luma, chroma, plane.phase)
        if coarse is not None:
            denoised = without_remains(denoised, levels, coarse, luma, chroma)
        if detail:
            denoised = give_back(pixels, denoised, tiles[:, channels + 2 :], detail)
        if plane.light is not None:
            lit = plane.light.restore(denoised, min(1.0, luma), min(1.0, chroma))
            denoised = torch.lerp(denoised, lit, _has_noise(levels, plane.estimate.sigma))
        return keep_constant(pixels, denoised)

    return Pass(read, denoise, (network,) if coarse is None else (network, coarse), REDUCED)


def _has_noise(levels: Tensor, usual: float) -> Tensor:
    """From 0 where maps (B, 2, h, w) tell no noise, which takes no light, to 1, (B, 1, h, w)."""
    return (_SOME_NOISE * levels.amax(1, keepdim=True) / usual).clamp(0, 1)


def _of_white(
    plane: ExaminedPlane,
    strength: float,
    networks: Callable[[int], TileDenoiser],
    device: torch.device,
) -> Pass:
    """The pass for white noise, of one level for all channels or one for each.

    A strength below 1 leaves a part of the noise as it is; one above 1 tells of more noise.
    """
    more, share = max(1.0, strength), min(1.0, strength)
    picture, estimate = plane.picture, plane.estimate
    levels = [more * level for level in estimate.levels]
    unclip = Unclip([end.scaled(more) for end in plane.ends], device)
    network = networks(picture.channels)
    single = networks(1) if len(levels) > 1 else None
    weak = is_weak(max(estimate.levels))
    if weak:
        network, single = network.precise, single and single.precise

    def read(start: int, stop: int) -> Tensor:
        rows = picture.tensor(slice(start, stop))
        return (with_probe(rows, start) if weak else rows).to(device)

    def clean(pixels: Tensor) -> Tensor:
        if single is None:
            return unclip(network(pixels, levels[0]))
        return unclip(denoise_unequal(network, single, pixels, levels))

    def denoise(tiles: Tensor) -> Tensor:
        pixels = tiles[:, : picture.channels]
        denoised = with_least_risk(clean, tiles, levels) if weak else clean(tiles)
        return keep_constant(pixels, torch.lerp(pixels, denoised, share))

    return Pass(read, denoise, (network,) if single is None else (network, single))
