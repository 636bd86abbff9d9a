"""An axis that is extended beyond its borders."""

import hypothesis.strategies as st
from hypothesis import given

from flowdenoise.images.borders import mirror


@given(padded=st.integers(1, 60), length=st.integers(1, 20))
def test_mirroring_stays_inside_and_starts_with_the_image(padded: int, length: int) -> None:
    indices = mirror(padded, length)
    assert int(indices.min()) >= 0
    assert int(indices.max()) < length
    shown = min(padded, length)
    assert indices[:shown].tolist() == list(range(shown))
