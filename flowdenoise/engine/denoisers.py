"""The networks that denoise, loaded when a picture first needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import nn

from flowdenoise.engine.choices import EFFORTS, EngineConfig
from flowdenoise.engine.estimate import Estimate
from flowdenoise.engine.noise_maps import MAP_ESTIMATOR
from flowdenoise.engine.tile_denoiser import TileDenoiser
from flowdenoise.errors import UsageError
from flowdenoise.system.rules import COLORS
from flowdenoise.weights import manifest

PHOTO = "photo"
"""The denoiser of photographs; where it is shipped, `auto` takes it for fine noise of cameras."""

Source: TypeAlias = Callable[[], nn.Module]
"""A function that loads a network."""


class Denoisers:
    """The networks for color and gray pictures, and the one for photographs.

    Args:
        sources: Functions that load the network, by the number of channels of a picture.
        photo: The function that loads the network for photographs; None if there is none.
        device: The device that computes.
        precision: The type in which the networks multiply.
        config: The effort that is made.
    """

    def __init__(
        self,
        sources: Mapping[int, Source],
        photo: Source | None,
        device: torch.device,
        precision: torch.dtype,
        config: EngineConfig,
    ) -> None:
        self.sources, self.device, self.precision = sources, device, precision
        self._photo = photo
        self._thorough = EFFORTS[config.effort].self_ensemble
        self._loaded: dict[Source, TileDenoiser] = {}

    def check_channels(self, channels: int) -> None:
        """Refuse pictures for which there is no network.

        Raises:
            UsageError: There is no network for that many channels.
        """
        if channels not in self.sources:
            own = " and ".join(COLORS[count] for count in self.sources)
            raise UsageError(
                f"this model is for {own} pictures, and the picture is "
                f"{COLORS.get(channels, f'of {channels} channels')}: the model auto takes either"
            )

    def white(self, channels: int) -> TileDenoiser:
        """The network for white noise in images of that many channels.

        Raises:
            UsageError: There is no network for that many channels.
        """
        self.check_channels(channels)
        return self._load(self.sources[channels])

    def chosen_for(self, estimate: Estimate) -> Callable[[int], TileDenoiser]:
        """The function that gives the networks for noise that is estimated so.

        The weights for photographs are the better ones where the noise is as fine as that of a
        phone that does not smooth. Where a camera has smoothed it, `color` removes more.
        """
        maps, photo = estimate.maps, self._photo
        if maps is None or photo is None or not maps.is_fine:
            return self.white
        return lambda _: self._load(photo)

    def _load(self, source: Source) -> TileDenoiser:
        if source not in self._loaded:
            self._loaded[source] = TileDenoiser.of(
                source(), self.device, self.precision, thorough=self._thorough
            )
        return self._loaded[source]


def weights_for_cameras() -> tuple[str, ...]:
    """The names of the weights for photographs, `MAP_ESTIMATOR` and `PHOTO`, that are shipped."""
    shipped = {entry.name for entry in manifest.shipped().entries}
    return tuple(name for name in (MAP_ESTIMATOR, PHOTO) if name in shipped)
