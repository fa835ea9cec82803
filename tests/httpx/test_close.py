"""A transport of the person's whose answers fail to close, for the token requests of the httpx adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

from oauth_cc_auth import Token, TokenError
from tests.clients import ALL_CLIENTS, REQUESTS, ClientKind, for_clients
from tests.httpx_network import TOKEN_URL, library_client

SECRET = "a-secret-that-nobody-may-see"
each_httpx = for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))


def stream(client: ClientKind, pieces: Callable[[], Iterator[bytes]]) -> Any:
    """The body of an answer that cannot be closed."""

    class Stream(client.library.SyncByteStream, client.library.AsyncByteStream):  # type: ignore[misc, name-defined]  # as known when it runs
        def __iter__(self) -> Iterator[bytes]:
            return pieces()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in pieces():
                yield piece

        def close(self) -> None:
            raise OSError(f"close failed for {SECRET}")

        async def aclose(self) -> None:
            self.close()

    return Stream()


def token_by(client: ClientKind, pieces: Callable[[], Iterator[bytes]], status: int = 200) -> Token:
    """The token that such answers bring."""

    class Transport(client.library.BaseTransport, client.library.AsyncBaseTransport):  # type: ignore[misc, name-defined]  # as above
        def handle_request(self, request: Any) -> Any:
            return client.library.Response(status, stream=stream(client, pieces))

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    auth = client.auth_class(
        TOKEN_URL, "client", SECRET, token_client=library_client(client, transport=Transport()), deadline=0.3
    )
    backend = client.backend
    token: Token = auth.get_token() if backend is None else anyio.run(auth.aget_token, backend=backend)
    return token


def broken() -> Iterator[bytes]:
    yield b"{"
    raise MemoryError(SECRET)


@each_httpx
def test_a_close_that_fails_while_an_error_is_handled_is_not_heard(client: ClientKind) -> None:
    """What went wrong first is what the person learns of, as the error that it always is."""
    with pytest.raises(TokenError) as caught:
        token_by(client, broken)
    assert isinstance(caught.value, client.library.RequestError)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "close failed" not in str(caught.value)


@each_httpx
def test_a_close_that_fails_after_a_redirect_changes_nothing(client: ClientKind) -> None:
    """All that was wanted of that answer is its head."""
    with pytest.raises(TokenError, match="302"):
        token_by(client, broken, status=302)
