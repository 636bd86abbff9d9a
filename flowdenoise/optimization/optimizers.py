"""Optimizers by name: Adam, and Muon for the convolutions inside a network.

Muon (K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024) steps
along the momentum's nearest orthogonal matrix: all directions of a layer learn at one speed. A
convolution's kernel counts as a matrix of (outputs, inputs * height * width). The first and last
layers, gains and biases are left to Adam. torch's own `torch.optim.Muon` takes matrices only, so
it can't train a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn, optim

Optimizer = Literal["adam", "muon"]


def build_optimizer(
    name: Optimizer, model: nn.Module, learning_rate: float, betas: tuple[float, float]
) -> optim.Optimizer | Together:
    """The optimizer of that name for all parameters of `model`."""
    named = [(key, value) for key, value in model.named_parameters() if value.requires_grad]
    if name == "adam":
        return _adam([value for _, value in named], learning_rate, betas)
    inner = [value for key, value in named if _is_inner(key, value)]
    outer = [value for key, value in named if not _is_inner(key, value)]
    return Together([Muon(inner, lr=learning_rate), _adam(outer, learning_rate, betas)])


def _adam(
    parameters: Iterable[Tensor], learning_rate: float, betas: tuple[float, float]
) -> optim.Adam:
    """Adam in one pass over all parameters: a flow has hundreds of small ones."""
    return optim.Adam(parameters, lr=learning_rate, betas=betas, fused=True)


def _is_inner(name: str, parameter: nn.Parameter) -> bool:
    """A convolution that neither sees the image nor makes it."""
    return parameter.ndim == 4 and not name.startswith(("head.", "tail."))


class Muon(optim.Optimizer):
    """Momentum, orthogonalized.

    The step's entries have a root mean square of about 0.2 times the rate, as Adam's have, so
    both take the same rate (Liu et al., "Muon is scalable for LLM training", 2025).

    Args:
        parameters: Kernels of two or more dimensions, of which the first counts the outputs.
        lr: Learning rate.
        momentum: Weight of the past in the momentum, which is Nesterov's.
    """

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move all parameters that have a gradient."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for parameter in group["params"]:
                if (gradient := parameter.grad) is not None:
                    direction = self._direction(parameter, gradient, group["momentum"])
                    alike.setdefault(parameter.shape, []).append((parameter, direction))
            for shape, some in alike.items():
                matrices = torch.stack([direction for _, direction in some]).flatten(2)
                step = -group["lr"] * 0.2 * max(matrices.shape[1:]) ** 0.5
                updates = orthogonalize(matrices).to(matrices.dtype).reshape(-1, *shape)
                for (parameter, _), update in zip(some, updates, strict=True):
                    parameter.add_(update, alpha=step)

    def _direction(self, parameter: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        """The gradient of a parameter with its momentum, of the same shape."""
        state = self.state[parameter]
        if not state:
            state["average"] = torch.zeros_like(parameter)
        average: Tensor = state["average"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def orthogonalize(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Approximate the nearest orthogonal matrices, by Newton-Schulz iteration in bfloat16.

    The quintic's coefficients are Jordan's: they pull singular values between 0.001 and 1 into
    about 0.7 to 1.2 within five rounds, which is near enough for a step's direction. Matrices of
    one size are multiplied together, which takes half the time of one after another.

    Args:
        matrices: (..., M, N).
        rounds: Number of iterations.

    Returns:
        (..., M, N) in bfloat16.
    """
    wide = matrices.shape[-2] <= matrices.shape[-1]
    x = (matrices if wide else matrices.mT).bfloat16()
    x = x / (torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    orthogonal: Tensor = x if wide else x.mT
    return orthogonal


class Together:
    """Several optimizers that step as one.

    Args:
        parts: The optimizers, each with parameters of its own.
    """

    def __init__(self, parts: list[optim.Optimizer]) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parts."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        """Step all parts."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of all parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the states of all parts back."""
        for part, own in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(own)
