r"""Deep image prior: a network that has seen nothing but the one noisy image.

Ulyanov, Vedaldi and Lempitsky, "Deep image prior" (CVPR 2018; IJCV 2020). An hourglass with skip
connections is trained to turn a fixed random input into the noisy image. It learns structure
before it learns noise, so it is stopped early; what is reported is the running average of its
outputs. Sizes and step count are those that the paper gives for denoising:

    z -> [3x3, stride 2] -> 3x3 -> next scale ... -> up x2 -+-> 3x3 -> 1x1 -> ... -> sigmoid
     \-> 1x1 to 4 channels --------------------------------+
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.benchmark.methods.base import Method
from flowdenoise.system.rules import Factor, Range, Seed, Size
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class DeepPriorConfig:
    """Sizes and training of a deep image prior.

    Attributes:
        scales: Halvings of the resolution.
        channels: Width of all scales.
        skip: Channels of each skip connection.
        inputs: Channels of the random input.
        amplitude: The input is uniform between 0 and this.
        jitter: Deviation of the normal noise added to the input at each step.
        steps: When to stop.
        learning_rate: Of Adam.
        averaging: Weight of the past in the running average of the outputs.
        seed: Of everything random.
    """

    scales: Annotated[int, Range(1, 10)] = 5
    channels: Size = 128
    skip: Size = 4
    inputs: Size = 32
    amplitude: Factor = 0.1
    jitter: Factor = 1 / 30
    steps: Annotated[int, Range(1, 10**9)] = 1800
    learning_rate: Annotated[float, Range(0, 10)] = 0.01
    averaging: Annotated[float, Range(0, 1, below=True)] = 0.99
    seed: Seed = 0

    def __post_init__(self) -> None:
        check(self)


class _Scale(nn.Module):
    """One scale of the hourglass, and within it all coarser ones."""

    def __init__(self, config: DeepPriorConfig, inputs: int, depth: int) -> None:
        super().__init__()
        width, last = config.channels, depth == 1
        self.skip = _layer(inputs, config.skip, 1)
        self.down = nn.Sequential(_layer(inputs, width, 3, stride=2), _layer(width, width, 3))
        self.inner = nn.Identity() if last else _Scale(config, width, depth - 1)
        joined = width + config.skip
        self.up = nn.Sequential(
            nn.BatchNorm2d(joined), _layer(joined, width, 3), _layer(width, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (1, inputs, H, W) to (1, channels, H, W)."""
        coarse = self.inner(self.down(x))
        wide = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        result: Tensor = self.up(torch.cat([self.skip(x), wide], dim=1))
        return result


def _layer(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, padding_mode="reflect"),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2),
    )


class DeepPrior(Method):
    """The method; slow, because each image trains its own network.

    Args:
        label: See `Method`.
        config: Sizes and training.
    """

    note = "each image trains its own network, so it is often run on a few images only"
    blind = True
    _device = torch.device("cpu")

    def __init__(self, label: str, config: DeepPriorConfig | None = None) -> None:
        super().__init__(label)
        self.config = config or DeepPriorConfig()

    def prepare(self, channels: int, device: torch.device) -> None:
        """Remember the device."""
        self._device = device

    def settings(self) -> Mapping[str, object]:
        """The whole configuration, and the device, which has its own random numbers."""
        return {"version": 1, "device": self._device.type, **asdict(self.config)}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Train a network on the image and return the average of what it gave."""
        config, target = self.config, noisy.to(self._device)
        height, width = noisy.shape[-2:]
        network = self._network(noisy.shape[1])
        coarsest = 2**config.scales
        size = [max(2 * coarsest, -(-side // coarsest) * coarsest) for side in (height, width)]
        chance = torch.Generator(self._device).manual_seed(config.seed)
        shape = (1, config.inputs, *size)
        z = config.amplitude * torch.rand(shape, generator=chance, device=self._device)
        optimizer = torch.optim.Adam(network.parameters(), config.learning_rate)
        average = torch.zeros_like(target)
        for step in range(config.steps):
            moved = torch.randn(shape, generator=chance, device=self._device)
            output = network(z + config.jitter * moved)[..., :height, :width]
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(F.mse_loss(output, target))
            optimizer.step()
            average.lerp_(output.detach(), 1.0 if step == 0 else 1 - config.averaging)
        return average.cpu()

    def _network(self, channels: int) -> nn.Module:
        """A fresh network; the same one for the same seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            body = _Scale(self.config, self.config.inputs, self.config.scales)
            end = nn.Conv2d(self.config.channels, channels, 1)
        return nn.Sequential(body, end, nn.Sigmoid()).to(self._device).train()
