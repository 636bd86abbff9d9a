"""Runs on really noisy images: their level is found out where the objective needs it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.patches import NoiseConfig
from flowdenoise.data.sources import DataConfig
from flowdenoise.errors import TrainingError, UsageError
from flowdenoise.networks.noise_level import NoiseLevelConfig, NoiseLevelNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.optimization.loop import LoopConfig
from flowdenoise.optimization.processes import Workers
from flowdenoise.training.denoiser_stage import DenoiserTraining
from flowdenoise.training.losses import ObjectiveConfig
from flowdenoise.training.place import Place
from flowdenoise.training.run_config import DenoiserRun
from flowdenoise.training.runs import needs_levels, train_denoiser


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "run", Workers.alone(), report=lambda progress: None)


@pytest.fixture
def run(tmp_path: Path) -> DenoiserRun:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 42, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noisy.png")
    return DenoiserRun(
        data=DataConfig(noisy=(str(tmp_path / "noisy.png"),)),
        network=ResNetConfig(channels=(4,), blocks=(1,)),
        training=DenoiserTraining(noise=NoiseConfig(mode="none"), patch=16),
        loop=LoopConfig(steps=2, batch=2),
    )


@pytest.mark.parametrize(
    ("term", "noise_map", "scale", "weight", "needed"),
    [
        ("r2r", False, 0.0, "map", True),
        ("sure", False, 0.0, "map", True),
        ("descent", False, 0.0, "fixed", True),
        ("n2v", False, 0.0, "map", False),
        ("n2v", True, 0.0, "map", True),
        ("blur", False, 1.0, "map", True),
        ("blur", False, 1.0, "fixed", False),
    ],
)
def test_it_is_known_when_levels_are_needed(
    run: DenoiserRun, term: str, noise_map: bool, scale: float, weight: str, needed: bool
) -> None:
    objective = ObjectiveConfig(data_term=term, prior_scale=scale, prior_weight=weight)  # type: ignore[arg-type]
    run = replace(
        run,
        network=replace(run.network, noise_map=noise_map),
        training=replace(run.training, objective=objective),
    )
    assert needs_levels(run) == needed
    known = replace(run, training=replace(run.training, noise=NoiseConfig()))
    assert not needs_levels(known)


def test_a_level_that_nobody_knows_is_an_error(run: DenoiserRun, place: Place) -> None:
    with pytest.raises(UsageError, match="noise level of these images is unknown"):
        train_denoiser(run, place)


def test_a_level_can_be_estimated(run: DenoiserRun, place: Place) -> None:
    estimator = NoiseLevelNet(NoiseLevelConfig(channels=4, blocks=1))
    assert train_denoiser(run, place, estimator=estimator)


def test_a_network_of_other_sizes_is_no_beginning(run: DenoiserRun, place: Place) -> None:
    other = ResNet(ResNetConfig(channels=(8,), blocks=(1,)))
    with pytest.raises(UsageError, match="other sizes"):
        train_denoiser(run, place, initial=other)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_run_can_begin_with_weights(run: DenoiserRun, place: Place, missing: int) -> None:
    torch.manual_seed(7)
    begin = ResNet(run.network)
    run = replace(run, network=replace(run.network, blocks=(run.network.blocks[0] + missing,)))
    before = begin.head.weight.detach().clone()
    still = replace(run, loop=LoopConfig(steps=1, batch=2, learning_rate=0.0, checkpoint_every=1))
    estimator = NoiseLevelNet(NoiseLevelConfig(channels=4, blocks=1))
    train_denoiser(still, place, initial=begin, estimator=estimator)
    state = torch.load(place.folder / "checkpoint.pt", weights_only=True)["model"]
    assert torch.allclose(state["head.weight"], before)


@pytest.mark.parametrize(
    ("noise", "color", "message"),
    [
        (NoiseConfig(mode="none"), ColorConfig(permute=0.5), "really noisy images"),
        (NoiseConfig(), ColorConfig(mix=0.5, by_image=False), "have one mix of colors"),
    ],
)
def test_varied_colors_that_would_break_the_rule_are_refused(
    noise: NoiseConfig, color: ColorConfig, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        DenoiserTraining(noise=noise, color=color)


def test_a_run_of_before_a_setting_resumes_where_the_setting_is_the_default(
    run: DenoiserRun, place: Place
) -> None:
    run = replace(run, training=replace(run.training, noise=NoiseConfig()))
    assert train_denoiser(run, place)
    file = place.folder / "checkpoint.pt"
    old = torch.load(file, weights_only=True)
    del old["settings"]["training.color.mix"]
    torch.save(old, file)
    (place.folder / "weights.safetensors").unlink()
    again = replace(place, resume=True)
    assert train_denoiser(run, again)
    changed = replace(run, training=replace(run.training, color=ColorConfig(mix=0.5)))
    with pytest.raises(TrainingError, match=r"training\.color\.mix: 0\.0 -> 0\.5"):
        train_denoiser(changed, again)


def test_memory_that_runs_out_is_one_line(
    run: DenoiserRun, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(config: object) -> None:
        raise RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB"
        )

    monkeypatch.setattr("flowdenoise.training.runs.build_network", build)
    with pytest.raises(TrainingError, match="not enough memory: a smaller batch"):
        train_denoiser(run, place)


def test_processes_that_torchrun_did_not_start_are_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(UsageError, match="LOCAL_RANK is not set: start the processes by torchrun"):
        Workers.from_environment(torch.device("cpu"))
