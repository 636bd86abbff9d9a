"""Methods without training: BM3D, non-local means, wavelets, and the noisy image itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise import noise
from flowdenoise.benchmark.methods.method import Method, import_extra
from flowdenoise.images import quantize

Image = npt.NDArray[np.floating]


class Noisy(Method):
    """The noisy image as it is, from which the others begin. It is measured without rounding."""

    blind = True
    measured_raw = True

    def settings(self) -> Mapping[str, object]:
        """There are no settings."""
        return {"version": 1}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Return the noisy image."""
        return noisy.clone()


class Bm3d(Method):
    """BM3D (Dabov et al., IEEE TIP 2007) as its authors publish it; color in their opponent space.

    It runs in one thread: with more, its sums are added up in another order each time.
    """

    note = "the package bm3d may be used for non-commercial purposes only"
    packages = ("bm3d", "bm4d")
    _package: ModuleType

    def prepare(self, channels: int, device: torch.device) -> None:
        """Import the package."""
        self._package = import_extra(
            "bm3d", "bm3d", "bm3d", " (its license allows non-commercial use only)"
        )

    def settings(self) -> Mapping[str, object]:
        """The name of the package's default profile."""
        return {"version": 1, "profile": "np", "threads": 1}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Run both stages, with the true noise level."""
        profile = self._package.BM3DProfile()
        profile.num_threads = 1
        image = _as_image(noisy)
        function = self._package.bm3d if image.ndim == 2 else self._package.bm3d_rgb
        return _as_tensor(function(image, sigma, profile))


class NonLocalMeans(Method):
    """Non-local means (Buades et al., CVPR 2005) by OpenCV, which takes 8-bit images.

    The strength is the best of those that were tried on BSDS500's validation images.
    """

    packages = ("opencv-python-headless",)
    strength = 0.85
    """h as a multiple of the noise level."""
    patch, search = 7, 21
    """The sides of a patch and of the window in which similar ones are searched, in pixels."""

    def settings(self) -> Mapping[str, object]:
        """The strength, the patch and the search window."""
        sizes = {"patch": self.patch, "search": self.search}
        return {"version": 1, "strength": self.strength, **sizes}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Denoise the image clipped and rounded to 8 bits."""
        import cv2

        image = quantize(noisy, np.uint8)
        strength = self.strength * noise.to_255(sigma or 0.0)
        result = cv2.fastNlMeansDenoising(
            image,
            [strength] * image.shape[2],
            None,
            templateWindowSize=self.patch,
            searchWindowSize=self.search,
        )
        return _as_tensor(result / np.float32(noise.WHITE))


class Wavelet(Method):
    """BayesShrink (Chang et al., IEEE TIP 2000) by scikit-image: soft thresholds, in YCbCr."""

    packages = ("scikit-image", "PyWavelets")
    _package: ModuleType

    def prepare(self, channels: int, device: torch.device) -> None:
        """Import the packages."""
        import_extra("pywt", "benchmark", "wavelet")
        self._package = import_extra("skimage.restoration", "benchmark", "wavelet")

    def settings(self) -> Mapping[str, object]:
        """The thresholds and the color space."""
        return {"version": 1, "method": "BayesShrink", "mode": "soft", "color": "YCbCr"}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Shrink the wavelets, with the true noise level."""
        image = _as_image(noisy)
        color = image.ndim == 3
        result = self._package.denoise_wavelet(
            image,
            sigma=sigma,
            mode="soft",
            method="BayesShrink",
            convert2ycbcr=color,
            channel_axis=-1 if color else None,
            rescale_sigma=True,
        )
        return _as_tensor(result)


def _as_image(tensor: Tensor) -> Image:
    """Convert a tensor (1, C, H, W) to an image (H, W) or (H, W, 3)."""
    image = tensor[0].permute(1, 2, 0).numpy()
    return np.array(image[..., 0] if image.shape[2] == 1 else image)


def _as_tensor(image: npt.NDArray[np.generic]) -> Tensor:
    """Convert an image (H, W) or (H, W, C) to a tensor (1, C, H, W) of float32."""
    planes = np.atleast_3d(image).transpose(2, 0, 1)
    return torch.from_numpy(np.array(planes, np.float32, order="C"))[None]
