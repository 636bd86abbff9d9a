"""From an address to a network: the one call that everything above uses."""

from __future__ import annotations

from flowdenoise.errors import WeightsError
from flowdenoise.weights.address import Address
from flowdenoise.weights.architectures import Role, architecture
from flowdenoise.weights.file import WeightsFile, read_weights
from flowdenoise.weights.store import Report, resolve


def load(
    address: str | Address,
    *,
    role: Role | None = None,
    offline: bool = False,
    report: Report | None = None,
) -> WeightsFile:
    """Find, verify and load weights.

    Args:
        address: `color`, a path, or `hf://owner/repo@REVISION/file.safetensors`.
        role: What the weights are needed for; others are refused.
        offline: Whether the network is left alone.
        report: Called with a line about what is fetched and which commit is used.

    Raises:
        UsageError: The text is no address.
        WeightsError: The weights can't be found or read (see `store.resolve`,
            `file.read_weights`), or serve another role.
    """
    found = resolve(address, offline=offline, report=report)
    loaded = read_weights(found.path, sha256=found.sha256, name=str(found.address))
    actual = architecture(loaded.kind, str(found.address)).role
    if role not in (None, actual):
        raise WeightsError(f"{found.address} is a {actual}, a {role} is needed")
    return loaded
