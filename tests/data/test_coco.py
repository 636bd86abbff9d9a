"""COCO comes whole or not at all; the paper's split is disjoint and can be repeated."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdenoise.data import coco
from flowdenoise.data.coco import Split, paper_split
from flowdenoise.data.download import Remote
from flowdenoise.errors import DataError

PARTS = ("clean", "noisy", "validation")


@pytest.fixture
def small_coco(loopback, monkeypatch):
    """The server and COCO's stand-in: an archive of five images and a text."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("val2014/", b"")
        packed.writestr("val2014/readme.txt", b"unwanted")
        for number in range(5):
            packed.writestr(f"val2014/COCO_val2014_{number:012d}.jpg", b"jpeg %d" % number)
    content = loopback.files["/val2014.zip"] = stream.getvalue()
    known = Remote(loopback.url("/val2014.zip"), len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(coco, "VAL2014", known)
    monkeypatch.setattr(coco, "IMAGES", 5)
    return loopback


def files(count: int, folder: Path = Path("images")) -> list[Path]:
    return [folder / f"{number}.png" for number in range(count)]


def make(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True)
    for file in files(count, folder):
        file.touch()
    return files(count, folder)


def parts(split: Split) -> list[tuple[Path, ...]]:
    return [split.clean, split.noisy, split.validation]


def test_the_images_come_to_the_cache_once(small_coco, tmp_path, monkeypatch):
    monkeypatch.setenv("FLOWDENOISE_CACHE", str(tmp_path))
    stages = []
    folder = coco.fetch(report=lambda stage, done, total: stages.append(stage))
    assert folder == tmp_path / "coco-val2014"
    assert len(list(folder.rglob("*.jpg"))) == 5
    assert not list(folder.rglob("*.txt"))
    assert list(dict.fromkeys(stages)) == ["downloading", "unpacking"]
    assert coco.fetch() == folder
    assert len(small_coco.seen) == 1


def test_an_interrupted_fetch_goes_on(small_coco, tmp_path):
    small_coco.moods.append(lambda handler: handler.obey(stop=100))
    coco.fetch(tmp_path / "coco")
    assert small_coco.seen[1].headers["range"] == "bytes=100-"


def test_images_that_a_user_has_already_are_taken_from_where_they_are(small_coco, tmp_path):
    (tmp_path / "mine" / "val2014").mkdir(parents=True)
    for number in range(5):
        (tmp_path / "mine" / "val2014" / f"COCO_val2014_{number:012d}.jpg").touch()
    assert coco.fetch(tmp_path / "mine") == tmp_path / "mine"
    assert small_coco.seen == []


def test_an_incomplete_folder_says_what_to_do(small_coco, tmp_path):
    folder = coco.fetch(tmp_path / "coco")
    next(folder.rglob("*.jpg")).unlink()
    with pytest.raises(DataError, match="holds 4 of COCO's 5 validation images: remove it"):
        coco.fetch(folder)


def test_an_altered_archive_is_refused(small_coco, tmp_path):
    small_coco.files["/val2014.zip"] = small_coco.files["/val2014.zip"][::-1]
    with pytest.raises(DataError, match="expected sha256"):
        coco.fetch(tmp_path / "coco")
    assert not (tmp_path / "coco").exists()


def test_the_papers_sizes_are_the_default_and_validation_is_what_is_left():
    split = paper_split(files(coco.IMAGES), seed=0)
    assert [len(part) for part in parts(split)] == [20_000, 20_000, 504]


def test_validation_takes_no_more_than_asked_for():
    split = paper_split(files(42_000), seed=0)
    assert [len(part) for part in parts(split)] == [20_000, 20_000, 1_000]


@given(
    seed=st.integers(0, 2**64),
    sizes=st.tuples(*[st.integers(1, 12)] * 3),
    left=st.integers(0, 9),
    shuffled=st.randoms(),
)
def test_the_parts_share_no_image_and_the_order_of_the_files_does_not_matter(
    seed, sizes, left, shuffled
):
    clean, noisy, validation = sizes
    images = files(clean + noisy + validation + left)
    options = {"seed": seed, "clean": clean, "noisy": noisy, "validation": validation}
    split = paper_split(images, **options)
    assert tuple(len(part) for part in parts(split)) == sizes
    assert len(set().union(*parts(split))) == sum(sizes)
    shuffled.shuffle(images)
    assert paper_split(images, **options) == split


def test_another_seed_gives_another_split():
    first, second = (paper_split(files(100), seed=s, clean=40, noisy=40) for s in (0, 1))
    assert set(first.clean) != set(second.clean)


def test_the_split_does_not_depend_on_the_folder():
    here, there = (paper_split(files(30, Path(name)), seed=3, clean=10, noisy=10) for name in "ab")
    assert [file.name for file in here.clean] == [file.name for file in there.clean]


def test_the_split_of_a_seed_never_changes():
    split = paper_split(files(6), seed=0, clean=2, noisy=2)
    assert [[file.stem for file in part] for part in parts(split)] == [
        ["4", "1"],
        ["3", "0"],
        ["2", "5"],
    ]


def test_a_file_named_twice_counts_once():
    images = files(9)
    split = paper_split(images * 2, seed=0, clean=4, noisy=4)
    assert sorted([*split.clean, *split.noisy, *split.validation]) == sorted(images)


def test_too_few_images_say_how_many_are_needed():
    with pytest.raises(DataError, match="needs at least 40001 images, there are 40000"):
        paper_split(files(40_000), seed=0)
