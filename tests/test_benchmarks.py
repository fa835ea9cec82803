"""The output of the benchmarks. `python3 -m tests.benchmarks` measures the figures, not these tests."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from tests.benchmarks import callgrind, dpop, renewal
from tests.benchmarks.kinds import BEARER, BY_HAND, FLOOR, HEADER, HEADERS, ONE_MORE_HEADER, OURS, PYJWT, SIGNATURE
from tests.benchmarks.plot import Curve, plot
from tests.benchmarks.report import Section, Target, block, number, page, table
from tests.benchmarks.stalls import Stall, disturbed


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


class Played:
    """An environment whose measurements have come to the same already."""

    def __init__(self, **results: Any) -> None:
        self._results = results

    def run(self, module: str, what: str, *_: object) -> Any:
        results = self._results[module]
        return results.get(what, results.get("all"))


def say(text: str) -> None:
    assert text


@pytest.mark.parametrize(("has_precedence", "said"), [(True, "had precedence"), (False, "could delay")])
def test_the_report_of_renewals(has_precedence: bool, said: str) -> None:
    """How much longer the tail is than p99, how many waited, and whether other processes could delay them.

    A request that the machine disturbed counts in no percentile.
    """
    times = [1.0] * 970 + [4.0] * 28 + [9.0, 200.0, 90.0]
    disturbed = [*[False] * 1000, True]
    run: Any = {"names": [FLOOR, OURS], "all": [times, disturbed, 24, 0, 0, has_precedence]}
    environment: Any = Played(renewal_work=run)
    (section,) = renewal.measure(environment, say, quick=True)
    assert said in section.how
    assert "| requests: oauth_cc_auth | 1.0 | 4.0 | 200.0 | 200.0 | 1 | 1 | 24 | 0 | 0 |" in section.table
    assert {(each.limit, each.measured) for each in section.targets} == {
        ("at most 0 of 1,001", "1 of 1,001"),
        ("at most 2.0 of p99", "50.0 of p99"),
    }


def test_what_a_stall_disturbs() -> None:
    """What runs at some moment of it, and what comes before that has ended; but nothing that took far longer."""
    stalls = [Stall(1.0, 2.0), Stall(8.0, 9.0)]
    spans = {
        (0.0, 1.0): False,
        (0.0, 1.1): True,
        (0.5, 99.0): False,  # longer than any stall
        (1.9, 3.0): True,
        (2.9, 4.0): True,  # not in a stall, but behind one that is
        (3.9, 5.0): True,  # and so on
        (5.0, 6.0): False,
        (6.0, 8.0): False,
        (8.5, 8.6): True,
        (8.7, 8.8): True,
        (9.0, 9.5): False,
    }
    assert disturbed(stalls, spans, longest=10.0) == list(spans.values())


def test_the_report_of_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In signatures: instructions, and time."""
    counts = {
        **{("request", name): count for name, count in ((BEARER, 500.0), (HEADER, 400.0), (HEADERS, 410.0))},
        ("request", BY_HAND): 525.0,
        ("request", OURS): 612.0,
        ("call", SIGNATURE): 100.0,
        ("call", PYJWT): 140.0,
    }
    monkeypatch.setattr(callgrind, "is_available", lambda: True)
    monkeypatch.setattr(callgrind, "instructions", lambda *_: counts)
    timed = {"added": {ONE_MORE_HEADER: 0.1, PYJWT: 1.6, BY_HAND: 1.3, OURS: 1.2}, "signature": 25e-6}
    environment: Any = Played(dpop_work={"all": timed})
    counted, time = dpop.measure(environment, say, quick=True)
    for section, row in ((counted, "1.12"), (time, "1.20")):
        assert f"| oauth_cc_auth |{f' {row} |' * 5}" in section.table
    assert "| one signature, µs |" in time.table
    assert {each.measured for each in counted.targets} == {"1.12 signatures"}

    monkeypatch.setattr(callgrind, "is_available", lambda: False)
    (alone,) = dpop.measure(environment, say, quick=True)
    assert alone == time
