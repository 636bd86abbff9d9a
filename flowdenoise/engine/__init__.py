"""The engine: pictures of any size in, denoised pictures out, in whatever memory there is.

```
denoiser        the use case: find the level, cut, denoise, blend, put back
estimate        the noise level of a picture, from crops that stand for it
tiling          cutting and blending
tile_denoiser   a network as the tiling calls it
discrepancy     what is removed is no more than noise
self_ensemble   the mean over the eight ways to turn a picture
clipping        noise that was cut off at black or white
out_of_memory   the same again in smaller pieces
likelihood      how likely a picture is under a prior
doctor          is this installation sound?
```
"""

from flowdenoise.engine.denoiser import (
    AUTOMATIC,
    CLEAN_BELOW,
    Denoised,
    Denoiser,
    SigmaOrAuto,
    check_strength,
)
from flowdenoise.engine.estimate import ESTIMATORS
from flowdenoise.engine.tile_denoiser import TileDenoiser
from flowdenoise.engine.tiling import OnTile, TilingConfig

__all__ = [
    "AUTOMATIC",
    "CLEAN_BELOW",
    "ESTIMATORS",
    "Denoised",
    "Denoiser",
    "OnTile",
    "SigmaOrAuto",
    "TileDenoiser",
    "TilingConfig",
    "check_strength",
    "doctor",
    "likelihood",
    "tiling",
]
