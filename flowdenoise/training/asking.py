"""Asking a teacher about patches, each in a turn of its own.

Pictures are as likely one way as another, so the mean of a teacher's answers in all eight turns is
better than any of them (`engine.self_ensemble`). A network that learns from answers by squared
errors learns their mean. So one answer is enough, if each visit of a patch draws its turn anew:
what is learned is the mean of eight, at the cost of one. A patch that is kept with its answer, to
be learned from many times, has the mean of all eight.

A photograph is not as likely one way as another: its mosaic begins with red in an even row and
column, and most turns move that. A teacher that learned behind a mosaic is asked in the others, or
in all with the mosaic moved back.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from flowdenoise.engine.tiles.in_phase import self_ensemble_in_phase
from flowdenoise.estimation import LEARNED
from flowdenoise.images.turns import WAYS, turn_back_each, turn_each
from flowdenoise.system.random_streams import Draws, Stream

IN_PHASE = (0, 4)
"""The ways that leave a mosaic's red and green where they are: none, and transposed."""


@torch.no_grad()
def ask_in_turns(
    teacher: nn.Module,
    noisy: Tensor,
    level: Tensor,
    draws: Draws,
    which: int = 0,
    ways: Sequence[int] = WAYS,
) -> Tensor:
    """What a teacher makes of noisy patches, each turned for it in one of several ways.

    Args:
        teacher: A denoiser, `d(noisy, level)`.
        noisy: The patches, (B, C, P, P).
        level: What the teacher is told of the noise: a number for each patch, (B,), or maps,
            (B, M, P, P), which are turned as the patches are.
        draws: Random numbers of each patch.
        which: The number of the teacher, where several are asked, each in turns of its own.
        ways: The ways, of which one is drawn for each patch.

    Returns:
        (B, C, P, P) float32, turned back.
    """
    drawn = (len(ways) * draws.uniform(Stream.TEACHER_TURN + 8 * which)).long()
    chosen = torch.tensor(ways, device=drawn.device)[drawn]
    told = turn_each(level, chosen) if level.ndim == noisy.ndim else level
    answer: Tensor = teacher(turn_each(noisy, chosen), told)
    return turn_back_each(answer.float(), chosen)


@torch.no_grad()
def ask_in_all_turns(teacher: nn.Module, noisy: Tensor, maps: Tensor, stride: int) -> Tensor:
    """The mean of what a teacher makes of photographs in all eight turns, its mosaic in place.

    Args:
        teacher: A denoiser, `d(noisy, maps)`.
        noisy: The patches, (B, C, P, P), whose mosaic begins with red.
        maps: What the teacher is told of the noise, (B, M, P, P).
        stride: The number of which the sides of the teacher's patches are multiples.

    Returns:
        (B, C, P, P) float32.
    """
    channels = noisy.shape[1]

    def answer(both: Tensor) -> Tensor:
        made: Tensor = teacher(both[:, :channels], both[:, channels:])
        return made.float()

    return self_ensemble_in_phase(answer, torch.cat([noisy, maps], 1), LEARNED, stride)
