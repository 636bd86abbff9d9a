"""Pictures of any size through a network, tile by tile, in whatever memory there is.

```
tiling          cutting and blending
tile_denoiser   a network as the tiling calls it
self_ensemble   the mean over the eight ways to turn a picture
in_phase        both for photographs whose mosaic is not where networks learned it
discrepancy     what is removed is no more than noise
out_of_memory   smaller pieces when memory runs out
```
"""
