"""Training: one loop, two stages (the prior and the denoiser), objectives chosen by name."""
