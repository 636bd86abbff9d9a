"""Second stage: train a denoiser on noisy patches, with or without a prior that judges it.

What is minimized is a data term of the table in `training.objectives`. Those that see more of an
image than one noisy version run only where the configuration says `baseline`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

import torch
from torch import Tensor, nn

from flowdenoise import metrics, noise
from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import NoiseConfig, PatchSampler, quiet_weights
from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow, as_denoiser
from flowdenoise.images import as_floats
from flowdenoise.images.borders import mirror
from flowdenoise.system.device import fast_bfloat16
from flowdenoise.system.rules import Range, Share
from flowdenoise.system.typed import check
from flowdenoise.training.late_patches import Phases, check_late_patch
from flowdenoise.training.losses import ObjectiveConfig
from flowdenoise.training.objectives import NEEDS, Need, data_term
from flowdenoise.training.prior_term import prior_term
from flowdenoise.training.targets import BatchSources

VALIDATION_SIGMAS = (15, 25, 50)
"""Noise levels of the validation, 0 to 255 scale."""


@dataclass(frozen=True)
class DenoiserTraining:
    """What the second stage does, apart from the loop.

    Attributes:
        objective: The objective, which is minimized.
        noise: The noise of the noisy corpus.
        color: How the colors of the noisy corpus are varied.
        patch: Side of the patches.
        late_patch: Side of the patches near the end, in batches that are smaller accordingly;
            0 is no change.
        late_share: Share of the steps that use `late_patch`.
        baseline: Allows what the strict rule forbids, for comparison: clean targets, or a second
            noisy version of an image.
        teach_once: The teacher is asked once about each whole image, in eight turns, instead of
            about each patch: see `training.teaching`.
    """

    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    color: ColorConfig = field(default_factory=ColorConfig)
    patch: Annotated[int, Range(8, 2048)] = 64
    late_patch: Annotated[int, Range(0, 2048)] = 0
    late_share: Share = 0.3
    baseline: bool = False
    teach_once: bool = False

    def __post_init__(self) -> None:
        check(self)
        term = data_term(self.objective.data_term)
        if term.breaks_the_rule and not self.baseline:
            what = _words(term.needs)
            raise UsageError(f"{term.name} sees {what}: a baseline, which baseline=true allows")
        if term.breaks_the_rule and self.noise.mode == "none":
            raise UsageError(f"{term.name} needs images that noise is added to")
        check_late_patch(self)
        if self.objective.blur > self.patch:
            raise UsageError(f"a blur of {self.objective.blur} is larger than the patch")
        if self.noise.mode == "none" and self.color.varies:
            raise UsageError("varied colors would alter the noise of really noisy images")
        fresh_mix = self.color.mix > 0 and not self.color.by_image
        if fresh_mix and (self.noise.mode == "fixed" or self.teach_once):
            raise UsageError("images whose noise is fixed have one mix of colors: color.by_image")


def _words(needs: frozenset[Need]) -> str:
    return " and ".join(words for need, words in NEEDS.items() if need in needs)


class DenoiserStage:
    """A denoiser in training: see `optimization.loop.Stage`.

    Args:
        model: The denoiser, `d(noisy, sigma)`.
        corpus: Images that the noisy patches are made of, on the training device.
        training: The stage's settings.
        steps: Number of steps of the whole run, which tells when `late_patch` begins.
        seed: Seed of the patches and the noise.
        prior: The flow that judges the output; None without a prior term.
        teacher: The network that denoises the noisy patches for the objectives that want it: a
            prior that is conditioned on the noise level, or a denoiser.
        validation: Clean images that noise is added to, for PSNR.
        device: The training device; None is where the images are.
        levels: The noise level of each image of a really noisy corpus, (I,).
        taught: What the teacher made of the corpus, from `training.teaching`, where it is not to
            be asked about patches.
    """

    def __init__(
        self,
        model: nn.Module,
        corpus: Corpus,
        training: DenoiserTraining,
        *,
        steps: int,
        seed: int,
        prior: Glow | None = None,
        teacher: nn.Module | None = None,
        validation: Corpus | None = None,
        device: torch.device | None = None,
        levels: Tensor | None = None,
        taught: Corpus | None = None,
    ) -> None:
        self.model = model
        self.training = training
        self.prior = prior.eval().requires_grad_(False) if prior is not None else None
        self.teacher = teacher.eval().requires_grad_(False) if teacher is not None else None
        self.validation = validation
        self.term = data_term(training.objective.data_term)
        self._check(corpus)

        weights = quiet_weights(corpus, training.noise, seed)
        sampler = partial(PatchSampler, seed=seed, device=device, levels=levels, weights=weights)

        def sources(patch: int) -> BatchSources:
            unmixed = replace(training.color, mix=0.0)  # the teacher saw the mixed colors
            return BatchSources(
                sampler(corpus, patch, color=training.color),
                training.noise,
                training.objective,
                prior=self.prior,
                teacher=self.teacher,
                answers=None if taught is None else sampler(taught, patch, color=unmixed),
            )

        self.sources = Phases.of(sources, training, steps)

    def _check(self, corpus: Corpus) -> None:
        """Check that all is there that the objective needs, and that it fits the images."""
        objective, needs = self.training.objective, self.term.needs
        helpers: tuple[tuple[Need, nn.Module | None], ...] = (
            ("prior", self.prior),
            ("teacher", self.teacher),
        )
        for need, network in helpers:
            if network is None and need in needs:
                raise UsageError(f"{self.term.name} needs {NEEDS[need]}")
            if network is None:
                continue
            channels = network.config.image_channels  # type: ignore[union-attr]
            if channels != corpus.channels:
                raise UsageError(
                    f"the {need} is for {channels} channels, the images have {corpus.channels}"
                )
        if isinstance(self.teacher, Glow) and not self.teacher.config.noise_levels:
            raise UsageError("only a prior that is conditioned on the noise level can teach")
        if self.prior is None and objective.prior_scale > 0:
            raise UsageError("a prior scale above 0 needs a prior")
        if self.prior is None or self.prior.config.noise_levels:
            return
        if objective.prior_level:
            raise UsageError("this prior knows clean pictures only: prior_level must be 0")
        if "prior" in needs:
            raise UsageError(f"{self.term.name} needs {NEEDS['prior']}")

    @property
    def judge(self) -> Glow | None:
        """The prior that judges the output, where it has not had its say in the target."""
        judges = self.training.objective.prior_scale > 0 and "prior" not in self.term.needs
        return self.prior if judges else None

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """Mean objective of a share of the batch of `step`."""
        objective = self.training.objective
        sources, first, count = self.sources.at(step, first, count)
        batch = self.term.sample(sources, sources.patches.draws(step, count, first))
        if self.term.target is not None:
            batch = replace(batch, target=self.term.target(sources, batch))
        value = self.term.loss(model, batch, objective)
        if self.judge is None:
            return value.loss.mean()
        return (value.loss + prior_term(self.judge, value, objective)).mean()

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean PSNR over the validation images, by noise level."""
        if self.validation is None:
            return {}
        return {
            f"psnr{sigma}": validation_psnr(model, self.validation, noise.from_255(sigma))
            for sigma in VALIDATION_SIGMAS
        }

    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        """One validation image at sigma 25: clean, noisy, denoised, side by side."""
        if self.validation is None:
            return {}
        clean = as_floats(self.validation.image(0))
        noisy = noise.add_gaussian(clean, 25 / 255, seed=0)
        return {
            "denoised": torch.cat([clean, noisy, whole(model, noisy, 25 / 255)], 2).clamp(0, 1)
        }


@torch.no_grad()
def validation_psnr(model: nn.Module, images: Corpus, sigma: float) -> float:
    """Mean PSNR of denoised images under protocol `awgn`, whole images, unrounded."""
    values = []
    for index in range(len(images)):
        clean = as_floats(images.image(index))
        noisy = noise.add_gaussian(clean, sigma, seed=0)
        values.append(metrics.psnr(whole(model, noisy, sigma).clamp(0, 1), clean))
    return sum(values) / len(values)


@torch.no_grad()
def whole(model: nn.Module, noisy: Tensor, sigma: float, *, exact: bool = False) -> Tensor:
    """Denoise one (C, H, W) image without tiles, mirrored to a size that the network takes.

    Args:
        model: The denoiser.
        noisy: The image.
        sigma: The noise level on the [0, 1] scale.
        exact: Whether to compute in float32 even where bfloat16 is fast.
    """
    height, width = noisy.shape[-2:]
    stride = as_denoiser(model).config.stride
    rows, columns = (mirror(-(-side // stride) * stride, side) for side in (height, width))
    padded = noisy[None][:, :, rows.to(noisy.device)][..., columns.to(noisy.device)]
    fast = not exact and fast_bfloat16(noisy.device)  # it costs less than 0.01 dB
    with torch.autocast(noisy.device.type, torch.bfloat16, enabled=fast):
        denoised: Tensor = model(padded.contiguous(memory_format=torch.channels_last), sigma)
    return denoised[0, :, :height, :width].float()
