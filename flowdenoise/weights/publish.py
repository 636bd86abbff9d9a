"""Publishing weights: on the Hub, in one commit, or among the shipped ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from flowdenoise.errors import WeightsDownloadError, WeightsError
from flowdenoise.weights import hub
from flowdenoise.weights.address import SCHEME, HubAddress, parse_address
from flowdenoise.weights.card import card
from flowdenoise.weights.header import (
    check_sha256,
    parse_header,
    read_bytes,
    write_bytes,
    write_text,
)
from flowdenoise.weights.hub_bounds import Report
from flowdenoise.weights.manifest import Entry, update_manifest

CONFIG = "config.json"
CARD = "README.md"


@dataclass(frozen=True)
class Published:
    """What `push` made.

    Attributes:
        folder: Folder of the files on this machine.
        address: Address of the weights on the Hub, with commit and hash; None after a dry run.
    """

    folder: Path
    address: HubAddress | None


def push(
    path: Path,
    entry: Entry,
    repo: str,
    folder: Path,
    *,
    private: bool = False,
    dry_run: bool = False,
    overwrite: bool = False,
    offline: bool = False,
    report: Report | None = None,
) -> Published:
    """Publish a weights file on the Hub.

    Args:
        path: The weights file.
        entry: The description, from `manifest.describe` or the manifest.
        repo: The repository, `owner/name`, which is made if needed.
        folder: Folder for what is uploaded, which is made if needed.
        private: Whether a new repository is closed to others.
        dry_run: Whether the folder is written and nothing uploaded.
        overwrite: Whether other files of the same names in the folder may be replaced.
        offline: Whether uploads are refused.
        report: Called with a line about what is written and uploaded.

    Raises:
        UsageError: `repo` is not of the form `owner/name`.
        WeightsError: The file is not the one described, the folder can't be written or holds
            other files of the same names, or the upload failed. The repository then has none of
            the files.
    """
    parse_address(f"{SCHEME}{repo}@main/{entry.file}")  # refuses what is no owner/name
    files = write_folder(path, entry, folder, repo=repo, overwrite=overwrite)
    if report:
        report(f"wrote {', '.join(files)} in {folder}")
    if dry_run:
        return Published(folder, None)
    if offline or hub.is_offline():
        raise WeightsDownloadError(f"can't upload to {repo}: the network is not used")
    commit = hub.upload(repo, files, message=f"Add {entry.name}", private=private)
    published = HubAddress(repo, commit, entry.file, entry.sha256)
    if report:
        report(f"uploaded {published}")
    return Published(folder, published)


def write_folder(
    path: Path, entry: Entry, folder: Path, *, repo: str, overwrite: bool = False
) -> dict[str, Path]:
    """Write what is to be uploaded.

    Args:
        path: The weights file.
        entry: The description.
        folder: The folder, which is made if needed.
        repo: The repository, `owner/name`.
        overwrite: Whether other files of the same names may be replaced.

    Returns:
        The files by their names in the repository.

    Raises:
        WeightsError: The file is not the one described, can't be copied, or would replace another.
    """
    data = read_bytes(path)
    check_sha256(data, entry.sha256, str(path))
    record = parse_header(data, str(path)).record
    config = {"library": "flowdenoise", "kind": record.kind, "config": dict(record.config)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f"can't make the folder {folder}: {error.strerror}") from error
    contents = {
        entry.file: data,
        CONFIG: (json.dumps(config, indent=2) + "\n").encode(),
        CARD: hub.model_card(entry, card(entry, repo=repo)).encode(),
    }
    files = {name: folder / name for name in contents}
    for name, file in files.items():
        if file.exists() and not overwrite and read_bytes(file) != contents[name]:
            raise WeightsError(
                f"{file} is there already: `overwrite` replaces it, or take another folder"
            )
    for name, file in files.items():
        write_bytes(file, contents[name])
    return files


def ship(path: Path, entry: Entry, folder: Path) -> None:
    """Put a weights file among the shipped ones: the file, its entry, and its card `NAME.md`.

    Args:
        path: The weights file.
        entry: The description.
        folder: Folder of the shipped weights, `weights` in a checkout.

    Raises:
        WeightsError: The file is not the one described, or the folder can't be written.
    """
    data = read_bytes(path)
    check_sha256(data, entry.sha256, str(path))
    write_bytes(folder / entry.file, data)
    write_text(folder / f"{entry.name}.md", card(entry))
    update_manifest(folder, entry)
