"""What a run of the benchmark does, and what it does unless the user says otherwise.

The command line takes its defaults from here, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flowdenoise import noise
from flowdenoise.benchmark.protocols import AS_FOUND, SIGMAS, find_protocol
from flowdenoise.errors import UsageError


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

    sigmas_255: tuple[float, ...] = SIGMAS
    protocol: str = "awgn"
    limits: Mapping[str, int] = field(default_factory=dict)
    pictures: int = 2

    def __post_init__(self) -> None:
        find_protocol(self.protocol)
        for sigma in self.sigmas_255:
            noise.from_255(sigma)
        if not self.sigmas_255 or min(self.sigmas_255) <= 0:
            raise UsageError("a benchmark needs noise levels, each above 0")

    @property
    def levels_255(self) -> tuple[float, ...]:
        """The levels of the cells: `sigmas_255`, or `AS_FOUND` alone where no noise is added."""
        return self.sigmas_255 if find_protocol(self.protocol).adds_noise else (AS_FOUND,)


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
    tiles: tuple[int, ...] = (32, 64, 128, 256, 512, 0)
    side: int = 1024
    slow_side: int = 256
    rounds: int = 3
    matrix: int = 2048

    def __post_init__(self) -> None:
        if min(self.side, self.slow_side, self.rounds, self.matrix) < 1:
            raise UsageError("sizes and rounds must be at least 1")
