"""The networks that denoise: which of them a model stands for, and which a picture gets.

They are loaded when a picture first needs them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import torch
from torch import nn

from flowdenoise import weights
from flowdenoise.engine.choices import (
    EFFORTS,
    TRIALS,
    Effort,
    EngineConfig,
    Grain,
    RemovalConfig,
)
from flowdenoise.engine.examined import ExaminedPlane
from flowdenoise.engine.passes import Pass, pass_of
from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser
from flowdenoise.errors import UsageError
from flowdenoise.estimation import ESTIMATORS, MAP_ESTIMATORS, Estimate, NoiseMaps
from flowdenoise.flow import Glow, TweedieDenoiser, as_denoiser
from flowdenoise.system.device import fast_integers
from flowdenoise.system.rules import COLORS
from flowdenoise.weights import manifest

Source: TypeAlias = Callable[[], nn.Module]
"""A function that loads a network."""

AUTOMATIC = {
    "auto": {channels: names[0] for channels, names in EFFORTS["normal"].models.items()},
    "auto-prior": {3: "prior-color", 1: "prior-gray"},
}
"""Models that are chosen by the picture: shipped names, by number of channels."""


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


@dataclass(frozen=True)
class Model:
    """All networks that a model stands for.

    Attributes:
        networks: Functions that load the network for white noise, by the number of channels.
        estimators: Functions that load the estimator of its level, likewise.
        camera: Functions that load the estimator of noise maps, likewise; none where all noise
            counts as white.
        photos: Functions that load networks for photographs, by the grain of their noise.
        quick: Functions that load the quickest networks, by the number of channels for white
            noise and by the grain for photographs.
    """

    networks: Mapping[int, Source]
    estimators: Mapping[int, Source]
    camera: Mapping[int, Source]
    photos: Mapping[Grain, Source]
    quick: Mapping[int | Grain, Source]


def model_of(config: EngineConfig, report: Callable[[str], None] | None = None) -> Model:
    """The networks that are meant; weights that are named are loaded, others when needed.

    Args:
        config: The name of the model, the effort, and whether nothing may be fetched.
        report: Called with a line of text for what is fetched.

    Raises:
        WeightsError: The weights that are named can't be found or trusted.
        UsageError: They are those of no denoiser.
    """

    def source(name: str) -> Source:
        return NamedSource(name, partial(_network_of, name, config.offline, report))

    model, effort = config.model, EFFORTS[config.effort]
    knows_cameras = model == "auto"
    if model in AUTOMATIC:
        names = models_of(effort) if model == "auto" else AUTOMATIC[model]
        networks = {channels: source(name) for channels, name in names.items()}
    else:
        loaded = weights.load(model, offline=config.offline, report=report)
        known = partial(_itself, loaded.network)
        networks = {loaded.config.image_channels: NamedSource(model, known)}
        knows_cameras = as_denoiser(loaded.network).config.sigma_channels > 1
    photos: dict[Grain, str] = {}
    quick: dict[int | Grain, str] = {}
    if model == "auto":
        photos = photos_of(effort)
        quick = dict([*models_of(TRIALS).items(), *photos_of(TRIALS).items()])
    return Model(
        networks,
        {channels: source(name) for channels, name in ESTIMATORS.items()},
        {
            channels: source(name)
            for channels, name in MAP_ESTIMATORS.items()
            if knows_cameras and channels in networks
        },
        {grain: source(name) for grain, name in photos.items()},
        {kind: source(name) for kind, name in quick.items()},
    )


def _network_of(name: str, offline: bool, report: Callable[[str], None] | None) -> nn.Module:
    """Load a network; a function of the module, unlike one of `model_of`, can be pickled."""
    return weights.load(name, offline=offline, report=report).network


def _itself(network: nn.Module) -> nn.Module:
    return network


_COARSE_IN_TRIAL = 1.7  # grain; for the result the network for a fine grain serves up to 1.9

_LOADING = threading.Lock()  # of no denoiser's own, so that a denoiser can be pickled


class Denoisers:
    """The networks for color and gray pictures, and the one for photographs.

    Args:
        sources: Functions that load the network, by the number of channels of a picture.
        photos: Functions that load the networks for photographs, by the grain of their noise;
            where there is none, those for all pictures are taken.
        quick: Functions that load the quickest networks, as `Model` has them; where there is none,
            the others are taken.
        device: The device that computes.
        precision: The type in which the networks multiply.
        config: The effort that is made.
        eight_bits: Whether inner blocks multiply integers of 8 bits.
    """

    def __init__(
        self,
        sources: Mapping[int, Source],
        photos: Mapping[Grain, Source],
        quick: Mapping[int | Grain, Source],
        device: torch.device,
        precision: torch.dtype,
        config: EngineConfig,
        *,
        eight_bits: bool = False,
    ) -> None:
        self.sources, self.device, self.precision = sources, device, precision
        self._photos, self._quick = photos, quick
        self._thorough = EFFORTS[config.effort].self_ensemble
        self._eight_bits = eight_bits
        self._loaded: dict[Source, TileDenoiser] = {}

    def check_channels(self, channels: int) -> None:
        """Refuse pictures for which there is no network.

        Raises:
            UsageError: There is no network for that many channels.
        """
        if channels not in self.sources:
            if channels not in COLORS:
                raise UsageError(f"a picture has 1 or 3 channels, and this has {channels}")
            own = " and ".join(COLORS[count] for count in self.sources)
            raise UsageError(
                f"this model is for {own} pictures, and the picture is {COLORS[channels]}: "
                f"the model auto takes either"
            )

    def white(self, channels: int) -> TileDenoiser:
        """The network for white noise in images of that many channels.

        Raises:
            UsageError: There is no network for that many channels.
        """
        self.check_channels(channels)
        return self._load(self.sources[channels])

    def prior(self, channels: int) -> Glow | None:
        """The prior, if it is what denoises images of that many channels; else None."""
        network = self.white(channels).network
        return network.flow if isinstance(network, TweedieDenoiser) else None

    def chosen_for(self, estimate: Estimate) -> Callable[[int], TileDenoiser]:
        """The function that gives the networks for noise that is estimated so.

        Those for photographs are asked where noise is that of a camera; which of them is better
        depends on whether the camera has smoothed it.
        """
        if (maps := estimate.maps) is None:
            return self.white

        def of_photographs(channels: int) -> TileDenoiser:
            photo = self._photos.get(_grain(maps, channels))
            return self.white(channels) if photo is None else self._load(photo)

        return of_photographs

    def quick_for(self, estimate: Estimate, channels: int) -> TileDenoiser | None:
        """The quickest network for noise that is estimated so, to see what it removes.

        One turn is enough for that, and nothing is rounded to integers, as signs are small. A
        network that learned photographs serves, too; what another one removes of white noise says
        more about itself, so there is None.

        Args:
            estimate: The noise.
            channels: The number of channels of the picture.
        """
        maps = estimate.maps
        quick = self._quick.get(channels if maps is None else _grain_in_trial(maps, channels))
        if quick is None and maps is None:
            return None
        found = self.chosen_for(estimate)(channels) if quick is None else self._load(quick)
        return replace(found.unrounded, thorough=False)

    def way(self, plane: ExaminedPlane, removal: RemovalConfig) -> Pass:
        """How a plane is denoised: by which networks, told what."""
        estimate, channels = plane.estimate, plane.picture.channels
        of_photographs = estimate.maps is not None and bool(self._photos)
        coarse = self.white(channels) if of_photographs else None
        return pass_of(plane, removal, self.chosen_for(estimate), self.device, coarse)

    def _load(self, source: Source) -> TileDenoiser:
        with _LOADING:  # other threads wait for what one of them loads
            if source not in self._loaded:
                # Parameters that are made in inference mode would never let gradients through.
                with torch.inference_mode(False):
                    network = TileDenoiser.of(
                        source(),
                        self.device,
                        self.precision,
                        thorough=self._thorough,
                        eight_bits=self._eight_bits,
                    )
                if isinstance(source, NamedSource):
                    network = replace(network, name=source.name)
                self._loaded[source] = network
            return self._loaded[source]


def takes_integers(config: EngineConfig, precision: torch.dtype, device: torch.device) -> bool:
    """Whether inner blocks multiply integers of 8 bits, see `Effort`.

    Args:
        config: The effort, and whether a precision was asked for.
        precision: The type in which the networks multiply.
        device: The device that computes.
    """
    wanted = EFFORTS[config.effort].eight_bits or precision == torch.float32
    return config.precision == "auto" and wanted and fast_integers(device)


def _grain(maps: NoiseMaps, channels: int) -> Grain:
    """The grain by which networks are chosen.

    The network for a fine one is best for all in gray, and for strong noise: what cameras smooth
    is weak, and the noise of dim light is coarse by itself.
    """
    return "fine" if channels == 1 or maps.is_fine or maps.is_strong else "coarse"


def _grain_in_trial(maps: NoiseMaps, channels: int) -> Grain:
    """The grain by which the network for a trial is chosen, as when its signs were weighed."""
    return "coarse" if channels > 1 and maps.grain >= _COARSE_IN_TRIAL else "fine"


def first_shipped(names: Sequence[str]) -> str | None:
    """The first of these weights that is shipped; None if there is none."""
    shipped = {entry.name for entry in manifest.shipped().entries}
    return next((name for name in names if name in shipped), None)


def models_of(effort: Effort) -> dict[int, str]:
    """The names of the weights for all pictures that this effort takes, by number of channels."""
    return {
        channels: first_shipped(names) or names[-1] for channels, names in effort.models.items()
    }


def weights_for_cameras(channels: int) -> tuple[str, ...]:
    """The shipped weights that `auto` takes for photographs beside those for all pictures.

    Args:
        channels: The number of channels of a photograph, 1 or 3.
    """
    estimator = first_shipped([MAP_ESTIMATORS[channels]])
    photos = photos_of(EFFORTS["normal"]).values()
    return (*photos,) if estimator is None else (estimator, *photos)


def photos_of(effort: Effort) -> dict[Grain, str]:
    """The names of the shipped weights for photographs, by the grain of their noise."""
    found = {grain: first_shipped(names) for grain, names in effort.photos.items()}
    return {grain: name for grain, name in found.items() if name is not None}
