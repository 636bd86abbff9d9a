r"""Learn to clean photographs from noisy photographs alone: recorruption where light is measured.

Behind the sensor noise is neither independent nor Gaussian, so no noisy picture can be split in
two there. On the sensor it can. Each picture of the corpus has one noisy light y = x + n, its
noise n fixed for good, of variance v = a x + b. More noise u is added, of the variance w that a
camera at a higher ISO lacks there, and

    input   photograph(y + u)       mosaic, demosaicking, smoothing, tone curve, 8 bits, JPEG
    target  follow(y - (v / w) u)   demosaicked and smoothed alike, neither clipped nor curved

have uncorrelated noises, as cov(n + u, n - (v / w) u) = v - (v / w) w = 0 (Pang et al.,
"Recorrupted-to-Recorrupted", CVPR 2021, with a factor for each pixel). Were they normal, they
would be independent, and the best prediction of the target from the input would be the mean of
the clean light given the input. Photon noise is uneven, as counts are, and so is u, which has the
third moment that n lacks: what the target's noise then follows of a pixel's own noise z, in its
deviations, goes with z^2 - 1, whose mean is zero, so no brightness moves. The loss is
taken in linear light: the network's sRGB goes back through the tone curve. Its weight, the squared
slope of the curve, is computed from the input alone; any such weight leaves the best prediction
what it is, so the tone curve, clipping and JPEG bring no bias. Of the mean over a patch the
logarithm is taken, so that decibels count alike in flat and busy, quiet and noisy pictures.

What a camera does to the *signal*, the softness and the false color of demosaicking, smoothing,
sharpening and halved color, the target has too, with the same weights, those of the input: only
noise is to be undone, or the network learns to sharpen and to recolor what it should clean.

Earlier denoisers may teach: they answer the same photograph, told the same maps, and the mean of
their answers in linear light is the target but for a share `anchor` of the target above, which
holds their errors down. Two that learned from different photographs err differently, and their
mean is nearer to the truth than either. A small network then follows one function of the
photograph instead of a light that the photograph tells only in part, and may see each photograph
many times: see `lessons`. Such lessons are kept with the teachers' mean of all eight turns, and a
network may be taught by itself so: it then comes near to its own mean of turns. Asked about a
photograph with less noise, as in `losses.relay`, the teacher would answer no better than what is
there already: the target above is nearer to the truth.

Both variances are taken at a blurred y instead of at x, which nobody knows; what remains of that
is measured in the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise import metrics
from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus
from flowdenoise.errors import UsageError
from flowdenoise.flow import as_denoiser
from flowdenoise.images.turns import HALF_TURN
from flowdenoise.networks import NoiseMapNet
from flowdenoise.noise import camera, tone
from flowdenoise.noise.demosaicking import Demosaickings
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Factor, Multiple, Range, Share, Steps
from flowdenoise.system.typed import check
from flowdenoise.training.asking import IN_PHASE, ask_in_all_turns, ask_in_turns
from flowdenoise.training.kept import Kept, fingerprint
from flowdenoise.training.late_patches import Phases, check_late_patch
from flowdenoise.training.lessons import CameraPatches, Lessons, kept_lessons
from flowdenoise.training.simulated_photos import MARGIN, PhotoSource
from flowdenoise.training.validation_photos import Photos

_LEAST = 1e-7  # of the mean squared error of a patch, before its logarithm is taken


@dataclass(frozen=True)
class CameraTraining:
    """What this stage does, apart from the loop.

    Attributes:
        patch: The side of the patches.
        late_patch: The side of the patches near the end, in batches that are smaller accordingly;
            0 is no change.
        late_share: The share of the steps that use `late_patch`.
        shot: The range of the gain a, on the raw scale, of the noise that the pictures of the
            corpus have: photographs at ISO 100 to some thousands. What noise the input has is
            drawn from the range of its kind of camera.
        light: The range of a factor of each picture's light, drawn log-uniformly: how dim the
            scenes are whose noise grows with the sensitivity that they need.
        phones: The share of phones among the cameras; the others are equally likely.
        reduced: The share of photographs that are reduced behind the camera, to half their sides
            or more.
        blue_first: The share of photographs whose mosaic begins with blue in place of red.
        least: The least gain of the input's noise, as a multiple of the corpus's.
        jitter: The deviation of the logarithm of an error that the maps get.
        anchor: With teachers, the share of the stage's own target in what is learned from.
        kept: The number of batches that are made once and kept on the disk, to be learned from in
            turn; 0 makes each anew.
        demosaicking: The ways to demosaick, of which each photograph has one.
        target: `recorrupted` learns from noisy photographs; `clean` is the supervised baseline.
        baseline: Allows what the strict rule forbids, for comparison: clean targets.
        color: How the colors of pictures are varied, once for each picture.
        by_area: The exponent of the number of places of a picture in its chance to be cut from. At
            1 all places of all pictures have the same chance, at 0 all pictures.
    """

    patch: Annotated[int, Range(16, 2048), Multiple(8)] = 64
    late_patch: Annotated[int, Range(0, 2048)] = 128
    late_share: Share = 0.3
    shot: camera.Gains = (1e-6, 6e-4)
    light: camera.Gains = (1.0, 1.0)
    phones: Share = 1 / 3
    reduced: Share = 0.0
    blue_first: Share = 0.0
    least: Annotated[float, Range(1.0001, 2.0)] = 1.05
    jitter: Factor = 0.1
    anchor: Share = 0.1
    kept: Steps = 0
    by_area: Share = 1.0
    demosaicking: Demosaickings = camera.CameraConfig.demosaicking
    target: Literal["recorrupted", "clean"] = "recorrupted"
    baseline: bool = False
    color: ColorConfig = field(default_factory=lambda: ColorConfig(mix=0.2))

    def __post_init__(self) -> None:
        check(self)
        if self.target == "clean" and not self.baseline:
            raise UsageError("a clean target is that of a baseline, which baseline=true allows")
        check_late_patch(self)
        if self.late_patch and self.kept:
            raise UsageError("batches that are kept have one size: late_patch must be 0")
        if self.color.permute or not self.color.by_image:
            raise UsageError("a photograph has one light: its colors are mixed by image")


class CameraStage:
    """A denoiser of photographs in training: see `optimization.loop.Stage`.

    Args:
        model: The denoiser, with maps of brightness and color.
        corpus: Pictures that photographs are made of.
        training: The stage's settings.
        estimator: Tells the denoiser its maps.
        steps: The steps of the whole run, to know when it is late.
        seed: The seed of patches and noise.
        teachers: Denoisers to learn from, with maps of brightness and color.
        validation: Pairs of photographs to validate on, by what they are.
        folder: The folder of the run, below which lessons are kept; it need not exist.
        device: Where to train; None is where the pictures are.
    """

    def __init__(
        self,
        model: nn.Module,
        corpus: Corpus,
        training: CameraTraining,
        estimator: NoiseMapNet,
        *,
        steps: int,
        seed: int,
        teachers: Sequence[nn.Module] = (),
        validation: Photos = MappingProxyType({}),
        folder: Path | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.training = training
        self.estimator = estimator.eval().requires_grad_(False)
        self.teachers = [teacher.eval().requires_grad_(False) for teacher in teachers]
        self.validation = validation
        if any(as_denoiser(teacher).config.sigma_channels != 2 for teacher in teachers):
            raise UsageError("the teacher is told one level of noise, and photographs have two")

        def source(patch: int) -> PhotoSource:
            return PhotoSource.of(corpus, patch, training, seed, device)

        self.sources = Phases.of(source, training, steps)
        self.device = self.sources.early.sampler.device
        self.kept = None if folder is None else self._kept(folder, corpus, seed)

    def _kept(self, folder: Path, corpus: Corpus, seed: int) -> Kept[Lessons] | None:
        """Where lessons are kept: a folder of their own for all that they are made of."""
        if not self.training.kept:
            return None
        networks = (self.estimator, *self.teachers)
        parts = [*(part for one in networks for part in one.state_dict().values()), corpus.keys]
        name = f"lessons-{fingerprint((replace(self.training, kept=0), seed), parts)}"
        return kept_lessons(folder / name, self.training.kept, self.device)

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """Mean objective of a share of the batch of `step`."""
        source, first, count = self.sources.at(step, first, count)
        with torch.no_grad():
            make = partial(self.lessons, source, first=first, count=count)
            kept = self.kept
            lessons = kept.share(step, first, count, make) if kept else make(step)
        denoised = model(lessons.noisy, lessons.maps).float()
        light = tone.untone(denoised, lessons.contrast)
        error = lessons.weight * (light - lessons.target).square()
        inside = error[..., MARGIN:-MARGIN, MARGIN:-MARGIN].flatten(1).mean(1)
        return (inside + _LEAST).log().mean()

    def lessons(self, source: PhotoSource, step: int, first: int, count: int) -> Lessons:
        """What a share of the batch of `step` teaches."""
        draws = source.draws(step, count, first)
        with torch.autocast(draws.keys.device.type, enabled=False):
            patches = source.patches(draws)
            maps = self.maps(patches.noisy, draws)
        taught = replace(patches, target=self.target(patches, maps, draws))
        lessons = Lessons(**vars(taught), maps=maps)
        half_turn = draws.uniform(Stream.CAMERA_BLUE_FIRST) < self.training.blue_first
        return lessons.turned(torch.where(half_turn, HALF_TURN, 0).to(maps.device))

    def maps(self, noisy: Tensor, draws: Draws) -> Tensor:
        """What the denoiser is told of the noise of (B, 3, P, P), with a little error."""
        maps = coarse_maps(self.estimator, noisy)
        streams = (Stream.BRIGHTNESS_ERROR, Stream.COLOR_ERROR)
        unit = torch.stack([torch.special.ndtri(draws.uniform(s).double()) for s in streams], 1)
        return maps * torch.exp(self.training.jitter * unit.to(maps))[:, :, None, None]

    @torch.no_grad()
    def target(self, patches: CameraPatches, maps: Tensor, draws: Draws) -> Tensor:
        """The linear light to learn from, (B, 3, P, P): the patches' own, or the teachers'."""
        if not self.teachers:
            return patches.target
        answers = [
            tone.untone(self._asked(which, patches.noisy, maps, draws), patches.contrast)
            for which in range(len(self.teachers))
        ]
        light = torch.stack(answers).mean(0)
        return light + self.training.anchor * (patches.target - light)

    def _asked(self, which: int, noisy: Tensor, maps: Tensor, draws: Draws) -> Tensor:
        """What a teacher makes of patches: of those that are kept, in the mean of all turns."""
        teacher = self.teachers[which]
        if self.training.kept:
            return ask_in_all_turns(teacher, noisy, maps, as_denoiser(teacher).config.stride)
        return ask_in_turns(teacher, noisy, maps, draws, which, IN_PHASE)

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean PSNR over pairs of each kind, estimated maps."""
        return {
            f"psnr_{name}": sum(
                metrics.psnr(self._denoised(model, noisy), clean) for noisy, clean in pairs
            )
            / len(pairs)
            for name, pairs in self.validation.items()
        }

    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        """The first pair of each kind: noisy, denoised, clean, side by side."""
        return {
            name: torch.cat([noisy, self._denoised(model, noisy), clean], 2)
            for name, ((noisy, clean), *_) in self.validation.items()
        }

    def _denoised(self, model: nn.Module, noisy: Tensor) -> Tensor:
        """What the model makes of a photograph (3, H, W), where it came from."""
        photo = noisy[None].to(self.device)
        denoised: Tensor = model(photo, coarse_maps(self.estimator, photo))[0]
        return denoised.float().clamp(0, 1).to(noisy.device)


def coarse_maps(estimator: NoiseMapNet, noisy: Tensor) -> Tensor:
    """The maps that a denoiser takes, (B, 2, H, W): coarse levels of brightness and color."""
    levels = estimator(noisy).levels[:, 1::2]
    return F.interpolate(levels, size=noisy.shape[-2:], mode="bilinear", align_corners=False)
