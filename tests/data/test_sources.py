"""Which images serve for what: disjoint, repeatable, and told when something is missing."""

import csv
import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import split
import torch
from hypothesis import given
from PIL import Image

from flowdenoise.data import sources
from flowdenoise.data.corpus import Pixels, find_images, load_corpus
from flowdenoise.data.sources import DataConfig, Part, Sources, divide
from flowdenoise.errors import DataError, UsageError
from flowdenoise.images import Found

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures, one of them too small, one broken, and a text."""
    rng = np.random.default_rng(0)
    for index in range(8):
        pixels = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"picture{index}.png")
    Image.fromarray(np.zeros((8, 60), np.uint8)).save(tmp_path / "small.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    return tmp_path


@given(
    names=st.lists(st.text("abcdef", min_size=1), unique=True),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_a_division_is_disjoint_complete_and_repeatable(
    names: list[str], share: float, seed: int
) -> None:
    files = [Found(Path("x") / name, Path(name)) for name in names]
    first, second = divide(files, share, seed=seed)
    assert {file.path for file in first + second} == {file.path for file in files}
    assert len(first + second) == len(files)
    assert len(first) == round(share * len(files))
    moved = [Found(Path("y") / name, Path(name)) for name in reversed(names)]
    assert [f.place for f in divide(moved, share, seed=seed)[0]] == [f.place for f in first]


def test_pictures_of_one_name_in_several_sub_folders_are_divided_and_get_noise_each_by_itself(
    tmp_path: Path,
) -> None:
    """As in a corpus whose folders are scenes; where the whole of it lies does not matter."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    for place in (*(f"{scene:02}/NOISY.png" for scene in range(20)), "NOISY.png"):
        for folder in (tmp_path / "here", tmp_path / "there"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / place)
    here, there = (find_images([tmp_path / name]) for name in ("here", "there"))
    clean = [file.place for file in divide(here, 0.5, seed=0)[0]]
    scenes = [int(str(place.parent)) for place in clean if place.parent != Path()]
    assert scenes != sorted(scenes)
    assert clean == [file.place for file in divide(there, 0.5, seed=0)[0]]
    corpora = [load_corpus([tmp_path / name], channels=3) for name in ("here", "there")]
    assert len(set(corpora[0].keys.tolist())) == 21
    assert torch.equal(corpora[0].keys, corpora[1].keys)
    assert corpora[0].names[:2] == ("00/NOISY.png", "01/NOISY.png")
    named = load_corpus([tmp_path / "here" / "NOISY.png"], channels=3)
    assert named.keys.tolist() == [corpora[0].keys.tolist()[-1]]


def test_the_cache_of_another_folder_s_names_is_not_used(tmp_path: Path) -> None:
    inner = tmp_path / "all" / "inner"
    inner.mkdir(parents=True)
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(inner / "picture.png")
    for folder, name in ((inner, "picture.png"), (inner.parent, "inner/picture.png")):
        corpus = load_corpus([folder], channels=3, cache=tmp_path / "cache.pixels")
        assert corpus.names == (name,)


def test_the_shipped_weights_corpora_are_divided_as_docs_split_csv_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = Path(__file__).parents[2] / "docs" / "split.csv"
    picture = io.BytesIO()
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(picture, "PNG")
    folders = set()
    for row in csv.DictReader(written.read_text().splitlines()):
        folder = tmp_path / row["folder"]
        folder.mkdir(exist_ok=True)
        (folder / row["image"]).write_bytes(picture.getvalue())
        folders.add(str(folder))
    monkeypatch.setattr(sys, "argv", ["split.py", "--data", *sorted(folders)])
    split.main()
    assert capsys.readouterr().out == written.read_text()


def test_the_corpora_share_no_image(folder: Path) -> None:
    config = DataConfig(paths=(str(folder),), clean_share=0.4)
    parts = Sources(config).files("clean"), Sources(config).files("noisy")
    assert not set(parts[0]) & set(parts[1])
    assert len(parts[0]) + len(parts[1]) == 10


@pytest.mark.parametrize(
    ("part", "share", "other", "way"), [("clean", 0.5, "noisy", 1), ("noisy", 1.0, "clean", 0)]
)
def test_a_part_that_the_division_leaves_empty_is_told_with_the_way_out(
    folder: Path, part: Part, share: float, other: str, way: int
) -> None:
    config = DataConfig(paths=(str(folder / "picture0.png"),), clean_share=share)
    told = f"the {other} corpus gets all .* and the {part} one none.* data.clean_share={way} to"
    with pytest.raises(UsageError, match=told):
        Sources(config).files(part)
    assert len(Sources(replace(config, clean_share=way)).files(part)) == 1


def test_small_and_broken_images_are_left_out_and_listed(folder: Path) -> None:
    skipped: dict[str, str] = {}
    source = Sources(
        DataConfig(paths=(str(folder),), clean_share=1.0),
        on_skip=lambda path, why: skipped.update({path.name: why}),
    )
    corpus = source.corpus("clean", 32, CPU)
    assert corpus is not None
    assert len(corpus) == 8
    assert set(skipped) == {"small.png", "broken.png"}
    for name, why in skipped.items():
        assert name in why
    assert "fewer than 32 on a side" in skipped["small.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_picture_file_is_left_out_and_listed(folder: Path, tmp_path: Path) -> None:
    (folder / "dangling.png").symlink_to(folder / "gone.png")
    (folder / "endless.png").symlink_to(folder / "endless.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "a folder.png").mkdir()
    picture = (folder / "picture0.png").read_bytes()
    Path(os.fsdecode(os.fsencode(folder) + b"/latin-\xe9.png")).write_bytes(picture)
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):  # not kept, written, found
        why: list[str] = []
        source = Sources(
            config, on_skip=lambda path, text, told=why: told.append(text), cache=cache
        )
        corpus = source.corpus("clean", 32, CPU)
        assert corpus is not None
        assert len(corpus) == 8
        assert len(why) == 6
        for reason in (
            "dangling.png: the link leads nowhere",
            "endless.png is a link to nothing",
            "pipe.png: it is a FIFO",
            r"latin-\udce9.png is not UTF-8",
        ):
            assert sum(reason in text for text in why) == 1, reason


def test_of_two_names_of_a_picture_one_counts_lest_it_be_clean_and_noisy(folder: Path) -> None:
    (folder / "again.png").symlink_to(folder / "picture0.png")
    config = DataConfig(paths=(str(folder), str(folder / "picture1.png")), clean_share=0.5)
    parts = [Sources(config).files(part) for part in ("clean", "noisy")]
    files = [os.path.realpath(file.path) for part in parts for file in part]
    assert len(files) == len(set(files)) == 10


@pytest.mark.usefixtures("permissions_hold")
def test_folders_that_are_not_searched_are_listed(folder: Path) -> None:
    for name in ("closed", "@eaDir", ".hidden", "inner"):
        (folder / name).mkdir()
        (folder / name / "picture.png").write_bytes((folder / "picture0.png").read_bytes())
    (folder / "around").symlink_to(folder)
    (folder / "closed").chmod(0)
    why: list[str] = []
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    found = Sources(config, on_skip=lambda path, text: why.append(text)).files("clean")
    (folder / "closed").chmod(0o700)
    assert {file.path.parent.name for file in found} == {folder.name, "inner"}
    assert sorted(text.removeprefix(f"{folder}/") for text in why) == [
        "@eaDir: folders of this name hold thumbnails",
        "around: links to folders are not followed",
        "closed: the folder can't be searched: permission denied",
    ]


def test_only_unusable_images_are_an_error(folder: Path) -> None:
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    with pytest.raises(DataError, match="no usable image among 10"):
        Sources(config).corpus("clean", 1000, CPU)


def test_really_noisy_images_replace_the_noisy_corpus(folder: Path) -> None:
    noisy = folder / "picture0.png"
    config = DataConfig(paths=(str(folder),), noisy=(str(noisy),))
    assert Sources(config).files("noisy")[0].path == noisy


def test_the_memory_mapped_corpus_is_the_one_in_memory(folder: Path, tmp_path: Path) -> None:
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    held = Sources(config).corpus("clean", 32, CPU)
    cache = tmp_path / "cache"
    for _ in range(2):  # written, then found
        mapped = Sources(config, cache=cache).corpus("clean", 32, CPU)
        assert held is not None
        assert mapped is not None
        assert torch.equal(mapped.pixels, held.pixels)
        assert mapped.names == held.names
        assert torch.equal(mapped.image(3), held.image(3))
    assert not list(cache.glob("*.part"))


def test_a_changed_image_makes_the_cache_stale(folder: Path, tmp_path: Path) -> None:
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    cache = tmp_path / "cache"
    Sources(config, cache=cache).corpus("clean", 32, CPU)
    Image.fromarray(np.full((50, 50, 3), 7, np.uint8)).save(folder / "picture0.png")
    fresh = Sources(config, cache=cache).corpus("clean", 32, CPU)
    assert fresh is not None
    index = fresh.names.index("picture0.png")
    assert (fresh.image(index) == 7).all()


def test_a_damaged_cache_is_made_again(folder: Path, tmp_path: Path) -> None:
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    cache = tmp_path / "cache"
    sound = Sources(config, cache=cache).corpus("clean", 32, CPU)
    assert sound is not None
    expected = sound.pixels.clone()
    pixels, index = cache / "clean-3.pixels", cache / "clean-3.json"
    written = pixels.read_bytes()
    damages: tuple[tuple[Path, bytes], ...] = (
        (pixels, written[:1000] + bytes([written[1000] ^ 1]) + written[1001:]),
        (pixels, written[:-1]),
        (pixels, b""),
        (index, b""),
        (index, b"[]"),
        (index, b'{"fingerprint": 3}'),
        (index, index.read_bytes()[:-9]),
    )
    for file, content in damages:
        file.write_bytes(content)
        again = Sources(config, cache=cache).corpus("clean", 32, CPU)
        assert again is not None
        assert torch.equal(again.pixels, expected)
        assert pixels.read_bytes() == written


def test_a_cache_that_can_not_be_written_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, channels: int) -> Pixels:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowdenoise.images.read_uint8", full)
    config = DataConfig(paths=(str(folder),), clean_share=1.0)
    with pytest.raises(DataError, match=r"can't write the cache .*: No space left"):
        Sources(config, cache=tmp_path / "cache").corpus("clean", 32, CPU)
    assert {file.suffix for file in (tmp_path / "cache").iterdir()} == {".lock"}


def test_coco_gives_the_papers_split(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.coco, "fetch", lambda report: folder)
    monkeypatch.setattr(
        sources.coco.paper_split, "__kwdefaults__", {"clean": 4, "noisy": 4, "validation": 2}
    )
    config = DataConfig(paths=("coco",))
    parts = [Sources(config).files(part) for part in ("clean", "noisy", "validation")]
    assert [len(part) for part in parts] == [4, 4, 2]
    assert len({file for part in parts for file in part}) == 10


@pytest.mark.parametrize(
    "wrong", [{"channels": 2}, {"clean_share": 1.5}, {"paths": ("coco", "folder")}]
)
def test_impossible_sources_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        DataConfig(**wrong)  # type: ignore[arg-type]


def test_no_source_is_an_error() -> None:
    with pytest.raises(UsageError, match="no images are named"):
        Sources(DataConfig()).files("noisy")
