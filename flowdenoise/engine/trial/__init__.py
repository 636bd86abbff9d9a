"""A few windows are denoised before all of a picture: what that tells of its noise and its light.

```
windows        the windows, denoised
method_noise   what a denoiser removes of them has the signs of noise, or of texture
periodicity    how much of that repeats itself
soft_texture   texture of a soft picture, told from coarse noise at half the size
belief         so much of what was found out about noise is believed
linear_light   light that strong noise took, given back
contrast       the tone curve behind which it was taken
```
"""
