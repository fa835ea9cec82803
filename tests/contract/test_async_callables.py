"""Promises 9 and 13: your callables are plain functions. An async one is an error; no coroutine counts as true."""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from oauth_cc_auth import ClientAuthentication, ConfigurationError, Credentials, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.scenes import scene
from tests.contract.token_side import auth_for, failure_of


async def of_any_arguments(*args: Any) -> Any:
    return "secret123456"


class AsyncObject:
    async def __call__(self, *args: Any) -> Any:
        return "secret123456"


class AsyncStrategy(ClientAuthentication):
    async def credentials_for(self, context: Any) -> Credentials:  # type: ignore[override]  # the mistake
        return Credentials()


class AsyncStrategyOf01(ClientAuthentication):
    async def authenticate(self, *args: Any) -> Credentials:  # type: ignore[override]  # the mistake
        return Credentials()


ASYNC = [of_any_arguments, partial(of_any_arguments), AsyncObject(), partial(AsyncObject()), AsyncObject().__call__]


@each_client
@pytest.mark.parametrize("function", ASYNC, ids=["function", "partial", "object", "partial of object", "method"])
@pytest.mark.parametrize("name", ["client_secret", "renew_on", "on_event"])
def test_an_async_callable_is_refused_at_once(client: ClientKind, name: str, function: Any) -> None:
    """The constructor raises the error, and the message names the argument."""
    arguments: dict[str, Any] = {"client_secret": "secret", name: function}
    with pytest.raises(ConfigurationError, match=rf"^{name} (is an async function|must be a plain function)"):
        client.auth_class("https://login.example.com/token", "client", **arguments)


@each_client
@pytest.mark.parametrize("strategy", [AsyncStrategy(), AsyncStrategyOf01()], ids=["context", "version 0.1"])
def test_an_async_strategy_is_refused_at_once(client: ClientKind, strategy: ClientAuthentication) -> None:
    """With either of the two interfaces."""
    with pytest.raises(ConfigurationError, match=r"^client_authentication has an async method; define a plain one"):
        client.auth_class("https://login.example.com/token", "client", "secret", client_authentication=strategy)


@each_client
def test_renew_on_that_returns_a_coroutine(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The order was posted once, and the error is also the library's."""

    async def is_refused(status: int, headers: Mapping[str, str]) -> bool:
        return status == 401

    with scene(client, oauth_server, renew_on=lambda status, headers: is_refused(status, headers)) as s:
        oauth_server.api.next(Answer(201))
        with pytest.raises(TokenError) as caught:
            s.session.request("POST", oauth_server.api_url, b"an order")
    gc.collect()
    assert str(caught.value) == (
        "renew_on, called with status and headers, returned an object of type coroutine, which no one awaits: "
        "pass a plain function"
    )
    library_error = "RequestException" if client is REQUESTS else "RequestError"
    assert isinstance(caught.value, getattr(client.library, library_error))
    assert (len(oauth_server.api_requests), s.token_requests) == (1, 1)


@each_client
def test_a_secret_callable_that_returns_a_coroutine(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The plugin sends nothing."""
    auth = auth_for(client, oauth_server, client_secret=lambda: of_any_arguments())
    with client.session(auth) as session:
        error = failure_of(session, oauth_server.api_url)
    gc.collect()
    assert str(error) == (
        "client_secret callable gave no secret: it returned an object of type coroutine, which no one awaits: pass a "
        "plain function"
    )
    assert oauth_server.requests == ()


@each_client
def test_a_strategy_that_returns_a_coroutine(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The plugin sends nothing."""

    class Strategy(ClientAuthentication):
        def credentials_for(self, context: Any) -> Any:
            return of_any_arguments()

    with scene(client, oauth_server, client_authentication=Strategy()) as s, pytest.raises(TokenError) as caught:
        s.get()
    gc.collect()
    assert "it returned an object of type coroutine, which no one awaits" in str(caught.value)
    assert oauth_server.requests == ()


@each_client
def test_on_event_that_returns_a_coroutine(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The request succeeds, and a WARNING says that the hook did nothing."""
    with scene(client, oauth_server, on_event=lambda event: of_any_arguments(event)) as s:
        assert s.get().status == 200
    gc.collect()
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "on_event returned an object of type coroutine, which no one awaits: pass a plain function; nothing else "
        "depends on it"
    ]


@each_client
def test_plain_callables_that_wait_for_coroutines_are_fine(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Only the result counts, not how the callable computes it."""

    def secret() -> str:
        coroutine = of_any_arguments()
        with pytest.raises(StopIteration):
            coroutine.send(None)
        return oauth_server.client_secret

    auth = auth_for(client, oauth_server, client_secret=secret)
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
