"""Noise: its levels and their unit, white noise, and the noise of cameras.

```
levels         sigma, checked and converted, and the kinds of noise
white          noise of one level, independent from pixel to pixel
camera         what a camera does to light, and so what the noise of a photograph is
shots          the mean of many shots of one scene, as truths of real pairs are
sensor         what is added where light is measured
color_matrix   from the camera's colors to sRGB
demosaicking   from one color a pixel to three
compression    8 bits, and JPEG
smoothing      what a camera does to detail
tone           from linear light to sRGB and back
grain          the grain of film
editing        what people do to a photograph afterward
```
"""

from typing import TYPE_CHECKING

from flowdenoise.noise.levels import (
    TRAINED_SIGMAS,
    WHITE,
    NoiseKind,
    Sigma,
    SigmaRange,
    check_sigma,
    from_255,
    to_255,
)
from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.noise.white import add_gaussian, fixed_gaussian

__all__ = [
    "TRAINED_SIGMAS",
    "WHITE",
    "NoiseKind",
    "Sigma",
    "SigmaRange",
    "add_gaussian",
    "camera",
    "check_sigma",
    "compression",
    "demosaicking",
    "editing",
    "fixed_gaussian",
    "from_255",
    "grain",
    "sensor",
    "shots",
    "smoothing",
    "to_255",
    "tone",
]

__getattr__ = homes(__name__, {"white": ("add_gaussian", "fixed_gaussian")})
