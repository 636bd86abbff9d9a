"""`denoise(picture)`: the whole program as one function."""

from __future__ import annotations

import functools
import os
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from flowdenoise import batch
from flowdenoise.batch import BatchConfig
from flowdenoise.engine import (
    Crop,
    Denoiser,
    EngineConfig,
    RemovalConfig,
    SigmaOrAuto,
    address_of,
)
from flowdenoise.errors import FlowdenoiseWarning, ImageError, UsageError
from flowdenoise.estimation import VERDICTS, Verdict
from flowdenoise.images.in_memory import unpack
from flowdenoise.noise import NoiseKind

T = TypeVar("T")


def denoise(
    image: T,
    sigma: SigmaOrAuto = RemovalConfig.sigma,
    *,
    strength: float = RemovalConfig.strength,
    noise: NoiseKind = RemovalConfig.noise,
    luma: float = RemovalConfig.luma,
    chroma: float = RemovalConfig.chroma,
    detail: float = RemovalConfig.detail,
    crop: Crop | None = None,
    model: str | os.PathLike[str] = EngineConfig.model,
    effort: str = EngineConfig.effort,
    device: str = EngineConfig.device,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> T:
    """Remove the noise from a picture and give it back in the kind that it came in.

    Args:
        image: The path of a file, its bytes, a Pillow image, an array (H, W) or (H, W, C), or a
            tensor (C, H, W) or (B, C, H, W). White is the largest number of an integer type, and
            1.0 for floats.
        sigma: The noise level on the [0, 1] scale, such as 25/255, or `auto` to estimate it.
        strength: The factor by which more or less noise than that is removed.
        noise: The kind of noise: `white`, `camera`, or `auto`, which decides by the picture.
        luma: The factor for the noise of brightness of a camera.
        chroma: The factor for the noise of color of a camera.
        detail: The share of fine texture that comes back.
        crop: The part that is denoised and given back; None is all.
        model: The weights, see `EngineConfig`, or their path; `auto` takes color or gray as
            needed.
        effort: The time that a picture may take: `fast`, `normal` or `best`.
        device: The device that computes: `auto`, `cpu`, `cuda` or `mps`.
        output: The file to write, only if `image` is a path; by default it lies beside that file,
            with `_denoised` in its name.
        overwrite: Whether an existing file may be replaced, likewise.

    Returns:
        The denoised picture in the kind of `image`; for a path, that of the file that was written.
        A picture that stays as it is, such as a clean one, is given back itself, unless a crop
        is asked for.

    Raises:
        FlowdenoiseError: The picture can't be denoised. The message is one line that says why.

    Warns:
        FlowdenoiseWarning: The result lacks something that the picture has, such as CMYK colors
            or the frames of an animation; or its black and its white were guessed; or it stays
            as it is although it may have noise, whose level is not known.

    Example:
        >>> import numpy as np
        >>> noisy = np.random.default_rng(0).normal(0.5, 0.1, (64, 64, 3))
        >>> denoise(noisy, sigma=0.1).std() < 0.02
        np.True_
    """
    removal = RemovalConfig(sigma, strength, noise, luma, chroma, detail)
    denoiser = _loaded(EngineConfig(address_of(model), device, effort=effort))
    if isinstance(image, str | os.PathLike):
        target, notes = _denoise_file(denoiser, Path(image), removal, crop, output, overwrite)
        result = type(image)(target) if isinstance(image, str | Path) else target
    elif output is not None or overwrite:
        raise UsageError("`output` and `overwrite` are for pictures that are given as paths")
    else:
        result, notes = _denoise_held(denoiser, image, removal, crop)
    for note in dict.fromkeys(notes):
        warnings.warn(note, FlowdenoiseWarning, stacklevel=2)
    return result


@functools.lru_cache(maxsize=4)
def _loaded(config: EngineConfig) -> Denoiser:
    return Denoiser.load(config.model, effort=config.effort, device=config.device)


def _denoise_held(
    denoiser: Denoiser, image: Any, removal: RemovalConfig, crop: Crop | None
) -> tuple[Any, tuple[str, ...]]:
    """Denoise a picture in memory; the second result is what was lost, a line each."""
    pictures, restore = unpack(image)
    how = asdict(removal)
    results = [denoiser.denoise_picture(picture, crop=crop, **how) for picture in pictures]
    unknown = tuple(
        note
        for result in results
        if result.untouched and result.estimate
        for note in _unknown(result.estimate.verdict)
    )
    if crop is None and all(result.untouched for result in results):
        return image, unknown
    lost = tuple(warning for picture in pictures for warning in picture.warnings)
    restored, left_out = restore([result.picture for result in results])
    return restored, lost + left_out + unknown


def _denoise_file(
    denoiser: Denoiser,
    source: Path,
    removal: RemovalConfig,
    crop: Crop | None,
    output: str | os.PathLike[str] | None,
    overwrite: bool,
) -> tuple[Any, tuple[str, ...]]:
    """Denoise a file, likewise."""
    target = None if output is None else os.fspath(output)
    template = None if crop is None else batch.PREVIEW
    plan = batch.plan_jobs([str(source)], batch.Naming(target, template))
    if len(plan.jobs) != 1:
        raise UsageError(f"{source} is more than one picture")
    existing: batch.Existing = "overwrite" if overwrite else "refuse"
    config = BatchConfig(**asdict(removal), crop=crop, existing=existing)
    (outcome,) = batch.run(plan.jobs, denoiser, config)
    if outcome.error is not None:
        raise ImageError(outcome.error)
    unknown = _unknown(outcome.verdict) if outcome.status == "unknown" else ()
    return outcome.job.target, outcome.warnings + unknown


def _unknown(verdict: Verdict | None) -> tuple[str, ...]:
    """The line about a picture that was left as it is, though it may have noise."""
    if verdict not in ("not white", "specks"):
        return ()
    return (f"the picture stays as it is: {VERDICTS[verdict]}",)
