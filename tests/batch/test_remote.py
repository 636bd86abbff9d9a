"""Pictures at addresses, in a store that lies in this process's memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise import batch
from flowdenoise.batch import (
    BatchConfig,
    Naming,
    Outcome,
    RemoteJob,
    is_address,
    is_on_network,
    plan_jobs,
    plan_remote,
    run_anywhere,
)
from flowdenoise.engine import Denoiser
from flowdenoise.errors import MissingExtraError, UsageError
from flowdenoise.networks import ResNet, ResNetConfig

CONFIG = BatchConfig(sigma=0.1)
NAMES = ("a.png", "deep/b.png", "deep/c.tif")


def picture(seed: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    """A store with three pictures, a text and a raw file."""
    memory = fsspec.filesystem("memory")
    memory.rm("/", recursive=True) if memory.ls("/") else None
    for seed, name in enumerate(NAMES):
        memory.pipe(f"/album/{name}", picture(seed, "TIFF" if name.endswith("tif") else "PNG"))
    memory.pipe("/album/notes.txt", b"a text")
    memory.pipe("/album/one.nef", b"raw")
    yield memory
    memory.rm("/", recursive=True)


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,)))
    return Denoiser({3: lambda: net}, {}, device=torch.device("cpu"))


def plan(*inputs: str, output: str = "memory://out/", **naming: object) -> tuple[RemoteJob, ...]:
    return plan_remote(inputs, Naming(output, **naming)).jobs  # type: ignore[arg-type]


def run(
    jobs: tuple[RemoteJob, ...], denoiser: Denoiser, config: BatchConfig = CONFIG
) -> list[Outcome]:
    return list(run_anywhere(lambda: denoiser, jobs, config))


def test_an_address_is_told_from_a_path() -> None:
    assert is_address("gs://bucket/a.png")
    assert not any(map(is_address, ("a.png", "/scans/a.png", "C:\\scans", "-", "a:b")))


@pytest.mark.parametrize(
    ("inputs", "recursive", "expected"),
    [
        (["memory://album"], False, ["a.png"]),
        (["memory://album/"], True, ["a.png", "deep/b.png", "deep/c.tif"]),
        (["memory://album/deep/b.png"], False, ["b.png"]),
        (["memory://album/deep/*.png", "memory://album/deep/b.png"], False, ["b.png"]),
    ],
)
def test_results_lie_as_their_sources_do(
    store: fsspec.AbstractFileSystem, inputs: list[str], recursive: bool, expected: list[str]
) -> None:
    jobs = plan(*inputs, recursive=recursive)
    assert [job.target for job in jobs] == [f"memory:///out/{name}" for name in expected]


def test_what_is_no_picture_is_left_out_and_results_are_no_inputs(
    store: fsspec.AbstractFileSystem,
) -> None:
    store.pipe("/album/out/a.png", picture(9))
    made = plan_remote(["memory://album"], Naming("memory://album/out", recursive=True))
    assert len(made.jobs) == len(NAMES)
    assert [job.taken for job in made.jobs] == [True, False, False]
    (left,) = made.left_out
    assert left.path == "memory:///album/one.nef"


def test_results_are_those_of_files(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser, tmp_path: Path
) -> None:
    outcomes = run(plan("memory://album", recursive=True), denoiser)
    assert [outcome.status for outcome in outcomes] == ["denoised"] * len(NAMES)
    for outcome, name in zip(outcomes, NAMES, strict=True):
        assert outcome.job.name == f"memory:///album/{name}"
        assert outcome.written == (f"memory:///out/{name}",)
        file = tmp_path / Path(name).name
        file.write_bytes(store.cat(f"/album/{name}"))
        (job,) = plan_jobs([str(file)], Naming(f"{tmp_path}/out/")).jobs
        list(batch.run([job], denoiser, CONFIG))
        assert job.target is not None
        assert store.cat(f"/out/{name}") == job.target.read_bytes()


def test_what_is_there_is_refused_skipped_or_replaced(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser
) -> None:
    store.pipe("/out/a.png", b"kept")
    jobs = plan("memory://album/a.png")
    (refused,) = run(jobs, denoiser)
    assert "memory:///out/a.png exists already" in str(refused.error)
    (skipped,) = run(jobs, denoiser, BatchConfig(sigma=0.1, existing="skip"))
    assert skipped.status == "skipped"
    assert store.cat("/out/a.png") == b"kept"
    (replaced,) = run(jobs, denoiser, BatchConfig(sigma=0.1, existing="overwrite"))
    assert replaced.status == "denoised"
    assert store.cat("/out/a.png") != b"kept"


def test_a_bad_picture_is_named_by_its_address_and_the_others_are_done(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser
) -> None:
    store.pipe("/album/bad.png", b"no picture")
    outcomes = run(plan("memory://album"), denoiser)
    assert [outcome.status for outcome in outcomes] == ["denoised", "failed"]
    assert str(outcomes[1].error).startswith("memory:///album/bad.png")
    assert not store.exists("/out/bad.png")


def test_a_result_that_can_not_be_made_is_named_by_its_address(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser
) -> None:
    wide = Image.new("RGB", (16384, 1))  # the most of a WebP picture is one less
    file = io.BytesIO()
    wide.save(file, "PNG")
    store.pipe("/album/a.png", file.getvalue())
    (outcome,) = run(plan("memory://album", format="webp"), denoiser)
    assert str(outcome.error).startswith("memory:///out/a.webp: WebP ends at 16383 pixels")


def test_a_picture_that_is_gone_and_a_result_that_cant_be_sent_fail_alone(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = plan("memory://album", recursive=True)
    store.rm("/album/a.png")
    whole = store.open

    def full(path: str, mode: str = "rb", **more: object) -> object:
        if "b.png" in path and mode == "wb":
            raise OSError("the store is full")
        return whole(path, mode, **more)

    monkeypatch.setattr(store, "open", full)
    outcomes = run(jobs, denoiser)
    assert [outcome.status for outcome in outcomes] == ["failed", "failed", "denoised"]
    assert "the store is full" in str(outcomes[1].error)
    assert store.find("/out") == ["/out/deep/c.tif"]


def test_the_first_failure_ends_a_run_that_is_to_fail_fast(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser
) -> None:
    store.pipe("/album/a.png", b"no picture")
    config = BatchConfig(sigma=0.1, keep_going=False)
    (outcome,) = run(plan("memory://album", recursive=True), denoiser, config)
    assert outcome.status == "failed"


def test_files_of_this_machine_are_read_and_written_where_they_are(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p.png").write_bytes(picture(3))
    (there,) = run(plan(str(tmp_path / "in")), denoiser)
    assert there.status == "denoised"
    (here,) = run(plan("memory://out/p.png", output=f"file://{tmp_path}/out"), denoiser)
    assert here.status == "denoised"
    assert (tmp_path / "out" / "p.png").is_file()
    (again,) = run(plan("memory://out/p.png", output=f"{tmp_path}/out"), denoiser)
    assert "exists already" in str(again.error)


def test_two_pictures_of_one_name_are_refused(
    store: fsspec.AbstractFileSystem, denoiser: Denoiser
) -> None:
    store.pipe("/other/a.png", picture(5))
    outcomes = run(plan("memory://album", "memory://other"), denoiser)
    assert [outcome.status for outcome in outcomes] == ["failed", "failed"]
    assert "use {index}" in str(outcomes[0].error)


@pytest.mark.parametrize(
    ("inputs", "naming", "text"),
    [
        (["memory://album"], {"output": None}, "name an `output`"),
        (["memory://album"], {"output": "-"}, "name an `output`"),
        (["memory://album", ""], {"output": "memory://out"}, "^an input is empty"),
        (["memory://album"], {"output": "memory://out/a.png"}, "results need a folder"),
        (["memory://album"], {"output": "memory://out", "compare": True}, "no comparison"),
        (["memory://nothing"], {"output": "memory://out"}, "no pictures in memory://nothing"),
        (["nosuch://album"], {"output": "memory://out"}, "nosuch"),
    ],
)
def test_mistakes_are_told_before_anything_is_fetched(
    store: fsspec.AbstractFileSystem, inputs: list[str], naming: dict[str, object], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        plan_remote(inputs, Naming(**naming))  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["s3://archive/a.png", "s3://out"])
def test_a_package_that_is_missing_is_named_in_one_short_line(
    store: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    opened = fsspec.core.url_to_fs

    def url_to_fs(address: str) -> object:
        if address.startswith("s3://"):
            raise ImportError("Install s3fs\nto access S3")
        return opened(address)

    monkeypatch.setattr("fsspec.core.url_to_fs", url_to_fs)
    there = "memory://out"
    source, goal = (missing, there) if missing.endswith("png") else ("memory://album", missing)
    with pytest.raises(MissingExtraError) as caught:
        plan_remote([source], Naming(goal))
    line = f"{missing} needs a package that is missing: Install s3fs to access S3"
    assert str(caught.value) == line


def test_what_lies_on_the_network_is_told_by_its_address() -> None:
    assert all(map(is_on_network, ("https://a.org/a.png", "s3://b/a.png", "hf://c/d")))
    assert not any(map(is_on_network, ("a.png", "", "-", "file:///a.png", "memory://a")))
