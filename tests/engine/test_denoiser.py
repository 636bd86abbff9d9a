"""The engine: any size, any kind, nothing lost, and never a wrong picture when memory is short."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor, nn

from flowdenoise.engine import (
    Crop,
    Denoiser,
    EngineConfig,
    RemovalConfig,
    TileDenoiser,
    TilingConfig,
)
from flowdenoise.engine.tiles import tiling
from flowdenoise.engine.tiles.out_of_memory import with_less_memory
from flowdenoise.errors import DeviceError, SigmaError, UsageError, WeightsNotFoundError
from flowdenoise.flow import Glow, GlowConfig, TweedieDenoiser
from flowdenoise.flow.coupling import Scale
from flowdenoise.images import Picture
from flowdenoise.networks import DenoisingNetwork, NetworkConfig, NoiseMapConfig, NoiseMapNet
from flowdenoise.networks.noise_level import NoiseLevelConfig, NoiseLevelNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.weights import save_weights

CPU = torch.device("cpu")


def small(channels: int = 3, *, identity: bool = False) -> ResNet:
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(image_channels=channels, channels=(4, 4), blocks=(1, 1)))
    if identity:
        nn.init.zeros_(net.tail.weight)
    return net


class FixedLevel(NoiseLevelNet):
    """An estimator that has made up its mind."""

    def __init__(self, sigma: float) -> None:
        super().__init__(NoiseLevelConfig())
        self.answer = torch.log1p(torch.tensor([255 * sigma]))

    def conclude(self, evidence: Tensor, trust: Tensor) -> Tensor:
        return self.answer


def engine(*, identity: bool = False, found: float = 0.1, **options: int) -> Denoiser:
    return Denoiser(
        {count: lambda count=count: small(count, identity=identity) for count in (1, 3)},
        {3: lambda: FixedLevel(found)},
        device=CPU,
        config=EngineConfig(**options),
    )


def picture(height: int, width: int, dtype: str = "uint8", channels: int = 3) -> Picture:
    rng = np.random.default_rng(0)
    top = {"uint8": 255, "uint16": 65535}.get(dtype)
    if top is None:
        return Picture(rng.normal(0.5, 1, (height, width, channels)).astype(dtype))
    return Picture(rng.integers(0, top + 1, (height, width, channels)).astype(dtype))


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    channels=st.sampled_from([1, 3]),
    tile=st.sampled_from([0, 32, 64]),
)
def test_removing_nothing_changes_not_a_bit(
    height: int, width: int, dtype: str, channels: int, tile: int
) -> None:
    before = picture(height, width, dtype, channels)
    result = engine(identity=True, tile=tile).denoise_picture(before, 0.1)
    assert result.untouched == (np.ptp(before.samples, axis=(0, 1)) == 0).all()
    after = result.picture.samples
    assert after.dtype == before.samples.dtype
    tolerance = 1e-6 if dtype == "float32" else 0
    assert np.allclose(after, before.samples, atol=tolerance, rtol=0)


def test_a_picture_is_denoised_as_its_tensor_is() -> None:
    denoiser = engine()
    before = picture(70, 45)
    after = denoiser.denoise_picture(before, 0.1).picture
    expected = denoiser.forward(before.tensor(), 0.1).clamp(0, 1)
    difference = (after.tensor() - expected).abs().max()
    assert float(difference) <= 0.5 / 255 + 1e-6
    assert (after.samples != before.samples).any()


def test_alpha_and_metadata_are_carried_and_not_denoised() -> None:
    samples = picture(40, 40).samples
    alpha = picture(40, 40, channels=1).samples[..., 0]
    before = Picture(samples, alpha, format="TIFF", source_mode="RGBA")
    after = engine().denoise_picture(before, 0.2).picture
    assert after.alpha is alpha
    assert (after.format, after.source_mode) == ("TIFF", "RGBA")


@pytest.mark.parametrize(("found", "untouched"), [(0.9 / 255, True), (1.1 / 255, False)])
def test_a_picture_found_clean_is_left_alone(found: float, untouched: bool) -> None:
    before = picture(40, 40)
    result = engine(found=found).denoise_picture(before)
    assert result.untouched == untouched
    assert (result.picture is before) == untouched
    assert result.sigma == pytest.approx(found, abs=1e-6)
    assert result.estimate is not None
    assert result.estimate.verdict == ("clean" if untouched else "noisy")


def test_a_given_level_is_believed_however_small() -> None:
    result = engine().denoise_picture(picture(40, 40), 0.5 / 255)
    assert not result.untouched
    assert result.estimate is None


@given(strength=st.floats(0, 1))
def test_a_strength_below_one_removes_that_share(strength: float) -> None:
    denoiser, before = engine(), picture(40, 40, "uint16")
    whole, part = (
        denoiser.denoise_picture(before, 0.2, strength=share).picture.tensor()
        for share in (1.0, strength)
    )
    inside = (whole > 0) & (whole < 1)  # elsewhere the file cuts off what was made
    removed = (before.tensor() - whole)[inside]
    assert float(removed.abs().max()) > 0.01
    expected = before.tensor()[inside] - strength * removed
    assert torch.allclose(part[inside], expected, atol=2 / 65535)


def test_a_strength_above_one_removes_what_so_much_more_noise_would_be() -> None:
    denoiser, before = engine(), picture(40, 40)
    strong, told = (
        denoiser.denoise_picture(before, sigma, strength=strength).picture.samples
        for sigma, strength in ((0.1, 2.0), (0.2, 1.0))
    )
    assert np.array_equal(strong, told)
    assert denoiser.denoise_picture(before, 0.2, strength=0).untouched


def test_settings_may_be_numbers_of_numpy() -> None:
    denoiser, before = engine(), picture(16, 16)
    crop = Crop(np.int64(15), np.uint8(1))
    told = denoiser.denoise_picture(before, np.float32(0.25), strength=np.float32(0.5), crop=crop)
    expected = denoiser.denoise_picture(before, 0.25, strength=0.5, crop=Crop(15, 1))
    assert np.array_equal(told.picture.samples, expected.picture.samples)
    assert type(told.sigma) is float


@pytest.mark.parametrize("sigma", [-0.1, 25.0, float("nan"), float("inf")])
def test_what_is_no_level_is_refused(sigma: float) -> None:
    with pytest.raises(SigmaError):
        engine().denoise_picture(picture(8, 8), sigma)
    for told in (sigma, torch.tensor(sigma), torch.tensor([0.1, sigma])):
        with pytest.raises(SigmaError):
            engine().forward(torch.rand(2, 3, 8, 8), told)


def test_a_level_that_no_float_holds_is_refused() -> None:
    with pytest.raises(SigmaError, match="must be a number of at least 0, not '1000"):
        engine().denoise_picture(picture(8, 8), 10**400)


@pytest.mark.parametrize("strength", [-1.0, float("inf"), float("nan")])
def test_what_is_no_strength_is_refused(strength: float) -> None:
    with pytest.raises(UsageError, match="strength"):
        engine().denoise_picture(picture(8, 8), 0.1, strength=strength)


@pytest.mark.parametrize("crop", [(1, 2, 3, 4), "1x2+3+4"])
def test_what_is_no_crop_is_refused(crop: object) -> None:
    with pytest.raises(UsageError, match=r"crop must be a Crop, as Crop\(640, 480\), not"):
        engine().denoise_picture(picture(8, 8), 0.1, crop=crop)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [1e19, 3e38])
def test_a_level_is_found_however_large_the_values(level: float) -> None:
    net = NoiseLevelNet(NoiseLevelConfig())
    assert 0 <= net.estimate([level * torch.randn(1, 3, 32, 32)]) <= 90 / 255


def test_a_gray_picture_needs_a_gray_model() -> None:
    color = Denoiser({3: small}, {}, device=CPU)
    with pytest.raises(UsageError, match="for color pictures, and the picture is gray"):
        color.denoise_picture(picture(8, 8, channels=1), 0.1)


def test_networks_are_loaded_when_they_are_needed() -> None:
    asked: list[int] = []

    def source(channels: int) -> Callable[[], nn.Module]:
        return lambda: (asked.append(channels), small(channels))[1]

    denoiser = Denoiser({1: source(1), 3: source(3)}, {}, device=CPU)
    assert asked == []
    for _ in range(2):
        denoiser.denoise_picture(picture(8, 8, channels=1), 0.1)
    assert asked == [1]


def test_forward_takes_batches_of_any_size_each_with_its_level() -> None:
    denoiser = engine(tile=64)
    noisy = torch.rand(2, 3, 37, 101)
    together = denoiser(noisy, torch.tensor([0.05, 0.2]))
    assert together.shape == noisy.shape
    for index, sigma in enumerate((0.05, 0.2)):
        alone = denoiser.forward(noisy[index : index + 1], sigma)
        assert torch.allclose(together[index : index + 1], alone)


@pytest.mark.parametrize("shape", [(2,), (2, 1, 1, 1)])
def test_forward_takes_levels_in_the_shapes_that_solvers_pass(shape: tuple[int, ...]) -> None:
    denoiser, noisy = engine(), torch.rand(2, 3, 16, 16)
    told = denoiser(noisy, torch.tensor([0.05, 0.2]).reshape(shape))
    assert torch.equal(told, denoiser(noisy, np.array([0.05, 0.2])))
    assert torch.equal(told[1:], denoiser(noisy[1:], 0.2))


def test_an_empty_batch_gives_an_empty_batch() -> None:
    for sigma in (0.1, torch.zeros(0)):
        assert engine()(torch.zeros(0, 3, 8, 8), sigma).shape == (0, 3, 8, 8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((1, 3, 8, 8), np.float32), r"a tensor \(B, C, H, W\), not ndarray"),
        (torch.zeros(3, 8, 8), r"not \(3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, 8), r"not \(1, 3, 8, 8, 8\)"),
        (torch.zeros(1, 3, 0, 8), r"not \(1, 3, 0, 8\)"),
        (torch.zeros(1, 96, 8, 8), "has 1 or 3 channels, and this has 96$"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "whose white is 1.0, not uint8"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.int64), "whose white is 1.0, not int64"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.complex64), "whose white is 1.0, not complex64"),
        (torch.zeros(1, 3, 8, 8).to_sparse(), "these are sparse"),
        (torch.zeros(1, 3, 8, 8, device="meta"), "these are meta"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(wrong: Tensor, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        engine().forward(wrong, 0.1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("auto", "must be a number"),
        (None, "must be a number"),
        (True, "must be a number"),
        (0.1j, "must be a number"),
        (torch.zeros(3), r"\(2,\), one for each image, not \(3,\)"),
        (torch.zeros(2, 1, 8, 8), r"\(2,\), one for each image, not \(2, 1, 8, 8\)"),
        (torch.zeros(1, 2), r"\(2,\), one for each image, not \(1, 2\)"),
        (torch.zeros(0), r"\(2,\), one for each image, not \(0,\)"),
    ],
)
def test_what_are_no_levels_of_a_batch_is_refused(wrong: Tensor, message: str) -> None:
    with pytest.raises(SigmaError, match=message):
        engine().forward(torch.rand(2, 3, 8, 8), wrong)


def test_a_level_is_checked_even_if_there_is_no_image() -> None:
    with pytest.raises(SigmaError):
        engine().forward(torch.zeros(0, 3, 8, 8), 25.0)


def test_gradients_flow_through_forward() -> None:
    noisy = torch.rand(1, 3, 16, 16, requires_grad=True)
    engine().forward(noisy, 0.1).sum().backward()
    assert noisy.grad is not None
    assert float(noisy.grad.abs().min()) > 0


def test_weights_may_be_given_by_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_weights(tmp_path / "color", small(), training={})
    noisy = torch.rand(1, 3, 16, 16)
    expected = Denoiser.load("./color", device="cpu")(noisy, 0.1)
    for path in (Path("color"), tmp_path / "color"):
        assert torch.equal(Denoiser.load(path, device="cpu")(noisy, 0.1), expected)
    with pytest.raises(WeightsNotFoundError, match="no weights file"):
        Denoiser.load(Path("gray"))
    with pytest.raises(UsageError, match="model must be text"):
        Denoiser.load(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_a_pickled_denoiser_denoises_alike(tmp_path: Path, own: bool, used: bool) -> None:
    file, before = tmp_path / "small.safetensors", picture(24, 24)
    save_weights(file, small(), training={})
    denoiser = Denoiser.load(str(file) if own else "auto", device="cpu")
    if used:
        denoiser.denoise_picture(before)
    copy = pickle.loads(pickle.dumps(denoiser))
    file.unlink()
    for sigma in ("auto", 0.1):
        expected, result = (d.denoise_picture(before, sigma) for d in (denoiser, copy))
        assert np.array_equal(result.picture.samples, expected.picture.samples)
        assert result.weights == expected.weights


@pytest.mark.parametrize("named", [False, True])
def test_gradients_flow_after_a_first_use_in_inference_mode(tmp_path: Path, named: bool) -> None:
    file = tmp_path / "small.safetensors"
    save_weights(file, small(), training={})
    with torch.inference_mode():
        denoiser = Denoiser.load(str(file), device="cpu") if named else engine()
        denoiser(torch.rand(1, 3, 16, 16), 0.1)
    noisy = torch.rand(1, 3, 16, 16, requires_grad=True)
    denoiser(noisy, 0.1).sum().backward()
    assert noisy.grad is not None
    assert float(noisy.grad.abs().min()) > 0


@pytest.mark.parametrize("scale", ["tanh", "sigmoid", "none"])
def test_the_gradient_through_a_prior_is_that_of_finite_differences(scale: Scale) -> None:
    torch.manual_seed(0)
    sizes = {"size": 16, "levels": 2, "steps_per_level": 2, "hidden_channels": 8}
    flow = Glow(GlowConfig(**sizes, scale=scale, noise_levels=True)).double()
    for parameter in flow.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    denoiser = TweedieDenoiser(flow.requires_grad_(False))
    noisy, direction = torch.rand(2, 1, 3, 16, 16, dtype=torch.float64)
    noisy.requires_grad_(True)

    def moved(step: float) -> Tensor:
        return (denoiser(noisy.detach() + step * direction, 0.2) * direction).sum()

    (denoiser(noisy, 0.2) * direction).sum().backward()
    found = float((noisy.grad * direction).sum())
    assert found == pytest.approx(float(moved(1e-5) - moved(-1e-5)) / 2e-5, rel=1e-6)
    assert abs(found / float(direction.square().sum()) - 1) > 0.01  # not what was passed in alone


def test_progress_is_told_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    denoiser = engine(tile=32)
    denoiser.denoise_picture(picture(100, 70), 0.1, on_tile=lambda *step: seen.append(step))
    assert seen[-1][0] == seen[-1][1] > 1


def test_a_prior_denoises_in_tiles_of_its_own_size() -> None:
    flow = Glow(
        GlowConfig(levels=2, steps_per_level=1, hidden_channels=4, noise_levels=True)
    ).eval()
    sizes: set[tuple[int, ...]] = set()
    log_prob = flow.log_prob

    def watched(x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        sizes.add(tuple(x.shape[1:]))
        return log_prob(x, sigma)

    flow.log_prob = watched  # type: ignore[method-assign]
    denoiser = Denoiser({3: lambda: flow}, {}, device=CPU)
    result = denoiser.denoise_picture(picture(50, 41), 0.1)
    assert (result.picture.samples != picture(50, 41).samples).any()
    assert sizes == {(3, 32, 32)}
    assert denoiser.denoise_picture(picture(20, 20)).estimate  # by likelihood
    wrong = Denoiser({3: lambda: flow}, {}, device=CPU, config=EngineConfig(tile=64))
    with pytest.raises(UsageError, match="tiles of 32"):
        wrong.denoise_picture(picture(50, 41), 0.1)


class SmallTiles(NetworkConfig):
    """What a network promises that takes tiles of 32 only."""

    sigma_channels = 0
    receptive_radius = 0
    multiply_adds_per_pixel = 0.0
    tile = 32


class Alternating(DenoisingNetwork):
    """A network whose results are all black for one tile, and all white for the next."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SmallTiles()

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        turns = torch.arange(len(noisy)) % 2
        return turns[:, None, None, None].expand_as(noisy).float()


def test_small_tiles_pass_into_each_other_over_half_their_side() -> None:
    tiles = TileDenoiser.of(Alternating(), CPU, torch.float32)
    row = tiling.apply(
        torch.zeros(1, 3, 32, 96), lambda x: tiles.network(x, 0.1), tiles.tiling, fixed=True
    )[0, 0, 0]
    assert float(row.max() - row.min()) == pytest.approx(1, abs=0.02)
    assert float(row.diff().abs().max()) < 0.11  # a raised cosine of 16 pixels; a seam has 1


def test_an_unconditional_prior_is_no_denoiser() -> None:
    flow = Glow(GlowConfig(levels=1, steps_per_level=1, hidden_channels=4))
    with pytest.raises(UsageError, match="clean images only"):
        Denoiser({3: lambda: flow}, {}, device=CPU).denoise_picture(picture(8, 8), 0.1)


class Hungry(DenoisingNetwork):
    """Runs out of memory above some number of pixels at once."""

    def __init__(self, most: int, error: type[Exception] = torch.OutOfMemoryError) -> None:
        super().__init__()
        self.net, self.most, self.error = small(), most, error
        self.config = self.net.config

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        if noisy.numel() > self.most:
            raise self.error("DefaultCPUAllocator: not enough memory")
        return self.net(noisy, sigma)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError, MemoryError])
def test_short_memory_makes_smaller_tiles_and_the_same_picture(error: type[Exception]) -> None:
    before, cut = picture(150, 170, "uint16"), EngineConfig(tile=640, overlap=24)
    hungry = Denoiser({3: lambda: Hungry(3 * 64 * 64, error)}, {}, device=CPU, config=cut)
    easy = Denoiser({3: small}, {}, device=CPU, config=cut)
    after, expected = (d.denoise_picture(before, 0.1).picture for d in (hungry, easy))
    difference = after.samples.astype(int) - expected.samples.astype(int)
    assert abs(difference).max() <= 1


def test_no_memory_at_all_is_an_error_in_one_line() -> None:
    hungry = Denoiser({3: lambda: Hungry(0)}, {}, device=CPU)
    with pytest.raises(DeviceError, match="not enough memory even for one tile"):
        hungry.denoise_picture(picture(150, 170), 0.1)


def test_other_failures_are_not_taken_for_short_memory() -> None:
    def fail(config: TilingConfig) -> None:
        raise RuntimeError("shapes don't fit")

    with pytest.raises(RuntimeError, match="shapes"):
        with_less_memory(fail, TilingConfig())


@pytest.mark.parametrize(
    "message", ["could not create a primitive", "could not execute a primitive"]
)
def test_an_error_that_may_be_short_memory_is_tried_smaller_and_raised_as_it_is(
    message: str,
) -> None:
    tiles: list[int] = []

    def fail(config: TilingConfig) -> str:
        tiles.append(config.tile)
        if config.tile > least:
            raise RuntimeError(message)
        return "done"

    least = 64
    assert with_less_memory(fail, TilingConfig(256)) == "done"
    least = 0
    with pytest.raises(RuntimeError, match=message):
        with_less_memory(fail, TilingConfig(256))
    assert tiles == [256, 128, 64, 256, 128, 64, 32]


def test_what_may_be_short_memory_is_so_where_memory_ran_out_before() -> None:
    def fail(config: TilingConfig) -> None:
        raise RuntimeError("out of memory" if config.tile > 32 else "could not create a primitive")

    with pytest.raises(DeviceError, match="not enough memory even for one tile of 32"):
        with_less_memory(fail, TilingConfig(256))


def test_the_batch_is_halved_before_the_tile() -> None:
    tried: list[tuple[int, int]] = []

    def run(config: TilingConfig) -> str:
        tried.append((config.tile, config.batch))
        if len(tried) < 4:
            raise torch.OutOfMemoryError("not enough memory")
        return "done"

    assert with_less_memory(run, TilingConfig(256, 8, 8, batch=4)) == "done"
    assert tried == [(256, 4), (256, 2), (256, 1), (128, 1)]
    assert all(tile % tiling.UNIT == 0 for tile, _ in tried)


def test_smaller_tiles_for_short_memory_blend_over_an_eighth_at_most() -> None:
    tried: list[tuple[int, int]] = []

    def run(config: TilingConfig) -> str:
        tried.append((config.tile, config.blend))
        if config.tile > 64:
            raise MemoryError
        return "done"

    assert with_less_memory(run, TilingConfig(256, 8, 20)) == "done"
    assert tried == [(256, 20), (128, 16), (64, 8)]


@pytest.mark.parametrize("sigma", [0.1, 0.01])
def test_a_part_is_what_the_whole_result_shows_there(sigma: float) -> None:
    whole, denoiser = picture(200, 170), engine()
    examined = denoiser.examine(whole, sigma)
    expected = denoiser.denoise_picture(whole, sigma).picture.samples
    for rows, columns in ((slice(0, 60), slice(3, 90)), (slice(77, 200), slice(101, 170))):
        part = denoiser.remove_part(examined, RemovalConfig(), rows, columns).samples
        assert np.abs(part.astype(int) - expected[rows, columns]).max() <= 1  # rounding


def test_what_is_known_of_a_picture_serves_any_strength() -> None:
    whole, denoiser = picture(60, 70), engine()
    examined = denoiser.examine(whole)
    for strength in (0.5, 1.0):
        expected = denoiser.denoise_picture(whole, strength=strength).picture.samples
        found = denoiser.remove(examined, RemovalConfig(strength=strength)).samples
        assert np.array_equal(found, expected)
    assert denoiser.remove(examined, RemovalConfig(strength=0)) is whole


@pytest.mark.parametrize("model", ["color-fast", "gray-fast", "photo-fast"])
def test_tiles_of_a_smooth_sky_leave_no_seams(model: str) -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, 160), torch.linspace(0, 1, 200), indexing="ij")
    sky = torch.stack([0.45 + 0.15 * y + 0.04 * x, 0.6 + 0.12 * y, 0.82 + 0.06 * y])[None]
    sky = sky[:, :1] if model == "gray-fast" else sky
    noisy = sky + 15 / 255 * torch.randn(sky.shape, generator=torch.Generator().manual_seed(0))
    whole, tiled = (
        Denoiser.load(model, device="cpu", tile=tile, offline=True)(noisy, 15 / 255)
        for tile in (0, 64)
    )
    assert float((tiled - whole).abs().max()) < 2 / 255


def test_each_network_is_loaded_once_though_several_threads_ask_for_it() -> None:
    asked = threading.Barrier(3, timeout=60)
    loaded: list[str] = []

    def slowly(name: str, make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        def load() -> nn.Module:
            loaded.append(name)
            time.sleep(0.1)  # so that others ask for it before it is there
            return make()

        return load

    made = Denoiser(
        {3: slowly("network", small)},
        {3: slowly("level", lambda: FixedLevel(0.1))},
        camera={3: slowly("maps", lambda: NoiseMapNet(NoiseMapConfig(channels=8, blocks=1)))},
        device=CPU,
    )

    def use(_: int) -> None:
        asked.wait()
        made.denoise_picture(picture(40, 50))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(use, range(3)))
    assert sorted(loaded) == ["level", "maps", "network"]
