r"""Deep image prior: a network that has seen nothing but the one noisy image.

Ulyanov, Vedaldi and Lempitsky, "Deep image prior" (CVPR 2018; IJCV 2020). An hourglass with skip
connections is trained to turn a fixed random input into the noisy image. It learns structure
before it learns noise, so it is stopped early; what is reported is the running average of its
outputs. Sizes are those that the paper gives for denoising:

    z -> [3x3, stride 2] -> 3x3 -> next scale ... -> up x2 -+-> 3x3 -> 1x1 -> ... -> sigmoid
     \-> 1x1 to 4 channels --------------------------------+

The paper stops after a number of steps that was chosen with the truth at hand. Here nobody sees
the truth: by Morozov's discrepancy principle training ends when an output is as far from the noisy
image as the noise is strong. Wang et al., "Early stopping for deep image prior" (TMLR 2023), stop
where the variance of the latest outputs is least; with the jittered input that the paper has
against noise, that variance is the jitter's, and least long before the picture is learned
(docs/experiments/baselines.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.benchmark.methods.method import Method
from flowdenoise.errors import UsageError
from flowdenoise.system.rules import Factor, Range, Seed, Size, Steps
from flowdenoise.system.typed import check

_NEWEST = 0.1  # weight of the newest output in the mean distance from the noisy image


@dataclass(frozen=True)
class DeepPriorConfig:
    """Sizes and training of a deep image prior.

    Attributes:
        scales: The number of times that the resolution is halved.
        channels: The width of all scales.
        skip: The number of channels of each skip connection.
        inputs: The number of channels of the random input.
        amplitude: The upper end of the input, which is uniform from 0.
        jitter: The deviation of the normal noise that is added to the input at each step.
        steps: The number of steps after which training stops at the latest.
        learning_rate: The learning rate of Adam.
        averaging: The weight of the past in the running average of the outputs.
        precision: The type in which convolutions compute; bfloat16 takes half the time where a
            processor has it.
        seed: The seed of everything random.
    """

    scales: Annotated[int, Range(1, 10)] = 5
    channels: Size = 128
    skip: Size = 4
    inputs: Size = 32
    amplitude: Factor = 0.1
    jitter: Factor = 1 / 30
    steps: Steps = 3000
    learning_rate: Annotated[float, Range(0, 10)] = 0.01
    averaging: Annotated[float, Range(0, 1, below=True)] = 0.99
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: Seed = 0

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def quick(cls) -> DeepPriorConfig:
        """A quarter of the width, in bfloat16: a fifth of the time, where a processor has it."""
        return cls(channels=32, precision="bfloat16")


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
    """Deep image prior, which is slow because each image trains its own network.

    Args:
        label: The label in tables.
        config: The sizes and the training.
    """

    note = "each image trains its own network, so it is often run on a few images only"
    steps = 0
    """After which it was stopped in the last image."""
    _device = torch.device("cpu")

    def __init__(self, label: str, config: DeepPriorConfig | None = None) -> None:
        super().__init__(label)
        self.config = config or DeepPriorConfig()

    def prepare(self, channels: int, device: torch.device) -> None:
        """Remember the device."""
        self._device = device

    def settings(self) -> Mapping[str, object]:
        """The whole configuration, and the device, as random numbers depend on it."""
        return {"version": 4, "device": self._device.type, **asdict(self.config)}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Train a network on the image; return the running average of its outputs.

        Raises:
            UsageError: The noise level is not told.
        """
        if sigma is None:
            raise UsageError("deep image prior stops by the noise level, which it must be told")
        config, target = self.config, noisy.to(self._device)
        height, width = noisy.shape[-2:]
        network = self._network(noisy.shape[1])
        coarsest = 2**config.scales
        size = [max(2 * coarsest, -(-side // coarsest) * coarsest) for side in (height, width)]
        chance = torch.Generator(self._device).manual_seed(config.seed)
        shape = (1, config.inputs, *size)
        z = config.amplitude * torch.rand(shape, generator=chance, device=self._device)
        z = z.contiguous(memory_format=torch.channels_last)
        half = config.precision == "bfloat16"
        optimizer = torch.optim.Adam(network.parameters(), config.learning_rate)
        average, distance = target.clone(), math.inf
        self.steps = 0
        while self.steps < config.steps and distance > sigma**2:
            moved = torch.randn(shape, generator=chance, device=self._device)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=half):
                output = network(z + config.jitter * moved).float()[..., :height, :width]
            optimizer.zero_grad(set_to_none=True)
            loss = F.mse_loss(output, target)
            torch.autograd.backward(loss)
            optimizer.step()
            average.lerp_(output.detach(), 1 - config.averaging if self.steps else 1.0)
            newest = float(loss.detach())
            distance = distance + _NEWEST * (newest - distance) if self.steps else newest
            self.steps += 1
        return average.cpu()

    def _network(self, channels: int) -> nn.Module:
        """Make a new network, which the seed determines."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            body = _Scale(self.config, self.config.inputs, self.config.scales)
            end = nn.Conv2d(self.config.channels, channels, 1)
        network = nn.Sequential(body, end, nn.Sigmoid()).to(self._device).train()
        ready: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return ready
