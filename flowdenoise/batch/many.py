"""Many pictures, one after the other: what goes wrong with one does not touch the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial

from flowdenoise.batch.one import BatchConfig, Outcome, Work
from flowdenoise.batch.plan import Job
from flowdenoise.engine import Denoiser, OnTile
from flowdenoise.system.atomic import remove_leftovers


def run(
    jobs: Iterable[Job],
    denoiser: Denoiser,
    config: BatchConfig,
    *,
    on_tile: Callable[[Job, int, int], None] | None = None,
) -> Iterator[Outcome]:
    """Denoise pictures, yielding what became of each.

    What a run that was killed left half-written in the folders of the results is removed first.

    Args:
        jobs: From `plan_jobs`.
        denoiser: The engine.
        config: How to treat each picture.
        on_tile: Told of the tiles done and all tiles of the picture at work.
    """
    jobs = list(jobs)
    for folder in {file.parent for job in jobs for file in job.files}:
        remove_leftovers(folder)
    for job in jobs:
        report = _report_for(job, on_tile)
        with closing(Work(job, config)) as work:
            work.attempt(work.read)
            work.attempt(partial(work.denoise, denoiser, report))
            work.attempt(work.write)
            outcome = work.outcome()
        yield outcome
        if outcome.status == "failed" and not config.keep_going:
            return


def _report_for(job: Job, on_tile: Callable[[Job, int, int], None] | None) -> OnTile | None:
    if on_tile is None:
        return None
    return lambda done, total: on_tile(job, done, total)
