"""Which images serve for what: the clean corpus, the noisy corpus, and validation.

The clean corpus is what priors learn from. The noisy corpus is what denoisers learn from; of
these images only noisy versions are ever seen. No image is in both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch

from flowdenoise.data import coco
from flowdenoise.data.corpus import Corpus, OnSkip, decode, find_images, list_images, name_of
from flowdenoise.data.download import StageReport
from flowdenoise.errors import UsageError
from flowdenoise.images import Found
from flowdenoise.system.rules import Channels, Range, Seed, Share
from flowdenoise.system.typed import check

COCO = "coco"
"""The name that stands for MS COCO's val2014, which is fetched."""

Part = Literal["clean", "noisy", "validation"]


@dataclass(frozen=True)
class DataConfig:
    """Where images come from.

    Attributes:
        paths: Files and folders of clean images, or `coco`. They are divided, by name
            and `split_seed`, into the clean and the noisy corpus; a picture in a sub-folder has
            its path below the folder as its name.
        noisy: Files and folders of really noisy images; they replace the noisy corpus.
        validation: Clean images to measure on; `coco` has its own unless some are named.
        clean_share: Share of the images that go to the clean corpus. The paper's split of
            `coco` is half and half.
        split_seed: Seed of the division.
        channels: 3 for color, 1 for gray.
        limit: At most that many images of a part, the first of its random order; 0 is all.
    """

    paths: tuple[str, ...] = ()
    noisy: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    clean_share: Share = 0.5
    split_seed: Seed = 0
    channels: Channels = 3
    limit: Annotated[int, Range(0)] = 0

    def __post_init__(self) -> None:
        check(self)
        if COCO in self.paths and len(self.paths) > 1:
            raise UsageError("coco is a source of its own: name no folders beside it")


@dataclass(frozen=True)
class Sources:
    """The images that a `DataConfig` names.

    Attributes:
        config: The folders of the images.
        on_skip: Called with each file or folder that is left out, and the reason.
        on_fetch: Called with the progress of a download.
        cache: Folder for decoded pixels; they are then memory-mapped instead of held in memory.
    """

    config: DataConfig
    on_skip: OnSkip | None = None
    on_fetch: StageReport | None = None
    cache: Path | None = None

    def files(self, part: Part) -> list[Found]:
        """The files of a part; empty for validation if there is none.

        Raises:
            DataError: A folder does not exist, or holds no images.
            UsageError: No source is named for the part, or the division leaves none for it.
        """
        config = self.config
        if part == "validation" and config.validation:
            return self._found(config.validation)
        if part == "noisy" and config.noisy:
            return self._limited(self._found(config.noisy))
        if config.paths == (COCO,):
            folder = coco.fetch(report=self.on_fetch)
            split = coco.paper_split(list_images([folder]), seed=config.split_seed)
            files = [Found(file, Path(file.name)) for file in getattr(split, part)]
            return self._limited(files)
        if part == "validation":
            return []
        if not config.paths:
            raise UsageError(f"no images are named for the {part} corpus")
        found = self._found(config.paths)
        clean, noisy = divide(found, config.clean_share, seed=config.split_seed)
        files = clean if part == "clean" else noisy
        if not files:
            other, all_here = ("noisy", 1) if part == "clean" else ("clean", 0)
            raise UsageError(
                f"the {other} corpus gets all images ({len(found)}) of {', '.join(config.paths)}, "
                f"and the {part} one none, by data.clean_share={config.clean_share:g}: name more "
                f"images, or set data.clean_share={all_here} to give it all"
            )
        return self._limited(files)

    def _found(self, paths: Sequence[str]) -> list[Found]:
        return find_images([Path(path) for path in paths], self.on_skip)

    def _limited(self, files: list[Found]) -> list[Found]:
        return files[: self.config.limit] if self.config.limit else files

    def corpus(self, part: Part, smallest: int, device: torch.device) -> Corpus | None:
        """The decoded images of a part on the device, or in memory-mapped files; None if empty.

        Args:
            part: The part that is wanted.
            smallest: Images with a side below this are left out.
            device: The device for images that are held in memory.
        """
        files = self.files(part)
        if not files:
            return None
        channels = self.config.channels
        cache = None if self.cache is None else self.cache / f"{part}-{channels}.pixels"
        corpus = decode(
            files, channels=channels, smallest=smallest, on_skip=self.on_skip, cache=cache
        )
        return corpus if cache is not None else corpus.to(device)


def divide(files: Sequence[Found], share: float, *, seed: int) -> tuple[list[Found], list[Found]]:
    """Divide files at random in two; the division depends on their names and the seed alone.

    Args:
        files: The files. A name is the path below the folder that was searched; the order of
            those that share one decides between them.
        share: Share of the first part.
        seed: Another seed gives another division.
    """
    salt = f"{seed}:".encode()
    order = sorted(
        files, key=lambda file: hashlib.sha256(salt + os.fsencode(name_of(file))).digest()
    )
    count = round(share * len(order))
    return order[:count], order[count:]
