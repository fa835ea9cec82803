"""`challenge`: what an API asks for in ``WWW-Authenticate``."""

from __future__ import annotations

import pytest

from oauth_cc_auth._http.challenge import challenge_parameter, challenge_schemes, plainly_quoted


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ('Bearer error="a b"', "a b"),
        ("Bearer error=a", "a"),
        ('Bearer error = "a"', "a"),
        ('Bearer scope="x", ERROR="a"', "a"),
        ('Bearer x_error="b", error="a"', "a"),
        ('Bearer error=""', ""),
        ('Bearer error="say \\"a\\" \\\\"', 'say "a" \\'),
        ("Bearer error=a,scope=b", "a"),
        ("Bearer", None),
        ("", None),
        (None, None),
    ],
)
def test_parameters_of_a_challenge(header: str | None, value: str | None) -> None:
    """Quoted or not, in any order and case."""
    assert challenge_parameter(header, "error") == value


@pytest.mark.parametrize(
    ("header", "schemes"),
    [
        ("Bearer", ("Bearer",)),
        ('Bearer realm="x, Basic", error = "a", Basic realm=y', ("Bearer", "Basic")),
        ("Negotiate, NTLM", ("Negotiate", "NTLM")),
        ("Negotiate abc==", ("Negotiate",)),
        ('DPoP algs="ES256, cut of', ("DPoP",)),
        ('error="a"', ()),
        ("", ()),
        (None, ()),
    ],
)
def test_schemes_of_a_challenge(header: str | None, schemes: tuple[str, ...]) -> None:
    """What stands in quotes is none, nor is a parameter."""
    assert challenge_schemes(header) == schemes


@pytest.mark.parametrize(
    ("challenge", "shown"),
    [
        ('Bearer error="a"', 'Bearer error="a"'),
        (r'Bearer realm="s3\cr\et\X"', 'Bearer realm="s3cretX"'),
        (r'Bearer realm="say \"a\" \\ b"', r'Bearer realm="say \"a\" \\ b"'),
    ],
)
def test_needless_backslashes(challenge: str, shown: str) -> None:
    """They are gone; those that change what a quote or a backslash means stay."""
    assert plainly_quoted(challenge) == shown
