"""Many pictures: what fails does not touch the rest, and nothing is ever half-written."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from flowdenoise import batch, images
from flowdenoise.batch import BatchConfig, Job, Outcome, plan_jobs
from flowdenoise.engine.denoiser import Denoiser
from flowdenoise.images import sheets
from flowdenoise.networks import DenoisingNetwork, ResNet, ResNetConfig


def denoiser() -> Denoiser:
    torch.manual_seed(0)
    return Denoiser(
        {
            count: lambda count=count: ResNet(
                ResNetConfig(image_channels=count, channels=(4,), blocks=(1,))
            )
            for count in (1, 3)
        },
        {},
        device=torch.device("cpu"),
    )


def run(jobs: list[Job], **settings: object) -> list[Outcome]:
    config = BatchConfig(**{"sigma": 0.1, **settings})  # type: ignore[arg-type]
    return list(batch.run(jobs, denoiser(), config))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    return tmp_path


def test_one_failure_does_not_touch_the_others(album: Path) -> None:
    outcomes = run(plan_jobs([str(album)], output=str(album / "out")))
    assert [outcome.status for outcome in outcomes] == ["denoised", "denoised", "failed"]
    assert "bad.png" in str(outcomes[2].error)
    assert sorted(path.name for path in (album / "out").iterdir()) == ["a.png", "b.png"]


def test_fail_fast_stops_at_the_first_failure(album: Path) -> None:
    jobs = plan_jobs([str(album / name) for name in ("bad.png", "a.png")])
    outcomes = run(jobs, keep_going=False)
    assert [outcome.status for outcome in outcomes] == ["failed"]
    assert not list(album.glob("*_denoised*"))


def test_an_existing_result_is_refused_skipped_or_replaced(album: Path) -> None:
    jobs = plan_jobs([str(album / "a.png")], output=str(album / "b.png"))
    before = (album / "b.png").read_bytes()
    (refused,) = run(jobs)
    assert refused.status == "failed"
    assert "--overwrite" in str(refused.error)
    (skipped,) = run(jobs, existing="skip")
    assert skipped.status == "skipped"
    assert (album / "b.png").read_bytes() == before
    (replaced,) = run(jobs, existing="overwrite")
    assert replaced.status == "denoised"
    assert (album / "b.png").read_bytes() != before


def test_the_input_is_only_replaced_when_asked(album: Path) -> None:
    jobs = plan_jobs([str(album / "a.png")], output=str(album / "a.png"))
    (refused,) = run(jobs)
    assert "is the input itself" in str(refused.error)
    (replaced,) = run(jobs, existing="overwrite")
    assert replaced.status == "denoised"


def test_a_clean_picture_is_copied_bit_for_bit(album: Path) -> None:
    jobs = plan_jobs([str(album / "a.png")])
    (outcome,) = run(jobs, strength=0.0)
    assert outcome.status == "clean"
    assert (album / "a_denoised.png").read_bytes() == (album / "a.png").read_bytes()


def test_a_clean_picture_in_another_format_is_converted(album: Path) -> None:
    jobs = plan_jobs([str(album / "a.png")], output=str(album / "a.tif"))
    run(jobs, strength=0.0)
    assert (images.read(album / "a.tif").samples == images.read(album / "a.png").samples).all()


def test_the_outcome_says_what_was_done(album: Path) -> None:
    (outcome,) = run(plan_jobs([str(album / "a.png")]), save_noise=True, compare=True)
    assert outcome.size == (40, 30)
    assert outcome.sigma == pytest.approx(0.1)
    assert [path.name for path in outcome.written] == [
        "a_denoised.png",
        "a_denoised_noise.png",
        "a_denoised_compare.png",
    ]
    assert all(path.exists() for path in outcome.written)


def test_a_failed_write_leaves_nothing(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowdenoise.images.png.chunk", fail)
    (outcome,) = run(plan_jobs([str(album / "a.png")]))
    assert outcome.status == "failed"
    assert "space" in str(outcome.error)
    assert sorted(path.name for path in album.iterdir()) == ["a.png", "b.png", "bad.png"]


def test_an_interrupt_leaves_nothing(album: Path) -> None:
    class Interrupted(DenoisingNetwork):
        config = ResNetConfig(channels=(4,), blocks=(1,))

        def forward(self, noisy: Tensor, sigma: float) -> Tensor:
            raise KeyboardInterrupt

    engine = Denoiser({3: Interrupted}, {}, device=torch.device("cpu"))
    jobs = plan_jobs([str(album / "a.png")])
    with pytest.raises(KeyboardInterrupt):
        list(batch.run(jobs, engine, BatchConfig(sigma=0.1)))
    assert sorted(path.name for path in album.iterdir()) == ["a.png", "b.png", "bad.png"]


class Stream:
    """Standard input or output with its bytes underneath."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)


def test_streams_in_and_out(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin, stdout = Stream((album / "a.png").read_bytes()), Stream()
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", stdout)
    (outcome,) = run([Job(None, None)], format="TIFF")
    assert outcome.status == "denoised"
    result = images.read(stdout.buffer.getvalue())
    assert (result.format, result.height, result.width) == ("TIFF", 30, 40)


def test_progress_names_the_picture(album: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    jobs = plan_jobs([str(album / "a.png"), str(album / "b.png")])
    on_tile = lambda job, done, total: seen.append((Path(job.name).name, done, total))  # noqa: E731
    list(batch.run(jobs, denoiser(), BatchConfig(sigma=0.1), on_tile=on_tile))
    assert [name for name, done, total in seen if done == total] == ["a.png", "b.png"]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (37, 1001), (2000, 900)])
@pytest.mark.parametrize("channels", [1, 3])
def test_comparisons_of_any_size(size: tuple[int, int], channels: int) -> None:
    rng = np.random.default_rng(0)
    before, after = (
        images.Picture(rng.integers(0, 256, (*size, channels), dtype=np.uint8)) for _ in range(2)
    )
    together = sheets.before_after(before, after)
    assert together.shape[0] == channels
    assert max(together.shape) <= 3500
    assert float(together.min()) >= 0
    assert float(together.max()) <= 1


def test_the_noise_picture_is_gray_where_nothing_was_removed() -> None:
    before = images.Picture(np.full((4, 4, 1), 100, np.uint8))
    after = images.Picture(np.array([[90] * 4, [100] * 4] * 2, np.uint8)[..., None])
    noise = sheets.noise_picture(before, after)
    assert torch.allclose(noise[0, 1], torch.full((4,), 0.5))
    assert torch.allclose(noise[0, 0], torch.full((4,), 0.5 + sheets.NOISE_GAIN * 10 / 255))
