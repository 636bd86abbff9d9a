"""Many pictures, one after the other: what goes wrong with one does not touch the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from flowdenoise.batch.one import BatchConfig, Outcome, denoise_one
from flowdenoise.batch.plan import Job
from flowdenoise.engine.denoiser import Denoiser
from flowdenoise.engine.tiling import OnTile
from flowdenoise.errors import FlowdenoiseError


def run(
    jobs: Iterable[Job],
    denoiser: Denoiser,
    config: BatchConfig,
    *,
    on_tile: Callable[[Job, int, int], None] | None = None,
) -> Iterator[Outcome]:
    """Denoise pictures, yielding what became of each.

    Args:
        jobs: From `plan_jobs`.
        denoiser: The engine.
        config: How to treat each picture.
        on_tile: Told of the tiles done and all tiles of the picture at work.
    """
    for job in jobs:
        start = time.perf_counter()
        report = _report_for(job, on_tile)
        try:
            outcome = denoise_one(job, denoiser, config, report, start)
        except FlowdenoiseError as error:
            seconds = time.perf_counter() - start
            outcome = Outcome(job, "failed", error=str(error), seconds=seconds)
        yield outcome
        if outcome.status == "failed" and not config.keep_going:
            return


def _report_for(job: Job, on_tile: Callable[[Job, int, int], None] | None) -> OnTile | None:
    if on_tile is None:
        return None
    return lambda done, total: on_tile(job, done, total)
