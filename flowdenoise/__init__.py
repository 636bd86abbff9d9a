"""An image denoiser that was trained without pairs of noisy and clean pictures.

```
flowdenoise.denoise(picture)                 one call, any kind of picture
flowdenoise.Denoiser.load()                  the engine, to be used many times
flowdenoise.FlowdenoiseError                 the base of all errors
```

Names are imported when they are first used, so `import flowdenoise` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowdenoise.engine.denoiser import Denoised, Denoiser
    from flowdenoise.errors import FlowdenoiseError
    from flowdenoise.shortcut import denoise

__version__ = "0.1.0"

__all__ = ["Denoised", "Denoiser", "FlowdenoiseError", "__version__", "denoise"]

_HOMES = {
    "Denoised": "flowdenoise.engine.denoiser",
    "Denoiser": "flowdenoise.engine.denoiser",
    "FlowdenoiseError": "flowdenoise.errors",
    "denoise": "flowdenoise.shortcut",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
