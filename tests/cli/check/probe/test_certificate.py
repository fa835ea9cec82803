"""Reading certificates that the standard library does not decode, because it does not trust them."""

from __future__ import annotations

from datetime import timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_cc_auth._cli.check.connection_facts import Certificate
from oauth_cc_auth._cli.check.probe.certificate import read_certificate
from tests.cli.check.certificates import issued

AUTHORITY = issued(common_name="Root", organization="Trust Ltd", authority=True)


def test_everything_that_a_person_asks_for() -> None:
    """Whom it is for, who issued it, its names, from when to when."""
    made = issued("a.example.com", "*.example.com", "127.0.0.1", "::1", by=AUTHORITY, organization="Example")
    certificate = made.certificate
    assert read_certificate(made.der) == Certificate(
        subject="server (Example)",
        issuer="Root (Trust Ltd)",
        names=("a.example.com", "*.example.com", "127.0.0.1", "::1"),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
    )


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"common_name": "a", "organization": "a"}, "a"),
        ({"common_name": "", "organization": "b"}, "b"),
        ({"common_name": ""}, "no name"),
        ({"common_name": "Zoë"}, "Zoë"),
    ],
    ids=repr,
)
def test_names_that_are_not_all_there(names: dict[str, Any], shown: str) -> None:
    """Some have an organization only, some nothing at all."""
    certificate = read_certificate(issued(**names).der)
    assert certificate is not None
    assert certificate.subject == shown


def test_names_that_are_no_hosts_are_left_out() -> None:
    """Such as a mail address."""
    certificate = read_certificate(issued("a@example.com", "example.com").der)
    assert certificate is not None
    assert certificate.names == ("example.com",)


def test_years_beyond_2049() -> None:
    """They are written in another way (RFC 5280 §4.1.2.5)."""
    made = issued(days=(-1, 20_000))
    certificate = read_certificate(made.der)
    assert certificate is not None
    assert certificate.not_after == made.certificate.not_valid_after_utc.timestamp()
    assert made.certificate.not_valid_after_utc.astimezone(timezone.utc).year > 2049


def test_years_before_2000() -> None:
    """Two digits from 50 on mean the last century."""
    made = issued(days=(-15_000, 1))
    certificate = read_certificate(made.der)
    assert certificate is not None
    assert certificate.not_before == made.certificate.not_valid_before_utc.timestamp()


def test_what_is_cut_off_is_no_certificate() -> None:
    """At any place, and without an exception."""
    der = AUTHORITY.der
    assert {read_certificate(der[:length]) for length in range(len(der))} == {None}


@given(st.binary(max_size=64))
def test_garbage_is_no_certificate(data: bytes) -> None:
    """A server may send what it likes."""
    assert read_certificate(data) is None


@given(st.integers(min_value=0, max_value=len(AUTHORITY.der) - 1), st.integers(min_value=0, max_value=255))
def test_a_broken_byte_raises_nothing(position: int, byte: int) -> None:
    """Whatever comes out."""
    der = bytearray(AUTHORITY.der)
    der[position] = byte
    assert isinstance(read_certificate(bytes(der)), (Certificate, type(None)))
