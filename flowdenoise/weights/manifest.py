"""The manifest: every shipped weights file with its hash, size, license, training and results.

The files and `manifest.json` are packed into the wheel as the folder `files` of this package; in
a checkout they lie in its folder `weights`. The name of an entry is what users write.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flowdenoise.errors import UsageError, WeightsIntegrityError, WeightsNotFoundError
from flowdenoise.system.rules import shown
from flowdenoise.weights.address import is_sha256
from flowdenoise.weights.architectures import architecture, build_config
from flowdenoise.weights.header import check_seal, parse_header, read_bytes, write_text
from flowdenoise.weights.strict import build, parse_json

MANIFEST = "manifest.json"

_FORMAT = 1
_MAX_MANIFEST = 1 << 20  # bytes
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors")


@dataclass(frozen=True)
class Result:
    """A measurement; the figures that do not apply are None.

    Attributes:
        set: Name of the image set.
        protocol: Protocol by which noise was added and PSNR taken.
        sigma_255: Noise level on the scale of 0 to 255, as such results are labeled.
        psnr: Mean PSNR over the images, in dB.
        ssim: Mean SSIM over the images.
        bits_per_dim: Bits per dimension of a prior.
    """

    set: str
    protocol: str
    sigma_255: float
    psnr: float | None = None
    ssim: float | None = None
    bits_per_dim: float | None = None


@dataclass(frozen=True)
class Entry:
    """A weights file and what is known about it.

    Attributes:
        name: What users call the weights.
        file: Name of the file beside the manifest.
        kind: Kind of the network, as in `architectures.ARCHITECTURES`.
        channels: 3 for color, 1 for gray.
        parameters: Number of weights that the file holds.
        sha256: Digest of the file.
        size: Size of the file in bytes.
        license: SPDX identifier.
        summary: One sentence that says what the weights are for.
        data: One sentence that says what they were trained on.
        sigma_range: Noise levels they were trained for, from and to, on the [0, 1] scale.
        results: What was measured.
        training: How the weights came about: the record in the file.
        hub: Address on the Hub if the file is too large for the package, otherwise None.
    """

    name: str
    file: str
    kind: str
    channels: int
    parameters: int
    sha256: str
    size: int
    license: str
    summary: str
    data: str
    sigma_range: tuple[float, float]
    results: tuple[Result, ...]
    training: Mapping[str, Any]
    hub: str | None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"a name is of small letters, digits, - and _, not {self.name!r}")
        if not _FILE.fullmatch(self.file):
            raise UsageError(f"{shown(self.file)} is not the plain name of a .safetensors file")
        if not is_sha256(self.sha256):
            raise UsageError(f"the sha256 of {self.name} must be 64 hexadecimal digits")
        if not 0 <= self.sigma_range[0] <= self.sigma_range[1] <= 1:
            raise UsageError(f"sigma_range of {self.name} is not a range within [0, 1]")

    @property
    def role(self) -> str:
        """What the network is used for, see `architectures.Role`."""
        return architecture(self.kind, self.name).role


@dataclass(frozen=True)
class Manifest:
    """The shipped weights.

    Attributes:
        folder: The folder of the files.
        entries: The entries, in the order in which they are listed.
    """

    folder: Path
    entries: tuple[Entry, ...]

    def find(self, name: str) -> Entry:
        """The entry called `name`.

        Raises:
            WeightsNotFoundError: No entry has this name. The message lists those that exist.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        names = [entry.name for entry in self.entries]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        known = ", ".join(names) or "none"
        raise WeightsNotFoundError(
            f"no weights are called {shown(name)}: {hint}there are {known}; "
            "a file is given by its path, such as ./my.safetensors"
        )


def shipped_folder() -> Path:
    """The folder of the shipped weights: the package's, or in a checkout the repository's."""
    package = Path(__file__).parent
    packed = package / "files"
    return packed if packed.is_dir() else package.parents[1] / "weights"


def shipped() -> Manifest:
    """The manifest of the shipped weights.

    Raises:
        WeightsError: The manifest is missing or damaged.
    """
    folder = shipped_folder()
    file = folder / MANIFEST
    state = file.stat() if file.is_file() else None
    return _read_once(folder, state and (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)
def _read_once(folder: Path, state: tuple[int, int, int] | None) -> Manifest:
    """The manifest of a folder, which is read again only after it was changed."""
    return read_manifest(folder)


def read_manifest(folder: Path) -> Manifest:
    """Read `manifest.json` of a folder.

    Raises:
        WeightsNotFoundError: The folder holds no manifest.
        WeightsIntegrityError: The manifest is damaged or of another version.
    """
    file = folder / MANIFEST
    if not file.is_file():
        raise WeightsNotFoundError(f"there is no {MANIFEST} in {folder}")
    content = parse_json(read_bytes(file), str(file), limit=_MAX_MANIFEST)
    try:
        parsed = build(_File, content, str(file))
        for entry in parsed.weights:
            architecture(entry.kind, entry.name)
    except UsageError as error:
        raise WeightsIntegrityError(f"{file}: {error}") from error
    names = [entry.name for entry in parsed.weights]
    if parsed.format != _FORMAT or len(set(names)) != len(names):
        raise WeightsIntegrityError(f"{file} is of another format, or has a name twice")
    return Manifest(folder, parsed.weights)


@dataclass(frozen=True)
class _File:
    format: int
    weights: tuple[Entry, ...]


def describe(
    path: Path,
    *,
    license: str,  # noqa: A002 - the manifest's word
    summary: str,
    data: str,
    sigma_range: tuple[float, float],
    name: str | None = None,
    results: tuple[Result, ...] = (),
    hub: str | None = None,
) -> Entry:
    """The manifest's entry for a file: what the file itself says, and what is said here.

    Args:
        path: The weights file.
        license: SPDX identifier.
        summary: One sentence that says what the weights are for.
        data: One sentence that says what they were trained on.
        sigma_range: Noise levels they were trained for, from and to, on the [0, 1] scale.
        name: What users call the weights; by default the file's name.
        results: What was measured.
        hub: Address on the Hub, for a file that is too large for the package.

    Raises:
        WeightsError: The file is no valid weights file.
        UsageError: The name has letters that names can't have.
    """
    content = read_bytes(path)
    header = parse_header(content, str(path))
    check_seal(content, header, str(path))
    record = header.record
    config = build_config(record.kind, record.config, str(path))
    return Entry(
        name=name or path.stem,
        file=path.name,
        kind=record.kind,
        channels=config.image_channels,
        parameters=header.parameters,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        license=license,
        summary=summary,
        data=data,
        sigma_range=sigma_range,
        results=results,
        training=record.training,
        hub=hub,
    )


def update_manifest(folder: Path, entry: Entry) -> None:
    """Put `entry` into the manifest of `folder`, in place of the one of its name if there is one.

    Raises:
        WeightsError: The folder's manifest is damaged, or can't be written.
    """
    there = (folder / MANIFEST).exists()
    entries = list(read_manifest(folder).entries) if there else []
    places = [i for i, old in enumerate(entries) if old.name == entry.name]
    if places:
        entries[places[0]] = entry
    else:
        entries.append(entry)
    content = {"format": _FORMAT, "weights": [asdict(entry) for entry in entries]}
    write_text(folder / MANIFEST, json.dumps(content, indent=2, allow_nan=False) + "\n")
