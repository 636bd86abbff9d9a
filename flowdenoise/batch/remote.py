"""Pictures at addresses: `s3://`, `gs://`, `memory://`, whatever fsspec opens.

A picture that lies elsewhere is fetched into a folder of the moment, denoised as a file is, and
its result is sent. The result appears at its address whole or not at all: that is what fsspec's
transactions are for. Files of this machine, `file://` or plain paths, are read and written where
they are.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from flowdenoise.batch.many import OnTileOf, run, run_by
from flowdenoise.batch.naming import STREAM, Naming
from flowdenoise.batch.one import BatchConfig, Outcome, reason_of
from flowdenoise.batch.plan import Job, Plan, RemoteJob
from flowdenoise.errors import FlowdenoiseError, MissingExtraError, UsageError
from flowdenoise.images import OTHER_KINDS, SUFFIXES, LeftOut, check_named, format_of

if TYPE_CHECKING:
    from flowdenoise.engine import Denoiser

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
_OF_THIS_MACHINE = frozenset({"file", "local", "memory"})
_PATTERN = frozenset("*?[")
_TOGETHER = 8  # pictures that are fetched before they are denoised


def is_address(text: str) -> bool:
    """Whether an input or an output is an address, and not a path.

    >>> is_address("s3://archive/2026"), is_address("scans/2026")
    (True, False)
    """
    return _ADDRESS.match(text) is not None


def is_on_network(text: str) -> bool:
    """Whether an input or an output is an address that may lie on another machine.

    >>> is_on_network("https://example.org/a.png"), is_on_network("file:///scans/2026")
    (True, False)
    """
    return is_address(text) and text.partition("://")[0] not in _OF_THIS_MACHINE


@dataclass(frozen=True)
class _Place:
    """A place in a store of files.

    Attributes:
        store: The store, a file system of fsspec.
        path: The path of the place in it.
    """

    store: Any
    path: str

    @classmethod
    def at(cls, address: str) -> _Place:
        """The place at an address, or on this machine at a path.

        Raises:
            UsageError: fsspec knows no such address.
            MissingExtraError: A package is missing that opens such addresses.
        """
        from fsspec.core import url_to_fs

        try:
            return cls(*url_to_fs(address))
        except ImportError as error:
            hint = " ".join(str(error).split())  # of fsspec, which says what to install
            raise MissingExtraError(
                f"{address} needs a package that is missing: {hint}"
            ) from error
        except Exception as error:
            raise UsageError(f"{address}: {reason_of(error)}") from error

    @property
    def address(self) -> str:
        """The address of the place."""
        return self.of(self.path)

    @property
    def here(self) -> Path | None:
        """The path of the place, if it is on this machine."""
        from fsspec.implementations.local import LocalFileSystem

        return Path(self.path) if isinstance(self.store, LocalFileSystem) else None

    def of(self, path: str) -> str:
        """The address of a path in the same store."""
        return str(self.store.unstrip_protocol(path)).rstrip("/")

    def files(self) -> frozenset[str]:
        """The addresses of all files below the place; none if there is no such place."""
        if not self.store.exists(self.path):
            return frozenset()
        return frozenset(self.of(path) for path in self.store.find(self.path))

    def pictures(self, recursive: bool) -> Iterator[tuple[str, PurePosixPath]]:
        """The addresses of the files that the place names, and where they lie below it."""
        if _PATTERN & set(self.path):
            for path in self.store.glob(self.path):
                yield self.of(path), PurePosixPath(PurePosixPath(path).name)
        elif self.store.isfile(self.path):
            yield self.address, PurePosixPath(PurePosixPath(self.path).name)
        else:
            for path in self.store.find(self.path, maxdepth=None if recursive else 1):
                yield self.of(path), PurePosixPath(path[len(self.path) :].lstrip("/"))

    def send(self, file: Path) -> None:
        """Write a file to the place, whole or not at all."""
        folder = str(PurePosixPath(self.path).parent)
        self.store.makedirs(folder, exist_ok=True)
        with file.open("rb") as source, self.store.transaction:  # noqa: SIM117 - in this order
            with self.store.open(self.path, "wb") as target:
                shutil.copyfileobj(source, target)


def plan_remote(inputs: Sequence[str], naming: Naming) -> Plan[RemoteJob]:
    """Find the pictures at addresses and name their results: see `plan_jobs`.

    Args:
        inputs: Addresses of pictures, folders and patterns; paths may be among them.
        naming: The settings for the names of results; the output is the address of a folder.

    Raises:
        UsageError: The inputs name no picture, one of them is empty, or the output can't take
            what they name.
        MissingExtraError: A package is missing that opens such addresses.
    """
    if naming.output is None or STREAM in (naming.output, *inputs):
        raise UsageError("pictures at addresses need a folder for their results: name an `output`")
    if naming.save_noise or naming.compare:
        raise UsageError("beside addresses only results are written, no noise and no comparison")
    if format_of(Path(naming.output)) is not None:
        raise UsageError(f"{naming.output} names a picture, and results need a folder here")
    goal = _Place.at(naming.output)
    try:
        found, left_out = _find(inputs, naming.recursive, goal)
        there = goal.files()
    except FlowdenoiseError:
        raise
    except Exception as error:  # of the network, of a store's library
        raise UsageError(f"{', '.join(inputs)}: {reason_of(error)}") from error
    if not found:
        raise UsageError(f"no pictures in {', '.join(inputs)}")
    jobs = []
    for index, (source, place) in enumerate(found.items(), start=1):
        name = naming.of_result(Path(place.name), index, Path())
        target = f"{goal.address}/{PurePosixPath(place.parent, name.name)}"
        asked = naming.format_asked(Path(place.name), name)
        jobs.append(RemoteJob(source, target, asked, taken=target in there))
    return Plan(tuple(_refuse(jobs)), tuple(left_out))


def _find(
    inputs: Sequence[str], recursive: bool, goal: _Place
) -> tuple[dict[str, PurePosixPath], list[LeftOut]]:
    """The addresses of pictures, each once, with their places; and what was not taken.

    Only names tell here what a file is: to look into it is to fetch it.
    """
    found: dict[str, PurePosixPath] = {}
    left_out = []
    for text in inputs:
        check_named(text)
        for address, place in _Place.at(text).pictures(recursive):
            suffix = place.suffix.lower()
            if address.startswith(f"{goal.address}/"):
                continue  # the folder of the results
            if suffix in SUFFIXES:
                found.setdefault(address, place)
            elif suffix in OTHER_KINDS:
                left_out.append(LeftOut(address, f"{OTHER_KINDS[suffix]} pictures can't be read"))
    return found, left_out


def _refuse(jobs: list[RemoteJob]) -> Iterator[RemoteJob]:
    """Refuse jobs that would write to the same place."""
    claims = Counter(job.target for job in jobs)
    for job in jobs:
        clash = f"{job.target} would be made from others, too: use {{index}} in `name`"
        yield replace(job, refusal=clash) if claims[job.target] > 1 else job


def run_anywhere(
    load: Callable[[], Denoiser],
    jobs: Sequence[Job] | Sequence[RemoteJob],
    config: BatchConfig,
    *,
    on_tile: OnTileOf | None = None,
) -> Iterator[Outcome]:
    """Denoise pictures of either kind, and yield the outcome of each: see `run`.

    Args:
        load: The function that loads the engine, which the first picture does not wait for.
        jobs: The jobs of one plan.
        config: The settings for each picture.
        on_tile: Called after each batch of tiles of a picture.
    """
    remote = [job for job in jobs if isinstance(job, RemoteJob)]
    if not remote:
        files = [job for job in jobs if isinstance(job, Job)]
        yield from run_by(load, files, config, on_tile=on_tile)
        return
    denoiser = load()
    for start in range(0, len(remote), _TOGETHER):
        with tempfile.TemporaryDirectory(prefix="flowdenoise-") as scratch:
            trips = [
                _Trip.begin(job, Path(scratch) / str(number), config)
                for number, job in enumerate(remote[start : start + _TOGETHER])
            ]
            fetched = [trip.local for trip in trips if trip.outcome is None]
            outcomes = run(fetched, denoiser, config, on_tile=on_tile)
            for trip in trips:
                outcome = trip.outcome or trip.end(next(outcomes))
                yield outcome
                if outcome.status == "failed" and not config.keep_going:
                    return


@dataclass(frozen=True)
class _Trip:
    """A picture on its way.

    Attributes:
        job: The job by addresses.
        local: The same job by files of this machine.
        outcome: What became of it, if it is not to be denoised.
    """

    job: RemoteJob
    local: Job
    outcome: Outcome | None = None

    @classmethod
    def begin(cls, job: RemoteJob, scratch: Path, config: BatchConfig) -> _Trip:
        """Fetch the picture, unless there is nothing to do."""
        local = Job(None, None)
        try:
            source, target = _Place.at(job.source), _Place.at(job.target)
            local = Job(
                source.here or scratch / "in" / PurePosixPath(job.source).name,
                target.here or scratch / "out" / PurePosixPath(job.target).name,
                format=job.format,
                refusal=job.refusal,
            )
            checked = target.here is None and config.existing != "overwrite"
            if checked and target.store.exists(target.path):
                return cls(job, local, _is_there(job, config))
            if source.here is None and job.refusal is None and local.source is not None:
                local.source.parent.mkdir(parents=True)
                source.store.get_file(source.path, str(local.source))
        except Exception as error:  # of the network, of a store's library
            return cls(job, local, Outcome(job, "failed", error=reason_of(error)))
        return cls(job, local)

    def end(self, outcome: Outcome) -> Outcome:
        """Send the result, and tell of the addresses instead of the files."""
        outcome = replace(
            outcome,
            job=self.job,
            error=outcome.error and self._named(outcome.error),
            warnings=tuple(map(self._named, outcome.warnings)),
        )
        if not outcome.written:
            return outcome
        target = _Place.at(self.job.target)
        try:
            if target.here is None and self.local.target is not None:
                target.send(self.local.target)
        except Exception as error:  # of the network, of a store's library
            reason = f"{self.job.target} can't be written: {reason_of(error)}"
            return replace(outcome, status="failed", error=reason, written=())
        return replace(outcome, written=(self.job.target,))

    def _named(self, text: str) -> str:
        """A message with addresses instead of the files of the moment."""
        text = text.replace(str(self.local.source), self.job.source)
        return text.replace(str(self.local.target), self.job.target)


def _is_there(job: RemoteJob, config: BatchConfig) -> Outcome:
    """The outcome of a job whose result is there already."""
    if config.existing == "skip":
        return Outcome(job, "skipped")
    reason = f"{job.target} exists already: `overwrite` it, or take another name"
    return Outcome(job, "failed", error=reason)
