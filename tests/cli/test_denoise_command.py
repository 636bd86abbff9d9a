"""`flowdenoise denoise` as people use and misuse it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from .conftest import Answer, Invoke


def one_line(answer: Answer) -> str:
    """The error message, which has to be a single line and no traceback."""
    lines = answer.err.strip().splitlines()
    assert "Traceback" not in answer.err
    assert len(lines) == 1, answer.err
    return lines[0]


def test_a_photo_comes_out_beside_itself(invoke: Invoke, tiny: Path, photo: Path) -> None:
    answer = invoke("denoise", photo, "--sigma", 25, "--model", tiny)
    assert answer.status == 0
    assert answer.out == b""
    assert "noise 25.0 of 255" in answer.err
    with Image.open(photo.with_name("photo_denoised.png")) as result:
        assert result.size == (50, 40)


def test_json_has_a_line_per_picture(invoke: Invoke, tiny: Path, photo: Path) -> None:
    (photo.parent / "bad.png").write_bytes(b"rubbish")
    out = photo.parent / "out"
    answer = invoke("denoise", photo.parent, "-o", out, "-s", 10, "-m", tiny, "--json")
    assert answer.status == 1
    bad, good = (json.loads(line) for line in answer.text.splitlines())
    assert (bad["status"], good["status"]) == ("failed", "denoised")
    assert good["sigma"] == pytest.approx(10)
    assert good["written"] == [str(out / "photo.png")]
    assert (good["weights"], bad["weights"]) == ([str(tiny)], [])
    assert "bad.png" in bad["error"]


def test_addresses_are_inputs_and_outputs(invoke: Invoke, tiny: Path, photo: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/command/in/photo.png", photo.read_bytes())
    line = ("denoise", "memory://command/in", "-s", 25, "-m", tiny)
    answer = invoke(*line, "-o", "memory://command/out", "--json")
    assert answer.status == 0, answer.err
    assert json.loads(answer.text)["written"] == ["memory:///command/out/photo.png"]
    assert "-> memory:///command/out/photo.png" in answer.err
    assert invoke("denoise", photo, "-s", 25, "-m", tiny, "-o", f"{photo.parent}/o/").status == 0
    made = photo.parent / "o" / "photo.png"
    assert store.cat("/command/out/photo.png") == made.read_bytes()
    refused = invoke(*line)
    assert refused.status == 2
    assert "name an --output" in one_line(refused)
    assert invoke(*line, "-o", f"{photo.parent}/off/", "--offline").status == 0
    store.rm("/command", recursive=True)


def test_a_preview_shows_a_part_under_a_name_of_its_own(
    invoke: Invoke, tiny: Path, photo: Path
) -> None:
    line = ("denoise", photo, "-s", 25, "-m", tiny, "--compare")
    answer = invoke(*line, "--crop", "20x12+30+8")
    assert answer.status == 0, answer.err
    with Image.open(photo.with_name("photo_preview.png")) as result:
        assert result.size == (20, 12)
    assert not photo.with_name("photo_denoised.png").exists()
    assert invoke(*line, "--crop", "20x12+31+8", "--overwrite").status == 1
    assert invoke(*line, "--crop", "20x12").status == 2


def test_a_part_of_a_clean_picture_is_that_part(invoke: Invoke, tiny: Path, photo: Path) -> None:
    line = ("denoise", photo, "-m", tiny, "--strength", 0, "--crop", "20x12+30+8")
    assert invoke(*line).status == 0
    with Image.open(photo.with_name("photo_preview.png")) as part, Image.open(photo) as whole:
        assert np.array_equal(np.asarray(part), np.asarray(whole)[8:20, 30:50])


def test_stdin_to_stdout(invoke: Invoke, tiny: Path, photo: Path) -> None:
    answer = invoke("denoise", "-", "-s", 10, "-m", tiny, "-q", stdin=photo.read_bytes())
    assert answer.status == 0
    assert answer.err == ""
    with Image.open(io.BytesIO(answer.out)) as result:
        assert (result.format, result.size) == ("PNG", (50, 40))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "AVIF")),
        ("HEIF", {}),
        *(("JXL", {"use_container": boxes}) for boxes in (False, True)),
    ],
)
def test_a_second_picture_on_standard_input_is_told(
    invoke: Invoke, tiny: Path, photo: Path, kind: str, options: dict[str, bool]
) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if kind == "JXL":
        pytest.importorskip("pillow_jxl")
    file = io.BytesIO()
    Image.open(photo).convert("RGB").save(file, kind, **options)
    line = ["denoise", "-", "-s", 10, "-m", tiny, "-o", photo.with_name("out.png")]
    for count in (1, 2):
        answer = invoke(*line, "--overwrite", stdin=count * file.getvalue())
        assert answer.status == 0
        assert ("what follows it is left out" in answer.err) == (count == 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", os.devnull], "no regular file"),
        (["-o", "photo.png/x/"], "can't make the folder"),
        (["--name", "x" * 300 + ".png"], "file name too long"),
        (["-o", "/proc/x.png"], "can't be written"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="other places that can't be written")
def test_a_result_that_can_not_be_written_is_one_line_and_status_1(
    invoke: Invoke,
    tiny: Path,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(photo.parent)
    answer = invoke("denoise", photo.name, "-s", 25, "-m", tiny, *arguments)
    assert message in one_line(answer)
    assert answer.status == 1
    assert list(photo.parent.glob("*.png")) == [photo]


def test_what_is_left_out_of_a_folder_is_told(invoke: Invoke, tiny: Path, photo: Path) -> None:
    for name in ("1.cr2", "2.cr2", "3.cr2", "4.cr2", "5.cr2", "x.psd", "photo_denoised_noise.png"):
        photo.with_name(name).touch()
    answer = invoke("denoise", photo.parent, "-s", 25, "-m", tiny)
    assert answer.status == 0
    told = " ".join(answer.err.split())
    assert "3.cr2 and 2 more (raw pictures can't be read)" in told
    assert "x.psd (Photoshop pictures can't be read)" in told
    assert "photo_denoised_noise.png (the result of another picture)" in told


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [("pillow_heif", "x.HEIC", "heic"), ("pillow_jxl", "x.jxl", "jxl")],
)
def test_pictures_that_need_an_extra_are_left_out_of_a_folder_and_refused_if_named(
    invoke: Invoke,
    tiny: Path,
    photo: Path,
    module: str,
    name: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    head = b"\0\0\0\x18ftypheic" if extra == "heic" else b"\xff\x0a"
    photo.with_name(name).write_bytes(head + bytes(100))
    for source, status in ((photo.parent, 0), (photo.with_name(name), 1)):
        answer = invoke("denoise", source, "-s", 25, "-m", tiny)
        assert answer.status == status
        assert f"needs an extra: pip install 'flowdenoise[{extra}]'" in " ".join(
            answer.err.split()
        )
    assert photo.with_name("photo_denoised.png").exists()


def test_an_input_that_is_missing_is_an_error_and_the_rest_is_done(
    invoke: Invoke, tiny: Path, photo: Path
) -> None:
    answer = invoke("denoise", photo.with_name("gone.png"), photo, "-s", 25, "-m", tiny)
    assert answer.status == 1
    assert "gone.png: there is no such file or folder" in answer.err
    assert photo.with_name("photo_denoised.png").exists()


def test_extras_are_written_when_asked(invoke: Invoke, tiny: Path, photo: Path) -> None:
    invoke("denoise", photo, "-s", 25, "-m", tiny, "--save-noise", "--compare")
    names = {path.name for path in photo.parent.glob("photo_*")}
    assert names == {
        "photo_denoised.png",
        "photo_denoised_noise.png",
        "photo_denoised_compare.png",
    }


def test_another_format_and_name(invoke: Invoke, tiny: Path, photo: Path) -> None:
    line = ["-s", 25, "-m", tiny, "--format", "jpeg", "--name", "{index}-{stem}{suffix}"]
    assert invoke("denoise", photo, *line).status == 0
    with Image.open(photo.with_name("1-photo.jpg")) as result:
        assert result.format == "JPEG"


def test_a_second_run_refuses_skips_or_replaces(invoke: Invoke, tiny: Path, photo: Path) -> None:
    line = ["denoise", photo, "-s", 25, "-m", tiny]
    assert invoke(*line).status == 0
    refused = invoke(*line)
    assert refused.status == 1
    assert "--overwrite" in one_line(refused)
    assert invoke(*line, "--skip-existing").status == 0
    assert invoke(*line, "--overwrite").status == 0


@pytest.mark.parametrize("tile", [0, 32, 64])
def test_tiles_of_any_size(invoke: Invoke, tiny: Path, photo: Path, tile: int) -> None:
    line = ["-s", 25, "-m", tiny, "--tile", tile, "--precision", "float32", "--threads", 1]
    assert invoke("denoise", photo, *line).status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sigma", "-1"], "0 to 255"),
        (["--sigma", "256"], "0 to 255"),
        (["--sigma", "nan"], "0 to 255"),
        (["--sigma", "much"], "auto or a number"),
        (["--strength", "-1"], "strength"),
        (["--strength", "nan"], "strength"),
        (["--tile", "33"], "multiple of 32"),
        (["--tile", "32", "--overlap", "16"], "nothing left"),
        (["--device", "abacus"], "there are auto, cpu, cuda, mps"),
        (["--precision", "int4"], "there are auto, float32, bfloat16"),
        (["--format", "xyz"], "choose one of"),
        (["--skip-existing", "--overwrite"], "exclude each other"),
        (["--model", "colour"], "color"),
        (["--name", "{who}"], "template"),
        (["-o", "-", "--json"], "standard output"),
        (
            ["--offline", "-o", "https://example.org/out"],
            "lies on the network, which --offline rules out",
        ),
        (["-o", ""], "--output is empty"),
        ([""], "an input is empty"),
        (["-o", "photo_x.png", "--format", "jpeg"], "leave out --format"),
    ],
)
def test_a_mistake_in_the_call_is_one_line_and_status_2(
    invoke: Invoke, tiny: Path, photo: Path, arguments: list[str], message: str
) -> None:
    line = ["denoise", photo, *([] if "--sigma" in arguments else ["--sigma", "25"])]
    line += [] if "--model" in arguments else ["--model", tiny]
    answer = invoke(*line, *arguments)
    assert message in one_line(answer)
    assert answer.status == (1 if "--model" in arguments else 2)
    assert not list(photo.parent.glob("photo_*"))


def test_cuda_where_there_is_none(invoke: Invoke, tiny: Path, photo: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    answer = invoke("denoise", photo, "-s", 25, "-m", tiny, "--device", "cuda")
    assert answer.status == 1
    assert "no CUDA device" in one_line(answer)


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "altered"])
def test_weights_that_are_wrong(
    invoke: Invoke, tiny: Path, photo: Path, tmp_path: Path, damage: str
) -> None:
    data = tiny.read_bytes()
    file = tmp_path / "w.safetensors"
    changed = {
        "text": b"no weights at all",
        "cut": data[:-100],
        "altered": data[:-100] + bytes(100),
    }
    if damage in changed:
        file.write_bytes(changed[damage])
    answer = invoke("denoise", photo, "-s", 25, "-m", file)
    assert answer.status in (1, 2)
    assert "w.safetensors" in one_line(answer)


def mode_rgb() -> Image.Image:
    return Image.new("RGB", (40, 30), (200, 100, 50))


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.png", b""),
        ("text.png", b"hello"),
        ("cut.png", encoded(mode_rgb(), "PNG")[:-30]),
        ("cut.jpg", encoded(mode_rgb(), "JPEG")[:-200]),
    ],
)
def test_a_file_that_is_no_picture(
    invoke: Invoke, tiny: Path, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    answer = invoke("denoise", tmp_path / name, "-s", 25, "-m", tiny)
    assert answer.status == 1
    assert name in one_line(answer)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_bomb_is_refused_before_it_is_decoded(invoke: Invoke, tiny: Path, photo: Path) -> None:
    answer = invoke("denoise", photo, "-s", 25, "-m", tiny, "--max-pixels", 100)
    assert answer.status == 1
    assert "--max-pixels" in one_line(answer)


def test_what_is_not_there(invoke: Invoke, tiny: Path, tmp_path: Path) -> None:
    answer = invoke("denoise", tmp_path / "nothing.png", "-m", tiny)
    assert answer.status == 2
    assert "no such file or folder" in one_line(answer)


@pytest.mark.usefixtures("permissions_hold")
def test_a_place_that_can_not_be_written(invoke: Invoke, tiny: Path, photo: Path) -> None:
    photo.parent.chmod(0o500)
    answer = invoke("denoise", photo, "-s", 25, "-m", tiny)
    photo.parent.chmod(0o700)
    assert answer.status == 1
    assert "can't be written: permission denied" in one_line(answer)
    assert [path.name for path in photo.parent.iterdir()] == [photo.name]


def test_a_folder_in_the_way_of_the_result(invoke: Invoke, tiny: Path, photo: Path) -> None:
    photo.with_name("photo_denoised.png").mkdir()
    answer = invoke("denoise", photo, "-s", 25, "-m", tiny, "--overwrite")
    assert answer.status == 1
    assert "folder" in one_line(answer)


def test_an_animation_gives_its_first_frame_and_says_so(
    invoke: Invoke, tiny: Path, tmp_path: Path
) -> None:
    frames = [mode_rgb(), Image.new("RGB", (40, 30))]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:])
    answer = invoke("denoise", tmp_path / "moving.webp", "-s", 25, "-m", tiny)
    assert answer.status == 0
    assert "warning" in answer.err


@pytest.mark.skipif(os.name == "nt", reason="no such names")
def test_a_name_that_would_steer_a_terminal_is_shown_as_it_is_in_progress(
    invoke: Invoke, tiny: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if it were a terminal
    named = photo.rename(photo.with_name("\x1b[3Jred [bold].png"))
    answer = invoke("denoise", named, "-s", 25, "-m", tiny)
    assert answer.status == 0
    assert r"\x1b[3Jred [bold].png" in answer.err.partition("noise 25")[0]
    assert "\x1b[3J" not in answer.err


@pytest.mark.skipif(os.name == "nt", reason="no such names")
def test_a_name_that_would_steer_a_terminal_is_escaped(
    invoke: Invoke, tiny: Path, photo: Path
) -> None:
    named = photo.rename(photo.with_name("\x1b[31mred\n.png"))
    answer = invoke("denoise", named.parent, "-s", 25, "-m", tiny, "-o", f"{photo.parent}/out/")
    assert answer.status == 0
    assert r"\x1b[31mred\n.png: noise" in one_line(answer)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 3000)])
def test_odd_sizes(invoke: Invoke, tiny: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (9, 9, 9)).save(tmp_path / "odd.png")
    assert invoke("denoise", tmp_path / "odd.png", "-s", 25, "-m", tiny).status == 0
    with Image.open(tmp_path / "odd_denoised.png") as result:
        assert result.size == size


SEEDS = [
    encoded(mode_rgb(), "PNG"),
    encoded(mode_rgb(), "JPEG"),
    encoded(mode_rgb(), "TIFF"),
    encoded(mode_rgb(), "WEBP"),
    encoded(mode_rgb(), "BMP"),
]


@given(
    data=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    keep=st.floats(0.1, 1),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_mutated_pictures_never_give_a_traceback_or_half_a_file(
    invoke: Invoke,
    tiny: Path,
    tmp_path: Path,
    data: bytes,
    changes: list[tuple[float, int]],
    keep: float,
) -> None:
    mutated = bytearray(data[: max(1, int(keep * len(data)))])
    for place, value in changes:
        mutated[int(place * (len(mutated) - 1))] = value
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / "in.png").write_bytes(bytes(mutated))
    answer = invoke("denoise", tmp_path / "in.png", "-s", 9, "-m", tiny, "-o", tmp_path / "o.png")
    assert "Traceback" not in answer.err
    assert answer.status in (0, 1)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == ({"in.png", "o.png"} if answer.status == 0 else {"in.png"})


def test_the_real_command_in_a_process_of_its_own(tiny: Path, photo: Path) -> None:
    line = [sys.executable, "-m", "flowdenoise", "denoise", photo, "-s", "25", "-m", tiny]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert photo.with_name("photo_denoised.png").exists()


@pytest.mark.parametrize("command", [[], ["denoise"], ["info"], ["doctor"], ["score"]])
def test_help_answers_without_torch(command: list[str]) -> None:
    probe = (
        "import sys, flowdenoise.__main__ as a\n"
        f"sys.argv = ['flowdenoise', *{command!r}, '--help']\n"
        "try:\n    a.main()\nexcept SystemExit as leaving:\n"
        "    sys.exit(leaving.code or 3 * ('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Usage" in done.stdout


def test_holes_of_a_float_picture_stay_and_the_rest_is_denoised(
    invoke: Invoke, tiny: Path, tmp_path: Path
) -> None:
    samples = np.random.default_rng(0).normal(600, 60, (40, 50, 3)).astype(np.float32)
    samples[5:9, 7:20] = np.nan
    tifffile.imwrite(tmp_path / "holes.tif", samples, photometric="rgb")
    answer = invoke("denoise", tmp_path / "holes.tif", "-s", 25, "-m", tiny)
    assert answer.status == 0
    result = tifffile.imread(tmp_path / "holes_denoised.tif")
    assert np.isnan(result[5:9, 7:20]).all()
    assert np.isfinite(result).sum() == result.size - 3 * 4 * 13
    assert (result[20:] != samples[20:]).any()


def test_info_lists_what_a_picture_carries_and_a_loss_is_told(
    invoke: Invoke, tiny: Path, photo: Path
) -> None:
    noise = np.random.default_rng(0).normal(128, 20, (48, 48, 3)).clip(0, 255).astype(np.uint8)
    source = photo.with_name("told.jpg")
    Image.fromarray(noise).save(source, quality=95, subsampling=0, comment=b"hello", dpi=(90, 90))
    (facts,) = (json.loads(line) for line in invoke("info", source, "--json").text.splitlines())
    assert facts["contents"] == ["resolution", "comment"]
    assert facts["weights"] == ["color"]
    text = invoke("info", source).text
    assert "carries: resolution, comment" in text
    assert "denoised by: color" in text
    answer = invoke("denoise", source, "-s", 20, "-m", tiny, "--format", "tiff")
    assert answer.status == 0
    assert "not carried over to TIFF: comment" in answer.err


def test_a_file_that_takes_too_much_memory_is_refused_by_the_command(
    invoke: Invoke, tiny: Path, photo: Path
) -> None:
    answer = invoke("denoise", photo, "-s", 20, "-m", tiny, "--max-memory", 1000)
    assert answer.status == 1
    assert "raise --max-memory" in one_line(answer)


def test_white_is_found_or_told(invoke: Invoke, tiny: Path, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(900, 60, (48, 48, 3)).clip(0, 1600)
    source = tmp_path / "twelve.tif"
    tifffile.imwrite(source, samples.astype(np.uint16), photometric="rgb")
    found = json.loads(invoke("info", source, "--json").text)
    told = json.loads(invoke("info", source, "--white", 1600, "--black", 10, "--json").text)
    assert (found["black"], found["white"]) == (0, 4095)
    assert (told["black"], told["white"]) == (10, 1600)
    results = []
    for name, options in (("a", []), ("b", ["--white", 1600])):
        target = tmp_path / f"{name}.tif"
        answer = invoke("denoise", source, "-s", 10, "-m", tiny, "-o", target, *options)
        assert answer.status == 0
        results.append(tifffile.imread(target))
    assert all(result.dtype == np.uint16 and result.max() < 4096 for result in results)
    assert (results[0] != results[1]).any()
    answer = invoke("denoise", source, "-s", 10, "-m", tiny, "--white", 5, "--black", 9)
    assert answer.status == 1
    assert "white must be above black" in one_line(answer)


def test_noise_that_is_not_white_is_told_and_not_called_clean(
    invoke: Invoke, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).normal(128, 25, (120, 160, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC).save(tmp_path / "up.png")
    Image.new("RGB", (40, 30), (9, 8, 7)).save(tmp_path / "plain.png")
    answer = invoke("denoise", tmp_path, "-o", tmp_path / "out", "--json", "--noise", "white")
    assert answer.status == 0
    assert "not white" in answer.err
    assert "--sigma" in answer.err
    assert "constant, so nothing tells of noise" in answer.err
    assert "clean" not in answer.err
    plain, scaled = (json.loads(line) for line in answer.text.splitlines())
    assert [plain["status"], scaled["status"]] == ["unknown", "unknown"]
    assert [plain["verdict"], scaled["verdict"]] == ["constant", "not white"]
    assert (tmp_path / "out" / "up.png").read_bytes() == (tmp_path / "up.png").read_bytes()


@pytest.mark.parametrize("setting", [("--sigma", 0), ("--sigma", 25, "--strength", 0)])
def test_what_was_told_is_not_called_found(
    invoke: Invoke, tiny: Path, photo: Path, setting: tuple[object, ...]
) -> None:
    answer = invoke("denoise", photo, "-m", tiny, *setting, "--json")
    assert "nothing was to be removed, copied to" in one_line(answer)
    assert json.loads(answer.text)["status"] == "unchanged"
    assert photo.with_name("photo_denoised.png").read_bytes() == photo.read_bytes()


def test_options_for_cameras_say_where_they_change_nothing(
    invoke: Invoke, photo: Path, tiny: Path
) -> None:
    line = ("denoise", photo, "-m", tiny, "--sigma", 25, "--overwrite", "--json")
    answer = invoke(*line, "--luma", 0.5, "--detail", 0.5)
    (warning,) = json.loads(answer.text)["warnings"]
    assert warning.startswith("--luma and --detail changed nothing: the noise counts as white")
    assert f"warning: {photo}: {warning}" in answer.err
    for usual in (["--luma", 1], ["--luma", 0.5, "--strength", 0]):
        assert not json.loads(invoke(*line, *usual).text)["warnings"]


def test_effort_is_one_word_and_thorough_another_for_the_best(
    invoke: Invoke, photo: Path, tiny: Path, tmp_path: Path
) -> None:
    options = ("denoise", photo, "--sigma", 25, "--model", tiny, "-o")
    for name, more in (("t", ["--thorough"]), ("b", ["--effort", "best"]), ("n", [])):
        assert invoke(*options, f"{tmp_path}/{name}/", *more).status == 0
    results = [(tmp_path / name / "photo.png").read_bytes() for name in "tbn"]
    assert results[0] == results[1] != results[2]
    both = invoke(*options, f"{tmp_path}/x/", "--thorough", "--effort", "normal")
    unknown = invoke(*options, f"{tmp_path}/x/", "--effort", "huge")
    named = invoke(*options, f"{tmp_path}/x/", "--effort", "fast")
    assert (both.status, unknown.status, named.status) == (2, 2, 2)
    assert "the effort fast chooses the weights itself: leave out --model" in one_line(named)
    assert "effort must be one of fast, normal, best" in unknown.err
    assert not (tmp_path / "x").exists()
