"""Taking weights files apart and putting them together wrongly, by the format's definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

ZEROS = "0" * 64


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header, with our record parsed, and the bytes of the tensors."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["flowdenoise"] = json.loads(header["__metadata__"]["flowdenoise"])
    return header, data[8 + length :]


def pack(header: dict[str, Any], body: bytes) -> bytes:
    """A file with a seal that fits, whatever else is wrong with it."""
    record = header.get("__metadata__", {}).get("flowdenoise")
    if isinstance(record, dict):
        if "seal" in record:
            record["seal"] = ZEROS
        header["__metadata__"]["flowdenoise"] = json.dumps(record)
    return resealed(_raw(json.dumps(header).encode(), body))


def _raw(header: bytes, body: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def resealed(data: bytes) -> bytes:
    """The same with its seal, where there is one, made to fit."""
    length = min(int.from_bytes(data[:8], "little"), len(data))
    mark = data.find(b'\\"seal\\": \\"', 8, 8 + length)
    if mark < 0:
        return data
    start = mark + len(b'\\"seal\\": \\"')
    blank = data[:start] + ZEROS.encode() + data[start + 64 :]
    return blank[:start] + hashlib.sha256(blank).hexdigest().encode() + blank[start + 64 :]


def edited(data: bytes, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """A file whose header was edited by someone who knows how to seal it."""
    header, body = unpack(data)
    edit(header)
    return pack(header, body)


def record_edited(data: bytes, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """As `edited`, for our record in the header."""
    return edited(data, lambda header: edit(header["__metadata__"]["flowdenoise"]))
