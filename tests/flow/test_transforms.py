"""Every transform through the same checks: it inverts, and its log-determinant is autograd's."""

from collections.abc import Callable

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from flowdenoise.flow.conditioning import ConditionalScale
from flowdenoise.flow.coupling import Affine, Coupling
from flowdenoise.flow.layers import ActNorm, InvertibleConv1x1, Logit, Squeeze
from flowdenoise.flow.level import FlowStep
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.flow.transform import Chain, Transform, gaussian_log_prob

CONTEXT = 5

TRANSFORMS: dict[str, Callable[[int], Transform]] = {
    "actnorm": ActNorm,
    "conv1x1 in LU form": lambda channels: InvertibleConv1x1(channels, "lu"),
    "conv1x1 in plain form": lambda channels: InvertibleConv1x1(channels, "plain"),
    "squeeze": lambda channels: Squeeze(),
    "logit": lambda channels: Logit(0.05),
    "conditional scale": lambda channels: ConditionalScale(channels, CONTEXT),
    "affine coupling, tanh": lambda channels: Coupling(channels, 6, scale="tanh"),
    "affine coupling, sigmoid": lambda channels: Coupling(channels, 6, scale="sigmoid"),
    "additive coupling": lambda channels: Coupling(channels, 6, scale="none"),
    "coupling with actnorm and noise level": lambda channels: Coupling(
        channels, 6, scale="tanh", context=CONTEXT, actnorm=True
    ),
    "a whole step": lambda channels: FlowStep(channels, GlowConfig(hidden_channels=6), CONTEXT),
    "a step with additive coupling": lambda channels: FlowStep(
        channels, GlowConfig(hidden_channels=6, scale="none", conv="plain"), 0
    ),
    "a chain": lambda channels: Chain([ActNorm(channels), Squeeze(), ActNorm(4 * channels)]),
}

shapes = st.tuples(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)
)  # batch, and halves of channels, height, width


def build(name: str, channels: int, seed: int) -> Transform:
    """A transform in float64 with nothing left at its initial value."""
    torch.manual_seed(seed)
    transform = TRANSFORMS[name](channels).double()
    for parameter in transform.parameters():
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    return transform


@pytest.mark.parametrize("name", TRANSFORMS)
@given(shape=shapes, seed=st.integers(0, 10**6))
def test_inverse_and_log_determinant(
    name: str, shape: tuple[int, int, int, int], seed: int
) -> None:
    batch, channels, height, width = shape[0], 2 * shape[1], 2 * shape[2], 2 * shape[3]
    transform = build(name, channels, seed)
    x = torch.rand(batch, channels, height, width, dtype=torch.float64)
    context = torch.randn(batch, CONTEXT, dtype=torch.float64)
    z, log_abs_det = transform(x, context)
    assert log_abs_det.shape == (batch,)
    assert log_abs_det.dtype == torch.float64
    assert torch.allclose(transform.inverse(z, context), x, atol=1e-8)
    for index in range(batch):

        def flat(values: Tensor, index: int = index) -> Tensor:
            image = values.view(1, channels, height, width)
            return transform(image, context[index : index + 1])[0].flatten()

        jacobian = torch.autograd.functional.jacobian(flat, x[index].flatten())
        expected = torch.linalg.slogdet(jacobian)[1]
        assert float(log_abs_det[index].detach()) == pytest.approx(float(expected), abs=1e-8)


def test_actnorm_initialized_on_a_batch_standardizes_it() -> None:
    x = 3 + 5 * torch.randn(8, 4, 6, 6, dtype=torch.float64)
    x[:, 1] *= 100
    norm = ActNorm(4).double()
    value, _ = norm.initialize(x)
    assert torch.allclose(value.mean((0, 2, 3)), torch.zeros(4, dtype=torch.float64), atol=1e-10)
    deviation = value.std((0, 2, 3), correction=0)
    assert torch.allclose(deviation, torch.ones(4, dtype=torch.float64))
    assert torch.equal(norm(x)[0], value)


def test_a_constant_channel_does_not_break_the_initialization() -> None:
    value, log_abs_det = ActNorm(2).initialize(torch.ones(4, 2, 3, 3))
    assert torch.isfinite(value).all()
    assert torch.isfinite(log_abs_det).all()


def test_a_chain_is_initialized_on_what_its_first_part_makes() -> None:
    x = 10 * torch.randn(16, 2, 4, 4, dtype=torch.float64) + 7
    chain = Chain([ActNorm(2), InvertibleConv1x1(2), ActNorm(2)]).double()
    value, log_abs_det = chain.initialize(x)
    assert float(value.std()) == pytest.approx(1, abs=1e-3)
    again, log_again = chain(x)
    assert torch.allclose(value, again)
    assert torch.allclose(log_abs_det, log_again)


def test_a_new_coupling_changes_nothing() -> None:
    x = torch.randn(2, 4, 3, 3)
    value, log_abs_det = Coupling(4, 8, scale="tanh")(x)
    assert torch.equal(value, x)
    assert float(log_abs_det.detach().abs().max()) == 0


@pytest.mark.parametrize("bounded_by_gain", [True, False])
def test_the_written_out_derivatives_of_the_coupling_are_right(bounded_by_gain: bool) -> None:
    torch.manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    x, raw = draw(2, 3, 2, 2), draw(2, 6, 2, 2)
    gain = draw(1, 3, 1, 1) if bounded_by_gain else None

    def results(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        return Affine.apply(*inputs)[:2]

    strided = x.detach().to(memory_format=torch.channels_last).requires_grad_(True)
    assert torch.autograd.gradcheck(results, (x, raw, gain))
    assert torch.autograd.gradcheck(results, (strided, raw, gain))
    assert torch.autograd.gradgradcheck(results, (x, raw, gain))


def test_gaussian_log_prob_is_that_of_torch() -> None:
    z, mean, log_scale = torch.randn(3, 2, 4, 5, 5, dtype=torch.float64)
    expected = torch.distributions.Normal(mean, log_scale.exp()).log_prob(z).flatten(1).sum(1)
    assert torch.allclose(gaussian_log_prob(z, mean, log_scale), expected)
