"""The plan of a batch: all files that will be read and written, and the jobs that are refused.

All paths are settled before the first picture is opened. So a mistake in a name is told before an
hour's work, no file is written twice, and no input is ever written to.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from flowdenoise.batch.naming import COMPARISON, NOISE, STREAM, Naming
from flowdenoise.errors import UsageError
from flowdenoise.images import Found, LeftOut, find, writable_suffixes
from flowdenoise.system.paths import exists, is_folder, is_link, real


@dataclass(frozen=True)
class Job:
    """One picture to denoise, and all files that this will write.

    Attributes:
        source: The file of the picture; None for standard input.
        target: The file of the result; None for standard output.
        noise: The file for the removed noise; None if it is not wanted.
        comparison: The file for before and after; None if it is not wanted.
        format: The format of the result that was asked for; None takes that of the source.
        refusal: The reason why the job must not be done, one line; None if it may be done.
    """

    source: Path | None
    target: Path | None
    noise: Path | None = None
    comparison: Path | None = None
    format: str | None = None
    refusal: str | None = None

    @property
    def name(self) -> str:
        """The name of the source for the user."""
        return STREAM if self.source is None else str(self.source)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that will be written."""
        return tuple(file for file in (self.target, self.noise, self.comparison) if file)

    @property
    def taken(self) -> bool:
        """Whether a file that will be written is there already."""
        return any(exists(file) for file in self.files)


@dataclass(frozen=True)
class RemoteJob:
    """One picture at an address to denoise, and the address of the result: see `remote`.

    Attributes:
        source: The address of the picture.
        target: The address of the result.
        format: The format of the result that was asked for; None takes that of the source.
        refusal: The reason why the job must not be done, one line; None if it may be done.
        taken: Whether something was at `target` when the plan was made.
    """

    source: str
    target: str
    format: str | None = None
    refusal: str | None = None
    taken: bool = False

    @property
    def name(self) -> str:
        """The name of the source for the user."""
        return self.source


AnyJob = TypeVar("AnyJob", Job, RemoteJob, covariant=True)


@dataclass(frozen=True)
class Plan(Generic[AnyJob]):
    """What will be done.

    Attributes:
        jobs: The jobs, one for each picture, in order.
        left_out: The files and folders that were met and not taken.
    """

    jobs: tuple[AnyJob, ...]
    left_out: tuple[LeftOut, ...] = ()


_BESIDE = Naming()


def plan_jobs(inputs: Sequence[str], naming: Naming = _BESIDE) -> Plan[Job]:
    """Find the pictures and name all files.

    A job is refused if it would write to an input or to a file of another job; the others are
    done.

    Args:
        inputs: The files, folders and glob patterns, or `-`.
        naming: The settings for the names of results.

    Raises:
        UsageError: The inputs name no picture, one of them is empty, or the output can't take
            what they name.
    """
    try:
        if STREAM in inputs:
            return Plan((_stream_job(inputs, naming),))
        folder = naming.folder()
        search = find(inputs, recursive=naming.recursive, results=folder)
        if naming.output is not None and folder is None:
            return Plan((_single_job(search.found, inputs, naming),), tuple(search.left_out))
        names = _Names()
        found, results = _without_results(search.found, naming, folder, names)
        jobs = _refuse_clashes(_refuse_inputs(_jobs(found, naming, folder, names), names), names)
        return Plan(tuple(jobs), (*search.left_out, *results))
    except OSError as error:
        raise UsageError(f"{', '.join(inputs)}: {error}") from error


def _stream_job(inputs: Sequence[str], naming: Naming) -> Job:
    if len(inputs) > 1:
        raise UsageError("standard input is a single picture: name no others beside it")
    if naming.folder() is not None:
        raise UsageError("a picture from standard input has no name: name the output file")
    return _to_output(None, naming)


def _single_job(found: list[Found], inputs: Sequence[str], naming: Naming) -> Job:
    """The job of a picture whose output, a file or standard output, takes only one."""
    if len(inputs) > 1 or len(found) > 1 or is_folder(Path(inputs[0])):
        place = "standard output" if naming.output == STREAM else f"the file {naming.output}"
        raise UsageError(f"{place} takes a single picture that is named itself: name a folder")
    (job,) = _refuse_inputs([_to_output(found[0].path, naming)], _Names())
    return job


def _to_output(source: Path | None, naming: Naming) -> Job:
    """The job of a picture whose result goes to standard output or to a named file."""
    if naming.output in (None, STREAM):
        if naming.save_noise or naming.compare:
            raise UsageError("standard output takes one picture: name an `output` to have others")
        return Job(source, None, format=naming.format)
    target = Path(naming.output or "")
    job = Job(source, target, format=naming.format_asked(source, target))
    return _with_others(job, naming)


class _Names:
    """Tells which paths name the same file, whether it exists or not; looks folders up once."""

    def __init__(self) -> None:
        self._folders: dict[Path, tuple[str, bool]] = {}

    def place(self, path: Path) -> str:
        """A text that is the same for all names of one place in a folder."""
        if path.parent not in self._folders:
            folder = real(path.parent)
            self._folders[path.parent] = str(folder), _ignores_case(folder)
        place, ignores_case = self._folders[path.parent]
        return f"{place}{os.sep}{path.name.casefold() if ignores_case else path.name}"

    def file(self, path: Path) -> str:
        """A text that is the same for all names of one file; links are followed."""
        return self.place(real(path) if is_link(path) else path)


def _ignores_case(folder: Path) -> bool:
    """Whether a folder, or its nearest parent that exists, ignores the case of names."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if other != place and exists(place):
            return exists(other) and other.samefile(place)
    return False


def _jobs(found: list[Found], naming: Naming, folder: Path | None, names: _Names) -> list[Job]:
    """The jobs of all pictures; a picture that was named twice has one job."""
    jobs: dict[tuple[str, str], Job] = {}
    for index, item in enumerate(found, start=1):
        goal = None if folder is None else folder / item.place.parent
        target = naming.of_result(item.path, index, goal)
        job = Job(item.path, target, format=naming.format_asked(item.path, target))
        jobs.setdefault((names.file(item.path), names.file(target)), job)
    shared = Counter(_plain_stem(job) for job in jobs.values())
    return [_with_others(job, naming, shared[_plain_stem(job)] > 1) for job in jobs.values()]


def _plain_stem(job: Job) -> tuple[Path, str]:
    """The folder and the stem that decide the names of a result's extra pictures."""
    target = job.target or Path()
    return target.parent, target.stem.casefold()


def _with_others(job: Job, naming: Naming, shared: bool = False) -> Job:
    """Name the extra pictures that are written beside a result.

    Args:
        job: The job, with its target.
        naming: The settings, which say what is wanted.
        shared: Whether another result only differs in its ending, which is then put into the
            names.
    """
    if job.target is None:
        return job
    stem = job.target.name.replace(".", "_") if shared else job.target.stem
    noise = job.target.with_name(NOISE.format(stem=stem)) if naming.save_noise else None
    comparison = job.target.with_name(COMPARISON.format(stem=stem)) if naming.compare else None
    return replace(job, noise=noise, comparison=comparison)


def _without_results(
    found: list[Found], naming: Naming, folder: Path | None, names: _Names
) -> tuple[list[Found], list[LeftOut]]:
    """Leave out pictures that an earlier run made from others that were found.

    The earlier run may have been named like this one or by default. A picture is only taken for a
    result if its name contains the name of its source and more.
    """
    longer: dict[str, bool] = {}  # by the stem of a result that holds the name of its source
    for job in _jobs(found, naming, folder, names) + _jobs(found, _BESIDE, None, names):
        source, target = (job.source or Path()).stem, job.target or Path()
        if source in target.stem:
            stem = _stem(target, names)
            longer[stem] = longer.get(stem, False) or source != target.stem
    kept, left_out = [], []
    for item in found:
        stem = _stem(item.path, names)
        beside = any(stem.removesuffix(end) in longer for end in _OTHER_ENDS if stem.endswith(end))
        if item.named or not (beside or longer.get(stem)):
            kept.append(item)
        else:
            left_out.append(LeftOut(item.path, "the result of another picture"))
    return kept, left_out


_OTHER_ENDS = tuple(
    Path(template.format(stem=suffix.replace(".", "_"))).stem
    for template in (NOISE, COMPARISON)
    for suffix in ("", *writable_suffixes())
)
"""The ends of the stems of extra pictures, see `_with_others`."""


def _stem(file: Path, names: _Names) -> str:
    """A text that is the same for results that only differ in their format."""
    return names.place(file.with_suffix("")).casefold()


def _refuse_inputs(jobs: list[Job], names: _Names) -> list[Job]:
    """Refuse jobs that would write to an input, their own or another job's."""
    inputs = {names.file(job.source) for job in jobs if job.source is not None}
    checked = []
    for job in jobs:
        hit = next((file for file in job.files if names.file(file) in inputs), None)
        if hit is not None and job.source is not None:
            own = names.file(hit) == names.file(job.source)
            what = "is the input itself" if own else "is an input, too"
            reason = f"{hit} {what}, and no input is ever replaced: use another name or folder"
            checked.append(replace(job, refusal=reason))
        else:
            checked.append(job)
    return checked


def _refuse_clashes(jobs: list[Job], names: _Names) -> list[Job]:
    """Refuse jobs that would write the same file."""
    claims: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        for file in job.files if job.refusal is None else ():
            claims[names.file(file)].append(job)
    checked = []
    for job in jobs:
        rivals = (
            (file, other)
            for file in (job.files if job.refusal is None else ())
            for other in claims[names.file(file)]
            if other is not job
        )
        clash = next(rivals, None)
        if clash is None:
            checked.append(job)
            continue
        file, other = clash
        reason = f"{file} would be made from {other.name}, too: use {{index}} in `name`"
        checked.append(replace(job, refusal=reason))
    return checked
