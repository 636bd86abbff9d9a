"""What a recipe is, on what data it was trained, and how one goes on from another."""

from __future__ import annotations

from dataclasses import dataclass

DATA = (
    "BSDS500's train and test images (400, for research use) and 42 open photographs (CC0, "
    "public domain, CC BY, CC BY-SA), divided by name and seed 0 into 147 images for the clean "
    "corpus and 295 for the noisy one, without overlap (docs/split.csv)"
)
WIDER = (
    "The noisy corpus of the recipes before (docs/split.csv), its BSDS500 images halved beside "
    "the whole ones, 200 of 250 open photographs, those that docs/heldout.csv does not name (CC0, "
    "public domain, CC BY, CC BY-SA), and 120 drawn charts "
    "(examples/shipped_weights/full_chroma.py)"
)
"""The corpus of the recipes that say `wider`: color in full resolution."""
SPLIT = ("--set", "data.clean_share=0.3333")
ALL_NOISY = ("--set", "data.clean_share=0")
NOISY = "It saw the noisy corpus only, each image with one fixed noise."
CLEAN = "It saw the clean corpus only."
TWO_SCALES = ("--set", "network.channels=32,64", "--set", "network.blocks=2,5")
"""The size of all small networks of `--effort fast`."""


@dataclass(frozen=True)
class Recipe:
    """One file of weights.

    Attributes:
        command: The training command of `flowdenoise` and its options, without paths.
        steps: The number of optimizer steps.
        corpus: The part of `DATA` that it saw, as a sentence for the card.
        summary: The purpose, as one sentence for the card.
        sigma_255: The highest noise level that it is for, 0 to 255 scale.
        shipped: Whether its file goes into `weights/`.
        wider: Whether its corpus is `WIDER` instead of `DATA`.
    """

    command: tuple[str, ...]
    steps: int
    corpus: str
    summary: str
    sigma_255: float = 55.0
    shipped: bool = True
    wider: bool = False

    @property
    def channels(self) -> int:
        """The number of channels: 1 for gray, 3 for color."""
        return 1 if "--gray" in self.command else 3


def weights(name: str) -> str:
    """What an earlier recipe made; `train.py` puts the folder of the runs for {runs}."""
    return f"{{runs}}/{name}/weights.safetensors"


def relay(teacher: str, initial: str = "") -> tuple[str, ...]:
    """Go on from a denoiser, by default the teacher itself."""
    begin = ("--teacher", weights(teacher), "--initial", weights(initial or teacher))
    return ("train-denoiser", "--data-term", "relay", *begin)
