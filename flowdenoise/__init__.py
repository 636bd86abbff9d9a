"""An image denoiser that was trained without pairs of noisy and clean pictures."""

__version__ = "0.1.0"
