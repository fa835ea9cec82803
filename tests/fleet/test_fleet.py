"""A day of a small fleet: what docs/fleet.md says about a large one is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.day import Figures, Stretch, shared_days, simulate
from tests.fleet.report import COMMAND, report

PROCESSES = 120


@pytest.fixture(name="figures", scope="module")
def _figures() -> Figures:
    return simulate(PROCESSES)


@pytest.fixture(name="shared", scope="module")
def _shared() -> list[Figures]:
    return shared_days(PROCESSES)


def stretch(figures: Figures, name: str) -> Stretch:
    (found,) = (stretch for stretch in figures.stretches if stretch.name.startswith(name))
    return found


@pytest.mark.parametrize("name", ["outage of 1 min", "outage of 5 min", "rate limit", "revocation"])
def test_what_fails_no_request(figures: Figures, name: str) -> None:
    """Events shorter than the remaining life of a token at its first renewal fail no request."""
    assert stretch(figures, name).failed == 0


def test_a_long_outage_fails_requests_of_few(figures: Figures) -> None:
    """Requests fail only in processes whose token has expired, and only while the outage lasts."""
    longest = stretch(figures, "outage of 15 min")
    assert 0 < longest.failed == figures.failed < figures.processes * 4 * 15 * 0.06


def test_a_token_serves_its_life(figures: Figures) -> None:
    """A token of an hour costs about 29 token requests a day, plus the failed ones during outages."""
    assert 28 < figures.mean * 24 * 3600 / PROCESSES < 30
    assert figures.token_requests / PROCESSES < 45


@pytest.mark.parametrize("name", ["outage of 15 min", "rate limit"])
def test_no_herd(figures: Figures, name: str) -> None:
    """Processes that could not renew come back at different times, even if `Retry-After` names one second for all."""
    after = stretch(figures, name).after
    assert after.total > PROCESSES / 10
    assert after.busiest < after.total / 4


def test_a_quota_that_ends_for_all_at_once() -> None:
    """With many API requests, the first of each process could come in the very second that `Retry-After` names."""
    busy = stretch(simulate(300, requests_a_minute=40), "rate limit")
    assert max(busy.during.busiest, busy.after.busiest) < busy.after.total / 6


def test_a_shared_token_is_renewed_by_one(shared: list[Figures]) -> None:
    """A whole fleet sends the token requests of one process, outages included, also if the token ends in one."""
    for day in shared:
        assert 30 <= day.token_requests <= 60
        assert stretch(day, "outage of 15 min").after.total <= 2
        assert day.failed == 0 or day.at_worst  # there the token ends in the outage
    assert shared[-1].failed > PROCESSES
    day = shared[0]
    assert stretch(day, "revocation").after.total == 1
    assert 0 < stretch(day, "outage of 15 min").during.total < 20


def test_the_page(figures: Figures, shared: list[Figures]) -> None:
    """The page is the output of the command, except for the figures."""
    page = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
    assert COMMAND in page
    words = [
        line for line in report(figures, shared, requests_a_minute=4).splitlines() if not any(map(str.isdigit, line))
    ]
    assert [line for line in words if line not in page.splitlines()] == []
