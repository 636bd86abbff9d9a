"""The pictures that were dropped on the page, and what is known of their noise.

Each picture has a number that can't be guessed, so a tab only reaches pictures that were dropped
on it. The file lies in a folder of its own. The few pictures that were used last stay decoded in
memory, and so does what was found of their noise, until the picture is forgotten.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

from flowdenoise import images
from flowdenoise.engine import Denoiser, Examined, SigmaOrAuto
from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images import Picture
from flowdenoise.noise import NoiseKind
from flowdenoise.page.bounds import PageConfig

T = TypeVar("T")

_KEPT = 4  # pictures that stay decoded, and half of the examinations that stay
_LONGEST = 120  # characters of a name before its ending
_BYTES, _ENDING = 200, 40  # of a name in UTF-8; most systems take 255, with `_denoised` between
_FORBIDDEN = '<>:"|?*\\'  # in names of files, on some system


@dataclass(frozen=True)
class Dropped:
    """A picture that was dropped on the page.

    Attributes:
        key: The number of the picture.
        place: The name of the picture, below the folders that were dropped with it.
        folder: The folder that holds the file and its result, each in a folder of its own.
    """

    key: str
    place: PurePosixPath
    folder: Path

    @property
    def file(self) -> Path:
        """The file of the picture."""
        return self.folder / "source" / self.place.name

    @property
    def results(self) -> Path:
        """The folder of the result, which is made with it."""
        return self.folder / "result"

    def spoken(self, text: str) -> str:
        """A message with the names of files that the user knows."""
        for folder in (self.file.parent, self.results):
            text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "")
        return text


class _Latest(Generic[T]):
    """What was made of pictures; what was not used for longest makes room.

    Args:
        most: The number of things that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, Hashable], T] = OrderedDict()

    def find(self, key: str, how: Hashable) -> T | None:
        """What was made of a picture in that way; None if it is not kept."""
        found = self._kept.get((key, how))
        if found is not None:
            self._kept.move_to_end((key, how))
        return found

    def keep(self, key: str, how: Hashable, made: T) -> None:
        """Keep what was made of a picture in that way."""
        self._kept[key, how] = made
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        """Drop all that was made of a picture."""
        for place in [place for place in self._kept if place[0] == key]:
            del self._kept[place]


class Shelf:
    """All pictures that were dropped.

    Args:
        folder: The folder for their files, which belongs to the shelf.
        denoiser: The engine, which examines their noise.
        config: The limits of files and pictures.
    """

    def __init__(self, folder: Path, denoiser: Denoiser, config: PageConfig) -> None:
        self.folder, self.denoiser, self.config = folder, denoiser, config
        self._dropped: dict[str, Dropped] = {}
        self._lock = threading.Lock()
        self._decoded = _Latest[Picture](_KEPT)
        self._examined = _Latest[Examined](2 * _KEPT)

    def place(self, name: str) -> Dropped:
        """Make room for a picture, whose file the caller then writes.

        Args:
            name: The name of the picture, behind the folders that were dropped with it.

        Raises:
            UsageError: The text is no name.
        """
        parts = [_plain(part) for part in name.replace("\\", "/").split("/")]
        parts = [part for part in parts if part.strip(". ")]
        if not parts:
            raise UsageError("a picture has a name")
        key = secrets.token_urlsafe(16)
        dropped = Dropped(key, PurePosixPath(*parts), self.folder / key)
        dropped.file.parent.mkdir(parents=True)
        return dropped

    def add(self, dropped: Dropped) -> Picture:
        """Take a picture whose file is complete.

        Raises:
            ImageReadError: The file is no picture.
        """
        picture = self._decode(dropped)
        with self._lock:
            self._dropped[dropped.key] = dropped
            self._decoded.keep(dropped.key, None, picture)
        return picture

    def discard(self, dropped: Dropped) -> None:
        """Remove the files of a picture that could not be taken."""
        shutil.rmtree(dropped.folder, ignore_errors=True)

    def get(self, key: str) -> Dropped:
        """Find the picture of that number.

        Raises:
            UsageError: No picture has that number.
        """
        with self._lock:
            if key not in self._dropped:
                raise UsageError("the picture is not here any more: drop it again")
            return self._dropped[key]

    def remove(self, key: str) -> None:
        """Forget all of a picture and remove its files; a number without a picture is fine."""
        with self._lock:
            dropped = self._dropped.pop(key, None)
            self._decoded.drop(key)
            self._examined.drop(key)
        if dropped is not None:
            shutil.rmtree(dropped.folder, ignore_errors=True)

    def picture(self, dropped: Dropped) -> Picture:
        """Decode the picture, or the first of its pages."""
        return self._made(self._decoded, dropped, None, lambda: self._decode(dropped))

    def examined(self, dropped: Dropped, sigma: SigmaOrAuto, noise: NoiseKind) -> Examined:
        """Examine the picture's noise."""

        def examine() -> Examined:
            return self.denoiser.examine(self.picture(dropped), sigma, noise)

        return self._made(self._examined, dropped, (sigma, noise), examine)

    def _made(
        self, latest: _Latest[T], dropped: Dropped, how: Hashable, make: Callable[[], T]
    ) -> T:
        """What is made of a picture; it is not kept if the picture is forgotten meanwhile."""
        with self._lock:
            found = latest.find(dropped.key, how)
        if found is not None:
            return found
        made = make()
        with self._lock:
            if dropped.key in self._dropped:
                latest.keep(dropped.key, how, made)
        return made

    def _decode(self, dropped: Dropped) -> Picture:
        limits = self.config
        try:
            return images.read(
                dropped.file, max_pixels=limits.max_pixels, max_memory=limits.max_memory
            )
        except ImageReadError as error:
            raise ImageReadError(dropped.spoken(str(error))) from error


def _plain(part: str) -> str:
    """A part of a name, in characters that every system takes."""
    kept = "".join(c if c.isprintable() and c not in _FORBIDDEN else "_" for c in part).strip()
    path = PurePosixPath(kept)
    return _cut(path.stem[:_LONGEST], _BYTES) + _cut(path.suffix, _ENDING)


def _cut(text: str, most: int) -> str:
    """The first whole characters of a text, in at most that many bytes of UTF-8."""
    return text.encode()[:most].decode(errors="ignore")
