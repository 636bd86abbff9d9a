"""Sets of images: found, fetched, and what they claim to be."""

from __future__ import annotations

import dataclasses
import http.server
import json
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise.benchmark import catalog
from flowdenoise.benchmark.catalog import SETS, NamedSet, fingerprints
from flowdenoise.benchmark.image_set import fingerprint
from flowdenoise.benchmark.sets import open_set
from flowdenoise.data.remote_file import Remote
from flowdenoise.errors import DataError, ImageReadError, UsageError
from flowdenoise.system.cache import CACHE_VARIABLE

from ..conftest import scene


def add_set(monkeypatch: pytest.MonkeyPatch, source: str = "http://127.0.0.1:9/set") -> NamedSet:
    """A named set of two color images, `x` and `y`."""
    entry = NamedSet("tiny2", False, 2, source, "{}.png", names=("x", "y"))
    monkeypatch.setitem(SETS, entry.name, entry)
    return entry


@pytest.fixture
def two(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny2"
    folder.mkdir()
    for number, name in enumerate("xy"):
        Image.fromarray(scene(20, 30, seed=number)).save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize(
    ("name", "count", "kind"),
    [
        ("bsd68", 68, "gray"),
        ("cbsd68", 68, "color"),
        ("set12", 12, "gray"),
        ("kodak24", 24, "color"),
        ("mcmaster", 18, "color"),
        ("urban100", 100, "color"),
        ("nam25", 25, "color"),
        ("cc15", 15, "color"),
        ("polyu", 100, "color"),
    ],
)
def test_the_named_sets_are_complete(name: str, count: int, kind: str) -> None:
    entry = SETS[name]
    assert entry.count == count
    assert entry.listing is not None or len(set(entry.names)) == count
    assert entry.kind == kind
    assert entry.source.startswith("https://")
    assert entry.archive is None or entry.archive.has_checksum
    assert len(entry.remotes(entry.names)) == len(entry.names) * (2 if entry.noisy else 1)


@pytest.mark.parametrize(
    "name", [name for name, entry in SETS.items() if "github" in entry.source]
)
def test_sources_are_pinned_to_a_commit(name: str) -> None:
    assert re.search(r"/[0-9a-f]{40}(/|$)", SETS[name].source)


@pytest.mark.parametrize("name", ["bsd68", "cbsd68"])
def test_the_fingerprints_of_bsd68_name_every_image(name: str) -> None:
    assert set(fingerprints(name)) == set(SETS[name].names)
    assert all(len(digest) == 64 for digest in fingerprints(name).values())


@pytest.mark.parametrize("name", ["bsd68", "cbsd68"])
def test_the_real_images_are_the_ones_that_are_known(name: str, shared_data: Path) -> None:
    images = open_set(name, data_dir=shared_data)
    assert len(images.files) == 68
    sample = images.load(images.files[0])
    assert sample.fingerprint == fingerprints(name)[sample.name]
    assert sorted(sample.clean.shape[1:]) == [321, 481]


def test_an_image_is_known_by_its_pixels_whatever_its_file(two: Path) -> None:
    images = open_set(str(two))
    before = images.load(images.files[0])
    with Image.open(two / "x.png") as image:
        image.save(two / "x.tif")
    (two / "x.png").unlink()
    after = open_set(str(two)).load(two / "x.tif")
    assert after.fingerprint == before.fingerprint
    assert fingerprint(np.zeros((2, 3, 1), np.uint8)) != fingerprint(np.zeros((3, 2, 1), np.uint8))


def test_a_set_is_found_in_a_folder_and_below_one(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_set(monkeypatch)
    for folder in (two, two.parent):
        images = open_set("tiny2", data_dir=folder)
        assert [file.name for file in images.files] == ["x.png", "y.png"]
        assert (images.kind, images.channels) == ("color", 3)


def test_a_set_with_missing_files_says_which_and_where_they_are(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add_set(monkeypatch)
    (two / "y.png").unlink()
    with pytest.raises(DataError, match=f"lacks 1 of the 2 images of tiny2, y .*{entry.source}"):
        open_set("tiny2", data_dir=two)


def test_a_set_with_an_altered_file_is_refused(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_set(monkeypatch)
    images = open_set("tiny2", data_dir=two)
    known = {file.stem: images.load(file).fingerprint for file in images.files}
    monkeypatch.setattr("flowdenoise.benchmark.sets.fingerprints", lambda _: known)
    assert len(open_set("tiny2", data_dir=two).files) == 2
    pixels = scene(20, 30, seed=1)
    pixels[3, 4, 0] ^= 1
    Image.fromarray(pixels).save(two / "y.png")
    with pytest.raises(DataError, match=r"y\.png is not y of tiny2: its pixels differ"):
        open_set("tiny2", data_dir=two)


def test_a_missing_data_dir_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        open_set("bsd68", data_dir=tmp_path / "nowhere")


def test_an_unknown_set_says_which_exist() -> None:
    with pytest.raises(UsageError, match="no set 'bsd69'; there are bsd68, cbsd68, set12"):
        open_set("bsd69")


class TestFetching:
    """Sets that are fetched, from a server on this machine."""

    @pytest.fixture
    def served(self, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        handler = partial(Quiet, directory=str(two.parent))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        add_set(monkeypatch, f"http://127.0.0.1:{server.server_port}/tiny2")
        yield two
        server.shutdown()
        server.server_close()
        thread.join()

    def test_they_are_kept_in_the_cache_and_reported(self, served: Path, tmp_path: Path) -> None:
        stages = set()
        first = open_set("tiny2", report=lambda stage, _done, _total: stages.add(stage))
        assert stages == {f"downloading tiny2, image {n} of 2" for n in (1, 2)}
        assert all((tmp_path / "cache") in file.parents for file in first.files)
        shutil.rmtree(served)
        assert open_set("tiny2").files == first.files

    def test_later_images_are_held_against_those_first_seen(
        self, served: Path, tmp_path: Path
    ) -> None:
        images = open_set("tiny2")
        record = tmp_path / "cache" / "sets" / "tiny2" / "fingerprints.json"
        seen = json.loads(record.read_text())
        assert seen == {file.stem: images.load(file).fingerprint for file in images.files}
        Image.fromarray(scene(20, 30, seed=9)).save(images.files[0])
        with pytest.raises(DataError, match="its pixels differ"):
            open_set("tiny2")

    def test_what_can_not_be_fetched_says_how_to_get_it(self, served: Path) -> None:
        (served / "y.png").unlink()
        with pytest.raises(DataError, match=r"get its 2 images from http.*`data_dir`"):
            open_set("tiny2")


class TestPairs:
    """Photographs with noise, each with its truth."""

    @pytest.fixture
    def pairs(self, tmp_path: Path) -> Path:
        folder = tmp_path / "pairs"
        folder.mkdir()
        for number, name in enumerate(("b", "a")):
            clean = scene(20, 30, seed=number)
            Image.fromarray(clean).save(folder / f"{name}_mean.png")
            Image.fromarray(255 - clean).save(folder / f"{name}_real.png")
        return folder

    def test_the_ends_of_names_tell_which_is_which(self, pairs: Path) -> None:
        images = open_set(str(pairs))
        assert [images.name_of(file) for file in images.files] == ["a", "b"]
        sample = images.load(images.files[0])
        assert sample.noisy is not None
        torch.testing.assert_close(sample.noisy, 1 - sample.clean)

    def test_both_pictures_of_a_pair_make_its_fingerprint(self, pairs: Path) -> None:
        before = open_set(str(pairs))
        first = before.load(before.files[0]).fingerprint
        Image.fromarray(scene(20, 30, seed=5)).save(pairs / "a_real.png")
        assert open_set(str(pairs)).load(before.files[0]).fingerprint != first

    def test_the_middle_of_a_pair_is_that_of_both(self, pairs: Path) -> None:
        whole = open_set(str(pairs))
        noisy = whole.load(whole.files[0]).noisy
        middle = whole.middle(8).load(whole.files[0]).noisy
        assert noisy is not None
        assert middle is not None
        assert torch.equal(middle, noisy[:, 6:14, 11:19])

    def test_what_has_no_partner_is_told(self, pairs: Path) -> None:
        (pairs / "b_mean.png").unlink()
        with pytest.raises(DataError, match=r"has pairs, and b_real\.png, which has no partner"):
            open_set(str(pairs))

    def test_partners_of_different_sizes_are_refused(self, pairs: Path) -> None:
        Image.fromarray(scene(20, 31)).save(pairs / "a_real.png")
        images = open_set(str(pairs))
        with pytest.raises(DataError, match="different sizes"):
            images.load(images.files[0])

    def test_a_named_set_is_found_under_other_ends(
        self, pairs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = "https://example.org"
        entry = NamedSet("two", False, 2, source, "{}_gt.png", "{}_noise.png", names=("b", "a"))
        monkeypatch.setitem(SETS, "two", entry)
        images = open_set("two", data_dir=pairs)
        assert [images.name_of(file) for file in images.files] == ["b", "a"]
        assert set(images.partners) == set(images.files)
        (pairs / "a_real.png").unlink()
        with pytest.raises(DataError, match="lacks 1 of the 2 images of two, a first"):
            open_set("two", data_dir=pairs)

    def test_a_list_of_files_names_the_pairs(
        self, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
        listing = {"tree": [{"path": f"pairs/{file.name}"} for file in pairs.iterdir()]}
        (tmp_path / "list").write_text(json.dumps(listing))

        def fetch(remote: Remote, target: Path, report: object = None) -> Path:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tmp_path / remote.url.removeprefix("https://example.org/"), target)
            return target

        monkeypatch.setattr("flowdenoise.benchmark.sets.download", fetch)
        listed = Remote("https://example.org/list")
        ends = ("pairs/{}_mean.png", "pairs/{}_real.png")
        for count in (2, 3):
            entry = NamedSet("two", False, count, "https://example.org", *ends, listing=listed)
            monkeypatch.setitem(SETS, "two", entry)
            if count == 2:
                assert len(open_set("two").partners) == 2
            else:
                with pytest.raises(DataError, match="has 3 images, and 2 are listed"):
                    open_set("two")


def test_a_folder_of_data_may_hold_sets_of_other_names(two: Path) -> None:
    assert open_set("tiny2", data_dir=two.parent).name == "tiny2"


class TestFolders:
    """Any folder of clean images."""

    def test_images_of_several_sizes_and_kinds_are_taken(self, two: Path) -> None:
        Image.fromarray(scene(9, 50)[..., 0]).save(two / "gray.png")
        Image.fromarray(scene(31, 7)).convert("P").save(two / "palette.gif")
        Image.fromarray(scene(12, 12)[..., 0].astype(np.uint16) * 257).save(two / "deep.png")
        (two / "notes.txt").write_text("no image")
        images = open_set(str(two))
        assert images.name == "tiny2"
        loaded = [images.load(file) for file in images.files]
        assert [sample.name for sample in loaded] == ["deep", "gray", "palette", "x", "y"]
        assert {sample.clean.shape[0] for sample in loaded} == {3}
        assert open_set(str(two), gray=True).load(two / "x.png").clean.shape == (1, 20, 30)

    def test_a_folder_of_gray_images_is_measured_in_gray(self, two: Path) -> None:
        for name in "xy":
            with Image.open(two / f"{name}.png") as image:
                gray = image.convert("L")
            gray.save(two / f"{name}.png")
        assert open_set(str(two)).kind == "gray"

    def test_what_is_no_image_is_an_error_of_that_image_only(self, two: Path) -> None:
        (two / "a.png").write_bytes(b"rubbish")
        images = open_set(str(two))
        assert images.kind == "color"
        with pytest.raises(ImageReadError, match=r"a\.png"):
            images.load(two / "a.png")

    def test_two_files_of_one_name_are_refused(self, two: Path) -> None:
        Image.fromarray(scene(20, 30)).save(two / "x.jpg")
        with pytest.raises(DataError, match="several images called x"):
            open_set(str(two))

    def test_a_list_names_the_images_to_take(self, two: Path, tmp_path: Path) -> None:
        table = tmp_path / "few.csv"
        table.write_text("image,why\ny.png,colorful\n")
        images = open_set(str(two)).listed(table)
        assert (images.name, [file.name for file in images.files]) == ("tiny2-few", ["y.png"])
        for text, problem in (
            ("image\nz.png\n", "names 'z.png'"),
            ("image\ny.png\nx.png\ny.png\n", "names 'y.png' twice"),
            ("name\ny\n", "no column"),
            ("name\n", "no column"),
            ("", "no column"),
            ("image\n", "names no image"),
        ):
            table.write_text(text)
            with pytest.raises(DataError, match=problem):
                open_set(str(two)).listed(table)

    def test_an_empty_folder_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no images in"):
            open_set(str(tmp_path))

    def test_the_first_images_can_be_taken_alone(self, two: Path) -> None:
        images = open_set(str(two))
        assert [file.stem for file in images.first(1).files] == ["x"]
        assert images.first(0).files == images.files


def test_fingerprints_of_sets_that_nobody_published_are_not_invented() -> None:
    catalog.fingerprints.cache_clear()
    assert fingerprints("kodak24") == {}


def test_the_middle_of_images_is_an_image_of_its_own(two: Path) -> None:
    whole = open_set(str(two))
    cut = whole.middle(8)
    assert cut.name == "tiny2-middle8"
    assert whole.middle(0) == whole
    for file in whole.files:
        middle = whole.load(file).clean[:, 6:14, 11:19]
        assert torch.equal(cut.load(file).clean, middle)
        assert cut.load(file).fingerprint != whole.load(file).fingerprint
    with pytest.raises(DataError, match="all images of tiny2 are smaller than 21 pixels"):
        whole.middle(21)


def test_an_image_that_cannot_be_read_is_not_taken_for_a_small_one(two: Path) -> None:
    (two / "bad.png").write_bytes(b"rubbish")
    cut = open_set(str(two)).middle(8)
    assert "bad" in {file.stem for file in cut.files}
    assert not cut.left_out


def test_the_middle_of_an_altered_image_is_refused_like_the_image(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_set(monkeypatch)
    known = open_set("tiny2", data_dir=two)
    altered = dataclasses.replace(known, known={"x": "0" * 64}).middle(8)
    with pytest.raises(DataError, match="its pixels differ"):
        altered.load(altered.files[0])
