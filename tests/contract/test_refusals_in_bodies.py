"""Promise 9: `renew_on` may decide by the body of an answer: some APIs refuse a token with status 200."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ALL_CLIENTS, REQUESTS, ClientKind, Session, each_client, for_clients
from tests.contract.scenes import scene

LIMIT = 64 * 1024
REFUSED = {"success": False, "errors": [{"code": "602", "message": "Access token expired"}]}
each_httpx = for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))


class Marketo:
    """A `renew_on`, and the bodies that it was given."""

    def __init__(self) -> None:
        self.bodies: list[bytes | None] = []

    def __call__(self, status: int, headers: Mapping[str, str], body: bytes | None) -> bool:
        self.bodies.append(body)
        return status == 401 or (body is not None and b'"602"' in body)


def streamed(session: Session, url: str, *, raw: bool) -> bytes:
    """The whole body, read piece by piece."""
    client: Any = getattr(session, "_client", None)
    if client is None:
        response = session._session.get(url, stream=True)  # type: ignore[attr-defined]
        return response.raw.read() if raw else b"".join(response.iter_content(7))
    call = getattr(session, "call", None)
    if call is None:
        with client.stream("GET", url) as response:
            return b"".join(response.iter_raw() if raw else response.iter_bytes())

    async def read() -> bytes:
        async with client.stream("GET", url) as response:
            return b"".join([piece async for piece in (response.aiter_raw() if raw else response.aiter_bytes())])

    body: bytes = call(read)
    return body


@each_client
def test_a_success_can_be_a_refusal(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The token is renewed and the request sent again, once."""
    with scene(client, oauth_server, renew_on=Marketo()) as s:
        s.go_on()
        oauth_server.api.next(Answer(200, REFUSED))
        result = s.get()
        assert (result.status, result.json()["token_number"]) == (200, 2)
        oauth_server.api.always(Answer(200, REFUSED))
        assert s.get().json() == REFUSED
    assert s.token_requests == 3


@each_client
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("gzipped", [True, False])
def test_the_body_is_still_there(client: ClientKind, oauth_server: LoopbackServer, raw: bool, gzipped: bool) -> None:
    """Also for who reads it in pieces, decoded or as it came."""
    content = json.dumps({"rows": list(range(1000))}).encode()
    headers = {"Content-Type": "application/json"}
    answer = Answer.gzipped(content, headers=headers) if gzipped else Answer(200, content, headers)
    condition = Marketo()
    with scene(client, oauth_server, renew_on=condition) as s:
        oauth_server.api.always(answer)
        assert streamed(s.session, oauth_server.api_url, raw=raw) == (answer.body if raw else content)
        assert s.get().text == content.decode()
    assert condition.bodies == [None if client is REQUESTS else content, content]


@each_client
@pytest.mark.parametrize(
    ("answer", "is_seen"),
    [
        (Answer(200, "x" * 10, content_type="text/plain"), False),
        (Answer(200, "0" * LIMIT, content_type="application/problem+json"), True),
        (Answer(200, "0" * (LIMIT + 1), content_type="application/json"), False),
        (Answer(200, "", content_type="application/json"), True),
    ],
    ids=["text", "64 KiB", "more", "empty"],
)
def test_which_bodies_are_seen(client: ClientKind, oauth_server: LoopbackServer, answer: Answer, is_seen: bool) -> None:
    """JSON of at most 64 KiB."""
    condition = Marketo()
    with scene(client, oauth_server, renew_on=condition) as s:
        oauth_server.api.always(answer)
        assert s.get().text.encode() == answer.content
    assert condition.bodies == [answer.content if is_seen else None]


@each_httpx
def test_no_length_no_look(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """What may never end is not read. In httpx, a flow is not told whether the caller wants a stream."""
    condition = Marketo()
    with scene(client, oauth_server, renew_on=condition) as s:
        oauth_server.api.always(Answer(200, {"a": 1}, content_length=False))
        assert s.get().json() == {"a": 1}
    assert condition.bodies == [None]


@each_client
def test_a_body_that_is_cut_off(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The caller gets the error that the library has for it, with the request in it."""
    library: Any = client.library
    with scene(client, oauth_server, renew_on=Marketo()) as s:
        oauth_server.api.always(Answer(200, {"a": 1}, content_length=60))
        with pytest.raises(
            library.exceptions.RequestException if library is requests else library.RequestError
        ) as caught:
            s.get()
    assert str(caught.value.request.url if library is not requests else oauth_server.api_url) == oauth_server.api_url
    assert s.token_requests == 1


@each_httpx
def test_a_hook_that_has_read_it(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Then nothing is read a second time."""

    def read(response: Any) -> None:
        response.read()

    async def aread(response: Any) -> None:
        await response.aread()

    condition = Marketo()
    hooks = {"event_hooks": {"response": [aread if client.is_async else read]}}
    with scene(client, oauth_server, renew_on=condition, session=hooks) as s:
        oauth_server.api.always(Answer(200, {"a": 1}))
        assert s.get().json() == {"a": 1}
    assert condition.bodies == [b'{"a": 1}']


@each_client
def test_after_a_redirect_too(client: ClientKind, oauth_server: LoopbackServer, other: LoopbackServer) -> None:
    """A listed origin that a redirect leads to asks for the token by its body."""
    origins = [oauth_server.origin, other.origin]
    oauth_server.api.next(Answer.redirect(other.origin + "/open"))
    asked: list[Any] = []  # in requests also of the redirect itself

    def asks(status: int, headers: Mapping[str, str], body: bytes | None) -> bool:
        asked.append(body)
        return len(asked) == (1 if client is not REQUESTS else 2)

    with scene(client, oauth_server, renew_on=asks, api_origins=origins, follow_redirects=True) as s:
        assert s.get().status == 200
    assert [("Authorization" in each.headers) for each in other.requests] == [False, True]


@pytest.fixture
def other() -> Iterator[LoopbackServer]:
    """Another origin."""
    with LoopbackServer() as server:
        yield server


@each_client
def test_the_error_names_what_it_was_called_with(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If it raises."""

    def condition(status: int, headers: Mapping[str, str], body: bytes | None) -> bool:
        raise RuntimeError

    with (
        scene(client, oauth_server, renew_on=condition) as s,
        pytest.raises(TokenError, match=r"^renew_on, called with status, headers and body, raised RuntimeError"),
    ):
        s.get()
