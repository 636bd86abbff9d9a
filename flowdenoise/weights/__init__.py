"""Weights: files that carry their own configuration, found by name, path or Hub address, verified.

From the bottom up; all before `file` do without torch:

```
strict          JSON from outside becomes a dataclass or an error
atomic          a file is written whole or not at all
architectures   the allow-list of networks that a file may ask for
header          what a file says of itself, and the checks on its bytes
manifest        the list of shipped weights
address         `color`, `path/to/file.safetensors`, `hf://owner/repo@commit/file.safetensors`
pins            what was learned from the Hub, for the next run
hub             the only module that talks to the Hugging Face Hub
store           address -> verified file on this machine
card, publish   model cards, and uploading with them
file            network -> file -> network
loading         address -> network
onnx            a network for other programs
```
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowdenoise.weights.file import WeightsFile, read_weights, save_weights
    from flowdenoise.weights.loading import load

__all__ = ["WeightsFile", "load", "read_weights", "save_weights"]


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for: listing weights must not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "loading" if name == "load" else "file"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
