"""Finding the images to measure on: a named set, fetched or in a folder, or any other folder.

Some sets are pairs of a photograph with noise and the truth, which mostly is the mean of many
shots. The ends of the files' names tell which is which (`data.pairs`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from flowdenoise import images
from flowdenoise.benchmark.catalog import SETS, NamedSet, find_set, fingerprints
from flowdenoise.benchmark.image_set import ImageSet
from flowdenoise.data.download import StageReport, download, fetch_archive
from flowdenoise.data.pairs import find_pairs, pair_name
from flowdenoise.errors import DataError, ImageReadError
from flowdenoise.system.cache import cache_folder

_SEEN = "fingerprints.json"


def open_set(
    name: str,
    *,
    data_dir: Path | None = None,
    gray: bool = False,
    report: StageReport | None = None,
) -> ImageSet:
    """Find the images of a named set, or of a folder, and check them.

    Args:
        name: A key of `catalog.SETS`, or a folder of clean images or of pairs.
        data_dir: A folder that holds the set, or a sub-folder of its name that does; None
            fetches a named set into the cache.
        gray: Whether a color set, or a folder, is measured in gray. A folder of only gray images
            always is; gray images among color ones are measured as color.
        report: Called as downloads proceed.

    Raises:
        UsageError: Neither a set nor a folder has that name.
        DataError: Images are missing, altered, or can't be fetched.
    """
    if name not in SETS:
        for folder in (Path(name), *((data_dir / name,) if data_dir else ())):
            if folder.is_dir():
                return _open_folder(folder, gray)
    entry = find_set(name)
    folder = _fetch(entry, report) if data_dir is None else _beneath(data_dir, entry)
    own = _match(entry, folder)
    known = fingerprints(entry.name)
    if not known and data_dir is None:
        known = _first_seen(own, folder)
    own = replace(own, known=known)
    for file in own.files if known else ():
        own.load(file)
    return replace(own, gray=True, known={}) if gray and not entry.gray else own


def _open_folder(folder: Path, gray: bool) -> ImageSet:
    files = [file for file in sorted(folder.iterdir()) if images.looks_like_image(file)]
    if not files:
        raise DataError(f"no images in {folder}")
    stems = [file.stem for file in files]
    twice = {stem for stem in stems if stems.count(stem) > 1}
    if twice:
        raise DataError(f"{folder} has several images called {min(twice)}: name them apart")
    pairs = find_pairs(files)
    alone = [file for file in files if file not in pairs and file not in pairs.values()]
    if pairs and alone:
        raise DataError(f"{folder} has pairs, and {alone[0].name}, which has no partner")
    clean = tuple(pairs or files)
    return ImageSet(folder.resolve().name, gray or all(map(_is_gray, clean)), clean, {}, pairs)


def _is_gray(file: Path) -> bool:
    try:
        return images.read(file).channels == 1
    except ImageReadError:  # its cells of the table will say so
        return True


def _beneath(data_dir: Path, entry: NamedSet) -> Path:
    """The folder of a set in a folder of sets, or the folder itself."""
    if not data_dir.is_dir():
        raise DataError(f"there is no folder {data_dir}")
    below = data_dir / entry.name
    return below if below.is_dir() else data_dir


def _match(entry: NamedSet, folder: Path) -> ImageSet:
    """Find a set's images in a folder, at any depth and in any format, in the set's order."""
    every = [file for file in sorted(folder.rglob("*")) if images.looks_like_image(file)]
    pairs = find_pairs(every) if entry.noisy else {}
    found: dict[str, Path] = {}
    for file in pairs or every:
        name = pair_name(file.stem) if entry.noisy else file.stem
        found.setdefault(name, file)
    names = entry.names or tuple(sorted(found))
    missing = [name for name in names if name not in found]
    if missing or len(names) != entry.count:
        lacking = len(missing) or entry.count - len(names)
        first = f", {missing[0]} first" if missing else ""
        raise DataError(
            f"{folder} lacks {lacking} of the {entry.count} images of {entry.name}{first}; "
            f"they are at {entry.source}"
        )
    files = tuple(found[name] for name in names)
    partners = {file: pairs[file] for file in files if file in pairs}
    return ImageSet(entry.name, entry.gray, files, {}, partners)


def _fetch(entry: NamedSet, report: StageReport | None) -> Path:
    """The folder of a set in the cache, which is filled if needed."""
    folder = cache_folder() / "sets" / entry.name
    try:
        if entry.archive is not None:
            suffix = entry.clean.partition("{}")[2]
            return fetch_archive(
                entry.archive,
                folder,
                members=lambda name: name.endswith(suffix),
                report=report,
            )
        names = entry.names
        if entry.listing is not None:
            names = entry.listed(download(entry.listing, folder / "listing.json").read_bytes())
        remotes = entry.remotes(names)
        for number, (name, remote) in enumerate(remotes.items(), start=1):
            stage = f"downloading {entry.name}, image {number} of {len(remotes)}"
            if not (folder / name).is_file():
                download(remote, folder / name, report=report and partial(report, stage))
    except DataError as error:
        raise DataError(
            f"{entry.name} can't be fetched ({error}): get its {entry.count} images from "
            f"{entry.source} and name their folder as `data_dir`"
        ) from error
    return folder


def _first_seen(own: ImageSet, folder: Path) -> Mapping[str, str]:
    """The fingerprints that a fetched set had when it was first complete."""
    record = folder / _SEEN
    if record.is_file():
        try:
            seen: dict[str, str] = json.loads(record.read_text("utf-8"))
        except ValueError as error:
            raise DataError(f"{record} is damaged: remove it") from error
        return seen
    seen = {own.name_of(file): own.load(file).fingerprint for file in own.files}
    images.write_bytes(record, json.dumps(seen, indent=0).encode())
    return seen
