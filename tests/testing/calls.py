"""Requests to the loopback server with ``http.client``, which shows what is on the wire."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import urlencode

from oauth_cc_auth.testing import LoopbackServer
from tests.testing.wire import LIMIT

GRANT = {"grant_type": "client_credentials"}
POSTED = {**GRANT, "client_id": "client", "client_secret": "secret"}
FORM_TYPE = "application/x-www-form-urlencoded"


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    pair = f"{client_id}:{client_secret}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


BASIC = basic("client", "secret")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def connect(server: LoopbackServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=LIMIT)


def exchange(connection: http.client.HTTPConnection, method: str, path: str, **kwargs: Any) -> Reply:
    connection.request(method, path, **kwargs)
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def call(server: LoopbackServer, path: str = "/api", method: str = "GET", **kwargs: Any) -> Reply:
    with closing(connect(server)) as connection:
        return exchange(connection, method, path, **kwargs)


def ask(
    server: LoopbackServer,
    form: Mapping[str, str] | Iterable[tuple[str, str]] = POSTED,
    headers: Mapping[str, str] | None = None,
    *,
    query: str = "",
    content_type: str = FORM_TYPE,
) -> Reply:
    """A token request."""
    pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
    sent = {"Content-Type": content_type, **(headers or {})}
    return call(server, "/oauth2/token" + query, "POST", body=urlencode(pairs), headers=sent)


def new_token(server: LoopbackServer) -> str:
    token: str = ask(server).json["access_token"]
    return token
