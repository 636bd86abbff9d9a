"""Questions about paths, which are answered for any name.

The methods of `pathlib` raise where a name is too long, or where a folder on the way is closed.
"""

from __future__ import annotations

import os
from pathlib import Path


def exists(path: Path) -> bool:
    """Whether something that can be seen has this name; a link is followed."""
    return os.path.exists(path)  # noqa: PTH110


def is_named(path: Path) -> bool:
    """Whether the name is taken, if only by a link to nothing."""
    return os.path.lexists(path)


def is_file(path: Path) -> bool:
    """Whether it is a regular file, or a link to one."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether it is a folder, or a link to one."""
    return os.path.isdir(path)  # noqa: PTH112


def is_link(path: Path) -> bool:
    """Whether it is a symbolic link."""
    return os.path.islink(path)  # noqa: PTH114


def real(path: Path) -> Path:
    """The absolute path without links, as far as it is there."""
    return Path(os.path.realpath(path))
