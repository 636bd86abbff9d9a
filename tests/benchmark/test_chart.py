"""Charts: what is drawn lies where its numbers say."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET

import pytest

from flowdenoise.benchmark.report.chart import Axis, Series, chart

SVG = "{http://www.w3.org/2000/svg}"


def test_values_lie_along_an_axis_in_equal_steps_or_equal_factors() -> None:
    plain = Axis("x", 10, 20)
    assert [plain.place(value) for value in (10, 15, 20)] == [0, 0.5, 1]
    factors = Axis("x", 0.01, 100, logarithmic=True)
    assert [factors.place(value) for value in (0.01, 1, 100)] == pytest.approx([0, 0.5, 1])


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("values", [[3.0], [0.2, 0.2], [24.6, 33.9], [0.003, 4000.0]])
def test_an_axis_has_room_for_its_values(values: list[float], logarithmic: bool) -> None:
    axis = Axis.around("x", values, logarithmic=logarithmic)
    assert all(0 < axis.place(value) < 1 for value in values)
    assert all(0 <= axis.place(tick) <= 1 for tick in axis.ticks())


def test_ticks_are_round() -> None:
    assert Axis("x", 13.9, 34.2).ticks() == [15, 20, 25, 30]
    assert Axis("x", -0.11, 0.11).ticks() == pytest.approx([-0.1, -0.05, 0, 0.05, 0.1])
    assert Axis("x", 0.02, 300, logarithmic=True).ticks() == pytest.approx([0.1, 1, 10, 100])


def drawn(series: list[Series]) -> ET.Element:
    return ET.fromstring(chart("a < b", Axis("x", 0, 10), Axis("y", 0, 10), series))


def test_higher_values_are_drawn_higher_and_later_ones_further_right() -> None:
    root = drawn([Series("up", ((1.0, 1.0), (5.0, 9.0)))])
    first, second = root.findall(f"{SVG}circle")
    assert float(first.attrib["cx"]) < float(second.attrib["cx"])
    assert float(first.attrib["cy"]) > float(second.attrib["cy"])
    assert len(root.findall(f"{SVG}polyline")) == 1
    assert not drawn([Series("dots", ((1.0, 1.0), (5.0, 9.0)), joined=False)]).findall(
        f"{SVG}polyline"
    )


def test_names_do_not_cover_each_other_and_stay_on_the_sheet() -> None:
    series = [Series(f"<{number}>", ((5.0, 0.1),)) for number in range(12)]
    root = drawn(series)
    texts = [text for text in root.findall(f"{SVG}text") if (text.text or "").startswith("<")]
    heights = sorted(float(text.attrib["y"]) for text in texts)
    assert len(heights) == 12
    assert all(b - a > 12 for a, b in itertools.pairwise(heights))
    assert heights[-1] < float(root.attrib["viewBox"].split()[3])
    assert math.isfinite(heights[0])
