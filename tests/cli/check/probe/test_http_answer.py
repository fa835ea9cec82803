"""What is read from an HTTP answer, whatever it means."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from oauth_cc_auth._cli.check.facts import HttpAnswer
from oauth_cc_auth._cli.check.probe.http_answer import http_answer
from oauth_cc_auth._http.challenge import challenge_parameter

NOW = 1_700_000_000.0


def read(status: int = 200, body: bytes = b"{}", secrets: tuple[str, ...] = (), **headers: str) -> HttpAnswer:
    by_name = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_answer(status, by_name, body, wall=NOW, secrets=secrets)


def test_a_bare_answer() -> None:
    """Nothing is made up."""
    assert read() == HttpAnswer(200)


def test_everything_that_others_wrote_is_masked() -> None:
    """Servers and gateways echo."""
    answer = read(
        401,
        b"no S3cret here",
        ("S3cret",),
        content_type="text/S3cret",
        via="1.1 S3cret",
        www_authenticate='Bearer realm="S3cret"',
        retry_after="7",
    )
    assert answer == HttpAnswer(
        401,
        content_type="text/***",
        via="1.1 ***",
        challenge='Bearer realm="***"',
        retry_after=7.0,
        excerpt="no *** here",
    )
    assert read(302, secrets=("S3cret",), location="https://a/S3cret?code=1").location == "https://a/***?***"


@pytest.mark.parametrize("echo", [r"S3\cret", r"\S\3\c\r\e\t", r"\\\S3cret", r"\u00533cret"])
def test_backslashes_in_quotes_hide_no_secret(echo: str) -> None:
    """Whoever reads the parameter takes them off."""
    answer = read(401, secrets=("S3cret",), www_authenticate=f'Bearer error="say \\"{echo}\\""')
    error = challenge_parameter(answer.challenge, "error")
    assert error is not None
    assert error.replace("\\", "") == 'say "***"'


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        (formatdate(NOW + 100, usegmt=True), 100.0),
        (formatdate(NOW - 100).replace("-0000", ""), -100.0),
        ("", None),
        ("yesterday", None),
        ("Mon, 99 Nov 2023 22:13:20 GMT", None),
        ("Tue, 14 Nov 99999999999 22:13:20 GMT", None),
    ],
)
def test_the_clock_of_the_server(date: str, skew: float | None) -> None:
    """Where its date can be read."""
    assert read(date=date).skew == skew


@pytest.mark.parametrize(
    ("status", "content_type", "body", "web_page", "excerpt"),
    [
        (200, "text/html", b"<TITLE lang=en>A &lt; B\n</title>", True, "A < B"),
        (200, "", b" <html>", True, None),
        (200, "application/json", b'{"token": "unknown secret"}', False, None),
        (500, "text/plain", b"  what\x00 happened\n", False, "what happened"),
        (500, "text/plain", b"\xff", False, "\ufffd"),
    ],
)
def test_what_it_says(status: int, content_type: str, body: bytes, web_page: bool, excerpt: str | None) -> None:
    """The title of a web page, the text of a refusal; of a success nothing, because it may hold a token."""
    answer = read(status, body, content_type=content_type)
    assert (answer.web_page, answer.excerpt) == (web_page, excerpt)


def test_an_empty_body() -> None:
    """White space counts as nothing."""
    assert read(403, b" \r\n").empty
    assert not read(403, b"x").empty


def test_only_redirects_have_a_location() -> None:
    """201 may have one that means something else."""
    assert read(201, location="/x").location is None
