"""Networks as the engine calls them: tiles in, tiles out, and what it must know to cut them.

Two roads lead from noisy to denoised tiles: a network that was trained to (`ResNet`, `DnCNN`),
and a density of noisy patches, by Tweedie's formula (`Glow`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flowdenoise.engine.discrepancy import keep_structure
from flowdenoise.engine.self_ensemble import self_ensemble
from flowdenoise.engine.tiling import TilingConfig
from flowdenoise.errors import UsageError
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.tweedie import tweedie

_GPU_TILE = 1024  # fewer and larger launches; a CPU's cache holds the layers of a smaller tile


@dataclass(frozen=True)
class TileNetwork:
    """A network and its calling convention.

    Attributes:
        network: The module.
        stride: Sides of tiles are multiples of this.
        fixed: Tiles have exactly the side that `tiling` says.
        tiling: How pictures are cut unless the user says otherwise.
        thorough: Take the mean over the eight ways to turn and mirror a tile.
    """

    network: nn.Module
    stride: int
    fixed: bool
    tiling: TilingConfig
    thorough: bool = False

    def __call__(self, tiles: Tensor, sigma: float) -> Tensor:
        """Denoise (B, C, h, w) tiles of float32; same shape back."""
        if self.thorough:
            denoised = self_ensemble(lambda turned: self._once(turned, sigma), tiles)
        else:
            denoised = self._once(tiles, sigma)
        return keep_structure(tiles, denoised, sigma)

    def _once(self, tiles: Tensor, sigma: float) -> Tensor:
        if isinstance(self.network, Glow):
            return tweedie(self.network, tiles, sigma)
        return self.network(  # type: ignore[no-any-return]
            tiles.contiguous(memory_format=torch.channels_last), sigma
        )


def tile_network(
    network: nn.Module, device: torch.device, precision: torch.dtype, *, thorough: bool = False
) -> TileNetwork:
    """Bring a loaded network to where and how it shall run.

    Raises:
        UsageError: It is no denoiser.
    """
    network = network.eval().requires_grad_(False)
    if isinstance(network, Glow):
        if not network.config.noise_levels:
            raise UsageError("this prior knows clean images only: it can't denoise by itself")
        side = network.config.size
        half = TilingConfig(tile=side, overlap=0, blend=side // 2, batch=64)
        return TileNetwork(network.to(device), 1, True, half, thorough)
    stride = getattr(network.config, "stride", None)
    if stride is None:
        raise UsageError(f"{type(network).__name__} is no denoiser")
    network = network.to(device, precision).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    tiling = TilingConfig() if device.type == "cpu" else TilingConfig(tile=_GPU_TILE)
    return TileNetwork(network, stride, False, tiling, thorough)
