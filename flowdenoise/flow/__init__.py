"""Normalizing flows: invertible networks with a tractable density.

```
transform     the contract: value and log-determinant together, and the way back
layers        activation normalization, invertible 1x1 convolution, squeeze, logit
coupling      one half of the channels scaled and shifted by what a network makes of the other
split         half of the channels leave as latents
level         a level of Glow: steps, their linear parts made all at once
sizes         the sizes and kind of a flow
glow          all of it put together
conditioning  how a flow knows the noise level
tweedie       a density as a denoiser, and as an estimator of the noise level
descent       a density as a judge of patches
growth        a trained flow made larger
samples       a sheet of samples
```
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
