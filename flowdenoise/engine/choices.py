"""Which network denoises, where and how it runs, and how much it removes."""

from __future__ import annotations

import numbers
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from flowdenoise import noise
from flowdenoise.errors import UsageError
from flowdenoise.noise import NoiseKind
from flowdenoise.system.rules import Factor, OneOf, Range, Share, Size, shown
from flowdenoise.system.typed import check

Grain = Literal["fine", "coarse"]
"""The grain of a camera's noise: as demosaicking leaves it, or smoothed by the camera."""


@dataclass(frozen=True)
class Effort:
    """The time that a picture may take, and so the weights that `auto` takes.

    Attributes:
        models: The names of weights for all pictures, by number of channels; the first that is
            shipped is taken.
        photos: The names of weights for photographs by the grain of their noise, likewise; where
            none is shipped, those for all pictures are taken.
        any_model: Whether this effort can be made with other weights, too.
        self_ensemble: Whether the result is the mean over the eight ways to turn and mirror the
            picture, which gains 0.04 to 0.10 dB and takes six to seven times as long.
        eight_bits: Whether inner blocks multiply integers of 8 bits, where that is faster than
            bfloat16; where it is faster than float32, they do in any case.
        looked_at: How much of a large picture its noise is estimated by, a share of the usual.
    """

    models: Mapping[int, tuple[str, ...]]
    photos: Mapping[Grain, tuple[str, ...]]
    any_model: bool = True
    self_ensemble: bool = False
    eight_bits: bool = False
    looked_at: float = 1.0


_NORMAL = Effort({3: ("color",), 1: ("gray",)}, {"fine": ("photo",), "coarse": ("photo-coarse",)})

EFFORTS = {
    "fast": Effort(
        {3: ("color-fast", "color"), 1: ("gray-fast", "gray")},
        {"fine": ("photo-fast", "photo"), "coarse": ("photo-coarse-fast", "photo-coarse")},
        any_model=False,
        eight_bits=True,
        looked_at=0.5,
    ),
    "normal": _NORMAL,
    "best": replace(_NORMAL, self_ensemble=True),
}
"""The efforts that can be asked for, by name."""

_FAST = EFFORTS["fast"]
TRIALS = replace(
    _FAST,
    photos={
        "fine": ("photo-trial", *_FAST.photos["fine"]),
        "coarse": ("photo-coarse-trial", *_FAST.photos["coarse"]),
    },
)
"""The weights for the windows that are denoised first: what they remove of noise and of texture
is known, and what is believed of noise follows from it, whichever weights make the result."""


@dataclass(frozen=True)
class EngineConfig:
    """What `Denoiser.load` can be told.

    Attributes:
        model: A name that `flowdenoise weights list` shows, a path, or an address on the Hub.
            `auto` takes the shipped denoisers and `auto-prior` the shipped priors, color or gray
            as a picture needs.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: The numbers in which the network multiplies: `float32`, `bfloat16`, or `auto`,
            which takes bfloat16 where that is fast, and integers of 8 bits for inner blocks where
            these are faster, as `Effort` says.
        tile: The side of a tile, in pixels. Here and in the next two, None takes the network's
            own default.
        overlap: The context on each side of a tile, in pixels.
        tile_batch: The number of tiles that are run together.
        effort: The time that a picture may take, a name in `EFFORTS`.
        offline: Whether weights must be there already: nothing is fetched.
    """

    model: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    tile: Annotated[int, Range(0)] | None = None
    overlap: Annotated[int, Range(0)] | None = None
    tile_batch: Size | None = None
    effort: Annotated[str, OneOf(tuple(EFFORTS))] = "normal"
    offline: bool = False

    def __post_init__(self) -> None:
        check(self)
        if self.model != "auto" and not EFFORTS[self.effort].any_model:
            raise UsageError(
                f"the effort {self.effort} chooses the weights itself: leave out `model`"
            )


def address_of(model: str | os.PathLike[str]) -> str:
    """The text that names a model; a path leads to a file, never to weights of that name.

    >>> address_of("color"), address_of(Path("color"))
    ('color', './color')
    """
    if isinstance(model, str) or not isinstance(model, os.PathLike):
        return model  # `EngineConfig` refuses what is no text
    path = os.fsdecode(model)
    return path if path != Path(path).name else f"./{path}"


SigmaOrAuto = float | Literal["auto"]
"""A noise level on the [0, 1] scale, or the request to estimate it."""


@dataclass(frozen=True)
class RemovalConfig:
    """How much is removed from a picture.

    Attributes:
        sigma: The noise level on the [0, 1] scale, or `auto` to estimate it.
        strength: How much is removed: below 1 that share of what 1 removes, so 0 leaves the
            picture as it is; above 1 what 1 removes of so many times as much noise.
        noise: Whether the noise counts as `white` or as that of a `camera`; `auto` decides by the
            picture. Noise whose level is given counts as white.
        luma: The same for the noise of brightness alone, where the noise is that of a camera.
        chroma: The same for the noise of color alone, where the noise is that of a camera.
        detail: The share of fine texture that comes back where more was removed than the noise of
            a camera explains.
    """

    sigma: SigmaOrAuto = "auto"
    strength: Factor = 1.0
    noise: NoiseKind = "auto"
    luma: Factor = 1.0
    chroma: Factor = 1.0
    detail: Share = 0.0

    @property
    def for_cameras(self) -> tuple[str, ...]:
        """The settings that were changed and that act on the noise of a camera only."""
        usual = RemovalConfig()
        own = ("luma", "chroma", "detail")
        return tuple(name for name in own if getattr(self, name) != getattr(usual, name))

    def __post_init__(self) -> None:
        if isinstance(self.sigma, numbers.Real):
            noise.check_sigma(self.sigma)
        check(self)
        if self.noise == "camera" and self.sigma != "auto":
            raise UsageError("the noise of a camera has no single level: leave sigma to be found")


@dataclass(frozen=True)
class Crop:
    """A part of a picture, in pixels.

    Attributes:
        width: The width of the part.
        height: The height.
        left: The column of the picture at which it begins.
        top: The row.
    """

    width: Annotated[int, Range(1)]
    height: Annotated[int, Range(1)]
    left: Annotated[int, Range(0)] = 0
    top: Annotated[int, Range(0)] = 0

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def checked(cls, crop: object) -> Crop:
        """Return `crop` if it is one.

        Raises:
            UsageError: It is something else.
        """
        if not isinstance(crop, cls):
            raise UsageError(f"crop must be a Crop, as Crop(640, 480), not {shown(crop)}")
        return crop

    @classmethod
    def parse(cls, text: str) -> Crop:
        """Read a part as the command line writes it.

        Args:
            text: The part as WIDTHxHEIGHT+LEFT+TOP.

        Raises:
            UsageError: The text is not of that form.

        >>> Crop.parse("640x480+100+20")
        Crop(width=640, height=480, left=100, top=20)
        """
        found = re.fullmatch(r"(\d{1,9})x(\d{1,9})\+(\d{1,9})\+(\d{1,9})", text)
        if found is None:
            raise UsageError(f"a crop is WIDTHxHEIGHT+LEFT+TOP, as 640x480+100+20, not {text!r}")
        return cls(*map(int, found.groups()))

    def of(self, width: int, height: int) -> tuple[slice, slice]:
        """The rows and the columns of the part in a picture of that size.

        Raises:
            UsageError: The part reaches beyond the picture.
        """
        if self.left + self.width > width or self.top + self.height > height:
            raise UsageError(
                f"the crop {self.width}x{self.height}+{self.left}+{self.top} reaches beyond the "
                f"picture, which is {width}x{height}"
            )
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
