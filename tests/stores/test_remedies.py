"""What a process is told to do about a failure that another one has met."""

from __future__ import annotations

import pytest

from oauth_cc_auth import ClientCredentialsConfig, DPoP, NoClientAuthentication
from oauth_cc_auth._stores.remedies import ITS_LOG, advice_for

URL = "https://login.example.com/token"
CHECK = "the command `oauth-cc-auth check` shows which step fails"
LONGER = "if the server needs longer, raise timeout, and deadline for all attempts together"


@pytest.mark.parametrize(
    ("reason", "status_code", "remedy"),
    [
        (
            "invalid_client",
            401,
            "check client_id and client_secret, and that this client may use this authentication method",
        ),
        ("invalid_scope", 400, "check scope: something in 'a b' is unknown or not granted to this client"),
        ("use_dpop_nonce", 400, "the provider wants tokens to be bound to a key: pass dpop=DPoP()"),
        ("server_error", 500, "the fault is on the server's side"),
        ("redirected", 302, "token requests are never redirected: set token_url to the final URL"),
        ("web_page", 403, None),
        ("web_page", None, "check that token_url is the right one"),
        ("no_access_token", None, "check that token_url is the right one"),
        ("unreachable_dns", None, f"check the host in token_url, and whether this machine can look it up; {CHECK}"),
        ("timed_out", None, f"{LONGER}; {CHECK}"),
        ("tls_expired", None, "have the certificate renewed, and check that the clock of this machine is right"),
        ("rate_limited", 429, str(ITS_LOG)),
        ("a_later_one", None, str(ITS_LOG)),
    ],
)
def test_the_remedy_is_the_usual_one(reason: str, status_code: int | None, remedy: str | None) -> None:
    """As far as the code says it; scope and method are those of this process, which shares the other's settings."""
    config = ClientCredentialsConfig(URL, "a", "b", scope="a b")
    told = str(advice_for(reason, status_code, config))
    if remedy is None:
        assert told.startswith("check client_id and client_secret, and that this client may use")
    else:
        assert told == remedy


def test_without_a_secret() -> None:
    """None is named."""
    config = ClientCredentialsConfig(URL, "a", client_authentication=NoClientAuthentication())
    assert str(advice_for("invalid_client", 401, config)).startswith(
        "check client_id and the client's proof, and that "
    )


def test_a_nonce_for_a_key() -> None:
    """Who has a key is not told to pass one."""
    config = ClientCredentialsConfig(URL, "a", "b", dpop=DPoP())
    assert str(advice_for("use_dpop_nonce", 400, config)) == str(ITS_LOG)
