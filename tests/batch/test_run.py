"""Many pictures: what fails does not touch the rest, and nothing is ever half-written."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor

from flowdenoise import batch, images
from flowdenoise.batch import BatchConfig, Job, Naming, Outcome, plan_jobs
from flowdenoise.batch.many import run_by
from flowdenoise.batch.one import Work
from flowdenoise.engine import Crop, Denoiser
from flowdenoise.engine.examiner import Examiner
from flowdenoise.errors import WeightsError
from flowdenoise.estimation import Estimate, NoiseMaps, Verdict
from flowdenoise.estimation.estimators import Finding
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


def plan(*inputs: Path, **naming: object) -> Sequence[Job]:
    options = {key: str(v) if isinstance(v, Path) else v for key, v in naming.items()}
    return plan_jobs([str(path) for path in inputs], Naming(**options)).jobs  # type: ignore[arg-type]


def run(jobs: Sequence[Job], **settings: object) -> list[Outcome]:
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
    outcomes = run(plan(album, output=album / "out"))
    assert [outcome.status for outcome in outcomes] == ["denoised", "denoised", "failed"]
    assert "bad.png" in str(outcomes[2].error)
    assert sorted(path.name for path in (album / "out").iterdir()) == ["a.png", "b.png"]


def test_fail_fast_stops_at_the_first_failure(album: Path) -> None:
    jobs = plan(album / "bad.png", album / "a.png")
    outcomes = run(jobs, keep_going=False)
    assert [outcome.status for outcome in outcomes] == ["failed"]
    assert not list(album.glob("*_denoised*"))


def test_an_existing_result_is_refused_skipped_or_replaced(album: Path) -> None:
    jobs = plan(album / "a.png", output=album / "b.png")
    before = (album / "b.png").read_bytes()
    (refused,) = run(jobs)
    assert refused.status == "failed"
    assert "`overwrite`" in str(refused.error)
    (skipped,) = run(jobs, existing="skip")
    assert skipped.status == "skipped"
    assert (album / "b.png").read_bytes() == before
    (replaced,) = run(jobs, existing="overwrite")
    assert replaced.status == "denoised"
    assert (album / "b.png").read_bytes() != before


@pytest.mark.parametrize("existing", ["refuse", "skip", "overwrite"])
def test_an_input_is_never_replaced(album: Path, existing: str) -> None:
    before = (album / "a.png").read_bytes()
    (refused,) = run(plan(album / "a.png", output=album / "a.png"), existing=existing)
    assert refused.status == "failed"
    assert "is the input itself" in str(refused.error)
    assert (album / "a.png").read_bytes() == before


def test_a_picture_from_which_nothing_is_to_be_removed_is_copied_bit_for_bit(album: Path) -> None:
    jobs = plan(album / "a.png")
    (outcome,) = run(jobs, strength=0.0)
    assert outcome.status == "unchanged"
    assert (album / "a_denoised.png").read_bytes() == (album / "a.png").read_bytes()


@pytest.mark.parametrize(
    ("verdict", "strength", "status"),
    [
        ("clean", 1.0, "clean"),
        ("clean", 0.0, "clean"),
        ("constant", 1.0, "unknown"),
        ("not white", 1.0, "unknown"),
        ("noisy", 0.0, "unchanged"),
        ("noisy", 1.0, "denoised"),
    ],
)
def test_only_a_picture_that_was_found_clean_is_called_so(
    album: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, strength: float, status: str
) -> None:
    monkeypatch.setattr(Examiner, "_find", lambda *_: Finding(Estimate(0.1, verdict)))
    (outcome,) = run(plan(album / "a.png"), sigma="auto", strength=strength)
    assert (outcome.status, outcome.verdict) == (status, verdict)
    copied = (album / "a_denoised.png").read_bytes() == (album / "a.png").read_bytes()
    assert copied == (status != "denoised")


@pytest.mark.parametrize(
    ("name", "camera", "settings", "status"),
    [
        ("color.png", True, {"luma": 0.0, "chroma": 0.0}, "unchanged"),
        ("color.png", True, {"luma": 0.0, "chroma": 0.0, "crop": Crop(9, 8, 2, 3)}, "unchanged"),
        ("color.png", True, {"luma": 0.0, "detail": 0.5}, "denoised"),
        ("color.png", True, {"chroma": 0.0}, "denoised"),
        ("color.png", False, {"luma": 0.0, "chroma": 0.0}, "denoised"),
        ("gray.png", True, {"luma": 0.0}, "unchanged"),
        ("gray.png", True, {"chroma": 0.0}, "denoised"),
        ("holes.tif", True, {"luma": 0.0, "chroma": 0.0}, "unchanged"),
    ],
)
def test_a_photograph_whose_noise_is_all_to_stay_is_copied_bit_for_bit(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    camera: bool,
    settings: dict[str, object],
    status: str,
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "color.png", compress_level=1)
    Image.fromarray(pixels[..., 0]).save(tmp_path / "gray.png", compress_level=1)
    floats = (pixels / 255).astype(np.float32)
    floats[:4] = np.nan
    tifffile.imwrite(tmp_path / "holes.tif", floats, photometric="rgb")
    maps = NoiseMaps(torch.full((4, 4, 5), 0.05), torch.full((4, 5), 0.5), "camera", 1.0)
    estimate = Estimate.of_camera(maps) if camera else Estimate(0.02, "noisy")
    monkeypatch.setattr(Examiner, "_find", lambda *_: Finding(estimate))
    (outcome,) = run(plan(tmp_path / name), sigma="auto", **settings)
    assert (outcome.status, outcome.error, outcome.weights) == (status, None, ())
    assert outcome.verdict == ("camera" if camera else "noisy")
    (result,) = outcome.written
    same = Path(result).read_bytes() == (tmp_path / name).read_bytes()
    assert same == (status == "unchanged" and "crop" not in settings)


def test_a_clean_picture_is_compressed_again_if_a_quality_is_asked_for(album: Path) -> None:
    Image.open(album / "a.png").save(album / "c.jpg", quality=95)
    (outcome,) = run(plan(album / "c.jpg"), strength=0.0, quality=30)
    assert outcome.status == "unchanged"
    assert (album / "c_denoised.jpg").stat().st_size < 0.7 * (album / "c.jpg").stat().st_size


def test_a_quality_is_told_where_it_changes_nothing(album: Path) -> None:
    jobs = plan(album / "a.png")
    (copied,) = run(jobs, strength=0.0, quality=30)
    assert (copied.status, copied.warnings) == ("unchanged", ())
    assert (album / "a_denoised.png").read_bytes() == (album / "a.png").read_bytes()
    (written,) = run(jobs, quality=30, existing="overwrite")
    assert written.warnings == ("`quality` changed nothing: PNG is written without loss",)
    for kind in ("jpeg", "webp", "avif"):
        (lossy,) = run(plan(album / "a.png", format=kind), quality=30)
        assert lossy.warnings == ()


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_copy_of_a_clean_picture_is_as_private_as_its_source(album: Path, mode: int) -> None:
    (album / "a.png").chmod(mode)
    (outcome,) = run(plan(album / "a.png"), strength=0.0)
    assert outcome.status == "unchanged"
    assert (album / "a_denoised.png").stat().st_mode & 0o777 == mode


def test_a_clean_picture_in_another_format_is_converted(album: Path) -> None:
    jobs = plan(album / "a.png", output=album / "a.tif")
    run(jobs, strength=0.0)
    assert (images.read(album / "a.tif").samples == images.read(album / "a.png").samples).all()


def test_the_outcome_says_what_was_done(album: Path) -> None:
    (outcome,) = run(plan(album / "a.png", save_noise=True, compare=True))
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
    (outcome,) = run(plan(album / "a.png"))
    assert outcome.status == "failed"
    assert "space" in str(outcome.error)
    assert sorted(path.name for path in album.iterdir()) == ["a.png", "b.png", "bad.png"]


def test_an_interrupt_leaves_nothing(album: Path) -> None:
    class Interrupted(DenoisingNetwork):
        config = ResNetConfig(channels=(4,), blocks=(1,))

        def forward(self, noisy: Tensor, sigma: float) -> Tensor:
            raise KeyboardInterrupt

    engine = Denoiser({3: Interrupted}, {}, device=torch.device("cpu"))
    jobs = plan(album / "a.png")
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
    (outcome,) = run([Job(None, None, format="TIFF")])
    assert outcome.status == "denoised"
    result = images.read(stdout.buffer.getvalue())
    assert (result.format, result.height, result.width) == ("TIFF", 30, 40)


def test_progress_names_the_picture(album: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    jobs = plan(album / "a.png", album / "b.png")
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


def test_extra_files_never_replace_what_is_there_unless_asked(album: Path) -> None:
    jobs = plan(album / "a.png", save_noise=True, compare=True)
    taken = album / "a_denoised_compare.png"
    taken.write_bytes(b"somebody's")
    (refused,) = run(jobs)
    assert "a_denoised_compare.png exists already" in str(refused.error)
    assert taken.read_bytes() == b"somebody's"
    (added,) = run(jobs, existing="skip")
    assert [path.name for path in added.written] == ["a_denoised.png", "a_denoised_noise.png"]
    assert taken.read_bytes() == b"somebody's"
    (skipped,) = run(jobs, existing="skip")
    assert skipped.status == "skipped"
    (replaced,) = run(jobs, existing="overwrite")
    assert taken in replaced.written
    assert taken.read_bytes() != b"somebody's"


def test_a_result_that_appears_meanwhile_is_not_replaced(album: Path) -> None:
    (job,) = plan(album / "a.png")

    def appear(job: Job, *_: object) -> None:
        assert job.target is not None
        job.target.write_bytes(b"another's")

    config = BatchConfig(sigma=0.1)
    (refused,) = batch.run([job], denoiser(), config, on_tile=appear)
    assert refused.status == "failed"
    assert "exists" in str(refused.error)
    assert (album / "a_denoised.png").read_bytes() == b"another's"


@pytest.mark.skipif(os.name == "nt", reason="other permissions")
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_all_files_of_a_private_picture_are_private(album: Path, strength: float) -> None:
    (album / "a.png").chmod(0o600)
    jobs = plan(album / "a.png", save_noise=True, compare=True)
    (outcome,) = run(jobs, strength=strength)
    assert len(outcome.written) == 3
    assert {path.stat().st_mode & 0o777 for path in outcome.written} == {0o600}


def test_what_an_error_leaves_undone_is_told_with_what_was_written(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Tensor:
        raise MemoryError

    monkeypatch.setattr(sheets, "before_after", fail)
    (outcome,) = run(plan(album / "a.png", compare=True))
    assert (outcome.status, outcome.error) == ("failed", "there is not enough memory")
    assert [path.name for path in outcome.written] == ["a_denoised.png"]


@pytest.mark.parametrize(
    "trouble",
    [OSError(5, "broken"), MemoryError(), RuntimeError("odd"), ValueError(), KeyError(1)],
)
def test_whatever_goes_wrong_is_one_line_and_the_rest_is_done(
    album: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    engine = denoiser()
    denoise = engine.denoise_picture
    calls: list[int] = []

    def stumble(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise trouble
        return denoise(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "denoise_picture", stumble)
    jobs = plan(album / "a.png", album / "b.png")
    first, second = batch.run(jobs, engine, BatchConfig(sigma=0.1))
    assert (first.status, second.status) == ("failed", "denoised")
    assert first.error
    assert "\n" not in first.error


@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_picture_from_a_fifo_is_read_once_and_written(album: Path, strength: float) -> None:
    data = (album / "a.png").read_bytes()
    os.mkfifo(album / "pipe.png")
    jobs = plan(album / "pipe.png", output=album / "out.png")
    with ThreadPoolExecutor() as pool:
        fed = pool.submit((album / "pipe.png").write_bytes, data)
        (outcome,) = run(jobs, strength=strength)
        fed.result(timeout=60)
    assert outcome.status == ("unchanged" if strength == 0 else "denoised")
    written = (album / "out.png").read_bytes()
    assert written == data if strength == 0 else images.read(written).width == 40


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_a_device_that_is_no_picture_is_not_read_to_its_end(album: Path) -> None:
    (outcome,) = run(plan(Path("/dev/zero"), output=album / "out.png"))
    assert "/dev/zero: not an image" in str(outcome.error)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_file_that_is_changed_while_it_is_read_is_refused(
    album: Path, monkeypatch: pytest.MonkeyPatch, strength: float
) -> None:
    read_pages = images.read_pages

    def meanwhile(*args: object, **kwargs: object) -> Iterator[images.Picture]:
        for picture in read_pages(*args, **kwargs):  # type: ignore[arg-type]
            with (album / "a.png").open("ab") as file:
                file.write(b"more")
            yield picture

    monkeypatch.setattr(images, "read_pages", meanwhile)
    (outcome,) = run(plan(album / "a.png"), strength=strength)
    assert "was changed while it was read" in str(outcome.error)
    assert not (album / "a_denoised.png").exists()


def test_a_file_that_is_replaced_while_it_is_denoised_is_copied_as_it_was(album: Path) -> None:
    (job,) = plan(album / "a.png")
    before = (album / "a.png").read_bytes()
    with closing(Work(job, BatchConfig(strength=0.0, sigma=0.1))) as work:
        work.attempt(work.read)
        (album / "new.png").write_bytes(b"another picture")
        (album / "new.png").replace(album / "a.png")
        work.attempt(lambda: work.denoise(denoiser(), None))
        work.attempt(work.write)
    assert work.outcome().status == "unchanged"
    assert (album / "a_denoised.png").read_bytes() == before


def test_a_file_that_is_changed_while_it_is_denoised_is_not_copied(album: Path) -> None:
    (job,) = plan(album / "a.png")
    with closing(Work(job, BatchConfig(strength=0.0, sigma=0.1))) as work:
        work.attempt(work.read)
        work.attempt(lambda: work.denoise(denoiser(), None))
        with (album / "a.png").open("ab") as file:
            file.write(b"more")
        work.attempt(work.write)
    assert "was changed while it was read" in str(work.outcome().error)
    assert not (album / "a_denoised.png").exists()


def test_the_format_is_that_of_the_content_unless_asked_for(album: Path) -> None:
    with Image.open(album / "a.png") as image:
        image.save(album / "named.png", "JPEG")
    run(plan(album / "named.png"))
    assert images.read(album / "named_denoised.png").format == "JPEG"
    run(plan(album / "named.png", output=album / "x.png"))
    assert images.read(album / "x.png").format == "PNG"


def test_leftovers_of_a_killed_run_are_removed_even_if_all_is_refused(album: Path) -> None:
    run(plan(album / "a.png"))
    (album / ".flowdenoise-0123456789abcdef.part").write_bytes(b"half")
    (refused,) = run(plan(album / "a.png"))
    assert refused.status == "failed"
    assert not list(album.glob(".flowdenoise*"))


@pytest.mark.parametrize("spoiled", [1e20, -3.4e38, np.inf])
def test_floats_out_of_all_bounds_never_become_a_wrong_picture(
    album: Path, spoiled: float
) -> None:
    pixels = np.full((20, 20), 0.5, np.float32)
    pixels[3, 4] = spoiled
    Image.fromarray(pixels).save(album / "float.tif")
    first, second = run(plan(album / "float.tif", album / "a.png"))
    assert second.status == "denoised"
    assert first.status in ("denoised", "unknown") or "float.tif" in str(first.error)
    if first.status == "denoised":
        result = images.read(first.written[0]).samples.ravel()
        assert np.isfinite(np.delete(result, 3 * 20 + 4)).all()


def stack(path: Path) -> np.ndarray:
    """A TIFF file of three noisy pages with ImageJ's description."""
    pages = np.random.default_rng(0).normal(900, 60, (3, 40, 50)).astype(np.uint16)
    tifffile.imwrite(path, pages, imagej=True)
    return pages


def test_all_pages_of_a_stack_are_denoised_and_written(album: Path) -> None:
    noisy = stack(album / "stack.tif")
    (outcome,) = run(plan(album / "stack.tif"))
    assert outcome.status == "denoised"
    with tifffile.TiffFile(album / "stack_denoised.tif") as file:
        result = file.asarray()
        assert file.is_imagej
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["images"] == 3
    assert (result.shape, result.dtype) == (noisy.shape, noisy.dtype)
    for page, before in zip(result, noisy, strict=True):
        assert (page != before).any()
    assert len(outcome.warnings) == 1
    assert "white is taken to be 4095" in outcome.warnings[0]


def test_a_stack_that_is_to_stay_as_it_is_is_copied(album: Path) -> None:
    stack(album / "stack.tif")
    (outcome,) = run(plan(album / "stack.tif"), sigma=0.0)
    assert outcome.status == "unchanged"
    assert (album / "stack_denoised.tif").read_bytes() == (album / "stack.tif").read_bytes()


def test_a_stack_whose_first_page_is_clean_is_denoised_all_the_same(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(_: Examiner, picture: images.Picture, kind: str) -> Finding:
        clean = picture.samples[0, 0, 0] == 0
        return Finding(Estimate(0.0, "clean") if clean else Estimate(0.1, "noisy"))

    monkeypatch.setattr(Examiner, "_find", find)
    pages = np.random.default_rng(0).normal(128, 20, (3, 64, 64, 3)).clip(1, 255).astype(np.uint8)
    pages[0] = np.linspace(0, 200, 64)[:, None, None]
    tifffile.imwrite(album / "stack.tif", pages, photometric="rgb")
    (outcome,) = run(plan(album / "stack.tif"), sigma="auto")
    assert outcome.status == "denoised"
    result = tifffile.imread(album / "stack_denoised.tif")
    np.testing.assert_array_equal(result[0], pages[0])
    assert (result[1:] != pages[1:]).any()


def test_only_the_first_page_goes_to_a_format_without_pages(album: Path) -> None:
    stack(album / "stack.tif")
    (outcome,) = run(plan(album / "stack.tif", format="png"))
    assert "PNG has no pages: of 3 the first is written" in outcome.warnings


def test_a_damaged_page_leaves_no_file(album: Path) -> None:
    stack(album / "stack.tif")
    data = (album / "stack.tif").read_bytes()
    with tifffile.TiffFile(album / "stack.tif") as file:
        tag = file.pages[2].tags["StripOffsets"]
        place, width = tag.valueoffset, {3: 2, 4: 4}[int(tag.dtype)]
    damaged = bytearray(data)
    damaged[place : place + width] = b"\xff" * width
    (album / "stack.tif").write_bytes(damaged)
    (outcome,) = run(plan(album / "stack.tif"))
    assert outcome.status == "failed"
    assert "cut short" in str(outcome.error)
    assert not (album / "stack_denoised.tif").exists()


def test_a_full_disk_fails_one_picture_and_the_others_are_done(album: Path) -> None:
    resource = pytest.importorskip("resource")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(album / "large.png")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        outcomes = run(plan(album / "a.png", album / "large.png", album / "b.png", compare=False))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [outcome.status for outcome in outcomes] == ["denoised", "failed", "denoised"]
    assert "can't be written" in str(outcomes[1].error)
    assert not list(album.glob("large_*")) + list(album.glob(".*"))


@pytest.mark.usefixtures("permissions_hold")
@pytest.mark.parametrize("output", ["open", "closed"])
def test_no_permission_is_the_outcome_of_that_picture(album: Path, output: str) -> None:
    for name in ("closed", "open"):
        (album / name).mkdir()
    pictures = [album / name for name in ("closed/a.png", "secret.png", "b.png")]
    for picture in pictures:
        picture.write_bytes((album / "a.png").read_bytes())
    (album / "secret.png").chmod(0)
    (album / "closed").chmod(0o555)
    first, second, third = run(plan(*pictures, output=f"{album / output}/"))
    (album / "closed").chmod(0o755)
    assert str(second.error) == f"{album / 'secret.png'}: can't be read: permission denied"
    if output == "open":
        assert (first.status, third.status) == ("denoised", "denoised")
    else:
        assert "is the input itself" in str(first.error)
        assert "can't be written: permission denied" in str(third.error)
    assert not list(album.rglob(".*"))


@pytest.fixture
def many(tmp_path: Path) -> Sequence[Job]:
    rng = np.random.default_rng(0)
    for index in range(5):
        pixels = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    return plan(tmp_path)


ONE_BY_ONE = [f"{stage} {name}" for name in "01234" for stage in ("read", "denoise", "write")]


class Stages:
    """What is done to which picture, in the order of time, with a hook at each beginning."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.started = {
            f"{stage} {name}": Event() for stage in ("read", "write") for name in "01234"
        }
        self.denoising = lambda name: None
        for stage in ("read", "denoise", "write"):
            monkeypatch.setattr(Work, stage, self.watched(stage, getattr(Work, stage)))

    def watched(self, stage: str, original: Callable[..., None]) -> Callable[..., None]:
        def watch(work: Work, *args: object) -> None:
            name = Path(work.job.name).stem
            self.log.append(f"{stage} {name}")
            if stage == "denoise":
                self.denoising(name)
            else:
                self.started[f"{stage} {name}"].set()
            original(work, *args)

        return watch


def test_the_next_is_read_and_the_last_written_while_one_is_denoised(
    many: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = Stages(monkeypatch)

    def denoising(name: str) -> None:
        number = int(name)
        waits = [f"read {number + 1}"] * (number < 4) + [f"write {number - 1}"] * (number > 0)
        assert all(stages.started[wait].wait(60) for wait in waits)

    stages.denoising = denoising
    outcomes = run(many)
    assert [Path(outcome.job.name).stem for outcome in outcomes] == list("01234")
    assert {outcome.status for outcome in outcomes} == {"denoised"}


@pytest.mark.parametrize("count", [1, 2])
def test_the_first_is_read_while_the_engine_is_loaded(
    many: Sequence[Job], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    stages = Stages(monkeypatch)

    def load() -> Denoiser:
        assert stages.started["read 0"].wait(60)
        return denoiser()

    outcomes = list(run_by(load, many[:count], BatchConfig(sigma=0.1)))
    assert [outcome.status for outcome in outcomes] == ["denoised"] * count


def test_without_an_engine_nothing_is_written_and_no_file_stays_open(
    many: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    close = Work.close
    monkeypatch.setattr(Work, "close", lambda work: (closed.append(work.job.name), close(work)))

    def load() -> Denoiser:
        raise WeightsError("no such weights")

    with pytest.raises(WeightsError):
        list(run_by(load, many, BatchConfig(sigma=0.1)))
    assert closed == [many[0].name]
    assert not any(job.target and job.target.exists() for job in many)


def test_no_more_than_three_pictures_are_in_memory(
    many: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = Stages(monkeypatch)
    for seen, _ in enumerate(batch.run(many, denoiser(), BatchConfig(sigma=0.1))):
        begun = sum(line.startswith("read") for line in stages.log)
        assert begun <= seen + 3


@pytest.mark.parametrize("why", ["large", "fail-fast"])
def test_large_pictures_and_those_that_may_be_the_last_are_done_one_by_one(
    many: Sequence[Job], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    stages = Stages(monkeypatch)
    if why == "large":
        monkeypatch.setattr("flowdenoise.batch.many.LARGE", 0)
    run(many, keep_going=why == "large")
    assert stages.log == ONE_BY_ONE


def test_pictures_of_several_pages_are_done_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their further pages are denoised while they are written."""
    for name in "01234":
        pages = np.random.default_rng(0).integers(0, 256, (2, 30, 40), dtype=np.uint8)
        tifffile.imwrite(tmp_path / f"{name}.tif", pages, photometric="minisblack")
    stages = Stages(monkeypatch)
    assert {outcome.status for outcome in run(plan(tmp_path))} == {"denoised"}
    assert stages.log == ONE_BY_ONE


def test_an_interrupt_lets_a_picture_be_written_and_leaves_nothing_else(
    many: Sequence[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = Stages(monkeypatch)

    def denoising(name: str) -> None:
        if name == "2":
            assert stages.started["write 1"].wait(60)
            raise KeyboardInterrupt

    stages.denoising = denoising
    with pytest.raises(KeyboardInterrupt):
        run(many)
    made = sorted(path.name for path in tmp_path.iterdir() if len(path.stem) > 1)
    assert made == ["0_denoised.png", "1_denoised.png"]
