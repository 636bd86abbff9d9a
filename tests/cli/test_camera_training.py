"""Training for cameras from the command line: the estimator of noise maps."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowdenoise import weights
from flowdenoise.training.checkpoint import Checkpoint

from .conftest import Answer, Invoke

ESTIMATOR = [
    *("--set", "network.channels=4"),
    *("--set", "network.blocks=1"),
    *("--set", "training.patch=64"),
    *("--set", "loop.batch=2"),
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
        Image.fromarray(waves(72, 80, index)).save(folder / f"{index}.png")
    return folder


def metrics(out: Path) -> dict[str, float]:
    rows = list(csv.DictReader((out / "log.csv").read_text().splitlines()))
    found: dict[str, float] = json.loads(rows[-1]["metrics"])
    return found


def message(answer: Answer) -> str:
    assert "Traceback" not in answer.err
    return answer.err.strip().splitlines()[-1]


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


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (["--set", "data.channels=1"], 2, "cameras are simulated in color only"),
        (["--set", "network.image_channels=1"], 2, "cameras are simulated in color only"),
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
