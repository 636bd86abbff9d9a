"""From a run to a weights file: the averaged network and the record of how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from flowdenoise import weights
from flowdenoise.errors import CheckpointError, WeightsError
from flowdenoise.networks import DnCNN, fold_batch_norm
from flowdenoise.optimization.checkpoint import CHECKPOINT, Checkpoint, restore
from flowdenoise.weights.address import SCHEME
from flowdenoise.weights.architectures import architecture, build_config


def export_weights(folder: Path, target: Path) -> Path:
    """Write the averaged network of a run as a weights file; the run need not have ended.

    Args:
        folder: The run folder.
        target: The file to write.

    Returns:
        `target`.

    Raises:
        CheckpointError: The folder holds no checkpoint, or a damaged one, or one whose settings do
            not say which network it holds.
        WeightsError: A weight is not finite, or the file can't be written.
    """
    file = folder / CHECKPOINT
    checkpoint = Checkpoint.load(file)
    network = _network(checkpoint.settings, file)
    restore(network, checkpoint.ema, file)
    record = training_record(checkpoint.settings, checkpoint.step, checkpoint.counters)
    save(target, network, record)
    return target


def save(target: Path, network: nn.Module, record: Mapping[str, Any]) -> None:
    """Write a trained network as it is used, with batch normalization folded away.

    Raises:
        WeightsError: A weight is not finite, or the file can't be written.
    """
    if isinstance(network, DnCNN) and network.config.batch_norm:
        network = fold_batch_norm(network)
    weights.save_weights(target, network, training=record)


def _network(settings: Mapping[str, Any], file: Path) -> nn.Module:
    """The network that a run with these settings trains."""
    if "kind" not in settings:
        raise CheckpointError(f"{file} does not say which network it holds")
    kind = str(settings["kind"])
    try:
        config = build_config(kind, _sizes(settings), str(file))
        return architecture(kind, str(file)).network_class()(config)
    except WeightsError as error:
        raise CheckpointError(f"{file} is of another version of flowdenoise: {error}") from error


def _sizes(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the network, by their own names."""
    part = "network."
    return {
        name.removeprefix(part): value for name, value in settings.items() if name.startswith(part)
    }


def training_record(
    settings: Mapping[str, Any], step: int, counters: Mapping[str, int]
) -> dict[str, Any]:
    """What a weights file says about its training, without folders, since it is published."""
    record = {**settings, "steps_done": step, "counters": dict(counters)}
    for name in ("data.paths", "data.noisy", "data.validation"):
        if name in settings:
            record[name] = [Path(path).name for path in settings[name]]
    for name in ("prior", "teacher", "second_teacher", "initial", "estimator"):
        if name in settings and not settings[name].startswith(SCHEME):
            record[name] = Path(settings[name]).name
    return record


def trained_levels(settings: Mapping[str, Any]) -> tuple[float, float] | None:
    """The lowest and highest noise level that a run sees, [0, 1] scale; None if it can't be told.

    >>> trained_levels({"training.noise.mode": "fixed", "training.noise.sigma_range": [0.0, 0.2]})
    (0.0, 0.2)
    """
    if settings.get("training.noise.mode") == "none":
        return None
    if settings.get("network.noise_levels") is False:
        return 0.0, 0.0
    most = settings.get("training.most")
    levels = settings.get("training.noise.sigma_range", settings.get("training.sigma_range"))
    match [0.0, most] if levels is None else levels:
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
    return None
