"""Which pictures the inputs name, and what was left out on the way.

Nothing is left out silently: files and folders that look as if they were or held pictures, and are
not taken, are named with the reason.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flowdenoise.errors import UsageError
from flowdenoise.images.formats import SUFFIXES, beginning_of, lack_of
from flowdenoise.system.paths import is_file, is_folder, is_link, is_named, real

OTHER_KINDS = {
    **dict.fromkeys((".3fr", ".ari", ".arq", ".arw", ".cr2", ".cr3", ".crw", ".dcr"), "raw"),
    **dict.fromkeys((".dcs", ".dng", ".drf", ".eip", ".erf", ".fff", ".gpr", ".iiq"), "raw"),
    **dict.fromkeys((".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf"), "raw"),
    **dict.fromkeys((".ori", ".pef", ".pxn", ".raf", ".raw", ".rw2", ".rwl", ".rwz"), "raw"),
    **dict.fromkeys((".sr2", ".srf", ".srw", ".x3f"), "raw"),
    **dict.fromkeys((".exr", ".hdr"), "high dynamic range"),
    **dict.fromkeys((".psd", ".psb"), "Photoshop"),
    **dict.fromkeys((".fits", ".fit", ".fts"), "FITS"),
    **dict.fromkeys((".jxr", ".wdp", ".hdp"), "JPEG XR"),
    **dict.fromkeys((".cin", ".dpx"), "film"),
    **dict.fromkeys((".cur", ".icns", ".ico"), "icon"),
    ".dcm": "DICOM",
    ".dds": "DDS",
    ".jls": "JPEG-LS",
    ".kra": "Krita",
    ".pam": "PAM",
    ".pcx": "PCX",
    ".qoi": "QOI",
    ".sgi": "SGI",
    ".xcf": "GIMP",
}
"""The endings, in lower case, of pictures that can't be read, each with the kind."""

_SPECIAL = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Found:
    """A picture that was found.

    Attributes:
        path: The file of the picture.
        place: The path relative to the folder that was searched.
        named: Whether an input names the picture itself, not a folder or a pattern.
    """

    path: Path
    place: Path
    named: bool = False


@dataclass(frozen=True)
class LeftOut:
    """A file or a folder that was met and not taken.

    Attributes:
        path: The path or the address of the file or the folder.
        reason: The reason, as a phrase.
        lost: Whether an error made the search miss pictures.
    """

    path: Path | str
    reason: str
    lost: bool = False


@dataclass
class Search:
    """A search for pictures, and what it has found so far.

    Attributes:
        recursive: Whether sub-folders are searched.
        results: The folder of the results, which is not searched; None if there is none.
        found: The pictures, in the order of the inputs, those of a folder by name.
        left_out: The files and folders that were not taken.
    """

    recursive: bool = False
    results: Path | None = None
    found: list[Found] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    _open: dict[Path, bool] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Add the pictures of an input: a file, a folder, or a glob pattern.

        Raises:
            UsageError: The input is empty.
        """
        check_named(text)
        path = Path(text)
        if is_folder(path):
            self._add_folder(path)
        elif is_named(path):
            self.found.append(Found(path, Path(path.name), named=True))
        elif matches := _matches(text):
            self._add_matches(Path(_literal_start(text)), matches)
        else:
            self.left_out.append(LeftOut(path, "there is no such file or folder", lost=True))

    def _add_folder(self, base: Path) -> None:
        waiting = [base]
        while waiting:
            folder = waiting.pop()
            try:
                entries = sorted(Path(entry) for entry in os.scandir(folder))
            except OSError as error:
                reason = f"the folder can't be searched: {os.strerror(error.errno or 0).lower()}"
                self.left_out.append(LeftOut(folder, reason, lost=True))
                continue
            inner = [entry for entry in entries if self.recursive and is_folder(entry)]
            waiting += reversed([folder for folder in inner if self._is_open(folder)])
            for entry in entries:
                self._add_met(entry, entry.relative_to(base))

    def _add_matches(self, base: Path, matches: list[Path]) -> None:
        """Add the pictures among the matches of a pattern, whose folders only `base` names."""
        for match in matches:
            folders = [base / part for part in match.relative_to(base).parents][-2::-1]
            if all(self._is_open(folder) for folder in folders):
                self._add_met(match, Path(match.name))

    def _add_met(self, path: Path, place: Path) -> None:
        """Add a file that was met if its name is that of a picture.

        A picture under another name is left out, since it may be a thumbnail or a copy that some
        program keeps.
        """
        suffix = path.suffix.lower()
        if path.name.startswith(".") or is_folder(path):
            return
        if suffix in SUFFIXES:
            reason = _why_no_file(path) or lack_of(path)
        elif suffix in OTHER_KINDS:
            reason = f"{OTHER_KINDS[suffix]} pictures can't be read"
        elif is_file(path) and (kind := beginning_of(path)):
            reason = f"it begins like {kind}, but is not named like a picture: name it itself"
        else:
            return
        if reason is None:
            self.found.append(Found(path, place))
        else:
            self.left_out.append(LeftOut(path, reason))

    def _is_open(self, folder: Path) -> bool:
        """Whether a folder that was met is to be searched."""
        if folder not in self._open:
            reason = self._why_closed(folder)
            hidden = folder.name.startswith(".")
            if reason is not None and not hidden:
                self.left_out.append(LeftOut(folder, reason))
            self._open[folder] = reason is None and not hidden
        return self._open[folder]

    def _why_closed(self, folder: Path) -> str | None:
        """The reason why a folder that was met is not searched; None if it is searched."""
        if folder.name.startswith("@"):
            return "folders of this name hold thumbnails"  # made by network storages
        if is_link(folder):
            return "links to folders are not followed"
        if self.results is not None and real(folder) == self.results:
            return "the results go there"
        return None


def check_named(text: str) -> None:
    """Refuse an input without a name, which would stand for the current folder.

    Raises:
        UsageError: The input is empty.
    """
    if not text:
        raise UsageError("an input is empty: name a file or a folder, . for the current one")


def find(inputs: Sequence[str], *, recursive: bool, results: Path | None) -> Search:
    """Find the pictures.

    Args:
        inputs: The files, folders, and glob patterns; brackets may be meant literally.
        recursive: Whether sub-folders are searched, too.
        results: The folder of the results, which is not searched if it is a sub-folder; None if
            there is none.

    Raises:
        UsageError: The inputs name no picture at all, or one is empty.
    """
    search = Search(recursive, None if results is None else real(results))
    for text in inputs:
        search.add(text)
    if not search.found:
        raise UsageError(_nothing(inputs, search.left_out))
    return search


def _nothing(inputs: Sequence[str], left_out: Sequence[LeftOut]) -> str:
    if len(inputs) == len(left_out) == 1 and str(left_out[0].path) == str(Path(inputs[0])):
        return f"{inputs[0]}: {left_out[0].reason}"
    reasons = "; ".join(f"{item.path}: {item.reason}" for item in left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    return f"no pictures in {', '.join(inputs)}" + (f" ({reasons}{more})" if reasons else "")


def _why_no_file(path: Path) -> str | None:
    """The reason why a path can't be read like a file; None if it can."""
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except FileNotFoundError:
        return "the link leads nowhere"
    except OSError:
        return None  # reading it will tell what is wrong
    if kind == stat.S_IFREG:
        return None
    return f"it is {_SPECIAL.get(kind, 'no regular file')}"


def _matches(pattern: str) -> list[Path]:
    """The paths that match a pattern, in the order of their names."""
    start = _literal_start(pattern)
    escaped = glob.escape(start) + pattern[len(start) :]
    # A pattern may be absolute, which Path.glob does not take.
    return [Path(match) for match in sorted(glob.glob(escaped, recursive=True))]  # noqa: PTH207


def _literal_start(pattern: str) -> str:
    """The longest beginning of a pattern that is a folder if its brackets are taken literally."""
    separators = [place for place, letter in enumerate(pattern) if letter in (os.sep, "/")]
    starts = (pattern[: place + 1] for place in reversed(separators))
    return next((start for start in starts if is_folder(Path(start))), "")
