"""The engine: pictures of any size in, denoised pictures out, in whatever memory there is.

```
denoiser        the use case: find the level, cut, denoise, blend, put back
denoised        what comes out
examiner        what there is to remove from a picture
examined        a picture whose noise is known
solver_input    the tensors and levels of a plug-and-play solver
choices         which network runs, where and how, and how much it removes
trial           a few windows, denoised before all of the picture
method_noise    what a denoiser removes of them has the signs of noise, or of texture
soft_texture    texture of a soft picture, told from coarse noise at half the size
belief          so much of what was found out about noise is believed
periodicity     how much of that repeats itself
passes          a plane on its way through the tiling
denoisers       the networks that denoise: a model's, and a picture's
tiling          cutting and blending
planes          what a picture really holds: gray or color, and which channels
tile_denoiser   a network as the tiling calls it
discrepancy     what is removed is no more than noise
risk            where noise is weak: how much of what is removed is noise
remains         what a denoiser leaves of coarse noise, removed in a reduced picture
linear_light    light that strong noise took, given back
contrast        the tone curve behind which it was taken
self_ensemble   the mean over the eight ways to turn a picture
texture         fine texture that comes back
out_of_memory   smaller pieces when memory runs out
likelihood      how likely a picture is under a prior
doctor          whether this installation is sound
```
"""

from typing import TYPE_CHECKING

from flowdenoise.engine.choices import (
    EFFORTS,
    Crop,
    EngineConfig,
    RemovalConfig,
    SigmaOrAuto,
    address_of,
)
from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.engine.denoised import Denoised
    from flowdenoise.engine.denoiser import Denoiser
    from flowdenoise.engine.denoisers import AUTOMATIC, weights_for_cameras
    from flowdenoise.engine.examined import Examined
    from flowdenoise.engine.out_of_memory import is_out_of_memory
    from flowdenoise.engine.tile_denoiser import TileDenoiser
    from flowdenoise.engine.tiling import OnTile, TilingConfig

__all__ = [
    "AUTOMATIC",
    "EFFORTS",
    "Crop",
    "Denoised",
    "Denoiser",
    "EngineConfig",
    "Examined",
    "OnTile",
    "RemovalConfig",
    "SigmaOrAuto",
    "TileDenoiser",
    "TilingConfig",
    "address_of",
    "doctor",
    "is_out_of_memory",
    "likelihood",
    "tiling",
    "weights_for_cameras",
]

__getattr__ = homes(
    __name__,
    {
        "denoised": ("Denoised",),
        "denoiser": ("Denoiser",),
        "denoisers": ("AUTOMATIC", "weights_for_cameras"),
        "examined": ("Examined",),
        "out_of_memory": ("is_out_of_memory",),
        "tile_denoiser": ("TileDenoiser",),
        "tiling": ("OnTile", "TilingConfig"),
    },
)
