"""A picture with its noise examined, from which all of it or a part can be denoised."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flowdenoise.engine.planes import Plane
from flowdenoise.engine.trial.linear_light import LinearLight
from flowdenoise.estimation import (
    LEARNED,
    ClippedEnds,
    Estimate,
    Finding,
    NoiseMaps,
    Phase,
    together,
)
from flowdenoise.images import Picture

_AROUND, _AROUND_COARSE = 16, 48  # pixels of context of a part, multiples of a cell of noise maps


@dataclass(frozen=True)
class ExaminedPlane:
    """A plane of a picture, with its noise examined.

    Attributes:
        plane: The channels that are denoised together.
        finding: What was found out about their noise.
        ends: The ends at which white noise was cut off, one for all channels or one for each.
        light: What the denoised plane lacks, where the noise of a photograph is strong.
        phase: Where the red of a photograph's mosaic is.
    """

    plane: Plane
    finding: Finding
    ends: tuple[ClippedEnds, ...] = ()
    light: LinearLight | None = None
    phase: Phase = LEARNED

    @property
    def picture(self) -> Picture:
        """The plane as a picture."""
        return self.plane.picture

    @property
    def estimate(self) -> Estimate:
        """The noise, estimated or given."""
        return self.finding.estimate

    def part(self, rows: slice, columns: slice) -> ExaminedPlane:
        """Take a part of the plane, see `Examined.part`."""
        plane, finding = self.plane.part(rows, columns), self.finding.part(rows, columns)
        return replace(self, plane=plane, finding=finding)


@dataclass(frozen=True)
class Examined:
    """A picture whose noise is known.

    Attributes:
        picture: The picture as it came.
        planes: Its planes; a picture of a single color has none.
        told: The noise level if it was given, on the [0, 1] scale; None if it was estimated.
    """

    picture: Picture
    planes: tuple[ExaminedPlane, ...]
    told: float | None = None

    @property
    def known(self) -> Estimate:
        """What is known of the noise of all planes together, estimated or given."""
        return together([plane.estimate for plane in self.planes])

    @property
    def estimate(self) -> Estimate | None:
        """The estimate; None if the level was given and the picture is not constant."""
        if self.told is not None and self.planes:
            return None
        return self.known

    @property
    def sigma(self) -> float:
        """The noise level of the picture, found or given, on the [0, 1] scale."""
        if self.told is not None:
            return self.told
        return self.known.sigma

    @property
    def maps(self) -> NoiseMaps | None:
        """The maps of the noise, if it is that of a camera, as people see it.

        There is no noise of color in them if only brightness has noise.
        """
        maps = self.known.maps
        return maps.without_color() if maps is not None and self.is_colorless else maps

    @property
    def is_colorless(self) -> bool:
        """Whether only brightness has noise."""
        return all(plane.picture.channels == 1 for plane in self.planes)

    @property
    def noisy(self) -> tuple[ExaminedPlane, ...]:
        """The planes from which there is noise to remove."""
        return tuple(plane for plane in self.planes if not plane.estimate.untouched)

    def part(self, rows: slice, columns: slice) -> Examined:
        """Take a part of the picture, with what is known of the whole.

        Args:
            rows: The rows, from a multiple of 8, the side of a cell of noise maps.
            columns: The columns, likewise.
        """
        planes = tuple(plane.part(rows, columns) for plane in self.planes)
        return Examined(self.picture.part(rows, columns), planes, self.told)

    def around(self, rows: slice, columns: slice) -> tuple[Examined, tuple[slice, slice]]:
        """Take a part of the picture with the context that a network needs around it.

        Args:
            rows: The rows of the part, within the picture.
            columns: The columns of the part, likewise.

        Returns:
            The larger part, and the place of the part in it.
        """
        coarse = any(plane.estimate.maps is not None for plane in self.planes)
        around = _AROUND_COARSE if coarse else _AROUND
        outer, inner = [], []
        for side, length in ((rows, self.picture.height), (columns, self.picture.width)):
            first = max(0, side.start - around) // _AROUND * _AROUND
            outer.append(slice(first, min(length, side.stop + around)))
            inner.append(slice(side.start - first, side.stop - first))
        return self.part(outer[0], outer[1]), (inner[0], inner[1])
