"""The folder of a run: settings, log, checkpoint, pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from torch import Tensor, nn

from flowdenoise import images
from flowdenoise.errors import TrainingError
from flowdenoise.optimization.checkpoint import CHECKPOINT, Checkpoint, restore
from flowdenoise.system.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowdenoise.optimization.progress import Progress


class RunFolder:
    """Where a run keeps its records.

    ```
    settings.json       everything that was set
    log.csv             a line per report, each step once
    checkpoint.pt       the newest state, replaced atomically
    weights.safetensors the averaged network, when the run has come to its end
    pictures/           what the validation showed, by step
    tensorboard/        only if asked for
    run.lock            held by the process that trains
    ```
    """

    def __init__(self, path: Path, *, tensorboard: bool = False) -> None:
        self.path = path
        self.checkpoint = path / CHECKPOINT
        self.weights = path / "weights.safetensors"
        self.pictures = path / "pictures"
        self._settings = path / "settings.json"
        self._log = path / "log.csv"
        self._wants_board = tensorboard
        self._board: Any = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in the folder, which is made if needed.

        The lock is the empty file `run.lock`, which stays; the system frees it when its holder
        ends, however that ends.

        Raises:
            TrainingError: Another process trains there, or the folder can't be written to.
        """
        lock = FileLock(self.path / "run.lock", blocking=False)
        try:
            with writing_to(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                lock.acquire()
        except Timeout as error:
            raise TrainingError(f"another process is training in {self.path}") from error
        try:
            yield
        finally:
            lock.release()

    def prepare(self, settings: Mapping[str, Any], step: int = 0) -> None:
        """Write the settings, and bring the log back to the step at which the run goes on.

        Args:
            settings: All settings of the run.
            step: Number of steps done; lines of the log about later ones are dropped.

        Raises:
            TrainingError: The folder can't be written to.
        """
        with writing_to(self.path):
            self.pictures.mkdir(parents=True, exist_ok=True)
            text = json.dumps(settings, indent=2, sort_keys=True)
            with replacing(self._settings) as stream:
                stream.write((text + "\n").encode())
            self._forget_after(step)
        if self._wants_board:
            self._board = _open_board(self.path / "tensorboard", step + 1)

    def _forget_after(self, step: int) -> None:
        """Drop the lines of later steps, and one that was cut short, from the log.

        Raises:
            TrainingError: The file is no log.
        """
        if not self._log.exists():
            return
        with self._log.open(newline="", errors="replace") as stream:
            whole = [line for line in stream if line.endswith("\n")]
        if not whole:
            self._log.unlink()
            return
        header, *rows = csv.reader(whole)
        if "step" not in header:
            raise TrainingError(f"{self._log} is no log of a run: move it away")
        at = header.index("step")
        kept = [
            row
            for row in rows
            if len(row) == len(header) and row[at].isdecimal() and int(row[at]) <= step
        ]
        text = io.StringIO()
        csv.writer(text).writerows([header, *kept])
        with replacing(self._log) as file:
            file.write(text.getvalue().encode())

    def log(self, progress: Progress) -> None:
        """Append a line to the log.

        Raises:
            TrainingError: The folder can't be written to.
        """
        row = asdict(progress)
        metrics = row.pop("metrics")
        row.pop("steps"), row.pop("seconds_left")
        row["metrics"] = json.dumps(metrics) if metrics else ""
        fresh = not self._log.exists()
        with writing_to(self.path), self._log.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        if self._board is not None:
            for name, value in (("loss", progress.loss), *metrics.items()):
                self._board.add_scalar(name, value, progress.step)

    def records(self) -> tuple[dict[str, Any], dict[str, float]]:
        """The settings of the run, and what its last validation found.

        Raises:
            TrainingError: The records of the run can't be read.
        """
        try:
            settings = json.loads(self._settings.read_text())
            *_, last = csv.DictReader(self._log.read_text().splitlines())
            return settings, json.loads(last["metrics"])
        except (OSError, ValueError, KeyError) as error:
            raise TrainingError(
                f"the records of the run in {self.path} are damaged: remove it to train it again"
            ) from error

    def picture(self, name: str, step: int, picture: Tensor) -> None:
        """Write a picture, (C, H, W) in [0, 1]."""
        images.write_png(self.pictures / f"{name}-{step:07d}.png", picture)
        if self._board is not None:
            self._board.add_image(name, picture, step)

    def restore(self, module: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Load `state` into `module`, strictly."""
        restore(module, state, self.checkpoint)

    def load(self) -> Checkpoint:
        """The newest checkpoint.

        Raises:
            CheckpointError: The folder holds no checkpoint, or a damaged one.
        """
        return Checkpoint.load(self.checkpoint)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn what the system says about a run folder into one of our errors.

    Raises:
        TrainingError: The folder can't be written to.
    """
    try:
        yield
    except Timeout:  # the lock's word for "taken", an OSError too
        raise
    except OSError as error:
        reason = error.strerror or error
        raise TrainingError(f"can't write to the run folder {folder}: {reason}") from error


def _open_board(path: Path, purge_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "TensorBoard is not installed: pip install 'flowdenoise[tensorboard]'"
        ) from error
    return SummaryWriter(str(path), purge_step=purge_step)
