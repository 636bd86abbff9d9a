"""Our denoisers as models of spandrel, by which ComfyUI and chaiNNer load weights.

    flowdenoise.hosts.register()
    model = spandrel.ModelLoader().load_from_file("color.safetensors")
    denoised = model(noisy)

Spandrel hands over the tensors of a file without its header, so the network's sizes are read from
their shapes. A picture goes through the engine: its noise is estimated, and what is removed is no
more than noise.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor, nn

from flowdenoise import weights
from flowdenoise.engine import Denoiser, RemovalConfig
from flowdenoise.errors import MissingExtraError, WeightsError
from flowdenoise.estimation import ESTIMATORS, MAP_ESTIMATORS
from flowdenoise.images import Picture
from flowdenoise.networks import ResNet, ResNetConfig
from flowdenoise.system.rules import COLORS

NAME = "flowdenoise"
"""The name of the architecture in spandrel's registry."""


def register(removal: RemovalConfig | None = None) -> None:
    """Let spandrel recognize and load our denoisers; a second call does nothing.

    Args:
        removal: How much is removed from each picture; by default all of its noise, which is
            estimated.

    Raises:
        MissingExtraError: Spandrel is not installed.
    """
    try:
        from spandrel import MAIN_REGISTRY, ArchSupport
    except ModuleNotFoundError as error:
        raise MissingExtraError("spandrel is missing: pip install spandrel") from error
    if not any(known.architecture.id == NAME for known in MAIN_REGISTRY.architectures()):
        support = ArchSupport.from_architecture(_architecture(removal or RemovalConfig()))
        MAIN_REGISTRY.add(support)


def _architecture(removal: RemovalConfig) -> Any:
    from spandrel import Architecture, ImageModelDescriptor
    from spandrel.util import get_seq_len

    class OurArchitecture(Architecture[ResNet]):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(id=NAME, name=NAME, detect=_is_ours)

        def load(self, state_dict: dict[str, Tensor]) -> ImageModelDescriptor[ResNet]:
            tensors = {name: tensor.float() for name, tensor in state_dict.items()}
            network = ResNet(config_of(tensors, get_seq_len(tensors, "middle")))
            channels = network.config.image_channels
            return ImageModelDescriptor(
                network,
                tensors,
                architecture=self,
                purpose="Restoration",
                tags=[COLORS[channels]],
                supports_half=False,
                supports_bfloat16=True,
                scale=1,
                input_channels=channels,
                output_channels=channels,
                call_fn=functools.partial(_denoise, removal=removal),
            )

    return OurArchitecture()


def _is_ours(tensors: dict[str, Tensor]) -> bool:
    """Whether tensors have the names of a denoiser of one scale."""
    own = {"head.weight", "tail.weight", "middle.0.conv1.weight", "middle.0.conv2.weight"}
    parts = {name.partition(".")[0] for name in tensors}
    return own <= tensors.keys() and parts == {"head", "tail", "middle"}


def config_of(tensors: dict[str, Tensor], blocks: int) -> ResNetConfig:
    """The sizes of a network of one scale, from the shapes of its tensors.

    Args:
        tensors: The tensors by name.
        blocks: The number of residual blocks.

    Raises:
        WeightsError: The tensors do not fit together.
    """
    width, taken = tensors["head.weight"].shape[:2]
    folded = tensors["tail.weight"].shape[0]  # channels times the square of the folding
    for channels in sorted(COLORS, reverse=True):
        unshuffle = math.isqrt(folded // channels)
        if channels * unshuffle**2 == folded and 0 <= taken - folded <= 2:
            return ResNetConfig(
                image_channels=channels,
                channels=(width,),
                blocks=(blocks,),
                unshuffle=unshuffle,
                noise_map=taken > folded,
                maps=max(1, taken - folded),
            )
    raise WeightsError("these tensors are not those of a denoiser of one scale")


def _denoise(network: ResNet, image: Tensor, *, removal: RemovalConfig) -> Tensor:
    """Denoise (1, C, H, W) in [0, 1] on any device."""
    picture = Picture(image[0].float().permute(1, 2, 0).cpu().numpy())
    engine = _engine(network, image.device, image.dtype)
    examined = engine.examine(picture, removal.sigma, removal.noise)
    return engine.remove(examined, removal).tensor().to(image)


@functools.lru_cache(maxsize=4)
def _engine(network: ResNet, device: torch.device, precision: torch.dtype) -> Denoiser:
    channels = network.config.image_channels

    def shipped(name: str) -> nn.Module:
        return weights.load(name, offline=True).network

    return Denoiser(
        {channels: lambda: network},
        {channels: lambda: shipped(ESTIMATORS[channels])},
        device=device,
        precision=precision,
        camera={channels: lambda: shipped(MAP_ESTIMATORS[channels])},
    )
