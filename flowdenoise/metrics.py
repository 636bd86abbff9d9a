"""Figures of merit: how close a picture is to the truth, and how many bits a model needs for it.

PSNR; SSIM (Wang et al., IEEE TIP 2004); GMSD, the deviation of gradient magnitude similarity
(Xue et al., IEEE TIP 2014); bits per dimension.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def psnr(denoised: Tensor, clean: Tensor, *, data_range: float = 1.0) -> float:
    """The peak signal-to-noise ratio in dB over all values, infinite for equal images.

    >>> round(psnr(torch.zeros(4), torch.full((4,), 0.1)), 6)
    20.0
    """
    error = float((denoised.double() - clean.double()).square().mean())
    return math.inf if error == 0 else 10 * math.log10(data_range**2 / error)


def ssim(denoised: Tensor, clean: Tensor, *, data_range: float = 1.0) -> float:
    """The structural similarity with a Gaussian window of deviation 1.5, averaged over channels.

    As in Wang's paper, the window is cut at 11 pixels, the constants are 0.01 and 0.03, and
    windows that leave the image are not counted.

    Args:
        denoised: The image to judge, (C, H, W), at least 11 pixels on each side.
        clean: The true image, like `denoised`.
        data_range: The value of white.

    Returns:
        The similarity, which is 1 for equal images.
    """
    window = _gaussian_window(1.5, 5).to(clean.device)
    first, second = denoised.double()[:, None], clean.double()[:, None]
    stack = torch.cat([first, second, first * first, second * second, first * second])
    smooth = F.conv2d(F.conv2d(stack, window), window.mT)
    mean1, mean2, square1, square2, product = smooth.chunk(5)
    variance1, variance2 = square1 - mean1**2, square2 - mean2**2
    covariance = product - mean1 * mean2
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean1 * mean2 + c1) / (mean1**2 + mean2**2 + c1)
    structure = (2 * covariance + c2) / (variance1 + variance2 + c2)
    return float((luminance * structure).mean())


def _gaussian_window(deviation: float, radius: int) -> Tensor:
    """The weights of a window, (1, 1, 1, 2 radius + 1), which sum to one."""
    place = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (place / deviation) ** 2)
    return (weights / weights.sum()).view(1, 1, 1, -1)


def gmsd(denoised: Tensor, clean: Tensor, *, data_range: float = 1.0) -> float:
    """The gradient magnitude similarity deviation of the luma: 0 for equal images, less is better.

    Both images are halved by 2x2 means, gradients are Prewitt's, and the constant is the paper's
    170 on the 0 to 255 scale.

    Args:
        denoised: The image to judge, (C, H, W), with 1 or 3 channels, at least 4 pixels on each
            side.
        clean: The true image, like `denoised`.
        data_range: The value of white.
    """
    magnitudes = []
    for image in (denoised, clean):
        gray = F.avg_pool2d(luma(image.double() / data_range)[None, None], 2)
        across = torch.tensor([[1.0, 0.0, -1.0]] * 3, dtype=torch.float64) / 3
        kernels = torch.stack([across, across.T])[:, None].to(gray)
        magnitudes.append(F.conv2d(gray, kernels).square().sum(1).sqrt())
    first, second = magnitudes
    constant = 170 / 255**2
    similarity = (2 * first * second + constant) / (first**2 + second**2 + constant)
    return float(similarity.std(correction=0))


LUMA = (0.299, 0.587, 0.114)
"""The shares of red, green and blue in luma, by Rec. 601."""


def luma(image: Tensor) -> Tensor:
    """The luma, (H, W), of an image (C, H, W), by Rec. 601."""
    if image.shape[0] == 1:
        return image[0]
    weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device)
    return (image * weights[:, None, None]).sum(0)


def bits_per_dim(log_prob: Tensor, dimensions: int) -> Tensor:
    """The bits per value of 8-bit images whose dequantized density is `log_prob`.

    A bin is 1/255 wide, so its probability is about p(x) / 255^D.

    Args:
        log_prob: The log-density of each image on the [0, 1] scale, in nats.
        dimensions: The number of values D in an image.

    >>> round(float(bits_per_dim(torch.zeros(()), 3072)), 4)  # uniform over [0, 1]
    7.9944
    """
    return -log_prob / (dimensions * math.log(2)) + math.log2(255)
