"""Options of the training commands, each named and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    list[str],
    typer.Option(
        "--data",
        "-d",
        help="Folder of clean images, may be repeated, or coco: fetch MS COCO's val2014. The "
        "images are divided into a clean corpus for priors and a noisy one for denoisers.",
    ),
]
Clean = Annotated[
    list[str],
    typer.Option(
        "--data",
        "-d",
        help="Folder of clean images that noise is added to, may be repeated, or coco: fetch MS "
        "COCO's val2014.",
    ),
]
Noisy = Annotated[
    list[str],
    typer.Option(help="Folder of really noisy images; no noise is added. May be repeated."),
]
Validation = Annotated[
    list[str],
    typer.Option(
        help="Folder of clean images to measure on, and for photographs of real pairs, too; may "
        "be repeated."
    ),
]
Gray = Annotated[bool, typer.Option("--gray", help="Train for gray pictures.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")]
_STEPS = "Optimizer steps; {{{}.steps}} by default."
PriorSteps = Annotated[int | None, typer.Option("--steps", help=_STEPS.format("prior"))]
DenoiserSteps = Annotated[
    int | None,
    typer.Option("--steps", help="Optimizer steps; {denoiser.steps} in the recipe {preset}."),
]
TrialSteps = Annotated[
    int | None, typer.Option("--steps", help="Optimizer steps of each run; the recipe's if unset.")
]
NoiseLevelSteps = Annotated[int | None, typer.Option("--steps", help=_STEPS.format("noise_level"))]
NoiseMapSteps = Annotated[int | None, typer.Option("--steps", help=_STEPS.format("noise_map"))]
Preset = Annotated[str | None, typer.Option(help="Recipe: {presets}; {preset} if none is named.")]
TunePreset = Annotated[
    str | None,
    typer.Option("--preset", help="Recipe: {presets}; {tune.preset} if none is named."),
]
DataTerm = Annotated[str | None, typer.Option(help="What to minimize: {data_terms}.")]
Baseline = Annotated[
    bool,
    typer.Option(
        "--baseline",
        help="Allow clean targets, or second noisy versions of images, for comparison only.",
    ),
]
Prior = Annotated[
    str, typer.Option(help="Weights of the prior that judges the denoiser's output.")
]
PriorWeight = Annotated[
    str | None,
    typer.Option(
        help="Weight of the prior: {prior_weight}. The paper's is fixed; map follows "
        "2 sigma^2 / D."
    ),
]
PriorScale = Annotated[
    float | None,
    typer.Option(help="Factor of the prior; lambda itself if its weight is fixed."),
]
Teacher = Annotated[
    str,
    typer.Option(
        help="Weights to learn denoising from: a noise-conditional prior, or a denoiser. "
        "The data term is teacher then, or relay if named. The teacher of the recipe photo is a "
        "denoiser of photographs."
    ),
]
NoiseMode = Annotated[
    str | None,
    typer.Option(
        help="Noise of the corpus: {noise_mode}. With fixed each image has one noise for good, "
        "with fresh another one at each visit."
    ),
]
Estimator = Annotated[
    str,
    typer.Option(
        help="With the recipe photo, weights of the estimator that tells the denoiser its maps of "
        "noise; {photo.estimator} by default."
    ),
]
Initial = Annotated[str, typer.Option(help="Weights to begin with.")]
WithNoise = Annotated[bool, typer.Option("--noise", help="Condition the flow on the noise level.")]
Recompute = Annotated[
    bool, typer.Option("--recompute", help="Compute activations twice, and keep fewer in memory.")
]
Set = Annotated[
    list[str],
    typer.Option("--set", help="Any other setting, name=value; see settings.json of a run."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")]
Cache = Annotated[
    Path | None,
    typer.Option(help="Folder for decoded pixels, where they don't fit the memory."),
]
Board = Annotated[bool, typer.Option("--tensorboard", help="Keep a TensorBoard log, too.")]


Scales = Annotated[
    str | None,
    typer.Option(help="Prior scales to try; {tune.prior_scales} by default."),
]
Blurs = Annotated[
    str | None,
    typer.Option(help="Sides of the mean filter to try; {tune.blurs} by default."),
]
