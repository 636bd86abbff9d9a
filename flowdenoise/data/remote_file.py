"""Files that lie somewhere else, and how they are known again.

This is apart from what fetches them, since catalogs name many files that nobody asks for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path


@dataclass(frozen=True)
class Remote:
    """A file somewhere, and how to know it.

    Attributes:
        url: The address, http or https.
        size: The length in bytes, where that is known.
        sha256: The digest in hexadecimal, where that is known.
        md5: A weaker digest, from publishers who give no other; unused beside a `sha256`.
    """

    url: str
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def has_checksum(self) -> bool:
        """Whether a wrong byte would be found."""
        return bool(self.sha256 or self.md5)

    def fault(self, file: Path) -> str | None:
        """What is wrong with `file` as a copy of this, if anything is."""
        size = file.stat().st_size
        if self.size is not None and size != self.size:
            return f"expected {self.size} bytes, got {size}"
        name, expected = ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)
        if expected is None:
            return None
        with file.open("rb") as stream:
            got = hashlib.file_digest(stream, partial(hashlib.new, name, usedforsecurity=False))
        if got.hexdigest() == expected.lower():
            return None
        return f"expected {name} {expected.lower()}, got {got.hexdigest()}"
