"""A network to a file and back: the file is all that loading needs.

Nothing in a file is believed before it is checked. In this order: hash or seal, header,
configuration, then the network is laid out on the `meta` device (shapes without memory), the
header's tensors are compared with it, and only then are the tensors themselves read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.modules import module as module_hooks
from torch.overrides import TorchFunctionMode

from flowdenoise.errors import UsageError, WeightsIntegrityError
from flowdenoise.system.rules import shown
from flowdenoise.weights.architectures import architecture, build_config, kind_of
from flowdenoise.weights.header import (
    Header,
    check_seal,
    check_sha256,
    metadata,
    parse_header,
    read_bytes,
    seal,
    write_bytes,
)
from flowdenoise.weights.strict import one_line

_STORED = {  # the name of a type in a safetensors header
    torch.float16: "F16",
    torch.float32: "F32",
    torch.int64: "I64",  # such as the counters of batch normalization
    torch.bool: "BOOL",
}
_FLOATS = ("F16", "F32")


@dataclass(frozen=True)
class WeightsFile:
    """A loaded weights file.

    Attributes:
        kind: Kind of the network, as in `architectures.ARCHITECTURES`.
        config: Configuration of the network.
        network: The network, float32, on the CPU, in evaluation mode.
        training: How the weights came about.
    """

    kind: str
    config: Any
    network: nn.Module
    training: Mapping[str, Any]


def save_weights(
    path: Path,
    network: nn.Module,
    *,
    training: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a network to a weights file, atomically; equal networks give equal bytes.

    Args:
        path: The file to write, by convention ending in `.safetensors`.
        network: One of the networks in `architectures.ARCHITECTURES`.
        training: How the weights came about: plain JSON, for people to read.
        dtype: Type of the weights in the file, float16 or float32. Half the size costs a rounding
            of 1 in 2048 per weight.

    Raises:
        UsageError: The network, type or record can't be stored.
        WeightsIntegrityError: A weight is not finite, or too large for `dtype`. The message names
            the tensor.
        WeightsError: The file can't be written.
    """
    if _STORED.get(dtype) not in _FLOATS:
        raise UsageError(f"weights are stored as float16 or float32, not {dtype}")
    kind = kind_of(network)
    tensors = {}
    for name, tensor in network.state_dict().items():
        stored = tensor.detach().to("cpu", dtype if tensor.is_floating_point() else None)
        if stored.dtype not in _STORED:
            raise UsageError(f"the tensor {name!r} is of type {stored.dtype}, which is not stored")
        if stored.is_floating_point():
            _check_finite(name, stored.numpy(), f"the {kind}")
        tensors[name] = stored.contiguous()
    record = metadata(kind, asdict(network.config), training)  # type: ignore[call-overload]
    write_bytes(path, seal(safetensors.torch.save(tensors, metadata=record)))


def read_weights(
    source: Path | bytes, *, sha256: str | None = None, name: str | None = None
) -> WeightsFile:
    """Read a weights file.

    Args:
        source: The file, or its bytes.
        sha256: Digest that the bytes must have, if one is known from outside.
        name: Name of the file in error messages; its path, if it has one.

    Raises:
        WeightsNotFoundError: The file does not exist.
        WeightsIntegrityError: The file is no valid weights file. The message names the key or
            tensor at fault.
    """
    what = name or (str(source) if isinstance(source, Path) else "the file")
    data = read_bytes(source) if isinstance(source, Path) else source
    if sha256 is not None:
        check_sha256(data, sha256, what)
    else:
        check_seal(data, parse_header(data, what), what)
    return build_network(data, what)


def build_network(data: bytes, what: str) -> WeightsFile:
    """The network in the bytes of a weights file, which have been held against hash or seal.

    Args:
        data: All of the file.
        what: The name of the file in error messages.

    Raises:
        WeightsIntegrityError: The file is not valid. The message names the key or tensor at fault.
    """
    header = parse_header(data, what)
    kind = header.record.kind
    config = build_config(kind, header.record.config, what)
    network = _empty_network(kind, config, header, what)
    _check_tensors(network.state_dict(), header, what)
    network.load_state_dict(_read_tensors(data, what), strict=True, assign=True)
    return WeightsFile(kind, config, network.eval(), header.record.training)


def _empty_network(kind: str, config: Any, header: Header, what: str) -> nn.Module:
    """The network on the `meta` device: modules and shapes, no memory behind them."""
    try:
        with torch.device("meta"), _WithoutFills(), _no_larger_than(header):
            return architecture(kind, what).network_class()(config)
    except _OutgrownError as error:
        raise WeightsIntegrityError(
            f"{what} asks for a network of far more than its {len(header.tensors)} tensors"
        ) from error
    except Exception as error:  # whatever a stranger's values do in there, the file is to blame
        reason = one_line(error)
        raise WeightsIntegrityError(f"no {kind} can be built as {what} asks: {reason}") from error


class _WithoutFills(TorchFunctionMode):
    """Skip the filling of new tensors: on `meta` it does nothing, yet takes most of the time."""

    _FILLS = frozenset({Tensor.normal_, Tensor.uniform_, Tensor.zero_, Tensor.fill_})

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, unless it would only fill its first argument."""
        kwargs = kwargs or {}
        if func in self._FILLS or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


class _OutgrownError(Exception):
    """A network under construction is already much larger than the file."""


@contextmanager
def _no_larger_than(header: Header) -> Iterator[None]:
    """Stop building a network as soon as it has far more tensors than the file.

    Without this, a header of a few bytes could ask for days of building modules. (Wide tensors
    do no harm: on `meta` they have no memory.) It leaves room to find out which are missing.
    """
    left = 2 * len(header.tensors) + 100
    builder = threading.get_ident()

    def count(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal left
        if threading.get_ident() == builder:  # the hooks see what other threads build, too
            left -= 1
        if left < 0:
            raise _OutgrownError(name)

    hooks = (
        module_hooks.register_module_parameter_registration_hook(count),
        module_hooks.register_module_buffer_registration_hook(count),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_tensors(expected: Mapping[str, Tensor], header: Header, what: str) -> None:
    """Compare the tensors that the header announces with those that the network has."""
    for name in expected:
        if name not in header.tensors:
            raise WeightsIntegrityError(f"{what} lacks the tensor {shown(name)}")
    for name, info in header.tensors.items():
        if name not in expected:
            raise WeightsIntegrityError(f"{what} has the unknown tensor {shown(name)}")
        wanted = expected[name]
        if info.shape != tuple(wanted.shape):
            raise WeightsIntegrityError(
                f"the tensor {shown(name)} of {what} is {info.shape} "
                f"instead of {tuple(wanted.shape)}"
            )
        allowed = _FLOATS if wanted.is_floating_point() else (_STORED[wanted.dtype],)
        if info.dtype not in allowed:
            raise WeightsIntegrityError(
                f"the tensor {shown(name)} of {what} is of type {shown(info.dtype)} "
                f"instead of {' or '.join(allowed)}"
            )


def _read_tensors(data: bytes, what: str) -> dict[str, Tensor]:
    """The tensors, floats as float32, all of them finite."""
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        reason = one_line(error)
        raise WeightsIntegrityError(f"{what} is not a valid safetensors file: {reason}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            values = tensor.numpy().astype(np.float32, copy=False)
            _check_finite(name, values, what)
            tensors[name] = torch.from_numpy(values)
    return tensors


def _check_finite(name: str, values: NDArray[np.floating[Any]], what: str) -> None:
    """Refuse NaN and infinity. A sum is not finite if any term is not, and is a faster look.

    By numpy, as the loading above: torch would wake all its threads for each of many small
    tensors, which takes twenty times as long where another program uses the processor.
    """
    with np.errstate(all="ignore"):
        finite = np.isfinite(values.sum(dtype=np.float32)) or np.isfinite(values).all()
    if not finite:
        raise WeightsIntegrityError(f"the tensor {shown(name)} of {what} is not finite everywhere")
