"""Training: stages for each kind of network, objectives chosen by name, and complete runs.

The loop itself is a floor below, in `flowdenoise.optimization`.

```
recipes            complete runs, by name
run_config         the settings of a run
runs               corpora, networks and the loop put together; one function for each stage
tune               runs that sweep the prior's weight and the blur
prior_stage        a flow, by maximum likelihood
denoiser_stage     a denoiser, from noisy patches
camera_stage       a denoiser of photographs, from noisy photographs
simulated_photos   what simulated photographs teach it
noise_level_stage  an estimator of the level of white noise
noise_map_stage    an estimator of noise maps
noise_crops        crops with noise of all kinds, which it learns from
objectives         the table of data terms, each by name
losses             how far a denoiser's output is from what it is asked for
targets            what a denoiser is asked to make of a noisy patch
prior_term         what denoised patches cost under a prior
teaching           what a teacher makes of each noisy image, found once
asking             what a teacher makes of patches, in turns
late_patches       larger patches near the end of a run
lessons            simulated photographs to learn from
kept               batches that are made once and kept on the disk
validation_photos  photographs to validate on: pairs, real and simulated
place              where and how a run runs: its folder, its own as long as it lasts
to_weights         from a run to a weights file
```
"""

__all__ = [
    "losses",
    "objectives",
    "place",
    "recipes",
    "run_config",
    "runs",
    "to_weights",
    "tune",
]
