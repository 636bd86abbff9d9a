"""Estimation: what noise a picture has, as far as it tells without being denoised.

```
estimators      the networks that estimate noise, and what is found out with them
estimate        what is known of a picture's noise: white, or that of a camera
brightness      what the brightness of a color picture alone tells of its noise
white_noise     the level of white noise, estimated from a few crops
clipping        noise that was cut off at black or white
noise_maps      the noise of a photograph, place by place
noise_evidence  what its tiles show of it
noise_floor     what its quietest places tell
jpeg_traces     whether pixels come from a JPEG file, whatever they are stored in
mosaic          where a photograph's mosaic begins
specks          single pixels that are wholly black or white
noise_plot      a drawing of noise maps
```
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.estimation.brightness import (
        differs_by,
        has_white_noise_of_color,
        is_colorless,
        is_texture,
        may_be_colorless,
        may_be_texture,
    )
    from flowdenoise.estimation.clipping import ClippedEnds, Unclip, clipped_ends_of
    from flowdenoise.estimation.estimate import VERDICTS, Estimate, Verdict, together
    from flowdenoise.estimation.estimators import Estimators, Finding
    from flowdenoise.estimation.jpeg_traces import shows_jpeg
    from flowdenoise.estimation.mosaic import LEARNED, Phase, mosaic_phase
    from flowdenoise.estimation.noise_evidence import CELL, varies
    from flowdenoise.estimation.noise_floor import is_inside
    from flowdenoise.estimation.noise_maps import (
        MAP_ESTIMATORS,
        NoiseMaps,
        is_sensitive,
        without_bars,
    )
    from flowdenoise.estimation.specks import has_specks
    from flowdenoise.estimation.white_noise import ESTIMATORS, clean_below

__all__ = [
    "CELL",
    "ESTIMATORS",
    "LEARNED",
    "MAP_ESTIMATORS",
    "VERDICTS",
    "ClippedEnds",
    "Estimate",
    "Estimators",
    "Finding",
    "NoiseMaps",
    "Phase",
    "Unclip",
    "Verdict",
    "clean_below",
    "clipped_ends_of",
    "differs_by",
    "has_specks",
    "has_white_noise_of_color",
    "is_colorless",
    "is_inside",
    "is_sensitive",
    "is_texture",
    "may_be_colorless",
    "may_be_texture",
    "mosaic_phase",
    "noise_plot",
    "shows_jpeg",
    "together",
    "varies",
    "without_bars",
]

__getattr__ = homes(
    __name__,
    {
        "clipping": ("ClippedEnds", "Unclip", "clipped_ends_of"),
        "brightness": (
            "differs_by",
            "has_white_noise_of_color",
            "is_colorless",
            "is_texture",
            "may_be_colorless",
            "may_be_texture",
        ),
        "estimate": ("VERDICTS", "Estimate", "Verdict", "together"),
        "estimators": ("Estimators", "Finding"),
        "jpeg_traces": ("shows_jpeg",),
        "mosaic": ("LEARNED", "Phase", "mosaic_phase"),
        "noise_evidence": ("CELL", "varies"),
        "noise_floor": ("is_inside",),
        "noise_maps": ("MAP_ESTIMATORS", "NoiseMaps", "is_sensitive", "without_bars"),
        "specks": ("has_specks",),
        "white_noise": ("ESTIMATORS", "clean_below"),
    },
)
