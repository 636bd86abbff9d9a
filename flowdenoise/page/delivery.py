"""Whole results: written as the command writes them, one picture after the other.

A result goes through `batch`: it has the format, the depth and all metadata of its source, and a
clean picture is copied bit for bit.
"""

from __future__ import annotations

import queue
import threading
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flowdenoise import batch
from flowdenoise.batch import BatchConfig, Job, Naming, Outcome
from flowdenoise.engine import Denoiser
from flowdenoise.errors import FlowdenoiseError
from flowdenoise.estimation import VERDICTS
from flowdenoise.page.shelf import Dropped
from flowdenoise.system.atomic import is_unfinished

_SECONDS = 0.2  # between two looks at whether the browser still listens


class AbandonedError(FlowdenoiseError):
    """An error that ends work on a result for which nobody waits any more."""


@dataclass(frozen=True)
class Result:
    """A result that was made.

    Attributes:
        file: The file of the result.
        place: The name of the result, below the folders that were dropped with its source.
    """

    file: Path
    place: PurePosixPath


def result_of(dropped: Dropped) -> Result | None:
    """The result of a picture; None if it was not made yet, or is not whole yet."""
    whole = (file for file in dropped.results.glob("*") if not is_unfinished(file))
    found = next(whole, None)
    return None if found is None else Result(found, dropped.place.with_name(found.name))


def deliver(
    dropped: Dropped, denoiser: Denoiser, config: BatchConfig, worker: Executor
) -> Iterator[dict[str, Any]]:
    """Make the result of a picture.

    Args:
        dropped: The picture.
        denoiser: The engine.
        config: The settings for the picture.
        worker: The executor that treats one picture after the other.

    Yields:
        The progress, `{"done", "total"}`, or `{}` while the picture waits for its turn; and at
        last the outcome.
    """
    steps: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
    abandoned = threading.Event()

    def on_tile(_: Job, done: int, total: int) -> None:
        if abandoned.is_set():
            raise AbandonedError("nobody waits for the result any more")
        steps.put((done, total))

    future = worker.submit(_run, dropped, denoiser, config, on_tile)
    try:
        while not future.done():
            yield _step(steps)
        yield _told(dropped, future)
    finally:
        abandoned.set()
        future.cancel()


def _run(
    dropped: Dropped, denoiser: Denoiser, config: BatchConfig, on_tile: batch.OnTileOf
) -> Outcome:
    for old in dropped.results.glob("*"):
        old.unlink()
    naming = Naming(f"{dropped.results}/", template=batch.BESIDE)
    (job,) = batch.plan_jobs([str(dropped.file)], naming).jobs
    (outcome,) = batch.run([job], denoiser, config, on_tile=on_tile)
    return outcome


def _step(steps: queue.SimpleQueue[tuple[int, int]]) -> dict[str, Any]:
    try:
        done, total = steps.get(timeout=_SECONDS)
    except queue.Empty:
        return {}
    return {"done": done, "total": total}


def _told(dropped: Dropped, future: Future[Outcome]) -> dict[str, Any]:
    """The outcome of a picture, as the page takes it."""
    outcome = future.result()
    if outcome.error is not None:
        return {"error": dropped.spoken(outcome.error)}
    told = {
        "clean": "found clean: the result is the file itself",
        "unknown": VERDICTS[outcome.verdict or "clean"],
        "unchanged": "nothing was to be removed: the result is the file itself",
    }
    return {
        "status": outcome.status,
        "name": Path(outcome.written[0]).name,
        "note": told.get(outcome.status, ""),
        "warnings": [dropped.spoken(warning) for warning in outcome.warnings],
    }


def pack(results: Sequence[Result], archive: Path) -> None:
    """Write results into one ZIP file, uncompressed; names that are taken get a number.

    After a failure there is no file.

    Args:
        results: The pictures.
        archive: The file to write.
    """
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
            for result, name in zip(results, _names(results), strict=True):
                file.write(result.file, name)
    except BaseException:
        archive.unlink(missing_ok=True)
        raise


def _names(results: Sequence[Result]) -> Iterator[str]:
    taken: set[str] = set()
    for result in results:
        name, number = str(result.place), 1
        while name.casefold() in taken:
            number += 1
            name = str(result.place.with_stem(f"{result.place.stem}_{number}"))
        taken.add(name.casefold())
        yield name
