"""Where and how a run runs: its folder, its own as long as it lasts, and the loop in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from flowdenoise.data.corpus import OnSkip
from flowdenoise.data.download import StageReport
from flowdenoise.data.sources import COCO
from flowdenoise.engine import is_out_of_memory
from flowdenoise.errors import TrainingError, UsageError
from flowdenoise.optimization.checkpoint import Checkpoint
from flowdenoise.optimization.loop import Loop, Stage
from flowdenoise.optimization.processes import Workers
from flowdenoise.optimization.progress import Report
from flowdenoise.optimization.run_folder import RunFolder
from flowdenoise.optimization.settings import changed_settings, plain
from flowdenoise.system.paths import real
from flowdenoise.training.run_config import Run
from flowdenoise.training.teaching import OnTaught
from flowdenoise.training.to_weights import save, training_record
from flowdenoise.weights.architectures import kind_of


@dataclass(frozen=True)
class Place:
    """Where and how a run runs, which changes nothing in its result.

    Attributes:
        folder: The run folder.
        workers: The processes that share the work.
        report: Called with the state of the run.
        on_skip: Called with each image that is left out.
        on_fetch: Called with the progress of a download.
        resume: Go on from the folder's checkpoint.
        tensorboard: Keep a TensorBoard log too.
        cache: Folder for decoded pixels, if they shall not be held in memory.
        on_taught: Called with the number of images that a teacher has been asked about.
    """

    folder: Path
    workers: Workers
    report: Report
    on_skip: OnSkip | None = None
    on_fetch: StageReport | None = None
    resume: bool = False
    tensorboard: bool = False
    cache: Path | None = None
    on_taught: OnTaught | None = None


def changes_since(before: Mapping[str, Any], settings: Mapping[str, Any], run: Run) -> list[str]:
    """What a run's settings differ in from those of an earlier one, a line each.

    Args:
        before: The settings of the earlier run; those that came later have their defaults.
        settings: The settings of the run, as `settings_of` gives them.
        run: The same settings as a configuration.
    """
    return changed_settings({**_unknown_then(before, run), **before}, settings)


def settings_of(run: Run, kind: str) -> dict[str, Any]:
    """All settings of a run that trains this kind of network, as its records have them."""
    return {"kind": kind, **plain(asdict(run))}


def _unknown_then(settings: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """The settings that came after a run was begun, with their defaults: what the run did."""
    defaults = {}
    for part in fields(run):
        own: Any = type(getattr(run, part.name))
        defaults[part.name] = asdict(own()) if part.default is MISSING else part.default
    return {name: value for name, value in plain(defaults).items() if name not in settings}


_MAY_CHANGE = ("loop.steps", "loop.log_every", "loop.validate_every", "loop.checkpoint_every")


@contextmanager
def opened(place: Place, run: Run) -> Iterator[tuple[RunFolder, Checkpoint | None]]:
    """The run folder, which belongs to this run as long as it lasts, and what to resume from.

    Raises:
        TrainingError: Another process trains in the folder, or the folder holds a run that is not
            to be resumed, or one that has done more steps than it should now; or memory ran out.
        CheckpointError: The folder holds no whole checkpoint to resume from.
        UsageError: The folder lies among the images.
    """
    folder = RunFolder(place.folder, tensorboard=place.tensorboard)
    _refuse_among_images(folder, run)
    with folder.locked() if place.workers.first else nullcontext():
        if not place.resume and folder.checkpoint.exists():
            raise TrainingError(f"{place.folder} already holds a run: resume it, or take another")
        try:
            yield folder, _begun(folder, run) if place.resume else None
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingError(
                "not enough memory: a smaller batch, patch or network takes less, and with a "
                "cache the decoded images stay on the disk"
            ) from error


def _refuse_among_images(folder: RunFolder, run: Run) -> None:
    """Refuse a folder whose pictures a later search for images would find.

    Raises:
        UsageError: The folder lies among the images.
    """
    pictures = real(folder.pictures)
    for source in (*run.data.paths, *run.data.noisy, *run.data.validation):
        if source != COCO and pictures.is_relative_to(real(Path(source))):
            raise UsageError(
                f"{folder.path} lies among the images in {source}, where a later run would take "
                "the pictures of this one for images: choose another folder for the run"
            )


def _begun(folder: RunFolder, run: Run) -> Checkpoint:
    """The checkpoint of a run that shall go on.

    Raises:
        TrainingError: The run has done more steps than it should now.
        CheckpointError: The folder holds no whole checkpoint.
    """
    checkpoint = folder.load()
    if checkpoint.step > run.loop.steps:
        raise TrainingError(
            f"the run in {folder.path} has done {checkpoint.step} steps, more than the "
            f"{run.loop.steps} that are asked for"
        )
    return checkpoint


def run_loop(
    stage: Stage, run: Run, place: Place, folder: RunFolder, checkpoint: Checkpoint | None
) -> bool:
    """Start or resume the loop; returns whether it came to its end.

    Raises:
        TrainingError: The settings differ from those of the run that is to be resumed, or the
            training diverged.
    """
    settings = settings_of(run, kind_of(stage.model))
    loop = Loop(
        stage, run.loop, folder, settings=settings, workers=place.workers, report=place.report
    )
    if checkpoint is not None:
        changes = changes_since(checkpoint.settings, settings, run)
        refused = [change for change in changes if not change.startswith(_MAY_CHANGE)]
        if refused:
            raise TrainingError(f"can't resume with other settings: {'; '.join(refused)}")
        loop.resume(checkpoint)
    if place.workers.first:
        folder.prepare(settings, loop.step)
    finished = loop.run()
    if finished and place.workers.first:
        save(folder.weights, loop.average, training_record(settings, loop.step, loop.counters))
    return finished
