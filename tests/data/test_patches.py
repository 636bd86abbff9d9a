"""Patches: cut where they should be, each image with one noise for good."""

from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from PIL import Image

from flowdenoise.data.corpus import Corpus, load_corpus
from flowdenoise.data.patches import (
    NoiseConfig,
    NoiseMode,
    PatchSampler,
    by_area,
    image_sigma,
    quiet_weights,
)
from flowdenoise.errors import DataError
from flowdenoise.system.random_streams import Draws

SIZES = ((40, 50), (33, 64), (70, 36))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Three images whose pixels tell where they are: (row, column, image)."""
    parts = []
    for image, (height, width) in enumerate(SIZES):
        rows = torch.arange(height).view(-1, 1).expand(height, width)
        columns = torch.arange(width).expand(height, width)
        parts.append(torch.stack([rows, columns, torch.full_like(rows, image)], 2).view(-1, 3))
    heights, widths = (torch.tensor(side) for side in zip(*SIZES, strict=True))
    counts = heights * widths
    keys = torch.tensor([11, 22, 33], dtype=torch.int32)
    pixels = torch.cat(parts).to(torch.uint8)
    return Corpus(pixels, counts.cumsum(0) - counts, heights, widths, keys, ("a", "b", "c"))


@given(seed=st.integers(0, 10**6), step=st.integers(0, 10**6))
def test_a_patch_is_a_piece_of_one_image_turned(corpus: Corpus, seed: int, step: int) -> None:
    sampler = PatchSampler(corpus, 32, seed=seed)
    for patch in sampler.clean(sampler.draws(step, 4)).long():
        image = int(patch[2, 0, 0])
        assert (patch[2] == image).all()
        top, left = int(patch[0].min()), int(patch[1].min())
        expected = corpus.image(image)[:, top : top + 32, left : left + 32].long()
        turned = [
            t.flip(dims) if dims else t
            for t in (expected, expected.transpose(1, 2))
            for dims in ((), (1,), (2,), (1, 2))
        ]
        assert any(torch.equal(patch, candidate) for candidate in turned)


def test_all_places_and_all_turns_occur(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=0)
    patches = sampler.clean(sampler.draws(0, 4000)).long()
    seen = {(int(p[2, 0, 0]), int(p[0].min()), int(p[1].min())) for p in patches}
    possible = {
        (image, top, left)
        for image, (height, width) in enumerate(SIZES)
        for top in range(height - 31)
        for left in range(width - 31)
    }
    assert seen <= possible
    assert len(seen) > 0.95 * len(possible)
    steps = {(int(p[0, 1, 0] - p[0, 0, 0]), int(p[1, 1, 0] - p[1, 0, 0])) for p in patches}
    assert len(steps) == 4


def noise_by_place(corpus: Corpus, config: NoiseConfig, step: int) -> dict[tuple[int, ...], float]:
    """The first channel's noise at each (image, row, column) that a batch shows."""
    sampler = PatchSampler(corpus, 32, seed=5)
    draws = sampler.draws(step, 16)
    clean = sampler.clean(draws).double()
    noise = sampler.noisy(draws, config).noisy.double() - clean / 255
    places = clean.permute(0, 2, 3, 1).reshape(-1, 3).long().tolist()
    values = noise[:, 0].flatten().tolist()
    return {(i, r, c): value for (r, c, i), value in zip(places, values, strict=True)}


def test_fixed_noise_is_the_same_at_every_visit_and_fresh_noise_is_not(corpus: Corpus) -> None:
    for mode, fixed in (("fixed", True), ("fresh", False)):
        config = NoiseConfig(mode=mode)  # type: ignore[arg-type]
        first, second = (noise_by_place(corpus, config, step) for step in (1, 2))
        shared = first.keys() & second.keys()
        assert len(shared) > 1000
        same = [abs(first[place] - second[place]) < 1e-6 for place in shared]
        assert all(same) if fixed else sum(same) < 0.02 * len(same)


@pytest.mark.parametrize("mode", ["fixed", "fresh"])
def test_the_second_version_of_a_patch_has_other_noise_of_the_same_level(
    corpus: Corpus, mode: NoiseMode
) -> None:
    sampler = PatchSampler(corpus, 32, seed=5)
    draws, config = sampler.draws(0, 64), NoiseConfig(mode=mode, sigma_range=(0.1, 0.1))
    clean = sampler.clean(draws).float() / 255
    first, second = (
        sampler.noisy(draws, config, version).noisy - clean  # type: ignore[arg-type]
        for version in (0, 1)
    )
    assert float(first.std()) == pytest.approx(0.1, rel=0.02)
    assert float(second.std()) == pytest.approx(0.1, rel=0.02)
    assert abs(float((first * second).mean())) < 0.02 * 0.01


def test_each_image_has_one_level_in_range(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=3)
    config = NoiseConfig(sigma_range=(0.1, 0.2))
    draws = sampler.draws(0, 64)
    batch = sampler.noisy(draws, config)
    levels = image_sigma(corpus, torch.arange(3), config.sigma_range, 3)
    images = sampler.clean(draws)[:, 2, 0, 0].long()
    assert torch.equal(batch.sigma, levels[images])
    assert ((levels >= 0.1) & (levels <= 0.2)).all()
    deviation = (batch.noisy - sampler.clean(draws).float() / 255).std((1, 2, 3))
    assert torch.allclose(deviation, batch.sigma, rtol=0.1)


def test_noise_belongs_to_the_image_and_not_to_its_place_in_a_corpus(corpus: Corpus) -> None:
    part = replace(corpus, keys=corpus.keys[2:])
    config = NoiseConfig()
    alone = image_sigma(part, torch.tensor([0]), config.sigma_range, 9)
    among = image_sigma(corpus, torch.tensor([2]), config.sigma_range, 9)
    assert torch.equal(alone, among)


def test_eight_bit_noise_is_clipped_and_cut_off(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=3)
    noisy = sampler.noisy(sampler.draws(0, 8), NoiseConfig(eight_bit=True)).noisy
    assert float(noisy.min()) >= 0
    assert torch.allclose(noisy * 255, (noisy * 255).round(), atol=1e-4)


def test_really_noisy_images_are_taken_as_they_are(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=3)
    draws = sampler.draws(0, 8)
    batch = sampler.noisy(draws, NoiseConfig(mode="none"))
    assert torch.equal(batch.noisy, sampler.clean(draws).float() / 255)
    assert batch.sigma.isnan().all()


def test_processes_share_out_the_batch_of_one(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=1)
    whole = sampler.noisy(sampler.draws(7, 6), NoiseConfig())
    parts = [sampler.noisy(sampler.draws(7, 3, first), NoiseConfig()) for first in (0, 3)]
    assert torch.equal(whole.noisy, torch.cat([part.noisy for part in parts]))


def test_quiet_images_are_drawn_more_often_when_preferred(corpus: Corpus) -> None:
    config = NoiseConfig(prefer_quiet=1.0)
    weights = quiet_weights(corpus, config, 1)
    assert weights is not None
    sigma = image_sigma(corpus, torch.arange(3), config.sigma_range, 1)
    assert torch.allclose(weights, 5 / 255 / (5 / 255 + sigma), rtol=0.01)
    sampler = PatchSampler(corpus, 32, seed=1, weights=weights)
    drawn = sampler.clean(sampler.draws(0, 4000))[:, 2, 0, 0].long()
    places = torch.tensor([(h - 31) * (w - 31) for h, w in SIZES])
    expected = places * weights / (places * weights).sum()
    assert torch.allclose(drawn.bincount(minlength=3) / 4000, expected, atol=0.03)
    assert quiet_weights(corpus, NoiseConfig(mode="fresh", prefer_quiet=1.0), 1) is None
    assert quiet_weights(corpus, NoiseConfig(), 1) is None


@pytest.mark.parametrize("exponent", [0.0, 0.4, 1.0])
def test_images_are_drawn_by_a_power_of_their_places(corpus: Corpus, exponent: float) -> None:
    weights = by_area(corpus, 32, exponent)
    sampler = PatchSampler(corpus, 32, seed=1, weights=weights)
    drawn = sampler.clean(sampler.draws(0, 4000))[:, 2, 0, 0].long()
    places = torch.tensor([float((h - 31) * (w - 31)) for h, w in SIZES]) ** exponent
    assert torch.allclose(drawn.bincount(minlength=3) / 4000, places / places.sum(), atol=0.03)


def test_an_image_below_the_patch_is_named(corpus: Corpus) -> None:
    with pytest.raises(DataError, match="b is smaller than a patch of 36"):
        PatchSampler(corpus, 36, seed=0)


def test_draws_of_a_step_do_not_depend_on_the_corpus_device(corpus: Corpus) -> None:
    sampler = PatchSampler(corpus, 32, seed=1)
    assert torch.equal(sampler.draws(3, 4).keys, Draws.for_step(1, 3, 4).keys)


def test_nothing_to_load_is_an_error(tmp_path: object) -> None:
    with pytest.raises(DataError, match="no image files"):
        load_corpus([tmp_path], channels=3)  # type: ignore[list-item]


def test_the_large_images_of_a_corpus_keep_their_keys_and_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, size in (("a", (40, 64)), ("b", (64, 70)), ("c", (90, 64))):
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    corpus = load_corpus([tmp_path], channels=3)
    large = corpus.at_least(64)
    assert large.names == ("b.png", "c.png")
    for index in range(2):
        assert torch.equal(large.image(index), corpus.image(index + 1))
        assert large.keys[index] == corpus.keys[index + 1]
    with pytest.raises(DataError, match="at least 91 pixels"):
        corpus.at_least(91)
