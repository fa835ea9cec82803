"""What looks wrong with credentials, before a server has been asked."""

from __future__ import annotations

import pytest

from oauth_cc_auth._cli.check.oddities import oddities, placeholder_in

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SPACE, QUOTES = "--client-secret begins or ends with white space.", "--client-secret is in quotes."
PLACEHOLDER = "--client-secret looks like a placeholder."


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("secret123456", []),
        ("a b", []),
        ("Q8~x.y-_z", []),
        (" secret", [SPACE]),
        ("secret ", [SPACE]),
        ("'secret'", [QUOTES]),
        ('"secret" ', [SPACE, QUOTES]),
        ("\"secret'", []),
        ("<secret>", [PLACEHOLDER]),
        ("${CLIENT_SECRET}", [PLACEHOLDER]),
        ("$SECRET", [PLACEHOLDER]),
        ("{{ secret }}", [PLACEHOLDER]),
        ("your-secret", [PLACEHOLDER]),
        ("xxxxxxxx", [PLACEHOLDER]),
        ("********", [PLACEHOLDER]),
        ("changeme", [PLACEHOLDER]),
        ("pass\u2013word", ["--client-secret has characters beyond ASCII, perhaps from a word processor."]),
        (UUID, ["--client-secret is a UUID: if the provider shows an id and a value of the secret, use the value."]),
        ("client", ["--client-id and --client-secret are the same."]),
    ],
)
def test_secrets(secret: str, told: list[str]) -> None:
    """No sentence holds any part of it."""
    assert oddities("client", secret) == tuple(told)


def test_ids() -> None:
    """Of an id the same, but that a UUID is usual."""
    assert oddities(UUID, "secret123456") == ()
    assert oddities(" <id>", "secret123456") == (
        "--client-id begins or ends with white space.",
        "--client-id looks like a placeholder.",
    )


def test_scopes() -> None:
    """Separated by commas, they are one scope that no server knows."""
    assert oddities("client", "secret123456", "orders:read orders:write") == ()
    told = ("--scope has a comma; scopes are separated by spaces (RFC 6749 §3.3).",)
    assert oddities("client", "secret123456", "orders:read,orders:write") == told
    assert oddities("client", "", "a,b") == told  # the secret is a callable


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://login.example.com/11111111-2222/oauth2/token?***", None),
        ("https://login.example.com/yours/token", None),
        ("https://login.example.com/{tenant}/oauth2/{version}/token", "{tenant}"),
        ("https://login.example.com/${TENANT}/token", "${TENANT}"),
        ("https://login.example.com/{{ tenant }}/token", "{{ tenant }}"),
        ("https://login.example.com/<realm name>/token", "<realm name>"),
        ("https://login.example.com/%7Btenant%7D/token", "%7Btenant%7D"),
        ("https://YOUR_DOMAIN.example.com/token", "YOUR_DOMAIN"),
    ],
)
def test_urls(url: str, found: str | None) -> None:
    """What documentation has in the place of a name."""
    assert placeholder_in(url) == found
