"""Training: one loop, stages for each kind of network, objectives chosen by name.

```
recipes            complete runs, by name
run_config         the settings of a run
settings           single settings by their dotted names
runs               corpora, networks and the loop put together; one function for each stage
tune               runs that sweep the prior's weight and the blur
loop               the loop that all stages share, on one screen
prior_stage        a flow, by maximum likelihood
denoiser_stage     a denoiser, from noisy patches
camera_stage       a denoiser of photographs, from noisy photographs
noise_level_stage  an estimator of the level of white noise
noise_map_stage    an estimator of noise maps
objectives         the table of data terms, each by name
losses             how far a denoiser's output is from what it is asked for
targets            what a denoiser is asked to make of a noisy patch
prior_term         what denoised patches cost under a prior
teaching           what a teacher makes of each noisy image, found once
late_patches       larger patches near the end of a run
lessons            simulated photographs to learn from, made anew or kept on the disk
validation_photos  photographs to validate on: pairs, real and simulated
optimizers         Adam and Muon
divergence         the signs that a run is diverging
processes          one process, or many under `torchrun`
place              where and how a run runs: its folder, its own as long as it lasts
run_folder         what lies in that folder
checkpoint         all that a run needs to go on, whole or absent
progress           what a run reports as it goes
to_weights         from a run to a weights file
```
"""

__all__ = [
    "losses",
    "objectives",
    "place",
    "processes",
    "progress",
    "recipes",
    "run_config",
    "runs",
    "settings",
    "to_weights",
    "tune",
]
