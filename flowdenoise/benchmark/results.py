"""The results of a run with everything they depend on, ready to be written down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from flowdenoise import noise
from flowdenoise.benchmark import environment
from flowdenoise.benchmark.config import BenchmarkConfig
from flowdenoise.benchmark.image_set import ImageSet
from flowdenoise.benchmark.measurements import Measurement
from flowdenoise.benchmark.methods import Method
from flowdenoise.benchmark.protocols import find_protocol
from flowdenoise.benchmark.runner import Run
from flowdenoise.benchmark.summary import Line, summarize


@dataclass(frozen=True)
class MethodRecord:
    """A method as results name it.

    Attributes:
        label: The label in the tables.
        blind: Whether the method was not told the noise level.
        told_255: The level that it was told for any noise, on the scale of 0 to 255.
        weights: The sha256 of its weights, if it has any.
        settings: The settings of the method.
        multiply_adds_per_pixel: The multiply-adds per pixel, if it is a network.
        note: A remark that readers must know.
        images: The number of the set's images on which it ran.
    """

    label: str
    blind: bool
    told_255: float | None
    weights: str | None
    settings: Mapping[str, object]
    multiply_adds_per_pixel: float | None
    note: str
    images: int


@dataclass(frozen=True)
class Results:
    """A finished run.

    Attributes:
        image_set: The name of the set.
        kind: The word `gray` or `color`.
        images: The number of images of the set that were used.
        left_out: The names of images that are smaller than the part that was measured.
        fingerprints: The fingerprints of the images, by name.
        protocol: The name of the protocol.
        seed: The seed of the noise.
        sigmas_255: The noise levels on the scale of 0 to 255; `AS_FOUND` where none was added.
        methods: The methods in the order of the tables; the others are compared with the first.
        device: The device on which networks computed.
        machine: The hardware, in words.
        versions: The versions of the packages.
        lines: The lines of the table.
        cells: The cells that the table was made from.
    """

    image_set: str
    kind: str
    images: int
    left_out: tuple[str, ...]
    fingerprints: Mapping[str, str]
    protocol: str
    seed: int
    sigmas_255: tuple[float, ...]
    methods: tuple[MethodRecord, ...]
    device: str
    machine: str
    versions: Mapping[str, str]
    lines: tuple[Line, ...]
    cells: tuple[Measurement, ...]

    @property
    def title(self) -> str:
        """The set, the kind and the protocol, without which a number means nothing."""
        return f"{self.image_set}, {self.kind}, {self.images} images, protocol {self.protocol}"

    @property
    def seed_note(self) -> str:
        """The noise that methods saw, in words."""
        return (
            f"seed {self.seed} for every image"
            if find_protocol(self.protocol).adds_noise
            else "that of the photographs"
        )

    @property
    def failed(self) -> tuple[Measurement, ...]:
        """The cells that failed."""
        return tuple(cell for cell in self.cells if cell.error is not None)

    def method(self, label: str) -> MethodRecord:
        """Find the method of that label."""
        return next(method for method in self.methods if method.label == label)

    def as_json(self) -> dict[str, Any]:
        """The results as plain JSON, in which numbers that are not finite are null."""
        cleaned: dict[str, Any] = _finite(asdict(self))
        return cleaned


def collect(
    run: Run,
    image_set: ImageSet,
    methods: Sequence[Method],
    config: BenchmarkConfig,
    device: torch.device,
) -> Results:
    """Put the results of a run together with everything they depend on."""
    protocol = find_protocol(config.protocol)
    packages = dict.fromkeys(package for method in methods for package in method.packages)
    return Results(
        image_set=image_set.name,
        kind=image_set.kind,
        images=len(image_set.files),
        left_out=image_set.left_out,
        fingerprints=run.fingerprints,
        protocol=protocol.name,
        seed=protocol.seed,
        sigmas_255=config.levels_255,
        methods=tuple(_record(method, run.cells) for method in methods),
        device=str(device),
        machine=environment.machine(device),
        versions=environment.versions(packages),
        lines=tuple(summarize(run.cells)),
        cells=run.cells,
    )


def _record(method: Method, cells: Sequence[Measurement]) -> MethodRecord:
    return MethodRecord(
        label=method.label,
        blind=method.blind,
        told_255=None if method.told is None else noise.to_255(method.told),
        weights=method.weights,
        settings=method.settings(),
        multiply_adds_per_pixel=method.multiply_adds_per_pixel,
        note=method.note,
        images=len({cell.image for cell in cells if cell.method == method.label}),
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
