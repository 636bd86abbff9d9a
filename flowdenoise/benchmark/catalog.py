"""The named sets of images: what they are, where the public keeps them, how to know them.

Sources are pinned: a commit of a repository, or an archive with its checksum. The fingerprints of
BSD68's pixels, gray and color, are in `fingerprints.json`. For the other sets no fingerprint was
published; those seen at the first download are remembered, and later ones are held against them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flowdenoise.data.download import Remote
from flowdenoise.errors import UsageError

_GITHUB = "https://raw.githubusercontent.com"
_CBSD68 = """
101085 101087 102061 103070 105025 106024 108005 108070 108082 109053 119082 12084 123074 126007
130026 134035 14037 143090 145086 147091 148026 148089 157055 159008 160068 16077 163085 167062
167083 170057 175032 175043 182053 189080 19021 196073 197017 208001 210088 21077 216081 219090
220075 223061 227092 229036 236037 24077 241004 241048 253027 253055 260058 271035 285079 291000
295087 296007 296059 299086 300091 302008 304034 304074 306005 3096 33039 351093
"""


@dataclass(frozen=True)
class NamedSet:
    """A set of images that the literature measures on.

    Attributes:
        name: As users and results call it.
        gray: Whether it is measured in gray.
        names: Of its files, without the ending.
        suffix: Of its files at the source.
        source: Where they are: a folder on the web, or the page that tells about the archive.
        archive: The archive with all files, where they are not fetched one by one.
        terms: Under which they may be used.
    """

    name: str
    gray: bool
    names: tuple[str, ...]
    suffix: str
    source: str
    archive: Remote | None = None
    terms: str = "research use"

    @property
    def kind(self) -> str:
        """`gray` or `color`."""
        return "gray" if self.gray else "color"

    def remotes(self) -> Mapping[str, Remote]:
        """The files to fetch one by one, by name; none where there is an archive."""
        if self.archive is not None:
            return {}
        return {name: Remote(f"{self.source}/{name}{self.suffix}") for name in self.names}


SETS = {
    entry.name: entry
    for entry in (
        NamedSet(
            "bsd68",
            True,
            tuple(f"test{number:03}" for number in range(1, 69)),
            ".png",
            f"{_GITHUB}/cszn/DnCNN/55fdeb2ac82c8c8cae6e281dae2b8e87e2d47a4d/testsets/BSD68",
        ),
        NamedSet(
            "cbsd68",
            False,
            tuple(_CBSD68.split()),
            ".png",
            f"{_GITHUB}/cszn/IRCNN/938f6a7fc9f12df9188da838fc2cec4bcca06976/testsets/CBSD68",
        ),
        NamedSet(
            "set12",
            True,
            tuple(f"{number:02}" for number in range(1, 13)),
            ".png",
            f"{_GITHUB}/JingyunLiang/SwinIR/33f616625268d08ba600f8db89388eec0328edb1/testsets/Set12",
        ),
        NamedSet(
            "kodak24",
            False,
            tuple(f"kodim{number:02}" for number in range(1, 25)),
            ".png",
            f"{_GITHUB}/cszn/FFDNet/a68d544599bb9bb2f89da51ab9e18458fa882023/testsets/Kodak24",
            terms="released by Kodak for unrestricted use",
        ),
        NamedSet(
            "mcmaster",
            False,
            tuple(str(number) for number in range(1, 19)),
            ".tif",
            f"{_GITHUB}/JingyunLiang/SwinIR/33f616625268d08ba600f8db89388eec0328edb1/testsets/McMaster",
        ),
        NamedSet(
            "urban100",
            False,
            tuple(f"img_{number:03}" for number in range(1, 101)),
            ".png",
            "https://huggingface.co/datasets/eugenesiow/Urban100",
            archive=Remote(  # md5 as deepinv and others record it
                "https://huggingface.co/datasets/eugenesiow/Urban100/resolve/main/data/"
                "Urban100_HR.tar.gz",
                md5="65d9d84a34b72c6f7ca1e26a12df1e4c",
            ),
            terms="CC BY 4.0",
        ),
    )
}
"""Every named set."""


def find_set(name: str) -> NamedSet:
    """The set of that name.

    Raises:
        UsageError: There is none; says which there are.
    """
    if name not in SETS:
        raise UsageError(
            f"no set {name!r}; there are {', '.join(SETS)}, and any folder of clean images"
        )
    return SETS[name]


@cache
def fingerprints(name: str) -> Mapping[str, str]:
    """The fingerprints of a set's images by name, as this package knows them; may be empty."""
    known: dict[str, dict[str, str]] = json.loads(
        (Path(__file__).parent / "fingerprints.json").read_text("utf-8")
    )
    return known.get(name, {})
