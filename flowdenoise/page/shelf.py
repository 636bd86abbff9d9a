"""The pictures that were dropped on the page, and what is known of their noise.

Each has a number that can't be guessed, so a tab only reaches what was dropped on it. The file
itself lies in a folder of its own; what was decoded and found out last is kept in memory.
"""

from __future__ import annotations

import functools
import secrets
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from flowdenoise import images
from flowdenoise.engine import Denoiser, Examined, NoiseKind, SigmaOrAuto
from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images import Picture
from flowdenoise.page.bounds import PageConfig

_KEPT = 4  # pictures that stay decoded
_LONGEST = 120  # characters of a name
_FORBIDDEN = '<>:"|?*\\'  # in names of files, on some system


@dataclass(frozen=True)
class Dropped:
    """A picture that was dropped on the page.

    Attributes:
        key: Its number.
        place: Its name, and the folders that were dropped with it.
        file: Its bytes.
    """

    key: str
    place: PurePosixPath
    file: Path

    @property
    def folder(self) -> Path:
        """The folder that holds the file and its result, and nothing else."""
        return self.file.parent

    def spoken(self, text: str) -> str:
        """A message in which files are called as the user knows them."""
        return text.replace(f"{self.folder}/", "").replace(f"{self.folder}\\", "")


class Shelf:
    """All pictures that were dropped.

    Args:
        folder: Where their files go; it belongs to the shelf.
        denoiser: Finds out about their noise.
        config: How large they may be.
    """

    def __init__(self, folder: Path, denoiser: Denoiser, config: PageConfig) -> None:
        self.folder, self.denoiser, self.config = folder, denoiser, config
        self._dropped: dict[str, Dropped] = {}
        self._lock = threading.Lock()
        self._read = functools.lru_cache(_KEPT)(self._decode)
        self._known = functools.lru_cache(2 * _KEPT)(self._examine)

    def place(self, name: str) -> Dropped:
        """Make room for a picture, whose file is then to be written.

        Args:
            name: Its name, with the folders before it that were dropped with it.

        Raises:
            UsageError: It is no name.
        """
        parts = [_plain(part) for part in name.replace("\\", "/").split("/")]
        parts = [part for part in parts if part.strip(". ")]
        if not parts:
            raise UsageError("a picture has a name")
        key = secrets.token_urlsafe(16)
        folder = self.folder / key
        folder.mkdir()
        return Dropped(key, PurePosixPath(*parts), folder / parts[-1])

    def add(self, dropped: Dropped) -> Picture:
        """Take a picture whose file is complete.

        Raises:
            ImageReadError: It is none.
        """
        picture = self._read(dropped)
        with self._lock:
            self._dropped[dropped.key] = dropped
        return picture

    def discard(self, dropped: Dropped) -> None:
        """Remove the files of a picture that could not be taken."""
        shutil.rmtree(dropped.folder, ignore_errors=True)

    def get(self, key: str) -> Dropped:
        """The picture of that number.

        Raises:
            UsageError: There is none.
        """
        with self._lock:
            if key not in self._dropped:
                raise UsageError("the picture is not here any more: drop it again")
            return self._dropped[key]

    def remove(self, key: str) -> None:
        """Forget a picture and remove its files; none of that number is fine, too."""
        with self._lock:
            dropped = self._dropped.pop(key, None)
        if dropped is not None:
            shutil.rmtree(dropped.folder, ignore_errors=True)

    def picture(self, dropped: Dropped) -> Picture:
        """The picture, of several pages the first."""
        return self._read(dropped)

    def examined(self, dropped: Dropped, sigma: SigmaOrAuto, noise: NoiseKind) -> Examined:
        """The picture with what is known of its noise."""
        return self._known(dropped, sigma, noise)

    def _decode(self, dropped: Dropped) -> Picture:
        limits = self.config
        try:
            return images.read(
                dropped.file, max_pixels=limits.max_pixels, max_memory=limits.max_memory
            )
        except ImageReadError as error:
            raise ImageReadError(dropped.spoken(str(error))) from error

    def _examine(self, dropped: Dropped, sigma: SigmaOrAuto, noise: NoiseKind) -> Examined:
        return self.denoiser.examine(self._read(dropped), sigma, noise)


def _plain(part: str) -> str:
    """A part of a name as any system takes it."""
    kept = "".join(c if c.isprintable() and c not in _FORBIDDEN else "_" for c in part).strip()
    stem, dot, ending = kept.rpartition(".")
    return f"{stem[:_LONGEST]}{dot}{ending[:_LONGEST]}"
