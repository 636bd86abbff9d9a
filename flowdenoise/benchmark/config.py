"""The settings of the benchmark and their defaults.

The command line takes its defaults from here, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from flowdenoise import noise
from flowdenoise.benchmark.protocols import AS_FOUND, SIGMAS, find_protocol
from flowdenoise.errors import UsageError
from flowdenoise.system.rules import Range, Size
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class BenchmarkConfig:
    """What to run.

    Attributes:
        sigmas_255: The noise levels on the scale of 0 to 255; ignored where none is added.
        protocol: The name of the protocol.
        limits: The number of images, from the first of the set, by a method's label; a method
            that is not named gets all images.
        pictures: The number of images whose results are kept as pictures, for the figure and the
            page.
    """

    sigmas_255: tuple[Annotated[float, Range(0, noise.WHITE)], ...] = SIGMAS
    protocol: str = "awgn"
    limits: Mapping[str, int] = field(default_factory=dict)
    pictures: Annotated[int, Range(0)] = 2

    def __post_init__(self) -> None:
        check(self)
        find_protocol(self.protocol)
        if not self.sigmas_255 or min(self.sigmas_255) <= 0:
            raise UsageError("a benchmark needs noise levels, each above 0")
        if len(set(self.sigmas_255)) < len(self.sigmas_255):
            raise UsageError("each noise level is named once: images must not count twice")

    @property
    def levels_255(self) -> tuple[float, ...]:
        """The levels of the cells: `sigmas_255`, or `AS_FOUND` alone where no noise is added."""
        return self.sigmas_255 if find_protocol(self.protocol).adds_noise else (AS_FOUND,)


@dataclass(frozen=True)
class WholeCommandConfig:
    """What to time the whole command on.

    Attributes:
        megapixels: The sizes of the photographs.
        rounds: The number of times that each is denoised.
    """

    megapixels: tuple[Annotated[float, Range(0.01, 10_000)], ...] = (12.0,)
    rounds: Size = 1

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SpeedConfig:
    """What to time.

    Attributes:
        methods: The methods, as a user names them.
        tiles: The sides of tiles for networks; 0 is the whole image at once.
        side: The side of the square image that networks are given.
        slow_side: The side of the square image that other methods are given.
        rounds: The number of times that each is timed.
        matrix: The side of the matrices whose product tells the machine's peak.
    """

    methods: str = "flowdenoise,dncnn,ffdnet"
    tiles: tuple[Annotated[int, Range(0)], ...] = (32, 64, 128, 256, 512, 0)
    side: Size = 1024
    slow_side: Size = 256
    rounds: Size = 3
    matrix: Size = 2048

    def __post_init__(self) -> None:
        check(self)
