"""Many pictures: while one is denoised, the next is read and the last one written.

```
read       1  2  3  4
denoise       1  2  3  4
write            1  2  3  4
```

What goes wrong with one does not touch the others, and outcomes come in the order of the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

from flowdenoise.batch.one import BatchConfig, Outcome, Work
from flowdenoise.batch.plan import Job
from flowdenoise.engine import Denoiser
from flowdenoise.system.atomic import remove_leftovers
from flowdenoise.system.paths import is_file

LARGE = 32_000_000
"""Pixels of a picture beside which no other is held in memory."""

OnTileOf = Callable[[Job, int, int], None]
"""Told of the tiles done and all tiles of a picture."""


def run(
    jobs: Sequence[Job],
    denoiser: Denoiser,
    config: BatchConfig,
    *,
    on_tile: OnTileOf | None = None,
) -> Iterator[Outcome]:
    """Denoise pictures, yielding what became of each.

    Where the first failure ends it all, and for a single one, pictures are taken one by one; else
    up to three are in memory, but of large ones only one. What a run that was killed left
    half-written in the folders of the results is removed first.

    Args:
        jobs: From `plan_jobs`.
        denoiser: The engine.
        config: How to treat each picture.
        on_tile: Told how the picture at work gets on.
    """
    for folder in {file.parent for job in jobs for file in job.files}:
        remove_leftovers(folder)
    if config.keep_going and len(jobs) > 1:
        yield from _overlapped(jobs, denoiser, config, on_tile)
        return
    for job in jobs:
        work = _read(job, config)
        _denoise(work, denoiser, on_tile)
        outcome = _write(work)
        yield outcome
        if outcome.status == "failed" and not config.keep_going:
            return


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
    jobs: Sequence[Job], denoiser: Denoiser, config: BatchConfig, on_tile: OnTileOf | None
) -> Iterator[Outcome]:
    """Read ahead in one thread and write behind in another."""
    reader, writer = ThreadPoolExecutor(1, "reading"), ThreadPoolExecutor(1, "writing")
    ahead: Future[Work] | None = None
    behind: Future[Outcome] | None = None
    try:
        for job, following in zip(jobs, (*jobs[1:], None), strict=True):
            work = _read(job, config) if ahead is None else ahead.result()
            ahead, alone = None, _is_alone(work)
            if following is not None and not alone and _is_read_at_once(following):
                ahead = reader.submit(_read, following, config)
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
        reader.shutdown()
        writer.shutdown()
        if ahead is not None:
            ahead.result().close()


def _is_alone(work: Work) -> bool:
    """Whether nothing may be done beside a picture.

    It is large, or its further pages are denoised while they are written.
    """
    picture = work.picture
    return picture is not None and (picture.pages > 1 or picture.width * picture.height > LARGE)


def _is_read_at_once(job: Job) -> bool:
    """Whether reading a picture can't wait for another program, which nothing could interrupt."""
    return job.source is not None and is_file(job.source)
