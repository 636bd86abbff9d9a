"""A network to a file and back, and files that must not be believed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import safetensors.torch
import torch
from forging import edited, pack, record_edited, unpack
from torch import nn

from flowdenoise.errors import UsageError, WeightsError, WeightsIntegrityError
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.weights import header, read_weights, save_weights
from flowdenoise.weights.architectures import ARCHITECTURES, Architecture, build_config

SMALL: dict[str, dict[str, Any]] = {
    "resnet": {"image_channels": 1, "channels": (4, 6), "blocks": (1, 1)},
    "glow": {"size": 8, "levels": 2, "steps_per_level": 1, "hidden_channels": 4},
    "noise_level": {"channels": 4, "blocks": 1},
    "noise_map": {"channels": 8, "blocks": 1},
    "dncnn": {},
}


def refused(data: bytes, says: str) -> None:
    with pytest.raises(WeightsIntegrityError, match=says) as caught:
        read_weights(data, name="mine")
    assert "mine" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def data(weights_file: Path) -> bytes:
    return weights_file.read_bytes()


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_kind_of_network_comes_back_whole(kind: str, tmp_path: Path) -> None:
    known = ARCHITECTURES[kind]
    torch.manual_seed(0)
    network = known.network_class()(known.config_class()(**SMALL[kind])).eval()
    state = network.state_dict()
    held = {name for name, _ in network.named_parameters()}
    held |= {name for name, _ in network.named_buffers()}
    assert held == set(state), "all that a network knows must be in its state"
    save_weights(tmp_path / "n.safetensors", network, training={}, dtype=torch.float32)
    loaded = read_weights(tmp_path / "n.safetensors")
    assert (loaded.kind, loaded.config) == (kind, network.config)
    assert not loaded.network.training
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, state[name]), name
        assert tensor.dtype == state[name].dtype


@pytest.mark.parametrize("kind", [kind for kind in ARCHITECTURES if ARCHITECTURES[kind].before])
def test_a_file_from_before_a_setting_still_says_the_same(kind: str, tmp_path: Path) -> None:
    known = ARCHITECTURES[kind]
    network = known.network_class()(known.config_class()(**{**SMALL[kind], **known.before}))
    save_weights(tmp_path / "n", network, training={}, dtype=torch.float32)

    def forget(record: dict[str, Any]) -> None:
        for name in known.before:
            del record["config"][name]

    loaded = read_weights(record_edited((tmp_path / "n").read_bytes(), forget))
    assert loaded.config == network.config
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name]), name


@dataclass(frozen=True)
class CountingConfig:
    """The configuration of a network that has more than floats in its state."""

    kind_of_counter: int = 0


class Counting(nn.Module):
    """Has a buffer of whole numbers, as batch normalization has."""

    def __init__(self, config: CountingConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.ones(3))
        kinds = (torch.int64, torch.bool, torch.complex64)
        self.register_buffer("counter", torch.ones(2, dtype=kinds[config.kind_of_counter]))


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Architecture("denoiser", __name__, "CountingConfig", "Counting")
    monkeypatch.setitem(cast("dict[str, Architecture]", ARCHITECTURES), "counting", known)


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("kind", [0, 1])
def test_whole_numbers_and_truths_keep_their_type(tmp_path: Path, kind: int) -> None:
    network = Counting(CountingConfig(kind))
    save_weights(tmp_path / "n", network, training={})
    loaded = read_weights(tmp_path / "n").network.state_dict()
    assert loaded["counter"].dtype == network.counter.dtype
    assert torch.equal(loaded["counter"], network.counter)
    other = record_edited(
        (tmp_path / "n").read_bytes(), lambda r: r["config"].update(kind_of_counter=1 - kind)
    )
    refused(other, r"'counter' of mine is of type .* instead of (BOOL|I64)")


@pytest.mark.usefixtures("counting")
def test_other_types_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'counter' is of type torch\.complex64"):
        save_weights(tmp_path / "n", Counting(CountingConfig(2)), training={})


def test_the_loaded_network_computes_the_same(weights_file: Path, network: ResNet) -> None:
    loaded = read_weights(weights_file).network
    noisy = torch.rand(1, 1, 8, 8)
    rounded = ResNet(network.config)
    rounded.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    assert torch.equal(loaded(noisy, 0.1), rounded.eval()(noisy, 0.1))


def test_the_default_halves_the_size(tmp_path: Path) -> None:
    network = ResNet(ResNetConfig(channels=(32,), blocks=(2,)))
    for dtype in (torch.float16, torch.float32):
        save_weights(tmp_path / f"{dtype}", network, training={}, dtype=dtype)
    half, full = (tmp_path / f"{dtype}" for dtype in (torch.float16, torch.float32))
    assert half.stat().st_size < 0.55 * full.stat().st_size


def test_the_same_network_gives_the_same_bytes(weights_file: Path, network: ResNet) -> None:
    again = weights_file.with_name("again.safetensors")
    save_weights(again, network, training={"steps": 7})
    assert again.read_bytes() == weights_file.read_bytes()


def test_the_training_record_travels_along(weights_file: Path) -> None:
    assert read_weights(weights_file).training == {"steps": 7}


def test_other_programs_can_read_the_tensors(weights_file: Path, network: ResNet) -> None:
    tensors = safetensors.torch.load_file(weights_file)
    assert tensors.keys() == network.state_dict().keys()


def test_the_hash_from_outside_is_checked(data: bytes) -> None:
    read_weights(data, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        read_weights(data, sha256="0" * 64)


def test_a_resealed_file_with_another_hash_is_refused(data: bytes) -> None:
    forged = record_edited(data, lambda record: record["training"].update(steps=8))
    assert read_weights(forged).training == {"steps": 8}
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        read_weights(forged, sha256=hashlib.sha256(data).hexdigest())


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no\.safetensors does not exist"):
        read_weights(tmp_path / "no.safetensors")
    with pytest.raises(WeightsError, match="is a folder"):
        read_weights(tmp_path)


def test_a_file_too_large_is_not_read(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "MAX_FILE", 1000)
    with pytest.raises(WeightsIntegrityError, match=r"too large: \d+ bytes, at most 1000"):
        read_weights(weights_file)


def test_a_file_that_can_not_be_read_is_named(
    weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(WeightsIntegrityError, match=r"can't read .*: Permission denied"):
        read_weights(weights_file)


@pytest.mark.parametrize(
    "size", [0, 7, 8, 100, -1], ids=["empty", "7 bytes", "8 bytes", "half a header", "last byte"]
)
def test_a_file_cut_short_is_refused(data: bytes, size: int) -> None:
    refused(data[:size], "cut short|damaged")


def test_one_changed_bit_is_noticed_by_the_seal(data: bytes) -> None:
    refused(data[:-1] + bytes([data[-1] ^ 1]), "do not match its seal")


def test_a_pickle_is_refused(tmp_path: Path, network: ResNet) -> None:
    torch.save(network.state_dict(), tmp_path / "n.pt")
    refused((tmp_path / "n.pt").read_bytes(), "not a safetensors file")


def test_someone_elses_safetensors_are_refused(network: ResNet) -> None:
    refused(safetensors.torch.save(network.state_dict()), "not a weights file of flowdenoise")


@pytest.mark.parametrize(
    ("value", "says"), [("nan", "not finite"), ("inf", "not finite"), ("-inf", "not finite")]
)
def test_weights_that_are_not_finite_are_refused(data: bytes, value: str, says: str) -> None:
    header, body = unpack(data)
    start = header["head.weight"]["data_offsets"][0]
    bad = torch.tensor([float(value)], dtype=torch.float16).numpy().tobytes()
    refused(pack(header, body[:start] + bad + body[start + 2 :]), f"'head.weight'.*{says}")


def first_tensor(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda header: change(header["head.weight"])


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing tensor": (lambda h: h.pop("head.weight"), "lacks the tensor 'head.weight'"),
    "extra tensor": (
        lambda h: h.update(more={"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}),
        "unknown tensor 'more'",
    ),
    "other shape": (
        first_tensor(lambda t: t.update(shape=t["shape"][::-1])),
        r"'head.weight' .* is \(3, 3, 5, 4\) instead of \(4, 5, 3, 3\)",
    ),
    "other type": (
        first_tensor(lambda t: t.update(dtype="BF16")),
        "'head.weight' .* is of type 'BF16' instead of F16 or F32",
    ),
    "whole numbers": (first_tensor(lambda t: t.update(dtype="I16")), "'head.weight'.*'I16'"),
    "no known type": (first_tensor(lambda t: t.update(dtype="X" * 999)), "'head.weight'.*'XX"),
    "another size": (first_tensor(lambda t: t.update(dtype="F32")), "not a valid safetensors"),
    "negative shape": (first_tensor(lambda t: t.update(shape=[-1])), "'head.weight'"),
    "huge shape": (first_tensor(lambda t: t.update(shape=[10**30])), "'head.weight'"),
    "shape of text": (first_tensor(lambda t: t.update(shape="4")), "'shape', must be a list"),
    "three offsets": (
        first_tensor(lambda t: t.update(data_offsets=[0, 1, 2])),
        "must have 2 elements",
    ),
    "offsets outside": (
        first_tensor(lambda t: t.update(data_offsets=[10**6, 10**6 + 360])),
        "not a valid safetensors",
    ),
    "overlapping": (
        lambda h: h["head.weight"].update(data_offsets=h["tail.weight"]["data_offsets"]),
        "not a valid safetensors",
    ),
    "unknown key of a tensor": (first_tensor(lambda t: t.update(x=1)), "unknown key 'x'"),
    "tensor that is a number": (lambda h: h.update({"head.weight": 3}), "'head.weight'"),
    "other metadata": (lambda h: h["__metadata__"].update(x="y"), "unknown metadata 'x'"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_header_is_refused(data: bytes, name: str) -> None:
    change, says = FORGERIES[name]
    refused(edited(data, change), says)


def as_glow(record: dict[str, Any]) -> None:
    record.update(kind="glow", config=asdict(GlowConfig(**SMALL["glow"])) | {"scale": "huge"})


RECORDS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown key": (lambda r: r.update(x=1), "unknown key 'x'"),
    "missing key": (lambda r: r.pop("training"), "lacks the key 'training'"),
    "no seal": (lambda r: r.pop("seal"), "lacks the key 'seal'"),
    "later format": (lambda r: r.update(format=2), "is of format '2'"),
    "no format": (lambda r: r.pop("format"), "is of format 'None'"),
    "unknown kind": (lambda r: r.update(kind="os.system"), "unknown kind 'os.system'"),
    "kind of a network elsewhere": (lambda r: r.update(kind="glow"), "configuration"),
    "a word that is none of the known": (as_glow, "'scale', must be one of .*tanh.*, not 'huge'"),
    "unknown setting": (lambda r: r["config"].update(x=1), "unknown key 'x'"),
    "missing setting": (lambda r: r["config"].pop("sigmoid"), "lacks the key 'sigmoid'"),
    "text for a number": (lambda r: r["config"].update(unshuffle="2"), "must be a whole number"),
    "number for a truth": (lambda r: r["config"].update(sigmoid=0), "must be true or false"),
    "truth for a number": (lambda r: r["config"].update(unshuffle=True), "must be a whole number"),
    "fraction for a number": (
        lambda r: r["config"].update(unshuffle=2.0),
        "must be a whole number",
    ),
    "number for a list": (lambda r: r["config"].update(blocks=3), "'blocks', must be a list"),
    "null": (lambda r: r["config"].update(blocks=None), "'blocks', must be a list"),
    "setting the network refuses": (lambda r: r["config"].update(unshuffle=0), "from 1 to 65536"),
    "other sizes": (lambda r: r["config"].update(channels=[4, 8]), "instead of"),
    "training that is a list": (lambda r: r.update(training=[]), "'training', must be an object"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_forged_record_is_refused(data: bytes, name: str) -> None:
    change, says = RECORDS[name]
    refused(record_edited(data, change), says)


BOMBS: dict[str, tuple[dict[str, Any], str]] = {
    "a number of 300 digits": ({"unshuffle": 10**300}, "from 1 to 65536, not '1000"),
    "blocks beyond the bound": ({"blocks": [10**9, 1]}, "from 1 to 65536, not '1000000000'"),
    "more blocks than time": ({"blocks": [65536, 65536]}, "far more than its 10 tensors"),
    "wider than memory": ({"channels": [65536, 65536]}, "instead of .65536, "),
    "many scales": (
        {"channels": [1] * 64, "blocks": [65536] * 64},
        "far more than its 10 tensors",
    ),
    "a list too long": ({"channels": [1] * 65, "blocks": [1] * 65}, "has 65 elements"),
    "a factor": ({"unshuffle": 65536}, "instead of"),
    "five channels": ({"image_channels": 5}, "'image_channels', must be 1 or 3, not '5'"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_configuration_that_asks_for_too_much_is_refused(data: bytes, name: str) -> None:
    change, says = BOMBS[name]
    refused(record_edited(data, lambda record: record["config"].update(change)), says)


def test_a_thousand_blocks_are_not_built_to_find_out(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    original = nn.Conv2d.__init__

    def counted(self: nn.Conv2d, *args: Any, **kwargs: Any) -> None:
        built.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(nn.Conv2d, "__init__", counted)
    refused(record_edited(data, lambda r: r["config"].update(blocks=[9999, 1])), "far more")
    assert len(built) < 200


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"a": 1, "a": 2}', "occurs twice"),
        (b'{"a": NaN}', "not a finite number"),
        (b'{"a": Infinity}', "not a finite number"),
        (b'{"a": 1e999}', "not a finite number"),
        (b"[" * 100_000, "nested too deep"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b"[]", "must be an object"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"{" + b" " * (1 << 20) + b"}", "too long"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"__metadata__": {"flowdenoise": "\\ud800"}}', "not valid text"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_header_of_strange_json_is_refused(text: bytes, says: str) -> None:
    refused(len(text).to_bytes(8, "little") + text, says)


def test_a_header_longer_than_the_file_is_refused(data: bytes) -> None:
    for length in (1 << 62, len(data), 1 << 20):
        refused(length.to_bytes(8, "little") + data[8:], "cut short")


def test_a_seal_that_occurs_twice_is_refused(data: bytes) -> None:
    digits = "ab" * 32
    header, body = unpack(data)
    record = header["__metadata__"]["flowdenoise"]
    record["seal"], record["training"] = digits, {"also": digits}
    header["__metadata__"]["flowdenoise"] = json.dumps(record)
    text = json.dumps(header).encode()
    refused(len(text).to_bytes(8, "little") + text + body, "must occur once")


def test_not_finite_weights_are_not_saved(tmp_path: Path, network: ResNet) -> None:
    with torch.no_grad():
        network.head.weight[0, 0, 0, 0] = 1e6  # beyond float16
    path = tmp_path / "n.safetensors"
    with pytest.raises(WeightsIntegrityError, match=r"'head\.weight'.*not finite"):
        save_weights(path, network, training={})
    save_weights(path, network, training={}, dtype=torch.float32)


@pytest.mark.parametrize("record", [{"a": {1, 2}}, {"a": float("nan")}, {"a": "x" * 70_000}])
def test_a_training_record_that_is_no_json_is_not_saved(
    tmp_path: Path, network: ResNet, record: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="training record"):
        save_weights(tmp_path / "n.safetensors", network, training=record)
    assert list(tmp_path.iterdir()) == []


def test_only_known_networks_and_types_are_saved(tmp_path: Path, network: ResNet) -> None:
    with pytest.raises(UsageError, match="Linear"):
        save_weights(tmp_path / "n", nn.Linear(1, 1), training={})
    with pytest.raises(UsageError, match="float16 or float32"):
        save_weights(tmp_path / "n", network, training={}, dtype=torch.bfloat16)


def test_a_failed_save_leaves_the_older_file_and_nothing_else(
    weights_file: Path, network: ResNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = weights_file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="No space left"):
        save_weights(weights_file, network, training={"steps": 8})
    assert weights_file.read_bytes() == before
    assert list(weights_file.parent.iterdir()) == [weights_file]


def test_every_configuration_can_be_stored() -> None:
    for kind, known in ARCHITECTURES.items():
        config = known.config_class()()
        stored = json.loads(json.dumps(asdict(config)))
        assert build_config(kind, stored, "it") == config


def test_every_kind_is_defined_where_the_table_says() -> None:
    for known in ARCHITECTURES.values():
        assert importlib.util.find_spec(known.room) is not None
        assert issubclass(known.network_class(), nn.Module)
