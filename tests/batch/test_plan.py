"""Names of results: found before any work is done, never twice the same, never the input."""

from pathlib import Path

import pytest

from flowdenoise.batch import Job, plan_jobs
from flowdenoise.errors import UsageError


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("a.png", "b.jpg", "deep/c.tif", "deep/deeper/d.PNG", "notes.txt", ".hidden.png"):
        file = tmp_path / "album" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return tmp_path / "album"


def targets(jobs: list[Job]) -> list[str]:
    return [str(job.target) for job in jobs]


def test_a_result_goes_beside_its_source(album: Path) -> None:
    jobs = plan_jobs([str(album / "a.png")])
    assert targets(jobs) == [str(album / "a_denoised.png")]


def test_a_single_picture_may_get_any_name(album: Path) -> None:
    jobs = plan_jobs([str(album / "a.png")], output=str(album / "new.tif"))
    assert targets(jobs) == [str(album / "new.tif")]


def test_a_folder_gives_its_pictures_and_nothing_else(album: Path) -> None:
    jobs = plan_jobs([str(album)], output="out")
    assert targets(jobs) == ["out/a.png", "out/b.jpg"]


def test_sub_folders_are_kept(album: Path) -> None:
    jobs = plan_jobs([str(album)], output="out", recursive=True)
    assert targets(jobs) == ["out/a.png", "out/b.jpg", "out/deep/c.tif", "out/deep/deeper/d.PNG"]


def test_a_second_run_does_not_denoise_the_results_of_the_first(album: Path) -> None:
    (album / "a_denoised.png").write_bytes(b"x")
    jobs = plan_jobs([str(album)])
    assert [job.source.name for job in jobs if job.source] == ["a.png", "b.jpg"]


def test_patterns_are_expanded_and_plain_names_come_first(album: Path) -> None:
    (album / "x[1].png").write_bytes(b"x")
    assert len(plan_jobs([str(album / "x[1].png")])) == 1
    assert len(plan_jobs([str(album / "**" / "*.[pP]*")], output="out")) == 3


def test_the_template_names_the_results(album: Path) -> None:
    jobs = plan_jobs(
        [str(album)], output="out", template="{index:03d}-{stem}{suffix}", suffix=".png"
    )
    assert targets(jobs) == ["out/001-a.png", "out/002-b.png"]


@pytest.mark.parametrize("template", ["{who}", "{stem", "", "a/{stem}", "../{stem}", "{0}"])
def test_a_template_that_names_no_file_is_refused(album: Path, template: str) -> None:
    with pytest.raises(UsageError, match="template"):
        plan_jobs([str(album)], template=template)


def test_two_results_of_one_name_are_refused(album: Path) -> None:
    with pytest.raises(UsageError, match="would both become"):
        plan_jobs([str(album / "a.png"), str(album / "b.jpg")], output="out", template="same.png")


def test_streams_stand_alone(album: Path) -> None:
    assert plan_jobs(["-"]) == [Job(None, None)]
    assert plan_jobs(["-"], output="x.png") == [Job(None, Path("x.png"))]
    assert plan_jobs([str(album / "a.png")], output="-") == [Job(album / "a.png", None)]
    for inputs, output in ((["-", "a.png"], None), (["-"], "folder/"), ([str(album)], "-")):
        with pytest.raises(UsageError):
            plan_jobs(inputs, output=output)


def test_what_is_not_there_is_named(album: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file or folder: .*nothing\.png"):
        plan_jobs([str(album / "nothing.png")])
    (album / "empty").mkdir()
    with pytest.raises(UsageError, match="no pictures in"):
        plan_jobs([str(album / "empty")])


def test_many_pictures_do_not_fit_one_file(album: Path) -> None:
    with pytest.raises(UsageError, match="is a file"):
        plan_jobs([str(album)], output=str(album / "a.png"))


def test_a_gif_becomes_a_png(album: Path) -> None:
    (album / "old.gif").write_bytes(b"x")
    assert targets(plan_jobs([str(album / "old.gif")])) == [str(album / "old_denoised.png")]
