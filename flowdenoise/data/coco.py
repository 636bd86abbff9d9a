"""MS COCO's validation images of 2014, and the paper's way of dividing them.

Images: Lin et al., "Microsoft COCO: common objects in context" (ECCV 2014). The paper trains the
flow on one half, the denoiser on noisy versions of the other: no image is in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flowdenoise.data.download import StageReport, fetch_archive
from flowdenoise.data.remote_file import Remote
from flowdenoise.errors import DataError
from flowdenoise.system.cache import cache_folder

# Size and sha256 as TensorFlow Datasets records them (tensorflow/datasets on GitHub,
# tensorflow_datasets/url_checksums/coco2014.txt). The host has no certificate for its own name,
# hence http: the checksum is what vouches for the bytes.
VAL2014 = Remote(
    "http://images.cocodataset.org/zips/val2014.zip",
    size=6_645_013_297,
    sha256="fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
)
IMAGES = 40_504
"""Number of images in the validation archive of 2014."""


def fetch(folder: Path | None = None, *, report: StageReport | None = None) -> Path:
    """Download and unpack the images (6.6 GB, twice that while unpacking), unless they are there.

    Args:
        folder: Absent, empty, or with the images in it already, at any depth; by default
            `coco-val2014` in the cache folder.
        report: Called with the progress in the two stages, "downloading" and "unpacking".

    Returns:
        The folder, as an absolute path.

    Raises:
        DataError: The images can't be fetched or don't fit on the disk, or the folder holds
            something else.
    """
    folder = fetch_archive(
        VAL2014,
        folder or cache_folder() / "coco-val2014",
        members=lambda name: name.endswith(".jpg"),
        report=report,
    )
    found = sum(1 for _ in folder.rglob("COCO_val2014_*.jpg"))
    if found != IMAGES:
        raise DataError(
            f"{folder} holds {found} of COCO's {IMAGES} validation images: "
            "remove it to fetch them again, or name another folder"
        )
    return folder


@dataclass(frozen=True)
class Split:
    """Images divided into three disjoint parts.

    Attributes:
        clean: Images from which the flow learns.
        noisy: Images from whose noisy versions the denoiser learns.
        validation: Images that neither sees.
    """

    clean: tuple[Path, ...]
    noisy: tuple[Path, ...]
    validation: tuple[Path, ...]


def paper_split(
    files: Iterable[Path],
    *,
    seed: int,
    clean: int = 20_000,
    noisy: int = 20_000,
    validation: int = 1_000,
) -> Split:
    """Divide images at random as the paper does.

    It depends on the seed and the files' names, not on their order or folder. The paper counts
    20,000 and 20,000 and 1,000, which is more than the archive's 40,504, so validation takes
    what is left: 504.

    Args:
        files: The images; a file named twice counts once.
        seed: Another seed gives another division.
        clean: Images for the flow.
        noisy: Images for the denoiser.
        validation: The most images for validation.

    Raises:
        DataError: The images are too few for `clean`, `noisy` and one more for validation.
    """
    order = sorted(
        set(files),
        key=lambda file: (hashlib.sha256(f"{seed}:{file.name}".encode()).digest(), file),
    )
    needed = clean + noisy + min(validation, 1)
    if len(order) < needed:
        raise DataError(f"the split needs at least {needed} images, there are {len(order)}")
    training = clean + noisy
    return Split(
        tuple(order[:clean]),
        tuple(order[clean:training]),
        tuple(order[training : training + validation]),
    )
