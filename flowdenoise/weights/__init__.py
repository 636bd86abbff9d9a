"""Weights: files that carry their own configuration, found by name, path or Hub address, verified.

From the bottom up; all before `file` do without torch:

```
strict          JSON from outside becomes a dataclass or an error
architectures   the allow-list of networks that a file may ask for
address         `color`, `path/to/file.safetensors`, `hf://owner/repo@commit/file.safetensors`
header          what a file says of itself, and the checks on its bytes
manifest        the list of shipped weights
pins            what was learned from the Hub, for the next run
hub             the only module that talks to the Hugging Face Hub
hub_bounds      how many bytes and how much time a download may take
store           address -> verified file on this machine
card, publish   model cards, and uploading with them
file            network -> file -> network
loading         address -> network
onnx            a network for other programs
```
"""

from typing import TYPE_CHECKING

from flowdenoise.system.lazy import homes

if TYPE_CHECKING:
    from flowdenoise.weights.file import WeightsFile, read_weights, save_weights
    from flowdenoise.weights.loading import load

__all__ = [
    "WeightsFile",
    "address",
    "architectures",
    "load",
    "manifest",
    "onnx",
    "publish",
    "read_weights",
    "save_weights",
    "store",
]

__getattr__ = homes(
    __name__, {"file": ("WeightsFile", "read_weights", "save_weights"), "loading": ("load",)}
)
