"""Runs: put corpora, networks and the loop together, start or resume, and write the weights.

One function per stage; the command line parses, builds one configuration, and calls it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch
from torch import nn

from flowdenoise.data.corpus import Corpus
from flowdenoise.data.sources import DataConfig, Part, Sources
from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow, grow
from flowdenoise.images import as_floats
from flowdenoise.networks import (
    DnCNN,
    NoiseLevelNet,
    NoiseMapNet,
    ResNet,
    ResNetConfig,
    grown,
    of_gray,
    tell_two_maps,
)
from flowdenoise.training.camera_stage import CameraStage
from flowdenoise.training.denoiser_stage import DenoiserStage
from flowdenoise.training.noise_level_stage import NoiseLevelStage
from flowdenoise.training.noise_map_stage import NoiseMapStage
from flowdenoise.training.objectives import data_term
from flowdenoise.training.place import Place, opened, run_loop
from flowdenoise.training.prior_stage import PriorStage
from flowdenoise.training.run_config import (
    DenoiserConfig,
    DenoiserRun,
    NoiseLevelRun,
    NoiseMapRun,
    PhotoRun,
    PriorRun,
)
from flowdenoise.training.simulated_photos import MARGIN
from flowdenoise.training.teaching import taught_corpus
from flowdenoise.training.validation_photos import validation_photos

_Network = TypeVar("_Network", bound=nn.Module)


def train_prior(
    run: PriorRun, place: Place, *, initial: Glow | None = None, recompute: bool = False
) -> bool:
    """Train a flow on the clean corpus; returns whether the run came to its end.

    Args:
        run: The settings.
        place: The place of the run, which changes nothing in its result.
        initial: A flow to begin with; it grows to the run's sizes.
        recompute: Recompute activations instead of keeping them.

    Raises:
        DataError: No picture can be used.
        TrainingError: The run diverges, or its folder can't be read or written.
        UsageError: The settings and the networks do not fit together, or the folder of the run
            lies among the images.
    """
    with opened(place, run) as begun:
        stage = _prior_stage(run, place, initial)
        stage.model.recompute = recompute
        return run_loop(stage, run, place, *begun)


def _prior_stage(run: PriorRun, place: Place, initial: Glow | None) -> PriorStage:
    torch.manual_seed(run.loop.seed)
    model = Glow(run.network) if initial is None else grow(initial, run.network)
    clean = _corpus(run.data, "clean", run.network.size, place)
    stage = PriorStage(
        _placed(model, place.workers.device),
        clean,
        run.training,
        seed=run.loop.seed,
        validation=_validation(run.data, run.network.size, place),
        device=place.workers.device,
    )
    if initial is None and not place.resume:
        stage.initialize()
    return stage


def train_denoiser(
    run: DenoiserRun,
    place: Place,
    *,
    prior: Glow | None = None,
    teacher: nn.Module | None = None,
    initial: nn.Module | None = None,
    estimator: NoiseLevelNet | None = None,
) -> bool:
    """Train a denoiser on the noisy corpus; returns whether the run came to its end.

    Args:
        run: The settings.
        place: The place of the run, which changes nothing in its result.
        prior: The prior that the objective asks for.
        teacher: The teacher that the objective asks for.
        initial: A network of the same sizes to begin with.
        estimator: The estimator of the noise level of really noisy images, for runs that need it:
            see `needs_levels`.

    Raises:
        DataError: No picture can be used.
        TrainingError: The run diverges, or its folder can't be read or written.
        UsageError: The settings and the networks do not fit together, or the folder of the run
            lies among the images.
    """
    with opened(place, run) as begun:
        stage = _denoiser_stage(run, place, prior, teacher, initial, estimator)
        return run_loop(stage, run, place, *begun)


def _denoiser_stage(
    run: DenoiserRun,
    place: Place,
    prior: Glow | None,
    teacher: nn.Module | None,
    initial: nn.Module | None,
    estimator: NoiseLevelNet | None,
) -> DenoiserStage:
    torch.manual_seed(run.loop.seed)
    model = build_network(run.network) if initial is None else _beginning(run, initial)
    patch = max(run.training.patch, run.training.late_patch)
    device = place.workers.device
    corpus = _corpus(run.data, "noisy", patch, place)
    levels = _levels(corpus, estimator) if needs_levels(run) else None
    return DenoiserStage(
        _placed(model, device),
        corpus,
        run.training,
        steps=run.loop.steps,
        seed=run.loop.seed,
        prior=None if prior is None else prior.to(device),
        teacher=None if teacher is None else _placed(teacher, device),
        validation=_validation(run.data, patch, place),
        device=device,
        levels=levels,
        taught=_taught(run, place, corpus, teacher, levels),
    )


def train_photo(
    run: PhotoRun,
    place: Place,
    *,
    estimator: NoiseMapNet,
    initial: nn.Module | None = None,
    teachers: Sequence[nn.Module] = (),
) -> bool:
    """Train a denoiser of photographs; returns whether the run came to its end.

    Args:
        run: The settings.
        place: The place of the run, which changes nothing in its result.
        estimator: The estimator that tells the denoiser its maps of noise.
        initial: A network of the same sizes to begin with, told two maps or one level.
        teachers: Denoisers of photographs to learn from.

    Raises:
        DataError: No picture can be used.
        TrainingError: The run diverges, or its folder can't be read or written.
        UsageError: The settings and the networks do not fit together, or the folder of the run
            lies among the images.
    """
    with opened(place, run) as begun:
        stage = _camera_stage(run, place, estimator, initial, teachers)
        return run_loop(stage, run, place, *begun)


def _camera_stage(
    run: PhotoRun,
    place: Place,
    estimator: NoiseMapNet,
    initial: nn.Module | None,
    teachers: Sequence[nn.Module],
) -> CameraStage:
    torch.manual_seed(run.loop.seed)
    if isinstance(initial, ResNet) and initial.config == replace(run.network, maps=1):
        initial = tell_two_maps(initial)
    model = build_network(run.network) if initial is None else _beginning(run, initial)
    patch = max(run.training.patch, run.training.late_patch) + 2 * MARGIN
    device = place.workers.device
    sources = Sources(run.data, place.on_skip, place.on_fetch)
    return CameraStage(
        _placed(model, device),
        _corpus(run.data, "noisy", patch, place),
        run.training,
        estimator.to(device),
        steps=run.loop.steps,
        seed=run.loop.seed,
        teachers=[_placed(teacher, device) for teacher in teachers],
        validation=validation_photos(sources, patch, run.network.stride),
        folder=place.folder,
        device=device,
    )


def _placed(network: _Network, device: torch.device) -> _Network:
    """A network on a device, its weights in the order in which convolutions are quickest."""
    placed: _Network = network.to(device).to(  # type: ignore[call-overload]
        memory_format=torch.channels_last
    )
    return placed


def _beginning(run: DenoiserRun | PhotoRun | NoiseMapRun, initial: nn.Module) -> nn.Module:
    """A copy of the network that a run begins with, ready to be trained, with the run's blocks.

    Raises:
        UsageError: The network has other sizes than the run's.
    """
    made = grown(initial, run.network)
    if made is not None:
        return made.requires_grad_(True)
    if initial.config != run.network:
        raise UsageError(f"{run.initial} is a network of other sizes than this run's")
    return copy.deepcopy(initial).requires_grad_(True)


def build_network(config: DenoiserConfig) -> nn.Module:
    """The network of these sizes."""
    return ResNet(config) if isinstance(config, ResNetConfig) else DnCNN(config)


def needs_levels(run: DenoiserRun) -> bool:
    """Whether the noise levels of really noisy images have to be found out."""
    objective = run.training.objective
    follows = objective.prior_scale > 0 and objective.prior_weight == "map"
    told = run.network.sigma_channels > 0
    wanted = "levels" in data_term(objective.data_term).needs or told or follows
    return run.training.noise.mode == "none" and wanted


def _levels(corpus: Corpus, estimator: NoiseLevelNet | None) -> torch.Tensor:
    """The estimated noise level of each image, (I,)."""
    if estimator is None:
        raise UsageError("the noise level of these images is unknown, and the objective needs it")
    estimator = estimator.to(corpus.pixels.device).eval()
    step = NoiseLevelNet.stride
    levels = []
    for index in range(len(corpus)):
        image = corpus.image(index)[None]
        height, width = (side // step * step for side in image.shape[-2:])
        levels.append(estimator.estimate([as_floats(image[:, :, :height, :width])]))
    return torch.tensor(levels)


def _taught(
    run: DenoiserRun,
    place: Place,
    corpus: Corpus,
    teacher: nn.Module | None,
    levels: torch.Tensor | None,
) -> Corpus | None:
    """What the teacher makes of the whole corpus, where the run wants it; one process asks it."""
    training = run.training
    needs = data_term(training.objective.data_term).needs
    if teacher is None or not training.teach_once or "teacher" not in needs:
        return None
    taught = partial(
        taught_corpus,
        teacher,
        corpus,
        training.noise,
        place.folder,
        seed=run.loop.seed,
        levels=levels,
        color=training.color,
        on_taught=place.on_taught,
    )
    made = taught() if place.workers.first else None
    place.workers.barrier()
    return made or taught()


def train_noise_level(run: NoiseLevelRun, place: Place) -> bool:
    """Train the estimator of the noise level; returns whether the run came to its end.

    Raises:
        DataError: No picture can be used.
        TrainingError: The run diverges, or its folder can't be read or written.
        UsageError: The settings and the networks do not fit together, or the folder of the run
            lies among the images.
    """
    with opened(place, run) as begun:
        torch.manual_seed(run.loop.seed)
        stage = NoiseLevelStage(
            NoiseLevelNet(run.network).to(place.workers.device),
            _corpus(run.data, "clean", run.training.patch, place),
            run.training,
            seed=run.loop.seed,
            validation=_validation(run.data, run.training.patch, place),
            device=place.workers.device,
        )
        return run_loop(stage, run, place, *begun)


def train_noise_map(run: NoiseMapRun, place: Place, *, initial: nn.Module | None = None) -> bool:
    """Train the estimator of noise maps; returns whether the run came to its end.

    Args:
        run: The settings.
        place: The place of the run, which changes nothing in its result.
        initial: An estimator of the same sizes to begin with, for gray pictures or color ones.

    Raises:
        DataError: No picture can be used.
        TrainingError: The run diverges, or its folder can't be read or written.
        UsageError: The settings and the networks do not fit together, or the folder of the run
            lies among the images.
    """
    with opened(place, run) as begun:
        torch.manual_seed(run.loop.seed)
        if isinstance(initial, NoiseMapNet) and run.network.image_channels == 1:
            initial = of_gray(initial)
        model = NoiseMapNet(run.network) if initial is None else _beginning(run, initial)
        stage = NoiseMapStage(
            model.to(place.workers.device),
            _corpus(run.data, "noisy", run.training.side, place),
            run.training,
            seed=run.loop.seed,
            validation=_validation(run.data, run.training.side, place),
            folder=place.folder,
            device=place.workers.device,
        )
        return run_loop(stage, run, place, *begun)


def _corpus(data: DataConfig, part: Part, smallest: int, place: Place) -> Corpus:
    corpus = Sources(data, place.on_skip, place.on_fetch, place.cache).corpus(
        part, smallest, place.workers.device
    )
    if corpus is None:
        raise UsageError(f"no images are named for the {part} corpus")
    return corpus


def _validation(data: DataConfig, smallest: int, place: Place) -> Corpus | None:
    return Sources(data, place.on_skip, place.on_fetch).corpus(
        "validation", smallest, place.workers.device
    )
