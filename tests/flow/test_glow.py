"""Glow as a whole: a density that inverts, samples, and can be learned from."""

import math
from typing import get_args

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch.utils.flop_counter import FlopCounterMode

from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow, GlowConfig, dequantize
from flowdenoise.flow.coupling import Scale
from flowdenoise.flow.split import Split

configs = st.builds(
    GlowConfig,
    image_channels=st.sampled_from([1, 3]),
    size=st.just(8),
    levels=st.integers(1, 3),
    steps_per_level=st.integers(1, 2),
    hidden_channels=st.just(6),
    scale=st.sampled_from(["tanh", "sigmoid", "none"]),
    conv=st.sampled_from(["lu", "plain"]),
    actnorm_in_coupling=st.booleans(),
    noise_levels=st.booleans(),
    split=st.sampled_from(["net", "conv"]),
)


def random_glow(config: GlowConfig, seed: int = 0) -> Glow:
    torch.manual_seed(seed)
    flow = Glow(config).double()
    images = torch.rand(8, config.image_channels, config.size, config.size).double()
    flow.initialize(images, torch.rand(8).double() / 5)
    for parameter in flow.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return flow


@given(config=configs)
def test_encode_and_decode_are_inverse(config: GlowConfig) -> None:
    flow = random_glow(config)
    images = torch.rand(2, config.image_channels, 8, 8).double()
    sigma = torch.tensor([0.0, 0.1]).double()
    latents = flow.encode(images, sigma)
    assert [tuple(z.shape[1:]) for z in latents] == flow.latent_shapes()
    assert sum(math.prod(shape) for shape in flow.latent_shapes()) == config.dimensions
    assert torch.allclose(flow.decode(latents, sigma), images, atol=1e-9)


@given(config=configs)
def test_log_prob_is_the_latents_density_times_the_jacobian(config: GlowConfig) -> None:
    config = GlowConfig(**{**vars(config), "image_channels": 1})
    flow = random_glow(config)
    image = torch.rand(1, 1, 8, 8).double()

    def latent(values: torch.Tensor) -> torch.Tensor:
        return torch.cat([z.flatten() for z in flow.encode(values.view(1, 1, 8, 8), 0.1)])

    z = latent(image.flatten()).detach()
    jacobian = torch.autograd.functional.jacobian(latent, image.flatten())
    expected = -0.5 * (z.square().sum() + 64 * math.log(2 * math.pi))
    expected = expected + torch.linalg.slogdet(jacobian)[1]
    assert float(flow.log_prob(image, 0.1)[0].detach()) == pytest.approx(float(expected), abs=1e-6)


def test_the_noise_level_matters_only_to_a_flow_that_knows_of_it() -> None:
    images = torch.rand(2, 3, 8, 8).double()
    for conditional in (True, False):
        flow = random_glow(GlowConfig(size=8, hidden_channels=6, noise_levels=conditional))
        with torch.no_grad():
            same = torch.equal(flow.log_prob(images, 0.0), flow.log_prob(images, 0.2))
        assert same != conditional


@pytest.mark.parametrize("split", ["net", "conv"])
def test_the_noise_level_enters_every_coupling_and_split(split: Split) -> None:
    flow = random_glow(
        GlowConfig(size=8, hidden_channels=6, levels=2, noise_levels=True, split=split)
    )
    flow.log_prob(torch.rand(2, 3, 8, 8).double(), 0.1).sum().backward()
    levels = [p for name, p in flow.named_parameters() if name.endswith("level.weight")]
    assert len(levels) == 2 * GlowConfig().steps_per_level + 1
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in levels)


def test_recompute_changes_no_gradient() -> None:
    config = GlowConfig(size=8, levels=2, steps_per_level=2, hidden_channels=6, noise_levels=True)
    images = torch.rand(2, 3, 8, 8).double()
    gradients = []
    for recompute in (False, True):
        flow = random_glow(config)
        flow.recompute = recompute
        flow.log_prob(images, 0.1).sum().backward()
        gradients.append([p.grad for p in flow.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert other is not None
        assert torch.allclose(one, other)


def test_initialization_standardizes_the_latents() -> None:
    config = GlowConfig(size=8, levels=2, steps_per_level=2, hidden_channels=6)
    flow = Glow(config).double()
    images = torch.rand(64, 3, 8, 8).double() * 0.1 + 0.6
    flow.initialize(images)
    for latent in flow.encode(images):
        values = latent.detach()
        assert abs(float(values.mean())) < 0.1
        assert float(values.std()) == pytest.approx(1, abs=0.1)


def test_samples_have_the_shape_of_images_and_depend_on_temperature() -> None:
    flow = random_glow(GlowConfig(size=8, levels=2, steps_per_level=1, hidden_channels=6))

    def spread(temperature: float) -> float:
        generator = torch.Generator().manual_seed(0)
        samples = flow.sample(6, temperature=temperature, generator=generator)
        assert samples.shape == (6, 3, 8, 8)
        return float(samples.detach().std(0).mean())

    assert spread(0.0) == 0
    assert 0 < spread(0.5) < spread(1.0)


@pytest.mark.parametrize("scale", get_args(Scale))
def test_training_raises_the_likelihood(scale: Scale) -> None:
    torch.manual_seed(0)
    sizes = {"image_channels": 1, "size": 8, "levels": 2, "steps_per_level": 2}
    flow = Glow(GlowConfig(**sizes, hidden_channels=8, scale=scale))
    base = torch.randn(256, 1, 8, 8).cumsum(3) * 0.05 + 0.5  # neighbors are alike
    flow.initialize(base)
    before = float(flow.log_prob(base).mean().detach())
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
    for _ in range(40):
        optimizer.zero_grad()
        (-flow.log_prob(base).mean()).backward()
        optimizer.step()
    assert float(flow.log_prob(base).mean().detach()) > before + 5


@pytest.mark.parametrize("split", ["conv", "net"])
@pytest.mark.parametrize("scale", ["tanh", "none"])
def test_multiply_adds_are_twice_those_of_the_way_through_the_flow(
    scale: Scale, split: Split
) -> None:
    config = GlowConfig(
        steps_per_level=4, hidden_channels=32, scale=scale, split=split, noise_levels=True
    )
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        Glow(config)(torch.rand(32, 3, 32, 32), 0.1)
    multiply_adds = counter.get_total_flops() / 2 / (32 * 32**2)
    assert config.multiply_adds_per_pixel == pytest.approx(2 * multiply_adds, rel=0.02)


def test_a_flow_of_another_size_says_which_it_takes() -> None:
    with pytest.raises(UsageError, match=r"\(3, 8, 8\)"):
        Glow(GlowConfig(size=8, levels=1, steps_per_level=1)).log_prob(torch.rand(1, 3, 16, 16))


@pytest.mark.parametrize(
    "wrong", [{"levels": 0}, {"size": 20}, {"logit_margin": 0.05, "noise_levels": True}]
)
def test_impossible_flows_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        GlowConfig(**wrong)  # type: ignore[arg-type]


def test_dequantization_stays_within_half_a_step() -> None:
    values = torch.arange(256) / 255
    spread = dequantize(values, torch.rand(256))
    assert torch.equal((spread * 255).round(), torch.arange(256.0))
