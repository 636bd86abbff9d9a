"""All that a run found, with all that it depends on, ready to be written down."""

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
from flowdenoise.benchmark.measurements import Cell
from flowdenoise.benchmark.methods import Method
from flowdenoise.benchmark.protocols import find_protocol
from flowdenoise.benchmark.runner import Run
from flowdenoise.benchmark.summary import Line, summarize


@dataclass(frozen=True)
class MethodRecord:
    """A method as results name it.

    Attributes:
        label: In the tables.
        blind: Whether it was not told the noise level.
        told_255: The level that it was told whatever the noise was, on the scale of 0 to 255.
        weights: sha256 of its weights, if it has any.
        settings: All that it was set to.
        multiply_adds_per_pixel: Of a network.
        note: What readers must know.
        images: On how many of the set's images it ran.
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
        image_set: Name of the set.
        kind: `gray` or `color`.
        images: Of the set that were used.
        fingerprints: Of the images, by name.
        protocol: Name.
        seed: Of the noise.
        sigmas_255: Noise levels on the scale of 0 to 255; `AS_FOUND` where none was added.
        methods: In the order of the tables; the first is what others are compared with.
        device: Where networks computed.
        machine: The hardware, in words.
        versions: Of the packages.
        lines: The table.
        cells: What it was made from.
    """

    image_set: str
    kind: str
    images: int
    fingerprints: Mapping[str, str]
    protocol: str
    seed: int
    sigmas_255: tuple[float, ...]
    methods: tuple[MethodRecord, ...]
    device: str
    machine: str
    versions: Mapping[str, str]
    lines: tuple[Line, ...]
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """Set, kind and protocol, without which a number means nothing."""
        return f"{self.image_set}, {self.kind}, {self.images} images, protocol {self.protocol}"

    @property
    def seed_note(self) -> str:
        """What was seen of the noise, in words."""
        return (
            f"seed {self.seed} for every image"
            if find_protocol(self.protocol).adds_noise
            else "that of the photographs"
        )

    @property
    def failed(self) -> tuple[Cell, ...]:
        """The cells that failed."""
        return tuple(cell for cell in self.cells if cell.error is not None)

    def method(self, label: str) -> MethodRecord:
        """The method of that label."""
        return next(method for method in self.methods if method.label == label)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; what is not a finite number is null."""
        cleaned: dict[str, Any] = _finite(asdict(self))
        return cleaned


def collect(
    run: Run,
    image_set: ImageSet,
    methods: Sequence[Method],
    config: BenchmarkConfig,
    device: torch.device,
) -> Results:
    """Put together what a run gave and what it depends on."""
    protocol = find_protocol(config.protocol)
    packages = dict.fromkeys(package for method in methods for package in method.packages)
    return Results(
        image_set=image_set.name,
        kind=image_set.kind,
        images=len(image_set.files),
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


def _record(method: Method, cells: Sequence[Cell]) -> MethodRecord:
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
