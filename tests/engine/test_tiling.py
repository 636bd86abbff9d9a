"""Tiling: whatever the size, tile, overlap and blend, nobody can tell that there were tiles."""

import itertools

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import assume, given
from torch import Tensor

from flowdenoise.engine.tiles import tiling
from flowdenoise.engine.tiles.tiling import TilingConfig
from flowdenoise.errors import UsageError
from flowdenoise.networks.resnet import ResNet, ResNetConfig


@st.composite
def cuts(draw: st.DrawFn) -> TilingConfig:
    tile = 32 * draw(st.integers(1, 3))
    overlap = draw(st.integers(0, tile // 2 - 1))
    blend = draw(st.integers(0, tile - 2 * overlap - 1))
    return TilingConfig(tile, overlap, blend, batch=draw(st.integers(1, 5)))


sides = st.integers(1, 130)


def identity(tiles: Tensor) -> Tensor:
    return tiles


@given(config=cuts(), height=sides, width=sides, multiple=st.sampled_from([1, 2, 8]))
def test_tiling_the_identity_returns_the_image(
    config: TilingConfig, height: int, width: int, multiple: int
) -> None:
    assume(config.tile - 2 * config.overlap - config.blend >= multiple)
    image = torch.rand(1, 2, height, width)
    result = tiling.apply(image, identity, config, multiple=multiple)
    assert result.shape == image.shape
    assert float((result - image).abs().max()) < 1e-6


@given(config=cuts(), length=st.integers(1, 500))
def test_weights_sum_to_one_and_vanish_where_context_lacks(
    config: TilingConfig, length: int
) -> None:
    axis = tiling.cut(length, config)
    total = torch.zeros(axis.padded)
    for start, weights in zip(axis.starts, axis.weights, strict=True):
        total[start : start + axis.tile] += weights
        if start > 0:
            assert float(weights[: config.overlap].abs().sum()) == 0
        if start + axis.tile < axis.padded:
            assert float(weights[axis.tile - config.overlap :].abs().sum()) == 0
    assert torch.allclose(total, torch.ones(axis.padded), atol=1e-6)


@given(height=st.integers(1, 200), width=st.integers(1, 200), blend=st.integers(0, 30))
def test_with_enough_overlap_tiled_is_untiled(height: int, width: int, blend: int) -> None:
    config = ResNetConfig(image_channels=1, channels=(4, 4), blocks=(1, 1))
    net = ResNet(config).eval()
    image = torch.rand(1, 1, height, width)
    overlap = config.receptive_radius

    def run(cut: TilingConfig) -> Tensor:
        with torch.no_grad():
            return tiling.apply(image, lambda t: net(t, 0.1), cut, multiple=config.stride)

    whole, tiled = run(TilingConfig(0, 0, 0)), run(TilingConfig(96, overlap, blend, batch=2))
    assert float((whole - tiled).abs().max()) <= 1e-5


def test_too_little_overlap_shows() -> None:
    config = ResNetConfig(image_channels=1, channels=(4, 4), blocks=(1, 1))
    net = ResNet(config).eval()
    image = torch.rand(1, 1, 150, 150)
    with torch.no_grad():
        whole, tiled = (
            tiling.apply(image, lambda t: net(t, 0.1), cut, multiple=config.stride)
            for cut in (TilingConfig(0, 0, 0), TilingConfig(64, 0, 0))
        )
    assert float((whole - tiled).abs().max()) > 1e-4


@given(height=sides, width=sides)
def test_a_network_of_fixed_size_only_sees_that_size(height: int, width: int) -> None:
    def fixed(tiles: Tensor) -> Tensor:
        assert tuple(tiles.shape[2:]) == (32, 32)
        return tiles

    image = torch.rand(1, 3, height, width)
    half = TilingConfig(32, 0, 16, batch=7)
    result = tiling.apply(image, fixed, half, fixed=True)
    assert float((result - image).abs().max()) < 1e-6


@given(config=cuts(), height=sides, width=sides)
def test_rows_are_written_once_from_top_to_bottom(
    config: TilingConfig, height: int, width: int
) -> None:
    image = torch.rand(1, 1, height, width)
    written: list[tuple[int, int]] = []
    progress: list[tuple[int, int]] = []
    tiling.stream(
        (height, width),
        lambda start, stop: image[:, :, start:stop],
        identity,
        lambda start, rows: written.append((start, start + rows.shape[2])),
        config,
        on_tile=lambda done, total: progress.append((done, total)),
    )
    assert written[0][0] == 0
    assert written[-1][1] == height
    assert all(one[1] == other[0] for one, other in itertools.pairwise(written))
    assert progress[-1][0] == progress[-1][1]


def test_a_long_thin_image_needs_little() -> None:
    image = torch.rand(1, 1, 1, 20_000)
    assert torch.allclose(tiling.apply(image, identity, TilingConfig(32, 8, 8)), image)


@pytest.mark.parametrize(
    ("tile", "overlap", "blend", "batch"),
    [(48, 0, 0, 1), (-32, 0, 0, 1), (32, 16, 0, 1), (32, 8, 16, 1), (32, -1, 0, 1), (32, 0, 0, 0)],
)
def test_impossible_cuts_are_refused(tile: int, overlap: int, blend: int, batch: int) -> None:
    with pytest.raises(UsageError):
        TilingConfig(tile, overlap, blend, batch)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (512, 12, 40, 1)),
        ({"tile": 1024}, (1024, 12, 40, 1)),
        ({"tile": 512}, (512, 12, 40, 1)),
        ({"tile": 128}, (128, 12, 32, 1)),
        ({"tile": 64}, (64, 8, 16, 1)),
        ({"tile": 32}, (32, 4, 8, 1)),
        ({"tile": 64, "overlap": 20}, (64, 20, 16, 1)),
        ({"overlap": 3, "batch": 5}, (512, 3, 40, 5)),
    ],
)
def test_a_small_tile_gets_less_overlap_and_blend(
    changes: dict[str, int], expected: tuple[int, ...]
) -> None:
    assert TilingConfig(512, 12, 40).changed(**changes) == TilingConfig(*expected)


def test_a_tile_that_is_no_smaller_keeps_overlap_and_blend() -> None:
    prior = TilingConfig(32, 0, 16)
    assert prior.changed(tile=32, batch=2) == TilingConfig(32, 0, 16, 2)
