"""What a teacher makes of each image of the noisy corpus, found once, before the training.

To an image with one fixed noise the teacher has one answer. So instead of being asked about each
patch it can be asked about each whole image, in all eight turns, and the mean of the eight answers
is a better target than a single one. The answers lie in a memory-mapped file beside
the run, and patches are cut from them as from any corpus.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import NoiseConfig, noisy_image
from flowdenoise.engine import Denoiser, EngineConfig
from flowdenoise.errors import UsageError
from flowdenoise.optimization.run_folder import writing_to
from flowdenoise.system.atomic import replacing
from flowdenoise.system.device import choose_precision
from flowdenoise.training.kept import fingerprint

OnTaught = Callable[[int, int], None]
"""Called with the number of finished images and of all."""


def taught_corpus(
    teacher: nn.Module,
    corpus: Corpus,
    config: NoiseConfig,
    folder: Path,
    *,
    seed: int,
    levels: Tensor | None = None,
    color: ColorConfig = ColorConfig(),  # noqa: B008 - frozen
    on_taught: OnTaught | None = None,
) -> Corpus:
    """The corpus with the teacher's answers in place of the pixels, made or found in `folder`.

    Args:
        teacher: A denoiser or a prior that is conditioned on the noise level; it computes
            where it lies.
        corpus: The noisy corpus.
        config: The noise, which must be the same at each visit.
        folder: The folder of the answers, which must exist.
        seed: Seed of the noise.
        levels: The noise level of each image of a really noisy corpus, (I,).
        color: How the corpus's colors are varied; the teacher is asked about the mixed images.
        on_taught: Called after each image.

    Returns:
        Images of float16 on the [0, 1] scale, with names, sizes and keys of `corpus`.

    Raises:
        UsageError: The corpus has fresh noise at each visit.
        TrainingError: The file of answers can't be written.
    """
    if config.mode == "fresh":
        raise UsageError("a teacher can be asked once only about images with fixed noise")
    counts = corpus.heights * corpus.widths
    shape = (int(counts.sum()), corpus.channels)
    file = folder / f"taught-{_fingerprint(teacher, corpus, config, seed, levels, color)}.f16"
    if not file.exists() or file.stat().st_size != 2 * shape[0] * shape[1]:
        engine = _engine(teacher, corpus.channels)
        with writing_to(folder), replacing(file) as stream:
            for index in range(len(corpus)):
                noisy, sigma = noisy_image(
                    corpus, index, config, seed=seed, levels=levels, color=color
                )
                answer = engine(noisy[None], sigma)[0].permute(1, 2, 0)
                stream.write(answer.to("cpu", torch.float16).numpy().tobytes())
                if on_taught:
                    on_taught(index + 1, len(corpus))
    answers = torch.from_numpy(np.memmap(file, dtype=np.float16, mode="c", shape=shape))
    if corpus.pixels.device.type != "cpu":
        answers = answers.to(corpus.pixels.device)
    return replace(corpus, pixels=answers, offsets=counts.cumsum(0) - counts)


def _engine(teacher: nn.Module, channels: int) -> Denoiser:
    """The engine of the command, around a copy of the teacher, as it changes the precision."""
    where = next(teacher.parameters()).device
    precision = choose_precision("auto", where)
    copied = copy.deepcopy(teacher)
    config = EngineConfig(effort="best")
    networks = {channels: lambda: copied}
    return Denoiser(networks, {}, device=where, precision=precision, config=config)


def _fingerprint(
    teacher: nn.Module,
    corpus: Corpus,
    config: NoiseConfig,
    seed: int,
    levels: Tensor | None,
    color: ColorConfig,
) -> str:
    """What the answers depend on, as 16 hexadecimal digits."""
    settings = (seed, config.mode, config.sigma_range, config.eight_bit, corpus.names)
    colors = (replace(color, permute=0.0),) if color.mix > 0 else ()
    parts = [corpus.heights, corpus.widths, *teacher.state_dict().values()]
    return fingerprint((*settings, *colors), parts if levels is None else [*parts, levels])
