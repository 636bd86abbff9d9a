"""Which pictures to denoise, and under which names the results go.

Plain bookkeeping of paths, done before the first picture is opened, so that a mistake in a name
is told before an hour's work and no two results go by one name.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowdenoise.errors import UsageError
from flowdenoise.images import looks_like_image

STREAM = "-"
"""The name of standard input and standard output."""

BESIDE = "{stem}_denoised{suffix}"
"""Template of a result's name where it goes beside its source."""

ELSEWHERE = "{stem}{suffix}"
"""Template of a result's name in another folder."""


@dataclass(frozen=True)
class Job:
    """One picture to denoise.

    Attributes:
        source: Its file, or None for standard input.
        target: Where the result goes, or None for standard output.
    """

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """The source as the user knows it."""
        return STREAM if self.source is None else str(self.source)


def plan_jobs(
    inputs: Sequence[str],
    *,
    output: str | None = None,
    template: str | None = None,
    suffix: str | None = None,
    recursive: bool = False,
) -> list[Job]:
    """Find the pictures and name the results.

    Args:
        inputs: Files, folders, glob patterns, or `-`.
        output: A folder, a file name where there is a single input, or `-`; None puts each
            result beside its source.
        template: Name of a result, with `{stem}`, `{suffix}` and `{index}` of its source.
        suffix: Suffix of the results, `.png` say; None keeps each source's own.
        recursive: Also the pictures in sub-folders, whose structure is kept in `output`.

    Raises:
        UsageError: An input isn't there, or the names don't work out.
    """
    if STREAM in inputs:
        return [_stream_job(inputs, output)]
    found = [pair for text in inputs for pair in _expand(text, recursive)]
    if not found:
        raise UsageError(f"no pictures in {', '.join(inputs)}")
    single = len(found) == 1 and not Path(inputs[0]).is_dir()
    if output == STREAM:
        if not single:
            raise UsageError("standard output takes a single picture")
        return [Job(found[0][0], None)]
    if single and output and not _is_folder(output):
        return [Job(found[0][0], Path(output))]
    if output and Path(output).is_file():
        raise UsageError(f"{output} is a file, and there are {len(found)} pictures")
    jobs = _name_all(found, output, template, suffix)
    # A second run over a folder meets the results of the first: they are no sources.
    targets = {job.target for job in jobs if job.target != job.source}
    jobs = [job for job in jobs if job.source not in targets]
    _refuse_clashes(jobs)
    return jobs


def _stream_job(inputs: Sequence[str], output: str | None) -> Job:
    if len(inputs) > 1:
        raise UsageError("standard input is a single picture: name no others beside it")
    if output and output != STREAM and _is_folder(output):
        raise UsageError("a picture from standard input has no name: name the output file")
    return Job(None, None if output in (None, STREAM) else Path(str(output)))


def _is_folder(output: str) -> bool:
    """An existing folder, or a name that ends like one or has no suffix of a picture."""
    path = Path(output)
    return path.is_dir() or output.endswith(("/", "\\")) or not path.suffix


def _expand(text: str, recursive: bool) -> list[tuple[Path, Path]]:
    """Pictures that an input names, each with its place relative to the input."""
    path = Path(text)
    if path.is_dir():
        files = sorted(path.rglob("*") if recursive else path.iterdir())
        return [(file, file.relative_to(path)) for file in files if looks_like_image(file)]
    if path.exists():
        return [(path, Path(path.name))]
    # A pattern may be absolute, which Path.glob does not take.
    matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207
    if not matches:
        raise UsageError(f"no such file or folder: {text}")
    return [(match, Path(match.name)) for match in matches if looks_like_image(match)]


def _name_all(
    found: list[tuple[Path, Path]], output: str | None, template: str | None, suffix: str | None
) -> list[Job]:
    usual = ELSEWHERE if output else BESIDE
    pattern = usual if template is None else template
    jobs = []
    for index, (source, place) in enumerate(found, start=1):
        folder = source.parent if output is None else Path(output) / place.parent
        name = _fill(pattern, source, suffix, index)
        jobs.append(Job(source, folder / name))
    return jobs


def _fill(pattern: str, source: Path, suffix: str | None, index: int) -> str:
    ending = suffix or source.suffix
    if ending.lower() == ".gif":
        ending = ".png"  # there is no writing of GIF
    try:
        name = pattern.format(stem=source.stem, suffix=ending, index=index)
    except (KeyError, IndexError, ValueError) as error:
        raise UsageError(
            f"the name template {pattern!r} may use {{stem}}, {{suffix}} and {{index}}"
        ) from error
    if not name or Path(name).name != name:
        raise UsageError(f"the name template {pattern!r} must give a plain file name")
    return name


def _refuse_clashes(jobs: list[Job]) -> None:
    seen: dict[Path, Job] = {}
    for job in jobs:
        if job.target is None:
            continue
        if job.target in seen:
            raise UsageError(
                f"{seen[job.target].name} and {job.name} would both become {job.target}: "
                f"use {{index}} in the name template"
            )
        seen[job.target] = job
