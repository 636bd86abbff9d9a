"""The wheel, as people get it: what is in it, and that it works with no network at all."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from PIL import Image

from flowdenoise import __version__
from flowdenoise.weights.manifest import MANIFEST, read_manifest

ROOT = Path(__file__).parents[1]
MOST_BYTES = 25_000_000
EMBEDDED = "flowdenoise/weights/files/"

BLOCKED = "this test allows no network"
NO_NETWORK = f"""
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError({BLOCKED!r})

sys.addaudithook(refuse)
"""


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout by the tools of the test environment."""
    folder = tmp_path_factory.mktemp("dist")
    made = run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    assert made.returncode == 0, made.stdout + made.stderr
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content and nothing else; the network is cut for who uses it."""
    folder = tmp_path_factory.mktemp("installed")
    made = run("-m", "pip", "install", "--no-index", "--no-deps", "--target", folder, wheel)
    assert made.returncode == 0, made.stdout + made.stderr
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    return folder


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> dict[str, str]:
    """What a process sees that finds the installed package first, and an empty home."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    home = str(tmp_path / "home")
    names = ("HOME", "USERPROFILE", "HF_HOME", "XDG_CACHE_HOME", "FLOWDENOISE_CACHE")
    return kept | dict.fromkeys(names, home) | {"PYTHONPATH": str(installed)}


def test_the_wheel_holds_the_package_the_weights_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = ROOT / "flowdenoise"
    code = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    expected = {path.relative_to(ROOT).as_posix() for path in code}
    weights = {path for path in (ROOT / "weights").rglob("*") if path.is_file()}
    expected |= {EMBEDDED + path.relative_to(ROOT / "weights").as_posix() for path in weights}
    assert names == expected
    assert {"flowdenoise/py.typed", "flowdenoise/__main__.py", EMBEDDED + MANIFEST} <= names


def test_the_wheel_says_who_it_is(wheel: Path) -> None:
    about = f"flowdenoise-{__version__}.dist-info"
    assert wheel.name == f"flowdenoise-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{about}/METADATA").decode()
        commands = archive.read(f"{about}/entry_points.txt").decode()
        license_text = archive.read(f"{about}/licenses/LICENSE").decode()
    assert "License-Expression: MIT" in metadata
    assert license_text.startswith("MIT License")
    assert "flowdenoise = flowdenoise.__main__:main" in commands


def test_the_description_leads_nowhere_where_no_address_is_known(wheel: Path) -> None:
    about = f"flowdenoise-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        description = archive.read(f"{about}/METADATA").decode()
    assert "Description-Content-Type: text/markdown" in description
    assert "# flowdenoise" in description
    assert not re.findall(r"\]\((?!https://)", description)


def test_the_description_shows_the_picture_where_an_address_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOWDENOISE_ADDRESS", "https://host.example/raw/1a2b/")
    description = ProjectMetadata(str(ROOT), PluginManager()).core.readme
    picture = re.search(r"!\[[^\]]+\]\(https://host\.example/raw/1a2b/(\S+\.png)\)", description)
    assert picture
    assert (ROOT / picture[1]).is_file()
    links = re.findall(r"\]\(([^)]+)\)", description)
    assert all(link.startswith("https://") for link in links)
    own = [link for link in links if link.startswith("https://host.example/raw/1a2b/")]
    files = [link.split("1a2b/")[1].split("#")[0] for link in own]
    assert all((ROOT / file).exists() for file in files)


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES


def test_each_embedded_file_is_the_one_that_the_manifest_describes(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in read_manifest(ROOT / "weights").entries:
            if entry.hub is None:
                data = archive.read(EMBEDDED + entry.file)
                assert hashlib.sha256(data).hexdigest() == entry.sha256


def test_the_network_is_really_cut(environment: dict[str, str], tmp_path: Path) -> None:
    for attempt in (
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
    ):
        made = run("-c", f"import socket; {attempt}", env=environment, cwd=tmp_path)
        assert made.returncode != 0
        assert BLOCKED in made.stderr


def test_the_installed_package_is_the_one_that_runs(
    environment: dict[str, str], installed: Path, tmp_path: Path
) -> None:
    made = run(
        "-c", "import flowdenoise; print(flowdenoise.__file__)", env=environment, cwd=tmp_path
    )
    assert Path(made.stdout.strip()).is_relative_to(installed)
    made = run("-m", "flowdenoise", "--version", env=environment, cwd=tmp_path)
    assert made.stdout == f"flowdenoise {__version__}\n"


def test_the_installed_package_denoises_by_its_own_weights_without_a_network(
    environment: dict[str, str], tmp_path: Path
) -> None:
    if not read_manifest(ROOT / "weights").entries:
        pytest.skip("no weights are shipped yet: weights/manifest.json is empty")
    y, x = np.mgrid[0:96, 0:128] / 96
    clean = 128 + 60 * np.stack([np.sin(5 * x), np.cos(4 * y), np.sin(3 * (x + y))], axis=2)
    noisy = clean + 25 * np.random.default_rng(0).standard_normal(clean.shape)
    Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8)).save(tmp_path / "noisy.png")

    made = run("-m", "flowdenoise", "denoise", "noisy.png", env=environment, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    with Image.open(tmp_path / "noisy_denoised.png") as result:
        denoised = np.asarray(result, dtype=np.float64)
    assert np.square(denoised - clean).mean() < 0.2 * np.square(noisy - clean).mean()

    made = run("-m", "flowdenoise", "weights", "verify", env=environment, cwd=tmp_path)
    assert made.returncode == 0, made.stdout
    assert str(ROOT) not in made.stdout + made.stderr
