"""The named sets of images: what they are, where they are published, how they are recognized.

Sources are pinned: a commit of a repository, or an archive with its checksum. The fingerprints of
BSD68's pixels, gray and color, are in `fingerprints.json`. For the other sets no fingerprint was
published; those of the first download are remembered, and later downloads must have the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flowdenoise.data.remote_file import Remote
from flowdenoise.errors import DataError, UsageError
from flowdenoise.system.rules import COLORS

_GITHUB = "https://raw.githubusercontent.com"
_CBSD68 = """
101085 101087 102061 103070 105025 106024 108005 108070 108082 109053 119082 12084 123074 126007
130026 134035 14037 143090 145086 147091 148026 148089 157055 159008 160068 16077 163085 167062
167083 170057 175032 175043 182053 189080 19021 196073 197017 208001 210088 21077 216081 219090
220075 223061 227092 229036 236037 24077 241004 241048 253027 253055 260058 271035 285079 291000
295087 296007 296059 299086 300091 302008 304034 304074 306005 3096 33039 351093
"""


_CC15_CAMERAS = "5dmark3_iso3200 d600_iso3200 d800_iso1600 d800_iso3200 d800_iso6400"
_POLYU = "csjunxu/PolyU-Real-World-Noisy-Images-Dataset"
_POLYU_COMMIT = "3af0f2646b267a00446fe4b7113a15e67bc80b4e"


@dataclass(frozen=True)
class NamedSet:
    """A set of images that the literature measures on.

    Attributes:
        name: The name of the set, for users and in results.
        gray: Whether it is measured in gray.
        count: The number of images, or of pairs.
        source: The address of the images: a folder on the web, or the page about the archive.
        clean: The path of a clean image below the source, with `{}` for its name.
        noisy: The path of the photograph with noise, in a set of pairs, likewise.
        names: The names of the images, without the ending; empty where `listing` or an archive
            tells them.
        listing: The address of the list of all files of the source's repository at a commit, from
            GitHub's API.
        archive: The archive with all files, where they are not fetched one by one.
        terms: The terms under which the images may be used.
    """

    name: str
    gray: bool
    count: int
    source: str
    clean: str
    noisy: str | None = None
    names: tuple[str, ...] = ()
    listing: Remote | None = None
    archive: Remote | None = None
    terms: str = "research use"

    @property
    def kind(self) -> str:
        """`gray` or `color`."""
        return COLORS[1 if self.gray else 3]

    def remotes(self, names: Iterable[str]) -> Mapping[str, Remote]:
        """The files to fetch one by one, by their names in the cache."""
        paths = [
            pattern.format(name)
            for name in names
            for pattern in (self.clean, self.noisy)
            if pattern
        ]
        return {path.rpartition("/")[2]: Remote(f"{self.source}/{path}") for path in paths}

    def listed(self, listing: bytes) -> tuple[str, ...]:
        """Take the names of the images from the content of `listing`.

        Raises:
            DataError: The content is no list of this set's files.
        """
        before, after = self.clean.split("{}")
        try:
            paths = [str(entry["path"]) for entry in json.loads(listing)["tree"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"the list of the files of {self.name} can't be read") from error
        names = tuple(
            sorted(
                path.removeprefix(before).removesuffix(after)
                for path in paths
                if path.startswith(before) and path.endswith(after)
            )
        )
        if len(names) != self.count:
            raise DataError(f"{self.name} has {self.count} images, and {len(names)} are listed")
        return names


SETS = {
    entry.name: entry
    for entry in (
        NamedSet(
            "bsd68",
            True,
            68,
            f"{_GITHUB}/cszn/DnCNN/55fdeb2ac82c8c8cae6e281dae2b8e87e2d47a4d/testsets/BSD68",
            "{}.png",
            names=tuple(f"test{number:03}" for number in range(1, 69)),
        ),
        NamedSet(
            "cbsd68",
            False,
            68,
            f"{_GITHUB}/cszn/IRCNN/938f6a7fc9f12df9188da838fc2cec4bcca06976/testsets/CBSD68",
            "{}.png",
            names=tuple(_CBSD68.split()),
        ),
        NamedSet(
            "set12",
            True,
            12,
            f"{_GITHUB}/JingyunLiang/SwinIR/33f616625268d08ba600f8db89388eec0328edb1/testsets/Set12",
            "{}.png",
            names=tuple(f"{number:02}" for number in range(1, 13)),
        ),
        NamedSet(
            "kodak24",
            False,
            24,
            f"{_GITHUB}/cszn/FFDNet/a68d544599bb9bb2f89da51ab9e18458fa882023/testsets/Kodak24",
            "{}.png",
            names=tuple(f"kodim{number:02}" for number in range(1, 25)),
            terms="released by Kodak for unrestricted use",
        ),
        NamedSet(
            "mcmaster",
            False,
            18,
            f"{_GITHUB}/JingyunLiang/SwinIR/33f616625268d08ba600f8db89388eec0328edb1/testsets/McMaster",
            "{}.tif",
            names=tuple(str(number) for number in range(1, 19)),
        ),
        NamedSet(
            "urban100",
            False,
            100,
            "https://huggingface.co/datasets/eugenesiow/Urban100",
            "{}.png",
            names=tuple(f"img_{number:03}" for number in range(1, 101)),
            archive=Remote(  # md5 as deepinv and others record it
                "https://huggingface.co/datasets/eugenesiow/Urban100/resolve/main/data/"
                "Urban100_HR.tar.gz",
                md5="65d9d84a34b72c6f7ca1e26a12df1e4c",
            ),
            terms="CC BY 4.0",
        ),
        NamedSet(
            "nam25",
            False,
            25,
            f"{_GITHUB}/GuoShi28/CBDNet/083c2e1439f8908d58d75c1c4cf87c9b74873427/testsets",
            "Nam_patch_GT/{}_gt.png",
            "Nam_patches/{}_noise.png",
            names=tuple(f"{number:02}" for number in range(1, 26)),
        ),
        NamedSet(
            "cc15",
            False,
            15,
            f"{_GITHUB}/csjunxu/MCWNNM_ICCV2017/e6db69b01ff21e89461cc49893c89afb1a9a941c",
            "Real_ccnoise_denoised_part/{}_mean.png",
            "Real_ccnoise_denoised_part/{}_real.png",
            names=tuple(f"{shot}_{part}" for shot in _CC15_CAMERAS.split() for part in (1, 2, 3)),
        ),
        NamedSet(
            "polyu",
            False,
            100,
            f"{_GITHUB}/{_POLYU}/{_POLYU_COMMIT}",
            "CroppedImages/{}_mean.JPG",
            "CroppedImages/{}_real.JPG",
            listing=Remote(
                f"https://api.github.com/repos/{_POLYU}/git/trees/{_POLYU_COMMIT}?recursive=1"
            ),
        ),
    )
}
"""Every named set."""


def find_set(name: str) -> NamedSet:
    """Find the set of that name.

    Raises:
        UsageError: No set has this name. The message lists those that exist.
    """
    if name not in SETS:
        raise UsageError(f"no set {name!r}; there are {', '.join(SETS)}, and any folder of images")
    return SETS[name]


@cache
def fingerprints(name: str) -> Mapping[str, str]:
    """The fingerprints of a set's images by name, which are empty if this package has none."""
    known: dict[str, dict[str, str]] = json.loads(
        (Path(__file__).parent / "fingerprints.json").read_text("utf-8")
    )
    return known.get(name, {})
