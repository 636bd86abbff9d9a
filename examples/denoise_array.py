"""Denoise a picture from Python, and see what was gained.

python examples/denoise_array.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

import flowdenoise

HERE = Path(__file__).parent


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB."""
    error = np.mean((picture.astype(float) - truth.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


clean = np.asarray(Image.open(HERE / "coffee.png"))
noisy = np.asarray(Image.open(HERE / "coffee-noisy.png"))
denoised = flowdenoise.denoise(noisy)  # finds the noise level by itself

print(f"noisy {psnr(noisy, clean):.2f} dB, denoised {psnr(denoised, clean):.2f} dB")
