"""Methods: one contract for all of them, and what each must do besides."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from flowdenoise import metrics, noise, weights
from flowdenoise.benchmark import methods
from flowdenoise.benchmark.methods import METHODS, Choice, Method, MethodOptions, build, parse
from flowdenoise.benchmark.methods import method as contract
from flowdenoise.benchmark.methods.deep_prior import (
    DeepPrior,
    DeepPriorConfig,
)
from flowdenoise.benchmark.methods.networks import NetworkMethod
from flowdenoise.benchmark.methods.noise2void import share_of_the_pixel
from flowdenoise.benchmark.methods.wnnm import Wnnm, WnnmConfig, patch_grid, shrink, similar
from flowdenoise.engine.examiner import Examiner
from flowdenoise.errors import MissingExtraError, UsageError, WeightsError
from flowdenoise.estimation import Estimate
from flowdenoise.estimation.estimators import Finding
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.networks import NoiseMapConfig, NoiseMapNet
from flowdenoise.weights import manifest, save_weights

from .conftest import tensor_scene

CPU = torch.device("cpu")
FLOAT = MethodOptions(precision="float32")
SMALL_PRIOR = DeepPriorConfig(scales=2, channels=8, inputs=4, steps=3)
SMALL_GROUPS = WnnmConfig(6, 30, 2, 0.54, search=8)
NEEDED = {"bm3d": "bm3d", "wavelet": "pywt"}


def ready(name: str, channels: int, options: MethodOptions = FLOAT) -> Method:
    """A method, prepared; those that are slow in a size for tests."""
    if name.partition("=")[0] in NEEDED:
        pytest.importorskip(NEEDED[name])
    (method,) = build(parse(name), options)
    if isinstance(method, DeepPrior):
        method.config = SMALL_PRIOR
    if isinstance(method, Wnnm):
        method.sizes = {math.inf: SMALL_GROUPS}
    method.prepare(channels, CPU)
    return method


def noisy_scene(channels: int, side: int = 40) -> tuple[Tensor, Tensor]:
    clean = tensor_scene(side, side + 7, channels)[None]
    return clean, noise.add_gaussian(clean, 25 / 255, seed=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_the_contract(
    name: str, channels: int, shipped: Path, peers: Path
) -> None:
    method = ready(name, channels, replace(FLOAT, data_dir=peers))
    clean, noisy = noisy_scene(channels)
    before = noisy.clone()
    level = method.level(25 / 255)
    assert (level is None) == METHODS[name].blind
    first, second = method.denoise(noisy, level), method.denoise(noisy, level)
    assert torch.equal(noisy, before), "the input is not for writing"
    assert first.shape == clean.shape
    assert first.dtype == torch.float32
    assert bool(torch.isfinite(first).all())
    assert torch.equal(first, second), "the same input has the same result"
    assert method.settings()["version"]
    assert (method.weights is not None) == METHODS[name].tiled
    assert (method.multiply_adds_per_pixel is not None) == METHODS[name].tiled


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "gain"), [("bm3d", 5), ("wnnm", 5), ("nlm", 3), ("wavelet", 2)])
def test_classical_methods_remove_noise(name: str, gain: float, channels: int) -> None:
    method = ready(name, channels)
    clean, noisy = noisy_scene(channels, 64)
    denoised = method.denoise(noisy, 25 / 255)
    assert metrics.psnr(denoised, clean) > metrics.psnr(noisy, clean) + gain


def test_blind_uses_the_estimate_and_says_with_which_estimator(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = ready("flowdenoise-blind", 3)
    assert isinstance(method, NetworkMethod)
    told = ready("flowdenoise", 3)
    monkeypatch.setattr(Examiner, "_find", lambda *_: Finding(Estimate(0.2, "noisy")))
    _, noisy = noisy_scene(3)
    assert torch.equal(method.denoise(noisy, None), told.denoise(noisy, 0.2))
    assert (method.found, told.found) == (0.2, None)
    assert method.settings()["estimator"] != told.settings()["estimator"]


def test_results_of_photographs_belong_to_the_weights_that_made_them(shipped: Path) -> None:
    file = shipped / "noise-map-color.safetensors"
    save_weights(file, NoiseMapNet(NoiseMapConfig(channels=4, blocks=1)), training={})
    words = {"license": "MIT", "summary": "A net.", "data": "None.", "sigma_range": (0.0, 1.0)}
    entry = manifest.describe(file, **words)  # type: ignore[arg-type]
    manifest.update_manifest(shipped, entry)
    cameras = ready("flowdenoise-blind", 3).settings()["cameras"]
    assert isinstance(cameras, list)
    assert entry.sha256 in cameras
    assert ready("flowdenoise", 3).settings()["cameras"] == []


def test_a_prior_is_a_method_too(tmp_path: Path) -> None:
    config = GlowConfig(
        image_channels=3,
        size=32,
        levels=2,
        steps_per_level=1,
        hidden_channels=4,
        noise_levels=True,
    )
    file = tmp_path / "prior.safetensors"
    weights.save_weights(file, Glow(config), training={}, dtype=torch.float32)
    method = ready(f"flowdenoise={file}", 3)
    assert not method.blind
    _, noisy = noisy_scene(3)
    assert method.denoise(noisy, 25 / 255).shape == noisy.shape


@pytest.mark.parametrize("tile", [None, 32, 0])
def test_networks_take_the_tile_that_is_asked_for(tile: int | None, shipped: Path) -> None:
    method = ready("flowdenoise", 3, MethodOptions("float32", tile=tile))
    assert method.settings()["tile"] == tile
    _, noisy = noisy_scene(3, 70)
    assert method.denoise(noisy, 0.1).shape == noisy.shape


def test_weights_for_other_images_are_refused(shipped: Path) -> None:
    with pytest.raises(UsageError, match=r"the weights gray are for gray images, .* color"):
        ready("flowdenoise=gray", 3)


def test_weights_that_are_not_there_are_an_error() -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        ready("n2v=./nowhere.safetensors", 3)


def test_the_self_ensemble_costs_eight_times_as_much(shipped: Path) -> None:
    single, eight = ready("flowdenoise", 1), ready("flowdenoise-x8", 1)
    assert single.multiply_adds_per_pixel is not None
    assert eight.multiply_adds_per_pixel == 8 * single.multiply_adds_per_pixel
    assert eight.settings() != single.settings()


class TestDeepPrior:
    """Deep image prior."""

    def test_its_defaults_are_the_published_ones(self) -> None:
        config = DeepPriorConfig()
        assert (config.scales, config.channels, config.skip, config.inputs) == (5, 128, 4, 32)
        assert (config.amplitude, config.learning_rate, config.averaging) == (0.1, 0.01, 0.99)

    def test_it_learns_the_picture_before_the_noise(self) -> None:
        clean, noisy = noisy_scene(1, 48)
        noisy = noise.add_gaussian(clean, 50 / 255, seed=0)
        config = DeepPriorConfig(scales=3, channels=24, inputs=8, steps=150, averaging=0.95)
        method = DeepPrior("dip", config)
        method.prepare(1, CPU)
        denoised = method.denoise(noisy, 50 / 255)
        assert metrics.psnr(denoised, clean) > metrics.psnr(noisy, clean) + 3

    def test_the_quick_one_learns_the_picture_in_bfloat16(self) -> None:
        clean = tensor_scene(32, 32, 1)[None]
        noisy = noise.add_gaussian(clean, 50 / 255, seed=0)
        sizes = {"scales": 2, "channels": 16, "inputs": 8, "steps": 150, "averaging": 0.9}
        config = replace(DeepPriorConfig.quick(), **sizes)
        assert config.precision == "bfloat16"
        assert 4 * DeepPriorConfig.quick().channels == DeepPriorConfig().channels
        denoised = DeepPrior("dip-narrow", config).denoise(noisy, 50 / 255)
        assert denoised.dtype == torch.float32
        assert metrics.psnr(denoised, clean) > metrics.psnr(noisy, clean) + 3

    def test_it_stops_by_itself_before_it_learns_the_noise(self) -> None:
        clean = tensor_scene(32, 39, 1)[None]
        noisy = noise.add_gaussian(clean, 50 / 255, seed=0)
        sizes = DeepPriorConfig(scales=2, channels=16, inputs=8, averaging=0.9)
        method = DeepPrior("dip", sizes)
        stopped = metrics.psnr(method.denoise(noisy, 50 / 255), clean)
        assert 20 < method.steps < 400
        late = DeepPrior("dip", replace(sizes, steps=4 * method.steps))
        assert stopped > metrics.psnr(late.denoise(noisy, 1e-6), clean) + 1

    def test_it_stops_at_the_last_step_if_it_never_comes_near(self) -> None:
        method = DeepPrior("dip", SMALL_PRIOR)
        method.denoise(torch.rand(1, 1, 16, 16, generator=_fixed()), 1e-6)
        assert method.steps == SMALL_PRIOR.steps

    def test_it_must_be_told_the_level(self) -> None:
        with pytest.raises(UsageError, match="must be told"):
            DeepPrior("dip", SMALL_PRIOR).denoise(torch.rand(1, 1, 16, 16), None)

    def test_it_takes_images_smaller_than_its_coarsest_scale(self) -> None:
        method = DeepPrior("dip", DeepPriorConfig(channels=4, inputs=2, steps=1))
        assert method.denoise(torch.rand(1, 3, 13, 21), 0.1).shape == (1, 3, 13, 21)

    def test_it_leaves_the_random_numbers_of_others_alone(self) -> None:
        torch.manual_seed(7)
        expected = torch.rand(1)
        torch.manual_seed(7)
        DeepPrior("dip", SMALL_PRIOR).denoise(torch.rand(1, 1, 16, 16, generator=_fixed()), 0.1)
        assert torch.rand(1) == expected


def _fixed() -> torch.Generator:
    return torch.Generator().manual_seed(0)


class TestWnnm:
    """Weighted nuclear norm minimization."""

    CONFIG = WnnmConfig(4, 6, 1, 0.5, search=5)

    def test_singular_values_are_shrunk_by_the_closed_form(self) -> None:
        groups, sigma = torch.randn(3, 20, 16, dtype=torch.float64), 0.3
        rest = groups - groups.mean(1, keepdim=True)
        left, values, right = torch.linalg.svd(rest, full_matrices=False)
        strength = self.CONFIG.weight * math.sqrt(20) * sigma**2
        shrunk = (values + (values**2 - 4 * strength).clamp(min=0).sqrt()) / 2
        shrunk[values**2 <= 4 * strength] = 0
        assert 0 < int((shrunk > 0).sum()) < shrunk.numel()
        expected = left @ (shrunk[..., None] * right) + groups.mean(1, keepdim=True)
        level = torch.full((3,), sigma, dtype=torch.float64)
        torch.testing.assert_close(shrink(groups, level, self.CONFIG), expected)

    def test_without_noise_nothing_is_shrunk(self) -> None:
        groups = torch.randn(2, 20, 9, dtype=torch.float64)
        torch.testing.assert_close(shrink(groups, torch.zeros(2), self.CONFIG), groups)

    def test_copies_of_a_patch_are_found_within_the_square(self) -> None:
        image = torch.rand(4, 4).repeat(3, 3)  # each patch again every four pixels
        numbers = similar(image, 4, self.CONFIG)
        patches = torch.nn.functional.unfold(image[None, None], 4)[0].T
        rows, columns = patch_grid(image.shape, self.CONFIG)
        own = (rows[:, None] * 9 + columns).flatten()
        assert torch.equal(patches[numbers], patches[own][:, None].expand(-1, 4, -1))
        down, right = (numbers // 9 - own[:, None] // 9), (numbers % 9 - own[:, None] % 9)
        assert int(down.abs().max()) == int(right.abs().max()) == 4
        assert numbers.sort(1).values.diff(dim=1).min() > 0, "none twice"

    @pytest.mark.parametrize("size", [(17, 23), (4, 9)])
    def test_the_grid_covers_the_image(self, size: tuple[int, int]) -> None:
        covered = torch.zeros(size)
        rows, columns = patch_grid(covered.shape, self.CONFIG)
        for row in rows:
            for column in columns:
                covered[row : row + 4, column : column + 4] = 1
        assert bool(covered.all())


class TestMixedNoise2Void:
    """The pixel that a blind spot hides is given back."""

    @pytest.mark.parametrize("own", [0.05, 0.1, 0.4])
    def test_the_mixture_is_the_best_of_all(self, own: float) -> None:
        clean = tensor_scene(128, 128, 1)[None]
        noisy = noise.add_gaussian(clean, 0.1, seed=0)
        predicted = noise.add_gaussian(clean, own, seed=1)  # it errs independently of the pixel
        share = share_of_the_pixel(predicted, noisy, 0.1)
        errors = [
            float((predicted.lerp(noisy, weight) - clean).square().mean())
            for weight in (share, 0.7 * share, share + 0.3 * (1 - share), 0.0, 1.0)
        ]
        assert min(errors) == errors[0]
        assert errors[0] == pytest.approx(own**2 * 0.1**2 / (own**2 + 0.1**2), rel=0.05)

    def test_it_reckons_with_what_the_prediction_has_seen_of_the_pixel(self) -> None:
        clean = torch.rand(1, 1, 64, 64)
        noisy = noise.add_gaussian(clean, 0.1, seed=0)
        blind = noise.add_gaussian(clean, 0.15, seed=1)
        alone = share_of_the_pixel(blind, noisy, 0.1)
        for seen in (0.1, 0.3):
            mixture = blind.lerp(noisy, seen)
            more = share_of_the_pixel(mixture, noisy, 0.1, seen)
            assert 1 - (1 - seen) * (1 - more) == pytest.approx(alone, abs=1e-5)

    def test_it_measures_what_the_prediction_has_seen(
        self, shipped: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mixed, around = ready("n2v-mixed", 1), torch.full((1, 1, 3, 3), 1 / 8)
        around[..., 1, 1] = 0
        noisy = noise.add_gaussian(tensor_scene(128, 128, 1)[None], 0.1, seed=0)
        results = []
        for seen in (0.0, 0.05, 0.1):

            def predict(_: object, image: Tensor, __: float, seen: float = seen) -> Tensor:
                return torch.conv2d(image, around, padding=1).lerp(image, seen)

            monkeypatch.setattr(NetworkMethod, "denoise", predict)
            results.append(mixed.denoise(noisy, 0.1))
        torch.testing.assert_close(results[1], results[0], atol=2e-3, rtol=0)
        torch.testing.assert_close(results[2], results[0], atol=2e-3, rtol=0)
        assert torch.equal(mixed.denoise(noisy, 0.0), noisy)

    @pytest.mark.parametrize("sigma", [0.0, 0.1, 1.0])
    def test_the_share_is_one(self, sigma: float) -> None:
        _, noisy = noisy_scene(3)
        assert share_of_the_pixel(noisy, noisy, sigma) == 0
        assert 0 <= share_of_the_pixel(torch.zeros_like(noisy), noisy, sigma) <= 1

    def test_it_must_be_told_the_level(self, shipped: Path) -> None:
        mixed, alone = ready("n2v-mixed", 1), ready("n2v", 1)
        _, noisy = noisy_scene(1)
        with pytest.raises(UsageError, match="n2v-mixed@SIGMA"):
            mixed.denoise(noisy, None)
        assert mixed.settings() != alone.settings()


class TestNames:
    """How users name methods."""

    def test_they_may_name_weights_or_a_level(self) -> None:
        assert parse("flowdenoise, n2v=a/b.safetensors, ffdnet@12.5") == (
            Choice("flowdenoise"),
            Choice("n2v", "a/b.safetensors"),
            Choice("ffdnet", told_255=12.5),
        )
        assert parse("flowdenoise=a/b.safetensors@25")[0].label == "flowdenoise=b@25"
        (hub,) = parse("n2v=hf://me/it@main/b.safetensors#sha256=00")
        assert (hub.label, hub.told_255) == ("n2v=b", None)

    @pytest.mark.parametrize(
        ("names", "error"),
        [
            (
                "bm4d",
                "no method 'bm4d'; there are flowdenoise, .*ffdnet, n2v, n2v-mixed, bm3d, dip",
            ),
            ("noisy=weights.safetensors", "noisy has no weights to choose"),
            ("noisy,noisy", "once each"),
            ("dncnn=weights.safetensors", "dncnn has no weights to choose"),
            ("dncnn@12", "dncnn is not told a noise level"),
            ("ffdnet@300", "from 0 to 255"),
            ("n2v=a/x.safetensors,n2v=b/x.safetensors", "once each"),
            (" , ", "once each"),
        ],
    )
    def test_mistakes_are_told(self, names: str, error: str) -> None:
        with pytest.raises(UsageError, match=error):
            parse(names)

    def test_all_that_are_quick_are_run_by_default(self) -> None:
        names = [choice.label for choice in methods.quick()]
        assert names[0] == "flowdenoise"
        assert {"dncnn", "ffdnet", "n2v", "noisy"} < set(names)
        assert not {"dip", "flowdenoise-x8"} & set(names)


class TestExtras:
    """Methods whose packages are not installed."""

    @pytest.fixture(autouse=True)
    def _nothing_is_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(name: str) -> ModuleType:
            if name.partition(".")[0] in ("bm3d", "h5py", "skimage", "pywt"):
                raise ImportError(name)
            return importlib.import_module(name)

        monkeypatch.setattr(contract, "import_module", fail)
        monkeypatch.setattr(methods, "find_spec", lambda _: None)

    def test_an_error_says_what_to_install(self) -> None:
        for name, extra in (("bm3d", "bm3d"), ("wavelet", "benchmark")):
            (method,) = build(parse(name), FLOAT)
            with pytest.raises(MissingExtraError) as caught:
                method.prepare(1, CPU)
            assert f"pip install 'flowdenoise[{extra}]'" in str(caught.value)

    def test_bm3d_says_that_its_license_is_non_commercial(self) -> None:
        (method,) = build(parse("bm3d"), FLOAT)
        with pytest.raises(MissingExtraError, match="non-commercial"):
            method.prepare(1, CPU)
        assert "non-commercial" in method.note

    def test_what_is_missing_is_known_beforehand(self) -> None:
        assert set(methods.missing()) == {"bm3d", "dncnn", "ffdnet", "wavelet"}
