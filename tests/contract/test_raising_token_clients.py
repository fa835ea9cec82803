"""Promise 3: a token_client that raises for status hides nothing, and sends the secret once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests

from oauth_cc_auth import TokenEndpointError, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import HTTPX, HTTPX2, ClientKind, Session, each_client, for_clients
from tests.contract.token_side import BASIC, POST, auth_for, failure_of, methods_tried
from tests.fake_clock import FakeClock

OtherError = type("OtherError", (Exception,), {})


def raises_for_status(response: Any) -> None:
    response.raise_for_status()


def raises_its_own(response: Any) -> None:
    try:
        response.raise_for_status()
    except Exception as error:
        raise OtherError("no") from error


def _token_client(client: ClientKind, stack: ExitStack, check: Callable[[Any], None], *, reads: bool) -> Any:
    """A client that calls `check` with each response, which it has read before or not."""
    if client.library is requests:

        class Checking(requests.Session):
            def send(self, request: Any, **options: Any) -> Any:
                response = super().send(request, **options)
                assert not reads or response.content is not None
                check(response)
                return response

        return stack.enter_context(Checking())

    def hook(response: Any) -> None:
        if reads:
            response.read()
        check(response)

    async def ahook(response: Any) -> None:
        if reads:
            await response.aread()
        check(response)

    limits = client.library.Limits(max_keepalive_connections=0)  # so that there is nothing to close
    if client.is_async:
        return client.library.AsyncClient(event_hooks={"response": [ahook]}, limits=limits)
    return stack.enter_context(client.library.Client(event_hooks={"response": [hook]}, limits=limits))


@contextmanager
def session_for(
    client: ClientKind,
    server: LoopbackServer,
    check: Callable[[Any], None],
    *,
    reads: bool = True,
    clock: FakeClock | None = None,
) -> Iterator[Session]:
    """A session whose tokens come by such a client."""
    with ExitStack() as stack:
        chosen = _token_client(client, stack, check, reads=reads)
        yield stack.enter_context(client.session(auth=auth_for(client, server, clock, token_client=chosen)))


each_check = pytest.mark.parametrize("check", [raises_for_status, raises_its_own])


@each_client
@each_check
def test_the_words_of_the_endpoint_are_not_lost(
    client: ClientKind, oauth_server: LoopbackServer, check: Callable[[Any], None]
) -> None:
    """An error that only an authenticated client gets is reported, and no other method is tried."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope", "unknown scope foo"))
    with session_for(client, oauth_server, check) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError)
    assert (error.status_code, error.error, error.error_description) == (400, "invalid_scope", "unknown scope foo")
    assert methods_tried(oauth_server) == [BASIC]


@each_client
@each_check
def test_the_other_method_follows_for_the_same_reasons(
    client: ClientKind, oauth_server: LoopbackServer, check: Callable[[Any], None]
) -> None:
    """As without such a hook."""
    oauth_server.accepts = (POST,)
    with session_for(client, oauth_server, check) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC, POST]


@each_client
@each_check
def test_an_outage_passes(client: ClientKind, oauth_server: LoopbackServer, check: Callable[[Any], None]) -> None:
    """What may pass is tried again."""
    oauth_server.token_endpoint.next(Answer(503), Answer(429))
    with session_for(client, oauth_server, check, clock=FakeClock()) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC] * 3


@each_client
@pytest.mark.parametrize("status", [400, 403, 422])
def test_an_answer_that_was_not_read_is_no_evidence(
    client: ClientKind, oauth_server: LoopbackServer, status: int
) -> None:
    """httpx closes a response that a hook raises for. The error says what to do; requests can still read it."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope", status=status))
    with session_for(client, oauth_server, raises_for_status, reads=False) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError)
    assert error.status_code == status
    known = client.library is requests
    assert error.error == ("invalid_scope" if known else None)
    assert ("have it read the response first" in str(error)) is not known
    assert methods_tried(oauth_server) == [BASIC]


@each_client
def test_a_401_is_evidence_in_itself(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Even if its body was not read."""
    oauth_server.token_endpoint.next(Answer(401))
    with session_for(client, oauth_server, raises_for_status, reads=False) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC, POST]


@each_client
def test_the_answer_of_another_server_is_none(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A hook that fails because of another server says nothing about the token endpoint."""

    def fails(response: Any) -> None:
        if client.library is requests:
            other = requests.Response()
            other.status_code, other.url = 400, "https://audit.example.com/"
        else:
            request = client.library.Request("GET", "https://audit.example.com/")
            other = client.library.Response(400, request=request)
        raises_for_status(other)

    with session_for(client, oauth_server, fails) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenError)
    assert not isinstance(error, TokenEndpointError)
    assert [attempt.status_code for attempt in error.attempts] == [None]


@for_clients(HTTPX, HTTPX2)
def test_a_hook_that_reads_in_a_way_of_its_own(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its response keeps no body, so only the status is known."""

    def hook(response: Any) -> None:
        for _ in response.iter_raw():
            pass
        response.raise_for_status()

    oauth_server.token_endpoint.always(Answer.error("invalid_scope", status=400))
    with client.library.Client(event_hooks={"response": [hook]}) as own:
        auth: Any = auth_for(client, oauth_server, token_client=own)
        with pytest.raises(TokenEndpointError) as caught:
            auth.get_token()
    assert (caught.value.status_code, caught.value.error) == (400, None)
    assert len(oauth_server.token_requests) == 1
