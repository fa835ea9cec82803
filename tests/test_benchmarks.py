"""The output of the benchmarks. `python3 -m tests.benchmarks` measures the figures, not these tests."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.benchmarks.plot import Curve, plot
from tests.benchmarks.report import Section, Target, block, number, page, table


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(1234.5, 0, "1,234"), (-0.04, 1, "0.0"), (-1844, 0, "-1,844"), (0.5, 2, "0.50")]
)
def test_numbers(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_a_target_is_reached_as_it_is_printed() -> None:
    """In a table with one digit, 15.04 looks like the limit of 15.0."""
    assert [Target.at_most("time", 15.0, value, " µs", digits=1).reached for value in (15.04, 15.06)] == [True, False]


def test_a_block_tells_which_target_was_missed() -> None:
    missed = Target.at_most("Import", 6.0, 7.5, " ms", digits=1)
    text = block([Section("Import", "How.", table(["", "ms"], [["ours", "7.5"]]), [missed])], {"Python": "3.11"})
    assert "| Import | at most 6.0 ms | 7.5 ms | **no** |" in text
    assert text.endswith("Measured with Python 3.11.")


def test_what_was_not_measured_anew_stays_in_the_report() -> None:
    """A block stays in its place, even if its text looks like a replacement pattern."""
    first = page({"cost": "old cost", "memory": r"old \1 memory"}, "command")
    second = page({"cost": "new cost"}, "command", first)
    assert second == page({"cost": "new cost", "memory": r"old \1 memory"}, "command")
    assert "old cost" not in second


def test_a_plot_is_well_formed_and_inside_its_frame() -> None:
    """Times beyond the axis are drawn at its end. Names are escaped."""
    drawn = plot([Curve("a < b", [0.0] * 1000 + [99_999.0])], title="Renewal & load")
    svg = ElementTree.fromstring(drawn)  # noqa: S314  # our own
    namespace = "{http://www.w3.org/2000/svg}"
    assert "a < b" in [text.text for text in svg.iter(f"{namespace}text")]
    (line,) = svg.iter(f"{namespace}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(points) == 1001
    assert all(0 <= x <= float(svg.attrib["width"]) and 0 <= y <= float(svg.attrib["height"]) for x, y in points)
