"""A network of requests-mock: a token endpoint that issues "one", "two" and "three", and an API; for a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import requests_mock

from oauth_cc_auth.requests import ClientCredentialsAuth

TOKEN_URL = "https://login.example.com/oauth2/token"
API_URL = "https://api.example.com/orders"
TOKENS = [{"json": {"access_token": value, "expires_in": 3600}} for value in ("one", "two", "three")]


@pytest.fixture
def network() -> Iterator[requests_mock.Mocker]:
    """A mocked network with a token endpoint that issues the tokens "one", "two" and "three"."""
    with requests_mock.Mocker() as mocker:
        mocker.post(TOKEN_URL, TOKENS)
        yield mocker


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret")
        yield opened


def accepts_from(second: str, *later: str) -> Any:
    """An API that refuses every token but these, as a callback of requests-mock's."""
    good = {f"Bearer {token}" for token in (second, *later)}

    def answer(request: Any, context: Any) -> str:
        context.status_code = 200 if request.headers["Authorization"] in good else 401
        return str(request.headers["Authorization"])

    return answer
