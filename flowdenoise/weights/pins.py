"""What was once learned from the Hub, kept so that the next run is offline and identical.

Two kinds of facts: the commit that a branch named when it was first used, and the sha256 of a
file when it was fetched. Each is a small JSON file of its own, so that processes do not
overwrite what others learn.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from flowdenoise.errors import WeightsError, WeightsIntegrityError
from flowdenoise.system import cache
from flowdenoise.weights.header import write_text
from flowdenoise.weights.strict import build, parse_json

_LIMIT = 4096  # bytes


@dataclass(frozen=True)
class _Fact:
    key: str
    value: str


def recall(key: str) -> str | None:
    """The value that is remembered for `key`, or None, also where the record is damaged."""
    try:
        content = _file(key).read_bytes()
        fact = build(_Fact, parse_json(content, key, limit=_LIMIT), key)
    except (OSError, WeightsIntegrityError):
        return None
    return fact.value if fact.key == key else None


def remember(key: str, value: str) -> None:
    """Keep `value` for `key`.

    Raises:
        WeightsError: The record can't be written.
    """
    file = _file(key)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f"can't write {file}: {error.strerror}") from error
    write_text(file, json.dumps(asdict(_Fact(key, value))) + "\n")


def _file(key: str) -> Path:
    return cache.cache_folder() / "hub" / (hashlib.sha256(key.encode()).hexdigest() + ".json")
