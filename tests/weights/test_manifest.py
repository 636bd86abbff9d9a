"""The list of shipped weights, and finding them by name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowdenoise.errors import (
    UsageError,
    WeightsError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from flowdenoise.weights import manifest, store
from flowdenoise.weights.architectures import ARCHITECTURES
from flowdenoise.weights.manifest import Entry, Result, describe, read_manifest, update_manifest


def described(path: Path, **changes: Any) -> Entry:
    return dataclasses.replace(
        describe(
            path,
            license="MIT",
            summary="A tiny one.",
            data="Nothing.",
            sigma_range=(0.0, 0.2),
            results=(Result("CBSD68", "awgn", 25.0, psnr=30.0),),
        ),
        **changes,
    )


@pytest.fixture
def folder(weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped weights with the entry `tiny`, in place of the real one."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    shutil.copy(weights_file, folder)
    update_manifest(folder, described(weights_file))
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    return folder


def test_what_is_written_is_read_back(folder: Path, weights_file: Path) -> None:
    assert read_manifest(folder).entries == (described(weights_file),)


def test_the_file_tells_what_the_entry_says(weights_file: Path) -> None:
    entry = described(weights_file)
    content = weights_file.read_bytes()
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert (entry.name, entry.file, entry.size) == ("tiny", "tiny.safetensors", len(content))
    assert (entry.kind, entry.channels, entry.role) == ("resnet", 1, "denoiser")
    assert entry.training == {"steps": 7}


def test_an_entry_is_replaced_in_its_place(folder: Path, weights_file: Path) -> None:
    update_manifest(folder, described(weights_file, name="second"))
    update_manifest(folder, described(weights_file, summary="Better."))
    entries = read_manifest(folder).entries
    assert [entry.name for entry in entries] == ["tiny", "second"]
    assert entries[0].summary == "Better."


def test_a_damaged_file_is_not_described(weights_file: Path) -> None:
    weights_file.write_bytes(weights_file.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsIntegrityError, match="do not match its seal"):
        described(weights_file)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "Not Good"}, "small letters"),
        ({"name": ""}, "small letters"),
        ({"file": "../x.safetensors"}, "plain name"),
        ({"file": "x.bin"}, "plain name"),
        ({"sha256": "12"}, "64 hexadecimal"),
        ({"sigma_range": (0.0, 25.0)}, "range within"),
        ({"sigma_range": (0.3, 0.2)}, "range within"),
    ],
)
def test_an_entry_that_can_not_be_is_refused(
    weights_file: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        described(weights_file, **change)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda m: m.update(more=1), "unknown key 'more'"),
        (lambda m: m.update(format=2), "another format"),
        (lambda m: m["weights"].append(m["weights"][0]), "a name twice"),
        (lambda m: m["weights"][0].pop("license"), "lacks the key 'license'"),
        (lambda m: m["weights"][0].update(size="big"), "'size', must be a whole number"),
        (lambda m: m["weights"][0].update(kind="pickle"), "unknown kind 'pickle'"),
        (lambda m: m["weights"][0].update(file="/etc/x.safetensors"), "plain name"),
        (lambda m: m["weights"][0].update(sigma_range=[0]), "must have 2 elements"),
        (lambda m: m["weights"][0]["results"][0].update(psnr="good"), "'psnr', must be a number"),
    ],
)
def test_a_manifest_that_is_not_right_is_refused(
    folder: Path, edit: Callable[[Any], object], says: str
) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    edit(content)
    (folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(WeightsIntegrityError, match=says):
        read_manifest(folder)


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"no manifest\.json in"):
        read_manifest(tmp_path)


def test_a_shipped_name_is_found_and_verified(folder: Path) -> None:
    found = store.verify("tiny")
    assert (found.origin, found.path) == ("package", folder / "tiny.safetensors")
    assert store.inspect("tiny").entry == read_manifest(folder).find("tiny")


def test_an_altered_shipped_file_is_refused(folder: Path) -> None:
    from flowdenoise.weights import load

    assert load("tiny", role="denoiser").training == {"steps": 7}
    path = folder / "tiny.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    for use in (load, store.verify):
        with pytest.raises(WeightsIntegrityError, match="tiny has been altered or damaged"):
            use("tiny")


def test_weights_of_another_role_are_refused(folder: Path) -> None:
    from flowdenoise.weights import load

    with pytest.raises(WeightsError, match="tiny is a denoiser, a prior is needed"):
        load("tiny", role="prior")


def test_an_unknown_name_says_which_there_are_and_which_was_meant(folder: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"did you mean 'tiny'\? there are tiny"):
        store.resolve("tinny")
    with pytest.raises(WeightsNotFoundError, match=r"called 'zebra': there are tiny.*\./my"):
        store.resolve("zebra")


def test_another_hash_for_a_shipped_name_is_refused(folder: Path) -> None:
    with pytest.raises(WeightsIntegrityError, match="another file"):
        store.resolve(f"tiny#sha256={'0' * 64}")


def test_a_shipped_file_that_is_gone_says_what_to_do(folder: Path) -> None:
    (folder / "tiny.safetensors").unlink()
    with pytest.raises(WeightsNotFoundError, match="reinstall flowdenoise"):
        store.resolve("tiny")


def test_a_path_needs_a_file_and_keeps_to_its_hash(weights_file: Path) -> None:
    assert store.verify(str(weights_file)).origin == "path"
    with pytest.raises(WeightsIntegrityError, match="altered or damaged"):
        store.verify(f"{weights_file}#sha256={'0' * 64}")
    with pytest.raises(WeightsNotFoundError, match="there is no weights file"):
        store.resolve(str(weights_file.parent))


def test_a_manifest_that_was_changed_is_read_again(folder: Path, weights_file: Path) -> None:
    assert manifest.shipped() is manifest.shipped()
    update_manifest(folder, described(weights_file, summary="Another one."))
    assert manifest.shipped().find("tiny").summary == "Another one."
    (folder / "manifest.json").unlink()
    with pytest.raises(WeightsNotFoundError):
        manifest.shipped()


@pytest.mark.parametrize("packed", [True, False], ids=["wheel", "checkout"])
def test_the_files_are_found_in_the_package_or_else_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    package = tmp_path / "flowdenoise" / "weights"
    (package / "files" if packed else package).mkdir(parents=True)
    monkeypatch.setattr(manifest, "__file__", str(package / "manifest.py"))
    expected = package / "files" if packed else tmp_path / "weights"
    assert manifest.shipped_folder() == expected


def test_the_real_manifest_describes_the_real_files() -> None:
    for shipped in store.catalog():
        assert shipped.entry.kind in ARCHITECTURES
        if shipped.path is not None:
            store.verify(shipped.entry.name)
            assert shipped.path.stat().st_size == shipped.entry.size


def test_the_readme_has_a_row_for_all_shipped_weights_and_no_others() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    table = readme.partition("## Weights")[2].partition("```")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = re.findall(r"`([^`]+)`", " ".join(cells))
    assert sorted(named) == sorted(entry.name for entry in manifest.shipped().entries)
