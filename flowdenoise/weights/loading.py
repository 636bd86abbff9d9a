"""From an address to a network: the one call that everything above uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from flowdenoise.errors import WeightsError
from flowdenoise.weights.address import Address
from flowdenoise.weights.architectures import Role, architecture
from flowdenoise.weights.file import WeightsFile, build_network, read_weights
from flowdenoise.weights.store import Resolved, resolve

if TYPE_CHECKING:
    from flowdenoise.weights.hub_bounds import Report


@torch.inference_mode(False)
def load(
    address: str | Address | Resolved,
    *,
    role: Role | None = None,
    offline: bool = False,
    report: Report | None = None,
) -> WeightsFile:
    """Find, verify and load weights; even in inference mode, gradients can later flow through.

    Args:
        address: `color`, a path, or `hf://owner/repo@REVISION/file.safetensors`; or what
            `store.verify` found there, whose bytes are not read again.
        role: What the weights are needed for; others are refused.
        offline: Whether the network is left alone.
        report: Called with a line about what is fetched and which commit is used.

    Raises:
        UsageError: The text is no address.
        WeightsError: The weights can't be found or read (see `store.resolve`,
            `file.read_weights`), or serve another role.
    """
    found = address
    if not isinstance(found, Resolved):
        found = resolve(found, offline=offline, report=report)
    what = str(found.address)
    if found.content is None:
        loaded = read_weights(found.path, sha256=found.sha256, name=what)
    else:
        loaded = build_network(found.content, what)
    actual = architecture(loaded.kind, what).role
    if role not in (None, actual):
        raise WeightsError(f"{found.address} is a {actual}, a {role} is needed")
    return loaded
