"""Normalizing flows: invertible networks with a tractable density.

`transform` states the contract, `layers` and `coupling` fill it, `conditioning` lets a flow know
the noise level, `glow` puts them together, `tweedie` turns the density into a denoiser and into an
estimator of the noise level, `descent` into a judge of patches, `growth` makes a flow larger,
`samples` draws from it.
"""

from flowdenoise.flow.descent import LEAST_SIGMA, descend
from flowdenoise.flow.glow import Glow, dequantize
from flowdenoise.flow.growth import grow
from flowdenoise.flow.samples import SampleConfig, sample_sheet
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.flow.tweedie import TweedieDenoiser, as_denoiser, likeliest_sigma, tweedie_step

__all__ = [
    "LEAST_SIGMA",
    "Glow",
    "GlowConfig",
    "SampleConfig",
    "TweedieDenoiser",
    "as_denoiser",
    "dequantize",
    "descend",
    "grow",
    "likeliest_sigma",
    "sample_sheet",
    "tweedie_step",
]
