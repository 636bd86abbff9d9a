"""Noise levels: two scales, and what is a level on neither."""

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from flowdenoise import noise
from flowdenoise.errors import SigmaError


@given(sigma=st.floats(0, 255))
def test_units_go_there_and_back(sigma: float) -> None:
    assert noise.to_255(noise.from_255(sigma)) == pytest.approx(sigma)


@pytest.mark.parametrize("sigma", [-0.1, 255.1, math.nan, math.inf])
def test_what_is_no_level_on_the_255_scale_is_refused(sigma: float) -> None:
    with pytest.raises(SigmaError, match="0 to 255"):
        noise.from_255(sigma)


def test_a_level_on_the_wrong_scale_gets_a_hint() -> None:
    with pytest.raises(SigmaError, match="did you mean 25/255"):
        noise.check_sigma(25)


@pytest.mark.parametrize("sigma", [-1e-9, math.nan, math.inf])
def test_what_is_no_level_is_refused(sigma: float) -> None:
    with pytest.raises(SigmaError):
        noise.check_sigma(sigma)
