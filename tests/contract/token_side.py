"""Shared by the contract tests of the token request."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import LoopbackServer, RecordedRequest
from tests.clients import ClientKind, Session
from tests.fake_clock import FakeClock

BASIC = "client_secret_basic"
POST = "client_secret_post"
RAW_BASIC = "client_secret_basic (not percent-encoded)"


def auth_for(client: ClientKind, server: LoopbackServer, clock: FakeClock | None = None, **settings: Any) -> Any:
    """An auth object for the server's main client. `settings` extend or replace its arguments."""
    arguments = {
        "token_url": server.token_url,
        "client_id": server.client_id,
        "client_secret": server.client_secret,
        **settings,
    }
    auth = client.auth_class(**arguments)
    if clock is not None:
        auth._start(clock)
    return auth


def methods_tried(server: LoopbackServer) -> list[str | None]:
    """The authentication method of each token request so far; "both" if it used two."""
    return [request.client_authentication for request in server.token_requests]


def credentials_sent(request: RecordedRequest) -> dict[str, Any]:
    """Everything in a token request that can identify the client, in headers and body."""
    return {
        "Authorization": list(request.headers.get_all("Authorization")),
        "body": [pair for pair in request.form if pair[0] in ("client_id", "client_secret")],
    }


def basic(pair: str) -> dict[str, Any]:
    """`credentials_sent` of a request with HTTP Basic and nothing else. `pair` is the text before Base64."""
    return {"Authorization": ["Basic " + b64encode(pair.encode()).decode()], "body": []}


def posted(client_id: str, client_secret: str) -> dict[str, Any]:
    """`credentials_sent` of a request with credentials in its body and nothing else."""
    return {"Authorization": [], "body": [("client_id", client_id), ("client_secret", client_secret)]}


def basic_pair(request: RecordedRequest) -> str:
    """The content of a Basic header, decoded from Base64."""
    return b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()


def failure_of(session: Session, url: str, **options: Any) -> TokenError:
    """The error of a request to `url`."""
    with pytest.raises(TokenError) as caught:
        session.request("GET", url, **options)
    return caught.value
