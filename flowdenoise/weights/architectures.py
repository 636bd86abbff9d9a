"""The networks that a weights file may ask for: a fixed table in our code.

A file names a *kind*; the class comes from here, so no file can make Python import anything.
Modules are imported only when their kind is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flowdenoise.errors import UsageError, WeightsIntegrityError
from flowdenoise.system.rules import shown
from flowdenoise.weights.strict import build, one_line

if TYPE_CHECKING:
    from torch import nn

Role = Literal["denoiser", "prior", "noise level", "noise map"]

MAX_LENGTH = 64
"""Most elements of a tuple in a configuration."""


@dataclass(frozen=True)
class Architecture:
    """Where a kind of network is defined.

    Attributes:
        role: The use of the network, see `Role`.
        room: The package that exports its configuration and its class.
        config: The name of its configuration, a frozen dataclass.
        network: The name of its class; it is built as `network(config)` and keeps the
            configuration as `config`.
        before: The settings that were added later, with their values in files that do not name
            them.
    """

    role: Role
    room: str
    config: str
    network: str
    before: Mapping[str, Any] = field(default_factory=dict)

    def config_class(self) -> type[Any]:
        """The configuration's class."""
        found: type[Any] = getattr(importlib.import_module(self.room), self.config)
        return found

    def network_class(self) -> type[nn.Module]:
        """The network's class."""
        found: type[nn.Module] = getattr(importlib.import_module(self.room), self.network)
        return found


_NETWORKS = "flowdenoise.networks"

ARCHITECTURES: Mapping[str, Architecture] = {
    "resnet": Architecture(
        "denoiser", _NETWORKS, "ResNetConfig", "ResNet", before={"maps": 1, "residual": True}
    ),
    "dncnn": Architecture("denoiser", _NETWORKS, "DnCNNConfig", "DnCNN"),
    "glow": Architecture(
        "prior", "flowdenoise.flow", "GlowConfig", "Glow", before={"split": "net"}
    ),
    "noise_level": Architecture("noise level", _NETWORKS, "NoiseLevelConfig", "NoiseLevelNet"),
    "noise_map": Architecture(
        "noise map", _NETWORKS, "NoiseMapConfig", "NoiseMapNet", before={"filters": 0}
    ),
}
"""Kind, as written in a weights file, and its definition."""


def architecture(kind: str, what: str) -> Architecture:
    """The definition of `kind`.

    Raises:
        WeightsIntegrityError: The table has no such kind.
    """
    if kind not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise WeightsIntegrityError(f"{what} is of the unknown kind {shown(kind)}; known: {known}")
    return ARCHITECTURES[kind]


def kind_of(network: nn.Module) -> str:
    """The kind of a network, to be written into its file.

    Raises:
        UsageError: The network's class is not in the table.
    """
    for kind, known in ARCHITECTURES.items():
        named = type(network).__name__ == known.network  # else its room need not be imported
        if named and type(network) is known.network_class():
            return kind
    raise UsageError(f"{type(network).__name__} is not among the networks that weights files know")


def build_config(kind: str, values: Mapping[str, Any], what: str) -> Any:
    """The configuration of a network of `kind`, from the values in a file.

    Raises:
        WeightsIntegrityError: A key is missing or unknown, a value is of the wrong type, out of
            bounds, or refused by the configuration itself.
    """
    known = architecture(kind, what)
    cls, values = known.config_class(), {**known.before, **values}
    try:
        config = build(cls, values, f"the configuration of {what}")
    except WeightsIntegrityError:
        raise
    except Exception as error:  # whatever a stranger's values do in there, the file is to blame
        reason = one_line(error)
        raise WeightsIntegrityError(
            f"the configuration of {what} is not valid: {reason}"
        ) from error
    for name, value in asdict(config).items():
        if isinstance(value, tuple | str) and len(value) > MAX_LENGTH:
            raise WeightsIntegrityError(f"{what} has {len(value)} elements in {name!r}")
    return config
