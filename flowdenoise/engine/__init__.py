"""The engine: pictures of any size in, denoised pictures out, in whatever memory there is.

```
denoiser       the use case: find the level, cut, denoise, blend, put back
denoised       what comes out
examiner       what there is to remove from a picture
examined       a picture whose noise is known
planes         what a picture really holds: gray or color, and which channels
trial/         a few windows that are denoised first, and what they tell
denoisers      the networks that denoise: a model's, and a picture's
choices        which network runs, where and how, and how much it removes
tiles/         a network on pictures of any size
passes         a plane on its way through the tiles
risk           where noise is weak: how much of what is removed is noise
remains        what a denoiser leaves of coarse noise, removed in a reduced picture
texture        fine texture that comes back
solver_input   the tensors and levels of a plug-and-play solver
likelihood     how likely a picture is under a prior
doctor         whether this installation is sound
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
    from flowdenoise.engine.denoisers import AUTOMATIC, takes_integers, weights_for_cameras
    from flowdenoise.engine.examined import Examined
    from flowdenoise.engine.tiles.out_of_memory import is_out_of_memory
    from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser
    from flowdenoise.engine.tiles.tiling import OnTile, TilingConfig

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
    "takes_integers",
    "tiles",
    "weights_for_cameras",
]

__getattr__ = homes(
    __name__,
    {
        "denoised": ("Denoised",),
        "denoiser": ("Denoiser",),
        "denoisers": ("AUTOMATIC", "takes_integers", "weights_for_cameras"),
        "examined": ("Examined",),
        "tiles.out_of_memory": ("is_out_of_memory",),
        "tiles.tile_denoiser": ("TileDenoiser",),
        "tiles.tiling": ("OnTile", "TilingConfig"),
    },
)
