"""Finding out what there is to remove from a picture: its planes, and the noise of each.

picture --planes--> find the noise --method noise--> believe it --> what light is lost to it
|                                ^
+---- of brightness alone? ------+
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from flowdenoise.engine.choices import SigmaOrAuto
from flowdenoise.engine.denoisers import Denoisers
from flowdenoise.engine.examined import Examined, ExaminedPlane
from flowdenoise.engine.planes import Brightness, Plane, planes_of
from flowdenoise.engine.trial.belief import believed
from flowdenoise.engine.trial.linear_light import STRONG, LinearLight
from flowdenoise.engine.trial.soft_texture import SoftTexture
from flowdenoise.engine.trial.windows import Trial, middle_of, phase_of
from flowdenoise.estimation import (
    Estimate,
    Estimators,
    Finding,
    clipped_ends_of,
    has_specks,
    has_white_noise_of_color,
    is_colorless,
    is_sensitive,
    is_texture,
    may_be_colorless,
    may_be_texture,
    shows_jpeg,
    together,
)
from flowdenoise.images import Picture
from flowdenoise.noise import NoiseKind


@dataclass(frozen=True)
class Examiner:
    """What finds out the noise of pictures.

    Attributes:
        estimators: The networks that estimate noise.
        networks: The networks that denoise; what they remove tells whether it was noise.
        device: The device that computes.
        threads: The number of threads that compute.
    """

    estimators: Estimators
    networks: Denoisers
    device: torch.device
    threads: int

    def estimate(self, picture: Picture, kind: NoiseKind) -> Estimate:
        """What is known of the noise of a picture, see `Denoiser.estimate`."""
        return together([plane.estimate for plane in self._found_in(picture, kind)])

    def examine(self, picture: Picture, sigma: SigmaOrAuto, kind: NoiseKind) -> Examined:
        """Find out everything that denoising a picture needs, see `Denoiser.examine`."""
        if sigma == "auto":
            found = self._found_in(picture, kind)
            return Examined(picture, tuple(self._with_losses(plane) for plane in found))
        told = Finding(Estimate(float(sigma), "noisy" if sigma else "clean"))
        given = (ExaminedPlane(plane, told) for plane in self._planes(picture))
        return Examined(picture, tuple(self._with_losses(plane) for plane in given), float(sigma))

    def _planes(self, picture: Picture) -> tuple[Plane, ...]:
        self.networks.check_channels(picture.channels)
        return planes_of(picture, tuple(self.networks.sources))

    def _found_in(self, picture: Picture, kind: NoiseKind) -> Iterator[ExaminedPlane]:
        """Find the noise of all planes of a picture, whatever its file says of compression."""
        if picture.lossless and shows_jpeg(picture):
            picture = replace(picture, lossless=False)
        return (self._found(plane, kind) for plane in self._planes(picture))

    def _found(self, plane: Plane, kind: NoiseKind) -> ExaminedPlane:
        """Find the noise of a plane; specks look like detail, or like noise of some other kind."""
        found = self._noise_of(plane, kind)
        estimate = found.estimate
        if estimate.verdict not in ("clean", "not white") or not has_specks(plane.picture):
            return found
        finding = replace(found.finding, estimate=replace(estimate, verdict="specks"))
        return replace(found, finding=finding)

    def _noise_of(self, plane: Plane, kind: NoiseKind) -> ExaminedPlane:
        """Find the noise of a plane, or of its brightness if that alone is noisy."""
        picture, finding = plane.picture, self._find(plane.picture, kind)
        in_color = picture.channels > 1 and self.estimators.know_cameras_in(1)
        doubted = may_be_texture(finding) and not is_sensitive(picture)
        if kind != "auto" or not in_color or not (doubted or may_be_colorless(finding)):
            return ExaminedPlane(plane, finding)
        middle = middle_of(picture)
        if has_white_noise_of_color(finding, middle):
            return ExaminedPlane(plane, finding)
        brightness = Brightness.of(picture)
        alone = self._find(brightness.picture, kind)
        colorless = is_colorless(finding, alone, lossless=picture.lossless)
        if colorless and not has_white_noise_of_color(finding, middle, alone):
            return ExaminedPlane(brightness, alone)
        if doubted and is_texture(finding, alone, lossless=picture.lossless):
            finding = replace(finding, estimate=Estimate(alone.estimate.sigma, "not white"))
        return ExaminedPlane(plane, finding)

    def _find(self, picture: Picture, kind: NoiseKind) -> Finding:
        networks = self.networks
        prior = None if kind == "camera" else networks.prior(picture.channels)
        finding = self.estimators.find(picture, kind, prior=prior, apart=1 in networks.sources)
        if kind != "auto":
            return finding
        with torch.no_grad():
            soft = SoftTexture(self.estimators, self.device)
            return believed(picture, finding, networks.quick_for, self.device, soft)

    def _with_losses(self, plane: ExaminedPlane) -> ExaminedPlane:
        """Find out what the picture lost to its noise: values that were cut off, or light.

        What a photograph's mosaic is goes with it.
        """
        picture, estimate = plane.picture, plane.estimate
        if estimate.untouched:
            return plane
        if estimate.maps is None:
            return replace(plane, ends=clipped_ends_of(picture, estimate.levels, self.threads))
        plane = replace(plane, phase=phase_of(picture))
        return replace(plane, light=self._light(plane))

    @torch.no_grad()
    def _light(self, plane: ExaminedPlane) -> LinearLight | None:
        """Find out what light a color photograph will lack whose noise is strong."""
        picture, estimate = plane.picture, plane.estimate
        if estimate.maps is None or estimate.sigma < STRONG or picture.channels == 1:
            return None
        network = replace(self.networks.chosen_for(estimate)(picture.channels), thorough=False)
        trial = Trial.of(picture, estimate.maps, network, self.device, plane.phase)
        return None if trial is None else LinearLight.of(trial.pixels, trial.denoised)
