"""The methods by name: `flowdenoise`, `bm3d`, `dncnn=my-weights.safetensors` ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import PurePath

from flowdenoise.benchmark.methods.base import Method, MethodOptions
from flowdenoise.benchmark.methods.classical import Bm3d, Noisy, NonLocalMeans, Wavelet
from flowdenoise.benchmark.methods.deep_prior import DeepPrior
from flowdenoise.benchmark.methods.networks import NetworkMethod
from flowdenoise.errors import UsageError

__all__ = ["DEFAULT", "METHODS", "Kind", "Method", "MethodOptions", "build", "parse"]


@dataclass(frozen=True)
class Kind:
    """A method that users can name.

    Attributes:
        summary: A few words.
        method: Its class.
        addresses: The weights it takes unless the user names others, by channels; empty for
            methods without weights.
        settings: Further arguments of the class.
        extra: The extra of this package that brings what it needs.
        modules: What that is.
    """

    summary: str
    method: type[Method]
    addresses: Mapping[int, str] = field(default_factory=dict)
    settings: Mapping[str, bool] = field(default_factory=dict)
    extra: str | None = None
    modules: tuple[str, ...] = ()


_OURS = {1: "gray", 3: "color"}

METHODS: Mapping[str, Kind] = {
    "flowdenoise": Kind("ours, told the noise level", NetworkMethod, _OURS),
    "flowdenoise-x8": Kind("and averaged over 8 turns", NetworkMethod, _OURS, {"ensemble": True}),
    "flowdenoise-blind": Kind(
        "ours, the noise level estimated", NetworkMethod, _OURS, {"estimate": True}
    ),
    "flowdenoise-blind-x8": Kind(
        "and averaged over 8 turns", NetworkMethod, _OURS, {"estimate": True, "ensemble": True}
    ),
    "bm3d": Kind("BM3D", Bm3d, extra="bm3d", modules=("bm3d",)),
    "dncnn": Kind(
        "DnCNN, trained with clean targets: the supervised baseline",
        NetworkMethod,
        {1: "dncnn-gray", 3: "dncnn-color"},
    ),
    "n2v": Kind("Noise2Void", NetworkMethod, {1: "n2v-gray", 3: "n2v-color"}),
    "dip": Kind("deep image prior; very slow", DeepPrior),
    "nlm": Kind("non-local means", NonLocalMeans, extra="benchmark", modules=("cv2",)),
    "wavelet": Kind("BayesShrink", Wavelet, extra="benchmark", modules=("skimage", "pywt")),
    "noisy": Kind("the noisy image itself", Noisy),
}
"""Every method by its name."""

DEFAULT = ("flowdenoise", "flowdenoise-blind", "bm3d", "dncnn", "n2v", "nlm", "wavelet", "noisy")
"""What is run unless the user says otherwise: all that take less than a minute per image."""


def parse(names: str) -> tuple[str, ...]:
    """The methods that a comma-separated text names.

    Raises:
        UsageError: One does not exist, or is named twice; says which exist.

    >>> parse("flowdenoise=mine.safetensors, noisy")
    ('flowdenoise=mine.safetensors', 'noisy')
    """
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    for text in chosen:
        name, equals, _ = text.partition("=")
        if name not in METHODS:
            raise UsageError(f"no method {name!r}; there are {', '.join(METHODS)}")
        if equals and not METHODS[name].addresses:
            raise UsageError(f"{name} has no weights to choose")
    labels = [label(text) for text in chosen]
    if not chosen or len(set(labels)) < len(labels):
        raise UsageError(f"methods are named once each, apart by commas, not {names!r}")
    return chosen


def label(text: str) -> str:
    """What tables call a method: its name, with the weights' if the user chose them.

    >>> label("dncnn=runs/7/weights.safetensors")
    'dncnn=weights'
    """
    name, equals, address = text.partition("=")
    return f"{name}={PurePath(address.partition('#')[0]).stem}" if equals else name


def missing(names: Sequence[str]) -> dict[str, str]:
    """The methods whose optional packages are not installed, and what to install."""
    return {
        name: f"it needs pip install 'flowdenoise[{kind.extra}]'"
        for name, kind in ((name, METHODS[name]) for name in names)
        if kind.extra and any(find_spec(module) is None for module in kind.modules)
    }


def build(chosen: Sequence[str], options: MethodOptions) -> list[Method]:
    """Make methods, not yet prepared, of names that `parse` gave."""
    return [_build(text, options) for text in chosen]


def _build(text: str, options: MethodOptions) -> Method:
    name, equals, address = text.partition("=")
    kind = METHODS[name]
    if kind.method is not NetworkMethod:
        return kind.method(label(text))
    addresses = dict.fromkeys((1, 3), address) if equals else kind.addresses
    return NetworkMethod(label(text), addresses, options, **kind.settings)
