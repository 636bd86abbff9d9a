"""Fetch files over HTTP so that a dropped line costs nothing and a wrong byte is never kept.

A file grows as `NAME.part` and gets its own name when it is whole and its checksum is right. The
server's mark of the version (ETag, else Last-Modified) is kept beside the part; the next request
asks for the rest of that very version (RFC 9110: Range, section 14.2; If-Range, section 13.1.5),
so that bytes of two versions are never spliced.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path

from flowdenoise.data.archives import Members, Report, is_filled, unpack
from flowdenoise.data.remote_file import Remote
from flowdenoise.data.web import DroppedError, receive, request_from, require_http, version_of
from flowdenoise.errors import DataError
from flowdenoise.system.cache import exclusive, readable_size, require_room

StageReport = Callable[[str, int, int | None], None]
"""Called with what is being done, then as `Report`."""

TIMEOUT = 30.0
"""Seconds of silence after which a connection counts as dropped."""

_BLOCK = 1 << 18
_PAUSES = (1.0, 4.0, 15.0)  # seconds before each further try


def download(
    remote: Remote, target: Path, *, report: Report | None = None, timeout: float = TIMEOUT
) -> Path:
    """Fetch a file, unless it is there already, going on where an earlier call stopped.

    A dropped connection is taken up again a few times. Processes that want the same `target`
    wait for one another.

    Args:
        remote: The file to fetch.
        target: The file to write. One that is there but differs from `remote` is replaced.
        report: Called with the progress.
        timeout: Seconds of silence that count as a dropped connection.

    Returns:
        The file, as an absolute path.

    Raises:
        DataError: The file can't be fetched, is not what it should be, or does not fit on the
            disk.
    """
    require_http(remote.url)
    target = target.resolve()
    part = _Part(target)
    try:
        if part.is_done(remote):  # before the lock, so that a folder may be read-only
            return target
        with exclusive(target):
            if part.is_done(remote):
                return target
            _fill(part, remote, report, timeout)
            if fault := remote.fault(part.file):
                part.discard()
                raise DataError(f"{remote.url} is not the file that it should be: {fault}")
            part.finish()
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"can't write {target}: {reason}{part.hint(remote)}") from error
    return target


def fetch_archive(
    remote: Remote,
    folder: Path,
    *,
    members: Members | None = None,
    report: StageReport | None = None,
    timeout: float = TIMEOUT,
) -> Path:
    """Download an archive and unpack it as `folder`, unless that is there; keep no archive.

    Args:
        remote: A zip, tar or tar.gz.
        folder: The folder to make; it is left as it is if anything is in it.
        members: Says which files of the archive to keep; all by default.
        report: Called with the progress in the two stages, "downloading" and "unpacking".
        timeout: Seconds of silence that count as a dropped connection.

    Returns:
        The folder, as an absolute path.

    Raises:
        DataError: The archive can't be fetched or unpacked: see `download` and `unpack`.
    """
    folder = folder.resolve()
    archive = folder.with_name(folder.name + ".archive")
    downloading = report and partial(report, "downloading")
    unpacking = report and partial(report, "unpacking")
    try:
        if is_filled(folder):  # before the lock, so that it may be read-only
            return folder
        with exclusive(folder):
            if is_filled(folder):
                return folder
            if remote.size is not None:
                # Compressed images hardly shrink: the folder will be about as large again.
                have = archive.stat().st_size if archive.exists() else _Part(archive).size
                require_room(folder.parent, 2 * remote.size - have)
            download(remote, archive, report=downloading, timeout=timeout)
            try:
                unpack(archive, folder, members=members, report=unpacking)
            except DataError:
                if not remote.has_checksum:  # then it may be the download that is wrong
                    archive.unlink()
                raise
            archive.unlink()
    except OSError as error:
        raise DataError(f"can't fetch {folder}: {error.strerror or error}") from error
    return folder


class _Part:
    """The bytes of `target` that are there, and the version of the remote file they belong to."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.file = target.with_name(target.name + ".part")
        self._mark = target.with_name(target.name + ".part.version")

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def version(self) -> str | None:
        return self._mark.read_text("latin-1") if self._mark.exists() else None

    def can_grow_to(self, remote: Remote) -> bool:
        """Whether there are bytes, and something will tell if the rest does not belong to them."""
        fits = remote.size is None or self.size <= remote.size
        return self.size > 0 and fits and bool(self.version or remote.has_checksum)

    def hint(self, remote: Remote) -> str:
        """What to tell a user whose download failed."""
        if not self.can_grow_to(remote):
            return ""
        return f"; the next call goes on after the {readable_size(self.size)} that are here"

    def is_done(self, remote: Remote) -> bool:
        """Whether the file has its final name already, and is right."""
        return self.target.is_file() and remote.fault(self.target) is None

    def restart(self, version: str | None) -> None:
        """Become empty, of a new version."""
        self.discard()
        if version is not None:
            self._mark.write_text(version, "latin-1")

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)

    def finish(self) -> None:
        """Take the final name."""
        with self.file.open("rb+") as stream:
            os.fsync(stream.fileno())
        self.file.replace(self.target)
        self._mark.unlink(missing_ok=True)


def _fill(part: _Part, remote: Remote, report: Report | None, timeout: float) -> None:
    """Bring the part to its full length, giving up after some tries that brought nothing."""
    longest, vain = part.size, 0
    while True:
        try:
            return _transfer(part, remote, report, timeout)
        except DroppedError as drop:
            vain = 0 if part.size > longest else vain + 1
            longest = max(longest, part.size)
            if vain > len(_PAUSES):
                hint = part.hint(remote)
                if not part.can_grow_to(remote):
                    part.discard()
                raise DataError(f"can't fetch {remote.url}: {drop}{hint}") from drop
            time.sleep(_PAUSES[max(vain - 1, 0)])


def _transfer(part: _Part, remote: Remote, report: Report | None, timeout: float) -> None:
    """Make one request, if anything is missing, and add what it brings to the part."""
    if not part.can_grow_to(remote):
        part.discard()
    if part.size and part.size == remote.size:
        return
    with request_from(remote.url, part.size, part.version, timeout=timeout) as response:
        total = _join(part, remote, response)
        have = part.size
        with part.file.open("ab") as sink:
            if report:
                report(have, total)
            while (total is None or have < total) and (block := receive(response, _BLOCK)):
                sink.write(block)
                have += len(block)
                if report:
                    report(have, total)
    if total is not None and have < total:
        raise DroppedError("the connection ended early")


def _join(part: _Part, remote: Remote, response: HTTPResponse) -> int | None:
    """Make the part end where the response begins; returns the length of the whole file."""
    version = version_of(response.headers)
    length = response.length
    if response.status != HTTPStatus.OK:
        start, length = _range(response)
        changed = None not in (version, part.version) and version != part.version
        if changed or start != part.size:
            part.discard()
            raise DroppedError("the server has no such part of the file")
    if None not in (length, remote.size) and length != remote.size:
        raise DataError(
            f"{remote.url} is not the file that it should be: "
            f"expected {remote.size} bytes, the server has {length}"
        )
    total = remote.size if length is None else length
    if total is not None:
        require_room(part.file.parent, total - part.size)
    if response.status == HTTPStatus.OK:
        part.restart(version)
    return total


def _range(response: HTTPResponse) -> tuple[int | None, int | None]:
    """Where the bytes of a partial response begin, and the length of the whole file."""
    content = response.headers.get("Content-Range", "")
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content)
        return (int(found[1]), int(found[2])) if found else (None, None)
    # "No such part" of a file that ends where ours does: nothing is missing.
    found = re.fullmatch(r"bytes \*/(\d+)", content)
    return (int(found[1]), int(found[1])) if found else (None, None)
