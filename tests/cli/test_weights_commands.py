"""`flowdenoise weights`: what people and scripts see of weights."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub_server import TOKEN, HubServer
from huggingface_hub import ModelCard

import flowdenoise
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.networks import ResNet, ResNetConfig
from flowdenoise.training import to_weights as export_module
from flowdenoise.weights import manifest, read_weights, save_weights, store
from flowdenoise.weights.manifest import Result, describe, update_manifest

from .conftest import Answer, Invoke

COMMANDS = ("list", "info", "pull", "verify", "where", "export", "from-run", "push")
NAMES = ("tiny", "prior")
REPO = "someone/mine"
ON_HUB = f"hf://{REPO}@main/tiny.safetensors"
CARD = ("--summary", "For tests.", "--license", "MIT", "--data", "Twelve walls.")
FULL_CARD = (*CARD, "--sigma-range", 0, 50)

with_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="the extra `onnx` is not installed"
)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def spoil(path: Path) -> None:
    """Turn the last bit of a file."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def refused(answer: Answer, status: int, says: str) -> None:
    assert answer.status == status, answer
    assert answer.out == b""
    assert says in answer.err
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1


def json_lines(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture
def prior(tmp_path: Path) -> Path:
    """Weights of a small flow for gray patches."""
    config = GlowConfig(image_channels=1, size=8, levels=1, steps_per_level=1, hidden_channels=4)
    file = tmp_path / "prior.safetensors"
    save_weights(file, Glow(config), training={})
    return file


@pytest.fixture
def shipped(tiny: Path, prior: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped weights, `tiny` and `prior`, in place of the real one."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    known: dict[str, Any] = {"license": "MIT", "data": "Walls.", "sigma_range": (0.0, 50 / 255)}
    figures = {
        tiny: (
            Result("CBSD68", "awgn", 15.0, psnr=33.5),
            Result("CBSD68", "awgn", 25.0, psnr=30.256, ssim=0.87),
        ),
        prior: (Result("BSD68", "awgn", 0.0, bits_per_dim=3.14159),),
    }
    for file, results in figures.items():
        shutil.copy(file, folder)
        update_manifest(folder, describe(file, summary="A wall.", results=results, **known))
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    return folder


def ship_by_hub(folder: Path, hub: str, **changes: Any) -> None:
    """Let the manifest say that `tiny` is on the Hub, and take it out of the package."""
    entry = manifest.read_manifest(folder).find("tiny")
    update_manifest(folder, replace(entry, hub=hub, **changes))
    (folder / "tiny.safetensors").unlink()


def test_the_list_has_a_line_per_file_with_what_it_reaches(invoke: Invoke, shipped: Path) -> None:
    answer = invoke("weights", "list")
    heading, tiny, prior = (" ".join(line.split()) for line in answer.text.splitlines())
    assert heading == "name role kind for size license measured where"
    assert tiny.startswith("tiny denoiser resnet color ")
    assert tiny.endswith(" kB MIT 30.26 dB at sigma 25, CBSD68 awgn package")
    assert prior.startswith("prior prior glow gray ")
    assert "3.142 bits/dim, BSD68 awgn" in prior
    assert answer.err == ""


def test_brackets_in_the_list_are_brackets(invoke: Invoke, shipped: Path) -> None:
    entry = manifest.read_manifest(shipped).find("tiny")
    update_manifest(shipped, replace(entry, license="[red]MIT[/red]"))
    assert "[red]MIT[/red]" in invoke("weights", "list").text


def test_the_list_as_json_is_the_manifest_with_places(invoke: Invoke, shipped: Path) -> None:
    first, second = json_lines(invoke("weights", "list", "--json"))
    assert first["path"] == str(shipped / "tiny.safetensors")
    assert (first["name"], first["role"], first["origin"]) == ("tiny", "denoiser", "package")
    assert first["results"][1]["psnr"] == 30.256
    assert first["sha256"] == sha256(shipped / "tiny.safetensors")
    assert second["kind"] == "glow"


def test_the_list_says_what_is_not_on_this_machine(
    invoke: Invoke, client: HubServer, shipped: Path
) -> None:
    ship_by_hub(shipped, f"hf://{REPO}@{'0' * 40}/tiny.safetensors")
    (shipped / "prior.safetensors").unlink()
    _, tiny, prior = invoke("weights", "list").text.splitlines()
    assert tiny.rstrip().endswith("on the Hub")
    assert prior.rstrip().endswith("missing: reinstall flowdenoise")
    paths = [line["path"] for line in json_lines(invoke("weights", "list", "--json"))]
    assert paths == [None, None]
    assert client.requests == []


def test_an_installation_without_weights_says_so(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 1, "weights": []}')
    monkeypatch.setattr(manifest, "shipped_folder", lambda: tmp_path)
    for command in ("list", "verify"):
        answer = invoke("weights", command)
        assert (answer.status, answer.out) == (0, b"")
        assert "no weights are shipped" in answer.err


def test_info_tells_what_the_file_and_the_manifest_say(invoke: Invoke, shipped: Path) -> None:
    page = " ".join(invoke("weights", "info", "tiny").text.split())
    path = shipped / "tiny.safetensors"
    for part in (
        f"file {path} (package)",
        f"sha256 {sha256(path)}",
        "kind resnet (denoiser)",
        "takes color pictures and the level of their noise",
        "summary A wall.",
        "for color pictures, noise of sigma 0 to 50",
        "license MIT",
        "data Walls.",
        "result 2 CBSD68, awgn, sigma 25: 30.26 dB, 0.87 SSIM",
        "config image_channels 3 channels [4]",
        "training nothing",
    ):
        assert part in page
    assert "head.weight" not in page
    assert "head.weight" in invoke("weights", "info", "tiny", "--tensors").text


def test_info_as_json_has_the_whole_header(invoke: Invoke, shipped: Path) -> None:
    (known,) = json_lines(invoke("weights", "info", "tiny", "--json"))
    assert known["manifest"]["name"] == "tiny"
    assert known["config"]["blocks"] == [1]
    network = read_weights(shipped / "tiny.safetensors").network
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    assert {name: info["shape"] for name, info in known["tensors"].items()} == shapes
    assert known["parameters"] == sum(value.numel() for value in network.state_dict().values())


def test_info_of_a_file_says_what_the_file_says(invoke: Invoke, prior: Path) -> None:
    answer = invoke("weights", "info", prior)
    assert "glow (prior)" in answer.text
    assert "gray pictures" in answer.text
    assert "license" not in answer.text
    (known,) = json_lines(invoke("weights", "info", prior, "--json"))
    assert (known["manifest"], known["origin"]) == (None, "path")


@pytest.mark.parametrize(
    ("config", "takes"),
    [
        (ResNetConfig(channels=(4,), blocks=(1,), maps=2), "maps of their noise, of brightness"),
        (
            ResNetConfig(image_channels=1, channels=(4,), blocks=(1,)),
            "gray pictures and the level",
        ),
        (ResNetConfig(channels=(4,), blocks=(1,), noise_map=False), "takes color pictures param"),
    ],
)
def test_info_says_what_a_denoiser_takes(
    invoke: Invoke, tmp_path: Path, config: ResNetConfig, takes: str
) -> None:
    file = tmp_path / "mine.safetensors"
    save_weights(file, ResNet(config), training={})
    assert takes in " ".join(invoke("weights", "info", file).text.split())


def test_a_strangers_record_can_not_steer_the_terminal(
    invoke: Invoke, tiny: Path, tmp_path: Path
) -> None:
    file = tmp_path / "sly.safetensors"
    record = {"note": "\x1b[2J\nok  all is well", "a\rname": 1, "[bold]": "[red]kept[/red]"}
    save_weights(file, read_weights(tiny).network, training=record)
    answer = invoke("weights", "info", file)
    assert not {"\x1b", "\r"} & set(answer.text)
    assert "\\u001b[2J\\nok" in answer.text
    assert "[red]kept[/red]" in answer.text


@pytest.mark.parametrize("command", ["info", "pull"])
def test_damaged_bytes_are_refused_in_one_line(
    invoke: Invoke, shipped: Path, command: str
) -> None:
    spoil(shipped / "tiny.safetensors")
    refused(invoke("weights", command, "tiny"), 1, "tiny has been altered or damaged")


@pytest.mark.parametrize("command", ["info", "pull", "where"])
@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("tinny", 1, "did you mean 'tiny'?"),
        ("./nothing.safetensors", 1, "there is no weights file"),
        ("hf://someone", 2, "names no file"),
        ("https://example.org/x.safetensors", 2, "weights on the Hub are addressed as"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line(
    invoke: Invoke, shipped: Path, command: str, address: str, status: int, says: str
) -> None:
    refused(invoke("weights", command, address), status, says)


def test_a_pull_is_pinned_and_the_next_needs_no_server(
    invoke: Invoke, client: HubServer, tiny: Path
) -> None:
    commit = client.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    first = invoke("weights", "pull", ON_HUB)
    pinned = f"hf://{REPO}@{commit}/tiny.safetensors#sha256={sha256(tiny)}"
    assert (first.status, first.text) == (0, pinned + "\n")
    assert "fetching" in first.err
    client.stop()
    for address in (ON_HUB, pinned):
        again = invoke("weights", "pull", address, "--offline", "--quiet")
        assert (again.status, again.text, again.err) == (0, pinned + "\n", "")


def test_a_pull_offline_of_what_is_not_there_asks_nobody(
    invoke: Invoke, client: HubServer, tiny: Path
) -> None:
    client.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    refused(invoke("weights", "pull", ON_HUB, "--offline"), 1, "network is not used")
    refused(invoke("weights", "where", ON_HUB), 1, "network is not used")
    assert client.requests == []


def test_a_refresh_needs_the_network(invoke: Invoke) -> None:
    answer = invoke("weights", "pull", "hf://owner/repo/x.safetensors", "--refresh", "--offline")
    assert (answer.status, "which --offline forbids" in answer.err) == (2, True)


def test_only_a_refresh_follows_a_branch(invoke: Invoke, client: HubServer, tiny: Path) -> None:
    old = client.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    invoke("weights", "pull", ON_HUB)
    new = client.add(REPO, {"other.safetensors": tiny.read_bytes()})
    assert old in invoke("weights", "pull", ON_HUB).text
    assert new in invoke("weights", "pull", ON_HUB, "--refresh").text
    assert new in invoke("weights", "pull", ON_HUB).text


def test_a_refresh_repairs_the_cache(invoke: Invoke, client: HubServer, tiny: Path) -> None:
    client.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    invoke("weights", "pull", ON_HUB)
    place = Path(invoke("weights", "where", ON_HUB).text.strip())
    spoil(place)
    damaged = invoke("weights", "pull", ON_HUB)
    assert (damaged.status, damaged.out) == (1, b"")
    assert "altered or damaged" in damaged.err
    assert invoke("weights", "pull", ON_HUB, "--refresh").status == 0
    assert sha256(place) == sha256(tiny)


def test_where_prints_the_path_and_nothing_else(
    invoke: Invoke, client: HubServer, shipped: Path, tiny: Path
) -> None:
    assert invoke("weights", "where", "tiny").text == f"{shipped / 'tiny.safetensors'}\n"
    assert invoke("weights", "where", tiny).text == f"{tiny}\n"
    client.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    invoke("weights", "pull", ON_HUB)
    answer = invoke("weights", "where", ON_HUB)
    assert answer.text.count("\n") == 1
    assert sha256(Path(answer.text.strip())) == sha256(tiny)


def test_all_shipped_weights_are_verified(invoke: Invoke, shipped: Path) -> None:
    answer = invoke("weights", "verify")
    assert answer.status == 0
    expected = [f"ok      {n}: sha256 {sha256(shipped / f'{n}.safetensors')}" for n in NAMES]
    assert answer.text.splitlines() == expected


@pytest.mark.parametrize("bad", NAMES)
def test_one_bad_file_is_named_and_the_others_are_still_checked(
    invoke: Invoke, shipped: Path, bad: str
) -> None:
    spoil(shipped / f"{bad}.safetensors")
    answer = invoke("weights", "verify")
    assert answer.status == 1
    marks = {line.split()[1]: line.split()[0] for line in answer.text.splitlines()}
    assert marks == {f"{name}:": "BAD" if name == bad else "ok" for name in NAMES}
    answer = invoke("weights", "verify", "--json")
    assert answer.status == 1
    errors = {line["address"]: line["error"] for line in json_lines(answer)}
    assert "altered or damaged" in errors.pop(bad)
    assert list(errors.values()) == [None]


def test_verify_takes_addresses_of_every_form(
    invoke: Invoke, client: HubServer, shipped: Path, tiny: Path
) -> None:
    client.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    answer = invoke("weights", "verify", "tiny", tiny, ON_HUB, f"{tiny}#sha256={'0' * 64}", "x")
    assert answer.status == 1
    marks = [line.split()[0] for line in answer.text.splitlines()]
    assert marks == ["ok", "ok", "BAD", "BAD", "BAD"]
    assert client.requests == []  # what is not here is not fetched to be verified
    invoke("weights", "pull", ON_HUB)
    assert invoke("weights", "verify", ON_HUB).status == 0


def test_a_mistake_in_an_address_is_told_before_the_work(invoke: Invoke, shipped: Path) -> None:
    refused(invoke("weights", "verify", "tiny", "hf://someone"), 2, "names no file")


def test_what_was_never_fetched_is_absent_and_not_bad(
    invoke: Invoke, client: HubServer, shipped: Path
) -> None:
    ship_by_hub(shipped, f"hf://{REPO}@{'0' * 40}/tiny.safetensors")
    answer = invoke("weights", "verify")
    assert answer.status == 0
    assert answer.text.splitlines()[0] == "absent  tiny: not fetched yet"
    assert invoke("weights", "verify", "tiny").status == 1
    assert client.requests == []


@with_onnx
def test_an_export_says_the_largest_difference(invoke: Invoke, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiny.onnx"
    out.write_text("precious")
    refused(invoke("weights", "export", tiny, "--out", out), 2, "--overwrite replaces it")
    assert out.read_text() == "precious"
    onto = invoke("weights", "export", tiny, "--out", tiny, "--overwrite")
    refused(onto, 2, "no input is ever replaced")
    answer = invoke("weights", "export", tiny, "--out", out, "--overwrite")
    assert (answer.status, answer.text) == (0, f"{out}\n")
    said = answer.err.strip()
    assert said.startswith("compared with torch at 4 sizes: the largest difference is ")
    assert float(said.split()[-1]) <= 1e-4
    assert out.stat().st_size > 1000


@with_onnx
def test_a_prior_is_not_exported(invoke: Invoke, prior: Path, tmp_path: Path) -> None:
    answer = invoke("weights", "export", prior, "--out", tmp_path / "prior.onnx")
    refused(answer, 2, "only denoisers are exported")
    assert not (tmp_path / "prior.onnx").exists()


def test_a_dry_run_writes_the_folder_and_asks_nobody(
    invoke: Invoke, client: HubServer, tiny: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    answer = invoke("weights", "push", tiny, REPO, "--folder", folder, "--dry-run", *FULL_CARD)
    assert (answer.status, answer.text) == (0, f"{folder}\n")
    names = {"tiny.safetensors", "config.json", "README.md"}
    assert {path.name for path in folder.iterdir()} == names
    assert client.requests == []
    line = ["weights", "push", tiny, REPO, "--folder", folder, "--dry-run", *FULL_CARD]
    assert invoke(*line).status == 0  # the same once more
    (folder / "README.md").write_text("precious")
    refused(invoke(*line), 1, "--overwrite replaces it, or take another folder")
    assert (folder / "README.md").read_text() == "precious"
    assert invoke(*line, "--overwrite").status == 0


def test_what_is_pushed_is_read_back_by_its_address(
    invoke: Invoke, client: HubServer, tiny: Path, tmp_path: Path
) -> None:
    results = ("--result", "CBSD68,awgn,25,psnr=30.25,ssim=0.87")
    line = ["weights", "push", tiny, REPO, "--folder", tmp_path / "out", *FULL_CARD, *results]
    answer = invoke(*line, "--private", "--name", "wall")
    assert answer.status == 0, answer.err
    address = answer.text.strip()
    assert client.repositories[REPO].private
    assert sha256(Path(store.resolve(address).path)) == sha256(tiny)
    assert invoke("weights", "info", address).status == 0
    published = ModelCard((tmp_path / "out" / "README.md").read_text())
    figures = [(result.metric_type, result.metric_value) for result in published.data.eval_results]
    assert figures == [("psnr", 30.25), ("ssim", 0.87)]
    assert published.text.lstrip().startswith("# wall\n")
    for part in ("For tests.", "Twelve walls.", "sigma 0 to 50", "| license | MIT |"):
        assert part in published.text
    assert TOKEN not in answer.text + answer.err + published.text


def test_shipped_weights_are_pushed_with_their_card(
    invoke: Invoke, client: HubServer, shipped: Path, tmp_path: Path
) -> None:
    line = ["weights", "push", "tiny", REPO, "--folder", tmp_path / "out", "--dry-run"]
    assert invoke(*line, "--summary", "Better.").status == 0
    card = (tmp_path / "out" / "README.md").read_text()
    for part in ("Better.", "Walls.", "| CBSD68 | awgn | 15 | 33.5 |"):
        assert part in card
    assert "A wall." not in card


def test_the_noise_levels_of_a_card_come_from_the_record(
    invoke: Invoke, tiny: Path, tmp_path: Path
) -> None:
    file = tmp_path / "trained.safetensors"
    record = {"training.noise.sigma_range": [0.0, 55 / 255]}
    save_weights(file, read_weights(tiny).network, training=record)
    line = ["weights", "push", file, REPO, "--folder", tmp_path / "out", "--dry-run", *CARD]
    assert invoke(*line).status == 0
    assert "sigma 0 to 55 on" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (CARD, "the model card needs --sigma-range"),
        (FULL_CARD[2:], "the model card needs --summary"),
        ((), "needs --summary and --license and --data and --sigma-range"),
        ((*FULL_CARD, "--name", "Not Good"), "a name is of small letters"),
        ((*CARD, "--sigma-range", 0, 300), "sigma"),
        ((*CARD, "--sigma-range", 50, 10), "not a range"),
        ((*FULL_CARD, "--result", "CBSD68"), "a result is set,protocol,sigma"),
        ((*FULL_CARD, "--result", "CBSD68,awgn,25,beauty=1"), "a result is set,protocol,sigma"),
        ((*FULL_CARD, "--result", "CBSD68,awgn,25,psnr=good"), "a result is set,protocol,sigma"),
        ((*FULL_CARD, "--result", "CBSD68,awgn,25"), "no figure in the result"),
        ((*FULL_CARD, "--result", "CBSD68,awgn,25,psnr=nan"), "no figure in the result"),
    ],
)
def test_a_push_without_a_proper_card_is_refused(
    invoke: Invoke, tiny: Path, tmp_path: Path, options: tuple[object, ...], says: str
) -> None:
    folder = tmp_path / "out"
    answer = invoke("weights", "push", tiny, REPO, "--folder", folder, "--dry-run", *options)
    refused(answer, 2, says)
    assert not folder.exists()


def test_a_push_offline_or_to_no_repository_is_refused(
    invoke: Invoke, client: HubServer, tiny: Path, tmp_path: Path
) -> None:
    line = ["--folder", tmp_path / "out", *FULL_CARD]
    refused(invoke("weights", "push", tiny, "mine", *line), 2, "names no file")
    offline = invoke("weights", "push", tiny, REPO, *line, "--offline", "-q")
    refused(offline, 1, "the network is not used")
    assert client.requests == []


def test_a_run_becomes_weights(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, Path]] = []

    def export(folder: Path, target: Path) -> Path:
        asked.append((folder, target))
        target.write_text("weights")
        return target

    monkeypatch.setattr(export_module, "export_weights", export)
    out = tmp_path / "mine.safetensors"
    answer = invoke("weights", "from-run", tmp_path / "run", "--out", out)
    assert (answer.status, answer.text) == (0, f"{out}\n")
    again = ["weights", "from-run", tmp_path / "run", "--out", out]
    refused(invoke(*again), 2, "is there already")
    assert invoke(*again, "--overwrite").status == 0
    assert asked == [(tmp_path / "run", out)] * 2


def test_the_checkpoint_of_a_run_is_never_replaced_by_its_weights(
    invoke: Invoke, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(b"weeks of work")
    answer = invoke("weights", "from-run", tmp_path, "--out", checkpoint, "--overwrite")
    refused(answer, 2, "is an input, and no input is ever replaced")
    assert checkpoint.read_bytes() == b"weeks of work"


def test_a_folder_without_a_run_is_named(invoke: Invoke, tmp_path: Path) -> None:
    answer = invoke("weights", "from-run", tmp_path, "--out", tmp_path / "mine.safetensors")
    refused(answer, 1, f"no checkpoint at {tmp_path / 'checkpoint.pt'}")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(invoke: Invoke, command: str) -> None:
    answer = invoke("weights", command, "--help")
    assert answer.status == 0
    assert f"weights {command}" in answer.text


def clean_environment(folder: Path) -> dict[str, str]:
    """What a process sees that has never run here before."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "FLOWDENOISE_CACHE": str(folder / "memory"),
        "PYTHONPATH": str(Path(flowdenoise.__file__).parents[1]),
        "PYTHONWARNINGS": "error",
    }


WITHOUT_TORCH = """
import sys
from flowdenoise.__main__ import main
for line in sys.argv[1:]:
    sys.argv = ["flowdenoise", "weights", *line.split()]
    try:
        main()
    except SystemExit as leaving:
        assert not leaving.code, line
    assert "torch" not in sys.modules, line
"""


def test_neither_help_nor_looking_around_waits_for_torch(tiny: Path, tmp_path: Path) -> None:
    lines = [f"{command} --help" for command in COMMANDS]
    lines += ["--help", "list", "list --json", f"info {tiny}", f"verify {tiny}", f"where {tiny}"]
    subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *lines],
        env=clean_environment(tmp_path),
        check=True,
        capture_output=True,
    )


def test_two_processes_pull_one_after_the_other_and_the_second_is_offline(
    server: HubServer, tiny: Path, tmp_path: Path
) -> None:
    server.add(REPO, {"tiny.safetensors": tiny.read_bytes()})
    line = [sys.executable, "-m", "flowdenoise", "weights", "pull", ON_HUB]
    environment = clean_environment(tmp_path) | {"HF_ENDPOINT": server.url}

    def pull() -> subprocess.CompletedProcess[str]:
        return subprocess.run(line, env=environment, check=True, capture_output=True, text=True)

    first = pull()
    server.stop()
    second = pull()
    assert first.stdout == second.stdout
    assert "fetching" in first.stderr
    assert "(cache)" in second.stderr


def test_the_real_shipped_weights_are_all_sound(invoke: Invoke) -> None:
    assert invoke("weights", "list").status == 0
    answer = invoke("weights", "verify")
    assert answer.status == 0, answer.text
