"""Promise 9 for streamed responses: a refusal is set aside, and the caller streams the final answer."""

from __future__ import annotations

from typing import Any

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import scene

CONTENT = bytes(range(256)) * 1024  # 256 KiB: several chunks for either library


def streamed(session: Any, method: str, url: str, **arguments: Any) -> tuple[int, bytes, list[int], list[bytes]]:
    """Status and body of a response whose body the test reads, and statuses and bodies of its history."""
    library_session = getattr(session, "_session", None)
    if library_session is not None:
        with library_session.request(method, url, stream=True, timeout=30, **arguments) as response:
            parts = b"".join(response.iter_content(1000))
            history = response.history
            return response.status_code, parts, [r.status_code for r in history], [r.content for r in history]
    if not hasattr(session, "call"):
        with session._client.stream(method, url, **arguments) as response:
            parts = b"".join(response.iter_bytes())
            history = response.history
            return response.status_code, parts, [r.status_code for r in history], [r.content for r in history]

    async def run() -> tuple[int, bytes, list[int], list[bytes]]:
        async with session._client.stream(method, url, **arguments) as response:
            parts = b"".join([part async for part in response.aiter_bytes()])
            history = response.history
            return response.status_code, parts, [r.status_code for r in history], [r.content for r in history]

    result: tuple[int, bytes, list[int], list[bytes]] = session.call(run)
    return result


@each_client
def test_a_streamed_response_is_renewed_as_any_other(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The refusal is read and set aside. The caller streams the second answer."""
    with scene(client, oauth_server) as s:
        s.session.get_token()
        oauth_server.api.next(Answer(401, b"refused"), Answer(200, CONTENT))
        status, body, history, refused = streamed(s.session, "GET", oauth_server.api_url)
        assert (status, history, refused) == (200, [401], [b"refused"])
        assert body == CONTENT
        assert s.token_requests == 2


@each_client
def test_a_streamed_refusal_that_is_returned_can_be_read(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If the request cannot be sent again, the caller gets the body of the 401."""
    with scene(client, oauth_server) as s:
        s.session.get_token()
        oauth_server.api.next(Answer(401, CONTENT))
        oauth_server.token_endpoint.always(Answer(503))
        assert streamed(s.session, "GET", oauth_server.api_url) == (401, CONTENT, [], [])


@each_client
def test_a_refusal_with_a_huge_body_does_not_break_the_second_try(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """A body that is too large to read is dropped with its connection."""
    with scene(client, oauth_server) as s:
        s.session.get_token()
        oauth_server.api.next(Answer(401, CONTENT * 8), Answer(200, b"fine"))
        status, body, history, _ = streamed(s.session, "GET", oauth_server.api_url)
        assert (status, body, history) == (200, b"fine", [401])
        assert s.get().status == 200
