"""Devices and precisions by the names that users give, on machines with and without a GPU."""

from __future__ import annotations

import pytest
import torch

from flowdenoise.errors import DeviceError, UsageError
from flowdenoise.system.device import (
    choose_device,
    choose_precision,
    fast_bfloat16,
    fast_integers,
)

CPU = torch.device("cpu")


@pytest.fixture
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with that many GPUs of NVIDIA, and none of Apple."""
    count: int = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("gpus", [0], indirect=True)
def test_a_machine_without_gpus_computes_on_its_processor(gpus: None) -> None:
    assert choose_device() == choose_device("auto") == choose_device("cpu") == CPU
    for name in ("cuda", "cuda:0", "mps"):
        with pytest.raises(DeviceError, match=f"no {name[:4].strip(':').upper()} device"):
            choose_device(name)


@pytest.mark.parametrize("gpus", [2], indirect=True)
def test_a_gpu_is_taken_by_itself_or_by_its_number(gpus: None) -> None:
    assert choose_device() == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    assert choose_device("cpu") == CPU
    with pytest.raises(DeviceError, match="there is no cuda:2 here: the last is cuda:1"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:first", "cpu:", "cuda:-1"])
@pytest.mark.parametrize("gpus", [1], indirect=True)
def test_what_is_no_device_is_a_mistake_in_the_call(gpus: None, name: str) -> None:
    with pytest.raises(UsageError, match="no device"):
        choose_device(name)


def test_a_precision_is_named_or_what_the_hardware_is_fast_in() -> None:
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16
    assert choose_precision("auto", CPU) in (torch.float32, torch.bfloat16)
    with pytest.raises(UsageError, match="no precision 'half'; there are auto, float32"):
        choose_precision("half", CPU)


@pytest.mark.parametrize(
    ("name", "tiles", "vectors", "fast"),
    [
        ("Intel Xeon", True, True, True),
        ("Intel Xeon", False, True, False),
        ("AMD EPYC", False, True, True),
        ("AMD Ryzen 9 7950X", False, True, True),
        ("AMD EPYC", False, False, False),
        ("Intel Core i7", False, False, False),
        (None, False, False, False),
    ],
)
def test_bfloat16_is_taken_where_a_processor_is_fast_in_it(
    name: str | None, tiles: bool, vectors: bool, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    capabilities = {"cpu_name": name, "amx_bf16": tiles, "avx512_bf16": vectors}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert fast_bfloat16(CPU) is fast
    assert (choose_precision("auto", CPU) == torch.bfloat16) is fast


def test_a_torch_that_cannot_tell_what_a_processor_has_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("auto", CPU) == torch.float32
    assert not fast_integers(CPU)


@pytest.mark.parametrize(
    ("has", "fast"),
    [
        ({"avx512_vnni": True}, True),
        ({"avx_vnni": True}, True),
        ({"avx512_vnni": True, "avx512_bf16": True}, True),
        ({"avx512_vnni": True, "amx_bf16": True}, False),
        ({"avx2": True}, False),
    ],
)
def test_integers_are_taken_where_nothing_else_is_faster(
    has: dict[str, bool], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    assert fast_integers(CPU) is fast
    assert not fast_integers(torch.device("cuda"))
