"""Which network denoises, where and how it runs, and how much it removes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from flowdenoise import noise
from flowdenoise.errors import UsageError
from flowdenoise.system.rules import Factor, Range, Size
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class EngineConfig:
    """What `Denoiser.load` can be told.

    Attributes:
        model: A name that `flowdenoise weights list` shows, a path, or an address on the Hub.
            `auto` takes the shipped denoisers and `auto-prior` the shipped priors, color or gray
            as a picture needs.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: In what the network multiplies: `float32`, `bfloat16`, or `auto`: bfloat16 where
            that is fast.
        tile: Side of a tile; None is the network's own default, as of the next two.
        overlap: Context on each side of a tile, in pixels.
        tile_batch: Tiles that are run together.
        thorough: Take the mean over the eight ways to turn and mirror a picture: better by about
            0.1 dB, eight times as long.
        offline: Never ask the network for weights.
    """

    model: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    tile: Annotated[int, Range(0)] | None = None
    overlap: Annotated[int, Range(0)] | None = None
    tile_batch: Size | None = None
    thorough: bool = False
    offline: bool = False

    def __post_init__(self) -> None:
        check(self)


NoiseKind = Literal["auto", "white", "camera"]
"""What the noise of a picture is taken for."""

SigmaOrAuto = float | Literal["auto"]
"""A noise level on the [0, 1] scale, or the wish that it be estimated."""


@dataclass(frozen=True)
class RemovalConfig:
    """How much is removed from a picture.

    Attributes:
        sigma: Noise level on the [0, 1] scale, or `auto` to estimate it.
        strength: Factor of the noise level that is removed; 0 leaves the picture alone.
        noise: `white` takes the noise for white, `camera` for that of a camera, and `auto` for
            what it looks like. With a level given, it is taken for white.
        luma: Factor of the noise of brightness that is removed, of a camera's noise.
        chroma: Factor of the noise of color that is removed, of a camera's noise.
    """

    sigma: SigmaOrAuto = "auto"
    strength: Factor = 1.0
    noise: NoiseKind = "auto"
    luma: Factor = 1.0
    chroma: Factor = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.sigma, int | float):
            noise.check_sigma(self.sigma)
        check(self)
        if self.noise == "camera" and self.sigma != "auto":
            raise UsageError("the noise of a camera has no single level: leave sigma to be found")
