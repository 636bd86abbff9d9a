"""A teacher asked once about each whole image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus, load_corpus
from flowdenoise.data.patches import NoiseConfig, PatchSampler, noisy_image
from flowdenoise.errors import UsageError
from flowdenoise.networks import DenoisingNetwork, ResNet, ResNetConfig
from flowdenoise.training import targets
from flowdenoise.training.denoiser_stage import DenoiserStage, DenoiserTraining
from flowdenoise.training.losses import ObjectiveConfig
from flowdenoise.training.targets import BatchSources
from flowdenoise.training.teaching import taught_corpus

FIXED = NoiseConfig()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    folder = tmp_path / "images"
    folder.mkdir()
    for index, (height, width) in enumerate([(40, 52), (33, 36)]):
        pixels = np.random.default_rng(index).integers(0, 256, (height, width), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return load_corpus([folder], channels=1)


@pytest.fixture
def teacher() -> ResNet:
    torch.manual_seed(0)
    return ResNet(ResNetConfig(image_channels=1, channels=(8,), blocks=(1,))).eval()


def test_patches_are_cut_from_the_whole_noisy_image(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=3)
    batch = sampler.noisy(sampler.draws(0, 16), FIXED)
    wholes = [noisy_image(corpus, index, FIXED, seed=3) for index in range(2)]
    for patch, sigma in zip(batch.noisy, batch.sigma, strict=True):
        index = int(wholes[1][1] == float(sigma))
        windows = wholes[index][0][0].unfold(0, 32, 1).unfold(1, 32, 1)
        turned = [turn(patch[0]) for turn in TURNS]
        distance = min(float((windows - t).abs().amax((-2, -1)).min()) for t in turned)
        assert distance < 1e-6


TURNS = [
    lambda x, mirror=mirror, quarter=quarter: torch.rot90(x.flip(-1) if mirror else x, quarter)
    for mirror in (False, True)
    for quarter in range(4)
]


def test_the_answers_are_the_mean_of_eight_turns_and_lie_where_the_images_do(
    corpus: Corpus, teacher: ResNet, tmp_path: Path
) -> None:
    taught = taught_corpus(teacher, corpus, FIXED, tmp_path, seed=3)
    assert taught.names == corpus.names
    noisy, sigma = noisy_image(corpus, 0, FIXED, seed=3)
    with torch.no_grad():
        answers = [
            torch.rot90(teacher(torch.rot90(x, q, (-2, -1)), sigma), -q, (-2, -1))
            for x in (noisy[None], noisy[None].flip(-1))
            for q in range(4)
        ]
    mean = (sum(answers[:4]) + sum(answers[4:]).flip(-1)) / 8  # type: ignore[union-attr]
    assert (taught.image(0).float() - mean[0]).abs().max() < 0.02  # the engine's bfloat16


def test_patches_of_the_answers_match_the_noisy_ones(corpus: Corpus, tmp_path: Path) -> None:
    taught = taught_corpus(_Same(), corpus, FIXED, tmp_path, seed=3)
    noisy = PatchSampler(corpus, 32, seed=3)
    answers = PatchSampler(taught, 32, seed=3)
    batch = noisy.noisy(noisy.draws(5, 8), FIXED)
    assert torch.allclose(answers.clean(batch.draws).float(), batch.noisy, atol=2e-3)


def test_patches_of_the_answers_have_the_colors_of_the_noisy_ones(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "color.png")
    corpus = load_corpus([tmp_path / "color.png"], channels=3)
    color = ColorConfig(mix=1.0, permute=1.0)
    taught = taught_corpus(_Same(3), corpus, FIXED, tmp_path, seed=3, color=color)
    training = DenoiserTraining(
        objective=ObjectiveConfig(data_term="teacher"), color=color, patch=32, teach_once=True
    )
    stage = DenoiserStage(
        _Same(3), corpus, training, steps=1, seed=3, teacher=_Same(3), taught=taught
    )
    assert float(stage.loss(_Same(3), 0, 0, 8).detach()) < 1e-6


class _Same(DenoisingNetwork):
    """Finds nothing to remove."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.config = ResNetConfig(image_channels=channels)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        return noisy * self.scale


def test_it_is_asked_once(corpus: Corpus, teacher: ResNet, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    def ask(seed: int) -> None:
        taught_corpus(
            teacher, corpus, FIXED, tmp_path, seed=seed, on_taught=lambda *n: told.append(n)
        )

    ask(3)
    assert told == [(1, 2), (2, 2)]
    ask(3)
    assert len(told) == 2
    ask(4)  # other noise, other answers
    assert len(told) == 4


def test_new_noise_at_each_visit_is_refused(
    corpus: Corpus, teacher: ResNet, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="fixed noise"):
        taught_corpus(teacher, corpus, NoiseConfig(mode="fresh"), tmp_path, seed=0)


def test_the_stage_learns_from_the_answers(
    corpus: Corpus, teacher: ResNet, tmp_path: Path
) -> None:
    """A student that gives the teacher's answers has no loss; another one has."""
    taught = taught_corpus(_Same(), corpus, FIXED, tmp_path, seed=0)
    training = DenoiserTraining(ObjectiveConfig(data_term="teacher"), patch=32, teach_once=True)
    made = [
        DenoiserStage(model, corpus, training, steps=1, seed=0, teacher=_Same(), taught=taught)
        for model in (_Same(), teacher)
    ]
    same, other = (stage.loss(stage.model, 0, 0, 4) for stage in made)
    assert same < 1e-6 < other


def test_both_late_and_early_patches_are_taught(corpus: Corpus, tmp_path: Path) -> None:
    taught = taught_corpus(_Same(), corpus, FIXED, tmp_path, seed=0)
    training = DenoiserTraining(
        ObjectiveConfig(data_term="teacher"), patch=16, late_patch=32, late_share=0.5
    )
    stage = DenoiserStage(
        _Same(), corpus, training, steps=2, seed=0, teacher=_Same(), taught=taught
    )
    assert max(float(stage.loss(stage.model, n, 0, 8).detach()) for n in (0, 1)) < 1e-6


def test_a_second_noisy_version_has_noise_of_its_own_and_the_same_level(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=0)
    sources = BatchSources(sampler, FIXED, ObjectiveConfig())
    batch = targets.noisy_patches(sources, sampler.draws(0, 64))
    clean = targets.clean(sources, batch)
    first, second = batch.noisy - clean, targets.second(sources, batch) - clean
    assert float((first * second).mean() / (first.std() * second.std())) == pytest.approx(
        0, abs=0.05
    )
    assert float(second.std()) == pytest.approx(float(first.std()), rel=0.05)


def test_a_late_batch_has_fewer_patches_by_as_much_as_they_are_larger(corpus: Corpus) -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(_Same):
        def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
            seen.append(tuple(noisy.shape))
            return super().forward(noisy, sigma)

    training = DenoiserTraining(patch=8, late_patch=32, late_share=0.5)
    stage = DenoiserStage(Watched(), corpus, training, steps=2, seed=0)
    for step in (0, 1):
        stage.loss(stage.model, step, 0, 32)
    assert seen == [(32, 1, 8, 8), (2, 1, 32, 32)]
