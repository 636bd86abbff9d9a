"""Run methods x images x noise levels, keep each result, go on where an earlier run stopped.

If a method fails on an image, the cell is marked and the run goes on. The next run tries failed
cells again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from flowdenoise import images, noise
from flowdenoise.benchmark import environment
from flowdenoise.benchmark.config import BenchmarkConfig
from flowdenoise.benchmark.image_set import ImageSet, Sample
from flowdenoise.benchmark.measurements import Measurement, MeasurementKey, MeasurementStore
from flowdenoise.benchmark.merit import measure
from flowdenoise.benchmark.methods import Method
from flowdenoise.benchmark.peak_memory import peak_memory
from flowdenoise.benchmark.protocols import Protocol, find_protocol, level_name
from flowdenoise.errors import DataError, FlowdenoiseError, UsageError

_PICTURE_SIDE = 640  # pixels; of larger images the middle is shown


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        done: The number of cells that are done.
        total: The number of all cells.
        cell: The cell at work: method, image and noise level.
        seconds_left: The estimated time left; None until each method has been timed.
    """

    done: int
    total: int
    cell: Measurement
    seconds_left: float | None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Run:
    """The outcome of a run.

    Attributes:
        cells: The cells, image by image.
        fingerprints: The fingerprints of the images, by name.
    """

    cells: tuple[Measurement, ...]
    fingerprints: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """A cell to fill."""

    method: Method
    file: Path
    name: str
    sigma_255: float
    keep_picture: bool


def run(
    image_set: ImageSet,
    methods: Sequence[Method],
    config: BenchmarkConfig,
    device: torch.device,
    folder: Path,
    *,
    on_progress: OnProgress | None = None,
) -> Run:
    """Fill all cells.

    Args:
        image_set: The images.
        methods: The methods, which are not yet prepared.
        config: The settings of the run.
        device: The device on which networks compute.
        folder: The folder of the run, which is made if needed. Results of an earlier run in it are
            used.
        on_progress: Called before each cell is tried.

    Returns:
        The cells, image by image.

    Raises:
        MissingExtraError, WeightsError, UsageError: A method can't be prepared, or must be told a
            noise level that is not known.
        DataError: The folder can't be used, or the set has no photographs with noise and the
            protocol adds none.
    """
    adds_noise = find_protocol(config.protocol).adds_noise
    if not adds_noise and not image_set.partners:
        raise DataError(
            f"protocol {config.protocol} is for pairs, and {image_set.name} has clean images only"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"can't use the folder {folder}: {error.strerror or error}") from error
    for method in methods:
        method.prepare(image_set.channels, device)
        if not adds_noise:
            method.level(None)
    bench = _Bench(image_set, config, device, folder)
    jobs = list(_jobs(image_set, methods, config))
    cells = []
    for done, job in enumerate(jobs):
        if on_progress:
            cell = Measurement(job.method.label, job.name, job.sigma_255)
            left = bench.seconds_left(jobs[done:])
            on_progress(Progress(done, len(jobs), cell, left))
        cells.append(bench.fill(job))
    return Run(tuple(cells), bench.fingerprints)


def _jobs(
    image_set: ImageSet, methods: Sequence[Method], config: BenchmarkConfig
) -> Iterator[Job]:
    """All cells, image by image, so that an unfinished run has all methods on the same images."""
    for number, file in enumerate(image_set.files):
        for sigma in config.levels_255:
            for method in methods:
                if number < config.limits.get(method.label, len(image_set.files)):
                    name = image_set.name_of(file)
                    yield Job(method, file, name, sigma, number < config.pictures)


class _Bench:
    """Fills cells, one after the other."""

    def __init__(
        self, image_set: ImageSet, config: BenchmarkConfig, device: torch.device, folder: Path
    ) -> None:
        self.image_set, self.device, self.folder = image_set, device, folder
        self.protocol: Protocol = find_protocol(config.protocol)
        self.machine = environment.machine(device)
        self.store = MeasurementStore(folder / "cells.jsonl")
        self.fingerprints: dict[str, str] = {}
        self._times: dict[str, list[float]] = {}
        self._loaded: tuple[Path, Sample] | None = None

    def fill(self, job: Job) -> Measurement:
        """The cell of a job, from an earlier run or computed now; a failed one is marked."""
        try:
            sample = self._sample(job.file)
        except FlowdenoiseError as error:
            return _failed(job, error)
        key = self._key(job, sample)
        known = self.store.find(key)
        if known and (not job.keep_picture or self._has_picture(known)):
            cell = replace(known, image=sample.name)
        else:
            try:
                cell, pictures = self._compute(job, sample, key)
            except Exception as error:  # whatever the packages of others raise, it is this cell's
                return _failed(job, error)
            for path, image in pictures.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                images.write_png(path, _middle(image))
            self.store.add(key, cell)
        self._times.setdefault(cell.method, []).append(cell.seconds)
        return cell

    def seconds_left(self, jobs: Sequence[Job]) -> float | None:
        """The time for these jobs, estimated by the mean time of each method so far."""
        total = 0.0
        for job in jobs:
            times = self._times.get(job.method.label)
            if not times:
                return None
            total += sum(times) / len(times)
        return total

    def _sample(self, file: Path) -> Sample:
        if self._loaded is None or self._loaded[0] != file:
            self._loaded = (file, self.image_set.load(file))
            self.fingerprints[self._loaded[1].name] = self._loaded[1].fingerprint
        return self._loaded[1]

    def _key(self, job: Job, sample: Sample) -> MeasurementKey:
        method, protocol = job.method, self.protocol
        return MeasurementKey(
            method=method.label,
            settings=method.settings(),
            weights=method.weights,
            image=sample.fingerprint,
            sigma_255=job.sigma_255,
            protocol=protocol.name,
            seed=protocol.seed,
        )

    def _compute(
        self, job: Job, sample: Sample, key: MeasurementKey
    ) -> tuple[Measurement, dict[Path, torch.Tensor]]:
        """Compute a cell, and the pictures to keep by the paths of their files."""
        method = job.method
        sigma = noise.from_255(job.sigma_255) if self.protocol.adds_noise else None
        noisy = sample.noisy if sigma is None else self.protocol.noisy(sample.clean, sigma)
        if noisy is None:
            raise UsageError("there is no photograph with noise")
        told = method.level(sigma)
        with peak_memory(self.device) as peak:
            start, busy = time.perf_counter(), time.process_time()
            denoised = method.denoise(noisy[None], told)[0]
            seconds, busy = time.perf_counter() - start, time.process_time() - busy
        if denoised.shape != noisy.shape or not bool(torch.isfinite(denoised).all()):
            raise UsageError("it gave no image of finite values of the same size")
        output = denoised if method.measured_raw else self.protocol.finish(denoised)
        cell = Measurement(
            method.label,
            sample.name,
            job.sigma_255,
            pixels=noisy.shape[-2] * noisy.shape[-1],
            **asdict(measure(output, sample.clean)),
            seconds=seconds,
            peak_bytes=peak.bytes,
            machine=self.machine,
            found_255=None if method.found is None else noise.to_255(method.found),
            processor_seconds=busy,
        )
        if not job.keep_picture:
            return cell, {}
        place = Pictures(self.folder, self.protocol.name, sample.fingerprint, job.sigma_255)
        own = place.of(key.text)
        kept = {place.clean: sample.clean, place.noisy: noisy, self.folder / own: denoised}
        return replace(cell, picture=own.as_posix()), kept

    def _has_picture(self, cell: Measurement) -> bool:
        return cell.picture is not None and (self.folder / cell.picture).is_file()


@dataclass(frozen=True)
class Pictures:
    """The files of a run's pictures of one image at one noise level.

    Attributes:
        folder: The folder of the run.
        protocol: The name of the protocol.
        image: The fingerprint of the image.
        sigma_255: The noise level on the scale of 0 to 255.
    """

    folder: Path
    protocol: str
    image: str
    sigma_255: float

    @property
    def clean(self) -> Path:
        """The file of the clean image."""
        return self.folder / "pictures" / f"{self.image[:12]}-clean.png"

    @property
    def noisy(self) -> Path:
        """The file of the noisy image."""
        return self.folder / self._name("noisy")

    def of(self, key: str) -> Path:
        """The file of the result whose key has that text, relative to the folder."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        return self._name(digest)

    def _name(self, what: str) -> Path:
        level = level_name(self.sigma_255).replace(" ", "-")
        return Path("pictures") / f"{self.image[:12]}-{self.protocol}-{level}-{what}.png"


def _failed(job: Job, error: Exception) -> Measurement:
    reason = str(error) if isinstance(error, FlowdenoiseError) else repr(error)
    line = " ".join(reason.split())[:300]
    return Measurement(job.method.label, job.name, job.sigma_255, error=line)


def _middle(image: torch.Tensor) -> torch.Tensor:
    """The middle of an image, (C, H, W), or all of it if it is small."""
    top, left = (max(0, side - _PICTURE_SIDE) // 2 for side in image.shape[-2:])
    return image[:, top : top + _PICTURE_SIDE, left : left + _PICTURE_SIDE]
