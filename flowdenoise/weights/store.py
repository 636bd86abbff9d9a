"""From an address to a file on this machine: path, package, cache, Hub, in this order.

Whoever reads the file that `resolve` finds must hold its bytes against `Resolved.sha256`; so do
`verify` here and `loading.load`. The bytes of a file that was just fetched have been read and
verified already, and come along; a file that did not match was thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flowdenoise.errors import (
    WeightsDownloadError,
    WeightsError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from flowdenoise.system.cache import readable_size
from flowdenoise.weights import pins
from flowdenoise.weights.address import (
    Address,
    FilePath,
    HubAddress,
    ShippedName,
    is_commit,
    is_sha256,
    parse_address,
)
from flowdenoise.weights.header import Header, check_seal, check_sha256, parse_header, read_bytes
from flowdenoise.weights.manifest import Entry, Manifest, shipped

if TYPE_CHECKING:
    from flowdenoise.weights.hub_bounds import Report

Origin = Literal["path", "package", "cache", "hub"]


@dataclass(frozen=True)
class Resolved:
    """Where an address leads.

    Attributes:
        path: The file.
        origin: The place where the file was found; `hub` if it was fetched just now.
        address: The address that was asked for, a Hub address with its commit.
        sha256: Digest that the bytes must have, as far as the address, the manifest or an earlier
            download says.
        content: The bytes, where they were read and verified on the way.
    """

    path: Path
    origin: Origin
    address: Address
    sha256: str | None
    content: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Shipped:
    """An entry of the manifest and where its file is.

    Attributes:
        entry: The entry.
        origin: The place where the file is, or from which it can be fetched.
        path: The file; None if it is only on the Hub so far, or gone from the package.
    """

    entry: Entry
    origin: Origin
    path: Path | None


@dataclass(frozen=True)
class Inspection:
    """All that is known about a weights file; only shipped ones have an entry."""

    resolved: Resolved
    header: Header
    entry: Entry | None


def resolve(
    address: str | Address,
    *,
    offline: bool = False,
    refresh: bool = False,
    report: Report | None = None,
) -> Resolved:
    """Find the file of an address, fetching it if need be.

    Args:
        address: The address, as text for `address.parse_address` or parsed.
        offline: Whether the network is left alone, as with `HF_HUB_OFFLINE`.
        refresh: Whether the Hub is asked again which commit a branch or tag names, and what is
            damaged in the cache is fetched again.
        report: Called with a line about what is fetched and which commit is used.

    Raises:
        UsageError: The text is no address.
        WeightsNotFoundError: The address leads to no file.
        WeightsIntegrityError: The file is not the one that was promised.
        WeightsDownloadError: The file can't be fetched.
    """
    if isinstance(address, str):
        address = parse_address(address)
    if isinstance(address, FilePath):
        if not address.path.is_file():
            raise WeightsNotFoundError(f"there is no weights file {address.path}")
        return Resolved(address.path, "path", address, address.sha256)
    if isinstance(address, ShippedName):
        return _resolve_shipped(address, offline, report)
    return _resolve_hub(address, offline, refresh, report)


def _resolve_shipped(address: ShippedName, offline: bool, report: Report | None) -> Resolved:
    manifest = shipped()
    entry = manifest.find(address.name)
    if address.sha256 not in (None, entry.sha256):
        raise WeightsIntegrityError(
            f"{address.name} is another file: its sha256 is {entry.sha256}"
        )
    packed = manifest.folder / entry.file
    if packed.is_file():
        return Resolved(packed, "package", address, entry.sha256)
    found = _resolve_hub(_hub_address(entry, packed), offline, False, report)
    return replace(found, address=address, sha256=entry.sha256)


def _hub_address(entry: Entry, packed: Path) -> HubAddress:
    parsed = parse_address(entry.hub) if entry.hub else None
    if not isinstance(parsed, HubAddress) or not parsed.is_pinned:
        raise WeightsNotFoundError(f"{packed} is missing: reinstall flowdenoise")
    return replace(parsed, sha256=entry.sha256)


def _resolve_hub(
    address: HubAddress, offline: bool, refresh: bool, report: Report | None
) -> Resolved:
    from flowdenoise.weights import hub  # its client takes a third of a second to import

    offline = offline or hub.is_offline()
    address = _pin(address, offline, refresh, report)
    known = pins.recall(str(replace(address, sha256=None)))
    expected = address.sha256 or (known if known and is_sha256(known) else None)
    found = hub.cached(address)
    if found and refresh and not offline:
        found = _kept(found, expected, str(address))
    if found:
        return Resolved(found, "cache", address, expected)
    if offline:
        raise WeightsDownloadError(f"{address} is not in the cache, and the network is not used")
    return _fetch(address, expected, report)


def _pin(address: HubAddress, offline: bool, refresh: bool, report: Report | None) -> HubAddress:
    """The address with a commit for its revision: remembered, or asked for and remembered."""
    from flowdenoise.weights import hub

    if address.is_pinned:
        return address
    key = f"{address.repo}@{address.revision}"
    commit = None if refresh else pins.recall(key)
    if commit is None or not is_commit(commit):
        if offline:
            raise WeightsDownloadError(
                f"which commit {key} means is not known yet, and the network is not used"
            )
        commit = hub.commit_of(address, report)
        _remember(key, commit, report)
    pinned = address.at(commit)
    if report:
        report(f"{key} is {pinned}")
    return pinned


def _fetch(address: HubAddress, expected: str | None, report: Report | None) -> Resolved:
    from flowdenoise.weights import hub

    remote = hub.look_up(address, report)
    if expected and remote.sha256 and remote.sha256 != expected:
        raise WeightsIntegrityError(
            f"{address} has been altered: sha256 is {remote.sha256}, expected {expected}"
        )
    if report:
        report(f"fetching {address}, {readable_size(remote.size)}")
    path = hub.fetch(address, remote.size, report)
    try:
        content, sha256 = _verify(path, expected or remote.sha256, str(address))
    except WeightsError:
        hub.discard(path)
        raise
    _remember(str(replace(address, sha256=None)), sha256, report)
    return Resolved(path, "hub", address, sha256, content)


def _kept(path: Path, expected: str | None, what: str) -> Path | None:
    """A file of the cache, unless it is damaged: then it is thrown away."""
    from flowdenoise.weights import hub

    try:
        _verify(path, expected, what)
    except WeightsIntegrityError:
        hub.discard(path)
        return None
    return path


def _remember(key: str, value: str, report: Report | None) -> None:
    """Remember, or report that the next run will have to ask again; this one has not failed."""
    try:
        pins.remember(key, value)
    except WeightsError as error:
        if report:
            report(str(error))


def _verify(path: Path, expected: str | None, what: str) -> tuple[bytes, str]:
    """Check every byte of a weights file; return them with their sha256."""
    data = read_bytes(path)
    sha256 = check_sha256(data, expected, what)
    check_seal(data, parse_header(data, what), what)
    return data, sha256


def verify(
    address: str | Address,
    *,
    offline: bool = False,
    refresh: bool = False,
    report: Report | None = None,
) -> Resolved:
    """Check every byte of the file at an address, against the hash it must have and its seal.

    Args:
        address: The address, as for `resolve`.
        offline: Whether the network is left alone.
        refresh: Whether the Hub is asked again, as in `resolve`.
        report: Called with a line about what is fetched and which commit is used.

    Returns:
        Where the file is, with its sha256 and its bytes.

    Raises:
        WeightsError: The file can't be found, as for `resolve`, or its bytes do not match.
    """
    found = resolve(address, offline=offline, refresh=refresh, report=report)
    if found.content is not None:
        return found
    content, sha256 = _verify(found.path, found.sha256, str(found.address))
    return replace(found, sha256=sha256, content=content)


def inspect(
    address: str | Address, *, offline: bool = False, report: Report | None = None
) -> Inspection:
    """What is known about the weights at an address; the bytes are verified.

    Raises:
        WeightsError: The file can't be found, or its bytes do not match.
    """
    found = verify(address, offline=offline, report=report)
    assert found.content is not None  # noqa: S101 - `verify` reads it
    header = parse_header(found.content, str(found.address))
    shipped_name = found.address.name if isinstance(found.address, ShippedName) else None
    return Inspection(found, header, shipped().find(shipped_name) if shipped_name else None)


def catalog() -> tuple[Shipped, ...]:
    """All shipped weights and where each is; asks nobody.

    Raises:
        WeightsError: The manifest is missing or damaged.
    """
    manifest = shipped()
    return tuple(_located(entry, manifest) for entry in manifest.entries)


def _located(entry: Entry, manifest: Manifest) -> Shipped:
    packed = manifest.folder / entry.file
    if packed.is_file():
        return Shipped(entry, "package", packed)
    if entry.hub is None:
        return Shipped(entry, "package", None)
    try:
        found = resolve(_hub_address(entry, packed), offline=True)
    except WeightsDownloadError:  # the word for "not in the cache" when offline
        return Shipped(entry, "hub", None)
    return Shipped(entry, "cache", found.path)
