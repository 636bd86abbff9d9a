"""Training from the command line: both stages, the sweep, and what goes wrong."""

from __future__ import annotations

import inspect
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise import weights
from flowdenoise.cli import train
from flowdenoise.cli.interruption import Interruption
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.samples import SampleConfig
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.optimization.checkpoint import Checkpoint
from flowdenoise.training.objectives import DATA_TERMS
from flowdenoise.training.recipes import PRESETS
from flowdenoise.training.recipes import noise_map as noise_map_recipe
from flowdenoise.training.recipes import prior as prior_recipe

from .conftest import Invoke, message, metrics

SMALL = [
    *("--set", "network.channels=4"),
    *("--set", "network.blocks=1"),
    *("--set", "training.patch=32"),
    *("--set", "training.late_patch=0"),
    *("--set", "loop.batch=2"),
    *("--set", "loop.precision=float32"),
]
FLOW = [
    *("--set", "network.levels=1"),
    *("--set", "network.steps_per_level=1"),
    *("--set", "network.hidden_channels=4"),
    *("--set", "loop.batch=2"),
    *("--set", "training.initialization=4"),
]


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    rng = np.random.default_rng(0)
    for index in range(6):
        pixels = rng.integers(0, 256, (40, 44, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("prior") / "prior.safetensors"
    config = GlowConfig(levels=1, steps_per_level=1, hidden_channels=4, noise_levels=True)
    weights.save_weights(file, Glow(config), training={})
    return file


def test_a_prior_grows_from_another_one(
    invoke: Invoke, album: Path, prior: Path, tmp_path: Path
) -> None:
    line = ["--data", album, "--steps", 1, "--noise", *FLOW, "--device", "cpu", "--initial", prior]
    larger = ["--set", "network.steps_per_level=2", "--set", "network.hidden_channels=6"]
    answer = invoke("train-prior", *line, *larger, "--out", tmp_path / "large")
    assert answer.status == 0, answer.err
    grown = weights.load(str(tmp_path / "large" / "weights.safetensors")).config
    assert (grown.steps_per_level, grown.hidden_channels) == (2, 6)
    smaller = ["--set", "network.hidden_channels=3"]
    answer = invoke("train-prior", *line, *smaller, "--out", tmp_path / "small")
    assert answer.status == 2
    assert "not shrink" in message(answer)


def test_the_two_stages_end_in_weights_that_denoise(
    invoke: Invoke, album: Path, photo: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "prior", tmp_path / "denoiser"
    line = ["--data", album, "--validation", album, "--steps", 2, "--device", "cpu"]
    answer = invoke("train-prior", *line, "--out", first, "--noise", *FLOW)
    assert answer.status == 0, answer.err
    assert set(metrics(first)) == {"bits_per_dim", "inverse_error"}
    assert metrics(first)["inverse_error"] < 1e-3
    assert list((first / "pictures").glob("samples-*.png"))

    flow = first / "weights.safetensors"
    more = ["--prior", flow, "--prior-scale", 1, "--data-term", "mse"]
    answer = invoke("train-denoiser", *line, "--out", second, *more, *SMALL)
    assert answer.status == 0, answer.err
    assert set(metrics(second)) == {"psnr15", "psnr25", "psnr50"}
    result = invoke("denoise", photo, "-s", 25, "-m", second / "weights.safetensors")
    assert result.status == 0, result.err
    assert invoke("denoise", photo, "-s", 25, "-m", flow, "--overwrite").status == 0


@pytest.mark.parametrize("term", DATA_TERMS)
def test_every_data_term_trains_with_what_it_needs(
    invoke: Invoke, album: Path, prior: Path, tmp_path: Path, term: str
) -> None:
    line = ["--data", album, "--steps", 1, "--data-term", term, "--out", tmp_path / "run"]
    needed = {
        "prior": ["--prior", prior],
        "teacher": ["--teacher", prior],
        "clean": ["--baseline"],
        "second": ["--baseline"],
    }
    options = [option for need in DATA_TERMS[term].needs for option in needed.get(need, [])]
    if options:
        refused = invoke("train-denoiser", *line, *SMALL)
        assert refused.status == 2
        assert term in message(refused)
    answer = invoke("train-denoiser", *line, *options, *SMALL)
    assert answer.status == 0, answer.err


def test_a_prior_can_teach(invoke: Invoke, album: Path, prior: Path, tmp_path: Path) -> None:
    line = ["--data", album, "--steps", 1, "--teacher", prior, "--out", tmp_path / "run"]
    answer = invoke("train-denoiser", *line, *SMALL)
    assert answer.status == 0, answer.err
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.pt").settings["teacher"] == str(prior)


@pytest.mark.parametrize("term", ["teacher", "relay"])
def test_a_denoiser_can_teach(
    invoke: Invoke, album: Path, tiny: Path, tmp_path: Path, term: str
) -> None:
    line = ["--data", album, "--steps", 1, "--teacher", tiny, "--data-term", term]
    answer = invoke("train-denoiser", *line, "--out", tmp_path / "run", *SMALL)
    assert answer.status == 0, answer.err
    answer = invoke("train-denoiser", *line, "--gray", "--out", tmp_path / "gray", *SMALL)
    assert answer.status == 2
    assert "the teacher is for 3 channels, the images have 1" in message(answer)


def test_a_taught_objective_without_a_teacher_is_refused(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["--data", album, "--steps", 1, "--data-term", "relay", "--out", tmp_path / "run"]
    answer = invoke("train-denoiser", *line, *SMALL)
    assert answer.status == 2
    assert "needs a teacher" in message(answer)


@pytest.mark.parametrize("preset", ["paper-text", "paper-code"])
def test_the_papers_presets_run(
    invoke: Invoke, album: Path, prior: Path, tmp_path: Path, preset: str
) -> None:
    line = ["--data", album, "--steps", 1, "--preset", preset, "--prior", prior]
    few = ["--set", "loop.batch=2", "--out", tmp_path / "run"]
    answer = invoke("train-denoiser", *line, *few)
    assert answer.status == 0, answer.err


def test_really_noisy_images_can_be_learned_from(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["--noisy", album, "--steps", 1, "--data-term", "n2v", "--out", tmp_path / "run"]
    answer = invoke("train-denoiser", *line, *SMALL, "--set", "network.noise_map=false")
    assert answer.status == 0, answer.err


def test_the_noise_level_estimator_trains(invoke: Invoke, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    line = ["--data", album, "--validation", album, "--steps", 1, "--out", out]
    small = ["--set", "network.channels=4", "--set", "loop.batch=2"]
    answer = invoke("train-noise-level", *line, *small, "--set", "training.patch=32")
    assert answer.status == 0, answer.err
    assert "sigma_error" in metrics(out)
    assert weights.load(str(out / "weights.safetensors")).kind == "noise_level"


def test_a_run_resumes_and_refuses_other_settings(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["train-denoiser", "--data", album, "--out", tmp_path / "run", *SMALL]
    assert invoke(*line, "--steps", 2).status == 0
    again = invoke(*line, "--steps", 2)
    assert again.status == 1
    assert "already holds a run" in message(again)
    other = invoke(*line, "--steps", 4, "--resume", "--set", "loop.learning_rate=0.1")
    assert other.status == 1
    assert "loop.learning_rate: 0.001 -> 0.1" in message(other)
    assert invoke(*line, "--steps", 4, "--resume").status == 0
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.pt").step == 4


def test_a_run_of_another_kind_of_network_resumes(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    small = ["--set", "network.layers=3", "--set", "network.channels=4", "--set", "loop.batch=2"]
    line = ["train-denoiser", "--preset", "dncnn", "--data", album, "--out", tmp_path / "run"]
    line += [*small, "--set", "training.patch=16"]
    assert invoke(*line, "--steps", 1).status == 0
    answer = invoke(*line, "--steps", 2, "--resume")
    assert answer.status == 0, answer.err


def test_a_run_that_has_done_more_steps_stays_as_it_is(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    line = ["train-denoiser", "--data", album, "--out", out, *SMALL]
    assert invoke(*line, "--steps", 3).status == 0
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    answer = invoke(*line, "--steps", 2, "--resume")
    assert answer.status == 1
    assert message(answer).endswith("has done 3 steps, more than the 2 that are asked for")
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    assert invoke(*line, "--steps", 3, "--resume").status == 0


@pytest.mark.parametrize("option", ["--data", "--noisy", "--validation"])
@pytest.mark.parametrize("inside", ["", "inner/run", "link/run"])
def test_a_run_does_not_put_its_pictures_among_the_images(
    invoke: Invoke, album: Path, tmp_path: Path, option: str, inside: str
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(album / "0.png", images)
    (tmp_path / "link").symlink_to(images)
    out = tmp_path / inside if inside.startswith("link") else images / inside
    more = ["--data", album] if option != "--data" else []
    line = ["train-denoiser", *more, option, images, "--steps", 1, *SMALL]
    answer = invoke(*line, "--out", out)
    assert answer.status == 2
    assert f"lies among the images in {images}" in message(answer)
    assert [file.name for file in images.iterdir()] == ["0.png"]


def test_the_pictures_of_a_run_are_no_images_for_itself(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    pictures = tmp_path / "run" / "pictures"
    shutil.copytree(album, pictures)
    line = ["train-denoiser", "--data", pictures, "--steps", 1, *SMALL]
    assert invoke(*line, "--out", tmp_path / "run").status == 2
    assert invoke(*line, "--out", tmp_path / "other").status == 0


def test_nothing_to_resume(invoke: Invoke, album: Path, tmp_path: Path) -> None:
    answer = invoke("train-denoiser", "--data", album, "--out", tmp_path, "--resume", *SMALL)
    assert answer.status == 1
    assert "no checkpoint" in message(answer)


def test_another_architecture_can_not_be_resumed(
    invoke: Invoke, album: Path, tmp_path: Path
) -> None:
    line = ["train-denoiser", "--data", album, "--out", tmp_path / "run", "--steps", 1]
    assert invoke(*line, *SMALL).status == 0
    answer = invoke(*line, "--resume", *SMALL, "--set", "network.channels=8")
    assert answer.status == 1
    assert "network.channels" in message(answer)


def test_mistakes_are_told_in_one_line(invoke: Invoke, album: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    gray = ["--gray", "--prior-scale", 1, "--data-term", "mse"]
    for arguments, status, text in (
        (["--data", empty], 1, "no image files"),
        (["--data", tmp_path / "nowhere"], 1, "no such file or folder"),
        (["--data", album, "--set", "training.patch=64"], 1, "no usable image"),
        (["--data", album, "--data-term", "supervised"], 2, "baseline"),
        (["--data", album, "--data-term", "magic"], 2, "there are blur"),
        (["--data", album, "--preset", "best"], 2, "there are default"),
        (["--data", album, "--prior-scale", 1], 2, "needs a prior"),
        (["--data", album, *gray, "--prior", "PRIOR"], 2, "for 3 channels"),
        ([], 2, "no images are named"),
        (["--noisy", album, "--noise-mode", "fresh"], 2, "leave out --noise-mode"),
        (["--data", album, "--set", "loop.precision=bf16"], 2, "one of auto, float32, bfloat16"),
        (["--data", tmp_path / "nowhere", "--set", "loop.ema=7"], 2, "from 0 to below 1"),
    ):
        torch.manual_seed(0)
        flow = tmp_path / "flow.safetensors"
        config = GlowConfig(levels=1, steps_per_level=1, hidden_channels=4)
        weights.save_weights(flow, Glow(config), training={})
        line = [flow if argument == "PRIOR" else argument for argument in arguments]
        out = tmp_path / "run"
        answer = invoke("train-denoiser", "--out", out, "--steps", 1, *SMALL, *line)
        assert text in message(answer), arguments
        assert answer.status == status, arguments


@pytest.mark.parametrize("command", ["train-prior", "train-noise-level"])
def test_one_image_alone_is_told_where_it_went(
    invoke: Invoke, album: Path, tmp_path: Path, command: str
) -> None:
    answer = invoke(command, "--data", album / "0.png", "--steps", 1, "--out", tmp_path / "run")
    assert answer.status == 2
    assert "the noisy corpus gets all images (1)" in message(answer)
    assert "set data.clean_share=1 to give it all" in message(answer)


SHARED = {  # option: settings that contradict what the test below gives it
    "--data": ["data.paths=elsewhere"],
    "--validation": ["data.validation=elsewhere"],
    "--gray": ["data.channels=3", "network.image_channels=3"],
    "--steps": ["loop.steps=5"],
}
CONTRADICTIONS = {
    train.train_prior: {
        **SHARED,
        "--noise": ["network.noise_levels=false"],
        "--initial": ["initial=elsewhere"],
    },
    train.train_denoiser: {
        **SHARED,
        "--noisy": ["data.noisy=elsewhere", "training.noise.mode=fresh"],
        "--noise-mode": ["training.noise.mode=fixed"],
        "--data-term": ["training.objective.data_term=mse"],
        "--prior-weight": ["training.objective.prior_weight=map"],
        "--prior-scale": ["training.objective.prior_scale=3"],
        "--baseline": ["training.baseline=false"],
        "--prior": ["prior=elsewhere"],
        "--teacher": ["teacher=elsewhere"],
        "--initial": ["initial=elsewhere"],
        "--estimator": ["estimator=elsewhere"],
    },
    train.train_noise_level: SHARED,
    train.train_noise_map: {
        **SHARED,
        "--gray": ["network.image_channels=3"],
        "--initial": ["initial=elsewhere"],
    },
    train.tune: {
        **SHARED,
        "--prior": ["prior=elsewhere"],
        "--scales": ["training.objective.prior_scale=3"],
        "--blurs": ["training.objective.blur=3"],
    },
}
GIVEN = {  # option: its value; others are the name of a file that is not there
    "--gray": [],
    "--noise": [],
    "--baseline": [],
    "--steps": ["2"],
    "--noise-mode": ["fresh"],
    "--data-term": ["sure"],
    "--prior-weight": ["fixed"],
    "--prior-scale": ["2"],
    "--scales": ["1,2"],
    "--blurs": ["1,3"],
}
NO_SETTING = {"out", "settings", "resume", "tensorboard", "cache", "recompute", "preset"}
NO_SETTING |= {"device", "threads", "quiet"}


def test_every_option_that_is_a_setting_has_a_contradiction_below() -> None:
    for command, options in CONTRADICTIONS.items():
        names = set(inspect.signature(command).parameters) - NO_SETTING
        assert {f"--{name.replace('_', '-')}" for name in names} == set(options)


@pytest.mark.parametrize(
    ("command", "option", "setting"),
    [
        (command.__name__.replace("_", "-"), option, setting)
        for command, options in CONTRADICTIONS.items()
        for option, settings in options.items()
        for setting in settings
    ],
)
def test_an_option_and_a_setting_that_contradict_each_other_are_refused(
    invoke: Invoke, tmp_path: Path, command: str, option: str, setting: str
) -> None:
    needed = {"--data": ["nowhere"], "--out": [str(tmp_path / "run")]}
    if command == "tune":
        needed |= {"--validation": ["nowhere"], "--prior": ["nowhere"]}
    if option == "--estimator":
        needed["--preset"] = ["photo"]
    needed[option] = GIVEN.get(option, ["nowhere"])
    words = [word for name, values in needed.items() for word in (name, *values)]
    answer = invoke(command, *words, "--set", setting)
    assert answer.status == 2
    assert option in message(answer)
    assert setting.partition("=")[0] in message(answer)
    assert not (tmp_path / "run").exists()


def test_an_option_and_a_setting_may_say_the_same(invoke: Invoke, tmp_path: Path) -> None:
    line = ["train-denoiser", "--data", "nowhere", "--steps", 2, "--out", tmp_path / "run"]
    line += ["--noise-mode", "fresh", "--prior-scale", 0, "--gray", *SMALL]
    for setting in (
        "data.paths=nowhere",
        "data.channels=1",
        "loop.steps=2",
        "training.noise.mode=fresh",
        "training.objective.prior_scale=0.0",
    ):
        answer = invoke(*line, "--set", setting)
        assert "no such file or folder: nowhere" in message(answer), setting


COMMANDS = (
    "train-prior",
    "train-denoiser",
    "train-noise-level",
    "train-noise-map",
    "tune",
    "sample",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_the_library_does_by_default(invoke: Invoke, command: str) -> None:
    answer = invoke(command, "--help")
    assert answer.status == 0, answer.err
    text = " ".join(answer.text.replace("\u2502", " ").split())
    assert "{" not in text
    expected = {
        "train-denoiser": [
            "n2v, r2r, sure; teacher, relay with --teacher; descent with --prior; n2n, "
            "supervised with --baseline",
            ", ".join(PRESETS),
        ],
        "tune": ["5e-07,1.5e-06,5e-06", "1,3,5", "paper-text if none"],
        "sample": [f"{SampleConfig().count} by default", f"{SampleConfig().temperature} by"],
        "train-noise-map": [f"{noise_map_recipe(3).loop.steps} by default"],
        "train-prior": [f"{prior_recipe(3, noise_levels=True).loop.steps} by default"],
    }
    for words in expected.get(command, []):
        assert words in text


def test_samples_are_drawn_as_asked(invoke: Invoke, prior: Path, tmp_path: Path) -> None:
    file = tmp_path / "samples.png"
    line = ["sample", "--prior", prior, "-o", file, "--device", "cpu"]
    assert "64 samples" in invoke(*line).err
    usual = file.read_bytes()
    line.append("--overwrite")
    answer = invoke(*line, "--count", 4, "--temperature", 0.5, "--sigma", 10, "--seed", 1)
    assert answer.status == 0, answer.err
    assert "4 samples" in answer.err
    assert file.read_bytes() != usual
    again = invoke(*line[:-1])
    assert (again.status, "is there already" in again.err) == (2, True)
    assert invoke(*line[:3], "-o", file.with_suffix(".jpg")).status == 2
    assert "leave out --gray" in invoke(*line, "--gray").err
    for option, value in (("--count", 0), ("--temperature", "nan"), ("--sigma", 300)):
        assert invoke(*line, option, value).status == 2


def test_a_prior_of_clean_images_draws_none_with_noise(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "prior.safetensors"
    flow = Glow(GlowConfig(levels=1, steps_per_level=1, hidden_channels=4))
    weights.save_weights(file, flow, training={})
    line = ["sample", "--prior", file, "-o", tmp_path / "samples.png", "--device", "cpu"]
    answer = invoke(*line, "--sigma", 10)
    assert (answer.status, "knows clean images only" in message(answer)) == (2, True)
    assert invoke(*line, "--sigma", 0).status == 0


def test_no_default_of_the_library_stands_in_a_command() -> None:
    """What a command does not say, the configuration says: None, and nothing else."""
    for function in (
        train.train_prior,
        train.train_denoiser,
        train.train_noise_level,
        train.train_noise_map,
        train.tune,
    ):
        for name, parameter in inspect.signature(function).parameters.items():
            neutral = (inspect.Parameter.empty, None, False, "", [])
            shared = name == "device"  # an option of all commands
            assert shared or parameter.default in neutral, f"{function.__name__} --{name}"


def test_a_sweep_writes_its_table(
    invoke: Invoke, album: Path, prior: Path, tmp_path: Path
) -> None:
    out = tmp_path / "sweep"
    line = ["--data", album, "--validation", album, "--prior", prior, "--out", out]
    few = ["--scales", "1e-6,1e-5", "--blurs", "1,3", "--steps", 1, *SMALL]
    answer = invoke("tune", *line, *few)
    assert answer.status == 0, answer.err
    rows = (out / "table.md").read_text().splitlines()
    assert len(rows) == 2 + 4
    means = [float(row.split("|")[-2]) for row in rows[2:]]
    assert means == sorted(means, reverse=True)
    assert answer.text.startswith("best: prior scale")
    before = {file: file.stat().st_mtime_ns for file in out.glob("*/*")}
    assert invoke("tune", *line, *few).status == 0
    assert {file: file.stat().st_mtime_ns for file in out.glob("*/*")} == before  # none again
    other = invoke("tune", *line, *few, "--set", "loop.learning_rate=0.1")
    assert (other.status, "can't resume with other settings" in message(other)) == (1, True)
    longer = invoke("tune", *line, *few, "--steps", 2)
    assert longer.status == 0, longer.err
    assert Checkpoint.load(out / "scale-1e-06-blur-1" / "checkpoint.pt").step == 2
    (out / "scale-1e-06-blur-1" / "log.csv").write_text("step\n")
    damaged = invoke("tune", *line, *few, "--steps", 2)
    assert (damaged.status, "remove it to train it again" in message(damaged)) == (1, True)


def test_an_interrupted_run_says_what_goes_on_only_where_there_is_a_checkpoint(
    invoke: Invoke, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        raise Interruption(signal.SIGINT)

    line = ("train-prior", "--data", album, "--out", tmp_path, "--steps", 1)
    monkeypatch.setattr("flowdenoise.training.runs.train_prior", interrupted)
    early = invoke(*line)
    (tmp_path / "checkpoint.pt").touch()
    late = invoke(*line)
    assert (early.status, late.status) == (130, 130)
    assert "--resume" not in early.err
    assert f"with --resume the same command goes on from its checkpoint in {tmp_path}" in late.err


def test_a_sweep_that_another_process_s_end_interrupted_says_so(
    invoke: Invoke, album: Path, prior: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowdenoise.training.tune.train_denoiser", lambda *_, **__: False)
    answer = invoke(
        *("tune", "--data", album, "--validation", album, "--prior", prior),
        *("--out", tmp_path / "sweep", "--steps", 1, *SMALL),
    )
    assert (answer.status, answer.text) == (1, "")
    assert "the same command goes on" in answer.err
