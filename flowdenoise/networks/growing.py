"""Networks that begin as others of other sizes: deeper ones, of more scales, with filters.

What is new does nothing at first, so what was learned is not lost: T. Chen et al., "Net2Net:
accelerating learning via knowledge transfer", ICLR 2016.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from flowdenoise.errors import UsageError
from flowdenoise.networks.noise_estimator import NoiseMapConfig, NoiseMapNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig

_ENDS_OF_BLOCK = ("conv2.weight",)
_ENDS_OF_BOTTLENECK = ("conv3.weight", "conv3.bias")


def grown(network: nn.Module, config: Any) -> nn.Module | None:
    """A network of other sizes that begins as one; None if it can't be grown to them.

    Args:
        network: The network; it is not changed.
        config: The other sizes.
    """
    if isinstance(network, ResNet) and isinstance(config, ResNetConfig):
        if config.differs_in_depth(network.config):
            return with_depth(network, config)
        if config.adds_scales_to(network.config):
            return with_scales(network, config)
    if isinstance(network, NoiseMapNet) and isinstance(config, NoiseMapConfig):
        return (
            with_filters(network, config.filters)
            if config.adds_filters_to(network.config)
            else None
        )
    return None


@torch.no_grad()
def with_depth(network: ResNet, config: ResNetConfig) -> ResNet:
    """A network of more blocks or fewer, which begins as another one, to learn on from there.

    New blocks of a stage come last. They are the identity at first, as their last convolution is
    zero. Where there are fewer, the last ones are left out.

    Args:
        network: The network; it is not changed.
        config: Its configuration, but for the number of blocks.

    Raises:
        UsageError: `config` differs in something else, or in nothing.
    """
    if not config.differs_in_depth(network.config):
        raise UsageError("a network can begin with one of more or fewer blocks, but of its sizes")
    made, state = ResNet(config), network.state_dict()
    last = _ENDS_OF_BOTTLENECK if config.bottleneck else _ENDS_OF_BLOCK
    for name, parameter in made.named_parameters():
        if name in state:
            parameter.copy_(state[name])
        elif name.endswith(last):
            parameter.zero_()
    return made


@torch.no_grad()
def with_scales(network: ResNet, config: ResNetConfig) -> ResNet:
    """A network of several scales, which begins as one of a single scale, to learn on from there.

    The first blocks become those on the way down, the last ones those on the way up; what lies
    between them is left out. Nothing comes from the coarser scales at first.

    Args:
        network: The network of a single scale; it is not changed.
        config: Its configuration, but for the coarser scales and the number of blocks.

    Raises:
        UsageError: `config` differs in something else, or has more blocks at the finest scale.
    """
    if not config.adds_scales_to(network.config):
        raise UsageError("a network can begin with scales added to one of its finest width")
    count, last = config.blocks[0], network.config.blocks[0]
    places = {f"middle.{index}.": f"encoders.0.{index}." for index in range(count)}
    places |= {f"middle.{last - count + i}.": f"decoders.0.{i}." for i in range(count)}
    made = ResNet(config)
    state = made.state_dict()
    for name, values in network.state_dict().items():
        block = name[: name.find(".", len("middle.")) + 1]
        if not name.startswith("middle."):
            state[name] = values
        elif block in places:
            state[places[block] + name.removeprefix(block)] = values
    state["ups.0.weight"] = torch.zeros_like(state["ups.0.weight"])
    made.load_state_dict(state)
    return made


@torch.no_grad()
def with_filters(network: NoiseMapNet, filters: int) -> NoiseMapNet:
    """An estimator with learned filters, which begins as one without any.

    Args:
        network: An estimator without filters; it is not changed.
        filters: The number of filters at each scale.
    """
    made = NoiseMapNet(replace(network.config, filters=filters))
    made.load_state_dict({**made.state_dict(), **network.state_dict()})
    return made
