"""Varied colors: as often as asked, gray stays gray, and fixed noise keeps its one realization."""

from __future__ import annotations

import pytest
import torch

from flowdenoise.data.coloring import ColorConfig, mix, permute
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import NoiseConfig, PatchSampler, noisy_image
from flowdenoise.errors import UsageError
from flowdenoise.system.random_streams import Draws

MIX = ColorConfig(mix=1.0)
PERMUTE = ColorConfig(permute=1.0)


@pytest.fixture
def corpus() -> Corpus:
    """One colorful image exactly as large as a patch, so that every patch is all of it."""
    pixels = torch.randint(0, 256, (32 * 32, 3), generator=torch.Generator().manual_seed(0))
    side = torch.tensor([32])
    key = torch.tensor([7], dtype=torch.int32)
    return Corpus(pixels.to(torch.uint8), torch.tensor([0]), side, side, key, ("a",))


def patches(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, 4, 4), generator=generator).to(torch.uint8)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_as_many_patches_are_varied_as_asked(probability: float) -> None:
    before, draws = patches(4000), Draws.for_step(0, 0, 4000)
    mixed = mix(before, draws, ColorConfig(mix=probability))
    share = (mixed != before).flatten(1).any(1).float().mean()
    assert float(share) == pytest.approx(probability, abs=0.03)
    permuted = permute(before, draws, ColorConfig(permute=probability))
    share = (permuted != before).flatten(1).any(1).float().mean()
    assert float(share) == pytest.approx(probability * 5 / 6, abs=0.03)


def test_all_orders_of_the_channels_occur_alike() -> None:
    before = torch.arange(3).view(1, 3, 1, 1).expand(6000, 3, 1, 1)
    after = permute(before, Draws.for_step(0, 0, 6000), PERMUTE).flatten(1)
    orders, counts = after.unique(dim=0, return_counts=True)
    assert len(orders) == 6
    assert (after.sort(1).values == before.flatten(1)).all()
    assert ((counts - 1000).abs() < 150).all()


def test_hue_and_saturation_keep_gray_and_the_mean_of_the_channels() -> None:
    draws = Draws.for_step(0, 0, 500)
    hue = ColorConfig(mix=1.0, saturation=(0.5, 1.5), gain=(1.0, 1.0))
    gray = patches(500)[:, :1].expand(-1, 3, -1, -1)
    assert torch.equal(mix(gray, draws, hue), gray)
    dull = patches(500) // 4 + 96  # nothing is clamped
    mean = mix(dull, draws, hue).float().mean(1)
    assert torch.allclose(mean, dull.float().mean(1), atol=1)


def test_a_third_of_the_circle_of_hues_permutes_the_channels() -> None:
    before = patches(200)
    circle = ColorConfig(mix=1.0, saturation=(1.0, 1.0), gain=(1.0, 1.0), hue=180.0)
    draws = Draws.for_step(0, 0, 200)
    angle = 180 * (2 * draws.uniform(11) - 1)  # the stream of the hue
    nearest = (angle - 120).abs().argmin()
    after = mix(before, draws, circle)[nearest].float()
    assert float((angle[nearest] - 120).abs()) < 2
    assert torch.allclose(after, before[nearest].float().roll(1, 0), atol=8)


def test_saturation_and_gains_do_what_their_names_say() -> None:
    before, draws = patches(300), Draws.for_step(0, 0, 300)
    gray = mix(before, draws, ColorConfig(mix=1.0, saturation=(0.0, 0.0), gain=(1.0, 1.0)))
    assert (gray == gray[:, :1]).all()
    dark = mix(before, draws, ColorConfig(mix=1.0, saturation=(1, 1), gain=(0.5, 0.5), hue=0.0))
    assert torch.allclose(dark.float(), before.float() / 2, atol=0.5)


def test_fixed_noise_and_varied_colors_show_one_noisy_version_of_a_picture(corpus: Corpus) -> None:
    config = ColorConfig(mix=1.0, permute=1.0)
    sampler = PatchSampler(corpus, 32, seed=3, color=config)
    seen = torch.cat([sampler.noisy(sampler.draws(n, 16), NoiseConfig()).noisy for n in range(4)])
    fixed, _ = noisy_image(corpus, 0, NoiseConfig(), seed=3, color=config)
    # Turns and orders of channels aside, each patch has the values of the one noisy picture.
    expected = fixed.flatten().sort().values
    assert torch.allclose(seen.flatten(1).sort(1).values, expected.expand(64, -1), atol=1e-6)
    assert len(seen[:, :, 0, 0].unique(dim=0)) > 6
    plain, _ = noisy_image(corpus, 0, NoiseConfig(), seed=3)
    assert not torch.allclose(plain, fixed, atol=0.01)


def test_a_mix_that_changes_from_visit_to_visit_is_for_fresh_noise(corpus: Corpus) -> None:
    by_visit = ColorConfig(mix=1.0, by_image=False)
    for color, versions in ((MIX, 1), (by_visit, 16)):
        sampler = PatchSampler(corpus, 32, seed=3, color=color)
        clean = sampler.clean(sampler.draws(0, 16)).float()
        assert len(clean.sum((1, 2, 3)).unique()) == versions


def test_clean_and_noisy_patches_have_the_same_colors(corpus: Corpus) -> None:
    color = ColorConfig(mix=0.7, permute=0.7, by_image=False)
    sampler = PatchSampler(corpus, 32, seed=3, color=color)
    draws = sampler.draws(0, 16)
    quiet = NoiseConfig(mode="fresh", sigma_range=(0.0, 0.0))
    noisy = sampler.noisy(draws, quiet).noisy
    assert torch.allclose(noisy, sampler.clean(draws).float() / 255)


def test_gray_images_have_no_colors_to_vary(corpus: Corpus) -> None:
    gray = Corpus(
        corpus.pixels[:, :1],
        corpus.offsets,
        corpus.heights,
        corpus.widths,
        corpus.keys,
        corpus.names,
    )
    with pytest.raises(UsageError, match="only color images"):
        PatchSampler(gray, 32, seed=0, color=PERMUTE)
