"""Noise: its levels and their unit, and what it looks like.

```
levels         sigma, checked and converted
white          the same in all pixels, independent from one to the next
camera         what a camera does to light, and so what the noise of a photograph is
demosaicking   one color a pixel, and what makes three of it
compression    8 bits, and JPEG
smoothing      what a camera does to detail
tone           from linear light to sRGB and back
```
"""

from typing import TYPE_CHECKING

from flowdenoise.noise.levels import (
    TRAINED_SIGMAS,
    WHITE,
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
    "Sigma",
    "SigmaRange",
    "add_gaussian",
    "camera",
    "check_sigma",
    "compression",
    "fixed_gaussian",
    "from_255",
    "smoothing",
    "to_255",
    "tone",
]

__getattr__ = homes(__name__, {"white": ("add_gaussian", "fixed_gaussian")})
