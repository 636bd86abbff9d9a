"""Second stage: train a denoiser on noisy patches, with or without a prior that judges it.

The corpus gives noisy patches only. `teacher` and `relay` ask a teacher what it makes of them: a
prior, by `flow.tweedie`, or an earlier denoiser; `descent` asks the prior, by `flow.descent`.
`supervised` is the baseline with clean targets, which runs only where the configuration says
`baseline`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from flowdenoise import metrics, noise
from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import NoiseConfig, NoisyPatches, PatchSampler, quiet_weights
from flowdenoise.engine.tiling import mirror
from flowdenoise.errors import UsageError
from flowdenoise.flow.descent import LEAST_SIGMA, descend
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.tweedie import tweedie
from flowdenoise.training.objectives import (
    DataTerm,
    ObjectiveConfig,
    data_term,
    prior_term,
    prior_weight,
    regression,
    relay,
)

TAUGHT = ("teacher", "relay")
"""Data terms that need a teacher."""

VALIDATION_SIGMAS = (15, 25, 50)
"""Noise levels of the validation, 0 to 255 scale."""


@dataclass(frozen=True)
class DenoiserTraining:
    """What the second stage does, apart from the loop.

    Attributes:
        objective: What to minimize.
        noise: The noise of the noisy corpus.
        color: How the colors of the noisy corpus are varied.
        patch: Side of the patches.
        late_patch: Side of the patches near the end, in batches that are smaller accordingly;
            0 is no change.
        late_share: Share of the steps that use `late_patch`.
        baseline: Allows clean targets, for the supervised baseline.
        teach_once: The teacher is asked once about each whole image, in eight turns, instead of
            about each patch: see `training.teaching`.
    """

    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    color: ColorConfig = field(default_factory=ColorConfig)
    patch: int = 64
    late_patch: int = 0
    late_share: float = 0.3
    baseline: bool = False
    teach_once: bool = False

    def __post_init__(self) -> None:
        if self.objective.data_term == "supervised" and not self.baseline:
            raise UsageError("clean targets are for the supervised baseline: ask for it by name")
        if self.late_patch and self.late_patch % self.patch:
            raise UsageError("the late patch must be a multiple of the patch")
        if self.noise.mode == "none" and self.color.varies:
            raise UsageError("varied colors would alter the noise of really noisy images")
        fresh_mix = self.color.mix > 0 and not self.color.by_image
        if fresh_mix and (self.noise.mode == "fixed" or self.teach_once):
            raise UsageError("images whose noise is fixed have one mix of colors: color.by_image")


@dataclass(frozen=True)
class _Samplers:
    """Patches of one size: the noisy ones and, in the same places, what a teacher made of them."""

    noisy: PatchSampler
    taught: PatchSampler | None


class DenoiserStage:
    """A denoiser in training: see `training.loop.Stage`.

    Args:
        model: The denoiser, `d(noisy, sigma)`.
        corpus: Images that the noisy patches are made of, on the training device.
        training: The stage's settings.
        steps: Steps of the whole run, to know when it is late.
        seed: Of patches and noise.
        prior: Judges the output; None without prior term.
        teacher: Denoises the noisy patches for the objectives that want it: a prior that is
            conditioned on the noise level, or a denoiser.
        validation: Clean images that noise is added to, for PSNR.
        device: Where to train; None is where the images are.
        levels: (I,) noise level of each image of a really noisy corpus.
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

        weights = quiet_weights(corpus, training.noise, seed)

        def samplers(patch: int) -> _Samplers:
            def sampler(images: Corpus, color: ColorConfig) -> PatchSampler:
                return PatchSampler(
                    images,
                    patch,
                    seed=seed,
                    device=device,
                    levels=levels,
                    weights=weights,
                    color=color,
                )

            noisy = sampler(corpus, training.color)
            if taught is None:
                return _Samplers(noisy, None)
            return _Samplers(noisy, sampler(taught, replace(training.color, mix=0.0)))

        self.samplers = samplers(training.patch)
        self.late_from = steps
        self.late_samplers = self.samplers
        if training.late_patch:
            self.late_samplers = samplers(training.late_patch)
            self.late_from = round(steps * (1 - training.late_share))
        self._check(corpus)
        objective = training.objective
        judges = objective.prior_scale > 0 and objective.data_term != "descent"
        self.judge = self.prior if judges else None

    def _check(self, corpus: Corpus) -> None:
        objective = self.training.objective
        descent = objective.data_term == "descent"
        if (objective.prior_scale > 0 or descent) and self.prior is None:
            raise UsageError("this objective needs a prior")
        if objective.data_term in TAUGHT and self.teacher is None:
            raise UsageError("this objective needs a teacher")
        for name, network in (("prior", self.prior), ("teacher", self.teacher)):
            if network is None:
                continue
            channels = network.config.image_channels  # type: ignore[union-attr]
            if channels != corpus.channels:
                raise UsageError(
                    f"the {name} is for {channels} channels, the images have {corpus.channels}"
                )
        if self.prior is not None and not self.prior.config.noise_levels:
            if objective.prior_level:
                raise UsageError("this prior knows clean pictures only: prior_level must be 0")
            if descent:
                raise UsageError("descent begins with a prior that is conditioned on the noise")
        if isinstance(self.teacher, Glow) and not self.teacher.config.noise_levels:
            raise UsageError("only a prior that is conditioned on the noise level can teach")

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """Mean objective of a share of the batch of `step`."""
        samplers = self.samplers
        if step >= self.late_from:
            samplers = self.late_samplers
            shrink = (self.training.late_patch // self.training.patch) ** 2
            first, count = first // shrink, max(1, count // shrink)
        draws = samplers.noisy.draws(step, count, first)
        batch = samplers.noisy.noisy(draws, self.training.noise)
        term = self._data_term(model, batch, samplers)
        loss = term.loss
        if self.judge is not None:
            loss = loss + prior_term(self.judge, term, self.training.objective)
        return loss.mean()

    def _data_term(self, model: nn.Module, batch: NoisyPatches, samplers: _Samplers) -> DataTerm:
        objective = self.training.objective
        if objective.data_term == "supervised":
            clean = samplers.noisy.clean(batch.draws).float() / 255
            return regression(model, batch, clean, objective)
        if objective.data_term == "teacher":
            return regression(model, batch, self._taught(batch, samplers), objective)
        if objective.data_term == "descent":
            return regression(model, batch, self._descended(batch), objective)
        if objective.data_term == "relay":
            return relay(model, batch, self._taught(batch, samplers), objective)
        return data_term(objective.data_term)(model, batch, objective)

    def _taught(self, batch: NoisyPatches, samplers: _Samplers) -> Tensor:
        """The teacher's estimate of the clean patches, (B, C, P, P) float32."""
        if samplers.taught is not None:
            return samplers.taught.clean(batch.draws).float()
        assert self.teacher is not None  # noqa: S101 - checked in the constructor
        if not isinstance(self.teacher, Glow):
            with torch.no_grad():
                return self.teacher(batch.noisy, batch.sigma).float()  # type: ignore[no-any-return]
        return self._tweedie(self.teacher, batch)

    def _descended(self, batch: NoisyPatches) -> Tensor:
        """What the prior and the noisy patches together make likeliest, (B, C, P, P)."""
        assert self.prior is not None  # noqa: S101 - checked in the constructor
        objective, sigma = self.training.objective, batch.sigma.clamp(min=LEAST_SIGMA)
        dimensions = self.prior.config.dimensions
        return descend(
            self.prior,
            batch.noisy,
            sigma,
            self._tweedie(self.prior, batch),
            scale=prior_weight(sigma, dimensions, objective) * dimensions / (2 * sigma.square()),
            steps=objective.descent_steps,
        )

    @staticmethod
    def _tweedie(flow: Glow, batch: NoisyPatches) -> Tensor:
        if batch.noisy.shape[-1] != flow.config.size:
            raise UsageError(f"this flow takes patches of {flow.config.size} pixels")
        return tweedie(flow, batch.noisy, batch.sigma)

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
        clean = self.validation.image(0).float() / 255
        noisy = noise.add_gaussian(clean, 25 / 255, seed=0)
        return {
            "denoised": torch.cat([clean, noisy, whole(model, noisy, 25 / 255)], 2).clamp(0, 1)
        }


@torch.no_grad()
def validation_psnr(model: nn.Module, images: Corpus, sigma: float) -> float:
    """Mean PSNR of denoised images under protocol `awgn`, whole images, unrounded."""
    values = []
    for index in range(len(images)):
        clean = images.image(index).float() / 255
        noisy = noise.add_gaussian(clean, sigma, seed=0)
        values.append(metrics.psnr(whole(model, noisy, sigma).clamp(0, 1), clean))
    return sum(values) / len(values)


@torch.no_grad()
def whole(model: nn.Module, noisy: Tensor, sigma: float) -> Tensor:
    """Denoise one (C, H, W) image without tiles, mirrored to a size that the network takes."""
    height, width = noisy.shape[-2:]
    stride: int = getattr(model.config, "stride", 1)
    rows, columns = (mirror(-(-side // stride) * stride, side) for side in (height, width))
    padded = noisy[None][:, :, rows.to(noisy.device)][..., columns.to(noisy.device)]
    device_type = noisy.device.type
    with torch.autocast(device_type, torch.bfloat16, enabled=_fast_validation(device_type)):
        denoised: Tensor = model(padded.contiguous(memory_format=torch.channels_last), sigma)
    return denoised[0, :, :height, :width].float()


def _fast_validation(device_type: str) -> bool:
    """Whether bfloat16 is quick on the device; it costs less than 0.01 dB."""
    return device_type == "cuda" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
