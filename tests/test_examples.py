"""The examples do what they say."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise.networks import ResNet, ResNetConfig, tell_two_maps
from flowdenoise.weights import load, save_weights

from .conftest import scene

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_python_example_gains_some_decibels(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "denoise_array.py"), run_name="__main__")
    words = capsys.readouterr().out.replace(",", "").split()
    noisy, denoised = float(words[1]), float(words[4])
    assert noisy == pytest.approx(20.7, abs=0.5)
    assert denoised > noisy + 8


def test_the_pictures_are_those_that_the_script_makes(tmp_path: Path) -> None:
    script = shutil.copy(EXAMPLES / "make_examples.py", tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    made = sorted(path.name for path in tmp_path.glob("*.png"))
    assert made == sorted(path.name for path in EXAMPLES.glob("*.png"))
    for name in made:
        with Image.open(tmp_path / name) as new, Image.open(EXAMPLES / name) as shipped:
            assert np.array_equal(np.asarray(new), np.asarray(shipped)), name


def run(script: str, *options: str) -> str:
    line = [sys.executable, str(EXAMPLES / script), *options]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def test_a_killed_run_ends_in_the_same_weights() -> None:
    alone, killed = run("benchmarks/resume_check.py", "--steps", "12").splitlines()
    assert "status -9" in killed
    assert alone.split()[-1] == killed.split()[-1]


def test_recomputing_keeps_less() -> None:
    plain, sparing = run(
        *("benchmarks/flow_memory.py", "--steps-per-level", "4", "--width", "16", "--batch", "4")
    ).splitlines()
    assert int(sparing.split(":")[1].split()[0]) < int(plain.split(":")[1].split()[0]) / 2


def test_patches_are_drawn_from_a_prior(tmp_path: Path) -> None:
    run("experiments/draw_patches.py", "--count", "3", "--out", str(tmp_path))
    drawn = sorted(tmp_path.iterdir())
    assert len(drawn) == 3
    for file in drawn:
        with Image.open(file) as picture:
            assert (picture.mode, picture.size) == ("RGB", (32, 32))


def test_undoing_the_cut_at_black_brings_something(tmp_path: Path) -> None:
    shades = np.linspace(0, 80, 160).astype(np.uint8)
    Image.fromarray(np.broadcast_to(shades, (160, 160)).copy()).save(tmp_path / "dark.png")
    row = run("benchmarks/clipped_noise.py", "--images", str(tmp_path), "--sigma", "25")
    without, with_it = (float(word) for word in row.splitlines()[-1].split("|")[2:4])
    assert with_it > without + 0.5


def test_the_share_of_the_data_is_a_share(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    told = run("benchmarks/data_share.py", "--data", str(tmp_path), "--rounds", "1")
    assert 0 < float(told.split()[2]) < 100


def test_descent_raises_what_it_begins_with(tmp_path: Path) -> None:
    slope = np.linspace(0, 255, 240).astype(np.uint8)
    for index in range(2):
        picture = np.broadcast_to(slope, (240, 240)).T if index else slope[None].repeat(240, 0)
        Image.fromarray(picture).convert("RGB").save(tmp_path / f"{index}.png")
    table = run("experiments/descent.py", "--images", str(tmp_path), "--steps", "0,3")
    rows = [line.split("|")[3:5] for line in table.splitlines()[1:] if "noisy" in line]
    assert len(rows) == 3
    assert all(float(after) > float(before) for before, after in rows)


def test_the_best_level_is_that_of_each_picture(tmp_path: Path) -> None:
    psnr = {"auto": (30.0, 31.0), "net@5": (33.0, 28.0), "net@9": (29.0, 32.0)}
    cells = [
        {"method": method, "image": str(number), "psnr": value}
        for method, values in psnr.items()
        for number, value in enumerate(values)
    ]
    (tmp_path / "results.json").write_text(json.dumps({"image_set": "two", "cells": cells}))
    table = run("benchmarks/best_level.py", str(tmp_path)).splitlines()
    assert table[0].startswith("| two, 2 pictures |")
    assert table[2:4] == [
        "| best try of each picture | 32.50 | +0.00 |",
        "| auto | 30.50 | -2.00 |",
    ]


def waves(file: Path, side: int) -> None:
    y, x = np.mgrid[:side, :side] / 15
    planes = [128 + 100 * np.sin(a * x + b * y) for a, b in ((1, 2), (2, 1), (1.5, -1))]
    Image.fromarray(np.stack(planes, 2).round().astype(np.uint8)).save(file)


def test_edited_photographs_are_compared_with_truths_that_were_edited_alike(
    tmp_path: Path,
) -> None:
    waves(tmp_path / "a_clean.png", 96)
    truth = np.asarray(Image.open(tmp_path / "a_clean.png"))
    noise = np.random.default_rng(5).normal(0, 12, truth.shape)
    noisy = np.clip(truth + noise, 0, 255).round().astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "a_noisy.png")
    answer = run("benchmarks/edited_photographs.py", str(tmp_path), "--crop", "96")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in answer.splitlines()[2:]]
    assert len(rows) == 10
    assert rows[0][0] == "as it is"
    assert float(rows[0][1]) == pytest.approx(
        10 * np.log10(255**2 / (noisy - 1.0 * truth).var()), abs=0.1
    )
    assert float(rows[0][2]) > float(rows[0][1]) + 5
    brighter, sharper = (
        next(row for row in rows if row[0] == name) for name in ("light times 2", "sharpened")
    )
    assert float(brighter[1]) < float(rows[0][1])  # what makes noise stronger
    assert float(sharper[1]) < float(rows[0][1]) - 2


def test_photographs_with_noise_of_brightness_are_denoised(tmp_path: Path) -> None:
    Image.fromarray(64 + scene(192, 192) // 2).save(tmp_path / "a.png")
    answer = run("benchmarks/colorless_noise.py", str(tmp_path), "--crop", "192")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in answer.splitlines()[2:]]
    assert len(rows) == 10
    found = {name: (float(noisy), float(automatic)) for name, noisy, automatic, *_ in rows}
    assert found["white, 10"][0] == pytest.approx(20 * np.log10(255 / 10), abs=0.3)
    assert found["white, 10"][1] > found["white, 10"][0] + 3
    assert found["film, 4"][0] > found["film, 8"][0] > found["film, 16"][0]


def test_noisy_targets_stand_beside_clean_ones(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    waves(images / "a.png", 72)
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,)))
    save_weights(tmp_path / "tiny.safetensors", net, training={})
    small = ("network.channels=4", "network.blocks=1", "training.patch=16", "loop.batch=2")
    small += ("loop.warmup=1",)  # so that two steps change weights by more than a file rounds
    line = ["--data", str(images), "--validation", str(images), "--steps", "2"]
    line += ["--initial", str(tmp_path / "tiny.safetensors"), "--out", str(tmp_path / "runs")]
    line += [word for one in (*small, "loop.precision=float32") for word in ("--set", one)]
    head, _, *rows = run("experiments/photo_baseline.py", *line).splitlines()
    assert head == "| 2 steps | phone | reflex | camera-jpeg |"
    names = [row.split("|")[1].strip() for row in rows]
    assert names == ["before", "noisy targets", "clean targets"]
    before, noisy, clean = (
        load(str(tmp_path / "runs" / name.replace(" ", "-") / "weights.safetensors")).network
        for name in names
    )
    picture, maps = torch.rand(1, 3, 16, 16), torch.full((1, 2, 16, 16), 0.1)
    results = [made(picture, maps) for made in (tell_two_maps(net), before, noisy, clean)]
    assert torch.allclose(results[0], results[1], atol=1e-3)
    assert not torch.equal(results[1], results[2])
    assert not torch.equal(results[2], results[3])


def test_parts_without_noise_stay_and_those_with_noise_gain(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "coffee.png", tmp_path)
    answer = run("experiments/faint_noise.py", str(tmp_path), "--sigma", "0,8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in answer.splitlines()[2:]]
    assert [row[:2] for row in rows] == [["0", "1"], ["8", "1"]]
    assert rows[0][2:] == ["+0.00", "0", ""]
    assert float(rows[1][2]) > 3


def test_simulated_photographs_are_cleaned_as_files_are(tmp_path: Path) -> None:
    waves(tmp_path / "a.png", 80)
    weights = str(EXAMPLES.parent / "weights" / "color.safetensors")
    answer = run("benchmarks/simulated_cameras.py", str(tmp_path), "--weights", f"mine={weights}")
    rows = [line.split("|")[1:-1] for line in answer.splitlines() if line]
    assert [row[0].strip() for row in rows[2:6]] == [
        *("noisy", "automatic", "told the best level", "mine")
    ]
    phone = {row[0].strip(): float(row[1]) for row in rows[2:6]}
    assert phone["told the best level"] > phone["noisy"] + 2
    least = {row[0].strip(): float(row[1]) for row in rows[8:12]}
    assert least["noisy"] == 0
    gain = phone["told the best level"] - phone["noisy"]  # of the only picture
    assert least["told the best level"] == pytest.approx(gain, abs=0.02)
    assert "lose more than 0.15 dB" in rows[12][0]
    lost, together = (part.strip() for part in rows[15][1].split(";"))
    assert (lost == "1") == (least["automatic"] < -0.15)
    assert float(together) == pytest.approx(max(0, -least["automatic"]) * int(lost), abs=0.06)
    assert rows[16][0].strip() == "told the best level"
    assert rows[16][1].strip() == "0; 0.0"
    assert len(rows) == 24


def test_simulated_photographs_may_be_cut_reduced_and_stored_as_jpeg(tmp_path: Path) -> None:
    waves(tmp_path / "a.png", 80)
    options = (str(tmp_path), "--side", "64", "--skip-told", "--gray")
    plain, stored, reduced = (
        run("benchmarks/simulated_cameras.py", *options, *more).splitlines()[2].split("|")[2:4]
        for more in ((), ("--jpeg", "40"), ("--reduce", "2"))
    )
    assert float(plain[1]) > float(stored[1]) + 1
    assert float(reduced[0]) > float(plain[0]) + 1  # its noise is averaged


@pytest.mark.skipif(
    not getattr(torch.cpu, "get_capabilities", dict)().get("avx2"), reason="it has no AVX2"
)
def test_a_processor_without_bfloat16_or_integers_computes_in_float32(tmp_path: Path) -> None:
    script = str(EXAMPLES / "benchmarks" / "older_processor.py")
    options = ("-v", "--crop", "96x96+0+0", "-o", str(tmp_path / "cleaned.png"))
    command = ("denoise", str(EXAMPLES / "coffee-noisy.png"), *options)
    line = [sys.executable, script, "avx2", *command]
    made = subprocess.run(line, check=True, capture_output=True, text=True)
    assert "torch.float32" in made.stderr


@pytest.mark.parametrize("maps", [1, 2])
def test_a_mean_lies_between_its_weights(tmp_path: Path, maps: int) -> None:
    first, second = (_small(seed, maps) for seed in (0, 1))
    mean = _mean_of(tmp_path, first, second, share=0.25)
    for name, value in mean.state_dict().items():
        between = 0.75 * first.state_dict()[name] + 0.25 * second.state_dict()[name]
        assert torch.allclose(value, between, atol=1e-3), name  # files hold half precision


def test_a_mean_with_weights_that_are_told_one_level_is_told_two(tmp_path: Path) -> None:
    first, second = _small(0, maps=2), _small(1, maps=1)
    mean = _mean_of(tmp_path, first, second, share=1.0)
    noisy = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(mean(noisy, 0.1), tell_two_maps(second)(noisy, 0.1), atol=2e-3)


def _small(seed: int, maps: int) -> ResNet:
    torch.manual_seed(seed)
    return ResNet(ResNetConfig(channels=(8,), blocks=(1,), maps=maps))


def _mean_of(folder: Path, first: ResNet, second: ResNet, share: float) -> torch.nn.Module:
    """What the script makes of two networks, read back."""
    files = [folder / f"{name}.safetensors" for name in ("first", "second", "mean")]
    for file, network in zip(files, (first, second), strict=False):
        save_weights(file, network, training={})
    named = [str(file) for file in files[:2]]
    options = ("--share", str(share), "--out", str(files[2]))
    run("shipped_weights/mean_of_weights.py", *named, *options)
    return load(str(files[2])).network.float()
