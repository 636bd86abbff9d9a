"""What a run of the benchmark does, and what it does unless the user says otherwise.

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
        sigmas_255: Noise levels on the scale of 0 to 255; not looked at where none is added.
        protocol: Name.
        limits: Most images by a method's label, the first ones of the set; all where it is not
            named.
        pictures: Images whose results are kept as pictures, for the figure and the page.
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

    @property
    def levels_255(self) -> tuple[float, ...]:
        """The levels of the cells: `sigmas_255`, or `AS_FOUND` alone where no noise is added."""
        return self.sigmas_255 if find_protocol(self.protocol).adds_noise else (AS_FOUND,)


@dataclass(frozen=True)
class WholeCommandConfig:
    """On what to time the whole command.

    Attributes:
        megapixels: Sizes of the photographs.
        rounds: How often each is denoised.
    """

    megapixels: tuple[Annotated[float, Range(0)], ...] = (12.0,)
    rounds: Size = 1

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SpeedConfig:
    """What to time.

    Attributes:
        methods: As a user names them.
        tiles: Sides of tiles for networks; 0 is the whole image at once.
        side: Of the square image that networks are given.
        slow_side: Of the one that other methods are given.
        rounds: How often each is timed.
        matrix: Side of the matrices whose product tells the machine's peak.
    """

    methods: str = "flowdenoise,dncnn,ffdnet"
    tiles: tuple[Annotated[int, Range(0)], ...] = (32, 64, 128, 256, 512, 0)
    side: Size = 1024
    slow_side: Size = 256
    rounds: Size = 3
    matrix: Size = 2048

    def __post_init__(self) -> None:
        check(self)
