"""Publishing weights, and shipped weights that are only on the Hub."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest
from hub_server import TOKEN, HubServer
from huggingface_hub import ModelCard

from flowdenoise.errors import (
    UsageError,
    WeightsDownloadError,
    WeightsError,
    WeightsIntegrityError,
)
from flowdenoise.weights import load, manifest, store
from flowdenoise.weights.card import card
from flowdenoise.weights.manifest import Entry, Result, describe, update_manifest
from flowdenoise.weights.publish import push, ship

REPO = "someone/mine"


@pytest.fixture
def entry(weights_file: Path) -> Entry:
    return describe(
        weights_file,
        license="CC-BY-4.0",
        summary="For tests only.",
        data="Twelve pictures of a wall.",
        sigma_range=(0.0, 50 / 255),
        results=(
            Result("CBSD68", "awgn", 15.0, psnr=33.91, ssim=0.93),
            Result("CBSD68", "awgn", 25.0, psnr=31.27),
        ),
    )


def test_a_push_is_read_back_and_loads(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    made = push(weights_file, entry, REPO, tmp_path / "out", report=said.append)
    assert made.address is not None
    assert made.address.is_pinned
    assert made.address.sha256 == entry.sha256
    loaded = load(str(made.address))
    assert loaded.training == {"steps": 7}
    assert str(made.address) in said[-1]
    uploaded = client.repositories[REPO].commits[made.address.revision]
    assert set(uploaded) == {"tiny.safetensors", "config.json", "README.md"}
    assert json.loads(uploaded["config.json"])["kind"] == "resnet"


def test_pushing_again_adds_a_commit(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    first = push(weights_file, entry, REPO, tmp_path / "out")
    better = dataclasses.replace(entry, summary="Better.")
    second = push(weights_file, better, REPO, tmp_path / "out", overwrite=True)
    assert first.address != second.address
    assert len(client.repositories[REPO].commits) == 3


def test_a_private_push_makes_a_private_repository(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    push(weights_file, entry, REPO, tmp_path / "out", private=True)
    assert client.repositories[REPO].private


def test_a_dry_run_writes_the_folder_and_asks_nobody(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    made = push(weights_file, entry, REPO, tmp_path / "a" / "b", dry_run=True)
    assert made.address is None
    names = {"tiny.safetensors", "config.json", "README.md"}
    assert {path.name for path in made.folder.iterdir()} == names
    copied = (made.folder / "tiny.safetensors").read_bytes()
    assert hashlib.sha256(copied).hexdigest() == entry.sha256
    assert client.requests == []


def test_the_card_carries_metrics_data_and_license(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    folder = push(weights_file, entry, REPO, tmp_path / "out", dry_run=True).folder
    published = ModelCard((folder / "README.md").read_text())
    assert published.data.license == "cc-by-4.0"
    figures = [(result.metric_type, result.metric_value) for result in published.data.eval_results]
    assert figures == [("psnr", 33.91), ("ssim", 0.93), ("psnr", 31.27)]
    for part in (
        "Twelve pictures of a wall.",
        "| CBSD68 | awgn | 15 | 33.91 | 0.93 |",
        "| CBSD68 | awgn | 25 | 31.27 |  |",
        f"hf://{REPO}@main/tiny.safetensors#sha256={entry.sha256}",
        "sigma 0 to 50",
    ):
        assert part in published.text


def test_the_card_of_a_shipped_file_uses_its_name(entry: Entry) -> None:
    text = card(dataclasses.replace(entry, results=()))
    assert "flowdenoise denoise photo.png --model tiny\n" in text
    assert "None measured." in text


def test_the_card_of_a_prior_does_not_tell_to_denoise_with_it(entry: Entry) -> None:
    assert "flowdenoise denoise" not in card(dataclasses.replace(entry, kind="glow"))


def test_what_is_shipped_is_found_by_name(
    entry: Entry, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shipped"
    folder.mkdir()
    ship(weights_file, entry, folder)
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    assert store.verify("tiny").origin == "package"
    assert (folder / "tiny.md").read_text().startswith("# tiny\n")
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        ship(weights_file, dataclasses.replace(entry, sha256="0" * 64), folder)


def test_no_token_is_in_what_is_published(
    client: HubServer,
    entry: Entry,
    weights_file: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = push(weights_file, entry, REPO, tmp_path / "out").folder
    assert all(TOKEN.encode() not in path.read_bytes() for path in folder.iterdir())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("status", "says"), [(401, "hf auth login"), (403, "not allowed")])
def test_a_push_without_the_right_to_is_one_line(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path, status: int, says: str
) -> None:
    client.faults.status = status
    with pytest.raises(WeightsDownloadError, match=f"can't upload {REPO}: .*{says}") as caught:
        push(weights_file, entry, REPO, tmp_path / "out")
    assert TOKEN not in str(caught.value)
    assert client.repositories == {}


def test_a_push_that_is_answered_without_a_commit_is_not_believed(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    client.faults.commit = "done"
    with pytest.raises(WeightsDownloadError, match="without a commit"):
        push(weights_file, entry, REPO, tmp_path / "out")


def test_a_push_offline_is_refused_before_it_asks(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(WeightsDownloadError, match="network is not used"):
        push(weights_file, entry, REPO, tmp_path / "out", offline=True)
    assert client.requests == []


def test_another_file_than_the_described_is_not_pushed(
    entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    weights_file.write_bytes(weights_file.read_bytes() + b" ")
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        push(weights_file, entry, REPO, tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("repo", ["mine", "a/b/c", "a/b@main/x", "../b", ""])
def test_a_repository_is_named_by_owner_and_name(
    entry: Entry, weights_file: Path, tmp_path: Path, repo: str
) -> None:
    with pytest.raises(UsageError):
        push(weights_file, entry, repo, tmp_path / "out", dry_run=True)


def test_a_folder_that_can_not_be_made_is_named(
    entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(WeightsError, match="can't make the folder"):
        push(weights_file, entry, REPO, tmp_path / "out", dry_run=True)


def test_a_shipped_name_may_be_fetched_from_the_hub(
    client: HubServer,
    entry: Entry,
    weights_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = push(weights_file, entry, REPO, tmp_path / "out")
    assert made.address is not None
    folder = tmp_path / "shipped"
    folder.mkdir()
    address = str(dataclasses.replace(made.address, sha256=None))
    update_manifest(folder, dataclasses.replace(entry, hub=address))
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    assert [(shipped.origin, shipped.path) for shipped in store.catalog()] == [("hub", None)]
    found = store.resolve("tiny")
    assert (found.origin, found.sha256) == ("hub", entry.sha256)
    client.stop()
    assert store.catalog()[0].origin == "cache"
    assert load("tiny").training == {"steps": 7}


def test_a_failed_upload_of_bytes_changes_nothing(
    client: HubServer, entry: Entry, weights_file: Path, tmp_path: Path
) -> None:
    client.add(REPO, {})
    before = dict(client.repositories[REPO].commits)
    client.cdn.stop()
    with pytest.raises(WeightsDownloadError, match="can't upload"):
        push(weights_file, entry, REPO, tmp_path / "out")
    assert client.repositories[REPO].commits == before
    assert os.listdir(tmp_path / "out")  # noqa: PTH208 - what was prepared stays for a second try
