"""Thousands of damaged and forged weights files: each is refused in one line, or is whole.

Without knowing how to seal a file, no mutant at all may load. The mutants that are sealed again
get past that, to try the checks behind it: they may load only as a whole and finite network.
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forging import resealed

from flowdenoise.errors import WeightsError
from flowdenoise.weights import read_weights
from flowdenoise.weights.architectures import ARCHITECTURES

MUTANTS = 1500  # of each of the two sorts

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 4, 1 << 16, 1 << 31, 1 << 63, 1 << 64, 10**40, 0.5, -0.0,
    1e308, "", "F32", "F16", "F64", "BOOL", "resnet", "glow", "noise_level", "\ud800", "\0",
    "x" * 300, [], [0], [1, 1], [[]], [1 << 62, 1 << 62], {}, {"a": {}},
)  # fmt: skip


def flip(data: bytes, rng: random.Random, limit: int) -> bytes:
    place = rng.randrange(limit)
    return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]


def overwrite(data: bytes, rng: random.Random, limit: int) -> bytes:
    place, run = rng.randrange(limit), rng.randrange(1, 20)
    return (
        data[:place] + rng.choice([b"\0", b"\xff", b'"', b"[", b"9"]) * run + data[place + run :]
    )


def cut(data: bytes, rng: random.Random, limit: int) -> bytes:
    place, run = rng.randrange(limit), rng.randrange(1, 200)
    return data[:place] + data[place + run :]


def end(data: bytes, rng: random.Random, limit: int) -> bytes:
    return data[: rng.randrange(limit)]


def insert(data: bytes, rng: random.Random, limit: int) -> bytes:
    place = rng.randrange(limit)
    return data[:place] + rng.randbytes(rng.randrange(1, 50)) + data[place:]


def repeat(data: bytes, rng: random.Random, limit: int) -> bytes:
    place, run = rng.randrange(limit), rng.randrange(1, 200)
    return data[: place + run] + data[place:]


def relength(data: bytes, rng: random.Random, limit: int) -> bytes:
    length = rng.choice([0, 1, len(data) - 8, len(data), rng.getrandbits(20), rng.getrandbits(64)])
    return length.to_bytes(8, "little") + data[8:]


def not_a_number(data: bytes, rng: random.Random, limit: int) -> bytes:
    length = int.from_bytes(data[:8], "little")
    place = 8 + length + 2 * rng.randrange((len(data) - 8 - length) // 2)
    return data[:place] + rng.choice([b"\0\x7c", b"\0\xfc", b"\0\x7e"]) + data[place + 2 :]


def restructure(data: bytes, rng: random.Random, limit: int) -> bytes:
    """Change, drop, add or repeat a key or element somewhere in the header's JSON."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header["__metadata__"]
    inside = rng.random() < 0.6
    tree = json.loads(metadata["flowdenoise"]) if inside else header
    node, key = rng.choice(places(tree))
    action = rng.randrange(4)
    if action == 0:
        del node[key]
    elif action == 1 and isinstance(node, dict):
        node[rng.choice(["x", "seal", "__metadata__", "config", ""])] = rng.choice(STRANGE)
    elif action == 2 and isinstance(node, list):
        node.extend(node)
    else:
        node[key] = rng.choice(STRANGE)
    if inside:
        metadata["flowdenoise"] = json.dumps(tree)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in parsed JSON."""
    found: list[tuple[Any, Any]] = []
    if isinstance(tree, dict | list):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        for key in keys:
            found += [(tree, key), *places(tree[key])]
    return found


MUTATIONS: tuple[Callable[[bytes, random.Random, int], bytes], ...] = (
    flip, overwrite, cut, end, insert, repeat, relength, not_a_number, *[restructure] * 8,
)  # fmt: skip


def mutant(data: bytes, rng: random.Random) -> bytes:
    """A file with one or two faults, most of them in the header, where most can be broken."""
    header_end = 8 + int.from_bytes(data[:8], "little")
    for _ in range(rng.choice([1, 1, 1, 2])):
        limit = min(len(data), header_end if rng.random() < 0.8 else len(data))
        with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
            # the second fault may find nothing left to break
            data = rng.choice(MUTATIONS)(data, rng, max(1, limit))
    return data


def loads(data: bytes) -> bool:
    """Whether it loads; if so, it must be whole. Any error but ours fails the test."""
    try:
        loaded = read_weights(data, name="the mutant")
    except WeightsError as error:
        message = str(error)
        if "\n" in message or len(message) > 500:
            pytest.fail(f"not a message of one line: {message}")
        return False
    fresh = ARCHITECTURES[loaded.kind].network_class()(loaded.config)
    state = loaded.network.state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in fresh.state_dict().items()
    }
    assert all(t.isfinite().all() and t.dtype == torch.float32 for t in state.values())
    return True


@pytest.fixture
def memory_bound() -> Any:
    """Fails the test if the process's memory grew by more than a sane file can need."""
    if sys.platform == "win32":
        yield
        return
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * unit < 300 << 20


@pytest.mark.usefixtures("memory_bound")
@pytest.mark.parametrize("sealed", [False, True], ids=["damaged", "forged and sealed again"])
def test_no_mutant_loads_silently(weights_file: Path, sealed: bool) -> None:
    original = weights_file.read_bytes()
    rng = random.Random(f"mutants {sealed}")
    loaded = 0
    for _ in range(MUTANTS):
        data = mutant(original, rng)
        if sealed:
            data = resealed(data)
        if loads(data) and data != original:
            assert sealed
            loaded += 1
    assert loads(original)
    assert not sealed or 0 < loaded < MUTANTS / 2, "the mutations are too tame or too wild"
