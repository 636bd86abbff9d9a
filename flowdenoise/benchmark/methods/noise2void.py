"""Noise2Void, mixed with the noisy image.

Noise2Void predicts a pixel from its neighbors, and gives it little or nothing of itself (Krull et
al., CVPR 2019). The pixel tells its value, too, with the variance s^2 of the noise. By Stein's
unbiased risk estimate (Stein, 1981) the error of f + a (y - f), with y the noisy image and f what
is predicted of it, is on average

    (1 - a)^2 R - s^2 + 2 s^2 (J + a (1 - J))        R = mean of (y - f)^2

where J is the mean derivative of a pixel of f by itself. The error is least where a is
1 - s^2 (1 - J) / R. That takes no truth, but the noise level, which Noise2Void itself does not
need. For a prediction that has not seen the pixel (J = 0; Batson and Royer, "Noise2Self", ICML
2019, call it J-invariant) these are the weights of two independent measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from flowdenoise.benchmark.methods.networks import NetworkMethod
from flowdenoise.errors import UsageError
from flowdenoise.noise import add_gaussian

_STEP = 0.2  # of the noise, for the difference quotient; bfloat16 has no digits for a smaller one
_SEED = 1_299_709  # of a probe that is not the noise of a benchmark's picture


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
        if sigma == 0:
            return noisy
        return mixed(
            lambda image: super(MixedNoise2Void, self).denoise(image, sigma), noisy, sigma
        )


def mixed(predict: Callable[[Tensor], Tensor], noisy: Tensor, sigma: float) -> Tensor:
    """The best mixture of what is predicted of a noisy image and the image itself.

    Args:
        predict: Maps (B, C, H, W) to the same shape.
        noisy: The noisy image, (B, C, H, W).
        sigma: The noise level, on its scale, above 0.
    """
    predicted = predict(noisy)
    probe = add_gaussian(torch.zeros_like(noisy), 1.0, seed=_SEED)
    moved = predict(noisy + _STEP * sigma * probe) - predicted
    seen = float((probe * moved).mean()) / (_STEP * sigma)
    return predicted.lerp(noisy, share_of_the_pixel(predicted, noisy, sigma, seen))


def share_of_the_pixel(predicted: Tensor, noisy: Tensor, sigma: float, seen: float = 0.0) -> float:
    """The weight of the noisy image in the best mixture, 0 to 1.

    Args:
        predicted: What is predicted of the noisy image, (B, C, H, W).
        noisy: The noisy image, (B, C, H, W).
        sigma: The noise level, on their scale.
        seen: The mean derivative of a predicted pixel by the noisy one.

    >>> share_of_the_pixel(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5), 0.3)
    0.64
    """
    squared = float((predicted - noisy).square().mean())
    return min(max(1 - sigma**2 * (1 - seen) / squared, 0.0), 1.0) if squared > 0 else 0.0
