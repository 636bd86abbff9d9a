"""Asking a teacher about patches, each in a turn of its own.

Pictures are as likely one way as another, so the mean of a teacher's answers in all eight turns is
better than any of them (`engine.self_ensemble`). A network that learns from answers by squared
errors learns their mean. So one answer is enough, if each visit of a patch draws its turn anew:
what is learned is the mean of eight, at the cost of one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowdenoise.images.turns import WAYS, turn_back_each, turn_each
from flowdenoise.system.random_streams import Draws, Stream


@torch.no_grad()
def ask_in_turns(
    teacher: nn.Module, noisy: Tensor, level: Tensor, draws: Draws, which: int = 0
) -> Tensor:
    """What a teacher makes of noisy patches, each turned for it in one of eight ways.

    Args:
        teacher: A denoiser, `d(noisy, level)`.
        noisy: The patches, (B, C, P, P).
        level: What the teacher is told of the noise: a number for each patch, (B,), or maps,
            (B, M, P, P), which are turned as the patches are.
        draws: Random numbers of each patch.
        which: The number of the teacher, where several are asked, each in turns of its own.

    Returns:
        (B, C, P, P) float32, turned back.
    """
    ways = (len(WAYS) * draws.uniform(Stream.TEACHER_TURN + 8 * which)).long()
    told = turn_each(level, ways) if level.ndim == noisy.ndim else level
    answer: Tensor = teacher(turn_each(noisy, ways), told)
    return turn_back_each(answer.float(), ways)
