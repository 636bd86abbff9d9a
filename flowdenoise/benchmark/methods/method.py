"""The contract of a method: prepare once, then denoise one image after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from flowdenoise.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class MethodOptions:
    """The user's options for running methods, of which a method uses those that concern it.

    Attributes:
        precision: The precision in which networks multiply, one of `device.PRECISIONS`.
        tile: The side of a tile, 0 for no tiles, None for the network's own default.
        overlap: The context on each side of a tile; None takes the network's own default.
        offline: Whether weights must be there already: nothing is fetched.
        data_dir: The folder in which weights of others may lie, also in its sub-folder `peers`.
        eight_bit: Whether the engine gets pictures of 8 bits, as files hold them, not floats.
    """

    precision: str = "auto"
    tile: int | None = None
    overlap: int | None = None
    offline: bool = False
    data_dir: Path | None = None
    eight_bit: bool = False


class Method(ABC):
    """One system that denoises, as the benchmark sees it.

    Args:
        label: The label in tables.
    """

    blind: bool = False
    """Whether it is not told the noise level."""

    told: float | None = None
    """The noise level that it is told whatever the noise is, on the [0, 1] scale."""

    found: float | None = None
    """The noise level that it found in the last image, on the [0, 1] scale, if it looks for it."""

    weights: str | None = None
    """sha256 of its weights, if it has any."""

    multiply_adds_per_pixel: float | None = None
    """Cost where it is that of a network."""

    measured_raw: ClassVar[bool] = False
    """Whether its output is measured without the protocol's rounding."""

    note: ClassVar[str] = ""
    """What readers of a table must know."""

    packages: ClassVar[tuple[str, ...]] = ()
    """What it computes with, besides torch; their versions go into the results."""

    def __init__(self, label: str) -> None:
        self.label = label

    def prepare(self, channels: int, device: torch.device) -> None:  # noqa: B027 - most need none
        """Get ready for images of `channels` channels on `device`.

        Raises:
            MissingExtraError: A package is not installed. The message names it.
            WeightsError, UsageError: The weights can't be loaded, or are for other images.
        """

    def level(self, sigma: float | None) -> float | None:
        """The level that the method is told about noise of a level; None if it is told nothing.

        Args:
            sigma: The noise level on the [0, 1] scale; None if it is not known.

        Raises:
            UsageError: The method must be told a level, and the level is not known.
        """
        if self.blind:
            return None
        if self.told is None and sigma is None:
            raise UsageError(
                f"{self.label} must be told a noise level: {self.label}@12 tells it 12"
            )
        return sigma if self.told is None else self.told

    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """Everything that the results depend on besides image, noise and weights, as plain JSON.

        Results are kept under these settings, so any change of a method must show in them.
        """

    @abstractmethod
    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Estimate the clean image.

        Args:
            noisy: The noisy image, (1, C, H, W), about [0, 1], on the CPU, which is not changed.
            sigma: The noise level on the [0, 1] scale; None for a `blind` method.

        Returns:
            The denoised image, (1, C, H, W) float32 on the CPU, not clamped.
        """


def import_extra(module: str, extra: str, what: str, remark: str = "") -> ModuleType:
    """Import an optional package.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs a package that is not installed: "
            f"pip install 'flowdenoise[{extra}]'{remark}"
        ) from error
