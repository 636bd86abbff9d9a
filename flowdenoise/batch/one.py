"""One picture of a batch: read, denoised and written, whole or not at all.

Results appear under their names only when they are complete, and an input is never written to.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from flowdenoise import images
from flowdenoise.batch.plan import Job
from flowdenoise.engine.denoiser import Denoised, Denoiser, Sigma
from flowdenoise.engine.tiling import OnTile
from flowdenoise.errors import ImageWriteError
from flowdenoise.images import Picture, sheets
from flowdenoise.system.rules import Factor, Range
from flowdenoise.system.typed import check

Existing = Literal["refuse", "skip", "overwrite"]
"""What to do where a result's name is taken."""


@dataclass(frozen=True)
class BatchConfig:
    """How to treat each picture.

    Attributes:
        sigma: Noise level on the [0, 1] scale, or `auto`.
        strength: Factor of the noise level that is removed.
        existing: What to do where a result's name is taken.
        keep_going: Go on after a picture that failed.
        quality: Of JPEG and WebP results; None is high.
        format: Of results on standard output; None keeps the source's.
        save_noise: Also write the removed noise.
        compare: Also write before and after side by side.
        max_pixels: Larger pictures are refused before they are decoded.
    """

    sigma: Sigma = "auto"
    strength: Factor = 1.0
    existing: Existing = "refuse"
    keep_going: bool = True
    quality: Annotated[int, Range(1, 100)] | None = None
    format: str | None = None
    save_noise: bool = False
    compare: bool = False
    max_pixels: Annotated[int, Range(1)] = images.MAX_PIXELS

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
        job: The picture.
        status: `denoised`, `clean` (found clean, copied bit for bit), `skipped`, or `failed`.
        sigma: Noise level of the input on the [0, 1] scale, if it was looked at.
        error: Why it failed, one line.
        warnings: What could not be kept.
        written: All files that were written.
        size: Width and height.
        seconds: Reading and writing included.
    """

    job: Job
    status: Literal["denoised", "clean", "skipped", "failed"]
    sigma: float | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    written: tuple[Path, ...] = ()
    size: tuple[int, int] | None = None
    seconds: float = 0.0


def denoise_one(
    job: Job, denoiser: Denoiser, config: BatchConfig, report: OnTile | None, start: float
) -> Outcome:
    """Denoise one picture and write what was asked for.

    Args:
        job: From `plan_jobs`.
        denoiser: The engine.
        config: How to treat the picture.
        report: Told of each finished batch of tiles.
        start: When the work began, by `time.perf_counter`.

    Raises:
        FlowdenoiseError: The picture can't be read, denoised or written.
    """
    if _taken(job, config):
        return Outcome(job, "skipped")
    data = sys.stdin.buffer.read() if job.source is None else None
    source: Path | bytes = data if job.source is None and data is not None else job.source  # type: ignore[assignment]
    picture = images.read(source, max_pixels=config.max_pixels)
    denoised = denoiser.denoise_picture(
        picture, config.sigma, strength=config.strength, on_tile=report
    )
    warnings = picture.warnings + _write_result(job, source, denoised, config)
    written: tuple[Path, ...] = () if job.target is None else (job.target,)
    if job.target is not None:
        written += _write_extras(job.target, picture, denoised.picture, config)
    height, width = picture.samples.shape[:2]
    return Outcome(
        job,
        "clean" if denoised.untouched else "denoised",
        sigma=denoised.sigma,
        warnings=warnings,
        written=written,
        size=(width, height),
        seconds=time.perf_counter() - start,
    )


def _taken(job: Job, config: BatchConfig) -> bool:
    """Whether the job is to be skipped.

    Raises:
        ImageWriteError: The name is taken and may not be.
    """
    if job.target is None or not job.target.exists() or config.existing == "overwrite":
        return False
    if config.existing == "skip":
        return True
    same = job.source is not None and job.target.samefile(job.source)
    what = "is the input itself" if same else "exists already"
    raise ImageWriteError(f"{job.target} {what}: use --overwrite, or another name")


def _write_result(
    job: Job, source: Path | bytes, denoised: Denoised, config: BatchConfig
) -> tuple[str, ...]:
    """Write the result; a clean picture in its own format is copied bit for bit."""
    wanted = config.format or _format_of(job.target) or denoised.picture.format
    if denoised.untouched and wanted == denoised.picture.format and config.quality is None:
        _copy(source, job.target)
        return ()
    if job.target is None:
        data, warnings = images.encode(denoised.picture, wanted, quality=config.quality)
        _write_stream(sys.stdout.buffer, data)
        return warnings
    job.target.parent.mkdir(parents=True, exist_ok=True)
    return images.write(denoised.picture, job.target, format=wanted, quality=config.quality)


def _format_of(target: Path | None) -> str | None:
    return None if target is None else images.format_of(target)


def _copy(source: Path | bytes, target: Path | None) -> None:
    data = source if isinstance(source, bytes) else source.read_bytes()
    if target is None:
        _write_stream(sys.stdout.buffer, data)
        return
    if isinstance(source, Path) and target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    images.write_bytes(target, data)
    if isinstance(source, Path):
        shutil.copymode(source, target)


def _write_stream(stream: BinaryIO, data: bytes) -> None:
    try:
        stream.write(data)
        stream.flush()
    except OSError as error:
        raise ImageWriteError(f"can't write to standard output: {error}") from error


def _write_extras(
    target: Path, before: Picture, after: Picture, config: BatchConfig
) -> tuple[Path, ...]:
    """The pictures that were asked for besides the result."""
    written = []
    if config.save_noise:
        written.append(target.with_name(f"{target.stem}_noise.png"))
        images.write_png(written[-1], sheets.noise_picture(before, after))
    if config.compare:
        written.append(target.with_name(f"{target.stem}_compare.png"))
        images.write_png(written[-1], sheets.before_after(before, after))
    return tuple(written)
