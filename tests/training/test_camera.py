"""Recorruption where light is measured: unbiased through tone curve, clipping and JPEG."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import PatchSampler
from flowdenoise.errors import DataError, UsageError
from flowdenoise.images.turns import HALF_TURN, WAYS, turn, turn_back
from flowdenoise.networks import DenoisingNetwork
from flowdenoise.networks.noise_estimator import NoiseMapConfig, NoiseMapNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.noise import tone
from flowdenoise.training.asking import IN_PHASE, ask_in_all_turns, ask_in_turns
from flowdenoise.training.camera_stage import CameraStage, CameraTraining
from flowdenoise.training.simulated_photos import PhotoSource, photographs

SIDE = 64


def grays(value: int, count: int = 32, side: int = SIDE) -> Corpus:
    """Pictures of one gray."""
    pixels = torch.full((count * side**2, 3), value, dtype=torch.uint8)
    sides = torch.full((count,), side)
    numbers = torch.arange(count)
    names = tuple(map(str, range(count)))
    return Corpus(pixels, numbers * side**2, sides, sides, numbers.int() * 7919 + 5, names)


def training(**changes: object) -> CameraTraining:
    settings: dict[str, object] = {"patch": 32, "late_patch": 0, "color": ColorConfig()}
    return CameraTraining(**{**settings, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("gray", [4, 16, 128, 250])
def test_the_best_prediction_of_the_target_is_the_clean_light(gray: int) -> None:
    sampler = PatchSampler(grays(gray), 48, seed=1)
    bias = weights = shift = 0.0
    for step in range(4):
        made = photographs(sampler, sampler.draws(step, 32), training())
        truth = tone.untone(torch.full((32, 3, 1, 1), gray / 255), made.contrast)
        bias += float((made.weight * (made.target - truth)).mean())
        weights += float(made.weight.mean())
        shift += float((made.noisy - gray / 255).abs().mean()) / 4
    slope = float(tone.tone_slope(truth, made.contrast).mean())
    levels = 255 * abs(bias / weights) * slope
    assert levels < 0.1  # of 255, where single noisy values are off by several
    assert 255 * shift > 1


@pytest.mark.parametrize("gray", [4, 128, 250])
def test_the_best_prediction_for_a_reduced_photograph_is_the_clean_light(gray: int) -> None:
    source = PhotoSource.of(grays(gray, side=96), 32, training(reduced=1.0), seed=1)
    bias = weights = 0.0
    for step in range(4):
        made = source.patches(source.draws(step, 32, 0))
        assert made.noisy.shape == made.target.shape == made.weight.shape == (32, 3, 48, 48)
        truth = tone.untone(torch.full((32, 3, 1, 1), gray / 255), made.contrast)
        bias += float((made.weight * (made.target - truth)).mean())
        weights += float(made.weight.mean())
    slope = float(tone.tone_slope(truth, made.contrast).mean())
    assert 255 * abs(bias / weights) * slope < 0.1


def test_a_share_of_photographs_is_reduced_and_the_others_are_as_they_were() -> None:
    """Reduced noise is weaker and no longer that of its neighbors.

    Processors round otherwise in larger batches, so what is the same differs a little.
    """
    corpus = grays(128, side=96)
    whole, some, all_ = (
        PhotoSource.of(corpus, 32, training(reduced=share), seed=1) for share in (0.0, 0.5, 1.0)
    )
    draws = whole.draws(0, 32, 0)
    own, mixed, reduced = (one.patches(draws) for one in (whole, some, all_))
    for name in ("noisy", "target", "weight", "contrast"):
        parts = [
            getattr(one, name).flatten(1) if name != "contrast" else getattr(one, name)[:, None]
            for one in (own, mixed, reduced)
        ]
        is_own, is_reduced = (
            (parts[1] - one).abs().mean(1) < 0.001 * one.abs().mean(1)
            for one in (parts[0], parts[2])
        )
        assert (is_own | is_reduced).all()
        if name == "noisy":
            assert 6 < int((is_reduced & ~is_own).sum()) < 26
    noise = [(one.noisy - 128 / 255).square().mean() for one in (own, reduced)]
    assert noise[1] < 0.7 * noise[0]


def test_pictures_too_small_to_be_reduced_keep_their_size() -> None:
    with pytest.raises(DataError, match="at least 96 pixels"):
        PhotoSource.of(grays(128), 32, training(reduced=0.5), seed=1)


def test_the_target_holds_noise_of_its_own_that_the_input_does_not_tell() -> None:
    sampler = PatchSampler(grays(128), 48, seed=1)
    draws = sampler.draws(0, 32)
    made = photographs(sampler, draws, training())
    clean = photographs(sampler, draws, training(target="clean", baseline=True))
    assert torch.equal(made.noisy, clean.noisy)
    own = (made.target - clean.target).flatten(1)
    seen = (made.noisy - 128 / 255).flatten(1)
    deviation = own.std(1) * seen.std(1)
    told = deviation > 0  # noise weaker than a rounding step shows nothing
    correlation = ((own * seen).mean(1) / deviation)[told]
    assert told.sum() > 16
    assert correlation.mean().abs() < 0.03


def test_a_picture_has_one_noise_for_good() -> None:
    sampler = PatchSampler(grays(128, count=1), SIDE, seed=1)
    first, second = (sampler.photographs(sampler.draws(step, 8)) for step in (0, 1))
    assert torch.equal(first[2], second[2])
    means = torch.cat([first[1], second[1]]).mean((1, 2, 3))  # turning a patch keeps its mean
    assert torch.allclose(means, means[0].expand(16), atol=1e-5)


def test_phones_are_as_many_as_is_wanted() -> None:
    sampler = PatchSampler(grays(128), 48, seed=1)

    def noise(phones: float) -> float:
        made = photographs(sampler, sampler.draws(0, 32), training(phones=phones))
        return float((255 * made.noisy - 128).flatten(1).std(1).log().mean().exp())

    none, third, all_of_them = (noise(share) for share in (0.0, 1 / 3, 1.0))
    assert 3 * none < all_of_them  # small sensors have far stronger noise
    assert none < third < all_of_them


@pytest.mark.parametrize("factor", [0.05, 0.5])
def test_a_dim_scene_has_less_light_and_its_target_too(factor: float) -> None:
    sampler = PatchSampler(grays(200), 48, seed=1)
    draws = sampler.draws(0, 32)
    bright, dim = (
        photographs(sampler, draws, training(light=(light, light), target="clean", baseline=True))
        for light in (1.0, factor)
    )
    assert torch.allclose(dim.target, factor * bright.target, atol=2e-3, rtol=0.02)
    assert (dim.noisy.mean((1, 2, 3)) < bright.noisy.mean((1, 2, 3))).all()


def test_a_picture_has_one_light_for_good() -> None:
    sampler = PatchSampler(grays(200, count=1), SIDE, seed=1)
    settings = training(light=(0.05, 1.0), target="clean", baseline=True)
    targets = [photographs(sampler, sampler.draws(step, 8), settings).target for step in (0, 1)]
    means = torch.cat(targets).mean((1, 2, 3))
    assert torch.allclose(means, means[0].expand(16), rtol=0.05)


def stage(model: torch.nn.Module, *teachers: torch.nn.Module, **changes: object) -> CameraStage:
    torch.manual_seed(0)
    estimator = NoiseMapNet(NoiseMapConfig(channels=8, blocks=1))
    settings = training(**changes)
    return CameraStage(model, grays(90), settings, estimator, steps=10, seed=0, teachers=teachers)


def network() -> ResNet:
    return ResNet(ResNetConfig(channels=(8,), blocks=(1,), maps=2))


def test_a_step_gives_gradients_to_all_of_the_denoiser_and_none_to_the_estimator() -> None:
    made = stage(network())
    made.loss(made.model, 0, 0, 4).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.model.parameters())
    assert all(p.grad is None for p in made.estimator.parameters())


def test_a_mosaic_that_begins_with_blue_is_one_by_half_a_turn() -> None:
    """The teacher is asked as ever, and its answer is turned as well."""
    teacher = network()
    red, blue, both = (stage(network(), teacher, blue_first=share) for share in (0.0, 1.0, 0.5))
    source = red.sources.early
    first, other, mixed = (one.lessons(source, 0, 0, 16) for one in (red, blue, both))
    for name in ("noisy", "target", "weight", "maps"):
        as_red, as_blue, as_either = (getattr(one, name) for one in (first, other, mixed))
        assert torch.equal(as_blue, turn(as_red, HALF_TURN))
        is_red = (as_either == as_red).flatten(1).all(1)
        is_blue = (as_either == as_blue).flatten(1).all(1)
        assert (is_red | is_blue).all()
        assert 3 < is_blue.sum() < 13


@pytest.mark.parametrize("anchor", [0.0, 0.25, 1.0])
def test_a_teacher_is_followed_but_for_the_share_of_the_stages_own_target(anchor: float) -> None:
    model, teacher = network(), network()
    made = stage(model, teacher, anchor=anchor)
    sampler = made.sources.early.sampler
    patches = photographs(sampler, sampler.draws(0, 4), made.training)
    maps = torch.full((4, 2, *patches.noisy.shape[-2:]), 0.05)
    draws = sampler.draws(0, 4)
    asked = ask_in_turns(teacher, patches.noisy, maps, draws, 0, IN_PHASE)
    answer = tone.untone(asked, patches.contrast)
    mixed = (1 - anchor) * answer + anchor * patches.target
    assert torch.allclose(made.target(patches, maps, draws), mixed, atol=1e-5)


def test_lessons_that_are_kept_have_the_mean_of_all_turns() -> None:
    teacher = network()
    made = stage(network(), teacher, anchor=0.0, kept=2)
    sampler = made.sources.early.sampler
    patches = photographs(sampler, sampler.draws(0, 4), made.training)
    maps = torch.full((4, 2, *patches.noisy.shape[-2:]), 0.05)
    asked = ask_in_all_turns(teacher, patches.noisy, maps, teacher.config.stride)
    expected = tone.untone(asked, patches.contrast)
    assert torch.allclose(made.target(patches, maps, sampler.draws(0, 4)), expected, atol=1e-5)
    again = made.target(patches, maps, sampler.draws(1, 4))
    assert torch.allclose(again, expected, atol=1e-5)  # no turn is drawn


def test_of_two_teachers_the_mean_is_learned() -> None:
    first, second = network(), network()
    made = stage(network(), first, second, anchor=0.0)
    sampler = made.sources.early.sampler
    draws = sampler.draws(0, 4)
    patches = photographs(sampler, draws, made.training)
    maps = torch.full((4, 2, *patches.noisy.shape[-2:]), 0.05)
    answers = [
        tone.untone(
            ask_in_turns(one, patches.noisy, maps, draws, which, IN_PHASE), patches.contrast
        )
        for which, one in enumerate((first, second))
    ]
    assert not torch.allclose(*answers, atol=1e-3)
    assert torch.allclose(made.target(patches, maps, draws), sum(answers) / 2, atol=1e-5)


class _InAllTurns(DenoisingNetwork):
    """The mean of a denoiser's answers in eight turns: it turns with the picture."""

    def __init__(self, denoiser: ResNet) -> None:
        super().__init__()
        self.denoiser, self.config = denoiser, denoiser.config

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        assert isinstance(sigma, Tensor)
        answers = [
            turn_back(self.denoiser(turn(noisy, way), turn(sigma, way)), way) for way in WAYS
        ]
        return torch.stack(answers).mean(0)


def test_who_answers_as_the_teacher_does_has_nothing_to_learn() -> None:
    model = _InAllTurns(network())
    taught, alone = stage(model, model, anchor=0.0), stage(model)
    with torch.no_grad():
        losses = [made.loss(model, 0, 0, 4) for made in (taught, alone)]
    assert losses[0] < -16 < losses[1]  # the logarithm of the least error that counts


def test_a_teacher_is_not_taught_itself() -> None:
    made = stage(network(), network())
    made.loss(made.model, 0, 0, 4).backward()
    assert all(p.grad is None for p in made.teachers[0].parameters())
    assert all(p.grad is not None for p in made.model.parameters())


def test_a_teacher_that_is_told_one_level_is_refused() -> None:
    with pytest.raises(UsageError, match="told one level of noise"):
        stage(network(), ResNet(ResNetConfig(channels=(8,), blocks=(1,))))


def test_the_share_of_a_batch_does_not_depend_on_who_computes_it() -> None:
    made = stage(network())
    with torch.no_grad():
        whole = made.loss(made.model, 3, 0, 4)
        halves = [made.loss(made.model, 3, first, 2) for first in (0, 2)]
    assert torch.allclose(whole, torch.stack(halves).mean(), rtol=1e-3)


def test_a_real_pair_is_validated_on_as_it_is() -> None:
    class Same(torch.nn.Module):
        def forward(self, noisy: Tensor, maps: Tensor) -> Tensor:
            return noisy

    made = stage(Same())
    clean = torch.full((3, 32, 32), 0.5)
    made.validation = {"pairs": [(clean + 0.1, clean)], "phone": [(clean + 0.01, clean)]}
    found = made.validate(made.model)
    assert found == pytest.approx({"psnr_pairs": 20.0, "psnr_phone": 40.0}, abs=0.01)


@pytest.mark.parametrize("color", [ColorConfig(permute=0.1), ColorConfig(mix=0.1, by_image=False)])
def test_colors_that_differ_from_visit_to_visit_are_refused(color: ColorConfig) -> None:
    with pytest.raises(UsageError, match="one light"):
        CameraTraining(color=color)


def taught_and_kept(folder: Path, teacher: ResNet) -> CameraStage:
    torch.manual_seed(0)
    estimator = NoiseMapNet(NoiseMapConfig(channels=8, blocks=1))
    settings = training(kept=2)
    corpus = grays(90)
    return CameraStage(
        network(), corpus, settings, estimator, steps=10, seed=0, teachers=[teacher], folder=folder
    )


def test_kept_lessons_are_made_once_and_taken_in_turn(tmp_path: Path) -> None:
    teacher = network()
    made = taught_and_kept(tmp_path, teacher)
    with torch.no_grad():
        losses = [float(made.loss(made.model, step, 0, 4)) for step in range(4)]
    files = sorted(tmp_path.glob("lessons-*/*"))
    assert [file.name for file in files] == ["000000-0-4.npz", "000001-0-4.npz"]
    assert losses[2:] == pytest.approx(losses[:2], rel=1e-3)  # half precision
    assert losses[0] != losses[1]
    times = [file.stat().st_mtime_ns for file in files]
    again = taught_and_kept(tmp_path, teacher)
    again.model = made.model
    with torch.no_grad():
        assert float(again.loss(made.model, 0, 0, 4)) == losses[2]
    assert [file.stat().st_mtime_ns for file in files] == times


def test_a_kept_lesson_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    made = taught_and_kept(tmp_path, network())
    with torch.no_grad():
        before = float(made.loss(made.model, 0, 0, 4))
        (file,) = tmp_path.glob("lessons-*/*")
        whole = file.read_bytes()
        file.write_bytes(whole[:-100])
        assert float(made.loss(made.model, 0, 0, 4)) == before
    assert file.read_bytes() == whole


def test_another_teacher_has_lessons_of_its_own(tmp_path: Path) -> None:
    for _ in range(2):
        made = taught_and_kept(tmp_path, network())
        with torch.no_grad():
            made.loss(made.model, 0, 0, 4)
        torch.manual_seed(5)
    assert len(list(tmp_path.glob("lessons-*"))) == 2


def test_kept_lessons_have_one_size() -> None:
    with pytest.raises(UsageError, match="late_patch must be 0"):
        CameraTraining(kept=4, late_patch=128)
