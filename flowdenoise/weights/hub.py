"""The Hugging Face Hub: the only module that talks to it, by public functions of its own client.

What the client may raise is mapped to our errors in one table. The table goes by class names:
the client has changed its HTTP library twice, and the names stayed. The client's own messages
are neither passed on nor chained to ours, since they may repeat what a server echoed: a token, or
a signed address.
"""

from __future__ import annotations

import errno
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from logging import ERROR
from pathlib import Path

import huggingface_hub
from huggingface_hub import (
    CommitOperationAdd,
    EvalResult,
    HfApi,
    ModelCard,
    ModelCardData,
    constants,
)
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public by its manual
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
    logging,
)

from flowdenoise.errors import (
    WeightsDownloadError,
    WeightsError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from flowdenoise.system.cache import readable_size
from flowdenoise.weights.address import HubAddress, is_commit, is_sha256
from flowdenoise.weights.header import MAX_FILE
from flowdenoise.weights.hub_bounds import (
    MAX_QUESTION,
    BoundError,
    Report,
    bounded,
    counting,
    download_seconds,
)
from flowdenoise.weights.manifest import Entry

_LOG_IN = "log in with `hf auth login`"
_ERRORS: tuple[tuple[str, type[WeightsError], str], ...] = (
    ("GatedRepoError", WeightsDownloadError, "{repo} is gated: ask there for access, " + _LOG_IN),
    (
        "RepositoryNotFoundError",
        WeightsNotFoundError,
        "{repo} does not exist, or is private: check the name, or " + _LOG_IN,
    ),
    ("RevisionNotFoundError", WeightsNotFoundError, "{repo} has no revision {revision}"),
    ("RemoteEntryNotFoundError", WeightsNotFoundError, "{repo} has no file {file} at {revision}"),
    ("DisabledRepoError", WeightsDownloadError, "{repo} was disabled by the Hub"),
    ("OfflineModeIsEnabled", WeightsDownloadError, "HF_HUB_OFFLINE is set"),
    (
        "TimeoutException",
        WeightsDownloadError,
        "no answer in time: try again later, or set HF_HUB_ETAG_TIMEOUT and "
        "HF_HUB_DOWNLOAD_TIMEOUT to more seconds",
    ),
    ("HfHubHTTPError", WeightsDownloadError, "the answer was HTTP status {status}"),
    ("HTTPError", WeightsDownloadError, "the connection failed: check the network"),
)
"""Name of the client's class, ours, and what to say. The first that fits counts."""

_STATUS = {401: ", not allowed: " + _LOG_IN, 403: ", not allowed", 429: ": try again later"}

_ETAG = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class RemoteFile:
    """What the Hub says of a file before it is fetched: bytes, and sha256 if it is known."""

    size: int
    sha256: str | None


def is_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` forbids the network."""
    return bool(huggingface_hub.is_offline_mode())


def cached(address: HubAddress) -> Path | None:
    """The file of a pinned address, if the client's cache has it.

    Raises:
        WeightsIntegrityError: The cached file leads out of the cache.
    """
    found = huggingface_hub.try_to_load_from_cache(
        address.repo, address.file, revision=address.revision
    )
    return _inside_cache(Path(found), address) if isinstance(found, str) else None


def commit_of(address: HubAddress, report: Report | None = None) -> str:
    """The commit that the revision of `address` names now.

    Args:
        address: An address with a branch or tag.
        report: Called with a line when the Hub asks to wait.

    Raises:
        WeightsError: The Hub can't be reached, or knows no such repository or revision.
    """
    timeout = constants.HF_HUB_ETAG_TIMEOUT
    ask = partial(HfApi().model_info, address.repo, revision=address.revision, timeout=timeout)
    with _translated(address):
        info = bounded(ask, MAX_QUESTION, report)
    commit = str(info.sha)
    if not is_commit(commit):  # it becomes the name of a folder
        raise WeightsDownloadError(f"can't fetch {address}: the Hub names no commit")
    return commit


def look_up(address: HubAddress, report: Report | None = None) -> RemoteFile:
    """Ask for size and hash of the file of a pinned address.

    Args:
        address: An address that is pinned to a commit.
        report: Called with a line when the Hub asks to wait.

    Raises:
        WeightsError: The Hub can't be reached, or has no such file.
    """
    url = huggingface_hub.hf_hub_url(address.repo, address.file, revision=address.revision)
    timeout = constants.HF_HUB_ETAG_TIMEOUT
    with _translated(address):
        about = bounded(
            partial(huggingface_hub.get_hf_file_metadata, url, timeout=timeout),
            MAX_QUESTION,
            report,
        )
    etag = about.etag or ""
    if not _ETAG.fullmatch(etag) or about.commit_hash != address.revision:  # both become paths
        raise WeightsDownloadError(f"can't fetch {address}: the server is not a Hub")
    if about.size is None or about.size > MAX_FILE:
        raise WeightsIntegrityError(f"{address} is too large for a weights file, or of no size")
    return RemoteFile(about.size, etag if is_sha256(etag) else None)


def fetch(address: HubAddress, size: int, report: Report | None = None) -> Path:
    """Download the file of a pinned address into the client's cache, resuming a cut line.

    Args:
        address: An address that is pinned to a commit.
        size: Size from `look_up`; no more bytes are taken.
        report: Called with a line when the Hub asks to wait.

    Returns:
        The file in the cache; its bytes are not verified yet.

    Raises:
        WeightsError: The file can't be fetched. No part of it is then in the cache under its final
            name.
    """
    _check_room(size, address)
    get = partial(
        huggingface_hub.hf_hub_download,
        address.repo,
        address.file,
        revision=address.revision,
        tqdm_class=counting(size),
    )
    with _translated(address), _quietly():
        found = bounded(get, download_seconds(size), report)
    return _inside_cache(Path(found), address)


def discard(path: Path) -> None:
    """Remove a file from the cache: the pointer to it and the bytes behind.

    Raises:
        WeightsError: The file can't be removed.
    """
    try:
        behind = path.resolve()
        path.unlink(missing_ok=True)
        behind.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(f"can't remove {path}: {error.strerror}; delete it") from error


def upload(repo: str, files: Mapping[str, Path], *, message: str, private: bool) -> str:
    """Put files into a model repository, in one commit; the repository is made if needed.

    Args:
        repo: `owner/name`.
        files: The files by their paths in the repository.
        message: Message of the commit.
        private: Whether a new repository is closed to others.

    Returns:
        The commit.

    Raises:
        WeightsError: The upload failed. The repository has all of the files or none.
    """
    target = HubAddress(repo, "main", next(iter(files)))
    additions = [CommitOperationAdd(name, str(path)) for name, path in files.items()]
    with _translated(target, "upload"), _quietly():
        api = HfApi()
        api.create_repo(repo, private=private, exist_ok=True)
        commit = api.create_commit(repo, additions, commit_message=message).oid
    if not is_commit(commit):
        raise WeightsDownloadError(f"the upload to {repo} was answered without a commit")
    return commit


def model_card(entry: Entry, text: str) -> str:
    """A card with the Hub's metadata at its head: license, tags, and the results as figures."""
    figures = [
        EvalResult(
            task_type="image-to-image",
            dataset_type=result.set.lower(),
            dataset_name=f"{result.set}, {result.protocol}, sigma {result.sigma_255:g}",
            metric_type=metric,
            metric_value=value,
        )
        for result in entry.results
        for metric in ("psnr", "ssim", "bits_per_dim")
        if (value := getattr(result, metric)) is not None
    ]
    data = ModelCardData(
        license=entry.license.lower(),
        library_name="flowdenoise",
        pipeline_tag="image-to-image",
        tags=["denoising", "image-restoration", entry.kind],
        model_name=entry.name if figures else None,
        eval_results=figures or None,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}"))


def _inside_cache(path: Path, address: HubAddress) -> Path:
    """`path`, if what is behind it lies in the cache: links must not lead elsewhere."""
    if not path.resolve().is_relative_to(Path(constants.HF_HUB_CACHE).resolve()):
        raise WeightsIntegrityError(f"{address} leads out of the cache: delete {path}")
    return path


def _check_room(size: int, address: HubAddress) -> None:
    folder = Path(constants.HF_HUB_CACHE)
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if size > free:
        raise WeightsDownloadError(
            f"can't fetch {address}: no room in {folder}, "
            f"{readable_size(size)} needed, {readable_size(free)} free"
        )


@contextmanager
def _translated(address: HubAddress, action: str = "fetch") -> Iterator[None]:
    """Turn whatever the client raises into one of our errors."""
    try:
        yield
    except Exception as error:  # the client states no common base for what it raises
        raise _translate(error, address, action) from None


def _translate(error: Exception, address: HubAddress, action: str) -> WeightsError:
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    head = f"can't {action} {address.repo if action == 'upload' else address}: "
    for link in chain:
        if isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT):
            return WeightsDownloadError(f"{head}no space left in {constants.HF_HUB_CACHE}")
    if isinstance(error, BoundError):
        return WeightsDownloadError(f"{head}{error}")
    for name, ours, text in _ERRORS:
        for link in chain:
            if any(base.__name__ == name for base in type(link).__mro__):
                status = getattr(getattr(link, "response", None), "status_code", 0)
                about = {"repo": address.repo, "revision": address.revision, "file": address.file}
                said = f"{status}{_STATUS.get(status, '')}"
                return ours(head + text.format(**about, status=said))
    return WeightsDownloadError(f"{head}{_plain_reason(error)}")


def _plain_reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return f"{error.strerror}: {error.filename or constants.HF_HUB_CACHE}"
    if isinstance(error, OSError):  # the client's word for another length than announced
        return "what came was cut short; try again"
    return f"the answer was not understood ({type(error).__name__})"


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the client from writing to the terminal, and its deprecations from our callers."""
    level, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    bars = bars and constants.HF_HUB_DISABLE_PROGRESS_BARS is None  # else not ours to change
    logging.set_verbosity(ERROR)
    if bars:
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            enable_progress_bars()
