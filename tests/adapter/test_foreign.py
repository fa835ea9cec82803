"""`_foreign`: which module to import instead."""

from __future__ import annotations

import httpx
import httpx2
import pytest
import requests

from oauth_cc_auth._adapter.base import foreign_request


class Auth:
    pass


@pytest.mark.parametrize(
    ("request_", "library"),
    [
        (requests.Request("GET", "https://x").prepare(), "requests"),
        (httpx.Request("GET", "https://x"), "httpx"),
        (httpx2.Request("GET", "https://x"), "httpx2"),
    ],
)
def test_a_request_of_a_known_library(request_: object, library: str) -> None:
    """The message names the class that was used and the module that is right."""
    assert foreign_request(Auth(), request_) == (
        f"{__name__}.Auth was given a request of {library}: import ClientCredentialsAuth from oauth_cc_auth.{library}"
    )


@pytest.mark.parametrize("request_", [None, object(), "https://x", Auth()])
def test_anything_else(request_: object) -> None:
    """Then all three are named."""
    assert foreign_request(Auth(), request_) == (
        f"{__name__}.Auth was given a {type(request_).__name__}, which is no prepared request; there is a "
        "ClientCredentialsAuth in oauth_cc_auth.requests, oauth_cc_auth.httpx, oauth_cc_auth.httpx2"
    )
