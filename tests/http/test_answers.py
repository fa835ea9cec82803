"""`answers`: what an HTTP answer says, whatever it means."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import format_datetime

import anyio
import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oauth_cc_auth._http.answers import (
    RedirectHider,
    clock_skew,
    is_json,
    is_redirect,
    is_web_page,
    phrase,
    retry_after,
    unix_time,
)

WALL = 1_700_000_000.0


def http_date(unix: float) -> str:
    return format_datetime(datetime.fromtimestamp(unix, timezone.utc), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("120", 120.0), (" 5 ", 5.0), ("1.5", 1.5), ("2.", 2.0), ("9" * 1000, 1e9), ("1000000001", 1e9)],
)
def test_seconds(value: str, seconds: float) -> None:
    """A number of seconds, and no more than anyone would wait."""
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


@pytest.mark.parametrize(("status", "expected"), [(299, False), (300, True), (304, True), (399, True), (400, False)])
def test_is_redirect(status: int, expected: bool) -> None:
    """The whole class of statuses, with a target or without."""
    assert is_redirect(status) is expected


@pytest.mark.parametrize(("status", "words"), [(200, "OK"), (422, "Unprocessable"), (499, ""), (0, "")])
def test_phrase(status: int, words: str) -> None:
    """The standard's words, whose ends differ between versions of Python."""
    assert phrase(status).startswith(words)
    assert bool(phrase(status)) is bool(words)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html", b"", True),
        ("Application/XHTML+xml", b"x", True),
        ("", b" \r\n<html>", True),
        ("application/json", b"{}", False),
        ("", b"", False),
    ],
)
def test_is_web_page(content_type: str, body: bytes, expected: bool) -> None:
    """By its type or by its first byte."""
    assert is_web_page(content_type, body) is expected


def response(status: int, location: str | None = "/elsewhere") -> requests.Response:
    made = requests.Response()
    made.status_code = status
    if location is not None:
        made.headers["Location"] = location
    return made


def test_a_redirect_is_hidden() -> None:
    """Its target is kept, and the library has none to prepare a request for."""
    blocking, awaiting = RedirectHider(), RedirectHider()
    first, second = response(302), response(302)
    blocking(first)
    anyio.run(awaiting.ahide, second)
    for hider, redirect in ((blocking, first), (awaiting, second)):
        assert (hider.location, redirect.headers.get("location")) == ("/elsewhere", None)
        assert hider.response is redirect


def test_before_an_answer_nothing_is_hidden() -> None:
    """There is no response to close, and no target to speak of."""
    hider = RedirectHider()
    assert (hider.response, hider.location) == (None, None)


@pytest.mark.parametrize(("status", "location"), [(201, "/made"), (302, None)])
def test_nothing_to_hide(status: int, location: str | None) -> None:
    """What is no redirect keeps its header, and a redirect may have none."""
    answer = response(status, location)
    hider = RedirectHider()
    hider(answer, stream=True, timeout=5)
    assert (hider.location, answer.headers.get("location")) == (None, location)


@pytest.fixture(name="far_from_gmt")
def _far_from_gmt() -> Iterator[None]:
    """The machine's own clock shows other hours."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of this system cannot be set for one process")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "XYZ+7")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_gmt")
@pytest.mark.parametrize(
    ("date", "unix"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", WALL),
        ("Tue, 14 Nov 2023 23:13:20 +0100", WALL),
        ("Tue, 14 Nov 2023 22:13:20", WALL),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("Tue, 99 Nov 2023 22:13:20 GMT", None),
    ],
)
def test_unix_time(date: str, unix: float | None) -> None:
    """An HTTP date is in GMT if it does not say so."""
    assert unix_time(date) == unix


@pytest.mark.parametrize(
    ("headers", "skew"),
    [
        ({"date": http_date(WALL + 90)}, 90),
        ({"date": http_date(WALL - 90)}, -90),
        ({"date": http_date(WALL)}, 0),
        ({"date": "garbage"}, None),
        ({}, None),
    ],
)
def test_clock_skew(headers: dict[str, str], skew: float | None) -> None:
    """How far the server's clock is ahead; unknown if it does not show it."""
    assert clock_skew(headers, WALL) == skew


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", " text/json ;x=y", "application/problem+json", "a/b+JSON"],
)
def test_is_json(content_type: str) -> None:
    """Also a type that is made of it."""
    assert is_json(content_type)


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "application/jsonp", "application/xml; x=application/json", "application/x-json"]
)
def test_is_no_json(content_type: str) -> None:
    """Nor is one that only looks like it."""
    assert not is_json(content_type)
