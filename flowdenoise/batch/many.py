"""Many pictures: while one is denoised, the next is read and the last one written.

```
read       1  2  3  4
denoise       1  2  3  4
write            1  2  3  4
```

An error with one picture does not affect the others, and outcomes come in the order of the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from flowdenoise.batch.one import BatchConfig, Outcome, Work
from flowdenoise.batch.plan import Job
from flowdenoise.system.atomic import remove_leftovers
from flowdenoise.system.paths import is_file

if TYPE_CHECKING:
    from flowdenoise.engine import Denoiser

LARGE = 32_000_000
"""The number of pixels above which a picture is held in memory alone."""

OnTileOf = Callable[[Job, int, int], None]
"""Called with a job, the number of its finished tiles, and that of all its tiles."""


def run(
    jobs: Sequence[Job],
    denoiser: Denoiser,
    config: BatchConfig,
    *,
    on_tile: OnTileOf | None = None,
) -> Iterator[Outcome]:
    """Denoise pictures, and yield the outcome of each.

    A single picture is treated alone, and so is each one if the first failure is to end the run.
    Otherwise up to three pictures are in memory, but only one if it is large. Half-written files
    that a killed run left in the folders of the results are removed first.

    Args:
        jobs: The jobs, from `plan_jobs`.
        denoiser: The engine.
        config: The settings for each picture.
        on_tile: Called after each batch of tiles of a picture.
    """
    yield from run_by(lambda: denoiser, jobs, config, on_tile=on_tile)


def run_by(
    load: Callable[[], Denoiser],
    jobs: Sequence[Job],
    config: BatchConfig,
    *,
    on_tile: OnTileOf | None = None,
) -> Iterator[Outcome]:
    """Denoise pictures by an engine that is loaded while the first one is read: see `run`.

    Args:
        load: The function that loads the engine.
        jobs: The jobs, from `plan_jobs`.
        config: The settings for each picture.
        on_tile: Called after each batch of tiles of a picture.
    """
    for folder in {file.parent for job in jobs for file in job.files}:
        remove_leftovers(folder)
    with closing(_Reader(config)) as reader:
        if jobs:
            reader.begin(jobs[0])
        denoiser = load()
        if config.keep_going and len(jobs) > 1:
            yield from _overlapped(jobs, reader, denoiser, on_tile)
            return
        for job in jobs:
            work = reader.take(job)
            _denoise(work, denoiser, on_tile)
            outcome = _write(work)
            yield outcome
            if outcome.status == "failed" and not config.keep_going:
                return


class _Reader:
    """Reads the next picture in a thread of its own.

    Args:
        config: The settings for each picture.
    """

    def __init__(self, config: BatchConfig) -> None:
        self._config = config
        self._thread = ThreadPoolExecutor(1, "reading")
        self._ahead: Future[Work] | None = None

    def begin(self, job: Job) -> None:
        """Begin to read a picture, unless that might wait for another program."""
        if _is_read_at_once(job):
            self._ahead = self._thread.submit(_read, job, self._config)

    def take(self, job: Job) -> Work:
        """The picture that was begun, or else this one, which is read now."""
        ahead, self._ahead = self._ahead, None
        return _read(job, self._config) if ahead is None else ahead.result()

    def close(self) -> None:
        """Close the file of a picture that nobody took."""
        self._thread.shutdown()
        if self._ahead is not None:
            self._ahead.result().close()


def _read(job: Job, config: BatchConfig) -> Work:
    work = Work(job, config)
    with _closed_on_interrupt(work):
        work.attempt(work.read)
    return work


def _denoise(work: Work, denoiser: Denoiser, on_tile: OnTileOf | None) -> None:
    report = None if on_tile is None else lambda done, total: on_tile(work.job, done, total)
    with _closed_on_interrupt(work):
        work.attempt(lambda: work.denoise(denoiser, report))


def _write(work: Work) -> Outcome:
    with closing(work):
        work.attempt(work.write)
        return work.outcome()


@contextmanager
def _closed_on_interrupt(work: Work) -> Iterator[None]:
    try:
        yield
    except BaseException:
        work.close()
        raise


def _overlapped(
    jobs: Sequence[Job], reader: _Reader, denoiser: Denoiser, on_tile: OnTileOf | None
) -> Iterator[Outcome]:
    """Read ahead in one thread and write behind in another."""
    writer = ThreadPoolExecutor(1, "writing")
    behind: Future[Outcome] | None = None
    try:
        for job, following in zip(jobs, (*jobs[1:], None), strict=True):
            work = reader.take(job)
            alone = _is_alone(work)
            if following is not None and not alone:
                reader.begin(following)
            _denoise(work, denoiser, on_tile)
            before, behind = behind, writer.submit(_write, work)
            if before is not None:
                yield before.result()
            if alone:
                yield behind.result()
                behind = None
        if behind is not None:
            yield behind.result()
    finally:
        writer.shutdown()


def _is_alone(work: Work) -> bool:
    """Whether no other picture may be treated meanwhile.

    This is so if the picture is large, or if its further pages are denoised while they are
    written.
    """
    picture = work.picture
    return picture is not None and (picture.pages > 1 or picture.width * picture.height > LARGE)


def _is_read_at_once(job: Job) -> bool:
    """Whether reading never waits for another program, which could not be interrupted."""
    return job.source is not None and is_file(job.source)
