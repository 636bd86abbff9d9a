"""How much of what was found out about noise is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from flowdenoise import images, metrics, noise, weights
from flowdenoise.engine import Denoiser, TileDenoiser
from flowdenoise.engine.choices import Grain
from flowdenoise.engine.trial import belief
from flowdenoise.engine.trial.belief import believed
from flowdenoise.engine.trial.method_noise import Signs, share_of_noise, signs_of_noise
from flowdenoise.estimation.estimate import Estimate
from flowdenoise.estimation.estimators import Estimators, Finding
from flowdenoise.estimation.noise_maps import NoiseMaps, noise_maps
from flowdenoise.images import Picture
from flowdenoise.images.metadata import Metadata
from flowdenoise.networks import Noise, NoiseMapNet
from flowdenoise.noise import camera

from ..cameras import by_daylight
from .test_method_noise import (
    CPU,
    EXAMPLES,
    LEVEL,
    color,
    compressed,
    example,
    gray_noise,
    gray_stripes,
    in_places,
    in_white_noise,
    maps_found,
    maps_of,
    quick,
    taken,
    white_share,
)


def texture_or_noise(picture: Picture) -> Finding:
    """What is believed of a gray picture that was found to have the noise of a camera."""
    white = Finding(Estimate(0.0, "clean"))
    found = Finding(Estimate.of_camera(maps_of(picture)), otherwise=white)
    return believed(picture, found, lambda estimate, channels: quick(), CPU)


@pytest.mark.parametrize("make", [gray_stripes, in_places, gray_noise])
def test_the_maps_of_texture_do_not_hold_unless_the_iso_was_high(
    make: Callable[[np.random.Generator], Picture],
) -> None:
    picture = make(np.random.default_rng(3))
    kept = texture_or_noise(picture)
    assert kept.estimate.verdict == ("camera" if make is gray_noise else "clean")
    exif = Image.Exif()
    exif.get_ifd(34665)[34855] = 25600
    metadata = Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    sensitive = Picture(np.tile(picture.samples, (2, 2, 1)), metadata=metadata)
    kept = texture_or_noise(sensitive)
    assert kept.otherwise is not None  # the maps hold; how far, their share says


@pytest.mark.parametrize(
    ("side", "unevenness", "verdict"),
    [(256, 0.26, "clean"), (256, 0.1, "camera"), (320, 0.26, "camera")],
)
def test_what_comes_in_places_of_a_small_gray_picture_is_its_texture(
    side: int, unevenness: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(5)
    samples = rng.normal(128, 10, (side, side, 1)).clip(0, 255).astype(np.uint8)
    hay = Signs(0.1, 0.28, 0.0, 0.1, 0.03, unevenness, 0.01)
    assert share_of_noise(hay, 1) == pytest.approx(0.6, abs=0.1)
    monkeypatch.setattr(belief, "signs_of_noise", lambda *_: hay)
    assert texture_or_noise(Picture(samples)).estimate.verdict == verdict


class Mistaken(NoiseMapNet):
    """An estimator that sees a camera's noise in every picture, of a level times `LEVEL`."""

    def __init__(self, times: float = 1.0, tint: float = 1.0) -> None:
        nn.Module.__init__(self)
        self.times, self.tint = times, tint

    def forward(self, picture: Tensor) -> Noise:
        cells = (len(picture), -1, picture.shape[2] // 8, picture.shape[3] // 8)
        levels = self.times * LEVEL * torch.tensor([0.5, 1.2, 0.4, self.tint])[None, :, None, None]
        return Noise(levels.expand(cells), torch.tensor([[0.0, 0, 9]] * len(picture)))


def shipped(name: str) -> nn.Module:
    return weights.load(name).network


LEVELS = {1: partial(shipped, "noise-level-gray"), 3: partial(shipped, "noise-level-color")}
PHOTO: Callable[[], nn.Module] = partial(shipped, "photo-trial")


def engine() -> Denoiser:
    photos: dict[Grain, Callable[[], nn.Module]] = {"fine": PHOTO, "coarse": PHOTO}
    return Denoiser({3: PHOTO}, LEVELS, device=CPU, camera={3: Mistaken}, photos=photos)


def test_a_picture_taken_for_noisy_stays_as_it_is() -> None:
    denoiser, picture = engine(), example("coffee.png")
    (found,) = denoiser.examine(picture, noise="camera").planes
    assert found.estimate.sigma == pytest.approx(1.1 * LEVEL, rel=0.05)
    told = denoiser.denoise_picture(picture, noise="camera").picture
    assert metrics.psnr(told.tensor()[0], picture.tensor()[0]) < 40
    cleaned = denoiser.denoise_picture(picture)
    assert cleaned.untouched
    assert cleaned.picture is picture


def test_a_picture_of_which_no_noise_is_believed_is_clean() -> None:
    clean = compressed(example("coffee.png", 2))
    maps = maps_of(clean, 2 / 255)
    found = Finding(Estimate.of_camera(maps))
    told = believed(clean, found, only_color, CPU).estimate
    assert (told.verdict, told.maps) == ("clean", None)


def test_a_picture_of_one_color_tells_nothing() -> None:
    picture = Picture(np.full((64, 64, 3), 90, np.uint8))
    assert white_share(picture, 0.02) is None
    narrow = Picture(example("coffee.png").samples[:16])
    found = Finding(Estimate(0.02, "noisy"))
    assert believed(narrow, found, only_color, CPU) == found


def test_maps_of_a_picture_too_small_to_show_signs_hold_if_they_are_certain() -> None:
    picture = Picture(example("coffee.png").samples[:24, :200])
    maps, white = maps_of(picture, 8 / 255), Finding(Estimate(0.0, "clean"))

    def verdict(clean: float) -> str:
        seen = replace(maps, clean=clean)
        found = Finding(Estimate.of_camera(seen), seen=seen, otherwise=white)
        return believed(picture, found, only_color, CPU).estimate.verdict

    assert verdict(0.004) == "camera"
    assert verdict(0.006) == "clean"
    surely = replace(maps, kind="white", confidence=0.99, clean=0.01)
    found = Finding(Estimate.of_camera(surely), seen=surely, otherwise=white)
    assert believed(picture, found, only_color, CPU) == found


def test_maps_of_a_large_picture_hold_where_its_windows_happen_to_show_no_signs() -> None:
    samples = np.full((1600, 1600, 3), 90, np.uint8)
    samples[[0, -1], [0, -1]] = 91  # so its borders are no bars
    flat = Picture(samples)
    maps = replace(maps_of(flat, 8 / 255), clean=0.02)
    assert signs_of_noise(flat, maps, quick(), CPU) is None
    found = Finding(Estimate.of_camera(maps), otherwise=Finding(Estimate(0.0, "clean")))
    assert believed(flat, found, only_color, CPU).estimate.verdict == "camera"


def only_color(estimate: Estimate, channels: int) -> TileDenoiser:
    return quick() if estimate.maps else color()


def test_white_noise_that_is_hardly_removed_is_not_white() -> None:
    clean, white = compressed(example("coffee.png", 2)), Estimate(9 / 255, "noisy")
    found = Finding(white)
    told = believed(clean, found, only_color, CPU).estimate
    assert (told.verdict, told.untouched) == ("not white", True)
    assert believed(in_white_noise(clean, 9 / 255), found, only_color, CPU) == found
    strong = Finding(Estimate(25 / 255, "noisy"))  # no compression does that
    assert believed(clean, strong, only_color, CPU) == strong
    assert believed(clean, found, lambda *_: None, CPU) == found


def test_white_noise_stays_where_less_is_believed_of_the_maps_beside_it() -> None:
    noisy = in_white_noise(compressed(example("coffee.png", 2)), 3 / 255)
    maps, white = maps_of(noisy), Finding(Estimate(3 / 255, "noisy"))
    camera_s = Finding(Estimate.of_camera(maps), seen=maps, otherwise=white)
    assert believed(noisy, camera_s, only_color, CPU).estimate == white.estimate
    weaker = replace(white, estimate=Estimate(0.3 / 255, "noisy"))
    told = believed(noisy, replace(camera_s, otherwise=weaker), only_color, CPU).estimate
    assert told.verdict == "clean" or told.maps is not None
    gray = Picture(noisy.samples[..., 1:2].repeat(3, 2))  # channels that do not differ
    assert believed(gray, camera_s, only_color, CPU).estimate.verdict != "noisy"


def test_a_camera_s_noise_that_is_plain_beats_white_noise_that_was_found() -> None:
    photo = taken(Picture(np.full((128, 128, 3), 120, np.uint8)))
    maps, white = maps_found(photo), Estimate(2 / 255, "noisy")
    told = believed(photo, Finding(white, seen=maps), only_color, CPU).estimate
    assert told.verdict == "camera"
    assert told.sigma == pytest.approx(maps.sigma, rel=0.1)
    none = Estimate(0.0, "clean")
    told = believed(photo, Finding(none, seen=maps), only_color, CPU).estimate
    assert told.verdict == "camera"
    clean = compressed(example("coffee.png", 2))
    for estimate in (white, none):
        found = Finding(estimate, seen=maps_of(clean))
        told = believed(clean, found, only_color, CPU).estimate
        assert told.verdict != "camera"


def test_plain_noise_that_comes_in_places_does_not_beat_white_noise_that_was_found() -> None:
    photo = taken(Picture(np.full((128, 128, 3), 120, np.uint8)))
    maps, white = replace(maps_found(photo), clean=0.02), Estimate(2 / 255, "noisy")
    strength = np.exp(np.random.default_rng(5).uniform(-0.8, 0.4, (8, 8)))
    places = np.kron(strength, np.ones((16, 16)))[..., None]
    uneven = Picture((120 + places * (photo.samples - 120.0)).round().astype(np.uint8))
    signs = signs_of_noise(uneven, maps, quick(), CPU)
    assert signs is not None
    assert signs.are_plain
    assert not signs.are_of_texture(maps.clean)
    assert believed(uneven, Finding(white, seen=maps), only_color, CPU).estimate == white
    none = Finding(Estimate(0.0, "clean"), seen=maps)
    assert believed(uneven, none, only_color, CPU).estimate.verdict == "camera"


def reduced_photo(name: camera.Camera, shot: float) -> tuple[Picture, Picture]:
    """A photograph of 384x384 pixels that was reduced by 2, and the picture without noise."""
    config = replace(by_daylight(name), shot=(shot, 1.5 * shot))
    clean = Picture(images.read_uint8(EXAMPLES / "coffee.png", 3)[:384, :384]).tensor()
    taken_at = camera.simulate(clean, torch.tensor([7]), config).picture
    halved = (torch.nn.functional.avg_pool2d(one, 2)[0] for one in (taken_at, clean))
    photo, without = (Picture(images.quantize(one, np.uint8)) for one in halved)
    return photo, without


def test_noise_of_a_small_photograph_tells_itself_by_avoiding_texture() -> None:
    photo, clean = reduced_photo("reflex", 5e-4)
    coarse = maps_found(photo)  # fine grain is believed more
    maps = replace(coarse, levels=coarse.levels * torch.tensor([1.5, 1, 1, 1])[:, None, None])
    signs = signs_of_noise(photo, maps, quick(), CPU)
    assert signs is not None
    assert signs.strength < -0.8  # so weak beside the detail that nothing else tells it
    assert signs.avoid_texture

    def verdict(picture: Picture, seen: NoiseMaps, white: Estimate) -> str:
        return believed(picture, Finding(white, seen=seen), only_color, CPU).estimate.verdict

    for none in (Estimate(0.0, "clean"), Estimate(0.5 / 255, "not white")):
        assert verdict(photo, maps, none) == "camera"
        assert verdict(photo, coarse, none) == none.verdict
        assert verdict(clean, maps, none) == none.verdict
    assert verdict(photo, maps, Estimate(3 / 255, "noisy")) != "camera"


def test_noise_that_is_hardly_a_clean_picture_beats_white_noise_that_was_found() -> None:
    small = example("coffee.png", 3)  # full of detail
    clean = Picture((10 + 0.75 * small.samples).astype(np.uint8))
    photo, white = taken(clean, "phone"), Estimate(5 / 255, "noisy")
    maps = replace(maps_found(photo), clean=0.019)
    signs = signs_of_noise(photo, maps, quick(), CPU)
    assert signs is not None
    assert signs.are_colored
    assert not signs.are_plain

    def verdict(picture: Picture, seen: NoiseMaps) -> str:
        return believed(picture, Finding(white, seen=seen), only_color, CPU).estimate.verdict

    assert verdict(photo, maps) == "camera"
    assert verdict(photo, replace(maps, clean=0.021)) == "noisy"
    assert verdict(in_white_noise(clean, 12 / 255), maps) == "noisy"  # its color is not coarse
    assert verdict(clean, maps) == "noisy"


def test_maps_of_white_noise_hold_only_far_above_that_which_was_found() -> None:
    photo = taken(Picture(np.full((256, 256, 3), 40, np.uint8)), "phone")
    maps = replace(maps_found(photo), kind="white", confidence=0.7, clean=0.01)
    signs = signs_of_noise(photo, maps, quick(), CPU)
    assert signs is not None
    assert signs.are_colored

    def verdict(sigma: float, seen: NoiseMaps) -> str:
        found = Finding(Estimate(sigma, "noisy"), seen=seen)
        return believed(photo, found, only_color, CPU).estimate.verdict

    assert verdict(0.39 * maps.sigma, maps) == "camera"
    assert verdict(0.41 * maps.sigma, maps) != "camera"
    assert verdict(0.39 * maps.sigma, replace(maps, clean=0.03)) != "camera"


@pytest.mark.parametrize(
    ("shot", "kind", "bound"),
    [(3e-4, "camera", 0.02), (1e-3, "camera", 0.15), (3e-4, "white", 0.02), (1e-3, "white", 0.02)],
)
def test_maps_hold_where_no_noise_was_found_if_a_clean_picture_is_improbable(
    shot: float, kind: str, bound: float
) -> None:
    photo, clean = reduced_photo("phone", shot)
    maps = replace(maps_found(photo), kind=kind)
    assert (255 * maps.sigma > 5) == (shot == 1e-3)

    def verdict(picture: Picture, seen: NoiseMaps) -> str:
        found = Finding(Estimate(0.0, "not white"), seen=seen)
        return believed(picture, found, only_color, CPU).estimate.verdict

    assert verdict(photo, replace(maps, clean=0.99 * bound)) == "camera"
    assert verdict(photo, replace(maps, clean=1.01 * bound)) == "not white"
    assert verdict(clean, replace(maps_found(clean), kind=kind)) == "not white"


@cache
def gray() -> TileDenoiser:
    return TileDenoiser.of(weights.load("gray-fast").network, CPU, torch.float32)


def of_gray(estimate: Estimate, channels: int) -> TileDenoiser:
    return quick() if estimate.maps else gray()


def gray_photo() -> Picture:
    """A gray photograph that a phone took, as large as it must be to tell."""
    clean = Picture(images.read_uint8(EXAMPLES / "cat.png", 3)[:, :352])
    photo = metrics.luma(taken(clean, "phone").tensor()[0])[None]
    return Picture(images.quantize(photo, np.uint8))


def test_noise_of_a_gray_photograph_beats_other_estimates_if_all_signs_tell_it() -> None:
    photo, none, white = gray_photo(), Estimate(0.0, "clean"), Estimate(3 / 255, "noisy")
    estimator = weights.load("noise-map-gray").network
    assert isinstance(estimator, NoiseMapNet)
    found = replace(noise_maps(photo, estimator, CPU), clean=0.1, confidence=0.8)

    def verdict(other: Estimate, maps: NoiseMaps, picture: Picture = photo) -> str:
        return believed(picture, Finding(other, seen=maps), of_gray, CPU).estimate.verdict

    assert verdict(none, found) == verdict(white, found) == "camera"
    likely_clean, unsure = replace(found, clean=0.3), replace(found, confidence=0.5)
    assert verdict(none, likely_clean) == "clean"
    assert verdict(white, likely_clean) != "camera"
    assert verdict(none, unsure) == "clean"
    assert verdict(white, unsure) != "camera"
    small = (slice(0, 256), slice(0, 256))
    assert verdict(none, found.part(*small), photo.part(*small)) == "clean"
    texture = np.pad(
        in_places(np.random.default_rng(3)).samples, ((0, 0), (0, 96), (0, 0)), "reflect"
    )
    assert verdict(none, found, Picture(texture)) == "clean"


def test_noise_of_a_gray_photograph_beside_stronger_detail_may_follow_it_a_little() -> None:
    clean = images.read_uint8(EXAMPLES / "coffee.png", 3)[:, :352].mean(2, dtype=np.float32)
    rough = torch.from_numpy(np.hypot(*np.gradient(clean)))[None]
    rough = torch.nn.functional.avg_pool2d(rough, 33, 1, 16)[0]
    white = 255 * noise.add_gaussian(torch.zeros(1, 1, *clean.shape), 22 / 255, seed=3)
    grain = torch.nn.functional.avg_pool2d(white, 3, 1, 1)[0, 0] * 1.3 * rough**0.1
    photo = Picture((clean + grain.numpy()).clip(0, 255).round().astype(np.uint8)[..., None])
    estimator = weights.load("noise-map-gray").network
    assert isinstance(estimator, NoiseMapNet)
    maps = replace(noise_maps(photo, estimator, CPU).scaled(0.75), clean=0.1, confidence=0.8)
    signs = signs_of_noise(photo, maps, quick(), CPU)
    assert signs is not None
    assert 0.4 < share_of_noise(signs, 1) < 0.9
    found = believed(photo, Finding(Estimate(0.0, "clean"), seen=maps), of_gray, CPU)
    assert (found.estimate.verdict, found.beside_detail) == ("camera", True)
    white_found = Finding(Estimate(3 / 255, "noisy"), seen=maps)
    assert believed(photo, white_found, of_gray, CPU).estimate.verdict != "camera"


def test_of_two_estimates_the_camera_s_is_kept_in_doubt() -> None:
    photo = taken(example("coffee.png"))
    sure, faint = (Estimators(LEVELS, {3: partial(Mistaken, times)}, CPU) for times in (1.0, 0.3))
    assert sure.find(photo, "auto").doubted is None
    assert faint.find(photo, "auto").doubted is not None
    grass = Estimators(LEVELS, {3: partial(Mistaken, 5.0, tint=0.3)}, CPU)
    assert grass.find(photo, "auto").doubted is None


def furrows(strength: float) -> Picture:
    """Fine furrows in patches that are more and less deep, with white noise of 2 of 255."""
    rng = np.random.default_rng(5)
    waves = 0.9 * np.arange(256) + rng.normal(0, 1.2, (256, 256)).cumsum(0) * 0.3
    depth = np.kron(np.exp(rng.normal(0, 0.35, (8, 8))), np.ones((32, 32)))
    grain = rng.normal(0, 0.8, (256, 256)) + np.sin(waves.T)
    pixels = 128 + strength * depth * grain + rng.normal(0, 2, (256, 256))
    return Picture(pixels.clip(0, 255).round().astype(np.uint8)[..., None])


def test_weak_white_noise_of_a_gray_picture_may_be_texture_that_maps_show() -> None:
    texture = furrows(14)
    maps = maps_of(texture, 20 / 255)
    signs = signs_of_noise(texture, maps, quick(), CPU)
    assert signs is not None
    assert signs.are_all_detail

    def verdict(sigma: float, seen: NoiseMaps, picture: Picture = texture) -> str:
        found = Finding(Estimate(sigma / 255, "noisy"), seen=seen)
        return believed(picture, found, of_gray, CPU).estimate.verdict

    assert verdict(3, maps) == "not white"
    held = Finding(
        Estimate.of_camera(maps), seen=maps, otherwise=Finding(Estimate(3 / 255, "noisy"))
    )
    assert believed(texture, held, of_gray, CPU).estimate.verdict == "not white"
    assert verdict(8, maps) == "noisy"
    assert verdict(3, replace(maps, confidence=0.7)) == "noisy"
    assert verdict(3, replace(maps, kind="white")) == "noisy"
    assert (
        verdict(3, maps, in_white_noise(Picture(np.full((256, 256, 1), 128, np.uint8)), 3 / 255))
        == "noisy"
    )
