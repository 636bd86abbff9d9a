"""Training: one loop, two stages (the prior and the denoiser), objectives chosen by name."""

__all__ = [
    "losses",
    "objectives",
    "place",
    "processes",
    "progress",
    "recipes",
    "run_config",
    "runs",
    "settings",
    "to_weights",
    "tune",
]
