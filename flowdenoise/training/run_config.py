"""The settings of a run, which decide all of its result: data, network, objective and loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from flowdenoise.data.sources import DataConfig
from flowdenoise.errors import UsageError
from flowdenoise.estimation import MAP_ESTIMATORS
from flowdenoise.flow import GlowConfig
from flowdenoise.networks import DnCNNConfig, NoiseLevelConfig, NoiseMapConfig, ResNetConfig
from flowdenoise.optimization.loop import LoopConfig
from flowdenoise.system.typed import check
from flowdenoise.training.camera_stage import CameraTraining
from flowdenoise.training.denoiser_stage import DenoiserTraining
from flowdenoise.training.noise_crops import NoiseMapTraining
from flowdenoise.training.noise_level_stage import NoiseLevelTraining
from flowdenoise.training.prior_stage import PriorTraining

DenoiserConfig: TypeAlias = ResNetConfig | DnCNNConfig
"""The networks that can be trained to denoise."""

_COLOR_ONLY = "cameras are simulated in color only: the channels must be 3"


@dataclass(frozen=True)
class PriorRun:
    """All settings of a run of the first stage.

    Attributes:
        initial: Address of the prior to begin with; without one the weights are random.
    """

    data: DataConfig = field(default_factory=DataConfig)
    network: GlowConfig = field(default_factory=GlowConfig)
    training: PriorTraining = field(default_factory=PriorTraining)
    loop: LoopConfig = field(default_factory=LoopConfig)
    initial: str = ""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class DenoiserRun:
    """All settings of a run of the second stage.

    Attributes:
        prior: Address of the prior, for the record; empty without one.
        teacher: Address of the teacher; empty without one.
        initial: Address of the weights to begin with; without one they are random. A network of
            other depth gets more blocks or loses some, see `with_depth`.
    """

    data: DataConfig = field(default_factory=DataConfig)
    network: DenoiserConfig = field(default_factory=ResNetConfig)
    training: DenoiserTraining = field(default_factory=DenoiserTraining)
    loop: LoopConfig = field(default_factory=LoopConfig)
    prior: str = ""
    teacher: str = ""
    initial: str = ""

    def __post_init__(self) -> None:
        check(self)
        _check_patch(self.training.patch, self.network.stride)


@dataclass(frozen=True)
class PhotoRun:
    """All settings of a run that trains a denoiser of photographs.

    Attributes:
        initial: The address of the weights to begin with; without one they are random. A denoiser
            that is told one level becomes one that is told two maps: see `tell_two_maps`.
        teacher: The address of a denoiser of photographs to learn from; empty without one.
        second_teacher: The address of another: what is learned is the mean of their answers.
        estimator: The address of the estimator that tells the denoiser its maps of noise.
    """

    data: DataConfig = field(default_factory=DataConfig)
    network: ResNetConfig = field(default_factory=partial(ResNetConfig, maps=2))
    training: CameraTraining = field(default_factory=CameraTraining)
    loop: LoopConfig = field(default_factory=LoopConfig)
    initial: str = ""
    teacher: str = ""
    second_teacher: str = ""
    estimator: str = MAP_ESTIMATORS[3]

    def __post_init__(self) -> None:
        check(self)
        if self.second_teacher and not self.teacher:
            raise UsageError("a second teacher is one beside another, and teacher is empty")
        _check_photographs(self.data)
        if self.network.image_channels != 3:
            raise UsageError(_COLOR_ONLY)
        if self.network.sigma_channels != 2:
            raise UsageError("a denoiser of photographs is told two maps: network.maps must be 2")
        _check_patch(self.training.patch, self.network.stride)


@dataclass(frozen=True)
class NoiseLevelRun:
    """All settings of a run that trains the estimator of the noise level."""

    data: DataConfig = field(default_factory=DataConfig)
    network: NoiseLevelConfig = field(default_factory=NoiseLevelConfig)
    training: NoiseLevelTraining = field(default_factory=NoiseLevelTraining)
    loop: LoopConfig = field(default_factory=LoopConfig)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class NoiseMapRun:
    """All settings of a run that trains the estimator of noise maps.

    Attributes:
        initial: The address of the estimator to begin with; without one the weights are random.
            One for color pictures becomes one for gray pictures where needed: see `of_gray`.
    """

    data: DataConfig = field(default_factory=DataConfig)
    network: NoiseMapConfig = field(default_factory=NoiseMapConfig)
    training: NoiseMapTraining = field(default_factory=NoiseMapTraining)
    loop: LoopConfig = field(default_factory=LoopConfig)
    initial: str = ""

    def __post_init__(self) -> None:
        check(self)
        _check_photographs(self.data)


def _check_patch(patch: int, stride: int) -> None:
    if patch % stride:
        raise UsageError(f"the patch must be a multiple of the network's stride, {stride}")


def _check_photographs(data: DataConfig) -> None:
    """Refuse data that no camera can be simulated with."""
    if data.channels != 3:
        raise UsageError(_COLOR_ONLY)
    if data.noisy:
        raise UsageError("a simulated camera takes pictures of clean ones: name no noisy ones")


Run: TypeAlias = PriorRun | DenoiserRun | PhotoRun | NoiseLevelRun | NoiseMapRun
"""A run of any stage."""
