"""What the estimator of noise maps learns from: two versions that differ by noise alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from flowdenoise.data.corpus import Corpus, load_corpus
from flowdenoise.errors import UsageError
from flowdenoise.networks import KINDS
from flowdenoise.training.noise_crops import NoiseMapTraining
from flowdenoise.training.noise_map_stage import NoiseMapStage


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """One smooth picture of 160 pixels a side, so that its changes are not taken for noise."""
    place = np.linspace(0, 9, 160)
    columns = np.stack([np.cos(place + shift) for shift in range(3)], 1)
    waves = 127 + 100 * np.sin(place)[:, None, None] * columns
    folder = tmp_path_factory.mktemp("album")
    Image.fromarray(waves.round().astype(np.uint8)).save(folder / "a.png")
    return load_corpus([folder], channels=3)


def made(corpus: Corpus, count: int = 24, gray: bool = False, **settings: float) -> NoiseMapStage:
    model = nn.Module()
    model.config = type("Sizes", (), {"image_channels": 1 if gray else 3})()  # type: ignore[assignment]
    return NoiseMapStage(model, corpus, NoiseMapTraining(patch=64, **settings), seed=1)  # type: ignore[arg-type]


def grain(corpus: Corpus, share: str, **settings: float) -> torch.Tensor:
    """The coarse level over the fine one, the median of the crops that have noise."""
    shares = {**SHARES[share], "edited": 0.0, "stored_after": 0.0, "reduced": 0.0}
    stage = made(corpus, **shares, **settings)
    crops = stage._crops(0, 0, 48)
    fine, coarse = (crops.squares[:, index].mean((1, 2)).sqrt() for index in (0, 1))
    return (coarse / fine)[crops.kind > 0].median()


SHARES = {
    "clean": {"clean": 1.0, "white": 0.0, "film": 0.0},
    "white": {"clean": 0.0, "white": 1.0, "film": 0.0},
    "film": {"clean": 0.0, "white": 0.0, "film": 1.0},
    "camera": {"clean": 0.0, "white": 0.0, "film": 0.0},
}


@pytest.mark.parametrize("gray", [False, True], ids=["color", "gray"])
@pytest.mark.parametrize("share", SHARES)
def test_crops_have_the_noise_that_their_kind_says(corpus: Corpus, share: str, gray: bool) -> None:
    stage = made(corpus, gray=gray, edited=1.0, **SHARES[share])
    crops = stage._crops(0, 0, 24)
    assert crops.noisy.shape == (24, 1 if gray else 3, 64, 64)
    assert crops.noisy.min() >= 0 or share == "white"
    level = crops.squares[:, 0].mean((1, 2)).sqrt()
    kinds = {KINDS[int(kind)] for kind in crops.kind}
    if share == "clean":
        assert level.max() == 0
        assert kinds == {"clean"}
    else:
        expected = "white" if share == "white" else "camera"
        assert kinds <= {expected, "clean"}
        assert (level[crops.kind > 0] > 0.4 / 255).all()
        assert (crops.kind > 0).float().mean() > 0.5


def test_the_difference_of_two_edited_photographs_is_noise_alone(corpus: Corpus) -> None:
    """Edits that differed between the two would count as noise, and far stronger."""
    shares = {**SHARES["camera"], "reduced": 1.0, "stored_after": 0.0}
    plain, edited = (
        made(corpus, edited=share, reduced_after=0.0, enlarged=0.0, **shares)
        for share in (0.0, 1.0)
    )
    levels = []
    for stage in (plain, edited):
        crops = stage._crops(0, 0, 48)
        levels.append(crops.squares[:, 0].mean((1, 2)).sqrt())
    ratio = levels[1] / levels[0].clamp(min=0.5 / 255)
    assert 0.3 < ratio.median() < 3
    assert not torch.equal(levels[0], levels[1])


def test_sizes_behind_the_camera_change_the_grain(corpus: Corpus) -> None:
    same = grain(corpus, "camera", reduced_after=0.0, enlarged=0.0)
    assert grain(corpus, "camera", reduced_after=1.0, enlarged=0.0) < same
    assert grain(corpus, "camera", reduced_after=0.0, enlarged=1.0) > same


def test_film_is_enlarged_too(corpus: Corpus) -> None:
    same = grain(corpus, "film", enlarged=0.0, widest=0.3)
    assert grain(corpus, "film", enlarged=1.0, widest=0.3) > 1.05 * same
    assert grain(corpus, "film", enlarged=0.0, widest=1.3) > 1.05 * same


def test_compression_takes_from_white_noise(corpus: Corpus) -> None:
    shares = {**SHARES["white"], "edited": 0.0, "reduced": 0.0, "most": 12 / 255}

    def level(**settings: float) -> torch.Tensor:
        stage = made(corpus, **shares, **settings)
        crops = stage._crops(0, 0, 48)
        return crops.squares[:, 0].mean().sqrt()

    assert level(white_stored=0.6, least_quality=20.0) < level(white_stored=0.6)
    assert level(white_stored=0.6) < level(white_stored=0.0)


def test_shares_above_one_together_are_refused() -> None:
    with pytest.raises(UsageError, match="are above 1 together"):
        NoiseMapTraining(clean=0.5, white=0.3, film=0.3)


def test_soft_crops_have_less_fine_detail(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "texture.png")
    texture = load_corpus([tmp_path], channels=3)
    shares = {**SHARES["clean"], "reduced": 1.0, "edited": 0.0, "enlarged": 0.0}
    shares["relit"] = 0.0

    def detail(soft: float) -> torch.Tensor:
        stage = made(texture, soft=soft, softest=3.5, **shares)
        crops = stage._crops(0, 0, 24).noisy
        return crops.diff(dim=3).square().mean((1, 2, 3))

    sharp, soft = detail(0.0), detail(1.0)
    assert (soft < 1.02 * sharp).all()  # rounding and compression differ
    assert soft.median() < 0.5 * sharp.median()


@pytest.mark.parametrize("share", ["clean", "film", "camera"])
def test_relit_scenes_are_burnt_out_or_dark(corpus: Corpus, share: str) -> None:
    shares = {**SHARES[share], "reduced": 1.0, "edited": 0.0, "reduced_after": 0.0}

    def crops(relit: float, light: tuple[float, float]) -> torch.Tensor:
        stage = made(corpus, relit=relit, light=light, **shares)  # type: ignore[arg-type]
        return stage._crops(0, 0, 24).noisy

    same, bright, dark = crops(0.0, (1.0, 1.0)), crops(1.0, (7.0, 8.0)), crops(1.0, (0.1, 0.2))
    assert (bright > 0.98).float().mean() > (same > 0.98).float().mean() + 0.1
    assert dark.mean() < 0.5 * same.mean()


def test_kept_crops_are_made_once_and_turned_when_they_are_seen_again(
    corpus: Corpus, tmp_path: Path
) -> None:
    settings = NoiseMapTraining(patch=64, kept=2)
    anew, kept = (
        NoiseMapStage(nn.Module(), corpus, settings, seed=1, folder=folder)
        for folder in (None, tmp_path)
    )
    first = [kept._crops(step, 0, 6) for step in range(8)]
    files = sorted(tmp_path.glob("crops-*/*"))
    assert [file.name for file in files] == ["000000-0-6.npz", "000001-0-6.npz"]
    times = [file.stat().st_mtime_ns for file in files]
    fresh = anew._crops(0, 0, 6)
    for step in (0, 2, 4, 6):
        assert torch.equal(first[step].kind, fresh.kind)
        mean, wanted = (one.squares.mean((2, 3)) for one in (first[step], fresh))
        assert torch.allclose(mean, wanted, rtol=1e-4)
    assert not torch.equal(first[2].noisy, first[4].noisy)
    again = NoiseMapStage(nn.Module(), corpus, settings, seed=1, folder=tmp_path)
    read = again._crops(2, 0, 6)
    assert torch.equal(read.noisy, first[2].noisy)
    assert torch.equal(read.squares, first[2].squares)
    assert [file.stat().st_mtime_ns for file in files] == times


def test_kept_crops_of_8_bits_are_exact(corpus: Corpus, tmp_path: Path) -> None:
    settings = NoiseMapTraining(patch=64, kept=1, **SHARES["camera"])
    kept = NoiseMapStage(nn.Module(), corpus, settings, seed=1, folder=tmp_path)
    made_first = kept._made(kept.sampler, kept.sampler.draws(0, 6))
    kept._crops(0, 0, 6)
    read = kept._crops(0, 0, 6)
    steps = 255 * made_first.noisy
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    values = 255 * read.noisy
    assert torch.allclose(values, values.round(), atol=1e-4)
    assert torch.equal(values.round().mean((1, 2, 3)), steps.round().mean((1, 2, 3)))


def test_other_crops_have_a_folder_of_their_own(corpus: Corpus, tmp_path: Path) -> None:
    for film in (0.0, 0.1):
        settings = NoiseMapTraining(patch=64, kept=2, film=film)
        NoiseMapStage(nn.Module(), corpus, settings, seed=1, folder=tmp_path)._crops(0, 0, 2)
    assert len(list(tmp_path.glob("crops-*"))) == 2
