"""Noise2Void with the hidden pixel given back: a mixture with the noisy image.

Noise2Void predicts a pixel from its neighbors alone (Krull et al., CVPR 2019). The pixel itself
tells its value, too, with the variance s^2 of the noise, and the prediction with a variance v. The
errors of both are independent, since the prediction has not seen the pixel (Batson and Royer,
"Noise2Self", ICML 2019, call such a prediction J-invariant). So the best mixture gives the pixel
the weight v / (v + s^2), and as the squared difference of both is v + s^2 on average, v is known
without the truth. But the noise level must be told, which Noise2Void itself does not need.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from flowdenoise.benchmark.methods.networks import NetworkMethod
from flowdenoise.errors import UsageError


class MixedNoise2Void(NetworkMethod):
    """Noise2Void, mixed with the noisy image by one weight for each image."""

    def prepare(self, channels: int, device: torch.device) -> None:
        """Load the weights; the network is blind, the mixture is told the level."""
        super().prepare(channels, device)
        self.blind = False

    def settings(self) -> Mapping[str, object]:
        """The settings of the network, and that its result is mixed."""
        return {**super().settings(), "mixed": True}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Predict every pixel, and give it back its share of itself.

        Raises:
            UsageError: The noise level is not known.
        """
        if sigma is None:
            raise UsageError("n2v-mixed must be told the noise level: n2v-mixed@SIGMA")
        predicted = super().denoise(noisy, sigma)
        return predicted.lerp(noisy, share_of_the_pixel(predicted, noisy, sigma))


def share_of_the_pixel(predicted: Tensor, noisy: Tensor, sigma: float) -> float:
    """The weight of the noisy image in the best mixture, 0 to 1.

    Args:
        predicted: What does not depend on the noise of the pixel that it predicts, (B, C, H, W).
        noisy: The noisy image, (B, C, H, W).
        sigma: The noise level, on their scale.

    >>> share_of_the_pixel(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5), 0.3)
    0.64
    """
    squared = float((predicted - noisy).square().mean())
    return max(1 - sigma**2 / squared, 0.0) if squared > 0 else 0.0
