"""Data terms: what they promise about their minimum, checked where it can be worked out."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.data.patches import NoiseConfig, NoisyPatches
from flowdenoise.errors import UsageError
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.system.random_streams import Draws
from flowdenoise.training import losses
from flowdenoise.training.denoiser_stage import DenoiserTraining
from flowdenoise.training.losses import LossValue, ObjectiveConfig
from flowdenoise.training.objectives import DATA_TERMS, data_term
from flowdenoise.training.prior_term import prior_term

SPREAD = 0.2  # deviation of the clean values


def batch(count: int, sigma: float, side: int = 8) -> tuple[NoisyPatches, Tensor]:
    """White images in white noise: the best linear estimate is known."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, 1, side, side)
    clean = SPREAD * torch.randn(shape, generator=generator, dtype=torch.float64)
    noisy = clean + sigma * torch.randn(shape, generator=generator, dtype=torch.float64)
    draws = Draws.for_step(0, 0, count)
    return NoisyPatches(noisy, torch.full((count,), sigma, dtype=torch.float64), draws), clean


def best_gain(term: Callable, patches: NoisyPatches, config: ObjectiveConfig) -> float:
    """The gain c at which the loss of d(y) = c y is least: the loss is a parabola in c."""

    def loss(gain: float) -> float:
        result: LossValue = term(lambda noisy, sigma: gain * noisy, patches, config)
        return float(result.loss.mean())

    low, middle, high = loss(0.0), loss(0.5), loss(1.0)
    curvature = 2 * (low - 2 * middle + high)
    return (low - high + curvature) / (2 * curvature)


@pytest.mark.parametrize("sigma", [0.05, 0.2])
@pytest.mark.parametrize("alpha", [(0.3, 0.3), (0.5, 2.0)])
def test_r2r_is_least_at_the_best_estimate_of_the_recorrupted_input(
    sigma: float, alpha: tuple[float, float]
) -> None:
    patches, clean = batch(4000, sigma)
    config = ObjectiveConfig(alpha=alpha, level_limit=1.0)
    seen: list[Tensor] = []

    def remember(noisy: Tensor, level: Tensor) -> Tensor:
        seen.append(noisy)
        return noisy

    losses.r2r(remember, patches, config)
    weight = losses.r2r(lambda n, s: torch.zeros_like(n), patches, config)
    error = (patches.noisy - 0).square()  # weights of the loss, from its value at d = 0
    assert error.shape == clean.shape
    assert (weight.level >= patches.sigma).all()
    gain = best_gain(losses.r2r, patches, config)
    # With alpha fixed, the level is too, and the best gain is Wiener's at that level.
    if alpha[0] == alpha[1]:
        level = sigma * math.sqrt(1 + alpha[0] ** 2)
        assert gain == pytest.approx(SPREAD**2 / (SPREAD**2 + level**2), abs=0.02)
    else:
        assert 0 < gain < 1


@pytest.mark.parametrize("sigma", [0.05, 0.2])
@pytest.mark.parametrize("anchor", [0.0, 0.1, 1.0])
def test_relay_takes_the_best_estimate_from_a_lower_to_a_higher_level(
    sigma: float, anchor: float
) -> None:
    """Taught by the best estimate at sigma alone, it learns that of the recorrupted input."""
    patches, _ = batch(4000, sigma)
    config = ObjectiveConfig(alpha=(1.0, 1.0), level_limit=1.0, anchor=anchor)
    estimate = SPREAD**2 / (SPREAD**2 + sigma**2) * patches.noisy

    level = sigma * math.sqrt(2)
    expected = SPREAD**2 / (SPREAD**2 + level**2)
    taught = replace(patches, target=estimate)
    assert best_gain(losses.relay, taught, config) == pytest.approx(expected, abs=0.01)


def test_anchored_wholly_a_teacher_that_errs_does_no_harm() -> None:
    patches, _ = batch(4000, 0.2)
    config = ObjectiveConfig(alpha=(1.0, 1.0), level_limit=1.0, anchor=1.0)
    wrong = replace(patches, target=torch.zeros_like(patches.noisy))
    expected = SPREAD**2 / (SPREAD**2 + 2 * 0.2**2)
    assert best_gain(losses.relay, wrong, config) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", ["r2r", "sure"])
def test_balance_takes_weight_from_noisy_patches_and_none_at_25(name: str) -> None:
    def weight(sigma: float) -> float:
        patches, _ = batch(3, sigma)
        plain, balanced = (
            getattr(losses, name)(
                lambda noisy, level: noisy / 2,
                patches,
                ObjectiveConfig(alpha=(1e-3, 1e-3), balance=power),
            ).loss
            for power in (0.0, 1.3)
        )
        return float((balanced / plain).mean())

    assert weight(25 / 255) == pytest.approx(1, rel=1e-4)
    assert weight(52 / 255) == pytest.approx(2**-1.3, rel=1e-4)


def test_r2r_makes_two_images_of_independent_noise() -> None:
    patches, clean = batch(2000, 0.1)
    captured: dict[str, Tensor] = {}

    def capture(noisy: Tensor, level: Tensor) -> Tensor:
        captured["input"] = noisy
        return torch.zeros_like(noisy)

    config = ObjectiveConfig(alpha=(0.5, 0.5))
    losses.r2r(capture, patches, config)
    noise_in = captured["input"] - clean
    recorruption = (captured["input"] - patches.noisy) / 0.5
    noise_out = patches.noisy - recorruption / 0.5 - clean
    correlation = float((noise_in * noise_out).mean() / noise_in.std() / noise_out.std())
    assert abs(correlation) < 0.02
    assert float(noise_in.std()) == pytest.approx(0.1 * math.sqrt(1.25), rel=0.02)
    assert float(noise_out.std()) == pytest.approx(0.1 * math.sqrt(5), rel=0.02)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_r2r_weighs_a_patch_by_the_noise_of_its_target(alpha: float) -> None:
    """In units of sigma^2: the variance of z / alpha, and what is expected to remain as error."""
    patches, _ = batch(3, 0.1)
    captured: dict[str, Tensor] = {}

    def capture(noisy: Tensor, level: Tensor) -> Tensor:
        captured["input"] = noisy
        return torch.zeros_like(noisy)

    loss = losses.r2r(
        capture, patches, ObjectiveConfig(alpha=(alpha, alpha), level_limit=1.0)
    ).loss
    z = (captured["input"] - patches.noisy) / alpha
    error = (patches.noisy - z / alpha).square().flatten(1).mean(1)
    assert torch.allclose(loss, error / (1 / alpha**2 + 0.08), rtol=1e-4)


def test_r2r_levels_stay_within_the_limit() -> None:
    patches, _ = batch(500, 0.1)
    config = ObjectiveConfig(alpha=(0.2, 50.0), level_limit=0.3)
    level = losses.r2r(lambda n, s: n, patches, config).level
    assert float(level.min()) >= 0.1 * math.sqrt(1.04) - 1e-6
    assert float(level.max()) <= 0.3 + 1e-6
    assert float(level.max()) > 0.28


def test_r2r_survives_an_image_without_noise() -> None:
    patches, _ = batch(4, 0.0)
    result = losses.r2r(lambda n, s: n, patches, ObjectiveConfig())
    assert torch.isfinite(result.loss).all()


@pytest.mark.parametrize("sigma", [0.05, 0.2])
def test_sure_is_least_at_the_best_estimate(sigma: float) -> None:
    patches, _ = batch(4000, sigma)
    gain = best_gain(losses.sure, patches, ObjectiveConfig())
    assert gain == pytest.approx(SPREAD**2 / (SPREAD**2 + sigma**2), abs=0.02)


def test_sure_keeps_its_digits_where_the_rest_is_bfloat16() -> None:
    torch.manual_seed(0)
    patches, _ = batch(4, 0.1)
    patches = replace(patches, noisy=patches.noisy.float(), sigma=patches.sigma.float())
    conv = torch.nn.Conv2d(1, 1, 3, padding=1)
    exact = losses.sure(lambda n, s: conv(n), patches, ObjectiveConfig()).loss
    with torch.autocast("cpu", torch.bfloat16):
        mixed = losses.sure(lambda n, s: conv(n), patches, ObjectiveConfig()).loss
    assert torch.allclose(mixed, exact, rtol=1e-3, atol=1e-6)


def test_sure_estimates_the_true_error() -> None:
    patches, clean = batch(4000, 0.1)
    estimate = losses.sure(lambda n, s: 0.7 * n, patches, ObjectiveConfig()).loss.mean()
    truth = (0.7 * patches.noisy - clean).square().mean()
    assert float(estimate) == pytest.approx(float(truth), rel=0.02)


def test_mse_alone_wants_the_noisy_image_back() -> None:
    patches, _ = batch(10, 0.1)
    assert best_gain(losses.mse, patches, ObjectiveConfig()) == pytest.approx(1)


@pytest.mark.parametrize("size", [3, 5])
def test_the_blur_does_not_see_what_its_mean_cancels(size: int) -> None:
    patches, _ = batch(2, 0.1, side=15)
    wave = torch.cos(2 * math.pi * torch.arange(15) / size).expand(1, 1, 15, 15)
    config = ObjectiveConfig(blur=size)
    unseen = losses.blur(lambda n, s: n + wave, patches, config).loss
    seen = losses.blur(lambda n, s: n + 0.1, patches, config).loss
    assert float(unseen.max()) < 1e-12
    assert torch.allclose(seen, torch.full_like(seen, 0.01))


def test_n2v_hides_some_pixels_and_counts_only_these() -> None:
    patches, _ = batch(50, 0.2, side=32)
    captured: dict[str, Tensor] = {}

    def copy(noisy: Tensor, level: Tensor) -> Tensor:
        captured["hidden"] = noisy
        return noisy

    config = ObjectiveConfig(masked=0.05)
    loss = losses.n2v(copy, patches, config).loss
    changed = captured["hidden"] != patches.noisy
    assert float(changed.double().mean()) == pytest.approx(0.05, rel=0.15)
    difference = (captured["hidden"] - patches.noisy).square()
    expected = difference.flatten(1).sum(1) / changed.flatten(1).sum(1)
    assert torch.allclose(loss, expected)
    # A neighbor of white images tells nothing: the best gain is zero.
    assert best_gain(losses.n2v, patches, config) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("seen", "sigma"), [(0.1, 25), (0.6, 25), (0.1, 12.5), (0.4, 50)])
def test_n2v_gives_the_share_of_a_pixel_back_that_it_leaves(seen: float, sigma: float) -> None:
    patches, _ = batch(100, sigma / 255, side=32)
    share = seen * 25 / sigma
    shown: list[Tensor] = []
    config = ObjectiveConfig(masked=0.2, seen=seen)
    losses.n2v(lambda noisy, _: shown.append(noisy) or noisy, patches, config)
    changed = float((shown[0] != patches.noisy).double().mean())
    assert changed == pytest.approx(0.2 * (1 - share), rel=0.05)
    # What tells nothing of white images is a neighbor; the share of pixels that are left does.
    assert best_gain(losses.n2v, patches, config) == pytest.approx(share, abs=0.03)


def test_n2v_leaves_the_told_share_where_nobody_knows_the_noise() -> None:
    known, _ = batch(100, 25 / 255, side=32)
    unknown = replace(known, sigma=torch.full_like(known.sigma, torch.nan))
    shown: list[Tensor] = []
    config = ObjectiveConfig(masked=0.2, seen=0.4)
    for patches in (known, unknown):
        losses.n2v(lambda noisy, _: shown.append(noisy) or noisy, patches, config)
    assert torch.equal(*shown)
    changed = float((shown[1] != known.noisy).double().mean())
    assert changed == pytest.approx(0.2 * 0.6, rel=0.05)


def test_n2v_leaves_all_pixels_of_noise_so_weak_that_neighbors_tell_less() -> None:
    patches, _ = batch(10, 0.0, side=32)
    config = ObjectiveConfig(masked=0.2, seen=0.1)
    assert not losses.n2v(lambda noisy, _: noisy, patches, config).loss.any()


def test_n2v_replaces_by_what_could_be_there_and_never_by_a_copy() -> None:
    patches, _ = batch(40, 0.2, side=32)
    noisy = patches.noisy.expand(-1, 3, -1, -1) * torch.tensor([1.0, 1.0, 2.0])[:, None, None]
    made = losses._replacements(replace(patches, noisy=noisy))
    assert float(made.mean()) == pytest.approx(float(noisy.mean()), abs=0.01)
    covariance = [torch.cov(pixels.movedim(1, 0).flatten(1)) for pixels in (made, noisy)]
    torch.testing.assert_close(*covariance, rtol=0.05, atol=1e-3)
    around = F.unfold(F.pad(noisy[:, :1], (2,) * 4, mode="circular"), 5)
    copies = (around - made[:, :1].flatten(2)).abs() < 1e-9
    assert not copies.any()


def test_n2v_replaces_by_the_neighborhood_without_the_pixel_itself() -> None:
    noisy = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    noisy[..., 16, 16] = 1.0
    made = losses._replacements(NoisyPatches(noisy, torch.zeros(1), Draws.for_step(0, 0, 1)))
    assert float(made[..., 16, 16]) == 0
    rows, columns = (made[0, 0] != 0).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (14, 18, 14, 18)


@pytest.fixture(scope="module")
def prior() -> Glow:
    config = GlowConfig(image_channels=1, size=8, levels=1, steps_per_level=1, hidden_channels=4)
    return Glow(config).double().requires_grad_(False)


def test_the_fixed_prior_weight_multiplies_nats_per_patch(prior: Glow) -> None:
    patches, _ = batch(3, 0.1)
    term = losses.mse(lambda n, s: n, patches, ObjectiveConfig())
    config = ObjectiveConfig(prior_weight="fixed", prior_scale=1.5e-6)
    value = prior_term(prior, term, config)
    assert torch.allclose(value, -1.5e-6 * prior.log_prob(patches.noisy))


def test_a_fixed_prior_weight_needs_no_noise_level(prior: Glow) -> None:
    patches, _ = batch(3, float("nan"))
    known, _ = batch(3, 0.1)
    term = LossValue(torch.zeros(3), known.noisy, patches.sigma)
    config = ObjectiveConfig(prior_weight="fixed", prior_scale=1.5e-6)
    assert prior_term(prior, term, config).isfinite().all()


def test_the_cost_of_what_is_no_picture_grows_slowly_in_the_same_direction() -> None:
    class Sure(torch.nn.Module):
        config = GlowConfig(image_channels=1, size=8, levels=1)

        def forward(self, x: Tensor, sigma: float) -> Tensor:
            return torch.distributions.Normal(0.0, 1e-4).log_prob(x).flatten(1).sum(1)

    patches, _ = batch(2, 0.1)
    noisy = patches.noisy.clone().requires_grad_(True)
    term = LossValue(torch.zeros(2), noisy, patches.sigma)
    config = ObjectiveConfig(prior_weight="fixed", prior_scale=1 / 64)
    value = prior_term(Sure(), term, config)  # type: ignore[arg-type]
    rate = -Sure()(noisy.detach(), 0.0) / 64
    assert (rate > 1e5).all()
    assert torch.allclose(value, 5 + torch.log1p(rate - 5))
    (gradient,) = torch.autograd.grad(value.sum(), noisy)
    aligned = torch.cosine_similarity(gradient.flatten(1), noisy.detach().flatten(1))
    assert torch.allclose(aligned, torch.ones_like(aligned))
    assert float(gradient.abs().max()) < 1


def test_the_map_weight_follows_the_noise_level(prior: Glow) -> None:
    patches, _ = batch(3, 0.1)
    term = losses.mse(lambda n, s: n, patches, ObjectiveConfig())
    value = prior_term(prior, term, ObjectiveConfig(prior_scale=1.0))
    assert torch.allclose(value, -2 * 0.01 / 64 * prior.log_prob(patches.noisy))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_map_objective_is_least_at_the_maximum_a_posteriori(share: float) -> None:
    # For a Gaussian prior the maximum a posteriori is Wiener's estimate, so the gain is known.
    class Gaussian(torch.nn.Module):
        config = GlowConfig(image_channels=1, size=8, levels=1)

        def forward(self, x: Tensor, sigma: Tensor | float) -> Tensor:
            levels = torch.as_tensor(sigma, dtype=torch.float64).expand(len(x))
            spread = (SPREAD**2 + levels[:, None] ** 2).sqrt()
            return torch.distributions.Normal(0.0, spread).log_prob(x.flatten(1)).sum(1)

    config = ObjectiveConfig(prior_scale=1.0, prior_level=share)

    def total(denoise: losses.Denoise, patches: NoisyPatches, c: ObjectiveConfig) -> LossValue:
        term = losses.mse(denoise, patches, c)
        loss = term.loss + prior_term(Gaussian(), term, c)  # type: ignore[arg-type]
        return LossValue(loss, term.denoised, term.level)

    patches, _ = batch(100, 0.1)
    variance = 0.04 + share**2 * 0.01
    assert best_gain(total, patches, config) == pytest.approx(variance / (variance + 0.01))


def test_a_larger_patch_is_judged_in_pieces(prior: Glow) -> None:
    large, _ = batch(2, 0.1, side=19)
    term = losses.mse(lambda n, s: n, large, ObjectiveConfig())
    config = ObjectiveConfig(prior_weight="fixed", prior_scale=1.0)
    value = prior_term(prior, term, config)
    corners = [(0, 0), (0, 8), (8, 0), (8, 8)]
    pieces = [large.noisy[:, :, top : top + 8, left : left + 8] for top, left in corners]
    expected = torch.stack([-prior.log_prob(piece) for piece in pieces]).mean(0)
    assert torch.allclose(value, expected)


def test_two_noisy_versions_teach_the_best_estimate() -> None:
    patches, clean = batch(4000, 0.2)
    generator = torch.Generator().manual_seed(1)
    second = clean + 0.2 * torch.randn(clean.shape, generator=generator, dtype=torch.float64)
    gain = best_gain(losses.regression, replace(patches, target=second), ObjectiveConfig())
    assert gain == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["supervised", "n2n"])
def test_what_breaks_the_rule_must_be_asked_for(name: str) -> None:
    objective = ObjectiveConfig(data_term=name)
    with pytest.raises(
        UsageError, match=f"{name} sees .*: a baseline, which baseline=true allows"
    ):
        DenoiserTraining(objective=objective)
    DenoiserTraining(objective=objective, baseline=True)
    with pytest.raises(UsageError, match="images that noise is added to"):
        DenoiserTraining(objective=objective, baseline=True, noise=NoiseConfig(mode="none"))


def test_an_unknown_data_term_says_which_exist() -> None:
    with pytest.raises(UsageError, match=f"there are {', '.join(DATA_TERMS)}"):
        data_term("magic")
    with pytest.raises(UsageError, match="there are blur"):
        DenoiserTraining(objective=ObjectiveConfig(data_term="magic"))
