"""Counter-based random numbers: theirs by place, and as random as numbers of a generator."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from scipy import stats

from flowdenoise.system.random_streams import Draws, fold, normal, uniform

seeds = st.integers(-(2**63), 2**63 - 1)


@given(seed=seeds, start=st.integers(0, 2**31 - 2000))
def test_a_number_depends_on_its_place_and_not_on_its_company(seed: int, start: int) -> None:
    key = fold(seed, 1)
    whole = normal(key, torch.arange(start, start + 1000))
    part = normal(key, torch.arange(start + 300, start + 310))
    assert torch.equal(whole[300:310], part)


@given(seed=seeds)
def test_uniform_numbers_are_uniform(seed: int) -> None:
    numbers = uniform(fold(seed), torch.arange(4000))
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert stats.kstest(numbers.numpy(), "uniform").pvalue > 1e-6


def test_the_least_number_is_above_zero_and_has_a_normal_one() -> None:
    place = torch.tensor([39_272_096])  # where all bits are 0
    assert float(uniform(fold(3), place)) == 2.0**-25
    assert float(normal(fold(3), place)) == pytest.approx(-5.3, abs=0.1)


def test_the_numbers_stay_what_they_are() -> None:
    """Runs that are resumed, corpora and results of benchmarks rest on them."""
    assert fold(torch.arange(3), 5).tolist() == [459_823_335, -882_761_079, 1_790_963_759]
    assert int(fold(1, 2, 3)) == -1_979_210_917
    numbers = normal(fold(1), torch.arange(3)).tolist()
    assert numbers == pytest.approx([-0.034484, -0.392052, -2.945056], abs=1e-5)


@given(seed=seeds)
def test_normal_numbers_are_normal(seed: int) -> None:
    numbers = normal(fold(seed), torch.arange(4000))
    assert stats.kstest(numbers.double().numpy(), "norm").pvalue > 1e-6


@given(seed=seeds)
def test_neighbors_and_other_keys_are_uncorrelated(seed: int) -> None:
    keys = fold(seed, torch.arange(2))
    numbers = normal(keys[:, None], torch.arange(8000)[None]).double()
    limit = 6 / 8000**0.5  # six standard errors
    assert abs(float((numbers[0, 1:] * numbers[0, :-1]).mean())) < limit
    assert abs(float((numbers[0] * numbers[1]).mean())) < limit


def test_far_tails_occur_and_are_finite() -> None:
    numbers = normal(fold(3), torch.arange(4_000_000))
    assert 4.7 < float(numbers.abs().max()) < 5.6
    assert float(numbers.double().std()) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("shares", [2, 3, 6])
def test_a_batch_shared_out_is_the_batch_drawn_by_one(shares: int) -> None:
    whole = Draws.for_step(7, 42, 12)
    count = 12 // shares
    parts = [Draws.for_step(7, 42, count, first=part * count) for part in range(shares)]
    assert torch.equal(whole.uniform(3), torch.cat([part.uniform(3) for part in parts]))
    shape = (2, 4, 4)
    together = torch.cat([part.normal(5, shape) for part in parts])
    assert torch.equal(whole.normal(5, shape), together)


def test_steps_seeds_and_streams_differ() -> None:
    base = Draws.for_step(0, 0, 4).normal(0, (50,))
    for other in (
        Draws.for_step(1, 0, 4).normal(0, (50,)),
        Draws.for_step(0, 1, 4).normal(0, (50,)),
        Draws.for_step(0, 0, 4).normal(1, (50,)),
    ):
        assert (base != other).float().mean() > 0.99
