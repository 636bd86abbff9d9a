"""A picture with its noise examined, from which all of it or a part can be denoised."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flowdenoise.engine.clipping import ClippedEnds, clipped_ends_of
from flowdenoise.engine.estimate import Estimate, together
from flowdenoise.engine.linear_light import LinearLight
from flowdenoise.engine.noise_maps import NoiseMaps
from flowdenoise.engine.planes import Plane
from flowdenoise.images import Picture

_AROUND, _AROUND_COARSE = 16, 48  # pixels of context of a part, multiples of a cell of noise maps


@dataclass(frozen=True)
class Finding:
    """What is known of one plane of a picture.

    Attributes:
        plane: The channels that are denoised together.
        estimate: The noise of these channels, estimated or given.
        ends: The ends at which white noise was cut off, one for all channels or one for each.
        doubted: The maps of a camera's noise that were found, too, and that the estimate speaks
            against.
        otherwise: The finding without the maps of a camera's noise, if the estimate has them.
        light: What a denoised photograph lacks, where its noise is strong.
    """

    plane: Plane
    estimate: Estimate
    ends: tuple[ClippedEnds, ...] = ()
    doubted: NoiseMaps | None = None
    otherwise: Finding | None = None
    light: LinearLight | None = None

    @classmethod
    def of_white(cls, plane: Plane, estimate: Estimate, threads: int) -> Finding:
        """The finding for white noise, some of which may have been cut off.

        Args:
            plane: The channels that are denoised together.
            estimate: Their noise.
            threads: The number of threads that compute.
        """
        if estimate.untouched:
            return cls(plane, estimate)
        return cls(plane, estimate, clipped_ends_of(plane.picture, estimate.levels, threads))

    def part(self, rows: slice, columns: slice) -> Finding:
        """The finding for a part of the picture, see `Examined.part`."""
        maps = self.estimate.maps
        if maps is not None:
            maps = maps.part(rows, columns)
        plane = replace(self.plane, picture=self.plane.picture.part(rows, columns))
        estimate = replace(self.estimate, maps=maps)
        return replace(self, plane=plane, estimate=estimate, doubted=None, otherwise=None)


@dataclass(frozen=True)
class Examined:
    """A picture whose noise is known.

    Attributes:
        picture: The picture as it came.
        findings: The findings, one for each plane; a picture of a single color has none.
        told: The noise level if it was given, on the [0, 1] scale; None if it was estimated.
    """

    picture: Picture
    findings: tuple[Finding, ...]
    told: float | None = None

    @property
    def known(self) -> Estimate:
        """What is known of the noise of all planes together, estimated or given."""
        return together([finding.estimate for finding in self.findings])

    @property
    def estimate(self) -> Estimate | None:
        """The estimate; None if the level was given and the picture is not constant."""
        if self.told is not None and self.findings:
            return None
        return self.known

    @property
    def sigma(self) -> float:
        """The noise level of the picture, found or given, on the [0, 1] scale."""
        if self.told is not None:
            return self.told
        return self.known.sigma

    @property
    def noisy(self) -> tuple[Finding, ...]:
        """The findings of planes from which there is noise to remove."""
        return tuple(finding for finding in self.findings if not finding.estimate.untouched)

    def part(self, rows: slice, columns: slice) -> Examined:
        """Take a part of the picture, with what is known of the whole.

        Args:
            rows: The rows, from a multiple of 8, the side of a cell of noise maps.
            columns: The columns, likewise.
        """
        findings = tuple(finding.part(rows, columns) for finding in self.findings)
        return Examined(self.picture.part(rows, columns), findings, self.told)

    def around(self, rows: slice, columns: slice) -> tuple[Examined, tuple[slice, slice]]:
        """Take a part of the picture with the context that a network needs around it.

        Args:
            rows: The rows of the part, within the picture.
            columns: The columns of the part, likewise.

        Returns:
            The larger part, and the place of the part in it.
        """
        coarse = any(finding.estimate.maps is not None for finding in self.findings)
        around = _AROUND_COARSE if coarse else _AROUND
        outer, inner = [], []
        for side, length in ((rows, self.picture.height), (columns, self.picture.width)):
            first = max(0, side.start - around) // _AROUND * _AROUND
            outer.append(slice(first, min(length, side.stop + around)))
            inner.append(slice(side.start - first, side.stop - first))
        return self.part(outer[0], outer[1]), (inner[0], inner[1])
