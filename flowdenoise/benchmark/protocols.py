"""Protocols: how noise is added and how the result is measured.

Numbers of different protocols can't be compared. So a protocol is code with a name, and every
result states that name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowdenoise import noise
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

SIGMAS = (15.0, 25.0, 35.0, 50.0)
"""Noise levels of the literature, on the scale of 0 to 255."""

REAL = "real"
"""The protocol of photographs that have a noise of their own."""

AS_FOUND = 0.0
"""Stands where a noise level would, for pictures that come with a noise of their own."""


@dataclass(frozen=True)
class Protocol:
    """A way to measure.

    Attributes:
        name: The name that results state.
        summary: The protocol in one sentence.
        finish: The function from a method's output to the image that is measured.
        degrade: The function from a noisy image, (C, H, W), to the one that methods see, which may
            be clipped and rounded; None where no noise is added and photographs with noise are
            given as they are.
        eight_bit: Whether methods see pictures of 8 bits, as files hold them.
        seed: The seed of the noise, with which the generator begins for every image.
    """

    name: str
    summary: str
    finish: Callable[[Tensor], Tensor]
    degrade: Callable[[Tensor], Tensor] | None
    eight_bit: bool = False
    seed: int = 0

    @property
    def adds_noise(self) -> bool:
        """Whether noise of a known level is added."""
        return self.degrade is not None

    def noisy(self, clean: Tensor, sigma: float) -> Tensor:
        """Make the noisy version of an image.

        Args:
            clean: The clean image, (C, H, W), [0, 1].
            sigma: The noise level on the [0, 1] scale.
        """
        if self.degrade is None:
            raise UsageError(f"protocol {self.name} adds no noise")
        return self.degrade(noise.add_gaussian(clean, sigma, seed=self.seed))


def level_text(sigma_255: float) -> str:
    """A noise level as sentences have it.

    >>> level_text(25.0), level_text(AS_FOUND)
    ('sigma 25', 'as found')
    """
    name = level_name(sigma_255)
    return name if sigma_255 == AS_FOUND else f"sigma {name}"


def level_name(sigma_255: float) -> str:
    """A noise level as tables and names of files have it.

    >>> level_name(25.0), level_name(AS_FOUND)
    ('25', 'as found')
    """
    return "as found" if sigma_255 == AS_FOUND else f"{sigma_255:g}"


def _as_it_is(image: Tensor) -> Tensor:
    return image


def _rounded(image: Tensor) -> Tensor:
    return image.clamp(0, 1).mul(noise.WHITE).round().div(noise.WHITE)


def _truncated(image: Tensor) -> Tensor:
    from flowdenoise.noise.compression import truncated  # help shows the table without torch

    return truncated(image)


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
        Protocol(
            REAL,
            "photographs as files hold them, nothing added, nothing told; output in 8 bits",
            degrade=None,
            finish=_rounded,
            eight_bit=True,
        ),
    )
}
"""Every protocol by its name."""


def find_protocol(name: str) -> Protocol:
    """Find the protocol of that name.

    Raises:
        UsageError: No protocol has this name. The message lists those that exist.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
