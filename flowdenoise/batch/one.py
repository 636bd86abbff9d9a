"""One picture of a batch: read, denoised and written, each file whole or not at all.

Any error with a picture becomes its outcome and does not affect another picture.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, TypeVar

from flowdenoise import images
from flowdenoise.batch.plan import Job, RemoteJob
from flowdenoise.batch.source import Source, open_source
from flowdenoise.engine import Crop, RemovalConfig
from flowdenoise.errors import FlowdenoiseError, ImageWriteError
from flowdenoise.images import Picture
from flowdenoise.system.paths import exists, is_file
from flowdenoise.system.rules import Range

if TYPE_CHECKING:
    from torch import Tensor

    from flowdenoise.engine import Denoised, Denoiser, OnTile
    from flowdenoise.estimation import Verdict

T = TypeVar("T")

Existing = Literal["refuse", "skip", "overwrite"]
"""What to do where a file to be written exists."""

Status = Literal["denoised", "clean", "unknown", "unchanged", "skipped", "failed"]
"""What became of a picture. `clean`, `unknown` and `unchanged` ones are copied bit for bit: the
first was found clean, the noise of the second is not known, and from the third nothing was to be
removed, as the level, the strength or the factors that were given are 0. A `skipped` one has a
result already."""

_COPY_BYTES = 2**20


@dataclass(frozen=True)
class BatchConfig(RemovalConfig):
    """The settings for each picture, with those of `RemovalConfig`.

    Attributes:
        existing: What to do where files exist: refuse the picture, write only the files that do
            not exist, or overwrite.
        keep_going: Whether to go on after a picture that failed.
        quality: The quality of JPEG, WebP and AVIF results; None takes a high one.
        crop: The part of each picture that is denoised, as a preview; None is all.
        black, white: The values of black and white in the files' own units; None leaves them to
            be found in the data.
        max_pixels: The most pixels; larger pictures are refused before they are decoded.
        max_memory: The most bytes that decoding may take; None allows 2 GiB, or more for a large
            file.
    """

    existing: Existing = "refuse"
    keep_going: bool = True
    quality: Annotated[int, Range(1, 100)] | None = None
    crop: Crop | None = None
    black: Annotated[float, Range(-1e300, 1e300)] | None = None
    white: Annotated[float, Range(-1e300, 1e300)] | None = None
    max_pixels: Annotated[int, Range(1)] = images.MAX_PIXELS
    max_memory: Annotated[int, Range(1)] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
        job: The job.
        status: What was done.
        sigma: The noise level of the input on the [0, 1] scale; None if the engine never saw it.
        verdict: The verdict on the noise; None if it was not estimated.
        error: The reason for a failure, one line.
        warnings: What could not be kept, a line each.
        written: All files or addresses that were written.
        size: The width and the height.
        seconds: The time that it took, reading and writing included.
        weights: The names of the weights that denoised it.
    """

    job: Job | RemoteJob
    status: Status
    sigma: float | None = None
    verdict: Verdict | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    written: tuple[Path | str, ...] = ()
    size: tuple[int, int] | None = None
    seconds: float = 0.0
    weights: tuple[str, ...] = ()


@dataclass
class Work:
    """A picture at work. Its stages are called in order, each by `attempt`.

    They are `read`, `denoise` and `write`; `outcome` and `close` follow.

    Attributes:
        job: The job, from `plan_jobs`.
        config: The settings.
        wanted: The files that are to be written.
        written: The files that were written.
        source: The open input.
        picture: The picture that was read.
        denoised: The result of the engine.
        status: What becomes of the picture. Once it is set, later stages do nothing.
        error: The reason for a failure.
        warnings: What could not be kept, a line each.
    """

    job: Job
    config: BatchConfig
    wanted: tuple[Path, ...] = ()
    written: list[Path] = field(default_factory=list)
    source: Source | None = None
    picture: Picture | None = None
    denoised: Denoised | None = None
    status: Status | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    _pages: Iterator[Picture] | None = None
    _denoise_page: Callable[[Picture], Denoised] | None = None
    _changed: bool = False  # a page behind the first
    _start: float = field(default_factory=time.perf_counter)

    def attempt(self, stage: Callable[[], None]) -> None:
        """Run a stage; an error of any kind becomes the picture's outcome."""
        if self.status is not None:
            return
        try:
            stage()
        except Exception as error:  # of the system, of a decoder, of the network's library
            self.status, self.error = "failed", reason_of(error)

    def read(self) -> None:
        """Open and decode the picture, unless there is nothing to do.

        Raises:
            ImageError: The job is refused, a file exists already, or the picture can't be read.
        """
        self.wanted = _wanted(self.job, self.config.existing)
        if self.job.target is not None and not self.wanted:
            self.status = "skipped"
            return
        self.source = open_source(self.job.source)
        self._pages = images.read_pages(
            self.source.file,
            black=self.config.black,
            white=self.config.white,
            max_pixels=self.config.max_pixels,
            max_memory=self.config.max_memory,
        )
        self.picture = next(self._pages)
        self.source.check_unchanged()
        self.warnings = self.picture.warnings
        if self.job.source is None and images.is_followed(self.source.file):
            self.warnings += ("the first picture is read; what follows it is left out",)

    def denoise(self, denoiser: Denoiser, report: OnTile | None) -> None:
        """Denoise the picture.

        Args:
            denoiser: The engine.
            report: Called after each batch of tiles.

        Raises:
            FlowdenoiseError: The engine can't denoise it.
        """
        config = self.config
        denoise = partial(
            denoiser.denoise_picture,
            sigma=config.sigma,
            strength=config.strength,
            noise=config.noise,
            luma=config.luma,
            chroma=config.chroma,
            detail=config.detail,
            crop=config.crop,
            on_tile=report,
        )
        self.treat(lambda page: _untouched_if_same(denoise(page), page, config))

    def treat(self, page: Callable[[Picture], Denoised]) -> None:
        """Process the picture, and later its further pages.

        Args:
            page: The function that makes the result of a page.
        """
        self._denoise_page = page
        self.denoised = page(_there(self.picture))

    def write(self) -> None:
        """Write the wanted files; a clean picture in its own format is copied bit for bit.

        Raises:
            ImageError: A file can't be written.
        """
        from flowdenoise.images import sheets  # which need torch, as reading does not

        job, before, denoised = self.job, _there(self.picture), _there(self.denoised)
        if self.config.crop is not None:
            before = before.part(*self.config.crop.of(before.width, before.height))
        if job.target is None:
            warnings = self._write_stream(denoised)
            self.warnings += warnings
        for file in self.wanted:
            _make_folder(file.parent)
            if file == job.target:
                warnings = self._write_file(file, denoised)  # may add some itself
                self.warnings += warnings
            elif file == job.noise:
                self._write_png(file, sheets.noise_picture(before, denoised.picture))
            else:
                self._write_png(file, sheets.before_after(before, denoised.picture))
            self.written.append(file)
        self.status = "denoised" if self._changed else _status(denoised)

    def outcome(self) -> Outcome:
        """What became of the picture."""
        return Outcome(
            self.job,
            self.status or "failed",
            sigma=None if self.denoised is None else self.denoised.sigma,
            verdict=_verdict(self.denoised),
            error=self.error,
            warnings=self.warnings,
            written=tuple(self.written),
            size=None if self.picture is None else (self.picture.width, self.picture.height),
            seconds=time.perf_counter() - self._start,
            weights=() if self.denoised is None else self.denoised.weights,
        )

    def close(self) -> None:
        """Close the picture's file."""
        if self.source is not None:
            self.source.file.close()

    def _copied(self, denoised: Denoised) -> BinaryIO | None:
        """The source's own bytes if they are the result; None if the result is to be encoded."""
        own = self.job.format in (None, denoised.picture.format) and self.config.crop is None
        again = self.config.quality is not None and images.is_lossy(denoised.picture.format)
        if not denoised.untouched or not own or again:
            return None
        if denoised.estimate and denoised.picture.pages > 1:  # others may be less clean
            return None
        source = _there(self.source)
        source.check_unchanged()
        source.file.seek(0)
        return source.file

    def _further(self) -> Iterator[Picture]:
        """The pages behind the first, each read and denoised when it is asked for."""
        for page in _there(self._pages):
            denoised = _there(self._denoise_page)(page)
            self._changed = self._changed or not denoised.untouched
            self.warnings = tuple(dict.fromkeys((*self.warnings, *page.warnings)))
            yield denoised.picture
        _there(self.source).check_unchanged()

    def _write_file(self, file: Path, denoised: Denoised) -> tuple[str, ...]:
        source, config = _there(self.source), self.config
        over = config.existing == "overwrite"
        if (copied := self._copied(denoised)) is not None:
            images.write_bytes(file, copied, like=source.status, replace=over)
            self._forget_what_reading_lost()
            return ()
        return images.write(
            denoised.picture,
            file,
            format=self.job.format or denoised.picture.format,
            quality=config.quality,
            further=self._further(),
            like=source.status,
            replace=over,
        )

    def _write_stream(self, denoised: Denoised) -> tuple[str, ...]:
        """Write to standard output."""
        warnings: tuple[str, ...] = ()
        if (copied := self._copied(denoised)) is None:
            data, warnings = images.encode(
                denoised.picture,
                self.job.format or denoised.picture.format,
                quality=self.config.quality,
                further=self._further(),
            )
            copied = io.BytesIO(data)
        else:
            self._forget_what_reading_lost()
        if sys.stdout is None:
            raise ImageWriteError("standard output is closed")
        try:
            shutil.copyfileobj(copied, sys.stdout.buffer, _COPY_BYTES)
            sys.stdout.buffer.flush()
        except OSError as error:
            reason = reason_of(error)
            raise ImageWriteError(f"can't write to standard output: {reason}") from error
        return warnings

    def _forget_what_reading_lost(self) -> None:
        """Nothing is lost of a file that is copied bit for bit, whatever its reading says."""
        lost = _there(self.picture).warnings
        self.warnings = tuple(line for line in self.warnings if line not in lost)

    def _write_png(self, file: Path, picture: Tensor) -> None:
        over = self.config.existing == "overwrite"
        images.write_png(file, picture, like=_there(self.source).status, replace=over)


def _untouched_if_same(denoised: Denoised, before: Picture, config: BatchConfig) -> Denoised:
    """The result, which is the source where factors of 0 left a camera's noise as it was.

    Whether `luma` and `chroma` act on a picture is only known once its noise is, and one of them
    may leave it as it is: a gray picture has no color.
    """
    left = _verdict(denoised) == "camera" and 0 in (config.luma, config.chroma)
    if denoised.untouched or not left:
        return denoised
    if config.crop is not None:
        before = before.part(*config.crop.of(before.width, before.height))
    if before.shows(denoised.picture.samples):
        return replace(denoised, untouched=True, weights=())
    return denoised


def _status(denoised: Denoised) -> Status:
    if not denoised.untouched:
        return "denoised"
    if denoised.estimate is None or not denoised.estimate.untouched:
        return "unchanged"
    return "clean" if denoised.estimate.verdict == "clean" else "unknown"


def _verdict(denoised: Denoised | None) -> Verdict | None:
    if denoised is None or denoised.estimate is None:
        return None
    return denoised.estimate.verdict


def _there(value: T | None) -> T:
    """A value that an earlier stage has set."""
    if value is None:
        raise RuntimeError("the stages of a picture are called in order")
    return value


def _wanted(job: Job, existing: Existing) -> tuple[Path, ...]:
    """The files of a job that are to be written.

    Raises:
        ImageWriteError: The job is refused, or a file exists that may not be replaced.
    """
    if job.refusal is not None:
        raise ImageWriteError(job.refusal)
    taken = [file for file in job.files if exists(file)]
    for file in taken:
        if not is_file(file):
            raise ImageWriteError(f"{file} is no regular file, and is never replaced")
    if taken and existing == "refuse":
        raise ImageWriteError(f"{taken[0]} exists already: `overwrite` it, or take another name")
    return tuple(file for file in job.files if existing == "overwrite" or file not in taken)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageWriteError(f"can't make the folder {folder}: {reason_of(error)}") from error


def reason_of(error: Exception) -> str:
    """The reason for a failure, as one line."""
    if isinstance(error, FlowdenoiseError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
