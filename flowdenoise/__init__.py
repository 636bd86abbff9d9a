"""An image denoiser that was trained without pairs of noisy and clean pictures.

```
flowdenoise.denoise(picture)                 denoises any kind of picture in one call
flowdenoise.Denoiser.load()                  loads the engine, which can be used many times
flowdenoise.Crop(640, 480, 100, 20)          names a part of a picture, to look at first
flowdenoise.FlowdenoiseError                 is the base of all errors
flowdenoise.FlowdenoiseWarning               tells what `denoise` could not keep, or guessed
```

The names are imported when they are first used, so `import flowdenoise` is quick.
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.api import denoise
    from flowdenoise.engine import Crop, Denoised, Denoiser
    from flowdenoise.errors import FlowdenoiseError, FlowdenoiseWarning

__version__ = "0.1.0"

__all__ = [
    "Crop",
    "Denoised",
    "Denoiser",
    "FlowdenoiseError",
    "FlowdenoiseWarning",
    "__version__",
    "denoise",
]

__getattr__ = homes(
    __name__,
    {
        "api": ("denoise",),
        "engine": ("Crop", "Denoised", "Denoiser"),
        "errors": ("FlowdenoiseError", "FlowdenoiseWarning"),
    },
)
