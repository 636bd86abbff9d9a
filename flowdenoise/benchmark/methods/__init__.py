"""The methods by name: `flowdenoise`, `bm3d`, `flowdenoise=my-weights.safetensors`, `ffdnet@12`.

The table holds only names. The code of a method is imported when the method is built, so that the
command line can read the table for its help.

```
method      the contract: prepare once, then denoise one image after the other
networks    our networks: told the level, with their own estimate, and Noise2Void
noise2void  Noise2Void, mixed with the pixel that it does not see
peers       DnCNN and FFDNet with the weights of their authors
ffdnet      the network of FFDNet
classical   BM3D, non-local means, wavelets, and the noisy image itself
wnnm        weighted nuclear norm minimization
deep_prior  the deep image prior, which learns from the one noisy image
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import PurePath

from flowdenoise import noise
from flowdenoise.benchmark.methods.method import Method, MethodOptions
from flowdenoise.errors import UsageError

__all__ = [
    "METHODS",
    "Choice",
    "Kind",
    "Method",
    "MethodOptions",
    "build",
    "missing",
    "parse",
    "quick",
]


@dataclass(frozen=True)
class Choice:
    """A method as a user names it: `NAME`, `NAME=WEIGHTS`, `NAME@SIGMA`.

    Attributes:
        name: The name of the method, a key of `METHODS`.
        address: The address of the weights, if the user chose them.
        told_255: The noise level that the method is told for any noise, on the scale of 0 to 255.
    """

    name: str
    address: str | None = None
    told_255: float | None = None

    @property
    def label(self) -> str:
        """The label of the method in tables.

        >>> Choice("flowdenoise", "runs/7/weights.safetensors").label
        'flowdenoise=weights'
        >>> Choice("ffdnet", told_255=12).label
        'ffdnet@12'
        """
        weights = self.address and f"={PurePath(self.address.partition('#')[0]).stem}"
        told = "" if self.told_255 is None else f"@{self.told_255:g}"
        return f"{self.name}{weights or ''}{told}"


@dataclass(frozen=True)
class Kind:
    """A method that users can name.

    Attributes:
        summary: The method in a few words.
        build: The function that makes the method.
        blind: Whether the method is never told the noise level.
        quick: Whether the method takes less than a minute per image, so that it is run unless the
            user says otherwise.
        takes_weights: Whether users may choose the weights.
        tiled: Whether the method cuts images into tiles, of a side that users may choose.
        extra: The extra of this package that installs the modules.
        modules: The modules that the method needs.
    """

    summary: str
    build: Callable[[Choice, MethodOptions], Method]
    blind: bool = False
    quick: bool = True
    takes_weights: bool = False
    tiled: bool = False
    extra: str | None = None
    modules: tuple[str, ...] = ()


def _plain(choice: Choice, options: MethodOptions, *, home: str) -> Method:
    """Make a method that has no options, by its module and class."""
    module, _, name = home.partition(".")
    made: Method = getattr(import_module(f"{__name__}.{module}"), name)(choice.label)
    return made


def _ours(
    choice: Choice, options: MethodOptions, *, estimate: bool = False, ensemble: bool = False
) -> Method:
    from flowdenoise.benchmark.methods.networks import NetworkMethod
    from flowdenoise.engine import AUTOMATIC

    models = AUTOMATIC["auto"] if choice.address is None else _same(choice.address)
    return NetworkMethod(choice.label, models, options, estimate=estimate, ensemble=ensemble)


def _noise2void(choice: Choice, options: MethodOptions, *, mixed: bool = False) -> Method:
    from flowdenoise.benchmark.methods.networks import NetworkMethod
    from flowdenoise.benchmark.methods.noise2void import MixedNoise2Void

    shipped = {1: "n2v-gray", 3: "n2v-color"}
    models = shipped if choice.address is None else _same(choice.address)
    made = MixedNoise2Void if mixed else NetworkMethod
    return made(choice.label, models, options)


def _same(address: str) -> Mapping[int, str]:
    return dict.fromkeys((1, 3), address)


def _deep_prior(choice: Choice, options: MethodOptions, *, quick: bool = False) -> Method:
    from flowdenoise.benchmark.methods.deep_prior import DeepPrior, DeepPriorConfig

    return DeepPrior(choice.label, DeepPriorConfig.quick() if quick else DeepPriorConfig())


def _peer(choice: Choice, options: MethodOptions) -> Method:
    from flowdenoise.benchmark.methods.peers import PEERS, PeerMethod

    return PeerMethod(choice.label, PEERS[choice.name], options)


_network = partial(Kind, takes_weights=True, tiled=True)
_published = partial(Kind, build=_peer, tiled=True, extra="benchmark", modules=("h5py",))

METHODS: Mapping[str, Kind] = {
    "flowdenoise": _network("ours, told the noise level", _ours),
    "flowdenoise-blind": _network(
        "ours, the noise level estimated", partial(_ours, estimate=True), blind=True
    ),
    "flowdenoise-x8": _network(
        "ours, averaged over 8 turns", partial(_ours, ensemble=True), quick=False
    ),
    "flowdenoise-blind-x8": _network(
        "the same, the noise level estimated",
        partial(_ours, estimate=True, ensemble=True),
        blind=True,
        quick=False,
    ),
    "dncnn": _published("DnCNN by its authors' weights, trained with clean targets", blind=True),
    "ffdnet": _published("FFDNet by its authors' weights, trained with clean targets"),
    "n2v": _network("Noise2Void", _noise2void, blind=True),
    "n2v-mixed": _network(
        "Noise2Void, mixed with the noisy image", partial(_noise2void, mixed=True)
    ),
    "bm3d": Kind("BM3D", partial(_plain, home="classical.Bm3d"), extra="bm3d", modules=("bm3d",)),
    "dip": Kind("deep image prior; very slow", _deep_prior, quick=False),
    "dip-narrow": Kind(
        "deep image prior of a quarter of the width, in bfloat16; slow",
        partial(_deep_prior, quick=True),
        quick=False,
    ),
    "wnnm": Kind(
        "weighted nuclear norm minimization; minutes per image",
        partial(_plain, home="wnnm.Wnnm"),
        quick=False,
    ),
    "nlm": Kind("non-local means", partial(_plain, home="classical.NonLocalMeans")),
    "wavelet": Kind(
        "BayesShrink",
        partial(_plain, home="classical.Wavelet"),
        extra="benchmark",
        modules=("skimage", "pywt"),
    ),
    "noisy": Kind("the noisy image itself", partial(_plain, home="classical.Noisy"), blind=True),
}
"""Every method by its name."""


def parse(names: str) -> tuple[Choice, ...]:
    """Find the methods that a comma-separated text names.

    Raises:
        UsageError: No method has such a name (the message lists those that exist), a method is
            named twice, or none is named.

    >>> parse("flowdenoise=mine.safetensors, ffdnet@12")[1]
    Choice(name='ffdnet', address=None, told_255=12.0)
    """
    chosen = tuple(_choice(name.strip()) for name in names.split(",") if name.strip())
    labels = [choice.label for choice in chosen]
    if not chosen or len(set(labels)) < len(labels):
        raise UsageError(f"methods are named once each, with commas between, not {names!r}")
    return chosen


def _choice(text: str) -> Choice:
    head, at, level = text.rpartition("@")
    told = noise.to_255(noise.from_255(float(level))) if at and _is_number(level) else None
    name, equals, address = (text if told is None else head).partition("=")
    if name not in METHODS:
        raise UsageError(f"no method {name!r}; there are {', '.join(METHODS)}")
    if equals and not METHODS[name].takes_weights:
        raise UsageError(f"{name} has no weights to choose")
    if told is not None and METHODS[name].blind:
        raise UsageError(f"{name} is not told a noise level")
    return Choice(name, address if equals else None, told)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def quick() -> tuple[Choice, ...]:
    """The methods that are run unless the user says otherwise: quick and installed ones."""
    left_out = missing()
    return tuple(
        Choice(name) for name, kind in METHODS.items() if kind.quick and name not in left_out
    )


def missing() -> Mapping[str, str]:
    """The quick methods whose optional packages are not installed, each with its extra."""
    return {
        name: f"it needs pip install 'flowdenoise[{kind.extra}]'"
        for name, kind in METHODS.items()
        if kind.quick and kind.extra and any(find_spec(module) is None for module in kind.modules)
    }


def build(chosen: Sequence[Choice], options: MethodOptions) -> list[Method]:
    """Make methods, without preparing them."""
    return [_build(choice, options) for choice in chosen]


def _build(choice: Choice, options: MethodOptions) -> Method:
    method = METHODS[choice.name].build(choice, options)
    if choice.told_255 is not None:
        method.told = noise.from_255(choice.told_255)
    return method
