"""Training for cameras from the command line: the estimator of noise maps, the denoiser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise import weights
from flowdenoise.networks import tell_two_maps
from flowdenoise.optimization.checkpoint import Checkpoint

from .conftest import Invoke, message, metrics

ESTIMATOR = [
    *("--set", "network.channels=4"),
    *("--set", "network.blocks=1"),
    *("--set", "training.patch=64"),
    *("--set", "loop.batch=2"),
]

DENOISER = [
    *("--preset", "photo"),
    *("--set", "network.channels=4"),
    *("--set", "network.blocks=1"),
    *("--set", "training.patch=16"),
    *("--set", "loop.batch=2"),
    *("--set", "loop.precision=float32"),
]


def waves(height: int, width: int, seed: int) -> np.ndarray:
    """A picture of soft colors, (H, W, 3) uint8."""
    y, x = np.mgrid[:height, :width] / 20
    directions = np.random.default_rng(seed).normal(size=(3, 2))
    planes = [128 + 100 * np.sin(a * x + b * y) for a, b in directions]
    return np.stack(planes, 2).round().astype(np.uint8)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    for index in range(3):
        Image.fromarray(waves(136, 144, index)).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean picture, and a real pair."""
    folder, random = tmp_path_factory.mktemp("held-out"), np.random.default_rng(7)
    clean = waves(50, 70, 8)
    noisy = (clean + random.normal(0, 9, clean.shape)).clip(0, 255).round().astype(np.uint8)
    for name, pixels in (("a", waves(40, 48, 9)), ("b_clean", clean), ("b_noisy", noisy)):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_the_estimator_of_noise_maps_is_trained_resumed_and_begun_with(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    line = ["train-noise-map", "--data", album, "--validation", album, *ESTIMATOR]
    answer = invoke(*line, "--steps", 1, "--out", out)
    assert answer.status == 0, answer.err
    assert set(metrics(out)) == {"log_error", "right_clean", "right_white", "right_camera"}
    answer = invoke(*line, "--steps", 2, "--out", out, "--resume")
    assert answer.status == 0, answer.err
    assert Checkpoint.load(out / "checkpoint.pt").step == 2
    made = out / "weights.safetensors"
    loaded = weights.load(str(made), role="noise map")
    assert loaded.training["steps_done"] == 2

    still = ["--set", "loop.learning_rate=0", "--steps", 1, "--out", tmp_path / "next"]
    answer = invoke(*line, "--initial", made, *still)
    assert answer.status == 0, answer.err
    after = weights.load(str(tmp_path / "next" / "weights.safetensors"))
    assert after.training["initial"] == "weights.safetensors"
    assert all(
        weight.equal(after.network.state_dict()[name])
        for name, weight in loaded.network.state_dict().items()
    )


def test_the_estimator_of_gray_noise_maps_learns_from_color_photographs_turned_gray(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["train-noise-map", "--data", album, *ESTIMATOR, "--steps", 1]
    answer = invoke(*line, "--out", tmp_path / "color")
    assert answer.status == 0, answer.err
    begin = ["--initial", tmp_path / "color" / "weights.safetensors"]
    answer = invoke(*line, "--gray", *begin, "--validation", album, "--out", tmp_path / "run")
    assert answer.status == 0, answer.err
    made = weights.load(str(tmp_path / "run" / "weights.safetensors"), role="noise map")
    assert made.config.image_channels == 1
    found = made.network(torch.rand(2, 1, 64, 72))
    assert found.levels.shape == (2, 4, 8, 9)


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (["--set", "data.channels=1"], 2, "cameras are simulated in color only"),
        (["--set", "data.noisy=ALBUM"], 2, "name no noisy ones"),
        (["--set", "training.clean=0.9", "--set", "training.white=0.5"], 2, "are above 1"),
        (["--set", "training.patch=60"], 2, "from 64"),
        (["--set", "training.patch=68"], 2, "a multiple of 8"),
        (["--set", "training.patch=128"], 1, "no usable image"),
        (["--initial", "TINY"], 1, "a noise map is needed"),
        (["--initial", "noise-map-color"], 2, "of other sizes"),
    ],
)
def test_mistakes_about_the_estimator_are_told_in_one_line(
    invoke: Invoke,
    album: Path,
    tiny: Path,
    tmp_path: Path,
    options: list[str],
    status: int,
    text: str,
) -> None:
    names = {"TINY": str(tiny)}
    given = [names.get(word, word.replace("ALBUM", str(album))) for word in options]
    line = ["train-noise-map", "--data", album, "--out", tmp_path / "run", "--steps", 1]
    answer = invoke(*line, *ESTIMATOR, *given)
    assert text in message(answer)
    assert answer.status == status


def test_a_denoiser_of_photographs_is_trained_and_resumed_and_denoises(
    invoke: Invoke, album: Path, held_out: Path, photo: Path, tmp_path: Path
) -> None:
    out, made = tmp_path / "run", tmp_path / "run" / "weights.safetensors"
    line = ["train-denoiser", "--data", album, "--validation", held_out, "--out", out, *DENOISER]
    answer = invoke(*line, "--steps", 1)
    assert answer.status == 0, answer.err
    measured = metrics(out)
    assert set(measured) == {"psnr_pairs", "psnr_phone", "psnr_reflex", "psnr_camera-jpeg"}
    assert 20 < measured["psnr_pairs"] < 40
    refused = invoke(*line, "--steps", 2, "--resume", "--set", "training.jitter=0.2")
    assert refused.status == 1
    assert "training.jitter: 0.1 -> 0.2" in message(refused)
    assert invoke(*line, "--steps", 2, "--resume").status == 0
    loaded = weights.load(str(made), role="denoiser")
    assert loaded.config.sigma_channels == 2
    assert loaded.training["estimator"] == "noise-map-color"
    assert loaded.training["steps_done"] == 2
    again = tmp_path / "again.safetensors"
    assert invoke("weights", "from-run", out, "--out", again).status == 0
    assert again.read_bytes() == made.read_bytes()
    assert invoke("denoise", photo, "--sigma", 25, "--model", made).status == 0


def test_a_denoiser_of_photographs_teaches_a_smaller_one(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["train-denoiser", "--data", album, "--steps", 1]
    small = ["--set", "network.channels=4,8", "--set", "network.blocks=1,1"]
    begun, out = tmp_path / "white", tmp_path / "run"
    patches = ["--set", "training.patch=16", "--set", "training.late_patch=0"]
    answer = invoke(*line, "--out", begun, *small, *patches)
    assert answer.status == 0, answer.err
    initial = ["--initial", begun / "weights.safetensors"]
    answer = invoke(*line, *DENOISER, "--teacher", "photo", *initial, *small, "--out", out)
    assert answer.status == 0, answer.err
    loaded = weights.load(str(out / "weights.safetensors"), role="denoiser")
    assert loaded.training["teacher"] == "photo"
    assert loaded.config.sigma_channels == 2


def test_two_denoisers_of_photographs_teach(invoke: Invoke, album: Path, tmp_path: Path) -> None:
    line = ["train-denoiser", "--data", album, "--out", tmp_path / "run", "--steps", 1, *DENOISER]
    second = ["--set", "second_teacher=photo-coarse"]
    refused = invoke(*line, *second)
    assert refused.status == 2
    assert "one beside another, and teacher is empty" in message(refused)
    answer = invoke(*line, *second, "--teacher", "photo")
    assert answer.status == 0, answer.err
    loaded = weights.load(str(tmp_path / "run" / "weights.safetensors"), role="denoiser")
    assert loaded.training["teacher"] == "photo"
    assert loaded.training["second_teacher"] == "photo-coarse"


def test_clean_targets_are_a_baseline(invoke: Invoke, album: Path, tmp_path: Path) -> None:
    line = ["train-denoiser", "--data", album, "--out", tmp_path / "run", "--steps", 1, *DENOISER]
    clean = ["--set", "training.target=clean"]
    refused = invoke(*line, *clean)
    assert refused.status == 2
    assert "a baseline, which baseline=true allows" in message(refused)
    answer = invoke(*line, *clean, "--baseline")
    assert answer.status == 0, answer.err
    record = weights.load(str(tmp_path / "run" / "weights.safetensors")).training
    assert (record["training.target"], record["training.baseline"]) == ("clean", True)


def test_a_denoiser_of_white_noise_is_where_one_of_photographs_may_begin(
    invoke: Invoke, album: Path, tiny: Path, tmp_path: Path
) -> None:
    line = ["train-denoiser", "--data", album, *DENOISER, "--set", "loop.learning_rate=0"]
    first, second = tmp_path / "first", tmp_path / "second"
    answer = invoke(*line, "--steps", 1, "--out", first, "--initial", tiny)
    assert answer.status == 0, answer.err
    began = weights.load(str(first / "weights.safetensors")).network
    expected = tell_two_maps(weights.load(str(tiny)).network)  # type: ignore[arg-type]
    noisy, maps = torch.rand(1, 3, 16, 16), 0.1 * torch.rand(1, 2, 16, 16)
    assert torch.allclose(began(noisy, maps), expected(noisy, maps), atol=1e-3)
    answer = invoke(
        *line, "--steps", 1, "--out", second, "--initial", first / "weights.safetensors"
    )
    assert answer.status == 0, answer.err


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (["--gray"], 2, "cameras are simulated in color only"),
        (["--noisy", "ALBUM"], 2, "name no noisy ones"),
        (["--set", "network.maps=1"], 2, "network.maps must be 2"),
        (["--set", "network.noise_map=false"], 2, "network.maps must be 2"),
        (["--set", "network.unshuffle=3"], 2, "network's stride, 3"),
        (["--set", "training.patch=20"], 2, "a multiple of 8"),
        (["--set", "training.late_patch=24"], 2, "a multiple of the patch"),
        (["--set", "training.shot=0.1,0.01"], 2, "must ascend"),
        (["--set", "training.target=noisy"], 2, "one of recorrupted, clean"),
        (["--data-term", "r2r"], 2, "no setting 'training.objective.data_term'"),
        (["--prior", "prior-color"], 2, "no setting 'prior'"),
        (["--teacher", "color"], 2, "the teacher is told one level of noise"),
        (["--teacher", "noise-map-color"], 1, "a denoiser is needed"),
        (["--estimator", "noise-level-color"], 1, "a noise map is needed"),
        (["--initial", "color"], 2, "of other sizes"),
        (["--validation", "EMPTY"], 1, "no image files"),
    ],
)
def test_mistakes_about_photographs_are_told_in_one_line(
    invoke: Invoke, album: Path, tmp_path: Path, options: list[str], status: int, text: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    names = {"ALBUM": str(album), "EMPTY": str(empty)}
    line = ["train-denoiser", "--data", album, "--out", tmp_path / "run", "--steps", 1]
    answer = invoke(*line, *DENOISER, *[names.get(word, word) for word in options])
    assert text in message(answer)
    assert answer.status == status


def test_a_recipe_without_a_prior_is_not_swept(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["tune", "--data", album, "--validation", album, "--prior", "prior-color"]
    answer = invoke(*line, "--preset", "photo", "--out", tmp_path)
    assert answer.status == 2
    assert "no prior has a say in the recipe photo" in message(answer)
