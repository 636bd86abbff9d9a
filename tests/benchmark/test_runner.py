"""Runs: every cell once, failures contained, nothing done twice."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import Tensor

from flowdenoise.benchmark.config import BenchmarkConfig
from flowdenoise.benchmark.measurements import MeasurementStore
from flowdenoise.benchmark.methods import Method, MethodOptions, build, parse
from flowdenoise.benchmark.runner import Pictures, Progress, Run, run
from flowdenoise.benchmark.sets import open_set
from flowdenoise.errors import DataError, SigmaError, UsageError

from .conftest import Told

CPU = torch.device("cpu")
TWO = BenchmarkConfig(sigmas_255=(15.0, 25.0), pictures=0)


def go(photos: Path, folder: Path, methods: list[Method], config: BenchmarkConfig = TWO) -> Run:
    return run(open_set(str(photos)), methods, config, CPU, folder)


def test_every_method_meets_every_image_at_every_level(photos: Path, tmp_path: Path) -> None:
    cells = go(photos, tmp_path / "run", [Told("a"), Told("b")]).cells
    assert [(c.image, c.sigma_255, c.method) for c in cells] == [
        (image, sigma, method) for image in "012" for sigma in (15, 25) for method in "ab"
    ]
    assert all(cell.error is None and cell.seconds > 0 for cell in cells)
    assert cells[0].pixels == 40 * 48


def test_methods_get_the_noise_level_unless_they_are_blind(photos: Path, tmp_path: Path) -> None:
    told: list[float | None] = []

    def listen(noisy: Tensor, sigma: float | None) -> Tensor:
        told.append(sigma)
        return noisy

    config = BenchmarkConfig((25.0,), pictures=0, limits={"a": 1, "b": 1})
    go(photos, tmp_path / "run", [Told("a", listen), Told("b", listen, blind=True)], config)
    assert told == [pytest.approx(25 / 255), None]


def test_a_run_that_was_interrupted_goes_on(photos: Path, tmp_path: Path) -> None:
    class Interrupted(Told):
        def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
            if self.calls == 4:
                raise KeyboardInterrupt
            return super().denoise(noisy, sigma)

    with pytest.raises(KeyboardInterrupt):
        go(photos, tmp_path / "run", [Interrupted("a")])
    second = Told("a")
    cells = go(photos, tmp_path / "run", [second]).cells
    assert second.calls == 2
    whole = go(photos, tmp_path / "other", [Told("a")]).cells
    assert [cell.psnr for cell in cells] == [cell.psnr for cell in whole]


def test_a_line_cut_in_the_middle_is_done_again(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    go(photos, folder, [Told("a")])
    file = folder / "cells.jsonl"
    file.write_bytes(file.read_bytes()[:-30])
    again = Told("a")
    go(photos, folder, [again])
    assert again.calls == 1
    assert len(file.read_text().splitlines()) == 6
    last = Told("a")
    go(photos, folder, [last])
    assert last.calls == 0


def test_a_damaged_record_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "cells.jsonl"
    file.write_text('{"key": 1}\n')
    with pytest.raises(DataError, match="line 1: no result"):
        MeasurementStore(file)


def test_other_weights_settings_or_pixels_are_measured_anew(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    config = BenchmarkConfig((25.0,), pictures=0, limits={"a": 1})
    go(photos, folder, [Told("a", weights="1" * 64)], config)
    same, other = Told("a", weights="1" * 64), Told("a", weights="2" * 64)
    go(photos, folder, [same], config)
    go(photos, folder, [other], config)
    assert (same.calls, other.calls) == (0, 1)
    (photos / "0.png").write_bytes((photos / "1.png").read_bytes())
    go(photos, folder, [same], config)
    assert same.calls == 1


def test_other_protocols_are_kept_apart(photos: Path, tmp_path: Path) -> None:
    first = go(photos, tmp_path / "run", [Told("a")]).cells
    paper = BenchmarkConfig((15.0, 25.0), "paper", pictures=0)
    method = Told("a")
    second = go(photos, tmp_path / "run", [method], paper).cells
    assert method.calls == 6
    assert all(one.psnr != two.psnr for one, two in zip(first, second, strict=True))


def test_a_method_that_fails_on_one_image_spoils_nothing_else(
    photos: Path, tmp_path: Path
) -> None:
    def fail(noisy: Tensor, _: float | None) -> Tensor:
        if noisy.shape[-2:] == (33, 29):
            raise ZeroDivisionError("of all\nthings")
        return noisy

    cells = go(photos, tmp_path / "run", [Told("a", fail), Told("b")]).cells
    bad = [cell for cell in cells if cell.error]
    assert [(cell.method, cell.image) for cell in bad] == [("a", "1")] * 2
    assert bad[0].error == r"ZeroDivisionError('of all\nthings')"
    again = Told("a")
    assert all(cell.error is None for cell in go(photos, tmp_path / "run", [again]).cells)
    assert again.calls == 2  # failed cells are tried again, others are not


@pytest.mark.parametrize(
    "wrong",
    [lambda noisy, _: noisy[..., :-1], lambda noisy, _: noisy * float("nan")],
    ids=["another size", "not a number"],
)
def test_what_is_no_image_is_a_failure(wrong: object, photos: Path, tmp_path: Path) -> None:
    config = BenchmarkConfig((25.0,), pictures=0, limits={"a": 1})
    (cell,) = go(photos, tmp_path / "run", [Told("a", wrong)], config).cells  # type: ignore[arg-type]
    assert cell.error == "it gave no image of finite values of the same size"


def test_a_file_that_is_no_image_fails_alone(photos: Path, tmp_path: Path) -> None:
    (photos / "1.png").write_bytes(b"rubbish")
    cells = go(photos, tmp_path / "run", [Told("a")]).cells
    assert [cell.image for cell in cells if cell.error] == ["1", "1"]
    assert "1.png" in str(next(cell.error for cell in cells if cell.error))


def test_an_image_too_small_for_ssim_fails_alone(photos: Path, tmp_path: Path) -> None:
    with Image.open(photos / "1.png") as image:
        small = image.crop((0, 0, 8, 8))
    small.save(photos / "1.png")
    cells = go(photos, tmp_path / "run", [Told("a")]).cells
    assert {cell.image for cell in cells if cell.error} == {"1"}


def test_a_slow_method_can_be_run_on_the_first_images_only(photos: Path, tmp_path: Path) -> None:
    config = BenchmarkConfig((25.0,), pictures=0, limits={"slow": 1})
    cells = go(photos, tmp_path / "run", [Told("a"), Told("slow")], config).cells
    assert [cell.image for cell in cells if cell.method == "slow"] == ["0"]
    assert [cell.image for cell in cells if cell.method == "a"] == ["0", "1", "2"]


def test_progress_tells_the_time_left_once_all_methods_were_timed(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count().__next__  # each cell takes one second
    clock = SimpleNamespace(perf_counter=ticks, process_time=time.process_time)
    monkeypatch.setattr("flowdenoise.benchmark.runner.time", clock)
    seen: list[Progress] = []
    run(
        open_set(str(photos)),
        [Told("a"), Told("b")],
        BenchmarkConfig((25.0,), pictures=0),
        CPU,
        tmp_path / "run",
        on_progress=seen.append,
    )
    assert [(state.done, state.total) for state in seen] == [(n, 6) for n in range(6)]
    assert [state.seconds_left for state in seen] == [None, None, 4, 3, 2, 1]
    assert seen[3].cell.image == "1"


def test_two_runs_of_the_same_command_give_identical_numbers(
    photos: Path, tmp_path: Path, shipped: Path
) -> None:
    names = ["flowdenoise", "flowdenoise-blind", "n2v", "nlm", "noisy"]
    found = []
    for number in range(2):
        methods = build(parse(",".join(names)), MethodOptions(precision="float32"))
        cells = go(photos, tmp_path / str(number), methods).cells
        found.append([(cell.psnr, cell.ssim, cell.gmsd, cell.error) for cell in cells])
    assert found[0] == found[1]
    assert all(error is None for *_, error in found[0])


def test_the_noisy_image_is_measured_as_it_is(photos: Path, tmp_path: Path) -> None:
    config = BenchmarkConfig((25.0,), pictures=0)
    cells = go(photos, tmp_path / "run", build(parse("noisy"), MethodOptions()), config).cells
    for cell in cells:
        assert cell.psnr == pytest.approx(20.17, abs=0.25)  # 20 log10(255 / 25)


def test_pictures_are_kept_of_the_first_images(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    config = BenchmarkConfig((25.0,), pictures=1)
    found = go(photos, folder, [Told("a")], config)
    kept = [cell.picture for cell in found.cells]
    assert kept[1:] == [None, None]
    assert (folder / str(kept[0])).is_file()
    place = Pictures(folder, "awgn", found.fingerprints["0"], 25.0)
    assert place.clean.is_file()
    assert place.noisy.is_file()
    (folder / str(kept[0])).unlink()
    again = Told("a")
    go(photos, folder, [again], config)
    assert again.calls == 1  # for the picture's sake
    assert (folder / str(kept[0])).is_file()


def test_cells_say_where_they_were_timed(photos: Path, tmp_path: Path) -> None:
    cells = go(photos, tmp_path / "run", [Told("a")]).cells
    assert all("1 thread, cpu" in cell.machine for cell in cells)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_memory_is_that_at_the_peak_above_what_was_in_use() -> None:
    code = """
import torch
from flowdenoise.benchmark.peak_memory import peak_memory
with peak_memory(torch.device("cpu")) as peak:
    torch.ones(64 << 20 >> 2).sum()
print(peak.bytes)
"""  # in a process of its own: an allocator that has kept memory from earlier work needs no more
    line = [sys.executable, "-c", code]
    answer = subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()
    assert answer == "None" or 60e6 < int(answer) < 200e6


class TestReal:
    """Photographs with a noise of their own."""

    REAL = BenchmarkConfig(protocol="real", pictures=1)

    @pytest.fixture
    def pairs(self, photos: Path) -> Path:
        for number in range(2):
            with Image.open(photos / f"{number}.png") as clean:
                clean.point(lambda value: value // 2).save(photos / f"{number}_noisy.png")
            (photos / f"{number}.png").rename(photos / f"{number}_clean.png")
        (photos / "2.jpg").unlink()
        return photos

    def test_nothing_is_added_and_nothing_is_told(self, pairs: Path, tmp_path: Path) -> None:
        told: list[float | None] = []

        def brighten(noisy: Tensor, sigma: float | None) -> Tensor:
            told.append(sigma)
            return noisy * 2

        found = go(pairs, tmp_path / "run", [Told("a", brighten, blind=True)], self.REAL)
        assert [(cell.image, cell.sigma_255) for cell in found.cells] == [("0", 0.0), ("1", 0.0)]
        assert all(cell.psnr > 48 for cell in found.cells)  # halved and doubled: off by one
        assert told == [None, None]

    def test_a_level_can_be_told_by_the_user(self, pairs: Path, tmp_path: Path) -> None:
        told: list[float | None] = []
        method = Told("a", lambda noisy, sigma: told.append(sigma) or noisy)
        with pytest.raises(UsageError, match="a must be told a noise level: a@12 tells it 12"):
            go(pairs, tmp_path / "run", [method], self.REAL)
        method.told = 12 / 255
        go(pairs, tmp_path / "run", [method], self.REAL)
        assert told == [12 / 255] * 2

    def test_clean_images_alone_are_no_pairs(self, photos: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="protocol real is for pairs, and photos has clean"):
            go(photos, tmp_path / "run", [Told("a", blind=True)], self.REAL)


def test_what_a_blind_method_found_is_kept(photos: Path, tmp_path: Path) -> None:
    method = Told("a", blind=True)
    method.found = 0.1
    cells = go(photos, tmp_path / "run", [method]).cells
    assert {cell.found_255 for cell in cells} == {25.5}
    again = go(photos, tmp_path / "run", [Told("a", blind=True)]).cells
    assert [cell.found_255 for cell in again] == [25.5] * 6


def test_every_line_of_the_record_is_plain_json(photos: Path, tmp_path: Path) -> None:
    go(photos, tmp_path / "run", [Told("a")])
    for line in (tmp_path / "run" / "cells.jsonl").read_text().splitlines():
        content = json.loads(line)
        assert content["key"]["protocol"] == "awgn"
        assert content["key"]["seed"] == 0


def test_a_folder_that_can_not_be_used_is_an_error(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(DataError, match="can't use the folder"):
        go(photos, tmp_path / "run", [Told("a")])


@pytest.mark.parametrize("sigmas", [(), (0.0,), (25.0, -1.0), (256.0,), (float("nan"),)])
def test_noise_levels_are_checked(sigmas: tuple[float, ...]) -> None:
    with pytest.raises((UsageError, SigmaError)):
        BenchmarkConfig(sigmas_255=sigmas)


def test_an_unknown_protocol_is_an_error_before_the_run() -> None:
    with pytest.raises(UsageError, match="no protocol"):
        BenchmarkConfig(protocol="magic")
