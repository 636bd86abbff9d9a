"""Statistics, against examples that can be worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdenoise.benchmark.measurements import Measurement
from flowdenoise.benchmark.statistics import bootstrap, mean, spread
from flowdenoise.benchmark.summary import summarize


def test_the_bootstrap_of_two_images_is_as_worked_out() -> None:
    # Of the four ways to draw two of {0, 1}, one has the mean 0, two have 1/2, one has 1.
    values = [0.0, 1.0]
    middle = bootstrap(values, level=0.4)  # from the 30th to the 70th of a hundred
    assert (middle.mean, middle.low, middle.high) == (0.5, 0.5, 0.5)
    wide = bootstrap(values, level=0.6)  # from the 20th to the 80th
    assert (wide.low, wide.high) == (0.0, 1.0)


def test_the_bootstrap_of_three_images_is_as_worked_out() -> None:
    # 27 draws of three out of {0, 0, 3}: sums 0 (8), 3 (12), 6 (6), 9 (1).
    interval = bootstrap([0.0, 0.0, 3.0], level=0.9)  # 1.35 of 27 below, 25.65 of 27 above
    assert (interval.mean, interval.low, interval.high) == (1.0, 0.0, 2.0)
    assert bootstrap([0.0, 0.0, 3.0], level=0.99).high == 3.0


def test_the_same_values_give_the_same_interval() -> None:
    values = [0.1, -0.3, 0.7, 0.2]
    assert bootstrap(values) == bootstrap(values)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20))
def test_the_mean_lies_in_its_interval_and_equal_values_have_none(values: list[float]) -> None:
    interval = bootstrap(values, resamples=200)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9
    flat = bootstrap([values[0]] * 3, resamples=20)
    assert flat.low == pytest.approx(flat.high)


def test_mean_and_spread() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert math.isnan(mean([]))
    assert spread([1.0, 2.0, 6.0]) == pytest.approx(math.sqrt(7))
    assert spread([4.0]) == 0


def cell(method: str, image: str, psnr: float, **more: object) -> Measurement:
    values = {"pixels": 100, "ssim": 0.5, "gmsd": 0.1, "seconds": 2.0} | more
    return Measurement(method, image, 25.0, psnr=psnr, **values)  # type: ignore[arg-type]


def test_lines_compare_each_method_with_the_first_on_the_images_that_both_have() -> None:
    cells = [
        cell("ours", "a", 30.0, peak_bytes=10, processor_seconds=1.0),
        cell("ours", "b", 20.0, peak_bytes=30),
        cell("theirs", "a", 29.0, pixels=300),
        cell("theirs", "b", math.nan, error="broken"),
    ]
    ours, theirs = summarize(cells)
    assert (ours.psnr, ours.images, ours.failed, ours.difference) == (25.0, 2, 0, None)
    assert ours.peak_bytes == 30
    assert ours.seconds_per_megapixel == pytest.approx(20_000)
    assert ours.processor_seconds_per_megapixel == pytest.approx(10_000), "where it was taken"
    assert (theirs.psnr, theirs.images, theirs.failed) == (29.0, 1, 1)
    assert theirs.difference is not None
    assert theirs.difference.mean == -1.0  # against 30, not against the mean of 25
    assert theirs.peak_bytes is None


def test_a_perfect_image_has_no_difference_and_breaks_nothing() -> None:
    cells = [cell("ours", "a", math.inf), cell("theirs", "a", math.inf)]
    ours, theirs = summarize(cells)
    assert ours.psnr == math.inf
    assert theirs.difference is None


def test_a_method_that_failed_everywhere_still_has_its_line() -> None:
    (line,) = summarize([cell("ours", "a", math.nan, error="broken")])
    assert (line.images, line.failed) == (0, 1)
    assert math.isnan(line.psnr)
