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
Noisy = Annotated[
    list[str],
    typer.Option(help="Folder of really noisy images; no noise is added. May be repeated."),
]
Validation = Annotated[
    list[str], typer.Option(help="Folder of clean images to measure on; may be repeated.")
]
Gray = Annotated[bool, typer.Option("--gray", help="Train for gray pictures.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Optimizer steps.")]
Preset = Annotated[str, typer.Option(help="Recipe: default, paper-text, paper-code.")]
DataTerm = Annotated[
    str | None,
    typer.Option(
        help="blur, mse, r2r, sure or n2v; relay needs --teacher, descent --prior, "
        "supervised --baseline."
    ),
]
Baseline = Annotated[
    bool, typer.Option("--baseline", help="Allow clean targets, for comparison only.")
]
Prior = Annotated[
    str, typer.Option(help="Weights of the prior that judges the denoiser's output.")
]
PriorWeight = Annotated[
    str | None,
    typer.Option(help="fixed, as in the paper, or map: following 2 sigma^2 / D."),
]
PriorScale = Annotated[
    float | None,
    typer.Option(min=0.0, help="Factor of the prior; lambda itself if its weight is fixed."),
]
Teacher = Annotated[
    str,
    typer.Option(
        help="Weights to learn denoising from: a noise-conditional prior, or a denoiser. "
        "The data term is teacher then, or relay if named."
    ),
]
NoiseMode = Annotated[
    str | None,
    typer.Option(help="fixed: each image has one noise for ever; fresh: new at each visit."),
]
Initial = Annotated[str, typer.Option(help="Weights to begin with.")]
WithNoise = Annotated[bool, typer.Option("--noise", help="Condition the flow on the noise level.")]
Checkpointing = Annotated[
    bool, typer.Option("--checkpointing", help="Recompute activations to save memory.")
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


Scales = Annotated[str, typer.Option(help="Prior scales to try, separated by commas.")]
Blurs = Annotated[str, typer.Option(help="Sides of the mean filter to try, separated by commas.")]
