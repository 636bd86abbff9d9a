"""A flow grows without changing what it says, and what is new can learn."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from flowdenoise.errors import UsageError
from flowdenoise.flow.growth import grow
from flowdenoise.flow.sizes import GlowConfig

from .test_glow import configs, random_glow


@given(config=configs, steps=st.integers(2, 7), width=st.integers(6, 9))
def test_a_grown_flow_has_the_same_density(config: GlowConfig, steps: int, width: int) -> None:
    small = random_glow(config)
    large = grow(small, replace(config, steps_per_level=steps, hidden_channels=width))
    images = torch.rand(3, config.image_channels, 8, 8).double()
    sigma = torch.tensor([0.0, 0.1, 0.2]).double()
    expected = small.log_prob(images, sigma)
    torch.testing.assert_close(large.log_prob(images, sigma), expected, atol=1e-7, rtol=1e-7)
    torch.testing.assert_close(large.decode(large.encode(images, sigma), sigma), images)


def test_everything_new_gets_a_gradient_within_two_steps() -> None:
    config = GlowConfig(size=8, levels=2, steps_per_level=1, hidden_channels=6, noise_levels=True)
    large = grow(random_glow(config), replace(config, steps_per_level=3, hidden_channels=9))
    images = torch.rand(4, 3, 8, 8).double()
    before = {name: value.clone() for name, value in large.named_parameters()}
    for _ in range(3):
        loss = -large.log_prob(images, torch.full((4,), 0.1).double()).mean()
        gradients = torch.autograd.grad(loss, list(large.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(large.parameters(), gradients, strict=True):
                parameter -= 1e-4 * gradient
    unmoved = [
        name for name, value in large.named_parameters() if torch.equal(value, before[name])
    ]
    assert unmoved == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"hidden_channels": 5}, "not shrink"),
        ({"steps_per_level": 1}, "not shrink"),
        ({"levels": 1}, "nothing but K and width differ; the other has levels=2$"),
        ({"image_channels": 1, "split": "net"}, "has image_channels=3, split=conv$"),
    ],
)
def test_other_changes_are_refused(change: dict[str, Any], complaint: str) -> None:
    config = GlowConfig(size=8, levels=2, steps_per_level=2, hidden_channels=6)
    with pytest.raises(UsageError, match=complaint):
        grow(random_glow(config), replace(config, **change))
