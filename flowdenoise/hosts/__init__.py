"""Programs of others that run our weights.

```
spandrel_model  ComfyUI, chaiNNer and all that load models by spandrel
```

Plug-and-play solvers such as deepinv's need nothing of this: a `Denoiser` is the function of a
noisy image and a noise level that they ask for.
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.hosts.spandrel_model import register

__all__ = ["register"]

__getattr__ = homes(__name__, {"spandrel_model": ("register",)})
