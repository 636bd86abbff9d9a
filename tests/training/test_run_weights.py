"""From a run to weights, finished or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise.data.patches import NoiseConfig
from flowdenoise.data.sources import DataConfig
from flowdenoise.errors import CheckpointError, TrainingError, WeightsError, WeightsIntegrityError
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.networks.noise_level import NoiseLevelConfig
from flowdenoise.networks.resnet import ResNetConfig
from flowdenoise.optimization.checkpoint import Checkpoint
from flowdenoise.optimization.loop import LoopConfig
from flowdenoise.optimization.processes import Workers
from flowdenoise.training import runs
from flowdenoise.training.denoiser_stage import DenoiserTraining
from flowdenoise.training.noise_level_stage import NoiseLevelTraining
from flowdenoise.training.place import Place
from flowdenoise.training.prior_stage import PriorTraining
from flowdenoise.training.run_config import DenoiserRun, NoiseLevelRun, PriorRun
from flowdenoise.training.to_weights import export_weights, trained_levels, training_record
from flowdenoise.weights import read_weights

LOOP = LoopConfig(steps=2, batch=2, warmup=0)


@dataclass(frozen=True)
class Kind:
    """A kind of run: its smallest settings, what starts it, and the kind of its weights."""

    run: Any
    train: Callable[..., bool]
    kind: str
    levels: tuple[float, float]


KINDS = {
    "prior": Kind(
        PriorRun(
            network=GlowConfig(
                size=8, levels=1, steps_per_level=1, hidden_channels=4, noise_levels=True
            ),
            training=PriorTraining(initialization=4, sigma_range=(0.0, 0.3)),
            loop=LOOP,
        ),
        runs.train_prior,
        "glow",
        (0.0, 0.3),
    ),
    "denoiser": Kind(
        DenoiserRun(
            network=ResNetConfig(channels=(4,), blocks=(1,)),
            training=DenoiserTraining(patch=16, noise=NoiseConfig(sigma_range=(0.1, 0.2))),
            loop=LOOP,
        ),
        runs.train_denoiser,
        "resnet",
        (0.1, 0.2),
    ),
    "noise level": Kind(
        NoiseLevelRun(
            network=NoiseLevelConfig(channels=4, blocks=1),
            training=NoiseLevelTraining(patch=16, most=0.25),
            loop=LOOP,
        ),
        runs.train_noise_level,
        "noise_level",
        (0.0, 0.25),
    ),
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("somebodys") / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(4):
        pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def train(kind: Kind, pictures: Path, folder: Path, *, resume: bool = False, **loop: Any) -> bool:
    run = replace(
        kind.run, data=DataConfig(paths=(str(pictures),)), loop=replace(kind.run.loop, **loop)
    )
    place = Place(folder, Workers.alone(), lambda _: None, resume=resume)
    return kind.train(run, place)


@pytest.fixture(scope="module", params=KINDS)
def finished(
    request: pytest.FixtureRequest, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Kind, Path]:
    kind, folder = KINDS[request.param], tmp_path_factory.mktemp("runs") / "run"
    assert train(kind, pictures, folder)
    return kind, folder


@pytest.fixture
def denoiser(pictures: Path, tmp_path: Path) -> Path:
    """A folder of a finished run."""
    train(KINDS["denoiser"], pictures, tmp_path / "run")
    return tmp_path / "run"


def test_the_checkpoint_of_a_finished_run_gives_its_very_weights(
    finished: tuple[Kind, Path], tmp_path: Path
) -> None:
    kind, folder = finished
    target = tmp_path / "mine.safetensors"
    assert export_weights(folder, target) == target
    assert target.read_bytes() == (folder / "weights.safetensors").read_bytes()
    loaded = read_weights(target)
    assert (loaded.kind, loaded.config) == (kind.kind, kind.run.network)
    assert loaded.training["kind"] == kind.kind
    assert trained_levels(loaded.training) == kind.levels


def test_a_run_of_another_kind_is_not_resumed(denoiser: Path, pictures: Path) -> None:
    with pytest.raises(TrainingError, match="kind: resnet -> noise_level"):
        train(KINDS["noise level"], pictures, denoiser, resume=True)


def test_an_unfinished_run_gives_its_average_so_far(denoiser: Path, tmp_path: Path) -> None:
    file = denoiser / "checkpoint.pt"
    checkpoint = Checkpoint.load(file)
    checkpoint.step = 1
    for value in checkpoint.ema.values():
        value.fill_(0.5)
    checkpoint.save(file)
    loaded = read_weights(export_weights(denoiser, tmp_path / "half.safetensors"))
    assert loaded.training["steps_done"] == 1
    assert all((value == 0.5).all() for value in loaded.network.state_dict().values())


def test_the_record_names_no_folder_of_the_machine(denoiser: Path, pictures: Path) -> None:
    data = (denoiser / "weights.safetensors").read_bytes()
    assert str(pictures.parent).encode() not in data
    record = read_weights(data).training
    assert record["data.paths"] == ["pictures"]
    assert (record["prior"], record["initial"]) == ("", "")


def test_addresses_in_the_record_are_kept_and_paths_shortened() -> None:
    hub = "hf://someone/priors@main/color.safetensors"
    mine = "/home/me/mine.safetensors"
    record = training_record({"prior": mine, "teacher": mine, "initial": hub}, 3, {})
    assert (record["prior"], record["initial"]) == ("mine.safetensors", hub)
    assert record["teacher"] == "mine.safetensors"
    assert training_record({"prior": "prior-color"}, 3, {})["prior"] == "prior-color"


def changed(folder: Path, change: Callable[[Checkpoint], object]) -> None:
    checkpoint = Checkpoint.load(folder / "checkpoint.pt")
    change(checkpoint)
    checkpoint.save(folder / "checkpoint.pt")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.settings.update(kind="magic"), "another version.*'magic'"),
        (lambda c: c.settings.pop("network.blocks"), "another version.*lacks the key 'blocks'"),
        (lambda c: c.settings.update({"network.depth": 3}), "another version.*'depth'"),
        (lambda c: c.settings.update({"network.channels": [8]}), "of another architecture"),
        (lambda c: c.settings.clear(), "does not say which network it holds"),
        (lambda c: c.ema.popitem(), "of another architecture: it lacks"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    denoiser: Path, tmp_path: Path, change: Callable[[Checkpoint], object], says: str
) -> None:
    changed(denoiser, change)
    with pytest.raises(CheckpointError, match=says):
        export_weights(denoiser, tmp_path / "mine.safetensors")
    assert list(tmp_path.glob("*mine*")) == []


def test_a_checkpoint_with_broken_weights_gives_none(denoiser: Path, tmp_path: Path) -> None:
    changed(denoiser, lambda c: c.ema["head.weight"].fill_(torch.nan))
    with pytest.raises(WeightsIntegrityError, match=r"'head\.weight'.*not finite"):
        export_weights(denoiser, tmp_path / "mine.safetensors")
    assert list(tmp_path.glob("*mine*")) == []


@pytest.mark.parametrize("parent", ["missing", "run/checkpoint.pt"])
def test_a_place_that_can_not_be_written_is_named(
    denoiser: Path, tmp_path: Path, parent: str
) -> None:
    target = tmp_path / parent / "mine.safetensors"
    with pytest.raises(WeightsError, match=r"can't write .*mine"):
        export_weights(denoiser, target)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"training.noise.mode": "none", "training.noise.sigma_range": [0.0, 0.2]},
        {"training.sigma_range": [0.1]},
        {"training.sigma_range": "wide"},
        {"training.most": None},
    ],
)
def test_levels_that_can_not_be_told_are_not_guessed(settings: dict[str, Any]) -> None:
    assert trained_levels(settings) is None


def test_a_prior_of_clean_images_is_for_no_noise() -> None:
    settings = {"network.noise_levels": False, "training.sigma_range": [0.0, 0.2]}
    assert trained_levels(settings) == (0.0, 0.0)
