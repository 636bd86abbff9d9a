"""The networks that denoise, loaded when a picture first needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import nn

from flowdenoise.engine.choices import EFFORTS, Effort, EngineConfig, RemovalConfig
from flowdenoise.engine.estimate import Estimate
from flowdenoise.engine.examined import Finding
from flowdenoise.engine.noise_maps import MAP_ESTIMATOR
from flowdenoise.engine.passes import Pass, pass_of
from flowdenoise.engine.tile_denoiser import TileDenoiser
from flowdenoise.errors import UsageError
from flowdenoise.system.rules import COLORS
from flowdenoise.weights import manifest

Source: TypeAlias = Callable[[], nn.Module]
"""A function that loads a network."""


@dataclass(frozen=True)
class NamedSource:
    """A function that loads a network, and what its weights are called.

    Attributes:
        name: The name, path or address of the weights.
        load: The function.
    """

    name: str
    load: Source

    def __call__(self) -> nn.Module:
        """Load the network."""
        return self.load()


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
        return lambda channels: self._load(photo) if channels == 3 else self.white(channels)

    def way(self, finding: Finding, removal: RemovalConfig) -> Pass:
        """How a plane is denoised: by which networks, told what."""
        return pass_of(finding, removal, self.chosen_for(finding.estimate), self.device)

    def _load(self, source: Source) -> TileDenoiser:
        if source not in self._loaded:
            network = TileDenoiser.of(
                source(), self.device, self.precision, thorough=self._thorough
            )
            if isinstance(source, NamedSource):
                network = replace(network, name=source.name)
            self._loaded[source] = network
        return self._loaded[source]


def first_shipped(names: Sequence[str]) -> str | None:
    """The first of these weights that is shipped; None if there is none."""
    shipped = {entry.name for entry in manifest.shipped().entries}
    return next((name for name in names if name in shipped), None)


def models_of(effort: Effort) -> dict[int, str]:
    """The names of the weights for all pictures that this effort takes, by number of channels."""
    return {
        channels: first_shipped(names) or names[-1] for channels, names in effort.models.items()
    }


def weights_for_cameras() -> tuple[str, ...]:
    """The shipped weights that `auto` takes for photographs beside those for all pictures."""
    found = (first_shipped([MAP_ESTIMATOR]), first_shipped(EFFORTS["normal"].photo))
    return tuple(name for name in found if name is not None)
