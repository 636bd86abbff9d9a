"""The watch over the gradient: silent while it only wobbles, awake when it runs away."""

import hypothesis.strategies as st
from hypothesis import given

from flowdenoise.optimization.divergence import GradientWatch


@given(
    norms=st.lists(st.floats(1.0, 15.0), min_size=400, max_size=600), scale=st.floats(1e-12, 1e12)
)
def test_norms_of_one_size_are_no_divergence(norms: list[float], scale: float) -> None:
    watch = GradientWatch()
    assert not any(watch.runs_away(scale * norm) for norm in norms)


@given(usual=st.floats(1e-9, 1e3), growth=st.floats(1.1, 3.0))
def test_exponential_growth_is_noticed_before_it_is_a_thousandfold(
    usual: float, growth: float
) -> None:
    watch = GradientWatch()
    for _ in range(300):
        assert not watch.runs_away(usual)
    norm, noticed = usual, False
    while not noticed and norm < 1000 * usual * growth**5:
        norm *= growth
        noticed = watch.runs_away(norm)
    assert noticed


def test_nothing_is_usual_at_the_beginning() -> None:
    watch = GradientWatch()
    assert not any(watch.runs_away(10.0**step) for step in range(200))


def test_steps_without_any_gradient_do_not_make_the_next_ones_look_large() -> None:
    watch = GradientWatch()
    norms = [1.0] * 300 + [0.0] * 300 + [1.0] * 300
    assert not any(watch.runs_away(norm) for norm in norms)


def test_once_calmed_the_watch_waits_for_the_next_growth() -> None:
    watch = GradientWatch()
    for _ in range(300):
        watch.runs_away(1.0)
    assert [watch.runs_away(1000.0) for _ in range(20)][-1]
    watch.calm()
    assert not watch.runs_away(1.0)
