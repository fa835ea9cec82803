"""`_retry_after`: how long a server asks us to wait."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oauth_cc_auth._http.headers import retry_after

WALL = 1_700_000_000.0


def http_date(unix: float) -> str:
    return format_datetime(datetime.fromtimestamp(unix, timezone.utc), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("120", 120.0), (" 5 ", 5.0), ("1.5", 1.5), ("2.", 2.0), ("9" * 1000, 1e9), ("1000000001", 1e9)],
)
def test_seconds(value: str, seconds: float) -> None:
    """A number of seconds, and no more than anybody would wait."""
    assert retry_after({"retry-after": value}, WALL) == seconds


@pytest.mark.parametrize("value", ["", "-1", "+1", "1e3", ".5", "soon", "١٢", "0x10", "1 2", "nan", "inf"])
def test_nothing_usable(value: str) -> None:
    """What is neither a number nor a date is no wish."""
    assert retry_after({"retry-after": value}, WALL) is None


def test_without_the_header() -> None:
    """Most answers ask for nothing."""
    assert retry_after({"date": http_date(WALL)}, WALL) is None


def test_a_date_counts_from_the_answers_own_date() -> None:
    """The two clocks need not agree."""
    headers = {"retry-after": http_date(5_000_030), "date": http_date(5_000_000)}
    assert retry_after(headers, WALL) == 30


@pytest.mark.parametrize("date", [None, "garbage", ""])
def test_a_date_without_a_usable_date_counts_from_our_clock(date: str | None) -> None:
    """Better than nothing."""
    headers = {"retry-after": http_date(WALL + 30)} | ({} if date is None else {"date": date})
    assert retry_after(headers, WALL) == 30


def test_a_date_that_has_passed() -> None:
    """It asks for no wait, not for a negative one."""
    assert retry_after({"retry-after": http_date(WALL - 30)}, WALL) == 0


def test_a_date_in_the_far_future() -> None:
    """It is bounded as seconds are."""
    assert retry_after({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, WALL) == 1e9


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000", ""])
def test_dates_are_in_gmt(zone: str) -> None:
    """Also those whose zone is missing or "unknown"."""
    assert retry_after({"retry-after": f"Tue, 14 Nov 2023 22:13:50 {zone}"}, WALL) == 30


def test_dates_of_another_zone() -> None:
    """HTTP forbids them; they are understood all the same."""
    assert retry_after({"retry-after": "Tue, 14 Nov 2023 23:13:50 +0100"}, WALL) == 30


@settings(deadline=None)
@example("Tue, 99 Nov 2023 22:13:50 GMT", "")
@example("Tue, 14 Nov 2023 22:13:50 +9999999999", "")
@example("Tue, 14 Nov 0000 22:13:50 GMT", "0")
@example("Tue, 14 Nov " + "9" * 5000 + " 22:13:50 GMT", "0")
@given(
    st.text() | st.from_regex(r"\w{3}, \d{1,3} Nov \d{1,6} \d+:\d+:\d+ [+-]?\w{0,6}"),
    st.text() | st.from_regex(r"\w{3}, \d{1,3} Nov \d{1,6} \d+:\d+:\d+ [+-]?\w{0,6}"),
)
def test_never_raises_and_is_never_negative(value: str, date: str) -> None:
    """Whatever the two headers hold."""
    seconds = retry_after({"retry-after": value, "date": date}, WALL)
    assert seconds is None or 0 <= seconds <= 1e9
