"""Protocols: how noise is added and how the result is measured.

Numbers of different protocols can't be compared, so a protocol is code with a name, and every
result carries it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from flowdenoise import metrics, noise
from flowdenoise.errors import UsageError


@dataclass(frozen=True)
class Protocol:
    """A way to measure.

    Attributes:
        name: As results carry it.
        summary: One sentence.
        seed: Of the noise; the generator starts afresh at it for every image.
        degrade: What is seen of an image whose noise is added but not stored, (C, H, W).
        finish: What is measured of an estimate.
    """

    name: str
    summary: str
    degrade: Callable[[Tensor], Tensor]
    finish: Callable[[Tensor], Tensor]
    seed: int = 0

    def noisy(self, clean: Tensor, sigma: float) -> Tensor:
        """The noisy version of an image.

        Args:
            clean: (C, H, W), [0, 1].
            sigma: Noise level on the [0, 1] scale.
        """
        return self.degrade(noise.add_gaussian(clean, sigma, seed=self.seed))


@dataclass(frozen=True)
class Merit:
    """Full-reference figures of merit of one image.

    Attributes:
        psnr: dB.
        ssim: 1 for equal images.
        gmsd: 0 for equal images, less is better.
    """

    psnr: float
    ssim: float
    gmsd: float


def measure(output: Tensor, clean: Tensor) -> Merit:
    """All figures of merit.

    Args:
        output: (C, H, W), what `Protocol.finish` gave; at least 11 pixels a side, for SSIM.
        clean: Like `output`.

    Raises:
        UsageError: The image is too small.
    """
    if min(clean.shape[-2:]) < 11:
        raise UsageError("SSIM needs an image of at least 11 pixels a side")
    return Merit(
        metrics.psnr(output, clean), metrics.ssim(output, clean), metrics.gmsd(output, clean)
    )


def _as_it_is(image: Tensor) -> Tensor:
    return image


def _rounded(image: Tensor) -> Tensor:
    return image.clamp(0, 1).mul(255).round().div(255)


def _truncated(image: Tensor) -> Tensor:
    return image.clamp(0, 1).mul(255).floor().div(255)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "awgn",
            "white Gaussian noise, unclipped float; output clamped and rounded to 8 bits",
            degrade=_as_it_is,
            finish=_rounded,
        ),
        Protocol(
            "paper",
            "noisy images clipped and truncated to 8 bits; output as float, as it is",
            degrade=_truncated,
            finish=_as_it_is,
        ),
    )
}
"""Every protocol by its name."""


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: There is none; says which there are.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
