"""The camera: the way there and back, its noise, and what it leaves alone."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import hypothesis
import hypothesis.strategies as st
import pytest
import torch
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.noise import camera, compression, demosaicking, sensor, smoothing, tone
from flowdenoise.noise.shots import mean_of_shots
from flowdenoise.system import random_streams

KEYS = random_streams.fold(torch.arange(6), 11)
NEVER_COMPRESSED = torch.full((6,), 101.0)


def pictures(side: int = 64) -> Tensor:
    """Six smooth pictures, (6, 3, side, side) in [0.1, 0.9]."""
    place = torch.linspace(0, 3, side)
    waves = torch.sin(place[:, None] + KEYS.float().remainder(7)[:, None, None]) * place.cos()
    return 0.5 + 0.4 * torch.stack([waves, waves.mT, -waves], 1)


def quiet(config: camera.CameraConfig, **changes: Tensor) -> camera.Development:
    """A development that changes nothing but by demosaicking."""
    how = camera.Development.draw(KEYS, config)
    neutral = {
        "bands": torch.ones_like(how.bands),
        "sharpening": torch.zeros(6),
        "quality": NEVER_COMPRESSED,
    }
    return replace(how, **{**neutral, **changes})


@hypothesis.given(st.floats(0, 1), st.floats(0, 0.6))
def test_the_tone_curve_and_its_inverse_undo_each_other(value: float, contrast: float) -> None:
    picture = torch.full((1, 3, 1, 1), value)
    share = torch.tensor([contrast])
    there = tone.untone(picture, share)
    assert torch.allclose(tone.tone(there, share), picture, atol=1e-5)


def test_gradients_through_the_inverse_tone_curve_are_those_of_a_finite_difference() -> None:
    picture = torch.tensor([-0.1, 0.01, 0.2, 0.7, 1.1]).reshape(5, 1, 1, 1).requires_grad_()
    share = torch.full((5,), 0.4)
    (gradient,) = torch.autograd.grad(tone.untone(picture, share).sum(), picture)
    step = 1e-3
    with torch.no_grad():
        up, down = (tone.untone(picture + sign * step, share) for sign in (1, -1))
    assert torch.allclose(gradient, (up - down) / (2 * step), rtol=0.02)


def test_the_slope_of_the_tone_curve_is_that_of_a_finite_difference() -> None:
    light = torch.tensor([0.001, 0.01, 0.2, 0.7]).reshape(4, 1, 1, 1)
    share, step = torch.full((4,), 0.4), 1e-4
    difference = tone.tone(light + step, share) - tone.tone(light - step, share)
    assert torch.allclose(tone.tone_slope(light, share), difference / (2 * step), rtol=0.02)


@pytest.mark.parametrize("name", camera.CAMERAS)
def test_a_picture_that_goes_to_the_sensor_and_back_is_itself(name: camera.Camera) -> None:
    scene = camera.Scene.draw(KEYS, replace(camera.CAMERAS[name], softness=(0.0, 0.0)))
    clean = pictures()
    light = scene.develop(scene.balance(scene.unprocess(clean)))
    back = tone.tone(light, scene.contrast)
    inside = scene.unprocess(clean).amin(1, keepdim=True) > 0  # a sensor has no negative light
    assert inside.float().mean() > 0.5
    assert ((back - clean).abs() * inside).max() < 1e-4


SIXTEEN_BITS = 1.1e-5  # half a step of OpenCV's whole numbers


@pytest.mark.parametrize("method", demosaicking.METHODS.values())
def test_demosaicking_keeps_a_flat_color(method: demosaicking.Method) -> None:
    flat = torch.tensor([0.2, 0.5, 0.7])[None, :, None, None].expand(2, 3, 16, 16)
    flat = flat * torch.tensor([1.0, 4.0])[:, None, None, None]  # what is balanced may be above 1
    made = method.demosaick(demosaicking.mosaic(flat))
    assert torch.allclose(made[0], flat[0], atol=SIXTEEN_BITS)
    assert torch.allclose(made[1], flat[1], atol=4 * SIXTEEN_BITS)


@pytest.mark.parametrize("method", demosaicking.METHODS.values())
def test_demosaicking_takes_two_thirds_of_a_picture_and_keeps_what_was_measured(
    method: demosaicking.Method,
) -> None:
    raw = torch.rand(2, 3, 16, 16)
    made = method.demosaick(demosaicking.mosaic(raw))
    kept, measured = (demosaicking.mosaic(light)[..., 1:-1, 1:-1] for light in (made, raw))
    assert torch.allclose(kept, measured, atol=SIXTEEN_BITS)  # OpenCV copies the border


@pytest.mark.parametrize("method", demosaicking.METHODS.values())
def test_a_mosaic_that_guides_itself_is_demosaicked_as_ever(method: demosaicking.Method) -> None:
    values = demosaicking.mosaic(torch.rand(2, 3, 16, 24))
    once, again = method.demosaick(values), method.again(values, values)
    inside = (..., slice(2, -2), slice(2, -2))  # OpenCV copies the border
    assert torch.allclose(again[inside], once[inside], atol=2 * SIXTEEN_BITS)


@pytest.mark.parametrize("method", demosaicking.METHODS.values())
def test_demosaicking_again_is_linear_in_the_second_mosaic(method: demosaicking.Method) -> None:
    guide, first, second = (demosaicking.mosaic(torch.rand(2, 3, 16, 24)) for _ in range(3))
    together = method.again(2 * first - second, guide)
    apart = 2 * method.again(first, guide) - method.again(second, guide)
    assert torch.allclose(together, apart, atol=1e-5)


def test_smoothing_with_gains_of_one_changes_nothing_and_with_less_takes_detail() -> None:
    light, weight = torch.rand(6, 3, 32, 32), torch.ones(6, 1, 32, 32)
    same = smoothing.smooth(light, torch.ones(6, 2, 4), weight)
    assert torch.allclose(same, light, atol=1e-6)
    less = smoothing.smooth(light, torch.full((6, 2, 4), 0.2), weight)
    assert less.var() < 0.5 * light.var()
    assert torch.allclose(less.mean(), light.mean(), atol=0.01)
    spared = smoothing.smooth(light, torch.full((6, 2, 4), 0.2), 0 * weight)
    assert torch.allclose(spared, light, atol=1e-6)


ALL_METHODS = tuple(demosaicking.METHODS)


@pytest.mark.parametrize("name", camera.CAMERAS)
def test_what_a_camera_does_to_the_signal_is_linear(name: camera.Camera) -> None:
    how = camera.Development.draw(KEYS, replace(camera.CAMERAS[name], demosaicking=ALL_METHODS))
    scene = camera.Scene.draw(KEYS, camera.CAMERAS[name])
    shown, first, second = torch.rand(3, 6, 3, 32, 32)
    photo = camera.photograph(shown, scene, how, torch.full((6,), 1e-3), torch.full((6,), 1e-5))
    together = camera.follow(2 * first - second, scene, how, photo)
    apart = [camera.follow(raw, scene, how, photo) for raw in (first, second)]
    assert torch.allclose(together, 2 * apart[0] - apart[1], atol=1e-3)


@pytest.mark.parametrize("name", camera.CAMERAS)
def test_the_signal_of_a_photograph_is_as_soft_and_as_falsely_colored(name: camera.Camera) -> None:
    clean, none = pictures(), torch.zeros(6)
    scene = camera.Scene.draw(KEYS, camera.CAMERAS[name])
    config = replace(camera.CAMERAS[name], demosaicking=ALL_METHODS)
    how = replace(camera.Development.draw(KEYS, config), quality=NEVER_COMPRESSED)
    raw = scene.unprocess(clean)
    photo = camera.photograph(raw, scene, how, none, none)
    signal = camera.follow(raw, scene, how, photo)
    error = (photo.light - signal)[..., 8:-8, 8:-8].abs()
    assert error.max() < 2e-4


@pytest.mark.parametrize("method", camera.CameraConfig.demosaicking)
def test_a_camera_balances_white_before_it_looks_for_edges(
    method: demosaicking.Demosaicking,
) -> None:
    config = replace(camera.CAMERAS["phone"], demosaicking=(method,))
    scene, none = camera.Scene.draw(KEYS, config), torch.zeros(6)
    how = replace(quiet(config), clipped=torch.zeros(6, dtype=torch.bool))
    light = torch.rand(6, 3, 32, 32) * 0.7

    def taken(gains: Tensor) -> Tensor:
        lamp = replace(scene, gains=gains)
        return camera.photograph(light / gains[:, :, None, None], lamp, how, none, none).light

    assert (scene.gains.amax(1) > 1.2).all()
    bright = scene.gains.clamp(min=0.8)
    assert torch.allclose(taken(bright), taken(torch.ones(6, 3)), atol=1e-5)


def test_each_mosaic_is_demosaicked_in_its_own_way() -> None:
    kinds = torch.arange(len(demosaicking.METHODS))
    values = demosaicking.mosaic(torch.rand(1, 3, 32, 32)).repeat(len(kinds), 1, 1, 1)
    made = demosaicking.demosaic_again(values, values.flip(2), kinds)
    for kind, method in zip(kinds, demosaicking.METHODS.values(), strict=True):
        assert torch.equal(made[kind], method.again(values[:1], values[:1].flip(2))[0])
    assert torch.equal(
        demosaicking.demosaic_again(values, values.flip(2), kinds.flip(0)), made.flip(0)
    )
    assert not torch.allclose(made[0], made[1])


def test_each_photograph_has_a_demosaicking_of_its_kind_of_camera() -> None:
    keys = random_streams.fold(torch.arange(200), 5)

    def drawn(*names: demosaicking.Demosaicking) -> list[int]:
        config = replace(camera.CAMERAS["phone"], demosaicking=names)
        return camera.Development.draw(keys, config).demosaicking.bincount(minlength=3).tolist()

    assert drawn("opencv") == [0, 0, 200]
    first, second, third = drawn("linear", "opencv")
    assert (min(first, third) > 70, second) == (True, 0)
    with pytest.raises(UsageError, match="at least one"):
        drawn()


def test_a_photograph_without_noise_is_the_picture_but_for_demosaicking() -> None:
    clean = pictures()
    scene = camera.Scene.draw(KEYS, replace(camera.CAMERAS["phone"], softness=(0.0, 0.0)))
    how = quiet(camera.CAMERAS["phone"])
    none = torch.zeros(6)
    raw = scene.unprocess(clean)
    shown = tone.tone(scene.develop(scene.balance(raw)), scene.contrast)
    made = camera.photograph(raw, scene, how, none, none).picture
    assert (made - shown).abs().mean() < 0.01


def test_the_noise_has_the_variance_that_the_law_of_the_sensor_says() -> None:
    flat = torch.full((1, 3, 128, 128), 0.6)
    key = random_streams.fold(torch.tensor([3]), 1)
    config = replace(camera.CAMERAS["phone"], smoothed=0.0, sharpening=(0.0, 0.0))
    scene, shot = camera.Scene.draw(key, config), torch.tensor([1e-4])
    raw = scene.unprocess(flat)
    expected = sensor.variance(raw, shot, sensor.read_variance(shot, scene.read))
    unit = sensor.unit_noise(key, (128, 128))
    found = sensor.noise(unit, raw, shot, sensor.read_variance(shot, scene.read))
    assert torch.allclose(found.square().mean((2, 3)), expected.mean((2, 3)), rtol=0.05)


def quantiles(count: int = 200_000) -> Tensor:
    """Standard normal numbers, each as likely as the others."""
    return torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count)


@hypothesis.given(st.floats(-6, -1.2), st.floats(-5, 0))
def test_the_noise_has_the_moments_of_photons_and_of_reading(gain: float, light: float) -> None:
    shot, raw = torch.tensor([10**gain]).double(), torch.full((1, 1, 1, 1), 10**light).double()
    read = sensor.read_variance(shot)
    found = sensor.noise(quantiles(), raw, shot, read)
    variance = float(shot * raw + read)
    assert float(found.mean()) == pytest.approx(0, abs=1e-3 * variance**0.5)
    assert float(found.square().mean()) == pytest.approx(variance, rel=2e-3)
    third = float(shot**2 * raw)
    assert float(found.pow(3).mean()) == pytest.approx(third, abs=5e-3 * variance**1.5)
    assert (found.diff() > 0).all()


@pytest.mark.parametrize("photons", [9, 25, 400])
def test_the_noise_of_few_photons_is_as_uneven_as_counts_are(photons: int) -> None:
    shot, read = torch.tensor([1 / 400]).double(), torch.zeros(1).double()
    raw = torch.full((1, 1, 1, 1), photons / 400).double()
    counts = 400 * (raw + sensor.noise(quantiles(), raw, shot, read)).flatten()
    for most in range(photons // 3, 2 * photons):
        law = torch.special.gammaincc(torch.tensor(most + 1.0), torch.tensor(float(photons)))
        share = (counts < most + 0.5).double().mean()
        assert abs(float(share) - float(law)) < 0.01


def test_read_noise_follows_the_published_law() -> None:
    shot = torch.tensor([1e-4])
    usual = math.log(float(sensor.read_variance(shot)))
    assert usual == pytest.approx(2.18 * math.log(1e-4) + 1.2, abs=1e-4)
    assert math.log(float(sensor.read_variance(shot, -2.0))) == pytest.approx(
        usual - 0.6, abs=1e-4
    )


def test_gray_stays_gray_whatever_share_of_the_matrix_a_camera_applies() -> None:
    for share in (0.0, 0.5, 1.1):
        scene = camera.Scene.draw(KEYS, replace(camera.CAMERAS["phone"], matrix=(share, share)))
        assert torch.allclose(scene.matrix.sum(2), torch.ones(6, 3), atol=1e-5)
        apart = (scene.matrix - torch.eye(3)).abs().amax((1, 2))
        assert (apart > 0.2 * share).all() if share else (apart == 0).all()


def test_a_sensor_that_is_full_sees_no_brighter_light() -> None:
    scene = camera.Scene.draw(KEYS, camera.CAMERAS["reflex"])
    how = camera.Development.draw(KEYS, camera.CAMERAS["reflex"])
    weak = torch.full((6,), 1e-5)
    full, beyond = (
        camera.photograph(torch.full((6, 3, 32, 32), light), scene, how, weak, weak).light
        for light in (1.0, 1.5)
    )
    assert torch.equal(full, beyond)


def test_the_same_key_takes_the_same_photograph_and_another_key_another() -> None:
    clean = pictures()
    config = camera.CAMERAS["reflex"]
    first, again = (camera.simulate(clean, KEYS, config).picture for _ in range(2))
    assert torch.equal(first, again)
    alone = camera.simulate(clean[2:3], KEYS[2:3], config).picture
    assert torch.allclose(first[2:3], alone, atol=1.5 / 255)
    assert not torch.equal(first, camera.simulate(clean, KEYS + 1, config).picture)


def test_other_noise_under_the_same_light_has_the_same_mean() -> None:
    clean, config = pictures(), camera.CAMERAS["phone"]
    shot = torch.full((6,), 1e-3)
    first, second = (
        camera.simulate(clean, KEYS, config, shot, noise_keys=KEYS + n).picture for n in (1, 2)
    )
    assert (first - second).std() > 0.01
    assert (first - second).mean().abs() < 0.002


@pytest.mark.parametrize("dark", [False, True])
def test_many_shots_have_the_light_of_the_scene_but_where_noise_is_cut_off(dark: bool) -> None:
    clean = (0.04 if dark else 0.6) * torch.ones(6, 3, 64, 64)
    config = replace(camera.CAMERAS["phone"], sharpening=(0, 0))
    shot = torch.full((6,), 3e-3)
    still = camera.simulate(clean, KEYS, config, shot, noise=0.0).picture
    single = camera.simulate(clean, KEYS, config, shot).picture
    mean = mean_of_shots(clean, KEYS, config, shot, count=24)
    assert mean.std((2, 3)).mean() < 0.4 * single.std((2, 3)).mean()
    added = (mean - still).mean()
    assert added > 0.01 if dark else added.abs() < 0.002


def test_stronger_noise_on_the_sensor_is_stronger_in_the_picture() -> None:
    clean, config = pictures(), camera.CAMERAS["reflex"]
    still = camera.simulate(clean, KEYS, config, noise=0.0).picture
    errors = [
        (camera.simulate(clean, KEYS, config, torch.full((6,), shot)).picture - still).std()
        for shot in (1e-5, 1e-4, 1e-3, 1e-2)
    ]
    assert sorted(errors) == errors


def test_a_picture_of_odd_size_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="even"):
        demosaicking.mosaic(torch.zeros(1, 3, 5, 4))


def test_the_gain_at_a_sensitivity_is_that_of_the_table_and_grows_between() -> None:
    for name, table in sensor.GAINS.items():
        for iso, gain in table:
            assert sensor.gain_at(name, iso) == pytest.approx(gain)
        gains = [sensor.gain_at(name, 50 * 2**step) for step in range(12)]
        assert all(low < high for low, high in pairwise(gains))
    between = sensor.gain_at("large", 3200)
    assert between == pytest.approx((3.7e-5 * 1.4e-4) ** 0.5, rel=1e-6)  # half-way by logarithms


def test_some_rows_have_the_noise_that_they_have_in_the_whole() -> None:
    whole = sensor.unit_noise(KEYS, (12, 7))
    assert torch.equal(sensor.unit_noise(KEYS, (12, 7), slice(3, 9)), whole[:, :, 3:9])
    assert whole.unique().numel() > 0.99 * whole.numel()


def test_stored_colors_stay_what_they_are_and_fine_ones_fade_if_subsampled() -> None:
    stripes = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.1, 0.9]]).T[None, :, None].repeat(3, 1, 16, 8)
    quality, held = torch.full((3,), 95.0), torch.tensor([0, 1, 2])
    fine, across, both = compression.compress(stripes, quality, held)
    assert (fine - stripes[0]).abs().mean() < 0.03
    assert (across - stripes[0]).abs().mean() > 0.2
    assert (both - stripes[0]).abs().mean() > 0.2
    rows = compression.compress(stripes.transpose(2, 3), quality, held)
    assert (rows[1] - stripes[0].transpose(1, 2)).abs().mean() < 0.03
    assert (rows[2] - stripes[0].transpose(1, 2)).abs().mean() > 0.2
    untouched = compression.compress(stripes, quality + 6, held)
    assert torch.equal(untouched, (stripes * 255).round() / 255)


@pytest.mark.parametrize("sides", [(16, 24), (15, 21)])
@pytest.mark.parametrize(("held", "down"), [("4:2:2, repeated", 1), ("4:2:0, repeated", 2)])
def test_color_that_is_repeated_is_equal_in_neighbors(
    held: str, down: int, sides: tuple[int, int]
) -> None:
    picture = torch.rand(1, 3, *sides) * 0.4 + 0.3
    index = torch.tensor([compression.SUBSAMPLINGS.index(held)])
    stored = 255 * compression.compress(picture, torch.tensor([95.0]), index)[0]
    color = stored[0] - stored[1]
    assert (color[:, 0::2][:, : sides[1] // 2] - color[:, 1::2]).abs().max() <= 2  # rounded
    if down == 2:
        assert (color[0::2][: sides[0] // 2] - color[1::2]).abs().max() <= 2
    gray = stored.mean(0)
    assert (gray[:, :-1] - gray[:, 1:]).abs().mean() > 5
    assert (stored / 255 - picture[0]).mean().abs() < 0.01


@pytest.mark.parametrize("name", camera.CAMERAS)
def test_what_is_far_too_bright_burns_out_and_has_no_noise(name: camera.Camera) -> None:
    config, shot = replace(camera.CAMERAS[name], quality=(101.0, 101.0)), torch.full((6,), 1e-3)
    clean = torch.full((6, 3, 32, 32), 0.5)

    def taken(factor: float) -> Tensor:
        return camera.simulate(clean, KEYS, config, shot, light=torch.full((6,), factor)).picture

    assert torch.equal(taken(1.0), camera.simulate(clean, KEYS, config, shot).picture)
    assert taken(1.0).mean() < taken(1.5).mean()
    burnt = taken(30.0)
    assert (burnt == 1).all()
