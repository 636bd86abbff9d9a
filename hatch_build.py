"""The package's long description: README.md, as an index can show it.

An index shows no file of the repository. FLOWDENOISE_ADDRESS says where they can be had, and the
README's pictures and links lead there; without it they are left out of the description:

    FLOWDENOISE_ADDRESS=https://host/owner/repository/raw/COMMIT python -m build
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

ADDRESS = "FLOWDENOISE_ADDRESS"

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?!https?:)([^)]+)\)\n*")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:)([^)]+)\)")


def description(readme: str, address: str) -> str:
    """Make pictures and links absolute, or leave them out where no address is known."""
    if not address:
        return _LINK.sub(r"\1", _PICTURE.sub("", readme))
    base = address.rstrip("/")
    readme = _PICTURE.sub(lambda found: f"![{found[1]}]({base}/{found[2]})\n\n", readme)
    return _LINK.sub(lambda found: f"[{found[1]}]({base}/{found[2]})", readme)


class ReadmeHook(MetadataHookInterface):
    """Puts the description into the package's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme`."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": description(text, os.environ.get(ADDRESS, "")),
        }
