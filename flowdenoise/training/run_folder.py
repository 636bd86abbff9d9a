"""The folder of a run: settings, log, checkpoint, pictures."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from flowdenoise import images
from flowdenoise.errors import TrainingError
from flowdenoise.training.checkpoint import CHECKPOINT, Checkpoint, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowdenoise.training.progress import Progress


class RunFolder:
    """Where a run keeps its records.

    ```
    settings.json       everything that was set
    log.csv             a line per report, always written
    checkpoint.pt       the newest state, replaced atomically
    weights.safetensors the averaged network, when the run has come to its end
    pictures/           what the validation showed, by step
    tensorboard/        only if asked for
    ```
    """

    def __init__(self, path: Path, *, tensorboard: bool = False) -> None:
        self.path = path
        self.checkpoint = path / CHECKPOINT
        self.weights = path / "weights.safetensors"
        self._log = path / "log.csv"
        self._board = _open_board(path / "tensorboard") if tensorboard else None

    def prepare(self, settings: Mapping[str, Any]) -> None:
        """Make the folder and write the settings.

        Raises:
            TrainingError: It can't be written to.
        """
        try:
            (self.path / "pictures").mkdir(parents=True, exist_ok=True)
            text = json.dumps(settings, indent=2, sort_keys=True)
            (self.path / "settings.json").write_text(text + "\n")
        except OSError as error:
            raise TrainingError(f"can't write to the run folder {self.path}: {error}") from error

    def log(self, progress: Progress) -> None:
        """Append a line to the log."""
        row = asdict(progress)
        metrics = row.pop("metrics")
        row.pop("steps"), row.pop("seconds_left")
        row["metrics"] = json.dumps(metrics) if metrics else ""
        fresh = not self._log.exists()
        with self._log.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        if self._board is not None:
            for name, value in (("loss", progress.loss), *metrics.items()):
                self._board.add_scalar(name, value, progress.step)

    def picture(self, name: str, step: int, picture: Tensor) -> None:
        """Write a picture, (C, H, W) in [0, 1]."""
        images.write_png(self.path / "pictures" / f"{name}-{step:07d}.png", picture)
        if self._board is not None:
            self._board.add_image(name, picture, step)

    def restore(self, module: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Load `state` into `module`, strictly."""
        restore(module, state, self.checkpoint)

    def load(self) -> Checkpoint:
        """The newest checkpoint.

        Raises:
            CheckpointError: There is none, or it is damaged.
        """
        return Checkpoint.load(self.checkpoint)


def _open_board(path: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "TensorBoard is not installed: pip install 'flowdenoise[tensorboard]'"
        ) from error
    return SummaryWriter(str(path))
