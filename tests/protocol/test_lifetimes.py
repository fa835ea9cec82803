"""`lifetimes`: the unit is named in the settings, and what makes no sense says nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_cc_auth._protocol.lifetimes import LONGEST_LIFE, lifetime, lifetime_of_jwt
from oauth_cc_auth._settings.endpoint_checks import LIFETIME_UNITS

WALL = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        (1800, "s", 1800),
        (1_800_000, "ms", 1800),
        ("1800000", "ms", 1800),
        (30, "min", 1800),
        (0.5, "h", 1800),
        (2, "d", 172_800),
        (WALL + 60, "unix", 60),
        (str(int(WALL + 60)), "unix", 60),
        (WALL - 60, "unix", 0),
        ((WALL + 60) * 1000, "unix_ms", 60),
        ("1:02:03:04", "clock", 93_784),
        ("177:05:38", "clock", 637_538),
        ("05:30", "clock", 330),
        ("0:00:01.5", "clock", 1.5),
        (" 2026-01-01T00:01:00Z ", "date", 60),
        ("2026-01-01 00:01", "date", 60),
        ("2026-01-01T01:01:00.1234567+0100", "date", 60.123456),
        ("2026-01-01T01:01:00,5+01:00", "date", 60.5),
        ("2026-01-01T02:01:00+02", "date", 60),
        ("2026-01-01 00:01:00 UTC", "date", 60),
        ("Thu, 01 Jan 2026 00:01:00 GMT", "date", 60),
        ("2025-12-31T23:59:00Z", "date", 0),
        ("2226-01-01T00:00:00Z", "date", LONGEST_LIFE),
    ],
)
def test_units(value: object, unit: str, seconds: float) -> None:
    """Spans are as they are; moments are compared with the clock."""
    assert lifetime(value, unit, WALL) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("soon", "clock"),
        (60, "clock"),
        ("1:2:3:4:5", "clock"),
        ("60", "clock"),
        ("1:٣", "clock"),
        (WALL, "date"),
        ("2026-13-01T00:00:00Z", "date"),
        ("tomorrow", "date"),
        ("9" * 65, "date"),
        ("2026-01-01T00:00:00+99:99", "date"),
        (None, "unix"),
        ("x", "min"),
        (True, "ms"),
    ],
)
def test_what_is_no_such_thing(value: object, unit: str) -> None:
    """It is not read in another unit."""
    assert lifetime(value, unit, WALL) is None


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.sampled_from(LIFETIME_UNITS))
def test_anything(value: object, unit: str) -> None:
    """A life is a number from 0 to the longest, or None."""
    seconds = lifetime(value, unit, WALL)
    assert seconds is None or 0 <= seconds <= LONGEST_LIFE


def jwt(claims: Any) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "x"}, claims)
    ]
    return ".".join([*parts, "signature"])


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (jwt({"iat": 1000, "exp": 1600}), 600),
        (jwt({"iat": 1000.5, "exp": "1600"}), 599.5),
        (jwt({"iat": 0, "exp": 10**12}), LONGEST_LIFE),
        (jwt({"exp": 1600}), None),
        (jwt({"iat": 1600, "exp": 1600}), None),
        (jwt({"iat": "x", "exp": 1600}), None),
        (jwt([1]), None),
        ("eyJhbGciOiJ4In0.e30", None),
        ("eyJhbGciOiJ4In0.!!!!.x", None),
        ("eyJhbGciOiJ4In0.x.x", None),
        ("opaque.token.x", None),
        (f"eyJ.{'a' * 70_000}.x", None),
    ],
)
def test_a_jwt(token: str, seconds: float | None) -> None:
    """`exp` minus `iat`, both by the clock of the server; anything else says nothing."""
    assert lifetime_of_jwt(token) == seconds
