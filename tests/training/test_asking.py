"""A teacher is asked about each patch in one of eight turns, or in all, and answers in place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from flowdenoise.images.turns import WAYS, turn, turn_back
from flowdenoise.system.random_streams import Draws
from flowdenoise.training.asking import ask_in_all_turns, ask_in_turns

COUNT, SIDE = 256, 8


class _Lopsided(nn.Module):
    """Adds what differs from place to place and from way to way, and what it is told."""

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        ramp = torch.linspace(0, 1, SIDE * SIDE, dtype=noisy.dtype).view(SIDE, SIDE)
        told = level[:, :1] if level.ndim == noisy.ndim else level[:, None, None, None]
        return noisy * ramp + told


def _draws(step: int = 0) -> Draws:
    return Draws.for_step(5, step, COUNT)


def _patches(channels: int) -> Tensor:
    made = torch.Generator().manual_seed(channels)
    return torch.rand(COUNT, channels, SIDE, SIDE, generator=made)


@pytest.mark.parametrize("maps", [False, True])
def test_each_answer_is_that_of_one_turn_and_all_turns_occur(maps: bool) -> None:
    noisy, teacher = _patches(3), _Lopsided()
    level = _patches(2) if maps else _patches(1)[:, 0, 0, 0]
    answers = ask_in_turns(teacher, noisy, level, _draws())
    seen = set()
    for index in range(COUNT):
        one, told = noisy[index : index + 1], level[index : index + 1]
        each = [
            turn_back(teacher(turn(one, way), turn(told, way) if maps else told), way)
            for way in WAYS
        ]
        found = [way for way in WAYS if torch.allclose(each[way][0], answers[index])]
        assert len(found) == 1
        seen.update(found)
    assert seen == set(WAYS)


def test_another_visit_draws_its_turns_anew_and_the_same_visit_draws_the_same() -> None:
    noisy, teacher, level = _patches(1), _Lopsided(), torch.zeros(COUNT)
    first = ask_in_turns(teacher, noisy, level, _draws())
    assert torch.equal(first, ask_in_turns(teacher, noisy, level, _draws()))
    assert not torch.equal(first, ask_in_turns(teacher, noisy, level, _draws(1)))
    assert not torch.equal(first, ask_in_turns(teacher, noisy, level, _draws(), 1))


def test_the_mean_of_many_visits_is_the_mean_of_eight_turns() -> None:
    noisy, teacher, level = _patches(1), _Lopsided(), torch.zeros(COUNT)
    visits = [ask_in_turns(teacher, noisy, level, _draws(step)) for step in range(400)]
    turned = [turn_back(teacher(turn(noisy, way), level), way) for way in WAYS]
    expected = torch.stack(turned).mean(0)
    deviation = torch.stack(turned).std(0) / len(visits) ** 0.5
    errors = (torch.stack(visits).mean(0) - expected).abs()
    assert (errors <= 6 * deviation + 1e-4).all()


def test_all_turns_give_their_mean() -> None:
    noisy = _patches(3)

    def left_neighbor(shown: Tensor, _: Tensor) -> Tensor:
        return shown.roll(1, -1)

    answers = ask_in_all_turns(_As(left_neighbor), noisy, _patches(2), stride=2)
    neighbors = [noisy.roll(step, axis) for step in (1, -1) for axis in (-1, -2)]
    inside = (..., slice(2, -2), slice(2, -2))
    assert torch.allclose(answers[inside], sum(neighbors)[inside] / 4, atol=1e-6)


def test_in_all_turns_a_teacher_sees_the_mosaic_where_it_learned_it() -> None:
    noisy = _patches(3)

    def red_alone(shown: Tensor, _: Tensor) -> Tensor:
        """What was measured in red, for whoever learned that it is in even rows and columns."""
        red = torch.zeros_like(shown)
        red[..., ::2, ::2] = shown[..., ::2, ::2]
        return red

    answers = ask_in_all_turns(_As(red_alone), noisy, _patches(2), stride=2)
    assert torch.allclose(answers, red_alone(noisy, noisy), atol=1e-6)


class _As(nn.Module):
    """A teacher that answers as a function does."""

    def __init__(self, answer: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, noisy: Tensor, maps: Tensor) -> Tensor:
        assert not noisy.shape[-1] % 2
        assert noisy.shape[2:] == maps.shape[2:]
        return self.answer(noisy, maps)


def test_nothing_is_learned_through_the_teacher() -> None:
    noisy = _patches(1).requires_grad_()
    assert not ask_in_turns(_Lopsided(), noisy, torch.zeros(COUNT), _draws()).requires_grad
