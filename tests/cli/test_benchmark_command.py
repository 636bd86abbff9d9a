"""`flowdenoise benchmark` as people use and misuse it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowdenoise.benchmark import methods
from flowdenoise.benchmark.methods.classical import Noisy

from ..conftest import scene
from .conftest import Invoke


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two color pictures, in a place of its own."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(scene(40, 36, seed=number)).save(folder / f"{number}.png")
    return folder


def test_a_folder_is_measured_and_reported(invoke: Invoke, photos: Path, tiny: Path) -> None:
    names = f"flowdenoise={tiny},nlm,noisy"
    answer = invoke("benchmark", photos, "--methods", names, "--sigma", "25")
    assert answer.status == 0, answer.err
    assert "PSNR in dB: photos, color, 2 images, protocol awgn" in answer.text
    rows = [line.split() for line in answer.text.splitlines()]
    assert any(row[:2] == ["noisy", "no"] and row[2].startswith("20.") for row in rows)
    assert any(row[:2] == ["flowdenoise=tiny", "yes"] for row in rows)
    assert "2 of 6 done" in answer.err
    folder = Path("benchmark/photos-color-awgn")
    names_written = {path.name for path in folder.iterdir()}
    assert {"results.json", "cells.csv", "table.md", "index.html"} <= names_written


def test_the_same_command_twice_gives_the_same_numbers_and_measures_nothing_again(
    invoke: Invoke, photos: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ("benchmark", photos, "--methods", f"flowdenoise={tiny},noisy", "--json", "-q")
    first = json.loads(invoke(*call, "--out", "a").text)
    other = json.loads(invoke(*call, "--out", "b").text)
    for key in ("psnr", "ssim", "gmsd", "difference"):
        assert [line[key] for line in first["lines"]] == [line[key] for line in other["lines"]]
    monkeypatch.setattr(Noisy, "denoise", None)
    again = json.loads(invoke(*call, "--out", "a").text)
    assert again["lines"] == first["lines"]


def test_pairs_are_measured_as_they_are(invoke: Invoke, photos: Path, tiny: Path) -> None:
    for number in range(2):
        noisy = np.asarray(Image.open(photos / f"{number}.png")).astype(int)
        noisy += np.random.default_rng(number).normal(0, 20, noisy.shape).round().astype(int)
        file = photos / f"{number}_real.png"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file)
        (photos / f"{number}.png").rename(photos / f"{number}_mean.png")
    names = f"flowdenoise={tiny}@20,noisy"
    answer = invoke("benchmark", "photos", "--methods", names, "--data-dir", photos.parent)
    assert answer.status == 0, answer.err
    assert "PSNR in dB: photos, color, 2 images, protocol real" in answer.text
    rows = [line.split() for line in answer.text.splitlines()]
    assert any(row[:3] == ["flowdenoise=tiny@20", "told", "20"] for row in rows)
    assert (Path("benchmark/photos-color-real") / "figure-as-found.png").is_file()
    answer = invoke("benchmark", photos, "--methods", f"flowdenoise={tiny}")
    assert answer.status == 2
    assert "flowdenoise=tiny@12 tells it 12" in answer.err


def test_options_may_come_before_the_set(invoke: Invoke, photos: Path) -> None:
    answer = invoke("benchmark", "--methods", "noisy", "-s", "25", photos, "-o", "run", "-q")
    assert answer.status == 0, answer.err
    assert answer.err == ""


def test_gray_protocol_and_limits_are_heeded(invoke: Invoke, photos: Path) -> None:
    answer = invoke(
        *("benchmark", photos, "--gray", "--protocol", "paper", "--methods", "noisy,nlm"),
        *("--limit", "nlm=1", "-s", "50", "--json", "-q"),
    )
    content = json.loads(answer.text)
    assert (content["kind"], content["protocol"]) == ("gray", "paper")
    assert [method["images"] for method in content["methods"]] == [2, 1]
    assert content["sigmas_255"] == [50.0]


def test_slow_methods_may_see_the_middles_only(invoke: Invoke, photos: Path) -> None:
    answer = invoke("benchmark", photos, "--middle", 32, "--methods", "noisy", "--json", "-q")
    content = json.loads(answer.text)
    assert content["image_set"] == "photos-middle32"
    assert (Path("benchmark") / "photos-middle32-color-awgn").is_dir()


def test_images_smaller_than_the_middle_are_named_and_left_out(
    invoke: Invoke, photos: Path
) -> None:
    Image.fromarray(scene(31, 40)).save(photos / "tiny.png")
    asked = ("benchmark", photos, "--methods", "noisy", "-s", 25, "--json", "--middle")
    answer = invoke(*asked, 32)
    assert answer.status == 0
    told = "1 of 3 images are smaller than 32 pixels and are left out: tiny"
    assert told in " ".join(answer.err.split())
    content = json.loads(answer.text)
    assert (content["images"], content["left_out"]) == (2, ["tiny"])
    assert {cell["image"] for cell in content["cells"]} == {"0", "1"}
    answer = invoke(*asked, 99)
    assert answer.status == 1
    assert "all images of photos are smaller than 99 pixels" in answer.err


def test_a_failed_cell_is_told_and_the_status_is_1(invoke: Invoke, photos: Path) -> None:
    (photos / "bad.png").write_bytes(b"rubbish")
    answer = invoke("benchmark", photos, "--methods", "noisy,nlm", "-s", "25", "-q")
    assert answer.status == 1
    told = answer.err.strip().splitlines()
    assert len(told) == 2
    assert told[0].startswith("error: noisy, bad, sigma 25:")
    assert "(1 failed)" in answer.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bsd69"], "no set 'bsd69'; there are bsd68, cbsd68"),
        (["photos", "--methods", "magic"], "no method 'magic'; there are flowdenoise"),
        (["photos", "--protocol", "magic"], "no protocol 'magic'; there are awgn, paper, real"),
        (["photos", "--sigma", "many"], "numbers separated by commas"),
        (["photos", "--sigma", "300"], "from 0 to 255"),
        (["photos", "--sigma", "25,15,25.0"], "each noise level is named once"),
        (["photos", "--limit", "x"], "a limit is a number or METHOD=number"),
        (["photos", "--methods", "noisy", "--limit", "dip=2"], "dip names no method that is run"),
        (["photos", "--tile", "33"], "multiple of 32"),
        (["table1", "--settings", "mixed"], "settings are gray-awgn"),
        (["speed", "--tiles", "a"], "numbers separated by commas"),
        (["speed", "--tiles", "nan"], "whole numbers separated by commas"),
        (["speed", "--tiles", "64.5"], "whole numbers separated by commas"),
        (["speed", "--limit", "3"], "--limit is for the images of --quality"),
        (["whole-command", "--megapixels", "nan"], "a finite number"),
        (["whole-command", "--megapixels", "-1"], "from 0.01 to 10000"),
    ],
)
def test_mistakes_in_the_call_are_one_line_and_status_2(
    invoke: Invoke, photos: Path, tiny: Path, arguments: list[str], message: str
) -> None:
    if "--methods" not in arguments and arguments[0] == "photos":
        arguments = [*arguments, "--methods", f"flowdenoise={tiny}"]
    answer = invoke("benchmark", *arguments)
    assert answer.status == 2
    assert message in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_data_that_is_not_there_says_how_to_get_it(invoke: Invoke, photos: Path) -> None:
    answer = invoke("benchmark", "kodak24", "--data-dir", photos)
    assert answer.status == 1
    assert "lacks 24 of the 24 images of kodak24, kodim01 first" in answer.err
    assert "they are at https://" in answer.err


def test_missing_extras_are_left_out_by_default_and_told_when_asked_for(
    invoke: Invoke, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "find_spec", lambda _: None)
    kept = {name: methods.METHODS[name] for name in ("noisy", "bm3d")}
    monkeypatch.setattr(methods, "METHODS", kept)
    answer = invoke("benchmark", photos, "-s", "25")
    assert answer.status == 0
    assert "bm3d is left out: it needs pip install 'flowdenoise[bm3d]'" in answer.err
    limited = invoke("benchmark", photos, "-s", "25", "--limit", "bm3d=1", "-q")
    assert (limited.status, "bm3d names no method that is run" in limited.err) == (2, True)


def test_table1_prints_the_papers_numbers_beside_ours(
    invoke: Invoke, photos: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    from flowdenoise.benchmark import table1

    setting = table1.Setting("here", str(photos), "awgn")
    monkeypatch.setattr(table1, "SETTINGS", (setting,))
    answer = invoke(
        *("benchmark", "table1", "--settings", "here", "--methods", f"flowdenoise={tiny}"),
        *("-o", "table", "-q"),
    )
    assert answer.status == 0, answer.err
    assert "Table 1 of the paper, done again" in answer.text
    assert "33.14" in answer.text
    assert (Path("table") / "here" / "results.json").is_file()


def test_speed_names_the_machine_and_its_peak(invoke: Invoke, photos: Path, tiny: Path) -> None:
    answer = invoke(
        *("benchmark", "speed", "--methods", f"flowdenoise={tiny}", "--tiles", "32,0"),
        *("--side", 64, "--rounds", 1, "--quality", photos, "-q"),
    )
    assert answer.status == 0, answer.err
    assert "untiled" in answer.text
    assert "GFLOP/s in a float32 matrix product" in answer.text
