"""What a weights file says of itself, and the checks on its bytes. No torch needed.

A weights file is a safetensors file (8 bytes of length, a JSON header, the tensors end to end)
whose header carries, under the one key `flowdenoise`, the kind of network, its configuration, a
record of its training and a *seal*:

    | length | {"__metadata__": {"flowdenoise": "{... seal ...}"}, "conv.weight": {...}} | bytes |

The seal is the sha256 of the whole file with the seal's own 64 digits replaced by zeros. So
damage is noticed even where no hash is known from outside. It is no signature: whoever alters a
file on purpose can seal it again. Against that there are the hashes of the manifest and of
addresses.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowdenoise.errors import (
    UsageError,
    WeightsError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from flowdenoise.system.atomic import replacing
from flowdenoise.system.rules import shown
from flowdenoise.weights.address import is_sha256
from flowdenoise.weights.strict import build, parse_json

FORMAT = 1
"""Version of the layout. It stays where a configuration gains a field, whose value for files that
do not name it stands in the table of `architectures`; nothing else is ever filled in."""

MAX_FILE = 2 << 30
"""Largest file that is read, in bytes."""

MAX_HEADER = 1 << 20
"""Largest safetensors header, in bytes: room for some 10,000 tensors."""

MAX_RECORD = 1 << 16
"""Largest record under our key, in bytes."""

_KEY = "flowdenoise"
_UNSEALED = b"0" * 64


@dataclass(frozen=True)
class Record:
    """Our key in the header.

    Attributes:
        format: Version of the layout: see `FORMAT`.
        kind: Kind of the network: see `architectures`.
        config: All fields of the network's configuration.
        training: How the weights came about, in any form, for people to read.
        seal: Digest of the file, as described above.
    """

    format: int
    kind: str
    config: Mapping[str, Any]
    training: Mapping[str, Any]
    seal: str


@dataclass(frozen=True)
class TensorInfo:
    """A tensor as the header describes it: type, shape and place (bytes from, to)."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


@dataclass(frozen=True)
class Header:
    """The header of a weights file.

    Attributes:
        record: What stands under our key.
        tensors: The tensors by their names.
        length: Length of the JSON in bytes.
    """

    record: Record
    tensors: Mapping[str, TensorInfo]
    length: int

    @property
    def parameters(self) -> int:
        """How many numbers the file holds."""
        return sum(math.prod(info.shape) for info in self.tensors.values())


def read_bytes(path: Path) -> bytes:
    """The content of a weights file.

    Raises:
        WeightsNotFoundError: The file does not exist.
        WeightsIntegrityError: The file can't be read, or is too large for a weights file.
    """
    try:
        if not path.is_file():
            kind = "is a folder, not a weights file" if path.is_dir() else "is no regular file"
            raise WeightsNotFoundError(f"{path} {kind if path.exists() else 'does not exist'}")
        size = path.stat().st_size
        if size > MAX_FILE:
            raise WeightsIntegrityError(f"{path} is too large: {size} bytes, at most {MAX_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise WeightsIntegrityError(f"can't read {path}: {error.strerror}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, which appears when it is whole and on the disk.

    Raises:
        WeightsError: The file can't be written. What was there before is untouched.
    """
    try:
        with replacing(path) as stream:
            stream.write(data)
    except OSError as error:
        raise WeightsError(f"can't write {path}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write text as `write_bytes` does, in UTF-8, with the same line ends on every system."""
    write_bytes(path, text.encode("utf-8"))


def parse_header(data: bytes, what: str) -> Header:
    """Read the header of a file's bytes without looking at what follows it.

    Raises:
        WeightsIntegrityError: The bytes are no safetensors file, or not one of ours.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise WeightsIntegrityError(f"{what} is cut short or is not a safetensors file")
    if length > MAX_HEADER:
        raise WeightsIntegrityError(f"the header of {what} is too long: {length} bytes")
    where = f"the header of {what}"
    content = parse_json(data[8 : 8 + length], where, limit=MAX_HEADER)
    if not isinstance(content, dict):
        raise WeightsIntegrityError(f"{where} must be an object of keys and values")
    record = _parse_record(content.pop("__metadata__", None), what)
    tensors = {
        name: build(TensorInfo, info, f"the tensor {shown(name)} of {what}")
        for name, info in content.items()
    }
    return Header(record, tensors, length)


def _parse_record(metadata: Any, what: str) -> Record:
    if not isinstance(metadata, dict) or not isinstance(metadata.get(_KEY), str):
        raise WeightsIntegrityError(f"{what} is not a weights file of flowdenoise")
    for name in metadata:
        if name != _KEY:
            raise WeightsIntegrityError(f"{what} has the unknown metadata {shown(name)}")
    where = f"the record in {what}"
    content = parse_json(_encode(metadata[_KEY], where), where, limit=MAX_RECORD)
    version = content.get("format") if isinstance(content, dict) else None
    if version != FORMAT:
        raise WeightsIntegrityError(
            f"{what} is of format {shown(version)}, this version of flowdenoise reads {FORMAT}"
        )
    record = build(Record, content, where)
    if not is_sha256(record.seal):
        raise WeightsIntegrityError(f"the seal of {what} is not a sha256")
    return record


def _encode(text: str, where: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:  # half a surrogate pair, which JSON can spell
        raise WeightsIntegrityError(f"{where} is not valid text") from error


def metadata(kind: str, config: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, str]:
    """The metadata to save with the tensors; the file must then be sealed.

    Raises:
        UsageError: The training record is no plain JSON, or is too long.
    """
    record = Record(FORMAT, kind, config, training, _UNSEALED.decode())
    try:
        text = json.dumps(asdict(record), allow_nan=False)
        parse_json(text.encode(), "the training record", limit=MAX_RECORD)
    except (TypeError, ValueError, WeightsIntegrityError) as error:
        raise UsageError(f"the training record can't be stored: {error}") from error
    return {_KEY: text}


def seal(data: bytes) -> bytes:
    """Fill in the seal of a file that has none yet."""
    header = parse_header(data, "the new file")
    start = _seal_place(data, header, "the new file")
    return data[:start] + _seal_of(data, start).encode() + data[start + 64 :]


def check_seal(data: bytes, header: Header, what: str) -> None:
    """Check a file's bytes against its own seal.

    Raises:
        WeightsIntegrityError: The bytes do not match the seal.
    """
    if _seal_of(data, _seal_place(data, header, what)) != header.record.seal:
        raise WeightsIntegrityError(f"{what} is damaged: its bytes do not match its seal")


def _seal_place(data: bytes, header: Header, what: str) -> int:
    digits, end = header.record.seal.encode(), 8 + header.length
    if data.count(digits, 8, end) != 1:
        raise WeightsIntegrityError(f"the seal of {what} must occur once in its header")
    return data.index(digits, 8, end)


def _seal_of(data: bytes, start: int) -> str:
    view = memoryview(data)
    digest = hashlib.sha256(view[:start])
    digest.update(_UNSEALED)
    digest.update(view[start + 64 :])
    return digest.hexdigest()


def check_sha256(data: bytes, expected: str | None, what: str) -> str:
    """Check a file's bytes against a hash known from outside, if one is; return their hash.

    Raises:
        WeightsIntegrityError: The bytes have another hash.
    """
    actual = hashlib.sha256(data).hexdigest()
    if expected not in (None, actual):
        raise WeightsIntegrityError(
            f"{what} has been altered or damaged: sha256 is {actual}, expected {expected}"
        )
    return actual
