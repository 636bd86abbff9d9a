"""Names of all files: found before any work is done, never twice the same, never an input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowdenoise.batch import Job, Naming, Plan, plan_jobs
from flowdenoise.batch import plan as planning
from flowdenoise.errors import UsageError


def files(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return folder


@pytest.fixture
def album(tmp_path: Path) -> Path:
    names = ("a.png", "b.jpg", "deep/c.tif", "deep/deeper/d.PNG", "notes.txt", ".hidden.png")
    return files(tmp_path / "album", *names)


def plan(*inputs: Path | str, **naming: object) -> Plan:
    options = {key: str(v) if isinstance(v, Path) else v for key, v in naming.items()}
    return plan_jobs([str(item) for item in inputs], Naming(**options))  # type: ignore[arg-type]


def targets(plan: Plan) -> list[str]:
    return [str(job.target) for job in plan.jobs]


def sources(plan: Plan) -> list[str]:
    return [job.source.name for job in plan.jobs if job.source]


def refusals(plan: Plan) -> list[str]:
    return [str(job.refusal) for job in plan.jobs if job.refusal]


def test_a_result_goes_beside_its_source(album: Path) -> None:
    assert targets(plan(album / "a.png")) == [str(album / "a_denoised.png")]


def test_a_single_picture_may_get_any_name(album: Path) -> None:
    assert targets(plan(album / "a.png", output=album / "new.tif")) == [str(album / "new.tif")]


def test_a_folder_gives_its_pictures_and_nothing_else(album: Path) -> None:
    assert targets(plan(album, output="out")) == ["out/a.png", "out/b.jpg"]


def test_sub_folders_are_kept(album: Path) -> None:
    found = targets(plan(album, output="out", recursive=True))
    assert found == ["out/a.png", "out/b.jpg", "out/deep/c.tif", "out/deep/deeper/d.PNG"]


def test_the_template_names_the_results(album: Path) -> None:
    jobs = plan(album, output="out", template="{index:03d}-{stem}{suffix}", format="png")
    assert targets(jobs) == ["out/001-a.png", "out/002-b.png"]


@pytest.mark.parametrize(
    "template",
    ["{who}", "{stem", "", "a/{stem}", "../{stem}", "{0}", "{stem.x}", "{stem[0]}", "{index:x$}"],
)
def test_a_template_that_names_no_file_is_refused(album: Path, template: str) -> None:
    with pytest.raises(UsageError, match="template"):
        plan(album, template=template)


@pytest.mark.parametrize("template", ["{stem}.xyz", "{stem}.gif"])
def test_a_template_that_ends_in_no_format_is_refused(album: Path, template: str) -> None:
    with pytest.raises(UsageError, match="can be written"):
        plan(album, template=template)


@pytest.mark.parametrize(
    ("name", "asked", "fits"),
    [
        ("x.png", "jpeg", False),
        ("x.tif", "png", False),
        ("x.gif", "png", False),
        ("x.TIFF", "tif", True),
        ("x.jfif", "jpeg", True),
        ("x.xyz", "png", True),
    ],
)
def test_a_name_never_says_another_format_than_is_written(
    album: Path, name: str, asked: str, fits: bool
) -> None:
    for source, naming in (
        (album / "a.png", {"output": name}),
        ("-", {"output": name}),
        (album, {"output": "out/", "template": name.replace("x", "{stem}")}),
    ):
        if fits:
            assert plan(source, format=asked, **naming).jobs
        else:
            with pytest.raises(UsageError, match="is no ending of the format"):
                plan(source, format=asked, **naming)


def test_all_files_of_a_job_are_named(album: Path) -> None:
    (job,) = plan(album / "a.png", save_noise=True, compare=True).jobs
    names = [file.name for file in job.files]
    assert names == ["a_denoised.png", "a_denoised_noise.png", "a_denoised_compare.png"]


def test_pictures_that_differ_by_their_ending_do_not_share_a_comparison(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "a.tif", "b.png")
    jobs = plan(tmp_path, compare=True).jobs
    assert [job.comparison.name for job in jobs if job.comparison] == [
        "a_denoised_png_compare.png",
        "a_denoised_tif_compare.png",
        "b_denoised_compare.png",
    ]
    assert not any(job.refusal for job in jobs)


def test_an_extra_file_never_replaces_an_input(tmp_path: Path) -> None:
    files(tmp_path, "a_noise.png")
    line = {"output": tmp_path / "a.png", "save_noise": True}
    assert "is the input itself" in refusals(plan(tmp_path / "a_noise.png", **line))[0]
    files(tmp_path, "b.png", "out/b_compare.png")
    both = plan(tmp_path / "b.png", tmp_path / "out", output=tmp_path / "out", compare=True)
    assert both.jobs[0].refusal is None, "an earlier comparison is no input"
    assert sources(both) == ["b.png"]
    named = plan(
        tmp_path / "b.png", tmp_path / "out/b_compare.png", output=tmp_path / "out", compare=True
    )
    assert "is an input, too" in refusals(named)[0]


@pytest.mark.parametrize("output", [".", "./x/..", "link", "absolute"])
def test_the_input_is_known_by_any_of_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    files(tmp_path, "a.png", "x/b.png")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    goal = str(tmp_path) if output == "absolute" else output
    assert "is the input itself" in refusals(plan("a.png", output=f"{goal}/"))[0]


def test_an_input_behind_a_link_is_not_replaced(tmp_path: Path) -> None:
    files(tmp_path, "a.png")
    (tmp_path / "result.png").symlink_to(tmp_path / "a.png")
    refused = refusals(plan(tmp_path / "a.png", output=tmp_path / "result.png"))
    assert "is the input itself" in refused[0]


def test_sources_named_by_hand_are_never_dropped(tmp_path: Path) -> None:
    files(tmp_path, "1.png", "2.png")
    both = plan(tmp_path / "1.png", tmp_path / "2.png", template="2.png")
    assert sources(both) == ["1.png", "2.png"]
    assert "is an input, too" in str(both.jobs[0].refusal)
    assert "is the input itself" in str(both.jobs[1].refusal)


def test_one_clash_does_not_stop_the_others(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "a.jpg", "b.png")
    jobs = plan(tmp_path, output=tmp_path / "out", template="{stem}.png").jobs
    assert ["would be made from" in str(job.refusal) for job in jobs] == [True, True, False]


def test_a_picture_that_was_named_twice_is_done_once(album: Path) -> None:
    twice = plan(album, album / "a.png", f"{album}/deep/../b.jpg", output="out")
    assert sources(twice) == ["a.png", "b.jpg"]
    assert refusals(twice) == []


def test_names_that_differ_by_case_are_one_where_the_file_system_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "1.png", "2.png")
    monkeypatch.setattr(planning, "_ignores_case", lambda _: True)
    both = plan(tmp_path / "1.png", tmp_path / "2.png", template="{index}A{suffix}")
    assert refusals(both) == []
    odd = [Job(Path("x"), tmp_path / "A.png"), Job(Path("y"), tmp_path / "a.png")]
    checked = planning._refuse_clashes(odd, planning._Names())
    assert all("would be made from" in str(job.refusal) for job in checked)


@pytest.mark.parametrize("extra", [{}, {"compare": True}, {"format": "jpeg"}, {"output": "out"}])
def test_a_second_run_does_not_denoise_the_results_of_the_first(
    album: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, object]
) -> None:
    monkeypatch.chdir(album)
    first = plan(".", save_noise=True, recursive=True, **extra)
    files(Path(), *(str(file) for job in first.jobs for file in job.files))
    for second in (plan(".", recursive=True, output=extra.get("output")), plan(".", **extra)):
        assert set(sources(second)) <= set(sources(first))
        assert len(sources(second)) in (2, 4)
        assert refusals(second) == []


def test_results_that_are_left_out_are_named(album: Path) -> None:
    files(album, "a_denoised.png", "a_denoised_compare.png")
    left_out = {item.path.name: item for item in plan(album).left_out}
    assert set(left_out) == {"a_denoised.png", "a_denoised_compare.png"}
    assert not any(item.lost for item in left_out.values())
    assert sources(plan(album / "a_denoised.png")) == ["a_denoised.png"]


def test_a_folder_of_results_inside_the_inputs_is_not_searched(album: Path) -> None:
    files(album, "deep/out/x.png")
    found = plan(album, recursive=True, output=album / "deep/../deep/out")
    assert "x.png" not in sources(found)
    assert [item.reason for item in found.left_out] == ["the results go there"]


def test_streams_stand_alone(album: Path) -> None:
    assert plan("-").jobs == (Job(None, None),)
    assert plan("-", output="x.png").jobs == (Job(None, Path("x.png"), format="PNG"),)
    assert plan(album / "a.png", output="-").jobs == (Job(album / "a.png", None),)
    for inputs, output in ((["-", "a.png"], None), (["-"], "folder/"), ([album], "-")):
        with pytest.raises(UsageError):
            plan(*inputs, output=output)
    with pytest.raises(UsageError, match="standard output takes one picture"):
        plan("-", save_noise=True)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("x.png", "single picture"),
        ("x.xyz", "can be written"),
        ("x.gif", "can be written"),
        ("out/{stem}.png", "these go to"),
    ],
)
def test_an_output_that_two_pictures_can_not_have(album: Path, output: str, message: str) -> None:
    for inputs in ([album / "a.png", album / "b.jpg"], [album]):
        with pytest.raises(UsageError, match=message):
            plan(*inputs, output=output)


def test_a_name_without_a_known_ending_is_refused_unless_a_format_is_asked_for(
    album: Path,
) -> None:
    with pytest.raises(UsageError, match=r"ends in \.xyz"):
        plan(album / "a.png", output="x.xyz")
    (job,) = plan(album / "a.png", output="x.xyz", format="tif").jobs
    assert job.format == "TIFF"
    assert targets(plan(album / "a.png", output="v1.2/")) == ["v1.2/a.png"]


def test_what_is_no_file_and_no_folder_is_a_target_of_its_own(album: Path) -> None:
    assert targets(plan(album / "a.png", output=os.devnull)) == [os.devnull]


def test_the_format_is_asked_for_by_a_name_of_its_own_only(album: Path) -> None:
    assert plan(album / "a.png").jobs[0].format is None
    assert plan(album / "a.png", output=album / "x.png").jobs[0].format == "PNG"
    assert plan(album / "b.jpg", template="{stem}.png").jobs[0].format == "PNG"
    assert plan(album / "b.jpg", format="jpg").jobs[0].format == "JPEG"


def test_a_gif_becomes_a_png(album: Path) -> None:
    files(album, "old.gif")
    (job,) = plan(album / "old.gif").jobs
    assert (job.target, job.format) == (album / "old_denoised.png", "PNG")
